//! Commands, decided in a small shop.

mod auto_extend;
mod books;
mod lists;
mod packages;
mod payments;
mod shop;
mod stock;
mod wishes;
