//! A program that only listens: it finds the daemon, connects again when that goes away, goes on
//! where it stood, and is told each loss once.
//!
//! `cargo run -p kymo-client --example subscribe_only [DIRECTORY]`

use std::path::PathBuf;

use kymo_client::{Body, Error, Item, Settings, Subscriber, directories};

fn main() -> Result<(), Error> {
    // `$KYMO_DIR`, `$XDG_RUNTIME_DIR/kymo` and so on, unless a directory is named.
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let settings = Settings {
        name: "subscribe_only".into(),
        rate_mhz: 25_000,
        ..Settings::in_directories(directories(directory.as_deref()))
    };
    let mut subscriber = Subscriber::connect(settings)?;
    let mut frames = 0;
    while frames < 10 {
        match subscriber.next()? {
            Item::Connected(server) => println!("connected at {} mHz", server.rate_mhz),
            Item::Frame(frame) => match frame.body {
                Body::Vitals(vitals) => {
                    frames += 1;
                    println!("vitals {}: {} merged", frame.header.sequence, vitals.merged);
                }
                Body::Event(event) => println!("event {}: {}", event.topic(), event.wall_ns()),
                _ => {}
            },
            Item::Gap(gap) => println!("{} frames are lost: {:?}", gap.count, gap.reason),
            Item::Fresh { lost_after: Some(token) } => println!("all after {token} may be lost"),
            // The next call waits, longer each time, and tries again.
            Item::Lost(why) => println!("{why}"),
            _ => {}
        }
    }
    // To be kept, for `Settings::resume` of the next start.
    println!("token {}", subscriber.token().map_or("none".into(), |token| token.to_string()));
    Ok(())
}
