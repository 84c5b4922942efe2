//! The machine, its clocks, and what a process may have.

use kymo_platform::clock::{now, resolutions_ns};
use kymo_platform::socket::PATH_MAX;
use kymo_platform::{Kernel, Roots, System};
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

/// What the kernel offers, and what it reads the time from.
pub fn kernel() -> (Value, Value) {
    let kernel = Kernel::of(&Roots::default());
    let Kernel { landlock, seccomp, pressure, timer, cgroup, clock_source } = kernel;
    let whether = |found: Result<(), &str>| Value::truth(found.is_ok());
    let mut members = vec![
        ("landlock", Value::maybe(landlock.ok().map(Value::plain))),
        ("seccomp", whether(seccomp)),
        ("pressure", whether(pressure)),
        ("timer", whether(timer)),
        ("cgroup", Value::maybe(cgroup.ok().map(|found| Value::text(found.name())))),
    ];
    let reasons = [
        ("landlock_missing", landlock.err()),
        ("seccomp_missing", seccomp.err()),
        ("pressure_missing", pressure.err()),
        ("timer_missing", timer.err()),
        ("cgroup_missing", cgroup.err()),
    ];
    members.extend(reasons.into_iter().filter_map(|(key, why)| Some((key, Value::text(why?)))));
    let source = clock_source.map(|source| {
        let available = source.available.into_iter().map(Value::text).collect();
        Value::object([
            ("current", Value::text(source.current)),
            ("available", Value::List(available)),
        ])
    });
    (Value::object(members), Value::maybe(source))
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
