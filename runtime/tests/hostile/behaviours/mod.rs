//! The table of behaviours.

mod canaries;
mod floods;
mod garbage;
mod kernel;
mod openings;
mod readers;
mod requests;
mod tokens;

use crate::behaviour::Behaviour;

pub use canaries::CANARIES;

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Behaviour> {
    [
        floods::ALL,
        openings::ALL,
        garbage::ALL,
        readers::ALL,
        tokens::ALL,
        requests::ALL,
        kernel::ALL,
    ]
    .into_iter()
    .flatten()
}

/// One of them, or of the canaries.
pub fn named(name: &str) -> Option<&'static Behaviour> {
    all().chain(CANARIES.iter().map(|(canary, _)| canary)).find(|behaviour| behaviour.name == name)
}
