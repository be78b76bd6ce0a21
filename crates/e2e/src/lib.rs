//! The real program on a disk that fails.
//!
//! [`power`] cuts the power: it records what a program does to its files, and at many points
//! rebuilds what a disk could then hold. A kill cannot show what that shows, because the kernel
//! keeps what a killed program has written. [`shim`] has the other faults: a full disk, a broken one
//! and a slow one.
//!
//! A test of this kind is worth nothing unless it finds the fault in a program that has it. So each
//! runs also on a small victim that promises what it does not keep.

pub mod disk;
pub mod power;
pub mod random;
pub mod shim;
pub mod trace;
