//! Sensors that the HID event system has: temperatures, voltages and currents by the names of
//! products. Its calls are private to Apple, so the system may have none.

pub mod fake;
mod name;
mod sensors;

use kymo_protocol::Reading;

pub use name::{Class, Treatment, classify};
pub use sensors::{Rank, Sensors};

/// Longer names of products are cut here.
pub const PRODUCT_SIZE_MAX: usize = 64;

/// What is measured: the pages and usages of Apple's own that sensors are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// °C.
    Temperature,
    /// mA.
    Current,
    /// mV.
    Voltage,
}

impl Quantity {
    /// The usage page, the usage on it, and the type of its events.
    #[must_use]
    pub const fn numbers(self) -> (i32, i32, i64) {
        match self {
            Self::Temperature => (0xff00, 5, 15),
            Self::Current => (0xff08, 2, 25),
            Self::Voltage => (0xff08, 3, 25),
        }
    }
}

/// A sensor, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// What it is called; others may be called so too.
    pub product: &'a str,
    /// Where it says it is, or 0: tells those of one name apart where it can.
    pub location: i64,
}

/// The way to the sensors of one quantity.
pub trait Hid: Send {
    /// Lists them anew. From then on they are numbered from 0, in that order.
    fn list(&mut self, each: &mut dyn FnMut(&Listed<'_>)) -> Reading<()>;
    /// What the sensor of that number says now. May block.
    fn value(&mut self, number: usize) -> Reading<f64>;
}
