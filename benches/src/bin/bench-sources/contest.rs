//! kymo, the bare system calls and other libraries in turns, by the CPU time they take.

use std::thread;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::cost;
use kymo_benches::pairs::Spread;
use kymo_benches::row::Row;
use kymo_benches::stats::median;

use crate::floor::Floor;
use crate::peers::Peer;
use crate::sources::{Reader, TURNS};

/// The goal: at most so much of what the better peer takes.
const GOAL: f64 = 0.2;
/// It can be reached where the kernel leaves a fifth of that for everything else.
const WITHIN_REACH: f64 = 0.8 * GOAL;

/// What is compared with what.
pub struct Contest {
    pub what: String,
    /// Between two reads of one reader.
    pub pause: Option<Duration>,
    pub kymo: Reader,
    pub floor: Floor,
    pub peers: Vec<Peer>,
}

impl Contest {
    /// Two rows: beside the better peer, if there is one, and beside the bare system calls.
    pub fn rows(mut self, args: &Args) -> Outcome<Vec<Row>> {
        let rounds = if self.pause.is_some() { 11 } else { 31 };
        let mut rounds: Vec<Vec<f64>> = (0..args.rounds(rounds))
            .map(|round| self.round(round, args))
            .collect::<Outcome<_>>()?;
        // The first is not warm.
        rounds.remove(0);
        let of = |reader: usize| rounds.iter().map(|round| round[reader]).collect::<Vec<_>>();
        let ratio = |reader: usize| {
            Spread::of(&rounds.iter().map(|round| round[0] / round[reader]).collect::<Vec<_>>())
        };
        let (kymo, floor) = (median(&of(0)), median(&of(1)));
        let peers: Vec<_> = self.peers.iter().map(|peer| &*peer.name).zip(2..).collect();
        let cost = |reader: usize| median(&of(reader));
        let best = peers.iter().copied().min_by(|one, two| cost(one.1).total_cmp(&cost(two.1)));
        let mut rows = Vec::new();
        let share = floor / kymo * 100.0;
        if let Some((name, place)) = best {
            let row = Row::new(format!("read {}: beside {name}", self.what), kymo, "ns");
            let mut row = row.beside(cost(place), ratio(place));
            let mut note =
                format!("{} values; the kernel's share is {share:.0} %", self.kymo.values());
            for (other, place) in peers.iter().filter(|(_, other)| *other != place) {
                note.push_str(&format!("; {other} takes {:.0} ns", cost(*place)));
            }
            let least = floor / cost(place);
            if least < WITHIN_REACH {
                row = row.ratio_limits(GOAL, None);
            } else {
                note.push_str(&format!("; its calls alone take {least:.2} of {name}"));
            }
            rows.push(row.note(note));
        }
        let (reads, floor_reads) = self.floor.reads;
        let row = Row::new(format!("read {}: beside bare system calls", self.what), kymo, "ns");
        let row = row.beside(floor, ratio(1));
        rows.push(row.note(format!("reads each: {reads} to {floor_reads}")));
        Ok(rows)
    }

    /// Nanoseconds of a read by kymo, the floor, and each peer. Who begins changes.
    fn round(&mut self, round: usize, args: &Args) -> Outcome<Vec<f64>> {
        let readers = 2 + self.peers.len();
        let mut costs = vec![0.0; readers];
        if let Some(pause) = self.pause {
            thread::sleep(pause);
        }
        let calls = match self.kymo.name() {
            "processes" => 5,
            _ if args.quick || self.pause.is_some() => TURNS,
            _ => 100,
        };
        for turn in 0..readers {
            let reader = (round + turn) % readers;
            // Nobody is to find the kernel's part colder than the others.
            self.floor.read()?;
            let begin = cost::process_ns(std::process::id())?;
            for _ in 0..calls {
                match reader {
                    0 => self.kymo.read(),
                    1 => self.floor.read()?,
                    _ => (self.peers[reader - 2].read)()?,
                }
            }
            let took = cost::process_ns(std::process::id())? - begin;
            costs[reader] = took as f64 / calls as f64;
        }
        Ok(costs)
    }
}
