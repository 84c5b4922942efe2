//! A machine for tests: its readings are what the test sets, or evolve from a seed.
//!
//! It implements the same trait as a real machine and passes the same suite. It counts the calls,
//! so that a test can tell what was read, and above all what was not. It touches nothing outside.

use kymo_protocol::{NoData, Reading};

use crate::machine::{CpuTime, DiskSpace, FANS_MAX, Fans, Machine, Memory, Thermal, Transfer};

/// What each call of a [`Fake`] answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// The answer of [`Machine::cpu_time`].
    pub cpu_time: Reading<CpuTime>,
    /// The answer of [`Machine::memory`].
    pub memory: Memory,
    /// The answer of [`Machine::load`].
    pub load: Reading<[f32; 3]>,
    /// The answer of [`Machine::disk_io`].
    pub disk_io: Reading<Transfer>,
    /// The answer of [`Machine::disk_space`].
    pub disk_space: Reading<DiskSpace>,
    /// The answer of [`Machine::network_io`].
    pub network_io: Reading<Transfer>,
    /// The answer of [`Machine::thermal`].
    pub thermal: Thermal,
    /// The answer of [`Machine::process_count`].
    pub process_count: Reading<u32>,
    /// The answer of [`Machine::uptime`].
    pub uptime: Reading<u64>,
}

impl Readings {
    /// Nothing can be read, for the same reason everywhere.
    #[must_use]
    pub fn none(reason: NoData) -> Self {
        Self {
            cpu_time: Err(reason),
            memory: Memory {
                total: Err(reason),
                available: Err(reason),
                swap_total: Err(reason),
                swap_free: Err(reason),
            },
            load: Err(reason),
            disk_io: Err(reason),
            disk_space: Err(reason),
            network_io: Err(reason),
            thermal: Thermal { cpu: Err(reason), gpu: Err(reason), fans: Err(reason) },
            process_count: Err(reason),
            uptime: Err(reason),
        }
    }

    /// A machine on which everything can be read: 16 GiB, 25 % busy, two fans of which one stands.
    #[must_use]
    pub fn ordinary() -> Self {
        let mut fans = Fans::new();
        for speed in [1200, 0] {
            // Two fit.
            let _ = fans.push(speed);
        }
        Self {
            cpu_time: Ok(CpuTime { busy: 2_500, total: 10_000 }),
            memory: Memory {
                total: Ok(16 << 30),
                available: Ok(10 << 30),
                swap_total: Ok(2 << 30),
                swap_free: Ok(2 << 30),
            },
            load: Ok([0.5, 0.25, 0.125]),
            disk_io: Ok(Transfer { inward: 1 << 30, outward: 1 << 29 }),
            disk_space: Ok(DiskSpace { used: 100 << 30, available: 300 << 30 }),
            network_io: Ok(Transfer { inward: 1 << 20, outward: 1 << 19 }),
            thermal: Thermal { cpu: Ok(47.5), gpu: Ok(39.0), fans: Ok(fans) },
            process_count: Ok(180),
            uptime: Ok(3_600_000_000_000),
        }
    }
}

/// How often each source was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Calls of [`Machine::cpu_time`].
    pub cpu_time: u64,
    /// Calls of [`Machine::memory`].
    pub memory: u64,
    /// Calls of [`Machine::load`].
    pub load: u64,
    /// Calls of [`Machine::disk_io`].
    pub disk_io: u64,
    /// Calls of [`Machine::disk_space`].
    pub disk_space: u64,
    /// Calls of [`Machine::network_io`].
    pub network_io: u64,
    /// Calls of [`Machine::thermal`].
    pub thermal: u64,
    /// Calls of [`Machine::process_count`].
    pub process_count: u64,
    /// Calls of [`Machine::uptime`].
    pub uptime: u64,
}

/// A machine whose readings a test decides.
///
/// ```
/// use kymo_platform::{Fake, Machine};
/// use kymo_protocol::NoData;
///
/// let mut machine = Fake::new();
/// machine.readings.load = Err(NoData::Denied);
/// assert_eq!(machine.load(), Err(NoData::Denied));
/// assert_eq!(machine.reads.load, 1);
/// assert_eq!(machine.reads.thermal, 0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fake {
    /// What the next calls answer; a machine with a seed changes them itself, after each answer.
    pub readings: Readings,
    /// How often each source was read.
    pub reads: Reads,
    random: Option<Random>,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// An ordinary machine that stays as it is until the test changes it.
    #[must_use]
    pub fn new() -> Self {
        Self { readings: Readings::ordinary(), reads: Reads::default(), random: None }
    }

    /// An ordinary machine that lives: each value goes on from call to call. What a call answers
    /// depends on the seed and the calls before it alone. Readings set to an error stay so.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { random: Some(Random(seed)), ..Self::new() }
    }

    /// A number below `bound`, or `None` on a machine without seed.
    fn draw(&mut self, bound: u64) -> Option<u64> {
        self.random.as_mut().map(|random| random.below(bound))
    }
}

