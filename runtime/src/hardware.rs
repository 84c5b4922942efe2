//! The machine's hardware as vitals tell it, from the sensors that the lane reads for them.
//!
//! | figure | from |
//! |---|---|
//! | temperature, of the graphics processor too | the hottest sensor whose `hw.sensor_location` is `cpu`, or `gpu` |
//! | fans | every one that says how fast it turns, in the order of the catalog |
//! | power | the sensor whose `hw.sensor_location` is `system`; else what the [`Supply`] says |
//! | charge | the [`Supply`] |
//!
//! A figure of several sensors is as old as the oldest of them. While one has not been read yet it
//! is pending: the hottest of those that were would be too cold.

use kymo_protocol::limits::FANS_MAX;
use kymo_protocol::{NoData, Sensor};

use crate::figure::Figure;
use crate::supply::Supply;

/// Numbers of metrics in the catalog.
const TEMPERATURE: u16 = 90;
const FAN_SPEED: u16 = 91;
const POWER: u16 = 95;
const SUPPLY_FIRST: u16 = 121;
const SUPPLY_LAST: u16 = 130;

/// What vitals tell of sensors: from [`Sources::take_hardware`](crate::Sources::take_hardware) to
/// [`Sampler::set_hardware`](crate::Sampler::set_hardware).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardware {
    /// Of the processors, in °C.
    pub(crate) temperature: Figure<f32>,
    /// Of the graphics processors, in °C.
    pub(crate) gpu_temperature: Figure<f32>,
    /// How fast they turn.
    pub(crate) fans: Figure<FanSpeeds>,
    /// What the machine takes, in watts.
    pub(crate) power: Figure<f32>,
    /// What is left in batteries, 0 to 100 %.
    pub(crate) charge: Figure<f32>,
}

/// Fans as they stand in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FanSpeeds {
    pub rpm: [u32; FANS_MAX],
    pub count: u8,
}

impl FanSpeeds {
    /// Another one, if there is room.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    fn push(&mut self, rpm: f64) {
        if let Some(place) = self.rpm.get_mut(usize::from(self.count)) {
            *place = (rpm + 0.5) as u32;
            self.count += 1;
        }
    }
}

impl Hardware {
    /// Nothing, for one reason.
    #[must_use]
    pub const fn none(reason: NoData) -> Self {
        let none = Figure::none(reason);
        Self {
            temperature: none,
            gpu_temperature: none,
            fans: Figure::none(reason),
            power: none,
            charge: none,
        }
    }
}

/// What sensors have said so far.
#[derive(Debug)]
pub struct Gathering {
    /// One for each [`Part`].
    parts: [Figure<f32>; 4],
    /// Each of them.
    fans: FanSpeeds,
    supply: Supply,
    /// When the oldest supply was read, and whether one does not answer.
    supply_read_at_ns: u64,
    is_supply_held: bool,
}

/// What several sensors tell together.
#[derive(Clone, Copy)]
enum Part {
    Cpu,
    Gpu,
    System,
    /// The fastest fan: whether there is one, and how old they are.
    Fan,
}

impl Gathering {
    pub const NONE: Self = Self {
        parts: [Figure::none(NoData::Absent); 4],
        fans: FanSpeeds { rpm: [0; FANS_MAX], count: 0 },
        supply: Supply::NONE,
        supply_read_at_ns: u64::MAX,
        is_supply_held: false,
    };

    /// Takes in what a sensor says.
    #[inline(never)] // a loop around it makes it larger by half
    pub fn add(&mut self, sensor: &Sensor, found: Figure<f64>) {
        let metric = sensor.metric();
        let key = if metric < SUPPLY_FIRST { "hw.sensor_location" } else { "hw.battery.state" };
        let attribute = sensor.attributes().find(|(name, _)| *name == key);
        let attribute = attribute.map_or("", |(_, value)| value);
        let part = match (metric, attribute) {
            (TEMPERATURE, "cpu") => Part::Cpu,
            (TEMPERATURE, "gpu") => Part::Gpu,
            (POWER, "system") => Part::System,
            (FAN_SPEED, _) => Part::Fan,
            (SUPPLY_FIRST..=SUPPLY_LAST, _) => {
                self.supply.add((metric, attribute, found.reading));
                self.supply_read_at_ns = self.supply_read_at_ns.min(found.read_at_ns);
                self.is_supply_held |= found.is_held;
                return;
            }
            _ => return,
        };
        if let (Part::Fan, Ok(rpm)) = (part, found.reading) {
            self.fans.push(rpm);
        }
        let part = &mut self.parts[part as usize];
        *part = join(*part, found.map(single));
    }

