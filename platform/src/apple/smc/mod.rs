//! The system management controller, which knows temperatures, fans, voltages and power by keys of
//! four letters.

mod exchange;

pub use exchange::{Controller, Exchange, KernReturn};
