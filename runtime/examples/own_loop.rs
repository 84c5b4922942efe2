//! kymo in a loop of the host's, beside the host's own descriptors; here with mio. Any poll, epoll
//! or kqueue does: register kymo's descriptor, wait no longer than its deadline, take a turn.
//!
//! `cargo run -p kymo --example own_loop`

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use kymo::protocol::Body;
use kymo::{Builder, Wish};
use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

const KYMO: Token = Token(0);
const KEYS: Token = Token(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mut kymo = Builder::new().build()?;
    // Read in the same loop, after each turn: it need not be woken.
    let wish = Wish { rate_mhz: 50_000, ..Wish::default() };
    let mut subscriber = kymo.attach(&wish, || ())?;

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let interest = Interest::READABLE;
    poll.registry().register(&mut SourceFd(&kymo.as_raw_fd()), KYMO, interest)?;

    // What the host has of its own: somebody presses a key now and then.
    let (mut keys, mut keyboard) = UnixStream::pair()?;
    poll.registry().register(&mut keys, KEYS, interest)?;
    let typist = thread::spawn(move || {
        for key in b"abc" {
            thread::sleep(Duration::from_millis(50));
            keyboard.write_all(&[*key])?;
        }
        Ok::<_, std::io::Error>(keyboard)
    });

    let (mut frames, mut pressed, mut waits) = (0, String::new(), 0);
    while frames < 20 || pressed.len() < 3 {
        match poll.poll(&mut events, kymo.deadline()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => waits += 1,
        }
        if events.iter().any(|event| event.token() == KEYS) {
            let mut key = [0; 8];
            while let Ok(size @ 1..) = keys.read(&mut key) {
                pressed.push_str(std::str::from_utf8(&key[..size])?);
            }
        }
        // With nothing to do, a turn costs one system call.
        kymo.turn(Some(Duration::ZERO))?;
        while let Some(frame) = subscriber.next_frame()? {
            frames += u32::from(matches!(frame.body, Body::Vitals(_)));
        }
    }
    drop(typist.join());
    println!("{frames} frames and the keys {pressed} in {waits} waits");
    Ok(())
}
