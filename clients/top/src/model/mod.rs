//! What is known: a model of the machine and of the connection, fed with what a subscriber gets.
//!
//! Guarantees: no value outlives its catalog; nothing of one run of a daemon is a part of a graph
//! or of a rate of the next; every loss is counted and has a line among the events.

mod hardware;
mod link;
mod log;
mod places;
mod processes;
mod reading;
mod sensors;

use kymo_client::{Body, Frame, Item, State, Why};
use kymo_protocol::{Field, Vitals};

use crate::event_text::event_detail;
use crate::gap_text::gap_text;
use crate::history::History;
use crate::rates::Rates;

pub use hardware::Hardware;
pub use link::{DaemonStatus, Link};
pub use log::{Entry, Log, Said};
pub use places::{Core, Disk, FileSystem};
pub use processes::{ProcessList, ProcessRow, Sort};
pub use reading::Reading;
pub use sensors::Sensors;

const NS_PER_MS: u64 = 1_000_000;

/// A value holds at least this long, or three times as long as frames are apart.
const HOLD_NS_MIN: u64 = 2_000_000_000;

/// A value with a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    Cpu,
    Memory,
    Received,
    Sent,
    Read,
    Written,
    Heat,
    Power,
}

impl Series {
    const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Memory,
        Self::Received,
        Self::Sent,
        Self::Read,
        Self::Written,
        Self::Heat,
        Self::Power,
    ];

    /// The field of the vitals that it shows, or whose growth.
    pub const fn field(self) -> Field {
        match self {
            Self::Cpu => Field::CpuUsage,
            Self::Memory => Field::MemoryUsage,
            Self::Received => Field::NetworkRxBytes,
            Self::Sent => Field::NetworkTxBytes,
            Self::Read => Field::DiskReadBytes,
            Self::Written => Field::DiskWriteBytes,
            Self::Heat => Field::Temperature,
            Self::Power => Field::PowerWatts,
        }
    }
}

/// What is known; see the module.
#[derive(Clone, Debug, Default)]
pub struct Model {
    vitals: Option<Vitals>,
    rates: Rates,
    histories: [History; Series::ALL.len()],
    sensors: Sensors,
    processes: Option<ProcessList>,
    log: Log,
    link: Link,
    /// When the newest frame was made, on the boot clock.
    newest_ns: u64,
}

impl Model {
    /// Takes in what a subscriber got at `wall_ns`.
    pub fn handle(&mut self, item: &Item<'_>, wall_ns: u64) {
        self.sensors.handle(item);
        match item {
            Item::Frame(frame) => self.handle_frame(frame, wall_ns),
            Item::Gap(gap) => {
                self.link.handle_gap(gap);
                self.log.push(Entry::notice(wall_ns, Said::Loss, gap_text(gap)));
            }
            Item::Fresh { lost_after: Some(token) } => {
                let text = format!(
                    "events may be lost: the daemon does not know those behind {token}; it has \
                     another history"
                );
                self.log.push(Entry::notice(wall_ns, Said::Loss, text));
            }
            Item::Connected(server) => {
                if self.link.handle_connected(server) {
                    let text = format!("connected again to {}", self.link.source());
                    self.log.push(Entry::notice(wall_ns, Said::Notice, text));
                }
                self.begin();
            }
            Item::Lost(why) => self.handle_lost(*why, wall_ns),
            _ => {}
        }
    }

    fn handle_lost(&mut self, why: Why, wall_ns: u64) {
        self.link.handle_lost(wall_ns);
        let text = format!("lost, waiting for it: {why}");
        self.log.push(Entry::notice(wall_ns, Said::Loss, text));
    }

    /// Another connection: rates and graphs do not go on.
    fn begin(&mut self) {
        self.rates = Rates::default();
        for history in &mut self.histories {
            history.add(self.newest_ns, None, 0);
        }
    }

