//! The floor as a process: `bench-bare SOCKET HZ SUBSCRIBERS`. When so many have come it reads what
//! kymod reads, as often, and sends each of them a frame a tick, until it is ended.

use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use kymo_benches::Outcome;
use kymo_benches::bare::Bare;
use kymo_benches::files::Files;

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
    let [socket, rate_hz, subscribers] = &args[..] else {
        return Err("usage: bench-bare SOCKET HZ SUBSCRIBERS".into());
    };
    let listener = UnixListener::bind(socket)?;
    let files = Files::open()?;
    println!("ready");
    let mut peers = Vec::new();
    for _ in 0..subscribers.parse::<usize>()? {
        peers.push(listener.accept()?.0);
    }
    let mut bare = Bare::new(rate_hz.parse()?, peers, Some(files))?;
    loop {
        bare.tick()?;
    }
}
