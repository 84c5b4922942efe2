//! CPU usage over the last second, from counters that move in steps of 10 ms.
//!
//! At 25 Hz a reading sees four ticks per CPU, which alone would be steps of 25 %. So the usage is
//! taken over a sliding second: between the newest reading and the one that is a second older.
//! Until two readings 200 ms apart exist it is pending. When readings come more slowly than one a
//! second, the window is the time since the one before.

use kymo_platform::machine::CpuTime;
use kymo_protocol::{NoData, Reading};

use crate::limits::SHARE_NS_MAX;

/// The window's length.
const WINDOW_NS: u64 = 1_000_000_000;

/// The least distance of two readings that says anything: 20 ticks.
const DISTANCE_NS_MIN: u64 = 200_000_000;

/// The least distance of readings that are kept: the source's cadence with some jitter.
const SPACING_NS: u64 = 35_000_000;

/// Readings kept: a window of the least spacing, and the one beyond it.
const READINGS: usize = 32;

const _: () = assert!(READINGS as u64 > WINDOW_NS / SPACING_NS + 2);

/// Readings of the last second; see the module.
#[derive(Debug, Default)]
pub struct CpuWindow {
    readings: heapless::Deque<(u64, CpuTime), READINGS>,
}

impl CpuWindow {
    /// Takes a reading made at `mono_ns` and returns the usage in % at that time.
    pub fn usage(&mut self, mono_ns: u64, reading: Reading<CpuTime>) -> Reading<f32> {
        let time = reading.inspect_err(|_| self.readings.clear())?;
        self.push(mono_ns, time);
        let reference = self.reference(mono_ns).ok_or(NoData::Pending)?;
        // Counters may step back after a suspend or when a CPU goes: that is no work.
        let total = time.total.saturating_sub(reference.total);
        let busy = time.busy.saturating_sub(reference.busy).min(total);
        if total == 0 {
            return Err(NoData::Pending);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // a share in %
        let usage = (busy as f64 * 100.0 / total as f64) as f32;
        Ok(usage)
    }

    fn push(&mut self, mono_ns: u64, time: CpuTime) {
        if let Some((last_ns, _)) = self.readings.back()
            && mono_ns.saturating_sub(*last_ns) > SHARE_NS_MAX
        {
            self.readings.clear();
        }
        let mut older = self.readings.iter().rev();
        if let (Some((last_ns, _)), Some((before_ns, _))) = (older.next(), older.next())
            && last_ns - before_ns < SPACING_NS
        {
            self.readings.pop_back();
        }
        if self.readings.is_full() {
            self.readings.pop_front();
        }
        // There is room: one was let go above.
        let _ = self.readings.push_back((mono_ns, time));
    }

    /// The newest reading that is a whole window old, else the oldest that is old enough.
    fn reference(&self, mono_ns: u64) -> Option<CpuTime> {
        let age = |reading_ns: u64| mono_ns.saturating_sub(reading_ns);
        let whole = self.readings.iter().rev().find(|(ns, _)| age(*ns) >= WINDOW_NS);
        let (reading_ns, time) = whole.or(self.readings.front())?;
        (age(*reading_ns) >= DISTANCE_NS_MIN).then_some(*time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn time(busy: u64, total: u64) -> Reading<CpuTime> {
        Ok(CpuTime { busy, total })
    }

    #[test]
    fn pending_until_two_readings_200_ms_apart() {
        let mut window = CpuWindow::default();
        assert_eq!(window.usage(0, time(0, 0)), Err(NoData::Pending));
        assert_eq!(window.usage(160 * MS, time(8, 16)), Err(NoData::Pending));
        assert_eq!(window.usage(200 * MS, time(10, 20)), Ok(50.0));
    }

    #[test]
    fn the_window_slides() {
        let mut window = CpuWindow::default();
        // Two seconds idle, then busy: after half a second half the window is busy.
        let mut usage = Err(NoData::Pending);
        for tick in 0..=62u64 {
            let busy = tick.saturating_sub(50) * 4;
            usage = window.usage(tick * 40 * MS, time(busy, tick * 4));
        }
        assert_eq!(usage, Ok(48.0));
    }

    #[test]
    fn fast_readings_do_not_shorten_it() {
        let mut window = CpuWindow::default();
        let mut usage = Err(NoData::Pending);
        for ms in 0..=3000u64 {
            let busy = if ms > 2000 { (ms - 2000) / 10 } else { 0 };
            usage = window.usage(ms * MS, time(busy, ms / 10));
        }
        assert!(usage.is_ok_and(|usage| usage > 95.0), "{usage:?}");
    }

    #[test]
    fn counters_that_step_back_are_no_work() {
        let mut window = CpuWindow::default();
        let _ = window.usage(0, time(100, 200));
        assert_eq!(window.usage(1000 * MS, time(90, 300)), Ok(0.0));
        assert_eq!(window.usage(2000 * MS, time(90, 250)), Err(NoData::Pending));
        assert_eq!(window.usage(3000 * MS, time(500, 260)), Ok(100.0));
    }

    #[test]
    fn after_a_pause_it_begins_again() {
        let mut window = CpuWindow::default();
        let _ = window.usage(0, time(0, 0));
        assert_eq!(window.usage(30_000 * MS, time(3000, 3000)), Err(NoData::Pending));
        assert_eq!(window.usage(31_000 * MS, time(3050, 3100)), Ok(50.0));
        assert_eq!(window.usage(32_000 * MS, Err(NoData::Fault)), Err(NoData::Fault));
        assert_eq!(window.usage(33_000 * MS, time(3100, 3300)), Err(NoData::Pending));
    }
}
