//! Publishes messages through a peer: `SYSTEM SOCKET BYTES RATE BURST`, so many at RATE Hz, or as
//! fast as the peer takes them when that is 0. Begins with a line on standard input.

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
    let [system, address, size, rate, burst] = &words[..] else {
        return Err("SYSTEM SOCKET BYTES RATE BURST".into());
    };
    let system = System::from_word(system).ok_or("no such system")?;
    let rate_hz: u32 = rate.parse()?;
    let burst: u32 = burst.parse()?;
    let is_flood = rate_hz == 0;
    let is_much = is_flood || burst > 1;
    let mut publisher = Publisher::new(system, Path::new(address), is_much, is_flood)?;
    let mut message = Message::new(size.parse()?)?;
    writeln!(stdout(), "ready")?;
    stdin().read_line(&mut String::new())?;
    let mut due = Instant::now();
    loop {
        if !is_flood {
            due += Duration::from_secs(1) / rate_hz;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        for _ in 0..burst {
            publisher.send(message.stamped()?)?;
        }
        if !is_flood {
            publisher.flush()?;
        }
    }
}
