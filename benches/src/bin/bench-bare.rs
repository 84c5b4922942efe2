//! The floor as a process: `bench-bare SOCKET HZ SUBSCRIBERS [whole]`. When so many have come it
//! reads what kymod reads, as often, and sends each of them a frame a tick, until it is ended. The
//! whole is all sensors beside the vitals, and their samples.

use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use kymo_benches::Outcome;
use kymo_benches::bare::Bare;
use kymo_benches::files::Files;
use kymo_benches::sensors::Sensors;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-bare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Outcome<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (socket, rate_hz, subscribers, is_whole) = match &args[..] {
        [socket, rate_hz, subscribers] => (socket, rate_hz, subscribers, false),
        [socket, rate_hz, subscribers, word] if word == "whole" => {
            (socket, rate_hz, subscribers, true)
        }
        _ => return Err("usage: bench-bare SOCKET HZ SUBSCRIBERS [whole]".into()),
    };
    let listener = UnixListener::bind(socket)?;
    let files = if is_whole { Files::open_whole()? } else { Files::open()? };
    let sensors = if is_whole { Some(Sensors::new()?) } else { None };
    println!("ready");
    let mut peers = Vec::new();
    for _ in 0..subscribers.parse::<usize>()? {
        peers.push(listener.accept()?.0);
    }
    let mut bare = Bare::new(rate_hz.parse()?, peers, Some(files), sensors)?;
    loop {
        bare.tick()?;
    }
}
