//! One chip of hwmon: its temperatures, fans, voltages, currents, powers, energies, humidities,
//! clocks, and the drive of its fans, which is only read.
//!
//! Channels follow the kernel's interface: a value of a channel that says `fault` is a fault, one
//! that is not enabled is absent, and a chip of a device that sleeps is not touched. How often a
//! chip may be read, and whether at all, its driver's row says. Alarms are not read: a read would
//! clear them for others.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::channel::{About, Quantity, open_channels};
use super::chips::{Mark, SLOTS, Shared};
use crate::linux::drivers::{Care, care};
use crate::linux::phrase::Phrase;
use crate::linux::temperature::Sleep;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

const fn quantity(
    start: &'static str,
    end: &'static str,
    metric: &'static Metric,
    divisor: f64,
    range: (i64, i64),
) -> Quantity {
    Quantity { end: Some(end), range, ..Quantity::plain(start, metric, divisor) }
}

const MILLI: f64 = 1e3;
const MICRO: f64 = 1e6;
const POSITIVE: (i64, i64) = (0, i64::MAX);
/// In µW: no power supply of one machine gives more than 100 kW.
const POWER: (i64, i64) = (-100_000_000_000, 100_000_000_000);

static QUANTITIES: [Quantity; 11] = [
    // Broken and absent sensors answer −273 °C, −128 °C, 255 °C and 4,294,948 °C.
    quantity("temp", "_input", known(90), MILLI, (-39_999, 149_999)),
    quantity("fan", "_input", known(91), 1.0, (0, 100_000)),
    quantity("pwm", "", known(92), 255.0, (0, 255)),
    quantity("in", "_input", known(93), MILLI, (-1_000_000, 1_000_000)),
    quantity("curr", "_input", known(94), MILLI, (-10_000_000, 10_000_000)),
    quantity("power", "_input", known(95), MICRO, POWER),
    quantity("power", "_average", known(95), MICRO, POWER),
    quantity("energy", "_input", known(96), MICRO, POSITIVE),
    quantity("humidity", "_input", known(97), 1e5, (0, 100_000)),
    quantity("freq", "_input", known(98), 1.0, POSITIVE),
    quantity("freq", "_average", known(98), 1.0, POSITIVE),
];

/// A source without a chip waits for one.
const WAITING: Care = Care { cost: Cost::Cheap, cadence_ms: 0, interval_ms: 10_000 };

/// The place of one chip.
#[derive(Debug)]
pub(super) struct Hwmon {
    shared: Arc<Shared>,
    slot: u8,
    open: Option<Open>,
    care: Care,
}

#[derive(Debug)]
struct Open {
    mark: Mark,
    directory: OwnedFd,
    sleep: Sleep,
}

impl Hwmon {
    /// A source for each chip that there may be.
    pub(super) fn all(sys_root: &Path) -> impl Iterator<Item = Self> {
        let shared = Arc::new(Shared::new(sys_root));
        (0..u8::try_from(SLOTS).unwrap_or(u8::MAX)).map(move |slot| Self {
            shared: Arc::clone(&shared),
            slot,
            open: None,
            care: WAITING,
        })
    }
}

impl Source for Hwmon {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "hwmon",
            group: Group::Hwmon,
            interval_ns: u64::from(self.care.interval_ms) * 1_000_000,
            cadence_ms: self.care.cadence_ms,
            cost: self.care.cost,
            may_block: true,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        (self.open, self.care) = (None, WAITING);
        let room = self.shared.forget(self.slot);
        let (claim, omitted) = self.shared.claim(usize::from(self.slot));
        let Some(claim) = claim else { return omitted };
        self.care = care(&claim.chip.name, &claim.chip.place);
        let about = About {
            identity: &Phrase::new().with("hwmon/").with(claim.identity.as_str()),
            name: &Phrase::new().with_bytes(&claim.chip.name),
            cadence_ms: self.care.cadence_ms,
        };
        let (shared, slot) = (&self.shared, self.slot);
        let directory = claim.directory;
        let left_out =
            open_channels(directory.as_fd(), &QUANTITIES, &about, room, found, &mut |channel| {
                shared.keep(slot, channel);
            });
        let sleep = Sleep::of(directory.as_fd());
        self.open = Some(Open { mark: claim.mark, directory, sleep });
        omitted.saturating_add(left_out)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Some(open) = &self.open else { return Freshness::Current };
        if open.sleep.now(&mut false) {
            readings.fill(Err(NoData::Asleep));
            return Freshness::Current;
        }
        let (mut readings, mut left) = (readings.iter_mut(), false);
        self.shared.for_each(self.slot, &mut |channel| {
            if let Some(reading) = readings.next() {
                *reading = channel.read_in(open.directory.as_fd(), &mut left);
            }
        });
        Freshness::stale_if(left)
    }

    fn look(&mut self) -> Freshness {
        let mark = self.open.as_ref().map(|open| open.mark);
        let changed = self.shared.has_changed(usize::from(self.slot), mark);
        Freshness::stale_if(changed == Some(true))
    }
}
