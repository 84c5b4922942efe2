//! The I/O registry: every service of the kernel with its properties, of which some are what it
//! has counted.
//!
//! [`Registry`] is the door. A source is a [`Kind`]: which services, which of their dictionaries,
//! and a table of what stands there. What it costs stands in docs/PLATFORM.md.

mod battery;
mod disk;
pub mod fake;
mod gpu;
mod services;

use core::ffi::CStr;

use kymo_protocol::Reading;

pub use battery::BATTERY;
pub use disk::{DISK, WholeDisks};
pub use gpu::GPU;
pub use services::{Kind, Services};

/// Holds the longest path that the registry tells, `io_string_t` less its NUL.
pub const TEXT_SIZE_MAX: usize = 511;

/// A text of the registry; what does not fit is cut off.
pub type Text = heapless::String<TEXT_SIZE_MAX>;

/// Whose property is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The service's own.
    Own,
    /// The service's own, or else that of the nearest service above it that has one.
    Above,
    /// The service's own, or else that of the first service below it that has one.
    Below,
}

/// A dictionary, as it was when it was asked for. What is not in it is absent, and what is of
/// another kind is a fault.
pub trait Table {
    /// Whether there is something by that name.
    fn has(&self, key: &str) -> bool;
    /// A whole number; unsigned ones beyond 63 bits come out negative.
    fn number(&self, key: &str) -> Reading<i64>;
    /// A truth value.
    fn truth(&self, key: &str) -> Reading<bool>;
    /// A text, or the bytes of one.
    fn text(&self, key: &str) -> Reading<Text>;
    /// Hands the dictionary in the dictionary to `take`.
    fn table(&self, key: &str, take: &mut dyn FnMut(&dyn Table)) -> Reading<()>;
}

/// A service that was found.
pub trait Entry {
    /// No other service's until the machine starts anew.
    fn id(&self) -> u64;
    /// Where it is; the same after every boot as far as what is above it is.
    fn path(&self) -> Reading<Text>;
    /// A text by that name, or the bytes of one.
    fn text(&self, origin: Origin, key: &str) -> Reading<Text>;
    /// Hands a dictionary of it to `take`: that of the name, or without one all own properties.
    fn table(
        &self,
        origin: Origin,
        key: Option<&str>,
        take: &mut dyn FnMut(&dyn Table),
    ) -> Reading<()>;
}

/// The way to the registry.
pub trait Registry: Send {
    /// Hands every service of `class`, or of one made from it, to `each`.
    fn visit(&mut self, class: &CStr, each: &mut dyn FnMut(&dyn Entry)) -> Reading<()>;
}
