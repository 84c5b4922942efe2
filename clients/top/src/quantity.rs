//! What a sensor read, with its unit, as people read it.

use crate::clean::clean;
use crate::units;

/// From here on digits say nothing.
const DIGITS_MAX: f64 = 1e15;

/// `value` in `unit` (UCUM), scaled; `name` is its metric's.
pub fn quantity(value: f64, unit: &str, name: &str) -> String {
    // What is no number has no text; a zero has no sign.
    let value = if value.is_finite() { value + 0.0 } else { return "?".into() };
    if value.abs() >= DIGITS_MAX && unit != "By" {
        return format!("{value:e} {}", clean(unit.chars()));
    }
    match unit {
        "By" => bytes(value),
        "s" => seconds(value),
        "1" if name == "kymo.power.online" || name.ends_with(".alarm") => {
            if value == 0.0 { "no" } else { "yes" }.into()
        }
        "1" => format!("{:.1} %", value * 100.0),
        "Cel" => format!("{value:.1} °C"),
        "rpm" => format!("{value:.0} RPM"),
        "Hz" | "J" | "W" => scaled(value, unit),
        "V" | "A" => format!("{value:.3} {unit}"),
        // Charge, as batteries have it on them.
        "C" => format!("{:.0} mAh", value / 3.6),
        "" => number(value),
        unit => match unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}')) {
            Some(what) => counted(value, &clean(what.chars())),
            None => format!("{} {}", number(value), clean(unit.chars())),
        },
    }
}

/// What a counter in `unit` grows in a second; of time that is a share, of energy a power.
pub fn rate(per_second: f64, unit: &str) -> String {
    match unit {
        "By" => units::rate(per_second),
        "s" => format!("{:.1} %", per_second * 100.0),
        "J" => scaled(per_second, "W"),
        _ => format!("{per_second:.1}/s"),
    }
}

/// How long, in the largest unit that leaves at least 1.
pub fn span(milliseconds: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // one decimal is shown
    let seconds = milliseconds as f64 / 1000.0;
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..120_000 => format!("{} s", short(seconds)),
        120_000..7_200_000 => format!("{} min", milliseconds / 60_000),
        _ => format!("{} h", milliseconds / 3_600_000),
    }
}

fn bytes(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let count = value.abs().round() as u64;
    format!("{sign}{}", units::bytes(count))
}

fn seconds(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0 s".into(),
        _ if size < 0.001 => format!("{:.0} µs", value * 1e6),
        _ if size < 1.0 => format!("{:.1} ms", value * 1e3),
        _ if size < 120.0 => format!("{value:.1} s"),
        _ => {
            let sign = if value < 0.0 { "-" } else { "" };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
            let nanoseconds = (size * 1e9) as u64;
            format!("{sign}{}", units::duration(nanoseconds))
        }
    }
}

/// With the largest of SI's prefixes that leaves at least 1.
fn scaled(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match PREFIXES.into_iter().find(|(size, _)| value.abs() >= *size) {
        Some((size, prefix)) => format!("{:.2} {prefix}{unit}", value / size),
        None => format!("{} {unit}", short(value)),
    }
}

/// A number of things, which UCUM names in braces.
fn counted(value: f64, what: &str) -> String {
    let is_one = value.to_bits() == 1.0_f64.to_bits();
    let ending = match what {
        "" => "",
        _ if is_one => "",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {what}{ending}", number(value)).trim_end().into()
}

/// Whole, or with at most three decimals.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// Whole, or with one decimal.
fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_scaled() {
        for (value, unit, text) in [
            (0.0, "By", "0 B"),
            (1536.0, "By", "1.5 KiB"),
            (-1048576.0, "By", "-1.0 MiB"),
            (1e300, "By", "16.0 EiB"),
            (0.0, "s", "0 s"),
            (0.000_25, "s", "250 µs"),
            (0.0125, "s", "12.5 ms"),
            (10.0, "s", "10.0 s"),
            (10_069.08, "s", "02:47:49"),
            (0.543, "1", "54.3 %"),
            (-0.0, "1", "0.0 %"),
            (54.25, "Cel", "54.2 °C"),
            (1199.6, "rpm", "1200 RPM"),
            (2.4e9, "Hz", "2.40 GHz"),
            (800e6, "Hz", "800.00 MHz"),
            (50.0, "Hz", "50 Hz"),
            (12.34, "W", "12.3 W"),
            (6.5e6, "J", "6.50 MJ"),
            (1.2, "V", "1.200 V"),
            (3600.0, "C", "1000 mAh"),
            (1.0, "{fault}", "1 fault"),
            (0.0, "{process}", "0 processes"),
            (2.5, "{cpu}", "2.500 cpus"),
            (3.0, "", "3"),
            (3.25, "lm", "3.250 lm"),
            (1e20, "Cel", "1e20 Cel"),
            (f64::NAN, "Cel", "?"),
        ] {
            assert_eq!(quantity(value, unit, "x"), text, "{value} {unit}");
        }
        assert_eq!(quantity(1.0, "1", "kymo.power.online"), "yes");
        assert_eq!(quantity(0.0, "1", "kymo.power.online"), "no");
        assert_eq!(quantity(1.0, "1", "kymo.hw.alarm"), "yes");
    }

    #[test]
    fn rates_have_units_of_their_own() {
        for (per_second, unit, text) in [
            (1536.0, "By", "1.5 KiB/s"),
            (0.25, "s", "25.0 %"),
            (6500.0, "J", "6.50 kW"),
            (12.0, "{packet}", "12.0/s"),
        ] {
            assert_eq!(rate(per_second, unit), text);
        }
    }

    #[test]
    fn units_of_strangers_are_harmless() {
        assert_eq!(quantity(2.0, "\u{1b}[2J", "x"), "2 �[2J");
        assert_eq!(quantity(2.0, "{\u{1b}}", "x"), "2 �s");
        assert_eq!(quantity(1e30, "\u{1b}", "x"), "1e30 �");
    }

    #[test]
    fn spans_are_short() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (1500, "1.5 s"),
            (119_999, "120.0 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(span(milliseconds), text);
        }
    }
}
