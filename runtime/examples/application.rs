//! An application that takes dictation and tells its user interfaces: sessions, states, what was
//! said, and figures at a bounded rate. Who connects in the middle is told what was missed.
//!
//! `cargo run -p kymo --example application`, and meanwhile `nc -U …/json.sock`

use std::error::Error;
use std::thread;
use std::time::Duration;

use kymo::protocol::{AppState, Body, StreamId, Streams};
use kymo::{Broadcaster, Builder, LocalSubscriber, SessionMetrics, Wish};

const SPOKEN: [&str; 3] = ["Hello world", "this is a test", "good bye"];

/// What the application does, on a thread of its own.
fn dictate(mut broadcaster: Broadcaster) -> Result<(), kymo::PublishError> {
    broadcaster.start_session(None)?;
    broadcaster.state_change(AppState::Recording)?;
    let mut metrics = SessionMetrics::new(AppState::Recording);
    for text in SPOKEN {
        thread::sleep(Duration::from_millis(50));
        broadcaster.add_transcription(text, Some(145.2), Some(234.5))?;
        metrics.segments = Some(metrics.segments.unwrap_or(0) + 1);
        // Far more often than anybody draws: one in a tenth of a second is sent, the newest.
        for _ in 0..100 {
            broadcaster.update_metrics(&metrics)?;
        }
    }
    broadcaster.state_change(AppState::Idle)?;
    broadcaster.end_session(None)?;
    let counts = broadcaster.counts();
    println!("{} broadcast, {} skipped", counts.broadcast, counts.skipped);
    Ok(())
}

/// What a user interface sees.
fn watch(subscriber: &mut LocalSubscriber) -> Result<(), Box<dyn Error>> {
    loop {
        let Some(frame) = subscriber.next_frame()? else {
            thread::park();
            continue;
        };
        match frame.body {
            Body::Event(event) => {
                println!("{:>3} {} {:?}", frame.header.sequence, event.topic(), event.data());
                if event.topic() == "session_end" {
                    return Ok(());
                }
            }
            Body::Gap(gap) => println!("{} events are lost", gap.count),
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::temp_dir().join(format!("kymo-application-{}", std::process::id()));
    let mut reactor = Builder::new().in_directory(&place).build()?;
    let (ui, streams) = (thread::current(), Streams::default().with(StreamId::EVENTS));
    let wish = Wish { streams, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || ui.unpark())?;
    let running = reactor.spawn()?;

    let publisher = running.publisher().ok_or("these settings have an inbox")?;
    let broadcaster = Broadcaster::new(publisher, "dictation")?.with_rate_mhz(10_000);
    let application = thread::spawn(move || dictate(broadcaster));
    watch(&mut subscriber)?;
    application.join().map_err(|_| "the application panicked")??;
    running.stop()?;
    std::fs::remove_dir_all(place)?;
    Ok(())
}
