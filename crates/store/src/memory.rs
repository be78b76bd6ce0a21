//! The plain in-memory store: the model that the others are compared with.
