//! Rates from counters: what a counter grew over the last second.
//!
//! The time of a reading is its frame's time less its age, so that a counter that is read more
//! slowly than frames come has a true rate and not one that jumps between nothing and too much.

use std::collections::VecDeque;

use kymo_protocol::{Field, Vitals};

/// The counters that have rates.
pub const COUNTERS: [Field; 4] =
    [Field::DiskReadBytes, Field::DiskWriteBytes, Field::NetworkRxBytes, Field::NetworkTxBytes];

/// Readings this much older than the newest are of no more use.
pub const WINDOW_NS: u64 = 1_000_000_000;

/// Readings closer than this are one: ages are whole milliseconds.
const SPACING_NS: u64 = 4_000_000;

/// The least time that gives a rate.
const SPAN_NS_MIN: u64 = 100_000_000;

/// Recent readings of one counter. At most a window's worth at the least spacing is kept.
#[derive(Clone, Debug, Default)]
pub struct Window {
    readings: VecDeque<(u64, f64)>,
}

impl Window {
    /// Takes in what was read at `read_ns`; nothing ends what went before.
    pub fn add(&mut self, read_ns: u64, value: Option<f64>) {
        let readings = &mut self.readings;
        let Some(value) = value else { return readings.clear() };
        match readings.back() {
            Some((last_ns, _)) if read_ns < last_ns + SPACING_NS => return,
            // It began anew, with a device or a machine.
            Some((_, last)) if value < *last => readings.clear(),
            _ => {}
        }
        readings.push_back((read_ns, value));
        // The oldest is the last one at or beyond the window's far end.
        while readings.get(1).is_some_and(|(next_ns, _)| next_ns + WINDOW_NS <= read_ns) {
            readings.pop_front();
        }
    }

    /// When the first and the last of the readings were made that a rate is told from.
    pub fn span_ns(&self) -> Option<(u64, u64)> {
        let ((first_ns, _), (last_ns, _)) = (self.readings.front()?, self.readings.back()?);
        Some((*first_ns, *last_ns))
    }

    /// What it grows in a second; `None` until there are two readings.
    pub fn per_second(&self) -> Option<f64> {
        let ((first_ns, first), (last_ns, last)) = (self.readings.front()?, self.readings.back()?);
        let span_ns = last_ns - first_ns;
        #[allow(clippy::cast_precision_loss)] // a few digits are shown
        (span_ns >= SPAN_NS_MIN).then(|| (last - first) * 1e9 / span_ns as f64)
    }
}

/// Recent readings of each counter of the vitals.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    windows: [Window; COUNTERS.len()],
}

impl Rates {
    /// Takes in a frame stamped `frame_ns`.
    pub fn add(&mut self, frame_ns: u64, vitals: &Vitals) {
        for (field, window) in COUNTERS.into_iter().zip(&mut self.windows) {
            let age_ns = u64::from(vitals.age_ms(field)) * 1_000_000;
            #[allow(clippy::cast_precision_loss)] // a few digits are shown
            let count = counter(vitals, field) as f64;
            let value = vitals.state(field).has_value().then_some(count);
            window.add(frame_ns.saturating_sub(age_ns), value);
        }
    }

    /// Bytes per second; `None` until there are two readings.
    pub fn per_second(&self, field: Field) -> Option<f64> {
        self.windows[COUNTERS.iter().position(|counter| *counter == field)?].per_second()
    }
}

/// A counter's bytes since boot.
pub fn counter(vitals: &Vitals, field: Field) -> u64 {
    match field {
        Field::DiskReadBytes => vitals.disk_read_bytes.get(),
        Field::DiskWriteBytes => vitals.disk_write_bytes.get(),
        Field::NetworkRxBytes => vitals.network_rx_bytes.get(),
        Field::NetworkTxBytes => vitals.network_tx_bytes.get(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Position, Stamp, State, emit};

    const MS: u64 = 1_000_000;

    fn frame(count: u64, state: State, age_ms: u32) -> Vitals {
        let mut bytes = [0; 512];
        let (vitals, _) = emit::<Vitals>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
        vitals.disk_read_bytes.set(count);
        vitals.set_state(Field::DiskReadBytes, state, age_ms);
        *vitals
    }

    fn rate(rates: &Rates) -> Option<f64> {
        rates.per_second(Field::DiskReadBytes)
    }

    #[test]
    fn two_frames_give_a_rate() {
        let mut rates = Rates::default();
        assert_eq!(rate(&rates), None);
        rates.add(5000 * MS, &frame(1000, State::Ok, 0));
        assert_eq!(rate(&rates), None);
        rates.add(5099 * MS, &frame(1500, State::Ok, 0));
        assert_eq!(rate(&rates), None, "too close to say anything");
        rates.add(5500 * MS, &frame(2000, State::Ok, 0));
        assert_eq!(rate(&rates), Some(2000.0));
        assert_eq!(rates.per_second(Field::DiskWriteBytes), Some(0.0));
        assert_eq!(rates.per_second(Field::CpuUsage), None);
    }

    #[test]
    fn the_window_slides() {
        let mut rates = Rates::default();
        for second in 0..100u64 {
            for part in 0..25 {
                let ns = (second * 1000 + part * 40) * MS;
                // Grows by as many bytes each second as have gone by.
                rates.add(ns, &frame(second * second / 2, State::Ok, 0));
            }
        }
        assert!((rate(&rates).unwrap() - 98.0).abs() < 1.0);
        assert!(rates.windows[0].readings.len() <= 27);
    }

    #[test]
    fn a_repeated_reading_is_not_a_new_one() {
        let mut rates = Rates::default();
        rates.add(1000 * MS, &frame(0, State::Ok, 0));
        rates.add(2000 * MS, &frame(1000, State::Ok, 0));
        for age_ms in (40..960).step_by(40) {
            rates.add(2000 * MS + u64::from(age_ms) * MS + MS / 2, &frame(1000, State::Ok, age_ms));
            assert_eq!(rate(&rates), Some(1000.0));
        }
    }

    #[test]
    fn no_value_and_a_fresh_start_forget() {
        let mut rates = Rates::default();
        rates.add(1000 * MS, &frame(0, State::Ok, 0));
        rates.add(2000 * MS, &frame(1000, State::Ok, 0));
        rates.add(3000 * MS, &frame(0, State::Fault, 0));
        assert_eq!(rate(&rates), None);
        rates.add(4000 * MS, &frame(5000, State::Ok, 0));
        rates.add(5000 * MS, &frame(10, State::Ok, 0));
        assert_eq!(rate(&rates), None);
        rates.add(6000 * MS, &frame(30, State::Ok, 0));
        assert_eq!(rate(&rates), Some(20.0));
    }
}
