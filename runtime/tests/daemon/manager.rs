//! What a service manager hears, and what it hands over.

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use kymo::{Config, Reactor};
use kymo_platform::{Roots, this_machine};
use nix::sys::signal::Signal;

use crate::common::{
    Daemon, Json, PATIENCE, Scratch, command, command_after, eventually, run_to_end, said,
    subscribe,
};

/// A manager with a socket in `scratch`, and a kymod that it starts.
fn managed(scratch: &Scratch, variables: &[(&str, &str)]) -> (UnixDatagram, Daemon) {
    let path = scratch.0.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = command(&["--dir"]);
    command.arg(&scratch.0).env("NOTIFY_SOCKET", &path).envs(variables.iter().copied());
    let daemon = Daemon::start_as(&scratch.0, &mut command);
    (manager, daemon)
}

fn heard(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    let size = loop {
        match manager.recv(&mut buffer) {
            // Some other test's child has ended.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => break received.unwrap(),
        }
    };
    String::from_utf8(buffer[..size].to_vec()).unwrap()
}

#[test]
fn it_is_told_of_start_and_end() {
    let scratch = Scratch::new();
    let (manager, mut daemon) = managed(&scratch, &[]);
    assert_eq!(heard(&manager), format!("STATUS=serves {}", scratch.0.display()));
    assert_eq!(heard(&manager), "READY=1");
    daemon.json("json.sock").expect("welcome");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(heard(&manager), "STOPPING=1");
    assert_eq!(daemon.wait().code(), Some(0));
    manager.set_nonblocking(true).unwrap();
    assert!(manager.recv(&mut [0; 64]).is_err(), "there was more to say");
}

#[test]
fn the_watchdog_hears_from_a_loop_that_turns() {
    let scratch = Scratch::new();
    let (manager, daemon) = managed(&scratch, &[("WATCHDOG_USEC", "200000")]);
    heard(&manager);
    assert_eq!(heard(&manager), "READY=1");
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(heard(&manager), "WATCHDOG=1");
        count += 1;
    }
    // Ten, were the machine not busy; one per frame would be more.
    assert!((3..=13).contains(&count), "{count}");
    // A client changes nothing about that.
    let mut client = daemon.json("json.sock");
    client.admitted();
    client.vitals();
    assert_eq!(heard(&manager), "WATCHDOG=1");
    // A loop that stands is found out.
    daemon.signal(Signal::SIGSTOP);
    manager.set_nonblocking(true).unwrap();
    let silent = eventually(|| {
        while manager.recv(&mut [0; 64]).is_ok() {}
        std::thread::sleep(Duration::from_millis(400));
        manager.recv(&mut [0; 64]).is_err().then_some(())
    });
    assert!(silent.is_some());
    daemon.signal(Signal::SIGCONT);
}

#[test]
fn sockets_of_the_manager_are_served_and_left() {
    let scratch = Scratch::new();
    let far = scratch.0.join("far");
    let given = UnixListener::bind(&far).unwrap();
    let shell = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=json";
    // It waits for the daemon to come.
    let mut early = Json::new(UnixStream::connect(&far).unwrap());
    let mut command = command_after(shell, &["--dir"]);
    command.arg(&scratch.0).stdin(OwnedFd::from(given.try_clone().unwrap()));
    let mut daemon = Daemon::start_as(&scratch.0, &mut command);
    early.admitted();
    early.vitals();
    daemon.binary().say(&subscribe(0, false).concat()).admitted();
    assert!(!daemon.path("json.sock").exists());
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(far.exists());

    // The owner's commands may come that way, too.
    let mut command = command_after(&shell.replace("json", "control"), &["--dir"]);
    command.arg(&scratch.0).stdin(OwnedFd::from(given.try_clone().unwrap()));
    let daemon = Daemon::start_as(&scratch.0, &mut command);
    let mut owner = Json::new(UnixStream::connect(&far).unwrap());
    assert_eq!(owner.say("{\"action\":\"ping\"}").line()["message"], "pong");
    assert!(!daemon.path("control.sock").exists() && daemon.path("json.sock").exists());
    drop(daemon);

    let mut command = command_after(&shell.replace("json", "web"), &["--dir"]);
    command.arg(&scratch.0).stdin(OwnedFd::from(given.try_clone().unwrap()));
    let output = run_to_end(&mut command);
    assert_eq!(output.status.code(), Some(78));
    let expected = "socket activation: no listener has the name `web`; known: `stream`, ";
    assert!(said(&output).contains(expected), "{}", said(&output));

    // A host may have fewer listeners than there are names.
    let mut config = Config::in_directory(&scratch.0);
    config.listeners.retain(|listener| listener.path.as_str() != "control.sock");
    let machine = this_machine(&Roots::default());
    let given = vec![("control", OwnedFd::from(given))];
    let error = Reactor::with_sockets(&config, machine, given).unwrap_err().to_string();
    let expected = "control.sock: a socket was handed over for it, and there is no such ";
    assert!(error.contains(expected), "{error}");
}
