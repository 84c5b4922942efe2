//! The system management controller, which knows temperatures, fans, voltages and power by keys of
//! four letters.
//!
//! From the wire up: [`Exchange`] is the message and [`Controller`] the way to send it, [`Session`]
//! asks and knows when to stop, [`decode`] makes numbers of bytes. A [`Table`] says which keys are
//! worth a sensor, and [`sources`] is all of it as sources. Nothing here can change anything on a
//! machine: of the commands there are, only those that read are in this program.

mod class;
mod exchange;
pub mod fake;
mod fourcc;
mod judge;
mod keys_file;
mod roster;
mod scout;
mod session;
mod slot;
mod table;
mod value;

pub use class::{Class, Limit, Place};
pub use exchange::{Controller, Exchange, KernReturn};
pub use fourcc::FourCc;
pub use keys_file::KEYS_SIZE_MAX;
pub use roster::SLOTS;
pub use session::{Description, Refusal, Session, Trouble};
pub use slot::sources;
pub use table::{BadLine, NAME_SIZE_MAX, Row, Table};
pub use value::{Kind, Unreadable, decode, fan_name};
