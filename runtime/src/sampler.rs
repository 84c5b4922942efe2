//! Reads what is due and writes it into vitals frames.
//!
//! Guarantees: no source is read faster than its interval in [`INTERVALS`], however fast the stream
//! ticks; nothing is read unless somebody ticks it; each value keeps the time of its own reading,
//! so a frame repeats it with its true age. Not guaranteed: that a slow source does not delay the
//! tick it is read in (sources that can block are not read here).

use kymo_platform::DISK_IO_INTERVAL_NS;
use kymo_platform::clock::{self, Now};
use kymo_platform::machine::{DiskSpace, Fans, Machine, Transfer};
use kymo_protocol::{Field, NoData, Reading, State, Vitals};

use crate::cpu_window::CpuWindow;
use crate::figure::Figure;
use crate::hardware::{FanSpeeds, Hardware};
use crate::momentum::{Momentum, momentum};

/// A thing that is read on its own schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
enum Source {
    Cpu,
    Memory,
    Load,
    DiskIo,
    DiskSpace,
    Network,
    Thermal,
    Processes,
    Uptime,
}

const MS: u64 = 1_000_000;

/// The least time between two readings, with its reason.
const INTERVALS: [(Source, u64); 9] = [
    // The kernel counts in ticks of 10 ms; faster readings are noise.
    (Source::Cpu, 40 * MS),
    // Per-CPU counters are folded about once a second; 15 changes a second were seen under churn.
    (Source::Memory, 100 * MS),
    // The kernel computes it every 5 s.
    (Source::Load, 5000 * MS),
    // What a reading costs is another matter on each system.
    (Source::DiskIo, DISK_IO_INTERVAL_NS),
    // statvfs may take a lock of the file system.
    (Source::DiskSpace, 1000 * MS),
    // Counts every packet, but the kernel writes its text for 2 µs an interface: at 1 kHz that
    // would be the whole budget of 1 %.
    (Source::Network, 10 * MS),
    // Drivers cache for a second, or wake a core to ask it.
    (Source::Thermal, 1000 * MS),
    // Walks the whole of /proc.
    (Source::Processes, 2000 * MS),
    // Only to find the distance to the boot clock, which then tells the time.
    (Source::Uptime, 10_000 * MS),
];

/// Two steps of `/proc/uptime`: it rounds down, and the clock is read a moment before it.
const UPTIME_STEP_NS: i128 = 20_000_000;

/// What reading a source has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How often it was read.
    pub reads: u64,
    /// Time that took, in nanoseconds.
    pub total_ns: u64,
    /// The longest reading.
    pub max_ns: u64,
}

/// The sources by their numbers.
const SOURCE_NAMES: [&str; INTERVALS.len()] =
    ["cpu", "memory", "load", "disk_io", "disk_space", "network", "thermal", "processes", "uptime"];

/// The sampler; see the module.
#[derive(Debug)]
pub struct Sampler {
    machine: Box<dyn Machine>,
    due_ns: [u64; INTERVALS.len()],
    costs: [Cost; INTERVALS.len()],
    /// The monotonic clock.
    clock: fn() -> u64,
    cpu_window: CpuWindow,
    cpu_usage: Figure<f32>,
    memory_total: Figure<u64>,
    memory_used: Figure<u64>,
    swap_total: Figure<u64>,
    swap_used: Figure<u64>,
    load: Figure<[f32; 3]>,
    disk_io: Figure<Transfer>,
    disk_space: Figure<DiskSpace>,
    network_io: Figure<Transfer>,
    temperature: Figure<f32>,
    gpu_temperature: Figure<f32>,
    fans: Figure<FanSpeeds>,
    process_count: Figure<u32>,
    hardware: Hardware,
    /// Boot clock at the machine's own zero of uptime; a container may have one of its own.
    uptime_zero: Figure<i128>,
}

impl Sampler {
    /// A sampler of `machine`. Nothing is read yet.
    #[must_use]
    pub fn new(machine: Box<dyn Machine>) -> Self {
        Self {
            machine,
            due_ns: [0; INTERVALS.len()],
            costs: [Cost::default(); INTERVALS.len()],
            clock: clock::mono_ns,
            cpu_window: CpuWindow::default(),
            cpu_usage: Figure::PENDING,
            memory_total: Figure::PENDING,
            memory_used: Figure::PENDING,
            swap_total: Figure::PENDING,
            swap_used: Figure::PENDING,
            load: Figure::PENDING,
            disk_io: Figure::PENDING,
            disk_space: Figure::PENDING,
            network_io: Figure::PENDING,
            temperature: Figure::PENDING,
            gpu_temperature: Figure::PENDING,
            fans: Figure::PENDING,
            process_count: Figure::PENDING,
            hardware: Hardware::none(NoData::Absent),
            uptime_zero: Figure::PENDING,
        }
    }

