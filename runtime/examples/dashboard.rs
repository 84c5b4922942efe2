//! A dashboard that draws at its own pace: vitals come 25 times a second, the newest frame wins,
//! and what was passed over is counted, by kymo (`merged`) and here.
//!
//! `cargo run -p kymo --example dashboard`

use std::error::Error;
use std::thread;
use std::time::Duration;

use kymo::protocol::{Body, Field, Vitals};
use kymo::{Builder, LocalSubscriber, Wish};

/// What the last frame said.
#[derive(Default)]
struct View {
    sequence: u64,
    memory_percent: Option<f32>,
    /// Frames that came and were never drawn.
    passed_over: u64,
    /// Frames that never came, because this thread was busy for too long.
    merged: u64,
}

impl View {
    fn take(&mut self, sequence: u64, vitals: &Vitals) {
        let is_read = vitals.state(Field::MemoryUsage).has_value();
        self.memory_percent = is_read.then(|| vitals.memory_usage.get());
        self.merged += u64::from(vitals.merged.get());
        self.sequence = sequence;
    }

    /// Takes everything that waits; whether there was anything to draw.
    fn update(&mut self, subscriber: &mut LocalSubscriber) -> Result<bool, Box<dyn Error>> {
        let mut count = 0;
        while let Some(frame) = subscriber.next_frame()? {
            if let Body::Vitals(vitals) = frame.body {
                self.take(frame.header.sequence.get(), vitals);
                count += 1;
            }
        }
        self.passed_over += u64::saturating_sub(count, 1);
        Ok(count > 0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut reactor = Builder::new().build()?;
    let ui = thread::current();
    let wish = Wish { rate_mhz: 25_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || ui.unpark())?;
    let running = reactor.spawn()?;

    let (mut view, mut drawn) = (View::default(), 0);
    while drawn < 6 {
        if !view.update(&mut subscriber)? {
            thread::park();
            continue;
        }
        drawn += 1;
        let memory = view.memory_percent.map_or("?".into(), |percent| format!("{percent:.1} %"));
        println!("frame {:>3}: memory {memory}", view.sequence);
        // Drawing takes its time, and once the window is dragged about.
        thread::sleep(Duration::from_millis(if drawn == 3 { 900 } else { 90 }));
    }
    running.stop()?;
    let View { sequence, passed_over, merged, .. } = view;
    println!("{sequence} = {drawn} drawn + {passed_over} passed over + {merged} merged");
    Ok(())
}
