//! The shapes of each wire dialect, generous in reading and exact in writing.