    /// Reads every source that is due at the tick of `tick_ns` (on the monotonic clock, as it was
    /// planned and not as late as it came: sources keep their cadence that way).
    pub fn handle_tick(&mut self, tick_ns: u64, now: Now) {
        for (source, interval_ns) in INTERVALS {
            let due_ns = &mut self.due_ns[source as usize];
            if *due_ns <= tick_ns {
                *due_ns = tick_ns + interval_ns;
                let began_ns = (self.clock)();
                self.read(source, now);
                let took_ns = (self.clock)().saturating_sub(began_ns);
                let cost = &mut self.costs[source as usize];
                cost.reads += 1;
                cost.total_ns += took_ns;
                cost.max_ns = cost.max_ns.max(took_ns);
            }
        }
    }

    /// The machine has slept for so long. What was read before is older by that, and a share of a
    /// time that was slept through says nothing: it is pending until there is a new one.
    pub fn handle_resume(&mut self, slept_ns: u64) {
        for due_ns in &mut self.due_ns {
            *due_ns = due_ns.saturating_sub(slept_ns);
        }
        self.cpu_window = CpuWindow::default();
        self.cpu_usage = Figure::PENDING;
    }

    /// What can block is read elsewhere; until then it is absent.
    pub fn set_hardware(&mut self, hardware: Hardware) {
        self.hardware = hardware;
    }

