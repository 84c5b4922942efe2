//! What the kernel lets one do to a socket.

use std::io::{IoSlice, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use nix::libc::linger;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, send, sendmsg, setsockopt, sockopt};
use nix::unistd::Pid;

use crate::attack::Attack;
use crate::behaviour::Behaviour;
use crate::words::{ALL_STREAMS, EVENTS, VITALS, action, hello, subscription};

/// Descriptors in one message: as many as the kernel takes.
const DESCRIPTORS: usize = 253;

pub const ALL: &[Behaviour] = &[
    Behaviour::own("descriptors", "253 descriptors with each byte, to every socket", descriptors),
    Behaviour::own("resets", "subscribes, lets frames wait, and goes with SO_LINGER 0", resets),
    Behaviour::own("stopped", "a subscriber at 1 kHz, stopped by SIGSTOP, then killed", stopped)
        .clients(20),
    Behaviour::own("urgent", "out-of-band bytes between and within frames", urgent),
];

fn descriptors(attack: &mut Attack) -> std::io::Result<()> {
    let file = std::fs::File::open("/dev/null")?;
    let numbers = [file.as_raw_fd(); DESCRIPTORS];
    let (words, rights) = (hello(), [ControlMessage::ScmRights(&numbers)]);
    while attack.goes_on() {
        for door in ["stream.sock", "json.sock", "control.sock", "opta.sock"] {
            let Some(stream) = attack.connect(door) else { continue };
            stream.set_nonblocking(true)?;
            for byte in words.chunks(1).take(32) {
                let bytes = [IoSlice::new(byte)];
                // SIGPIPE is ignored, as in any Rust program.
                let flags = MsgFlags::empty();
                match sendmsg::<()>(stream.as_raw_fd(), &bytes, &rights, flags, None) {
                    Ok(size) => attack.tally.sent += size as u64,
                    // A kernel that passes none where none are wanted says so.
                    Err(_) => attack.tally.sent += (&stream).write(byte).unwrap_or(0) as u64,
                }
            }
        }
    }
    Ok(())
}

fn resets(attack: &mut Attack) -> std::io::Result<()> {
    while attack.goes_on() {
        let mut streams: Vec<UnixStream> = Vec::new();
        for _ in 0..attack.orders.clients {
            let Some(mut stream) = attack.connect("stream.sock") else { continue };
            setsockopt(&stream, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?;
            let words = subscription(ALL_STREAMS, 1000, false, &[]);
            attack.tally.sent += stream.write(&words).unwrap_or(0) as u64;
            streams.push(stream);
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(())
}

/// Each is a process of its own: a shell that has the connection and reads what comes.
fn stopped(attack: &mut Attack) -> std::io::Result<()> {
    let mut readers = Vec::new();
    for _ in 0..attack.orders.clients {
        let Some(mut stream) = attack.connect("stream.sock") else { continue };
        let words = subscription(VITALS | EVENTS, 1000, false, &[]);
        attack.tally.sent += stream.write(&words)? as u64;
        let input = std::os::fd::OwnedFd::from(stream);
        let mut command = Command::new("cat");
        readers.push(command.stdin(input).stdout(std::process::Stdio::null()).spawn()?);
    }
    std::thread::sleep(Duration::from_millis(20));
    let all = |signal| {
        for reader in &readers {
            let _ = kill(Pid::from_raw(reader.id().cast_signed()), signal);
        }
    };
    all(Signal::SIGSTOP);
    while attack.goes_on() {
        std::thread::sleep(Duration::from_millis(10));
    }
    all(Signal::SIGKILL);
    readers.iter_mut().for_each(|reader| drop(reader.wait()));
    Ok(())
}

fn urgent(attack: &mut Attack) -> std::io::Result<()> {
    let mut streams: Vec<UnixStream> = Vec::new();
    while attack.goes_on() {
        for door in ["stream.sock", "json.sock", "control.sock"] {
            let Some(mut stream) = attack.connect(door) else { continue };
            stream.set_nonblocking(true)?;
            let words = match door {
                "stream.sock" => subscription(VITALS, 1000, false, &[]),
                "json.sock" => b"\n\n\n\n".to_vec(),
                _ => action("ping"),
            };
            for piece in words.chunks(words.len().div_ceil(4)) {
                let urgent = MsgFlags::MSG_OOB;
                let _ = send(stream.as_raw_fd(), b"!", urgent);
                attack.tally.sent += stream.write(piece).unwrap_or(0) as u64;
            }
            streams.push(stream);
        }
        if streams.len() > attack.orders.clients {
            streams.clear();
        }
    }
    Ok(())
}
