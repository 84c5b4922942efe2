//! Sources that may take long.
mod shelf;
pub use shelf::{Layout, Shelf};
