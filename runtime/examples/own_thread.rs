//! kymo on a thread of its own: build, subscribe, run, read, stop.
//!
//! `cargo run -p kymo --example own_thread`

use std::error::Error;
use std::thread;

use kymo::protocol::{Body, Field};
use kymo::{Builder, Wish};

fn main() -> Result<(), Box<dyn Error>> {
    // This machine's vitals, and no socket: `.in_directory(path)` would let others connect.
    let mut reactor = Builder::new().build()?;

    // A subscriber of this process. The loop calls the closure when there is something to read.
    let reader = thread::current();
    let wish = Wish { rate_mhz: 25_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || reader.unpark())?;

    let running = reactor.spawn()?;
    let mut frames = 0;
    while frames < 5 {
        let Some(frame) = subscriber.next_frame()? else {
            thread::park();
            continue;
        };
        let sequence = frame.header.sequence.get();
        if let Body::Vitals(vitals) = frame.body {
            frames += 1;
            // What was not read has a state that says why, and is never shown as 0.
            let state = vitals.state(Field::MemoryUsage);
            if state.has_value() {
                println!("vitals {sequence}: memory {:.1} %", vitals.memory_usage.get());
            } else {
                println!("vitals {sequence}: memory {}", state.name());
            }
        }
    }

    // Subscribers get a last word; dropping `running` would do the same and keep errors quiet.
    running.stop()?;
    println!("stopped after {frames} frames");
    Ok(())
}