    fn handle_frame(&mut self, frame: &Frame<'_>, wall_ns: u64) {
        let at_ns = frame.header.timestamp.get();
        self.newest_ns = self.newest_ns.max(at_ns);
        self.link.handle_frame(wall_ns);
        match frame.body {
            Body::Vitals(vitals) => {
                self.link.add_merged(vitals.merged.get());
                self.handle_vitals(at_ns, vitals);
            }
            Body::Samples(samples) => self.link.add_merged(samples.merged()),
            Body::Processes(processes) => {
                self.link.add_merged(processes.fixed.merged.get());
                self.processes = Some(ProcessList::of(processes));
            }
            Body::Event(event) => {
                let sequence = frame.header.sequence.get();
                let detail = event_detail(event);
                let is_again = event.is_catchup();
                self.log.push(Entry::event(
                    event.wall_ns(),
                    sequence,
                    event.topic(),
                    &detail,
                    is_again,
                ));
            }
            _ => {}
        }
    }

    fn handle_vitals(&mut self, at_ns: u64, vitals: &Vitals) {
        self.rates.add(at_ns, vitals);
        self.vitals = Some(*vitals);
        let hold_ns = HOLD_NS_MIN.max(self.link.interval_ns().saturating_mul(3));
        for (series, history) in Series::ALL.into_iter().zip(&mut self.histories) {
            let value = match series {
                Series::Cpu => Some(f64::from(vitals.cpu_usage.get())),
                Series::Memory => Some(f64::from(vitals.memory_usage.get())),
                Series::Heat => Some(f64::from(vitals.temperature.get())),
                Series::Power => Some(f64::from(vitals.power_watts.get())),
                rate => self.rates.per_second(rate.field()),
            };
            // What is held is old: the graph does not go on with it.
            let is_read = vitals.state(series.field()) == State::Ok;
            history.add(at_ns, value.filter(|_| is_read), hold_ns);
        }
    }

    /// Has a line among the events.
    pub fn notice(&mut self, wall_ns: u64, text: &str) {
        self.log.push(Entry::notice(wall_ns, Said::Notice, text.into()));
    }

    /// The last vitals.
    pub fn vitals(&self) -> Option<&Vitals> {
        self.vitals.as_ref()
    }

    /// What a counter of the vitals grows in a second; `None` until that is known.
    pub fn rate(&self, field: Field) -> Option<f64> {
        self.rates.per_second(field)
    }

    /// What `series` was over time.
    pub fn history(&self, series: Series) -> &History {
        &self.histories[series as usize]
    }

    /// When the newest frame was made, on the boot clock.
    pub fn newest_ns(&self) -> u64 {
        self.newest_ns
    }

    /// The sensors.
    pub fn sensors(&self) -> &Sensors {
        &self.sensors
    }

    /// The last look at the processes.
    pub fn processes(&self) -> Option<&ProcessList> {
        self.processes.as_ref()
    }

    /// Events and notices.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The connection and what is behind it.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The same, to be told of what a subscriber does not tell.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_client::{Connected, Resumed, StreamId};
    use kymo_protocol::{Payload, Position, Stamp, emit};

    const S: u64 = 1_000_000_000;

    fn tell(model: &mut Model, at_ns: u64) {
        let mut bytes = vec![0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 1 };
        let (vitals, _) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: at_ns }).unwrap();
        vitals.merged.set(3);
        model.handle(&Item::Frame(Frame::parse(&bytes).unwrap()), 0);
    }

    /// Whether the memory was known in each half second up to `end_ns`.
    fn known(model: &Model, end_ns: u64) -> Vec<bool> {
        let columns = model.history(Series::Memory).columns(3, end_ns, 5);
        columns.map(|column| column.is_some()).collect()
    }

    #[test]
    fn a_graph_does_not_go_on_over_a_new_connection() {
        let mut model = Model::default();
        let connected = Item::Connected(Connected {
            directory: None,
            epoch: [1; 16],
            run: [2; 16],
            is_new_run: false,
            rate_mhz: 1_000,
            resumed: Resumed::NoEvents,
        });
        model.handle(&connected, 0);
        [10 * S, 11 * S].into_iter().for_each(|at_ns| tell(&mut model, at_ns));
        assert_eq!(known(&model, 11 * S), [false, false, true, true, true]);
        model.handle(&connected, 0);
        tell(&mut model, 12 * S);
        assert_eq!(known(&model, 12 * S), [true, true, true, false, true]);
        assert_eq!(model.link().merged(), 9);
    }
}
