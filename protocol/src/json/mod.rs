//! The same frames as lines of JSON, for people and scripts.
//!
//! Every line is one object whose first key is `type`, ended by a newline. `timestamp` is Unix
//! seconds with six decimals. A number that is not finite, and a value that was not read, is
//! `null`; integers above 2^53 are written in full.
//!
//! [`write_line`] turns any [`Frame`](crate::Frame) into its line; [`parse_subscribe`] reads the
//! one line a subscriber may send, [`parse_request`] what is asked on the control socket.
//! [`Reader`] and [`Writer`] are what both are made of.

mod base64_text;
mod catalog_line;
mod compact;
mod event;
mod event_line;
mod line;
mod notice_line;
mod object;
mod processes_line;
mod read;
mod request;
mod request_fault;
mod samples_line;
mod subscribe;
mod text;
mod vitals_line;
mod write;

pub(crate) use base64_text::decode as decode_base64;
pub use compact::{check, compact};
pub use line::{ClockMap, LineOptions, append_merged, write_line};
pub use read::{JsonError, JsonFault, Reader, Token};
pub use request::{ControlKey, ControlRequest, find_id, parse_request};
pub use request_fault::RequestFault;
pub use subscribe::{SubscribeRequest, parse_subscribe};
pub use text::Text;
pub use vitals_line::write_field;
pub use write::Writer;
