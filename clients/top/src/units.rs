//! Numbers as people read them.

use std::time::Duration;

/// Longer spans are mistakes.
const SPAN_S_MAX: f64 = 366.0 * 86_400.0;

/// A size, in the largest binary unit that leaves at least 1.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[allow(clippy::cast_precision_loss)] // one decimal is shown
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        // Below, the one decimal would say 1024.0.
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Bytes per second.
pub fn rate(bytes_per_second: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rates are positive
    let count = bytes_per_second.round() as u64;
    format!("{}/s", bytes(count))
}

/// Days, hours, minutes and seconds.
pub fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match days {
        0 => clock,
        1 => format!("1 day {clock}"),
        _ => format!("{days} days {clock}"),
    }
}

/// Minutes and seconds to the millisecond, as on a stopwatch; hours when there are some.
pub fn stopwatch(nanoseconds: u64) -> String {
    let ms = nanoseconds / 1_000_000;
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{:03}", ms % 1000),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{:03}", ms % 1000),
    }
}

/// A time span as people write it: a number with `ms`, `s` (which may be left out), `m` or `h`.
///
/// # Errors
///
/// For other text, and for more than a year.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("a time is 500ms, 30s, 10m or 2h, and not {text:?}")),
    };
    let seconds = number.parse::<f64>().map_err(|_| "not a number")? * factor;
    match seconds {
        0.0..=SPAN_S_MAX => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a time is at most a year".into()),
    }
}

/// How long ago, in the largest unit that leaves at least 1; `None` below a second, which is as
/// fresh as people can use.
pub fn age(milliseconds: u32) -> Option<String> {
    match milliseconds / 1000 {
        0 => None,
        seconds @ 1..120 => Some(format!("{seconds} s ago")),
        seconds @ 120..7200 => Some(format!("{} min ago", seconds / 60)),
        seconds => Some(format!("{} h ago", seconds / 3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_their_units() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_575, "1.0 MiB"),
            (16_777_216_000, "15.6 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(count), text, "{count}");
        }
        assert_eq!(rate(1536.4), "1.5 KiB/s");
        assert_eq!(rate(0.0), "0 B/s");
    }

    #[test]
    fn spans_are_read_and_told() {
        for (text, ms) in [("250ms", 250), ("30s", 30_000), ("1.5", 1500), ("2m", 120_000)] {
            assert_eq!(parse_span(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(parse_span("3h"), Ok(Duration::from_secs(10_800)));
        for text in ["", "s", "-1s", "1d", "1e3", "9999h", "1 s", "nan", "."] {
            assert!(parse_span(text).is_err(), "{text}");
        }
        assert_eq!(stopwatch(59_999_999_999), "0:59.999");
        assert_eq!(stopwatch(7_384_005_000_000), "2:03:04.005");
    }

    #[test]
    fn times_are_told_in_words() {
        assert_eq!(duration(59_999_999_999), "00:00:59");
        assert_eq!(duration(86_400_000_000_000), "1 day 00:00:00");
        assert_eq!(duration(273_906_000_000_000), "3 days 04:05:06");
        assert_eq!(age(999), None);
        assert_eq!(age(1000).unwrap(), "1 s ago");
        assert_eq!(age(119_999).unwrap(), "119 s ago");
        assert_eq!(age(120_000).unwrap(), "2 min ago");
        assert_eq!(age(u32::MAX).unwrap(), "1193 h ago");
    }
}
