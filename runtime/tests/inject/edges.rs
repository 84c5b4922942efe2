//! Faults of which there is one place only: of the end, of the manager's socket, of the wait.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{Daemon, PATIENCE, Scratch, Tracer, command};
use crate::stage::Stage;

fn inject(daemon: &Daemon, fault: &str) -> Option<Tracer> {
    let calls = fault.split(':').next().unwrap();
    let (trace, inject) = (format!("trace={calls}"), format!("inject={fault}"));
    Tracer::attach(daemon, &["-e", &trace, "-e", &inject])
}

/// The bug it finds: a daemon that does not end, or leaves something that keeps the next one out.
#[test]
fn an_end_is_an_end_whatever_fails_in_it() {
    for fault in [
        "unlink:error=EIO",
        "close:error=EIO",
        "close:error=EINTR",
        "flock:error=EINTR",
        "munmap:error=ENOMEM",
        "madvise:error=ENOMEM",
        "pwrite64,fdatasync:error=EIO",
        "pwrite64,fdatasync:error=ENOSPC",
        "sendto:error=ENOBUFS",
    ] {
        let mut stage = Stage::new();
        stage.begin();
        let Some(tracer) = inject(stage.daemon(), fault) else { return };
        stage.stop();
        let seen = tracer.detach();
        assert!(seen.iter().any(|line| line.contains("(INJECTED)")), "{fault}: {seen:#?}");
        stage.start();
        stage.begin();
        stage.settle();
        stage.close();
    }
}

/// The bug it finds: a daemon that a manager kills because it was not heard once.
#[test]
fn a_lost_word_to_the_manager_is_said_again() {
    let scratch = Scratch::new();
    let path = scratch.0.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = command(&["--dir"]);
    command.arg(&scratch.0).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "4000000");
    let daemon = Daemon::start_as(&scratch.0, &mut command);
    let hear = || {
        let mut buffer = [0; 256];
        while !buffer.starts_with(b"WATCHDOG=1") {
            manager.recv(&mut buffer).unwrap();
        }
        Instant::now()
    };
    let before = hear();
    let Some(tracer) = inject(&daemon, "sendto:error=ENOBUFS:when=1") else { return };
    let pause = hear() - before;
    // It is due after 2 s, and missed after 4.
    assert!(pause < Duration::from_secs(3), "{pause:?}");
    let seen = tracer.detach();
    assert!(seen.iter().any(|line| line.contains("(INJECTED)")), "{seen:#?}");
}

/// The bug it finds: an end that nobody can explain.
#[test]
fn a_loop_that_can_not_wait_says_so() {
    for fault in ["epoll_wait:error=ENOMEM:when=1", "timerfd_settime:error=ENOMEM:when=1"] {
        let mut stage = Stage::new();
        let Some(_tracer) = inject(stage.daemon(), fault) else { return };
        // The timer is set when the first comes.
        stage.daemon().signal(Signal::SIGUSR1);
        stage.let_all_go();
        let daemon = stage.daemon.as_mut().unwrap();
        assert_eq!(daemon.wait().code(), Some(1), "{}", daemon.said());
        let told = "kymod: the loop can't go on: Cannot allocate memory (os error 12)\n";
        assert!(daemon.said().ends_with(told), "{}", daemon.said());
        assert!(!daemon.path("json.sock").exists());
        stage.start();
        stage.begin();
        stage.close();
    }
}
