//! A hub as a process of its own, beside which peers are measured: its machine is a fake one, so
//! that nothing is read, and a second thread may publish events, at a pace or as fast as there is
//! room.

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::thread;
use std::time::{Duration, Instant};

use kymo::{Builder, Publisher};
use kymo_benches::cost::boot_ns;
use kymo_benches::events::fields;
use kymo_platform::Fake;

/// `DIRECTORY vitals|events|flood RATE BURST`: so many events at a time. Events begin with a line
/// on standard input.
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut words = std::env::args().skip(1);
    let (Some(directory), Some(mode)) = (words.next(), words.next()) else {
        return Err("DIRECTORY vitals|events|flood RATE BURST".into());
    };
    let mut number = || words.next().unwrap_or_default().parse::<u32>();
    let (rate_hz, burst) = (number().unwrap_or(1000), number().unwrap_or(1));
    let mut reactor = Builder::new()
        .machine(Box::new(Fake::new()))
        .in_directory(directory)
        .with(|config| config.limits.clients = 512)
        .build()?;
    let publisher = reactor.publisher().ok_or("no inbox")?;
    writeln!(stdout(), "ready")?;
    if mode != "vitals" {
        thread::Builder::new().name("publisher".into()).spawn(move || {
            let mut line = String::new();
            if stdin().read_line(&mut line).is_ok() {
                publish(&publisher, (mode == "events").then_some(rate_hz), burst);
            }
        })?;
    }
    loop {
        reactor.turn(None)?;
    }
}

/// Until the process is ended. Without a rate as fast as there is room.
fn publish(publisher: &Publisher, rate_hz: Option<u32>, burst: u32) {
    let mut due = Instant::now();
    loop {
        if let Some(rate_hz) = rate_hz {
            due += Duration::from_secs(1) / rate_hz;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        for _ in 0..burst {
            let is_room = publisher.publish(&fields(boot_ns().unwrap_or(0))).is_ok();
            if !is_room {
                thread::yield_now();
            }
        }
    }
}
