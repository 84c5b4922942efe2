//! Harm that must be seen: who does not see these sees nothing.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::attack::Attack;
use crate::behaviour::Behaviour;
use crate::words::{VITALS, subscription};

/// How long the loop stands still: longer than any bound of lateness here.
const STANDSTILL: Duration = Duration::from_millis(900);

/// With what must be said of each.
pub const CANARIES: &[(Behaviour, &str)] = &[
    (Behaviour::own("canary-late", "stops the daemon for a while", late).clients(1), "p99.9 of"),
    (
        Behaviour::own("canary-left", "leaves somebody behind", left).clients(1).leaving(1),
        "were left",
    ),
];

fn late(attack: &mut Attack) -> std::io::Result<()> {
    drop(attack.connect("stream.sock"));
    let daemon = Pid::from_raw(attack.orders.pid);
    kill(daemon, Signal::SIGSTOP)?;
    std::thread::sleep(STANDSTILL);
    kill(daemon, Signal::SIGCONT)?;
    // So that what was late arrives while it is looked for.
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}

fn left(attack: &mut Attack) -> std::io::Result<()> {
    let Some(mut stream) = attack.connect("stream.sock") else { return Ok(()) };
    stream.write_all(&subscription(VITALS, 25, false, &[]))?;
    let input = std::os::fd::OwnedFd::from(stream);
    // Nobody waits for it; it ends by itself.
    let mut command = Command::new("sleep");
    command.arg("6").stdin(input).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(())
}