    /// The figures.
    pub fn finish(mut self) -> Hardware {
        let [cpu, gpu, system, fan] = self.parts;
        let (read_at_ns, is_held) = (self.supply_read_at_ns, self.is_supply_held);
        let charge = Figure { reading: self.supply.charge(), read_at_ns, is_held };
        let power = Figure { reading: self.supply.power(), ..charge };
        Hardware {
            temperature: cpu,
            gpu_temperature: gpu,
            fans: fan.map(|_| self.fans),
            power: system.or(power),
            charge,
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // °C, watts and turns
fn single(value: f64) -> f32 {
    value as f32
}

/// The greater of two, as old as the older one.
#[inline(never)] // as above
fn join(one: Figure<f32>, other: Figure<f32>) -> Figure<f32> {
    match (one.reading, other.reading) {
        (Ok(first), Ok(second)) => Figure {
            reading: Ok(first.max(second)),
            read_at_ns: one.read_at_ns.min(other.read_at_ns),
            is_held: one.is_held || other.is_held,
        },
        (Err(NoData::Pending), _) | (_, Err(NoData::Absent)) => one,
        (Err(_), Ok(_)) | (_, Err(NoData::Pending)) | (Err(NoData::Absent), _) => other,
        (_, Err(_)) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{METRICS, Reading, SensorFields};

    /// An entry of a catalog: its metric, the value of its one attribute, what it reads.
    fn entry(metric: u16, location: &str) -> Vec<u8> {
        let metric = METRICS.iter().find(|known| known.number == metric).unwrap();
        let attributes = [("hw.id", "x"), ("hw.sensor_location", location)];
        let fields = SensorFields { attributes: &attributes, ..SensorFields::new(1, metric, "x") };
        let mut bytes = vec![0; 512];
        let size = fields.write(&mut bytes).unwrap();
        bytes.truncate(size);
        bytes
    }

    type Found<'a> = (u16, &'a str, Reading<f64>);

    /// The figures of sources read at 1, 2, …, the last of which is held if so.
    fn told(sources: &[&[Found<'_>]], is_last_held: bool) -> Hardware {
        let mut gathering = Gathering::NONE;
        for (index, found) in sources.iter().enumerate() {
            let entries: Vec<_> = found.iter().map(|found| entry(found.0, found.1)).collect();
            for (entry, found) in entries.iter().zip(*found) {
                let is_held = is_last_held && index + 1 == sources.len();
                let figure = Figure { reading: found.2, read_at_ns: index as u64 + 1, is_held };
                gathering.add(Sensor::first(entry).unwrap().0, figure);
            }
        }
        gathering.finish()
    }

    #[test]
    fn the_hottest_counts_and_the_oldest_is_the_age() {
        let first = [(90, "cpu", Ok(41.0)), (90, "gpu", Ok(90.0)), (90, "airflow", Ok(99.0))];
        let second = [(90, "cpu", Ok(57.5)), (90, "cpu", Err(NoData::Gated))];
        let told = told(&[&first, &second], true);
        let cpu = Figure { reading: Ok(57.5), read_at_ns: 1, is_held: true };
        assert_eq!(told.temperature, cpu);
        assert_eq!(told.gpu_temperature, Figure::new(Ok(90.0), 1));
        assert_eq!(told.charge.reading, Err(NoData::Absent));
    }

    #[test]
    fn while_one_is_pending_all_are_and_where_none_says_anything_its_reason_does() {
        let of = |readings: &[Reading<f64>]| {
            let found: Vec<_> = readings.iter().map(|reading| (90, "cpu", *reading)).collect();
            told(&[&found], false).temperature.reading
        };
        let (pending, gated) = (Err(NoData::Pending), Err(NoData::Gated));
        assert_eq!(of(&[Ok(41.0), pending, Ok(50.0)]), Err(NoData::Pending));
        assert_eq!(of(&[pending, Err(NoData::Absent)]), Err(NoData::Pending));
        assert_eq!(of(&[gated, Err(NoData::Absent), Err(NoData::Fault)]), Err(NoData::Gated));
        assert_eq!(of(&[gated, Ok(20.0), gated]), Ok(20.0));
        assert_eq!(of(&[]), Err(NoData::Absent));
    }

    #[test]
    fn fans_keep_their_order_and_one_that_stands_is_one() {
        let turning = |rpm: f64| (91, "", Ok(rpm));
        let fans = told(&[&[turning(0.0), turning(1999.6)], &[turning(7.0)]], false).fans;
        let FanSpeeds { rpm, count } = fans.reading.unwrap();
        assert_eq!((&rpm[..3], count), (&[0, 2000, 7][..], 3));
        let many = vec![turning(1.0); FANS_MAX + 3];
        assert_eq!(usize::from(told(&[&many], false).fans.reading.unwrap().count), FANS_MAX);
    }

    #[test]
    fn what_measures_the_whole_machine_is_better_than_its_battery() {
        let battery = [(125, "", Ok(0.5)), (121, "", Ok(9.0)), (130, "", Ok(0.0))];
        assert_eq!(told(&[&battery], false).power, Figure::new(Ok(9.0), 1));
        let system = [(95, "system", Ok(12.5)), (95, "cpu", Ok(3.0))];
        let both = told(&[&battery, &system], true);
        assert_eq!(both.power, Figure { reading: Ok(12.5), read_at_ns: 2, is_held: true });
        assert_eq!(both.charge, Figure::new(Ok(50.0), 1));
    }
}
