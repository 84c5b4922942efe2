//! What does it cost to read the machine's vitals?

use std::thread;
use std::time::{Duration, Instant};

use kymo_benches::collectd::Collectd;
use kymo_benches::process::Process;
use kymo_benches::{Outcome, cost, memory, watch};

use crate::rounds::Rounds;
use crate::scrape::NodeExporter;
use crate::table::Table;

#[derive(Clone, Copy, PartialEq)]
enum Collector {
    Kymod,
    Collectd,
    NodeExporter,
}

const ALL: [Collector; 3] = [Collector::Kymod, Collector::Collectd, Collector::NodeExporter];

/// CPU and memory at two rates.
///
/// # Errors
///
/// Never: who fails is left out.
pub fn run(is_quick: bool) -> Outcome<Table> {
    let mut table = Table::new(
        "Reading the machine",
        "CPUs, memory, load, disks, interfaces, the root file system and the number of processes, \
         as often as the rate says. kymod has one subscriber of vitals; node_exporter is asked \
         over one connection that stays, with these collectors alone and without the one that \
         counts processes, which is dear; collectd has these plugins, writes its values nowhere, \
         and nobody reads them.",
        &["kymo", "collectd", "node_exporter"],
    );
    for (rate_hz, span_ms, rounds) in [(1, 4000, 3), (25, 2500, 3)] {
        let (span_ms, rounds) = if is_quick { (1100, 1) } else { (span_ms, rounds) };
        let span = Duration::from_millis(span_ms);
        let rounds = Rounds::take(rounds, &ALL, missing, |one| measure(one, rate_hz, span));
        table.less(format!("{rate_hz} Hz: CPU"), "% of a core", rounds.cells(0));
        table.less(format!("{rate_hz} Hz: memory, PSS"), "MB", rounds.cells(1));
        table.explain(&rounds.failed);
    }
    table.notes.push(
        "kymo reads nothing more often than it can change: the load every 5 s, space every second, \
         memory at most 10 times a second. The others read everything each time"
            .into(),
    );
    Ok(table)
}

fn missing(collector: Collector) -> Option<String> {
    match collector {
        Collector::Kymod => None,
        Collector::Collectd if Collectd::program().is_some() => None,
        Collector::Collectd => Some("collectd is not installed".into()),
        Collector::NodeExporter => NodeExporter::missing(),
    }
}

/// CPU in percent, memory in MB.
fn measure(collector: Collector, rate_hz: u32, span: Duration) -> Outcome<[f64; 2]> {
    match collector {
        Collector::Kymod => {
            let kymod = Process::kymod(&[], "")?;
            let mut readers = kymod.subscribe(rate_hz, 1)?;
            figures(kymod.id(), span, |span| watch::many(&mut readers, span).map(drop))
        }
        Collector::Collectd => {
            let program = Collectd::program().ok_or("collectd is not installed")?;
            let collectd = Collectd::start(program, rate_hz)?;
            figures(collectd.id(), span, |span| {
                thread::sleep(span);
                Ok(())
            })
        }
        Collector::NodeExporter => {
            let mut exporter = NodeExporter::start()?;
            let id = exporter.id();
            figures(id, span, |span| {
                let begin = Instant::now();
                let mut due = begin;
                while begin.elapsed() < span {
                    exporter.scrape()?;
                    due += Duration::from_secs(1) / rate_hz;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                Ok(())
            })
        }
    }
}

fn figures(
    id: u32,
    span: Duration,
    mut wait: impl FnMut(Duration) -> Outcome<()>,
) -> Outcome<[f64; 2]> {
    wait(Duration::from_millis(1100))?;
    let (begin_ns, begin) = (cost::process_ns(id)?, Instant::now());
    wait(span)?;
    let cpu_ns = cost::process_ns(id)? - begin_ns;
    let share = cpu_ns as f64 / begin.elapsed().as_nanos() as f64;
    Ok([share * 100.0, memory::of(id)?.pss / 1e6])
}
