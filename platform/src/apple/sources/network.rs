//! Every network interface, from `net.link.generic.ifalldata`.
//!
//! Loopback, tunnels and bridges too: whoever wants a sum leaves them out, as the vitals do.

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use crate::apple::kernel::interface::{self, Interface};
use crate::apple::kernel::{Kernel, Refusal};
use crate::apple::machine::INTERFACES_MAX;
use crate::phrase::Phrase;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

const SPEC: SourceSpec = SourceSpec {
    name: "network",
    group: Group::Network,
    // Faster would cost a hundredth of a core.
    interval_ns: 10_000_000,
    cadence_ms: 1,
    cost: Cost::Cheap,
    may_block: false,
    is_vital: false,
};

/// In the order of an interface's counts.
static COUNTS: [(&Metric, &str, &str); 4] = [
    (known(70), "received", "sent"),
    (known(71), "packets received", "packets sent"),
    (known(73), "receive errors", "send errors"),
    (known(72), "dropped on receipt", "dropped on sending"),
];
const SENSORS_EACH: usize = 8;
const _: () = assert!(SENSORS_EACH == 2 * COUNTS.len());

/// The kernel's longest name.
type Name = heapless::Vec<u8, 16>;

/// The network interfaces.
pub(super) struct Network {
    kernel: Box<dyn Kernel>,
    table: Vec<u8>,
    /// Never grows beyond what it was made with.
    names: Vec<Name>,
}

impl Network {
    pub(super) fn new(kernel: Box<dyn Kernel>) -> Self {
        Self {
            kernel,
            table: vec![0; INTERFACES_MAX * interface::SIZE],
            names: Vec::with_capacity(INTERFACES_MAX),
        }
    }
}

impl Source for Network {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let Self { kernel, table, names } = self;
        names.clear();
        // What can't be read has no interfaces; a later reading will find them. There is room for
        // as many names as the table has records.
        let _ = interface::each(&mut **kernel, table, &mut |one| {
            let name = Name::from_slice(one.name).unwrap_or_default();
            if !names.contains(&name) && names.len() < names.capacity() {
                tell(one.name, found);
                names.push(name);
            }
        });
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Self { kernel, table, names } = self;
        let (mut next, mut seen, mut is_new) = (0, 0, false);
        let told = interface::each(&mut **kernel, table, &mut |one| {
            let is_next = names.get(next).is_some_and(|known| known == one.name);
            let place = || names.iter().position(|known| known == one.name);
            let Some(place) = (if is_next { Some(next) } else { place() }) else {
                is_new = true;
                return;
            };
            next = place + 1;
            seen += 1;
            let first = (place * SENSORS_EACH).min(readings.len());
            fill(one, readings.get_mut(first..).unwrap_or_default());
        });
        match told.map_err(Refusal::reason) {
            Ok(()) => Freshness::stale_if(is_new || seen < names.len()),
            Err(reason) => {
                readings.fill(Err(reason));
                Freshness::Current
            }
        }
    }
}

fn fill(interface: &Interface<'_>, readings: &mut [Reading<f64>]) {
    let counts = interface.received.into_iter().chain(interface.sent);
    for (reading, count) in readings.iter_mut().zip(counts) {
        *reading = Ok(count as f64);
    }
}

fn tell(name: &[u8], found: &mut dyn FnMut(&SensorInfo<'_>)) {
    let name = Phrase::new().with_bytes(name);
    let received = COUNTS.iter().map(|(metric, what, _)| (metric, "receive", what));
    let sent = COUNTS.iter().map(|(metric, _, what)| (metric, "transmit", what));
    for (metric, direction, what) in received.chain(sent) {
        let identity = Phrase::new().with("network/").with(name.as_str()).with("/");
        found(&SensorInfo {
            metric,
            label: name.clone().with(" ").with(what).as_str(),
            attributes: &[
                ("network.interface.name", name.as_str()),
                ("network.io.direction", direction),
            ],
            identity: identity.with_name(what).as_str(),
            cadence_ms: SPEC.cadence_ms,
            scope: Scope::Host,
        });
    }
}
