//! What the machine runs on: one figure for all batteries, one for the power.
//!
//! | figure | from |
//! |---|---|
//! | charge | energy left in all batteries, of what they hold full; without energies, the mean of their charges |
//! | power | what flows out of all batteries, while nothing else feeds the machine; else nothing measures the whole of it |

use kymo_protocol::{NoData, Reading};

/// Numbers of metrics in the catalog.
const POWER: u16 = 121;
const VOLTAGE: u16 = 122;
const CURRENT: u16 = 123;
const CHARGE: u16 = 125;
const ENERGY: u16 = 127;
const ONLINE: u16 = 130;

/// Of one sensor: its metric, what tells it from others of that, and what it read.
type Found<'a> = (u16, &'a str, Reading<f64>);

/// What was added up so far, of supplies that come device by device.
#[derive(Debug)]
pub struct Supply {
    charges: f64,
    batteries: u32,
    energy: f64,
    full: f64,
    /// Batteries that tell one, and the other.
    energies: u32,
    fulls: u32,
    watts: f64,
    /// Of the device that is looked at, what flows there, and whether it is a battery.
    volts: Reading<f64>,
    flow: Reading<f64>,
    is_battery: bool,
    outlets: u32,
    plugged: u32,
    /// Why the first one that gives no figure does not.
    no_charge: Option<NoData>,
    no_power: Option<NoData>,
}

impl Supply {
    pub const NONE: Self = Self {
        charges: 0.0,
        batteries: 0,
        energy: 0.0,
        full: 0.0,
        energies: 0,
        fulls: 0,
        watts: 0.0,
        volts: Err(NoData::Absent),
        flow: Err(NoData::Absent),
        is_battery: false,
        outlets: 0,
        plugged: 0,
        no_charge: None,
        no_power: None,
    };

    /// Takes in a sensor; those of other things are none of its business.
    #[inline(never)] // a loop around it makes it larger by half
    pub fn add(&mut self, (metric, state, reading): Found<'_>) {
        match (metric, reading) {
            (ONLINE, _) => {
                self.end_device();
                self.outlets += 1;
                match reading {
                    Ok(online) => self.plugged += u32::from(online > 0.0),
                    Err(reason) => self.no_power = self.no_power.or(Some(reason)),
                }
            }
            (CHARGE, _) => {
                self.end_device();
                self.is_battery = true;
                self.batteries += 1;
                match reading {
                    Ok(charge) => self.charges += charge,
                    Err(reason) => self.no_charge = self.no_charge.or(Some(reason)),
                }
            }
            (VOLTAGE, _) => self.volts = reading,
            (CURRENT, _) => {
                self.flow = self.volts.and_then(|volts| Ok(volts * reading?.abs()));
            }
            (POWER, Ok(watts)) => self.flow = Ok(watts.abs()),
            (POWER, Err(_)) if self.flow.is_err() => self.flow = reading,
            (ENERGY, Ok(joules)) if state == "now" => {
                self.energy += joules;
                self.energies += 1;
            }
            (ENERGY, Ok(joules)) if state == "full" => {
                self.full += joules;
                self.fulls += 1;
            }
            _ => {}
        }
    }

    /// What flows out of the device that was looked at counts if it is a battery.
    fn end_device(&mut self) {
        match self.flow {
            Ok(watts) if self.is_battery => self.watts += watts,
            Err(reason) if self.is_battery => self.no_power = self.no_power.or(Some(reason)),
            _ => {}
        }
        let none = Err(NoData::Absent);
        (self.is_battery, self.volts, self.flow) = (false, none, none);
    }

    /// What is left, 0 to 100 %.
    #[allow(clippy::cast_possible_truncation)] // a share in %
    pub fn charge(&self) -> Reading<f32> {
        if let Some(reason) = self.no_charge {
            return Err(reason);
        }
        if self.batteries == 0 {
            return Err(NoData::Absent);
        }
        let is_known = [self.energies, self.fulls] == [self.batteries; 2];
        let is_weighed = is_known && self.full > 0.0;
        let share = match is_weighed {
            true => self.energy / self.full,
            false => self.charges / f64::from(self.batteries),
        };
        Ok((share * 100.0).clamp(0.0, 100.0) as f32)
    }

