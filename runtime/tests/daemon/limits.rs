//! Too many clients, too few descriptors, nobody at all.

use std::time::{Duration, Instant};

use kymo_protocol::{ErrorCode, GoodbyeReason};
use nix::libc::{RLIMIT_NOFILE, prlimit, rlimit};
use nix::sys::signal::Signal;

use crate::common::{Binary, Daemon, Got, eventually, one_of_three, subscribe};

#[test]
fn one_client_too_many_is_told_so() {
    let daemon = Daemon::start(&["--clients", "3"]);
    let mut taken: Vec<_> = (0..3).map(|_| daemon.json("json.sock")).collect();
    for client in &mut taken {
        client.admitted();
    }
    let (code, text) = daemon.json("json.sock").refusal();
    assert!(code == "full" && text.contains("try again later"), "{code} {text}");
    assert_eq!(daemon.binary().refusal().0, ErrorCode::Full);
    let first = taken[0].vitals();
    assert_eq!(taken[0].vitals(), first + 1);
    // A place that becomes free is given away again.
    drop(taken.pop());
    let again = eventually(|| {
        let mut client = daemon.json("json.sock");
        (client.line()["type"] == "welcome").then_some(client)
    });
    assert!(again.is_some());
}

#[test]
fn who_does_not_say_what_it_wants_makes_room() {
    let daemon = Daemon::start(&["--clients", "8"]);
    let [hello, wish] = subscribe(0, false);
    let welcomed = |client: &mut Binary| match client.try_frame() {
        None => false,
        Some(Got::Welcome { .. }) => true,
        Some(other) => panic!("{other:?}"),
    };
    // All at once, in one turn: though only a quarter of the places are for clients that have yet
    // to subscribe, nobody who does is turned away.
    daemon.signal(Signal::SIGSTOP);
    let mut quick: Vec<_> = (0..8).map(|_| daemon.binary()).collect();
    for client in &mut quick {
        client.say(&hello).say(&wish);
    }
    daemon.signal(Signal::SIGCONT);
    for client in &mut quick {
        assert!(welcomed(client));
        assert!(matches!(client.frame(), Got::Subscribed { .. }));
    }

    // Who says hello and nothing more goes for others, the oldest first, and is told.
    let daemon = Daemon::start(&["--clients", "8"]);
    let began = Instant::now();
    let mut silent: Vec<_> = (0..12)
        .map(|_| {
            let mut client = daemon.binary();
            assert!(welcomed(client.say(&hello)));
            client
        })
        .collect();
    // Nobody is cut within its first 100 ms: five times two had to go.
    assert!(began.elapsed() > Duration::from_millis(400), "{:?}", began.elapsed());
    let mut newest = silent.split_off(10);
    for client in &mut silent {
        assert_eq!(client.try_frame(), Some(Got::Goodbye(GoodbyeReason::Limit)));
        assert_eq!(client.try_frame(), None);
    }
    let mut lines: Vec<_> = (0..6).map(|_| daemon.json("json.sock")).collect();
    for client in &mut lines {
        client.expect("welcome");
    }
    for client in &mut newest {
        assert!(matches!(client.say(&wish).frame(), Got::Subscribed { .. }));
    }
    assert_eq!(daemon.json("json.sock").refusal().0, "full");
}

/// Sets how many descriptors a process may have, and returns how many it might before.
fn limit_descriptors(daemon: &Daemon, count: u64) -> u64 {
    let pid = daemon.pid().try_into().unwrap();
    let mut old = rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: without a new limit, prlimit only writes `old`, which lives through the call.
    let asked = unsafe { prlimit(pid, RLIMIT_NOFILE, std::ptr::null(), &raw mut old) };
    let new = rlimit { rlim_cur: count, ..old };
    // SAFETY: without a place for the old limit, prlimit only reads `new`, which lives as long.
    let set = unsafe { prlimit(pid, RLIMIT_NOFILE, &raw const new, std::ptr::null_mut()) };
    assert_eq!((asked, set), (0, 0));
    old.rlim_cur
}

#[test]
fn without_descriptors_it_waits_and_goes_on() {
    let daemon = Daemon::start(&["--clients", "60"]);
    let mut witness = daemon.binary();
    let mut next = witness.say(&subscribe(100_000, false).concat()).admitted();
    let mut frames = |count: u64| {
        for _ in 0..count {
            let (sequence, merged, _) = witness.vitals();
            assert_eq!(sequence, next + merged);
            next = sequence + 1;
        }
    };
    frames(10);
    // Not the highest: it may have inherited one from whoever runs the test.
    let held = daemon.descriptors();
    let free = (0..).find(|number| !held.contains(number)).unwrap();
    let before = limit_descriptors(&daemon, free.into());

    let mut waiting: Vec<_> = (0..40).map(|_| daemon.json("json.sock")).collect();
    eventually(|| daemon.said().contains("have to wait").then_some(())).unwrap();
    // A loop that spins would use all of these three seconds.
    let used = daemon.cpu_time();
    frames(300);
    let used = daemon.cpu_time() - used;
    assert!(used < Duration::from_millis(1000), "{used:?} of 3 s");
    assert_eq!(daemon.said().matches("have to wait").count(), 1, "{}", daemon.said());

    limit_descriptors(&daemon, before);
    // Those who still waited are taken in; the others were told.
    for client in &mut waiting {
        let line = client.line();
        assert!(line["type"] == "welcome" || line["code"] == "full", "{line}");
    }
    drop(waiting);
    daemon.json("json.sock").expect("welcome");
    frames(10);
    assert_eq!(daemon.said().matches("taken again").count(), 1, "{}", daemon.said());
}

/// How often it woke up in two seconds, once it sleeps.
fn wake_ups(daemon: &Daemon) -> u64 {
    eventually(|| daemon.is_asleep().then_some(())).unwrap();
    let before = daemon.status("voluntary_ctxt_switches");
    std::thread::sleep(Duration::from_secs(2));
    daemon.status("voluntary_ctxt_switches") - before
}

#[test]
fn with_nobody_watching_it_sleeps() {
    let daemon = Daemon::start(&[]);
    assert_eq!(wake_ups(&daemon), 0);
    let mut client = daemon.binary();
    client.say(&subscribe(1_000_000, false).concat()).admitted();
    for _ in 0..100 {
        client.vitals();
    }
    drop(client);
    drop(daemon.connect("stream.sock"));
    // Deadlines that were set for those who are gone may pass once more.
    one_of_three(|| match wake_ups(&daemon) {
        0 => Ok(()),
        count => Err(format!("{count} wake-ups")),
    });
}

#[test]
fn thousands_fit_when_asked_for() {
    let daemon = Daemon::start(&["--clients", "16384"]);
    daemon.json("json.sock").expect("welcome");
    // Places that nobody has taken cost nothing.
    let resident_kb = daemon.status("VmRSS");
    assert!(resident_kb < 16 * 1024, "{resident_kb} KB");
}
