//! The sensors of a quantity as a source.
//!
//! Those of one name are numbered in the order of their locations. A temperature below 0 is what a
//! dead sensor says, and exactly 0 what a part says that has no power.

use std::fmt;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, Metric, NoData, Reading};

use super::name::{Treatment, classify};
use super::{Hid, PRODUCT_SIZE_MAX, Quantity};
use crate::apple::unique::Unique;
use crate::phrase::ShortText;
use crate::sort::insertion;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// More sensors of a quantity than that are left out, and counted.
const SENSORS_MAX: usize = 192;
/// Hotter than that is nothing that still works.
const CELSIUS_MAX: f64 = 150.0;
/// Above that, what may be 256 times a temperature is that.
const PLAIN_MAX: f64 = 130.0;
/// In mV and mA: far beyond anything in a Mac.
const MILLI_MAX: f64 = 1e6;

type Product = ShortText<PRODUCT_SIZE_MAX>;

/// Who else knows of these sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The controller has the same temperatures, and vitals are told by those.
    Beside,
    /// Nobody, so that vitals are told by these: where no sensor says that it is the CPU's, those
    /// of the die that the CPU lies on do.
    Instead,
}

/// The sensors of one quantity.
#[derive(Debug)]
pub struct Sensors<H> {
    hid: H,
    quantity: Quantity,
    rank: Rank,
    /// None of them ever grows beyond what it was made with.
    listed: Vec<Sensor>,
    unique: Unique,
    /// Tells one list from another.
    list: u64,
}

#[derive(Debug)]
struct Sensor {
    product: Product,
    location: i64,
    /// In the door's list.
    number: u16,
    treatment: Treatment,
}

impl<H: Hid> Sensors<H> {
    /// None are looked for yet.
    #[must_use]
    pub fn new(hid: H, quantity: Quantity, rank: Rank) -> Self {
        let (listed, unique) = (Vec::with_capacity(SENSORS_MAX), Unique::new(SENSORS_MAX));
        Self { hid, quantity, rank, listed, unique, list: 0 }
    }

    const fn name(&self) -> &'static str {
        match self.quantity {
            Quantity::Temperature => "hid",
            Quantity::Current => "hid-current",
            Quantity::Voltage => "hid-voltage",
        }
    }

    const fn metric(&self) -> &'static Metric {
        match self.quantity {
            Quantity::Temperature => known(90),
            Quantity::Current => known(94),
            Quantity::Voltage => known(93),
        }
    }

    /// Fills the list; returns how many there is no room for, and a number that another list won't
    /// have.
    fn fill(&mut self) -> (u32, u64) {
        let Self { hid, listed, .. } = self;
        listed.clear();
        let (mut number, mut omitted, mut list) = (0u16, 0, 0);
        // What can't be listed has no sensors; a later look will find them.
        let _ = hid.list(&mut |found| {
            list = next(list, found.product, found.location);
            let product = Product::new().with(found.product);
            let treatment = classify(product.as_str()).treatment;
            if treatment != Treatment::Calibration {
                let sensor = Sensor { product, location: found.location, number, treatment };
                if listed.len() < SENSORS_MAX {
                    listed.push(sensor);
                } else {
                    omitted += 1;
                }
            }
            number = number.saturating_add(1);
        });
        (omitted, list)
    }
}

impl<H: Hid + fmt::Debug> Source for Sensors<H> {
    fn spec(&self) -> SourceSpec {
        let is_temperature = matches!(self.quantity, Quantity::Temperature);
        SourceSpec {
            name: self.name(),
            group: Group::Hwmon,
            interval_ns: 5_000_000_000,
            cadence_ms: 1000,
            cost: Cost::Costly,
            may_block: true,
            is_vital: is_temperature && self.rank == Rank::Instead,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let (omitted, list) = self.fill();
        self.list = list;
        self.unique.clear();
        insertion(&mut self.listed, |one, other| {
            let products = one.product.as_str().cmp(other.product.as_str());
            products.then((one.location, one.number).cmp(&(other.location, other.number))).is_lt()
        });
        let class = |sensor: &Sensor| classify(sensor.product.as_str());
        let has_cpu = self.listed.iter().any(|sensor| class(sensor).location == Some("cpu"));
        let is_die_cpu = self.rank == Rank::Instead && !has_cpu;
        let (family, metric, cadence_ms) = (self.name(), self.metric(), self.spec().cadence_ms);
        for sensor in &self.listed {
            let product = sensor.product.as_str();
            // As many identities as sensors fit.
            let Some(identity) = self.unique.identity(family, product) else { continue };
            let class = class(sensor);
            let location = if class.is_die && is_die_cpu { Some("cpu") } else { class.location };
            let label = if product.is_empty() { "unnamed" } else { product };
            let attributes = [("hw.name", label), ("hw.sensor_location", location.unwrap_or(""))];
            let count = 1 + usize::from(location.is_some());
            found(&SensorInfo {
                metric,
                label,
                attributes: attributes.get(..count).unwrap_or_default(),
                identity: identity.as_str(),
                cadence_ms,
                scope: Scope::Host,
            });
        }
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        for (sensor, reading) in self.listed.iter().zip(readings) {
            let value = self.hid.value(usize::from(sensor.number));
            *reading = value.and_then(|value| told(value, self.quantity, sensor.treatment));
        }
        Freshness::Current
    }

    fn look(&mut self) -> Freshness {
        let mut list = 0;
        let looked = self.hid.list(&mut |found| list = next(list, found.product, found.location));
        Freshness::stale_if(looked.is_ok() && list != self.list)
    }
}

/// What the number of a sensor means, in the metric's unit.
fn told(value: f64, quantity: Quantity, treatment: Treatment) -> Reading<f64> {
    if !value.is_finite() {
        return Err(NoData::Fault);
    }
    if quantity != Quantity::Temperature {
        return if value.abs() < MILLI_MAX { Ok(value / 1e3) } else { Err(NoData::Fault) };
    }
    let is_wide = treatment == Treatment::Wide && value > PLAIN_MAX;
    let celsius = if is_wide { value / 256.0 } else { value };
    match celsius {
        _ if celsius == 0.0 => Err(NoData::Gated),
        _ if (0.0..CELSIUS_MAX).contains(&celsius) => Ok(celsius),
        _ => Err(NoData::Fault),
    }
}

/// A number that tells the list with one sensor more; its order counts (FNV-1a).
fn next(list: u64, product: &str, location: i64) -> u64 {
    let bytes = product.bytes().chain([0]).chain(location.to_le_bytes());
    bytes.fold(list ^ 0xcbf2_9ce4_8422_2325, |list, byte| {
        (list ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_can_be_true() {
        let plain = |value| told(value, Quantity::Temperature, Treatment::Plain);
        let wide = |value| told(value, Quantity::Temperature, Treatment::Wide);
        assert_eq!((plain(36.5), plain(0.0), plain(-21.0)), (Ok(36.5), GATED, FAULT));
        assert_eq!((plain(150.0), plain(9472.0), plain(f64::NAN)), (FAULT, FAULT, FAULT));
        assert_eq!((wide(130.0), wide(9472.0), wide(-9200.0)), (Ok(130.0), Ok(37.0), FAULT));
        let current = |value| told(value, Quantity::Current, Treatment::Plain);
        assert_eq!((current(-250.0), current(0.0), current(1e9)), (Ok(-0.25), Ok(0.0), FAULT));
    }

    const GATED: Reading<f64> = Err(NoData::Gated);
    const FAULT: Reading<f64> = Err(NoData::Fault);
}
