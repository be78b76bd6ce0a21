//! Proofs from outside.
//!
//! Everything here treats the program as a black box: it is started as an operator would start it,
//! spoken to over sockets as a customer's program would, and judged by its answers and by what is
//! on the disk afterwards. Nothing of the product is linked in, so no proof can share a mistake
//! with what it proves.
//!
//! [`shop`] runs the program, [`http`] and [`race`] speak to it, [`books`] and [`auditor`] look at what
//! it has written. [`programs`] are customers who keep journals of their own, [`town`] has many of
//! them at work, and [`witness`] compares their journals with the books, also whether they make one [`history`]. [`power`] cuts the power: it
//! records what a program does to its files, and at many points rebuilds what a disk could then hold.
//! A kill cannot show what that shows, because the kernel keeps what a killed program has written.
//! [`shim`] has the other faults: a full disk, a broken one and a slow one. [`postgres`] is a database
//! server that can be killed, frozen and replaced, behind a wire that can be cut, and [`cluster`] a shop
//! of several servers on it.
//!
//! [`proxies`] go through what was rented, [`echo`] is where they go to and says who came, and
//! [`network`] has a test run in a network of its own.
//!
//! A test of this kind is worth nothing unless it finds the fault in a program that has it. So those
//! of the disk run also on a small victim that promises what it does not keep.

pub mod auditor;
pub mod bodies;
pub mod books;
pub mod cluster;
pub mod customer;
pub mod database;
pub mod dates;
pub mod deeds;
pub mod disk;
pub mod echo;
pub mod figures;
pub mod history;
pub mod http;
pub mod network;
pub mod over;
pub mod postgres;
pub mod power;
pub mod programs;
pub mod proxies;
pub mod race;
pub mod random;
pub mod server;
pub mod shim;
pub mod shop;
pub mod town;
pub mod trace;
pub mod witness;
