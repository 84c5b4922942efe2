//! The same frames as lines of JSON, for people and scripts.
//!
//! Every line is one object whose first key is `type`, ended by a newline. `timestamp` is Unix
//! seconds with six decimals. A number that is not finite, and a value that was not read, is
//! `null`; integers above 2^53 are written in full.
//!
//! [`write_line`] turns any [`Frame`](crate::Frame) into its line; [`parse_subscribe`] reads the
//! one line a subscriber may send. [`Reader`] and [`Writer`] are what both are made of.

mod line;
mod read;
mod subscribe;
mod text;
mod write;

pub use line::{ClockMap, LineOptions, append_merged, write_line};
pub use read::{JsonError, JsonFault, Reader, Token};
pub use subscribe::{SubscribeRequest, parse_subscribe};
pub use text::Text;
pub use write::Writer;
