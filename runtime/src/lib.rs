#![forbid(unsafe_code)]
//! kymo.
mod config;
mod config_file;
mod conversation;
mod cpu_window;
mod directory;
pub mod hub;
pub mod limits;
mod listener;
mod momentum;
mod notice;
pub mod place;
mod reactor;
mod report;
mod ring;
mod sampler;
mod schedule;
mod session;
mod start_error;
mod table;
mod telemetry;
mod transmit;

pub use config::{Config, ConfigError, Limits, Listener, ListenerFormat};
pub use reactor::Reactor;
pub use report::Report;
pub use start_error::StartError;
