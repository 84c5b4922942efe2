//! Signals, and how it ends.

use std::time::{Duration, Instant};

use kymo_protocol::GoodbyeReason;
use nix::sys::signal::Signal;

use crate::common::{Daemon, Got, eventually, one_of_three, subscribe};

#[test]
fn everybody_is_told_and_nothing_stays() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Daemon::start(&[]);
        let mut lines = daemon.json("json.sock");
        lines.admitted();
        lines.vitals();
        let mut frames = daemon.binary();
        frames.say(&subscribe(0, false).concat()).admitted();
        let before = daemon.descriptors().len();
        let mut silent = daemon.binary();
        eventually(|| (daemon.descriptors().len() > before).then_some(())).unwrap();
        daemon.signal(signal);
        assert_eq!(lines.skip_vitals()["reason"], "shutdown");
        assert_eq!(lines.try_line(), None);
        let last = std::iter::from_fn(|| frames.try_frame()).last();
        assert_eq!(last, Some(Got::Goodbye(GoodbyeReason::Shutdown)));
        assert_eq!(silent.try_frame(), Some(Got::Goodbye(GoodbyeReason::Shutdown)));
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(!daemon.path("json.sock").exists() && !daemon.path("stream.sock").exists());
        assert!(daemon.path("kymo.lock").exists());
        assert!(daemon.said().contains("stopping on"), "{}", daemon.said());
    }
}

/// A daemon and a client that has not read for so long that no byte more can be sent to it.
fn with_a_stuck_client() -> (Daemon, std::os::unix::net::UnixStream) {
    use std::io::Write;
    let daemon = Daemon::start(&[]);
    let mut stuck = daemon.connect("stream.sock");
    stuck.write_all(&subscribe(1_000_000, false).concat()).unwrap();
    // Nothing to wait for: the buffers fill up within a second.
    std::thread::sleep(Duration::from_millis(1500));
    (daemon, stuck)
}

#[test]
fn a_stuck_client_delays_the_end_by_a_second_at_most() {
    let (mut daemon, _stuck) = with_a_stuck_client();
    let start = Instant::now();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let took = start.elapsed();
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert!(!daemon.path("stream.sock").exists());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    one_of_three(|| {
        let (mut daemon, _stuck) = with_a_stuck_client();
        let start = Instant::now();
        daemon.signal(Signal::SIGTERM);
        eventually(|| daemon.said().contains("stopping").then_some(())).unwrap();
        daemon.signal(Signal::SIGINT);
        let code = daemon.wait().code();
        let took = start.elapsed();
        assert_eq!(code, Some(0));
        assert!(!daemon.path("stream.sock").exists());
        if took < Duration::from_millis(700) { Ok(()) } else { Err(format!("{took:?}")) }
    });
}

#[test]
fn nobody_new_is_taken_while_it_stops() {
    let (mut daemon, _stuck) = with_a_stuck_client();
    daemon.signal(Signal::SIGTERM);
    eventually(|| daemon.said().contains("stopping").then_some(())).unwrap();
    if let Ok(stream) = std::os::unix::net::UnixStream::connect(daemon.path("json.sock")) {
        let mut late = crate::common::Json::new(stream);
        if let Some(line) = late.try_line() {
            assert_eq!(line["type"], "error", "{line}");
        }
    }
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn counters_are_logged_on_request() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("json.sock");
    client.admitted();
    client.vitals();
    daemon.signal(Signal::SIGUSR1);
    let said = eventually(|| Some(daemon.said()).filter(|said| said.ends_with('\n'))).unwrap();
    assert!(said.starts_with("kymod: clients 1 accepted 1 "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    client.vitals();
}
