//! Numbers as places on a screen. All of them saturate.

/// The part of `whole` that `fraction` is, rounded; what is no number is nothing.
pub fn part_of(whole: u16, fraction: f64) -> u16 {
    let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to `whole`
    let part = (fraction * f64::from(whole)).round() as u16;
    part
}

/// A number of things as a number of rows or columns.
pub fn extent(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// A number of bytes as a number to calculate with.
#[allow(clippy::cast_precision_loss)] // three digits are shown
pub fn float(count: u64) -> f64 {
    count as f64
}

/// A value as a graph keeps it: seven digits are more than a screen has rows.
#[allow(clippy::cast_possible_truncation)]
pub fn short(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_and_bounded() {
        assert_eq!([0.0, 0.04, 0.06, 1.0].map(|part| part_of(10, part)), [0, 0, 1, 10]);
        assert_eq!([f64::NAN, -1.0, 7.0, f64::INFINITY].map(|x| part_of(10, x)), [0, 0, 10, 0]);
        assert_eq!(extent(70_000), u16::MAX);
    }
}
