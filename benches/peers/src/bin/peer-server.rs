//! Publishes messages through a peer: `SYSTEM SOCKET BYTES RATE [wait]`, at RATE Hz, or as fast as the
//! peer takes them when it is 0. Begins with a line on standard input.

use std::io::{Write, stdin, stdout};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use kymo_benches::Outcome;
use kymo_peers::message::Message;
use kymo_peers::publish::Publisher;
use kymo_peers::system::System;

fn main() -> Outcome<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [system, address, size, rate, rest @ ..] = &words[..] else {
        return Err("SYSTEM SOCKET BYTES RATE [wait]".into());
    };
    let system = System::from_word(system).ok_or("no such system")?;
    let rate_hz: u32 = rate.parse()?;
    let (is_flood, is_waiting) = (rate_hz == 0, !rest.is_empty());
    let mut publisher = Publisher::new(system, Path::new(address), is_flood, is_waiting)?;
    let mut message = Message::new(size.parse()?)?;
    writeln!(stdout(), "ready")?;
    stdin().read_line(&mut String::new())?;
    let mut due = Instant::now();
    loop {
        if !is_flood {
            due += Duration::from_secs(1) / rate_hz;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        publisher.send(message.stamped()?)?;
    }
}