    /// What each source has cost so far, by its name.
    pub fn costs(&self) -> impl Iterator<Item = (&'static str, Cost)> + '_ {
        SOURCE_NAMES.into_iter().zip(self.costs)
    }

    fn read(&mut self, source: Source, now: Now) {
        let machine = &mut self.machine;
        let read_at = now.boot_ns;
        match source {
            Source::Cpu => {
                let usage = self.cpu_window.usage(now.mono_ns, machine.cpu_time());
                self.cpu_usage = Figure::new(usage, read_at);
            }
            Source::Memory => {
                let memory = machine.memory();
                self.memory_total = Figure::new(memory.total, read_at);
                self.memory_used = Figure::new(used(memory.total, memory.available), read_at);
                self.swap_total = Figure::new(memory.swap_total, read_at);
                self.swap_used = Figure::new(used(memory.swap_total, memory.swap_free), read_at);
            }
            Source::Load => self.load = Figure::new(machine.load(), read_at),
            Source::DiskIo => self.disk_io = Figure::new(machine.disk_io(), read_at),
            Source::DiskSpace => {
                self.disk_space = Figure::new(machine.disk_space(), read_at);
            }
            Source::Network => self.network_io = Figure::new(machine.network_io(), read_at),
            Source::Thermal => {
                let thermal = machine.thermal();
                self.temperature = Figure::new(thermal.cpu, read_at);
                self.gpu_temperature = Figure::new(thermal.gpu, read_at);
                self.fans = Figure::new(thermal.fans.map(|fans| speeds(&fans)), read_at);
            }
            Source::Processes => {
                self.process_count = Figure::new(machine.process_count(), read_at);
            }
            Source::Uptime => {
                let zero = machine.uptime().map(|up| i128::from(read_at) - i128::from(up));
                // The kernel tells hundredths of a second: a distance below that is none.
                let zero = zero.map(|zero| if zero.abs() < UPTIME_STEP_NS { 0 } else { zero });
                self.uptime_zero = Figure::new(zero, read_at);
            }
        }
    }

    /// Fills in a zeroed frame that is stamped `frame_ns` on the boot clock.
    pub fn fill(&self, vitals: &mut Vitals, frame_ns: u64) {
        let v = vitals;
        if self.machine.fill(v, frame_ns) {
            return;
        }
        let cpu_usage = self.cpu_usage.put(v, Field::CpuUsage, frame_ns);
        v.cpu_usage.set(cpu_usage);
        let total = self.memory_total.put(v, Field::MemoryTotal, frame_ns);
        v.memory_total.set(total);
        let used = self.memory_used.put(v, Field::MemoryUsed, frame_ns);
        v.memory_used.set(used);
        let memory_usage = self.memory_used.map(|used| percent(used, total));
        let usage = memory_usage.put(v, Field::MemoryUsage, frame_ns);
        v.memory_usage.set(usage);
        let swap_total = self.swap_total.put(v, Field::SwapTotal, frame_ns);
        v.swap_total.set(swap_total);
        let swap_used = self.swap_used.put(v, Field::SwapUsed, frame_ns);
        v.swap_used.set(swap_used);
        let load = self.load.put(v, Field::Load, frame_ns);
        v.load = load.map(Into::into);
        self.fill_transfers(v, frame_ns);
        self.fill_thermal(v, frame_ns);
        let process_count = self.process_count.put(v, Field::ProcessCount, frame_ns);
        v.process_count.set(process_count);
        // The clock tells the time now; only its zero was read before.
        let uptime = self.uptime_zero.map(|zero| i128::from(frame_ns) - zero);
        let uptime = Figure { read_at_ns: frame_ns, ..uptime }.put(v, Field::Uptime, frame_ns);
        v.uptime_ns.set(u64::try_from(uptime).unwrap_or(0));
        self.fill_momentum(v, memory_usage.reading);
    }

    fn fill_transfers(&self, v: &mut Vitals, frame_ns: u64) {
        let disk = self.disk_io.put(v, Field::DiskReadBytes, frame_ns);
        self.disk_io.put(v, Field::DiskWriteBytes, frame_ns);
        v.disk_read_bytes.set(disk.inward);
        v.disk_write_bytes.set(disk.outward);
        let network = self.network_io.put(v, Field::NetworkRxBytes, frame_ns);
        self.network_io.put(v, Field::NetworkTxBytes, frame_ns);
        v.network_rx_bytes.set(network.inward);
        v.network_tx_bytes.set(network.outward);
        let usage = self
            .disk_space
            .map(|space| percent(space.used, space.used.saturating_add(space.available)));
        let disk_usage = usage.put(v, Field::DiskUsage, frame_ns);
        v.disk_usage.set(disk_usage);
    }

    fn fill_thermal(&self, v: &mut Vitals, frame_ns: u64) {
        let Hardware { temperature, gpu_temperature, fans, power, charge } = self.hardware;
        let temperature = self.temperature.or(temperature).put(v, Field::Temperature, frame_ns);
        v.temperature.set(temperature);
        let gpu_temperature = self.gpu_temperature.or(gpu_temperature);
        let gpu_temperature = gpu_temperature.put(v, Field::GpuTemperature, frame_ns);
        v.gpu_temperature.set(gpu_temperature);
        let fans = self.fans.or(fans).put(v, Field::FanSpeeds, frame_ns);
        v.fan_speeds = fans.rpm.map(Into::into);
        v.fan_count = fans.count;
        let power = power.put(v, Field::PowerWatts, frame_ns);
        v.power_watts.set(power);
        let charge = charge.put(v, Field::BatteryCharge, frame_ns);
        v.battery_charge.set(charge);
    }

    fn fill_momentum(&self, v: &mut Vitals, memory_usage: Reading<f32>) {
        let mood = momentum(self.cpu_usage.reading, memory_usage);
        let state = mood.map_or_else(State::from, |_| State::Ok);
        v.set_state(Field::Momentum, state, 0);
        v.set_state(Field::SystemState, state, 0);
        if let Ok(Momentum { intensity, color, rotation_speed, system_state }) = mood {
            v.momentum_intensity.set(intensity);
            v.momentum_color = color as u8;
            v.momentum_rotation_speed.set(rotation_speed);
            v.system_state = system_state as u8;
        }
    }
}

/// What is used of a total; a part larger than the whole can't be true.
fn used(total: Reading<u64>, free: Reading<u64>) -> Reading<u64> {
    total?.checked_sub(free?).ok_or(NoData::Fault)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // a share in %
fn percent(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 * 100.0 / whole as f64) as f32 }
}

