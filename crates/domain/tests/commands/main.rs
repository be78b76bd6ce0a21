//! Commands, decided in a small shop.

mod auto_extend;
mod shop;
mod stock;
