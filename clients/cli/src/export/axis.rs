//! Where the lines of an axis are.

/// An axis from `least` to `greatest` with a mark at each multiple of `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Its lower end.
    pub least: f64,
    /// Its upper end.
    pub greatest: f64,
    /// From mark to mark.
    pub step: f64,
}

impl Axis {
    /// An axis that holds these values with about `marks` marks; from 0 on where that is not far,
    /// or where `from_zero` says so. Marks of bytes are at powers of two.
    pub fn holding(least: f64, greatest: f64, marks: f64, is_bytes: bool, from_zero: bool) -> Self {
        if least == 0.0 && greatest == 0.0 {
            // Nothing tells how far it should go: there is one mark.
            return Self { least, greatest: 1.0, step: 4.0 };
        }
        let is_flat = greatest - least < greatest * 1e-3;
        let from_zero = least >= 0.0 && (least <= greatest * 0.6 || is_flat || from_zero);
        let low = if from_zero { 0.0 } else { least };
        // A flat line has an axis too.
        let span = (greatest - low).max(greatest.abs() * 1e-6).max(1e-9);
        let step = if is_bytes { power_of_two(span / marks) } else { round(span / marks) };
        let least = (low / step).floor() * step;
        let greatest = ((greatest / step).ceil() * step).max(least + step);
        Self { least, greatest, step }
    }

    /// The marks.
    pub fn marks(self) -> impl Iterator<Item = f64> {
        let Self { least, greatest, step } = self;
        let count = ((greatest - least) / step).round();
        (0..=100u32).map(f64::from).take_while(move |n| *n <= count).map(move |n| least + n * step)
    }

    /// The text of a mark: with as many decimals as all of them need.
    pub fn label(self, mark: f64) -> String {
        let needed = |decimals: &i32| {
            let steps = self.step * 10f64.powi(*decimals);
            (steps - steps.round()).abs() < steps * 1e-6
        };
        let decimals = (0..9).find(needed).unwrap_or(9);
        // A zero has no sign.
        let mark = if mark.abs() < self.step / 1e6 { 0.0 } else { mark };
        match mark.abs() < 1e10 {
            true => format!("{mark:.*}", usize::try_from(decimals).unwrap_or(0)),
            false => format!("{mark:e}"),
        }
    }

    /// How far up a value is, from 0 to 1.
    pub fn share(self, value: f64) -> f64 {
        (value - self.least) / (self.greatest - self.least)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `value`.
fn round(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors.into_iter().find(|factor| factor * power >= value * 0.999);
    factor.unwrap_or(10.0) * power
}

fn power_of_two(value: f64) -> f64 {
    2f64.powf(value.log2().ceil())
}

/// From mark to mark on an axis of `span_s` seconds with at most `marks` of them: as clocks are
/// divided.
pub fn time_step(span_s: f64, marks: f64) -> f64 {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        21_600.0, 86_400.0,
    ];
    let least = span_s / marks;
    match STEPS.into_iter().find(|step| *step >= least) {
        _ if least < 1.0 => round(least),
        Some(step) => step,
        None => (least / 86_400.0).ceil() * 86_400.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(least: f64, greatest: f64, is_bytes: bool) -> Vec<f64> {
        Axis::holding(least, greatest, 4.0, is_bytes, is_bytes).marks().collect()
    }

    fn labels(least: f64, greatest: f64, is_bytes: bool) -> Vec<String> {
        let axis = Axis::holding(least, greatest, 4.0, is_bytes, true);
        axis.marks().map(|mark| axis.label(mark)).collect()
    }

    #[test]
    fn labels_of_an_axis_have_one_form_and_begin_at_zero() {
        assert_eq!(labels(0.9, 1.3, true), ["0.0", "0.5", "1.0", "1.5"]);
        assert_eq!(labels(0.0, 690.0, true), ["0", "256", "512", "768"]);
        assert_eq!(labels(50.2, 53.0, false), ["0", "20", "40", "60"]);
        assert_eq!(labels(0.0, 0.3, false), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(0.0, 0.000_9, false), ["0.0000", "0.0005", "0.0010"]);
        assert_eq!(labels(-5.0, 5.0, false), ["-5", "0", "5"]);
        assert_eq!(labels(0.0, 3e12, false), ["0", "1e12", "2e12", "3e12"]);
        assert_eq!([labels(0.0, 0.0, false), labels(0.0, 0.0, true)], [["0"], ["0"]]);
    }

    #[test]
    fn marks_are_round_and_hold_everything() {
        assert_eq!(marks(0.0, 100.0, false), [0.0, 50.0, 100.0]);
        assert_eq!(marks(3.0, 37.0, false), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(marks(50.2, 53.0, false), [50.0, 51.0, 52.0, 53.0]);
        assert_eq!(marks(0.0, 3e6, true), [0.0, 1_048_576.0, 2_097_152.0, 3_145_728.0]);
        assert_eq!(marks(-5.0, 5.0, false), [-5.0, 0.0, 5.0]);
        assert_eq!(marks(0.0, 0.0, false), [0.0], "nothing says what would be above it");
        assert!(marks(7.0, 7.0, false).len() >= 2);
        for (span, step) in [(0.5, 0.1), (60.0, 10.0), (600.0, 120.0), (1e6, 172_800.0)] {
            assert_eq!(time_step(span, 7.0), step, "{span}");
        }
    }

    #[test]
    fn any_values_have_an_axis() {
        for least in [-1e12, -1.0, 0.0, 1e-9, 0.3, 54.0, 1e9] {
            for span in [0.0, 1e-9, 0.7, 3.0, 1e6, 1e15] {
                let axis = Axis::holding(least, least + span, 4.0, false, false);
                let little = axis.step / 1e6;
                let holds = axis.least <= least + little && axis.greatest >= least + span - little;
                assert!(holds, "{axis:?}");
                let is_zero = least == 0.0 && span == 0.0;
                let marks = axis.marks().count();
                assert!((2..=12).contains(&marks) || is_zero, "{least} {span} {axis:?}");
            }
        }
    }
}
