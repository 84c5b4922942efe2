//! kymo's reader of each subject.

use std::hint::black_box;

use kymo_platform::{
    Machine, ProcessSource, Roots, Source, this_machine, this_machine_processes,
    this_machine_sources,
};
use kymo_protocol::{Group, NoData, Reading};

/// Readers of one kind that take turns, so that none is asked again before its pause is over.
pub const TURNS: usize = 20;

/// One of kymo's sources, ready to be read.
pub struct Reader {
    name: &'static str,
    kind: Kind,
}

type Sources = Vec<(Box<dyn Source>, Vec<Reading<f64>>)>;

enum Kind {
    /// Each with the places for its readings.
    Sources(Sources),
    /// The same, of which one is read after the other, and the next.
    Turns(Sources, usize),
    Load(Box<dyn Machine>),
    Processes(Box<dyn ProcessSource>),
}

impl Reader {
    /// The source of this name; all chips for `hwmon`. `None` without sensors.
    pub fn of(name: &'static str) -> Option<Self> {
        let roots = Roots::default();
        let kind = match name {
            "load" => Kind::Load(this_machine(&roots)),
            "processes" => Kind::Processes(this_machine_processes(&roots)?),
            "pressure" => Kind::Turns((0..TURNS).flat_map(|_| sensors(&roots, name)).collect(), 0),
            _ => Kind::Sources(sensors(&roots, name)),
        };
        let is_empty =
            matches!(&kind, Kind::Sources(list) | Kind::Turns(list, _) if list.is_empty());
        (!is_empty).then_some(Self { name, kind })
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reads everything once.
    pub fn read(&mut self) {
        match &mut self.kind {
            Kind::Sources(list) => {
                for (source, readings) in list {
                    let _ = source.read(black_box(readings));
                }
            }
            Kind::Turns(list, next) => {
                *next = (*next + 1) % list.len();
                let (source, readings) = &mut list[*next];
                let _ = source.read(black_box(readings));
            }
            Kind::Load(machine) => _ = black_box(machine.load()),
            Kind::Processes(ranker) => _ = black_box(ranker.scan(u64::MAX)),
        }
    }

    /// How many values the last read had.
    pub fn values(&self) -> usize {
        let ok = |readings: &Vec<Reading<f64>>| readings.iter().flatten().count();
        match &self.kind {
            Kind::Sources(list) => list.iter().map(|(_, readings)| ok(readings)).sum(),
            Kind::Turns(list, _) => list.first().map_or(0, |(_, readings)| ok(readings)),
            Kind::Load(_) => 3,
            Kind::Processes(ranker) => {
                ranker.ranking().total.map_or(0, |total| usize::try_from(total).unwrap_or(0))
            }
        }
    }
}

fn sensors(roots: &Roots, name: &str) -> Sources {
    let mut found = Sources::new();
    for mut source in this_machine_sources(roots) {
        let spec = source.spec();
        let is_it = if name == "hwmon" { spec.group == Group::Hwmon } else { spec.name == name };
        let mut count = 0;
        if is_it {
            source.scan(&mut |_| count += 1);
        }
        if count > 0 {
            found.push((source, vec![Err(NoData::Pending); count]));
        }
    }
    found
}
