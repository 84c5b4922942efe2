//! Every network interface, from `/proc/net/dev`: those of the namespace it was opened in.
//!
//! Loopback too: whoever wants a sum leaves it out, as the vitals do.

use std::path::Path;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, Reading};

use super::place::Class;
use super::rows::{Column, Device, Line, Rows};
use crate::linux::file::File;
use crate::phrase::Phrase;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

/// More interfaces than that are left out, and counted.
const INTERFACES_MAX: usize = 500;

const fn column(
    place: usize,
    metric: &'static Metric,
    direction: &'static str,
    name: &'static str,
) -> Column {
    let attribute = Some(("network.io.direction", direction));
    Column { place, metric, attribute, divisor: 1.0, name }
}

static COLUMNS: [Column; 8] = [
    column(0, known(70), "receive", "received"),
    column(1, known(71), "receive", "packets received"),
    column(2, known(73), "receive", "receive errors"),
    column(3, known(72), "receive", "dropped on receipt"),
    column(8, known(70), "transmit", "sent"),
    column(9, known(71), "transmit", "packets sent"),
    column(10, known(73), "transmit", "send errors"),
    column(11, known(72), "transmit", "dropped on sending"),
];

/// The network interfaces.
#[derive(Debug)]
pub(super) struct Network {
    rows: Rows,
    class: Class,
}

impl Network {
    pub(super) fn new(proc_root: &Path, sys_root: &Path) -> Self {
        let spec = SourceSpec {
            name: "network",
            group: Group::Network,
            // Faster would cost a hundredth of a core.
            interval_ns: 10_000_000,
            cadence_ms: 1,
            cost: Cost::Cheap,
            may_block: false,
            is_vital: false,
        };
        Self {
            rows: Rows::new(spec, File::new(proc_root, "net/dev"), &COLUMNS, INTERFACES_MAX),
            class: Class::new(sys_root, "class/net"),
        }
    }
}

impl Source for Network {
    fn spec(&self) -> SourceSpec {
        self.rows.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let class = &mut self.class;
        let mut describe = |name: &[u8]| Device {
            place: class.place(name),
            attribute: ("network.interface.name", Phrase::new().with_bytes(name)),
        };
        self.rows.scan(&mut split, &mut describe, found)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        self.rows.read(&mut split, readings)
    }
}

/// A name may hold a colon; the numbers don't. The headings have a bar, and no colon.
fn split(line: &[u8]) -> Line<'_> {
    let colon = line.iter().rposition(|byte| *byte == b':');
    match colon.and_then(|colon| line.split_at_checked(colon)) {
        Some((name, [_, rest @ ..])) if !name.trim_ascii().is_empty() => {
            Line::Device(name.trim_ascii(), rest)
        }
        _ => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_interfaces() {
        assert_eq!(split(b"  eth0:1: 2 3"), Line::Device(b"eth0:1", b" 2 3"));
        assert_eq!(split(b"wlan0:5 6"), Line::Device(b"wlan0", b"5 6"));
        for other in [&b"Inter-|   Receive"[..], b" face |bytes", b"", b" : 1", b"\xff\x00"] {
            assert_eq!(split(other), Line::Other);
        }
    }
}
