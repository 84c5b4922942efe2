//! bench-sleeper with kymo in it, in a loop of its own making: `vitals`, or the `whole` of what can
//! be read.

use std::error::Error;
use std::io::Write;

use kymo::{Builder, Wish};
use kymo_protocol::{StreamId, Streams};

fn main() -> Result<(), Box<dyn Error>> {
    let is_whole = std::env::args().nth(1).is_some_and(|what| what == "whole");
    let streams = Streams::default().with(StreamId::VITALS);
    let (builder, streams) = if is_whole {
        let streams = streams.with(StreamId::SAMPLES).with(StreamId::PROCESSES);
        (Builder::new().sensors().processes(), streams)
    } else {
        (Builder::new(), streams)
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
