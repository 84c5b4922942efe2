//! The battery and what feeds the machine, as the battery's service tells it.
//!
//! | property | unit | remark |
//! |---|---|---|
//! | ExternalConnected | truth | |
//! | CurrentCapacity, MaxCapacity | mAh on Intel, % on Apple silicon | their ratio is the charge on both |
//! | AppleRawCurrentCapacity, AppleRawMaxCapacity | mAh | where they are missing, the two above if they can't be % |
//! | DesignCapacity | mAh | macOS 27 has it in BatteryData |
//! | Voltage | mV | |
//! | InstantAmperage, Amperage | mA, below 0 what flows out | some firmware widens 16 or 32 bits without their sign |
//! | Temperature | 0.1 K | not 0.01 °C, as it is often read: Apple's driver converts it on other systems than macOS |
//! | VirtualTemperature | 0.01 °C | where the other is missing |
//! | AvgTimeToEmpty, AvgTimeToFull | min | 65535: no estimate |
//! | CycleCount | | |

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::services::{About, Kind, Quantity};
use super::{Entry, Origin, Table};
use crate::phrase::{Phrase, ShortText};
use crate::source::SourceSpec;

/// Charge in coulombs of 1 mAh.
const MAH: f64 = 3.6;
/// A charge in mAh that no percentage is.
const PERCENT_MAX: i64 = 100;
/// What a time reads when nothing is known.
const NO_TIME: i64 = 0xFFFF;
/// No battery of a Mac takes or gives so many mA, nor is at so many mV.
const MILLI_MAX: i64 = 32_767;
/// In °C; cells outside of that are no more.
const TEMPERATURES: core::ops::Range<f64> = -40.0..150.0;

const fn plain(
    name: &'static str,
    metric: &'static Metric,
    keys: &'static [&'static str],
    value: fn(&dyn Table) -> Reading<f64>,
) -> Quantity {
    Quantity { name, metric, attribute: None, keys, value }
}

const fn state(quantity: Quantity, state: &'static str) -> Quantity {
    Quantity { attribute: Some(("hw.battery.state", state)), ..quantity }
}

/// What is plugged in stands before the battery: vitals take them device by device.
static QUANTITIES: [Quantity; 11] = [
    plain("online", known(130), &["ExternalConnected"], |table| {
        Ok(f64::from(u8::from(table.truth("ExternalConnected")?)))
    }),
    plain("capacity", known(125), &["CurrentCapacity"], capacity),
    plain("voltage", known(122), &["Voltage"], voltage),
    plain("current", known(123), &["InstantAmperage", "Amperage"], current),
    plain("temp", known(124), &["Temperature", "VirtualTemperature"], temperature),
    state(plain("charge", known(128), &["AppleRawCurrentCapacity", "CurrentCapacity"], now), "now"),
    state(plain("charge full", known(128), &["AppleRawMaxCapacity", "MaxCapacity"], full), "full"),
    state(plain("charge design", known(128), &["DesignCapacity", "BatteryData"], design), "design"),
    state(
        plain("time to empty", known(126), &["AvgTimeToEmpty"], |table| {
            time(table, "AvgTimeToEmpty")
        }),
        "discharging",
    ),
    state(
        plain("time to full", known(126), &["AvgTimeToFull"], |table| time(table, "AvgTimeToFull")),
        "charging",
    ),
    plain("cycles", known(129), &["CycleCount"], |table| match table.number("CycleCount")? {
        cycles @ 0..=100_000 => Ok(cycles as f64),
        _ => Err(NoData::Fault),
    }),
];

/// The battery, if there is one.
pub static BATTERY: Kind = Kind {
    spec: SourceSpec {
        name: "supply",
        group: Group::Power,
        interval_ns: 5_000_000_000,
        cadence_ms: 1000,
        cost: Cost::Costly,
        may_block: true,
        is_vital: true,
    },
    class: c"AppleSmartBattery",
    table: None,
    attribute: "hw.name",
    quantities: &QUANTITIES,
    about,
};

