//! How often frames come.

use std::time::Duration;

use crate::common::{Binary, Daemon, one_of_three, subscribe};

fn subscriber(daemon: &Daemon, hz: u32, every: bool) -> Binary {
    let mut client = daemon.binary();
    client.say(&subscribe(hz * 1000, every).concat()).admitted();
    client
}

/// When `count` frames were made, in milliseconds since the first.
fn times(client: &mut Binary, count: usize) -> Vec<f64> {
    let times: Vec<u64> = (0..count).map(|_| client.vitals().2).collect();
    times.iter().map(|time| Duration::from_nanos(time - times[0]).as_secs_f64() * 1e3).collect()
}

#[test]
fn twenty_five_hertz_is_twenty_five_hertz() {
    let daemon = Daemon::start(&[]);
    one_of_three(|| {
        let mut client = daemon.json("json.sock");
        client.admitted();
        let time = |vitals: serde_json::Value| vitals["timestamp"].as_f64().unwrap();
        let first = time(client.expect("vitals"));
        let last = (0..75).map(|_| time(client.expect("vitals"))).last().unwrap();
        let seconds = last - first;
        if (2.94..3.06).contains(&seconds) { Ok(()) } else { Err(format!("{seconds} s")) }
    });
}

#[test]
fn slower_subscribers_get_their_average() {
    let daemon = Daemon::start(&[]);
    one_of_three(|| {
        let mut fastest = subscriber(&daemon, 25, false);
        let clients = [10, 7, 4].map(|hz| (hz, subscriber(&daemon, hz, false)));
        let threads = clients.map(|(hz, mut client)| {
            let count = usize::try_from(hz * 3 + 1).unwrap();
            (hz, std::thread::spawn(move || times(&mut client, count)))
        });
        let grid = times(&mut fastest, 76);
        let mut outcome = Ok(());
        let spoilt = grid.windows(2).any(|pair| pair[1] - pair[0] > 60.0);
        for (hz, thread) in threads {
            let times = thread.join().unwrap();
            let period = 1000.0 / f64::from(hz);
            for (index, time) in (0u32..).zip(&times) {
                // Each within a tick of its own time.
                let early = (time - f64::from(index) * period).abs();
                if early > 42.0 {
                    outcome = Err(format!("frame {index} at {hz} Hz: {early} ms off"));
                }
            }
            let seconds = times.last().unwrap() / 1e3;
            if !(2.94..3.06).contains(&seconds) {
                outcome = Err(format!("3 s at {hz} Hz last {seconds} s; spoilt: {spoilt}"));
            }
        }
        outcome
    });
}

#[test]
fn withheld_frames_are_no_loss_and_every_frame_means_every_frame() {
    let daemon = Daemon::start(&[]);
    let mut fast = subscriber(&daemon, 200, false);
    let mut slow = subscriber(&daemon, 10, false);
    let mut every = subscriber(&daemon, 10, true);
    let first = every.vitals().0;
    for sequence in first + 1..first + 200 {
        let (got, merged, _) = every.vitals();
        assert_eq!((got, merged), (sequence, 0));
        fast.vitals();
    }
    let mut last = 0;
    for _ in 0..8 {
        let (sequence, merged, _) = slow.vitals();
        assert!(sequence > last);
        assert_eq!(merged, 0, "a rate of one's own is no slowness");
        last = sequence;
    }
}

/// The bug it finds: a recorder that is woken for each frame, or that loses some to the wait.
#[test]
fn every_frame_comes_in_batches_at_the_rate_asked_for() {
    const FRAMES: u64 = 480;
    let daemon = Daemon::start(&[]);
    let _fast = subscriber(&daemon, 1000, false);
    let mut every = subscriber(&daemon, 10, true);
    let (first, before) = (every.vitals().0, every.reads);
    for sequence in first + 1..=first + FRAMES {
        assert_eq!(every.vitals().0, sequence);
    }
    let reads = every.reads - before;
    // Sixteen at a time; a busy machine may cut some batches.
    assert!((20..80).contains(&reads), "{FRAMES} frames in {reads} reads");
    let mut prompt = subscriber(&daemon, 1000, true);
    let (first, before) = (prompt.vitals().0, prompt.reads);
    for sequence in first + 1..=first + FRAMES {
        assert_eq!(prompt.vitals().0, sequence);
    }
    let reads = prompt.reads - before;
    assert!(reads > 200, "{FRAMES} frames in {reads} reads, asked for at once");
}

#[test]
fn rate_is_what_the_option_says() {
    let daemon = Daemon::start(&["--rate", "100"]);
    one_of_three(|| {
        let mut client = daemon.binary();
        client.say(&subscribe(0, false).concat()).admitted();
        let last = *times(&mut client, 101).last().unwrap();
        if (980.0..1020.0).contains(&last) { Ok(()) } else { Err(format!("{last} ms")) }
    });
}
