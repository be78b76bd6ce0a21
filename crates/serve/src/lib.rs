//! An HTTP/1 server with deadlines, caps and knowledge of clients that have gone.