    /// What the machine takes, in watts.
    #[allow(clippy::cast_possible_truncation)] // watts
    pub fn power(&mut self) -> Reading<f32> {
        self.end_device();
        let is_fed = self.outlets == 0 || self.plugged > 0 || self.batteries == 0;
        match self.no_power {
            _ if is_fed => Err(NoData::Absent),
            Some(reason) => Err(reason),
            None => Ok(self.watts as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: &[Found<'_>]) -> (Reading<f32>, Reading<f32>) {
        let mut sum = Supply::NONE;
        found.iter().for_each(|found| sum.add(*found));
        (sum.charge(), sum.power())
    }

    const ON_BATTERY: Found<'_> = (ONLINE, "", Ok(0.0));

    #[test]
    fn one_battery_says_both() {
        let battery = [(CHARGE, "", Ok(0.87)), (VOLTAGE, "", Ok(12.0)), (CURRENT, "", Ok(-1.5))];
        let mut found = vec![ON_BATTERY];
        found.extend(battery);
        assert_eq!(told(&found), (Ok(87.0), Ok(18.0)), "volts times amperes");
        found.push((POWER, "", Ok(17.0)));
        assert_eq!(told(&found), (Ok(87.0), Ok(17.0)), "what it measures itself is better");
        found[0] = (ONLINE, "", Ok(1.0));
        assert_eq!(told(&found), (Ok(87.0), Err(NoData::Absent)), "it is fed");
        assert_eq!(told(&found[1..]).1, Err(NoData::Absent), "nobody knows what feeds it");
    }

    #[test]
    fn two_batteries_count_by_what_they_hold() {
        let small = [(CHARGE, "", Ok(1.0)), (POWER, "", Ok(0.0))];
        let large = [(CHARGE, "", Ok(0.5)), (POWER, "", Ok(9.0))];
        let mut found = [small, large].concat();
        found.push(ON_BATTERY);
        assert_eq!(told(&found), (Ok(75.0), Ok(9.0)));
        let energies = [(ENERGY, "now", Ok(10.0)), (ENERGY, "full", Ok(10.0))];
        found.splice(2..2, energies);
        assert_eq!(told(&found).0, Ok(75.0), "one of them says what it holds");
        found.splice(6..6, [(ENERGY, "now", Ok(15.0)), (ENERGY, "full", Ok(30.0))]);
        assert_eq!(told(&found), (Ok(62.5), Ok(9.0)));
        // What was not read is not 0.
        found[6] = (ENERGY, "now", Err(NoData::Fault));
        assert_eq!(told(&found).0, Ok(75.0));
    }

    #[test]
    fn what_is_missing_has_its_reason() {
        assert_eq!(told(&[]), (Err(NoData::Absent), Err(NoData::Absent)));
        assert_eq!(told(&[ON_BATTERY]), (Err(NoData::Absent), Err(NoData::Absent)));
        let pending = Err(NoData::Pending);
        let found = [(CHARGE, "", pending), (POWER, "", pending), (ONLINE, "", pending)];
        assert_eq!(told(&found), (Err(NoData::Pending), Err(NoData::Pending)));
        // A dock's volts and amperes are not what the machine takes.
        let found = [ON_BATTERY, (VOLTAGE, "", Ok(20.0)), (CURRENT, "", Ok(3.0))];
        let battery = [(CHARGE, "", Ok(0.4)), (VOLTAGE, "", Ok(11.0))];
        let found = [&found[..], &battery].concat();
        assert_eq!(told(&found), (Ok(40.0), Err(NoData::Absent)), "it does not say what flows");
    }
}
