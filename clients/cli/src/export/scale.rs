//! In what an axis counts: one unit for all of its marks, which stands above them once.

use crate::quantity::quantity;

/// How a value becomes a number on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What it is multiplied by.
    pub factor: f64,
    /// The unit of what comes out.
    pub name: String,
    /// Whether it is one of bytes, whose marks are at powers of two.
    pub is_bytes: bool,
    /// Whether 0 belongs to it, however far away the values are: of shares, amounts and rates.
    pub from_zero: bool,
}

impl Scale {
    /// The scale for values in `unit` (UCUM, or `%`) of which `greatest` is the greatest; `metric`
    /// is their metric's name, and `is_rate` says that they are what a counter grows in a second.
    pub fn of(unit: &str, metric: &str, is_rate: bool, greatest: f64) -> Self {
        let second = if is_rate { "/s" } else { "" };
        let plain = |factor: f64, name: &str, from_zero: bool| Self {
            factor,
            name: name.into(),
            is_bytes: false,
            from_zero: from_zero || is_rate,
        };
        match unit {
            "By" => {
                let (size, name) = bytes(greatest);
                let scale = plain(1.0 / size, &format!("{name}{second}"), true);
                Self { is_bytes: true, ..scale }
            }
            "%" => plain(1.0, unit, true),
            "1" if metric == "kymo.power.online" || metric.ends_with(".alarm") => {
                plain(1.0, "yes is 1", true)
            }
            // Time that passes in a time is a share.
            "s" if is_rate => plain(100.0, "%", true),
            "1" if !is_rate => plain(100.0, "%", true),
            "s" => {
                let (size, name) = prefixed(greatest, &[(1.0, ""), (1e-3, "m"), (1e-6, "µ")]);
                plain(1.0 / size, &format!("{name}s"), false)
            }
            "Hz" | "J" | "W" => {
                let all = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
                let (size, prefix) = prefixed(greatest, &all);
                let unit = if unit == "J" && is_rate { "W" } else { unit };
                plain(1.0 / size, &format!("{prefix}{unit}"), false)
            }
            // Charge, as batteries have it on them.
            "C" if !is_rate => plain(1.0 / 3.6, "mAh", false),
            unit => {
                let two = quantity(2.0, unit, metric);
                let name = two.split_once(' ').map_or("", |(_, name)| name);
                let name = if name.is_empty() && is_rate { "1" } else { name };
                plain(1.0, &format!("{name}{second}"), false)
            }
        }
    }
}

/// The largest of the units of bytes that leaves at least 1.
fn bytes(greatest: f64) -> (f64, &'static str) {
    let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let sizes = std::iter::successors(Some(1.0), |size| Some(size * 1024.0));
    let units = sizes.zip(names);
    units.take_while(|(size, _)| *size <= greatest.max(1.0)).last().unwrap_or((1.0, "B"))
}

/// The first of these that leaves at least 1, else the last; of nothing the unit itself.
fn prefixed(greatest: f64, all: &[(f64, &'static str)]) -> (f64, &'static str) {
    let greatest = if greatest > 0.0 { greatest } else { 1.0 };
    let first = all.iter().find(|(size, _)| greatest >= *size);
    *first.or(all.last()).unwrap_or(&(1.0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_one_unit() {
        for (unit, is_rate, greatest, factor, name) in [
            ("By", false, 1.3 * 1024.0 * 1024.0 * 1024.0, 1.0 / 1024f64.powi(3), "GiB"),
            ("By", true, 5000.0, 1.0 / 1024.0, "KiB/s"),
            ("By", true, 0.0, 1.0, "B/s"),
            ("By", false, 1e30, 1.0 / 1024f64.powi(6), "EiB"),
            ("%", false, 97.0, 1.0, "%"),
            ("1", false, 0.5, 100.0, "%"),
            ("s", true, 0.5, 100.0, "%"),
            ("s", false, 0.002, 1.0 / 1e-3, "ms"),
            ("s", false, 4000.0, 1.0, "s"),
            ("W", false, 0.2, 1.0, "W"),
            ("J", true, 45_000.0, 1e-3, "kW"),
            ("Hz", false, 2.4e9, 1e-9, "GHz"),
            ("Cel", false, 54.0, 1.0, "°C"),
            ("rpm", false, 900.0, 1.0, "RPM"),
            ("V", false, 12.0, 1.0, "V"),
            ("{operation}", false, 150.0, 1.0, "operations"),
            ("{operation}", true, 150.0, 1.0, "operations/s"),
            ("", false, 3.0, 1.0, ""),
            ("", true, 3.0, 1.0, "1/s"),
        ] {
            let scale = Scale::of(unit, "", is_rate, greatest);
            assert_eq!((scale.factor, &*scale.name), (factor, name), "{unit} {greatest}");
            let from_zero = is_rate || matches!(unit, "By" | "%" | "1");
            assert_eq!((scale.from_zero, scale.is_bytes), (from_zero, unit == "By"), "{unit}");
        }
        assert_eq!(Scale::of("1", "hw.fan.alarm", false, 1.0).factor, 1.0);
    }
}
