//! A thousand subscribers of events, of which half die or stall at random moments, while publishers
//! submit more than ten thousand events a second.
//!
//! Everybody who reads gets each event once, in order, without a gap. Whoever died comes back into
//! the place it left, with its token, and gets the rest. Whoever stalled reads on at the end, and
//! gets the rest but for what it is told that it missed. Nothing of it stays with the daemon: no
//! descriptor, no memory.
//!
//! A storm is one such time. A short one comes first, so that the daemon has touched every page
//! that it will ever need. `KYMO_CROWD_SEED=N` sets who does what and when, `KYMO_CROWD_SECONDS=N`
//! how long the storm lasts (at most 20, because who stalls for 30 is let go); the machine's own
//! timing is random besides.
//!
//! Almost everybody wants all events, and is sent them straight from the rings: that is the most
//! deliveries for the least work, up to ten million a second. Ten want those of one topic, for
//! which a debug build looks at each event on its own.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

// The other tests of kymod use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/random.rs"]
mod random;

mod crowd;
mod ledger;
mod message;
mod publisher;
mod subscriber;
mod tape;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Daemon, Owner, eventually};
use crowd::{Crowd, MEMBERS, Tally};
use ledger::{Ledger, PUBLISHERS};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use publisher::Publisher;
use random::Random;

/// Events a second that there must be.
const RATE_MIN: f64 = 10_000.0;

/// Events a second that are submitted, if the daemon takes them.
const RATE: u64 = 11_000;

/// How long a storm lasts unless the environment says otherwise.
const SECONDS: u64 = 6;

/// What a process may grow by and not have grown: of the places of a thousand clients, which were
/// allocated at the start, some bytes are used for the first time. That nothing was allocated is
/// what it says itself.
const GROWTH_MAX_KB: u64 = 128;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What a daemon has when nobody is there.
#[derive(Debug)]
struct Footprint {
    descriptors: usize,
    resident_kb: u64,
    /// The most it ever was.
    peak_kb: u64,
}

impl Footprint {
    /// Waits until everybody is let go.
    fn of(daemon: &Daemon, descriptors: usize) -> Self {
        let gone = eventually(|| (daemon.descriptors().len() == descriptors).then_some(()));
        let now = daemon.descriptors().len();
        assert!(gone.is_some(), "{now} descriptors instead of {descriptors}");
        let (resident_kb, peak_kb) = (daemon.status("VmRSS"), daemon.status("VmHWM"));
        Self { descriptors, resident_kb, peak_kb }
    }
}

/// What a storm was like.
#[derive(Debug)]
struct Storm {
    events: u64,
    rate: f64,
    tally: Tally,
}

/// Lets publishers publish for a while in front of a crowd, and compares what all of them know.
fn storm(daemon: &Daemon, owner: &mut Owner, seed: u64, span: Duration) -> Result<Storm, String> {
    let status = owner.act("status");
    let next = status["events_next"].as_u64().unwrap();
    let epoch = u128::from_str_radix(status["epoch"].as_str().unwrap(), 16).unwrap();
    let ledger = Arc::new(Ledger::new(next));
    let planned = RATE * span.as_secs();
    let mut crowd = Crowd::new(daemon.path("stream.sock"), epoch, &ledger, planned, seed)?;
    crowd.settle_in()?;
    let begin = Instant::now();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|index| {
            let stream = daemon.connect("control.sock");
            let publisher = Publisher::new(Arc::clone(&ledger), index, stream);
            std::thread::spawn(move || publisher.run(begin, RATE, span))
        })
        .collect();
    let outcome = crowd.attend(&publishers);
    ledger.stop();
    let mut end = begin;
    for publisher in publishers {
        end = end.max(publisher.join().unwrap()?);
    }
    outcome?;
    let events = ledger.events();
    let rate = events as f64 / (end - begin).as_secs_f64();
    let tally = crowd.finish()?;
    Ok(Storm { events, rate, tally })
}

/// Descriptors for the crowd, and for the daemon, which inherits the bound.
fn allow_descriptors() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let needed = MEMBERS as u64 + 200;
    assert!(hard >= needed, "the test needs {needed} descriptors, and may have {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard).unwrap();
}

/// Says something that is not kept back when the test succeeds.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn the_healthy_get_every_event_once_while_half_of_a_thousand_die_or_stall() {
    let seed = number("KYMO_CROWD_SEED").unwrap_or_else(Random::fresh_seed);
    let span = Duration::from_secs(number("KYMO_CROWD_SECONDS").unwrap_or(SECONDS).min(20));
    let fail = |fault: String| -> Storm { panic!("replay with KYMO_CROWD_SEED={seed}: {fault}") };
    allow_descriptors();
    // As many places as there are subscribers: whoever comes back needs the place it has left.
    let daemon = Daemon::start(&["--clients", &MEMBERS.to_string()]);
    let mut owner = daemon.owner();
    owner.act("ping");
    let alone = daemon.descriptors().len();
    let warm_up = Duration::from_secs(2);
    storm(&daemon, &mut owner, !seed, warm_up).unwrap_or_else(fail);
    let before = Footprint::of(&daemon, alone);
    let Storm { events, rate, tally } = storm(&daemon, &mut owner, seed, span).unwrap_or_else(fail);
    let after = Footprint::of(&daemon, alone);
    say(&format!(
        "KYMO_CROWD_SEED={seed}: {events} events, {rate:.0} a second, {tally}; the daemon has \
         {} descriptors, {} and now {} KB, at most {} KB",
        after.descriptors, before.resident_kb, after.resident_kb, after.peak_kb,
    ));
    assert!(after.resident_kb <= before.resident_kb + GROWTH_MAX_KB, "{before:?}, {after:?}");
    assert!(after.peak_kb <= before.peak_kb + GROWTH_MAX_KB, "{before:?}, {after:?}");
    let status = owner.act("status");
    assert_eq!(status["clients"].as_array().map(Vec::len), Some(0));
    assert_eq!(status["heap_allocations"], 0, "the daemon allocated");
    // What is not optimised, on a machine that does other things, need not be fast.
    let is_slow = rate < RATE_MIN;
    if is_slow {
        let short = 100.0 - rate * 100.0 / RATE_MIN;
        say(&format!("too slow a machine: {rate:.0} events a second, {short:.0} % too few"));
    }
    assert!(!is_slow || cfg!(debug_assertions), "{rate:.0} events a second");
}
