//! What the commands do, on books in memory.

mod books;
mod catalogue;
mod customer;
mod desk;
mod key;
mod misuse;
mod payment;
mod promo;
mod stock;
