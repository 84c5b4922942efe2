//! One chip of hwmon: its temperatures, fans, voltages, currents, powers, energies, humidities,
//! clocks, and the drive of its fans, which is only read.
//!
//! Channels follow the kernel's interface: a value of a channel that says `fault` is a fault, one
//! that is not enabled is absent, and a chip of a device that sleeps is not touched. How often a
//! chip may be read, and whether at all, its driver's row says. Alarms are read, and their files
//! opened, only where the host asks for it: a read may clear them for others.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::channel::{About, Quantity, open_channels};
use super::chips::{CHANNELS_MAX, Mark, SLOTS, Shared, WITH_ALARMS_MAX};
use crate::linux::drivers::{Care, care};
use crate::linux::temperature::Sleep;
use crate::phrase::Phrase;
use crate::roots::Extras;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

const fn quantity(
    start: &'static str,
    ends: &'static [&'static str],
    metric: &'static Metric,
    divisor: f64,
    range: (i64, i64),
) -> Quantity {
    Quantity { ends, range, ..Quantity::plain(start, metric, divisor) }
}

const MILLI: f64 = 1e3;
const MICRO: f64 = 1e6;
const POSITIVE: (i64, i64) = (0, i64::MAX);
/// In µW: no power supply of one machine gives more than 100 kW.
const POWER: (i64, i64) = (-100_000_000_000, 100_000_000_000);

const INPUT: &[&str] = &["_input"];
const AVERAGED: &[&str] = &["_input", "_average"];
/// Chips tell of a channel as a whole, or of each limit.
const ALARM: &[&str] = &[
    "_alarm",
    "_min_alarm",
    "_max_alarm",
    "_lcrit_alarm",
    "_crit_alarm",
    "_emergency_alarm",
    "_cap_alarm",
];

const fn alarms(start: &'static str) -> Quantity {
    quantity(start, ALARM, known(99), 1.0, (0, 1))
}

/// Of these so many are read unasked; the others are alarms.
const UNASKED: usize = 9;

static QUANTITIES: [Quantity; 16] = [
    // Broken and absent sensors answer −273 °C, −128 °C, 255 °C and 4,294,948 °C.
    quantity("temp", INPUT, known(90), MILLI, (-39_999, 149_999)),
    quantity("fan", INPUT, known(91), 1.0, (0, 100_000)),
    quantity("pwm", &[""], known(92), 255.0, (0, 255)),
    quantity("in", INPUT, known(93), MILLI, (-1_000_000, 1_000_000)),
    quantity("curr", INPUT, known(94), MILLI, (-10_000_000, 10_000_000)),
    quantity("power", AVERAGED, known(95), MICRO, POWER),
    quantity("energy", INPUT, known(96), MICRO, POSITIVE),
    quantity("humidity", INPUT, known(97), 1e5, (0, 100_000)),
    quantity("freq", AVERAGED, known(98), 1.0, POSITIVE),
    alarms("temp"),
    alarms("fan"),
    alarms("in"),
    alarms("curr"),
    alarms("power"),
    alarms("humidity"),
    alarms("intrusion"),
];

/// A source without a chip waits for one.
const WAITING: Care = Care { cost: Cost::Cheap, cadence_ms: 0, interval_ms: 10_000 };

/// The place of one chip.
#[derive(Debug)]
pub(super) struct Hwmon {
    shared: Arc<Shared>,
    quantities: &'static [Quantity],
    slot: u8,
    open: Option<Open>,
    care: Care,
    /// Whether it is read where that does harm.
    may_harm: bool,
}

#[derive(Debug)]
struct Open {
    mark: Mark,
    directory: OwnedFd,
    sleep: Sleep,
}

impl Hwmon {
    /// A source for each chip that there may be.
    pub(super) fn all(sys_root: &Path, extras: Extras) -> impl Iterator<Item = Self> {
        let (count, room) = if extras.alarms {
            (QUANTITIES.len(), WITH_ALARMS_MAX)
        } else {
            (UNASKED, CHANNELS_MAX)
        };
        let shared = Arc::new(Shared::new(sys_root, room));
        (0..u8::try_from(SLOTS).unwrap_or(u8::MAX)).map(move |slot| Self {
            shared: Arc::clone(&shared),
            quantities: QUANTITIES.get(..count).unwrap_or_default(),
            slot,
            open: None,
            care: WAITING,
            may_harm: extras.harmful,
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
            is_vital: false,
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
        let left_out = open_channels(
            directory.as_fd(),
            self.quantities,
            &about,
            room,
            found,
            &mut |channel| {
                shared.keep(slot, channel);
            },
        );
        let sleep = Sleep::of(directory.as_fd());
        self.open = Some(Open { mark: claim.mark, directory, sleep });
        omitted.saturating_add(left_out)
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Some(open) = &self.open else { return Freshness::Current };
        if self.care.cost == Cost::Harmful && !self.may_harm {
            readings.fill(Err(NoData::Denied));
            return Freshness::Current;
        }
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
