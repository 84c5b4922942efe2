//! A sensor of the host's own: it stands in the catalog and in samples like any other, is read only
//! while somebody wants it, and its cost is metered.
//!
//! `cargo run -p kymo --example custom_sensor`

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use kymo::platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo::protocol::metric::OWN_METRIC_MIN;
use kymo::protocol::{Body, Cost, Group, Instrument, Metric, NoData, Reading, Scope};
use kymo::protocol::{StreamId, Streams};
use kymo::{Builder, Wish};

/// What is measured, with OpenTelemetry's kind of name and UCUM's unit.
static JOBS: Metric = Metric {
    number: OWN_METRIC_MIN,
    name: "app.jobs.waiting",
    unit: "{job}",
    instrument: Instrument::Gauge,
    group: Group::Cpu,
    brief: "jobs that wait",
};

/// The application's queue; it has no length before it is opened.
struct Queue;
const CLOSED: u32 = u32::MAX;
static WAITING: AtomicU32 = AtomicU32::new(CLOSED);

impl Source for Queue {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "queue",
            group: Group::Cpu,
            interval_ns: 20_000_000, // never read sooner
            cadence_ms: 20,
            cost: Cost::Cheap,
            may_block: false, // else it is read by another thread
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        found(&SensorInfo {
            metric: &JOBS,
            label: "mail",
            attributes: &[("app.queue", "mail")],
            identity: "app/queue/mail", // the same after a restart
            cadence_ms: 20,
            scope: Scope::Host,
        });
        0 // nothing that may not be read
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let jobs = WAITING.load(Relaxed);
        // One for each that was found. What is not known is never 0.
        readings.fill(if jobs == CLOSED { Err(NoData::Absent) } else { Ok(f64::from(jobs)) });
        Freshness::Current
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut reactor = Builder::new().source(Box::new(Queue)).build()?;
    let (reader, streams) = (thread::current(), Streams::default().with(StreamId::SAMPLES));
    let wish = Wish { streams, groups: &["cpu"], ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || reader.unpark())?;
    let running = reactor.spawn()?;
    let mut told = 0;
    while told < 3 {
        match subscriber.next_frame()?.map(|frame| frame.body) {
            // Names and units, with the ids of their samples.
            Some(Body::Catalog(catalog)) => {
                catalog.sensors().for_each(|s| println!("{} in {}", s.name(), s.unit()));
            }
            Some(Body::Samples(samples)) => {
                let sample = samples.samples.first().ok_or("no sample")?;
                println!("{:?}, {}", sample.reading(), sample.state().name());
                told += 1;
                WAITING.store(told * 7, Relaxed);
            }
            Some(_) => {}
            None => thread::park(),
        }
    }
    Ok(running.stop()?)
}
