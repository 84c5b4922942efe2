//! The machine, its clocks, and what a process may have.

use kymo_platform::clock::{now, resolutions_ns};
use kymo_platform::socket::PATH_MAX;
use kymo_platform::{Roots, System};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use crate::value::Value;

/// Which machine it is.
pub fn system() -> Value {
    let system = System::of(&Roots::default());
    let cpus = std::thread::available_parallelism().ok();
    Value::object([
        ("name", Value::maybe(system.name.map(Value::text))),
        ("kernel", Value::maybe(system.kernel.map(Value::text))),
        ("machine", Value::maybe(system.machine.map(Value::text))),
        ("model", Value::maybe(system.model.map(Value::text))),
        ("cpus", Value::maybe(cpus.map(Value::plain))),
    ])
}

/// How fine the clocks are, and how long the machine was awake and asleep since its start.
pub fn clocks() -> Value {
    let [mono, boot, wall] = resolutions_ns().map(|ns| Value::maybe(ns.map(Value::plain)));
    let now = now();
    let seconds = |ns: u64| Value::plain(ns / 1_000_000_000);
    Value::object([
        ("monotonic_resolution_ns", mono),
        ("boot_resolution_ns", boot),
        ("wall_resolution_ns", wall),
        ("awake_s", seconds(now.mono_ns)),
        ("asleep_s", seconds(now.boot_ns.saturating_sub(now.mono_ns))),
    ])
}

/// What a process may have.
pub fn limits() -> Value {
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).ok();
    let count = |count: u64| match count {
        RLIM_INFINITY => Value::text("unlimited"),
        count => Value::plain(count),
    };
    Value::object([
        ("descriptors_soft", Value::maybe(descriptors.map(|(soft, _)| count(soft)))),
        ("descriptors_hard", Value::maybe(descriptors.map(|(_, hard)| count(hard)))),
        ("socket_path_bytes", Value::plain(PATH_MAX)),
    ])
}
