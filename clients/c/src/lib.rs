//! kymo for C and C++. The interface is `include/kymo.h`, which is made from this crate;
//! `README.md` beside it is for who uses it.
//!
//! * No panic crosses, no static is kept, and nothing waits for another thread.
//! * Pointers are trusted to be what kymo gave out or the header asks for. All else is checked:
//!   nulls, texts, numbers, sizes, states, threads and forks.
//! * Unsafe code is where only the caller's word tells what lies behind a pointer: `text`, `sized`,
//!   and the promises about threads in `callback`.
//!
//! The order to read the modules in: `text`, `error`, `sized`, `handle`, `hub`, `publisher`,
//! `subscriber`, `item`, `client`.

mod action;
mod callback;
mod catalog;
mod client;
mod error;
mod event;
mod handle;
mod hub;
mod hub_options;
mod item;
mod link;
mod processes;
mod publisher;
mod samples;
mod signals;
mod sized;
mod standard;
mod subscriber;
mod text;
mod token;
mod value;
mod vitals;
mod wish;

pub use action::{KymoAction, KymoHandled};
pub use callback::{KymoCommand, KymoReady, KymoReport};
pub use catalog::{KymoAttribute, KymoCatalog, KymoSensor};
pub use client::KymoClient;
pub use error::{KYMO_WHY_SIZE, KymoError, KymoWhy};
pub use event::{KymoAppState, KymoEvent, KymoEventKind, KymoForm, KymoHas};
pub use hub::KymoHub;
pub use hub_options::{KymoHubOptions, KymoServes};
pub use item::{KymoItem, KymoItemKind};
pub use link::{KymoConnected, KymoGap, KymoGapReason, KymoLost, KymoLostReason, KymoResumed};
pub use processes::{KymoProcess, KymoProcesses};
pub use publisher::{KymoCounts, KymoPublisher};
pub use samples::{KymoSample, KymoSamples};
pub use subscriber::KymoSubscriber;
pub use text::KymoText;
pub use token::{KYMO_TOKEN_SIZE, KymoToken};
pub use value::{KYMO_NO_COUNT, KymoCount, KymoReal, KymoState};
pub use vitals::{KYMO_FANS_MAX, KymoFans, KymoLoad, KymoMomentum, KymoVitals};
pub use wish::{KymoStream, KymoWish};

/// The version of this interface. Another one means that programs are to be compiled again; what is
/// only added leaves it as it is.
pub const KYMO_ABI_VERSION: u32 = 1;

/// The version of the interface that the library has, to be compared with ::KYMO_ABI_VERSION. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_abi_version() -> u32 {
    KYMO_ABI_VERSION
}