fn speeds(fans: &Fans) -> FanSpeeds {
    let mut speeds = FanSpeeds::default();
    for (target, rpm) in speeds.rpm.iter_mut().zip(fans) {
        *target = *rpm;
        speeds.count += 1;
    }
    speeds
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_platform::Fake;
    use kymo_platform::fake::Readings;
    use kymo_platform::machine::{CpuTime, Memory, Thermal};
    use kymo_protocol::{Position, Stamp, emit};

    fn now(ms: u64) -> Now {
        let ns = 3_600_000 * MS + ms * MS;
        Now { mono_ns: ns, boot_ns: ns + 5 * MS, wall_ns: 0 }
    }

    fn frame(sampler: &Sampler, ms: u64) -> Vitals {
        let mut buffer = [0; 512];
        let boot_ns = now(ms).boot_ns;
        let (vitals, _) = emit(&mut buffer, Position::NONE, Stamp { boot_ns }).unwrap();
        sampler.fill(vitals, boot_ns);
        *vitals
    }

    fn sampler(readings: Readings) -> Sampler {
        let mut machine = Fake::new();
        machine.readings = readings;
        Sampler::new(Box::new(machine))
    }

    /// A machine that has whole frames.
    struct Whole(Fake);

    impl Machine for Whole {
        fn cpu_time(&mut self) -> Reading<CpuTime> {
            self.0.cpu_time()
        }
        fn memory(&mut self) -> Memory {
            self.0.memory()
        }
        fn load(&mut self) -> Reading<[f32; 3]> {
            self.0.load()
        }
        fn disk_io(&mut self) -> Reading<Transfer> {
            self.0.disk_io()
        }
        fn disk_space(&mut self) -> Reading<DiskSpace> {
            self.0.disk_space()
        }
        fn network_io(&mut self) -> Reading<Transfer> {
            self.0.network_io()
        }
        fn thermal(&mut self) -> Thermal {
            self.0.thermal()
        }
        fn process_count(&mut self) -> Reading<u32> {
            self.0.process_count()
        }
        fn uptime(&mut self) -> Reading<u64> {
            self.0.uptime()
        }
        fn fill(&self, vitals: &mut Vitals, frame_ns: u64) -> bool {
            vitals.cpu_usage.set(77.0);
            vitals.uptime_ns.set(frame_ns);
            vitals.set_state(Field::Temperature, State::Asleep, 0);
            true
        }
    }

    #[test]
    fn a_machine_may_have_whole_frames() {
        let mut sampler = Sampler::new(Box::new(Whole(Fake::new())));
        sampler.handle_tick(now(0).mono_ns, now(0));
        let vitals = frame(&sampler, 5);
        assert_eq!((vitals.cpu_usage.get(), vitals.memory_total.get()), (77.0, 0));
        assert_eq!(vitals.uptime_ns.get(), now(5).boot_ns);
        assert_eq!(vitals.state(Field::Temperature), State::Asleep);
    }

    /// A zeroed frame says that everything is ok: a field that is forgotten would claim a 0.
    #[test]
    fn no_field_is_forgotten() {
        let sampler_unread = sampler(Readings::ordinary());
        let unread = frame(&sampler_unread, 0);
        for field in Field::ALL {
            assert_ne!(unread.state(field), State::Ok, "{field:?} before the first reading");
        }
        for (reason, state) in [(NoData::Absent, State::Absent), (NoData::Denied, State::Denied)] {
            let mut sampler = sampler(Readings::none(reason));
            sampler.handle_tick(now(0).mono_ns, now(0));
            sampler.set_hardware(Hardware::none(reason));
            let vitals = frame(&sampler, 0);
            for field in Field::ALL {
                assert_eq!(vitals.state(field), state, "{field:?}");
            }
        }
    }

    #[test]
    fn what_the_lane_can_not_read_is_held() {
        let mut sampler = sampler(Readings::ordinary());
        let read_at_ns = now(10).boot_ns;
        for (is_held, state) in [(false, State::Ok), (true, State::Held)] {
            let charge = Figure { reading: Ok(87.0), read_at_ns, is_held };
            sampler.set_hardware(Hardware { charge, ..Hardware::none(NoData::Absent) });
            let vitals = frame(&sampler, 5010);
            assert_eq!(
                (vitals.state(Field::BatteryCharge), vitals.battery_charge.get()),
                (state, 87.0)
            );
            assert_eq!(
                (vitals.age_ms(Field::BatteryCharge), vitals.age_ms(Field::PowerWatts)),
                (5000, 0)
            );
            assert_eq!(vitals.state(Field::PowerWatts), State::Absent);
        }
    }

    #[test]
    fn values_keep_the_age_of_their_reading() {
        let mut sampler = sampler(Readings::ordinary());
        for tick in 0..99 {
            sampler.handle_tick(now(tick * 40).mono_ns, now(tick * 40));
        }
        let vitals = frame(&sampler, 98 * 40 + 7);
        assert_eq!(vitals.age_ms(Field::DiskReadBytes), 7);
        // Read at 3,840 ms: no sooner than every 100 ms, on a grid of 40 ms.
        assert_eq!(vitals.age_ms(Field::MemoryUsed), 87);
        assert_eq!(vitals.age_ms(Field::Load), 3927);
        assert_eq!(vitals.age_ms(Field::Uptime), 0);
    }

    #[test]
    fn what_was_read_before_a_sleep_is_read_anew_and_no_share_spans_it() {
        let mut machine = Fake::seeded(3);
        machine.readings = Readings::ordinary();
        let mut sampler = Sampler::new(Box::new(machine));
        for tick in 0..30 {
            sampler.handle_tick(now(tick * 40).mono_ns, now(tick * 40));
        }
        assert_eq!(frame(&sampler, 1160).state(Field::CpuUsage), State::Ok);
        // All but what is read every five or ten seconds is due after three.
        sampler.handle_resume(3000 * MS);
        let vitals = frame(&sampler, 1160);
        for field in [Field::CpuUsage, Field::Momentum] {
            let state = vitals.state(field);
            assert_eq!(state == State::Ok, field == Field::Momentum, "{field:?} {state:?}");
        }
        sampler.handle_tick(now(1200).mono_ns, now(1200));
        let vitals = frame(&sampler, 1200);
        assert_eq!(vitals.state(Field::CpuUsage), State::Pending);
        assert_eq!(vitals.age_ms(Field::DiskUsage), 0);
        assert_eq!(vitals.age_ms(Field::ProcessCount), 0);
        assert_eq!(vitals.age_ms(Field::Load), 1200, "no sooner than it may");
        let reads = sampler.costs().map(|(_, cost)| cost.reads).collect::<Vec<_>>();
        assert_eq!(reads[2..5], [1, 31, 3], "{reads:?}");
    }

    /// However fast it ticks, nothing is read faster than its interval.
    #[test]
    fn cadence_is_kept_at_1_khz() {
        let machine = Counted::default();
        let reads = machine.0.clone();
        let mut sampler = Sampler::new(Box::new(machine));
        for ms in 0..20_000 {
            sampler.handle_tick(now(ms).mono_ns, now(ms));
        }
        let reads = *reads.lock().unwrap();
        // cpu, memory, load, disk io, disk space, network, thermal, processes, uptime
        assert_eq!(reads, [500, 200, 4, 500, 20, 2000, 20, 10, 2]);
    }

    /// Counts the calls.
    #[derive(Debug, Default)]
    struct Counted(std::sync::Arc<std::sync::Mutex<[u32; 9]>>);

    impl Counted {
        fn count<T>(&self, source: Source, answer: T) -> T {
            self.0.lock().unwrap()[source as usize] += 1;
            answer
        }
    }

    impl Machine for Counted {
        fn cpu_time(&mut self) -> Reading<kymo_platform::machine::CpuTime> {
            self.count(Source::Cpu, Err(NoData::Absent))
        }
        fn memory(&mut self) -> kymo_platform::machine::Memory {
            self.count(Source::Memory, Readings::ordinary().memory)
        }
        fn load(&mut self) -> Reading<[f32; 3]> {
            self.count(Source::Load, Err(NoData::Absent))
        }
        fn disk_io(&mut self) -> Reading<Transfer> {
            self.count(Source::DiskIo, Err(NoData::Absent))
        }
        fn disk_space(&mut self) -> Reading<DiskSpace> {
            self.count(Source::DiskSpace, Err(NoData::Absent))
        }
        fn network_io(&mut self) -> Reading<Transfer> {
            self.count(Source::Network, Err(NoData::Absent))
        }
        fn thermal(&mut self) -> kymo_platform::machine::Thermal {
            self.count(Source::Thermal, Readings::ordinary().thermal)
        }
        fn process_count(&mut self) -> Reading<u32> {
            self.count(Source::Processes, Err(NoData::Absent))
        }
        fn uptime(&mut self) -> Reading<u64> {
            self.count(Source::Uptime, Err(NoData::Absent))
        }
    }
}
