//! Recordings: written by `kymo record`, read by `kymo replay` and `kymo export`. Their format is
//! that of [`kymo_protocol::recording`], which says what each byte means.

mod index;
mod losses;
mod pace;
mod player;
mod reader;
mod timeline;
mod verdict;
mod writer;

pub use losses::Losses;
pub use pace::{due, nanoseconds};
pub use player::{Player, Shown};
pub use verdict::{close, open, tell_end, unreadable};
pub use writer::{Counts, Writer};
