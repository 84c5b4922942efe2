//! A program that only has something to tell: it serves a directory, publishes from any thread, and
//! looks at nothing itself. Who listens connects with `nc -U`, `kymo watch` or `kymo-client`.
//!
//! `cargo run -p kymo --example publish_only`

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::thread;

use kymo::protocol::{Data, EventFields, Words};
use kymo::{Builder, Overflow, PublishError};

const WORKERS: u32 = 4;
const JOBS: u32 = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::temp_dir().join(format!("kymo-publish-{}", std::process::id()));
    let running = Builder::new().in_directory(&place).build()?.spawn()?;
    let publisher = running.publisher().ok_or("these settings have an inbox")?;

    // Somebody listens: lines of JSON, as for `nc -U`. The welcome comes first.
    let mut listener = BufReader::new(UnixStream::connect(place.join("json.sock"))?).lines();
    let welcome = listener.next().ok_or("no welcome")??;
    println!("welcomed: {}", welcome.contains("\"type\":\"welcome\""));

    // A clone for each thread. Publishing never waits, and allocates nothing.
    let workers = (0..WORKERS).map(|worker| {
        let publisher = publisher.clone();
        thread::spawn(move || {
            for job in 0..JOBS {
                let json = format!("{{\"worker\":{worker},\"job\":{job}}}");
                let event = EventFields::custom("job.done", Data::Json(&json));
                // A full inbox is an answer; here there is time to try again.
                while publisher.publish(&event) == Err(PublishError::Full) {
                    thread::yield_now();
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.join().map_err(|_| "a worker panicked")?;
    }

    // For what is worth less than its successor: the oldest of these gives way, and they may
    // overtake events of publishers that refuse.
    let progress = publisher.clone().with_overflow(Overflow::DropOldest);
    progress.publish(&EventFields::custom("progress", Data::Text(Words::Plain("all done"))))?;

    let mut heard = 0;
    while heard < WORKERS * JOBS + 1 {
        let line = listener.next().ok_or("the hub has gone")??;
        heard += u32::from(line.contains("\"topic\":"));
    }
    let counts = publisher.counts();
    println!("{} published, {} dropped, {heard} heard", counts.published, counts.dropped);
    running.stop()?;
    std::fs::remove_dir_all(place)?;
    Ok(())
}
