//! Middle and spread of a list of numbers.

/// The value below which the share `q` of `sorted` lies, between two neighbours if need be; 0 for
/// an empty list.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = q.clamp(0.0, 1.0) * last as f64;
    let low = floor_index(position).min(last);
    let high = (low + 1).min(last);
    let share = position - low as f64;
    sorted[low] + (sorted[high] - sorted[low]) * share
}

/// The middle of a list in any order.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// A copy in ascending order.
#[must_use]
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// The slope of the line through points, by least squares.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x_mean) * (p.1 - y_mean)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x_mean).powi(2)).sum();
    covariance / variance
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index: 0 or more, and small
fn floor_index(position: f64) -> usize {
    position as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(quantile(&[0.0, 10.0], 0.9), 9.0);
        assert_eq!(quantile(&[0.0, 10.0], 1.0), 10.0);
    }

    #[test]
    fn a_line_has_its_slope() {
        let points = [(1.0, 5.0), (8.0, 19.0), (32.0, 67.0), (128.0, 259.0)];
        assert!((slope(&points) - 2.0).abs() < 1e-9);
    }
}
