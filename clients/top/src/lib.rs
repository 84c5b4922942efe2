#![forbid(unsafe_code)]
//! The dashboard behind `kymo top`: what is known of a machine, drawn into a buffer of cells.
//!
//! It has no input and no output, no clock and no thread: items of a subscriber, bytes of a
//! keyboard and times come in; cells come out. A program around it owns the terminal.
//!
//! * **What was not read has a word and never a number**: its state's name, in each panel.
//! * No character reaches a cell that a terminal would act on, whoever sent it.
//! * Every list is bounded, and a graph keeps the least and the most of each of its columns,
//!   however fast values come.
//!
//! ```
//! use kymo_top::{Moment, Options, Top};
//! use ratatui::buffer::Buffer;
//! use ratatui::layout::Rect;
//!
//! let mut top = Top::new(Options::default());
//! top.notice(0, "no daemon yet");
//! let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
//! let moment = Moment { wall_ns: 0, time_of_day: &|_| *b"12:00:00" };
//! top.draw(&mut buffer, &moment);
//! assert!(buffer.content().iter().any(|cell| cell.symbol() == "k"));
//! ```

pub mod clean;
pub mod event_text;
pub mod gap_text;
mod history;
mod input;
mod keys;
mod layout;
pub mod limits;
mod look;
mod model;
mod numbers;
pub mod quantity;
pub mod rates;
mod symbols;
mod theme;
mod top;
pub mod units;
mod view;

pub use history::{Column, History};
pub use input::{Input, Inputs};
pub use keys::Action;
pub use model::DaemonStatus;
pub use symbols::Symbols;
pub use theme::{Depth, THEMES};
pub use top::{Options, Top};
pub use view::Moment;
