//! Numbers as people read them.

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