/// There is one at most. Some desktops have the service, and no battery in it.
fn about(entry: &dyn Entry) -> Option<About> {
    let mut is_there = true;
    let _ = entry.table(Origin::Own, None, &mut |table| {
        is_there = table.truth("BatteryInstalled") != Ok(false);
    });
    let name = ShortText::new().with("battery");
    is_there.then(|| About { place: Phrase::new().with("battery"), name })
}

fn within(number: i64, least: i64, greatest: i64) -> Reading<f64> {
    if (least..=greatest).contains(&number) { Ok(number as f64) } else { Err(NoData::Fault) }
}

fn capacity(table: &dyn Table) -> Reading<f64> {
    let most = within(table.number("MaxCapacity")?, 1, MILLI_MAX)?;
    let now = within(table.number("CurrentCapacity")?, 0, MILLI_MAX)?;
    // A battery is now and then told a little fuller than full.
    if now <= most * 1.2 { Ok((now / most).min(1.0)) } else { Err(NoData::Fault) }
}

fn voltage(table: &dyn Table) -> Reading<f64> {
    Ok(within(table.number("Voltage")?, 1, MILLI_MAX)? / 1e3)
}

fn current(table: &dyn Table) -> Reading<f64> {
    let number = match table.number("InstantAmperage") {
        Err(NoData::Absent) => table.number("Amperage"),
        number => number,
    };
    Ok(within(signed(number?), -MILLI_MAX, MILLI_MAX)? / 1e3)
}

/// The number that lost its sign on the way through 16 or 32 bits.
const fn signed(number: i64) -> i64 {
    match number {
        0x8000..=0xFFFF => number - 0x1_0000,
        0x8000_0000..=0xFFFF_FFFF => number - 0x1_0000_0000,
        _ => number,
    }
}

fn temperature(table: &dyn Table) -> Reading<f64> {
    let (number, is_kelvin) = match table.number("Temperature") {
        Err(NoData::Absent) => (table.number("VirtualTemperature")?, false),
        number => (number?, true),
    };
    let celsius = match number {
        // What no sensor says, in either unit.
        0 => return Err(NoData::Fault),
        _ if is_kelvin => (number as f64 - 2731.5) / 10.0,
        _ => number as f64 / 100.0,
    };
    if TEMPERATURES.contains(&celsius) { Ok(celsius) } else { Err(NoData::Fault) }
}

/// The raw number, or else one that may be a percentage and then is none.
fn milliampere_hours(table: &dyn Table, raw: &str, or: &str) -> Reading<f64> {
    let number = match table.number(raw) {
        Err(NoData::Absent) if table.number("MaxCapacity")? <= PERCENT_MAX => {
            return Err(NoData::Absent);
        }
        Err(NoData::Absent) => table.number(or),
        number => number,
    };
    Ok(within(number?, 0, MILLI_MAX)? * MAH)
}

fn now(table: &dyn Table) -> Reading<f64> {
    milliampere_hours(table, "AppleRawCurrentCapacity", "CurrentCapacity")
}

fn full(table: &dyn Table) -> Reading<f64> {
    milliampere_hours(table, "AppleRawMaxCapacity", "MaxCapacity")
}

fn design(table: &dyn Table) -> Reading<f64> {
    let mut number = table.number("DesignCapacity");
    if number == Err(NoData::Absent) {
        let _ = table.table("BatteryData", &mut |data| number = data.number("DesignCapacity"));
    }
    Ok(within(number?, 1, MILLI_MAX)? * MAH)
}

/// 0 is no time either: the machine runs while it is read, and what is full has none to go.
fn time(table: &dyn Table, key: &str) -> Reading<f64> {
    match table.number(key)? {
        0 | NO_TIME => Err(NoData::Absent),
        minutes => Ok(within(minutes, 1, NO_TIME)? * 60.0),
    }
}