impl Machine for Fake {
    fn cpu_time(&mut self) -> Reading<CpuTime> {
        self.reads.cpu_time += 1;
        let answer = self.readings.cpu_time;
        if let (Some(busy), Ok(time)) = (self.draw(5), &mut self.readings.cpu_time) {
            // Four ticks a call are one CPU read at 25 Hz.
            time.busy = time.busy.saturating_add(busy);
            time.total = time.total.saturating_add(4);
        }
        answer
    }

    fn memory(&mut self) -> Memory {
        self.reads.memory += 1;
        let answer = self.readings.memory;
        let total = self.readings.memory.total.unwrap_or(0);
        if let (Some(available), Ok(value)) =
            (self.draw(total.max(1)), &mut self.readings.memory.available)
        {
            *value = available;
        }
        answer
    }

    fn load(&mut self) -> Reading<[f32; 3]> {
        self.reads.load += 1;
        let answer = self.readings.load;
        if let (Some(runnable), Ok([short, middle, long])) = (self.draw(8), &mut self.readings.load)
        {
            let runnable = f32::from(u8::try_from(runnable).unwrap_or(0));
            *short += (runnable - *short) / 12.0;
            *middle += (runnable - *middle) / 60.0;
            *long += (runnable - *long) / 180.0;
        }
        answer
    }

    fn disk_io(&mut self) -> Reading<Transfer> {
        self.reads.disk_io += 1;
        let answer = self.readings.disk_io;
        let (inward, outward) = (self.draw(1 << 20), self.draw(1 << 20));
        grow(&mut self.readings.disk_io, inward, outward);
        answer
    }

    fn disk_space(&mut self) -> Reading<DiskSpace> {
        self.reads.disk_space += 1;
        let answer = self.readings.disk_space;
        if let (Some(written), Ok(space)) = (self.draw(1 << 20), &mut self.readings.disk_space) {
            let written = written.min(space.available);
            space.used = space.used.saturating_add(written);
            space.available -= written;
        }
        answer
    }

    fn network_io(&mut self) -> Reading<Transfer> {
        self.reads.network_io += 1;
        let answer = self.readings.network_io;
        let (inward, outward) = (self.draw(1 << 16), self.draw(1 << 16));
        grow(&mut self.readings.network_io, inward, outward);
        answer
    }

    fn thermal(&mut self) -> Thermal {
        self.reads.thermal += 1;
        let answer = self.readings.thermal.clone();
        for drawn in 0..2 + FANS_MAX {
            let Some(step) = self.draw(101).and_then(|step| u8::try_from(step).ok()) else { break };
            let thermal = &mut self.readings.thermal;
            match (drawn, &mut thermal.cpu, &mut thermal.gpu, &mut thermal.fans) {
                (0, Ok(cpu), _, _) => *cpu = 30.0 + f32::from(step) / 2.0,
                (1, _, Ok(gpu), _) => *gpu = 30.0 + f32::from(step) / 2.0,
                (2.., _, _, Ok(fans)) => {
                    if let Some(fan) = fans.get_mut(drawn - 2) {
                        *fan = u32::from(step) * 20;
                    }
                }
                _ => {}
            }
        }
        answer
    }

    fn process_count(&mut self) -> Reading<u32> {
        self.reads.process_count += 1;
        let answer = self.readings.process_count;
        if let (Some(count), Ok(value)) = (self.draw(100), &mut self.readings.process_count) {
            *value = 150 + u32::try_from(count).unwrap_or(0);
        }
        answer
    }

    fn uptime(&mut self) -> Reading<u64> {
        self.reads.uptime += 1;
        let answer = self.readings.uptime;
        if let (Some(step_ns), Ok(value)) = (self.draw(1 << 26), &mut self.readings.uptime) {
            *value = value.saturating_add(step_ns);
        }
        answer
    }
}

fn grow(reading: &mut Reading<Transfer>, inward: Option<u64>, outward: Option<u64>) {
    if let (Ok(transfer), Some(inward), Some(outward)) = (reading, inward, outward) {
        transfer.inward = transfer.inward.saturating_add(inward);
        transfer.outward = transfer.outward.saturating_add(outward);
    }
}

/// SplitMix64: a generator whose whole state is its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_seed_it_stays_and_with_one_it_repeats() {
        let mut still = Fake::new();
        assert_eq!(still.cpu_time(), still.cpu_time());
        assert_eq!(still.thermal(), still.thermal());
        let (mut one, mut two, mut other) = (Fake::seeded(7), Fake::seeded(7), Fake::seeded(8));
        for _ in 0..100 {
            one.thermal();
            two.thermal();
            other.thermal();
            assert_eq!(one.cpu_time(), two.cpu_time());
            assert!(other.cpu_time().is_ok());
        }
        assert_eq!(one, two);
        assert_ne!(one.readings, other.readings);
        assert_eq!(one.reads, Reads { cpu_time: 100, thermal: 100, ..Reads::default() });
    }

    #[test]
    fn an_error_stays_until_the_test_ends_it() {
        let mut fake = Fake::seeded(1);
        fake.readings = Readings::none(NoData::Asleep);
        for _ in 0..3 {
            assert_eq!(fake.uptime(), Err(NoData::Asleep));
            assert_eq!(fake.memory().total, Err(NoData::Asleep));
        }
        assert_eq!(fake.readings, Readings::none(NoData::Asleep));
    }
}
