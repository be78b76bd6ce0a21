//! Commands, decided in a small shop.

mod access;
mod auto_extend;
mod books;
mod comments;
mod lists;
mod packages;
mod payments;
mod replacing;
mod shop;
mod stock;
mod wishes;
