//! How long a recording has run at each of its frames.
//!
//! The zero is the first welcome. The time goes on with the boot clock, which knows no steps, and
//! across a reboot with the wall clock, which is all that is left then. It never goes back: an
//! event of before, told again, stands at the time it was told.

use kymo_client::{Body, ClockMap, Frame};

/// A welcome whose wall clock is at most so much off is of the same boot: it was set meanwhile.
const STEP_NS_MAX: u64 = 3_600_000_000_000;

/// The time of a recording; see the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    clock: Option<ClockMap>,
    /// The boot clock where the connection began, and how long it had run then.
    anchor_ns: u64,
    base_ns: u64,
    newest_ns: u64,
    elapsed_ns: u64,
}

impl Timeline {
    /// Takes in a frame.
    pub fn handle(&mut self, frame: &Frame<'_>) {
        let boot_ns = frame.header.timestamp.get();
        match frame.body {
            Body::Welcome(welcome) => {
                let wall_ns = welcome.fixed.wall_ns.get();
                self.handle_welcome(ClockMap { boot_ns, wall_ns });
            }
            Body::Heartbeat(heartbeat) => {
                let wall_ns = heartbeat.wall_ns.get();
                self.handle_heartbeat(ClockMap { boot_ns, wall_ns });
            }
            _ => {
                self.handle_frame(boot_ns);
            }
        }
    }

    /// A connection begins.
    fn handle_welcome(&mut self, clock: ClockMap) {
        let ClockMap { boot_ns, wall_ns } = clock;
        if let Some(before) = self.clock.filter(|before| !self.is_same_boot(*before, clock)) {
            let away_ns = wall_ns.saturating_sub(before.wall_at(self.newest_ns));
            self.elapsed_ns = self.elapsed_ns.saturating_add(away_ns);
            (self.anchor_ns, self.base_ns) = (boot_ns, self.elapsed_ns);
            self.newest_ns = boot_ns;
        } else if self.clock.is_none() {
            (self.anchor_ns, self.newest_ns) = (boot_ns, boot_ns);
        }
        self.clock = Some(clock);
        self.handle_frame(boot_ns);
    }

    /// The wall clock may have been set.
    fn handle_heartbeat(&mut self, clock: ClockMap) {
        self.clock = Some(clock);
        self.handle_frame(clock.boot_ns);
    }

    /// A frame was made; how long it has run then.
    fn handle_frame(&mut self, boot_ns: u64) -> u64 {
        self.newest_ns = self.newest_ns.max(boot_ns);
        let elapsed_ns = self.base_ns.saturating_add(boot_ns.saturating_sub(self.anchor_ns));
        self.elapsed_ns = self.elapsed_ns.max(elapsed_ns);
        self.elapsed_ns
    }

    /// Goes on at a place in the middle, in the connection that has begun.
    pub fn seek(&mut self, boot_ns: u64, elapsed_ns: u64) {
        (self.anchor_ns, self.newest_ns) = (boot_ns, boot_ns);
        (self.base_ns, self.elapsed_ns) = (elapsed_ns, elapsed_ns);
    }

    /// Whether a frame that was made then is none of before, told again.
    pub const fn is_news(&self, boot_ns: u64) -> bool {
        boot_ns >= self.newest_ns
    }

    /// How long it has run.
    pub const fn elapsed_ns(&self) -> u64 {
        self.elapsed_ns
    }

    /// The newest pair of times.
    pub fn clock(&self) -> ClockMap {
        self.clock.unwrap_or_default()
    }

    fn is_same_boot(&self, before: ClockMap, now: ClockMap) -> bool {
        let expected_ns = before.wall_at(now.boot_ns);
        now.boot_ns >= self.newest_ns && expected_ns.abs_diff(now.wall_ns) <= STEP_NS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn clock(boot_s: u64, wall_s: u64) -> ClockMap {
        ClockMap { boot_ns: boot_s * S, wall_ns: wall_s * S }
    }

    #[test]
    fn it_goes_on_with_the_boot_clock_and_never_back() {
        let mut timeline = Timeline::default();
        timeline.handle_welcome(clock(100, 5000));
        assert_eq!(timeline.handle_frame(101 * S), S);
        assert_eq!(timeline.handle_frame(50 * S), S, "told again");
        timeline.handle_heartbeat(clock(103, 9003));
        assert_eq!((timeline.elapsed_ns(), timeline.clock().wall_at(103 * S)), (3 * S, 9003 * S));
        // Another connection of the same boot, ten minutes of wall clock away.
        timeline.handle_welcome(clock(110, 9600));
        assert_eq!(timeline.handle_frame(111 * S), 11 * S);
    }

    #[test]
    fn across_a_reboot_it_goes_on_with_the_wall_clock() {
        let mut timeline = Timeline::default();
        timeline.handle_welcome(clock(1000, 50_000));
        timeline.handle_frame(1010 * S);
        timeline.handle_welcome(clock(20, 50_070));
        assert_eq!(timeline.handle_frame(21 * S), 71 * S);
        // Long after: the boot clock alone would say that nine hours are some seconds.
        timeline.handle_welcome(clock(30, 90_000));
        assert_eq!(timeline.handle_frame(31 * S), (90_001 - 50_000) * S);
    }
}
