//! bench-sleeper with kymo in it, in a loop of its own making: `vitals`, the `whole` of what can be
//! read, or the `least`: vitals without room for events of other threads.

use std::error::Error;
use std::io::Write;

use kymo::{Builder, Wish};
use kymo_protocol::{StreamId, Streams};

fn main() -> Result<(), Box<dyn Error>> {
    let vitals = Streams::default().with(StreamId::VITALS);
    let all = vitals.with(StreamId::SAMPLES).with(StreamId::PROCESSES);
    let (builder, streams) = match std::env::args().nth(1).as_deref() {
        Some("whole") => (Builder::new().sensors().processes(), all),
        Some("least") => (Builder::new().with(|config| config.inbox = None), vitals),
        _ => (Builder::new(), vitals),
    };
    let mut reactor = builder.build()?;
    let wish = Wish { streams, rate_mhz: 25_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, || ())?;
    writeln!(std::io::stdout(), "ready")?;
    loop {
        reactor.turn(None)?;
        while subscriber.next_frame()?.is_some() {}
    }
}
