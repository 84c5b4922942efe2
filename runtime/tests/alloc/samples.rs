//! Samples in both forms, for who keeps up and who does not, while sensors come and go.

use std::path::Path;
use std::time::{Duration, Instant};

use kymo::Reactor;
use kymo_protocol::Group;

use crate::sensors::Double;
use crate::{binary_subscription, connect, drain, turn};

const MS: u64 = 1_000_000;

pub fn doubles() -> Vec<Double> {
    vec![
        Double::with(Group::Cpu, MS, 300),
        Double::with(Group::Disk, MS, 4),
        Double::with(Group::Hwmon, 5 * MS, 20),
        Double::with(Group::Pressure, 500 * MS, 6),
    ]
}

fn subscription(every: bool) -> Vec<u8> {
    let mut bytes = binary_subscription(every);
    let at = bytes.len() - 40 + 4;
    bytes[at] = 2;
    bytes
}

pub fn samples(reactor: &mut Reactor, directory: &Path, doubles: &[Double]) {
    let lines: [&[u8]; 3] = [
        b"{\"subscribe\":[\"samples\"],\"rate_hz\":1000}\n",
        b"{\"subscribe\":[\"samples\"],\"rate_hz\":1000,\"every\":true,\"groups\":[\"c*\"]}\n",
        b"{\"subscribe\":[\"samples\",\"vitals\"],\"rate_hz\":3,\"groups\":[\"nothing\"]}\n",
    ];
    let mut clients: Vec<_> =
        lines.iter().map(|line| connect(directory, "stream.sock", line)).collect();
    clients.push(connect(directory, "stream.sock", &subscription(false)));
    clients.push(connect(directory, "stream.sock", &subscription(true)));
    // These read seldom.
    let mut slow = [
        connect(directory, "stream.sock", &subscription(false)),
        connect(directory, "stream.sock", &subscription(true)),
        connect(directory, "stream.sock", lines[0]),
        connect(directory, "stream.sock", lines[1]),
    ];
    let merged = reactor.hub().counters().merged;
    let reads = doubles[1].counts()[1];
    let scans = || doubles.iter().map(|double| double.counts()[0]).sum::<u64>();
    let (mut taken, mut round) = (0, 0_u32);
    // A busy machine makes few ticks: it takes as long as it takes.
    let begun = Instant::now();
    while round < 600
        || (scans().min(taken as u64 / 5000) <= 20 && begun.elapsed() < Duration::from_secs(60))
    {
        turn(reactor);
        taken += clients.iter_mut().map(drain).sum::<usize>();
        if round % 150 == 149 {
            assert!(slow.iter_mut().map(drain).sum::<usize>() > 1000);
        }
        if round % 20 == 19 {
            let (double, count) =
                (&doubles[round as usize % 3], [7, 450, 0, 33][round as usize % 4]);
            let mut script = double.script();
            script.fill(round % 7 * 10_000, count);
            script.stale_reads = 1;
        }
        round += 1;
    }
    assert!(taken > 100_000, "{taken} bytes");
    assert!(doubles[1].counts()[1] > reads + 30, "they were read");
    assert!(scans() > 20, "and scanned anew");
    let merged = reactor.hub().counters().merged - merged;
    assert!(merged > 20, "the slow ones were told so, {merged} times");
    drop((clients, slow));
    turn(reactor);
    turn(reactor);
}
