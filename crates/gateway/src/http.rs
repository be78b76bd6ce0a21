//! HTTP/1: heads and bodies read strictly, requests passed on so that one comes out for one that
//! came in.

pub mod answer;
mod backend;
mod body;
mod buffer;
pub mod chunked;
pub(crate) mod connect;
mod credentials;
mod exchange;
mod farewell;
mod forward;
pub mod framing;
pub mod head;
mod headers;
mod request;
mod response;
pub(crate) mod session;

pub use self::backend::{Backend, Ending, Limits, Stop};
pub use self::buffer::Input;
pub use self::credentials::{Credentials, Presented, Room};
pub use self::forward::serve;
pub use self::request::{Asked, Destination, Request};
pub use self::response::{Follows, Response};
