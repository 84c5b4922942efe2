//! A kernel that answers as those of known Macs were seen to, for tests.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::processor::Ticks;
use super::{Kernel, MachClock, Notice, Refusal, Timebase, interface, mount, process, vm};

/// What a fake Mac has; each record is as the kernel lays it out.
#[derive(Clone, Debug)]
pub struct FakeMac {
    /// Of each processor.
    pub ticks: Vec<Ticks>,
    /// As `host_statistics64` fills them…
    pub vm: [u32; vm::WORDS],
    /// …so many of them.
    pub vm_words: usize,
    /// How often it was asked for them.
    pub vm_calls: u32,
    /// Bytes of a page.
    pub page_size: u64,
    /// What the clocks show.
    pub clock: MachClock,
    /// Of `sysctlbyname`.
    pub values: Vec<(&'static CStr, Vec<u8>)>,
    /// Network interfaces.
    pub interfaces: Vec<u8>,
    /// Mounted file systems.
    pub mounts: Vec<[u8; mount::SIZE]>,
    /// Unmounted between the question what there is and the one for its space: the file system
    /// answers that its folder is on, which is the first one.
    pub leaving: &'static str,
    /// Processes, or why nothing is told of one.
    pub processes: Vec<(i32, Result<[u8; process::SIZE], Refusal>)>,
    /// Posted with the notice, which is refused with the reason.
    pub pressure: Result<u64, Refusal>,
    /// Whether it was posted since it was looked for.
    pub is_posted: bool,
    /// How often its number was asked for.
    pub pressure_calls: u32,
    /// What every call says, if it says the same to all.
    pub refusal: Option<Refusal>,
}

impl Default for FakeMac {
    /// A Mac of which nothing is known.
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
            vm: [0; vm::WORDS],
            vm_words: 0,
            vm_calls: 0,
            page_size: 16384,
            clock: MachClock { absolute: 0, continuous: 0, timebase: Timebase::APPLE_SILICON },
            values: Vec::new(),
            interfaces: Vec::new(),
            mounts: Vec::new(),
            leaving: "",
            processes: Vec::new(),
            pressure: Err(Refusal::Absent),
            is_posted: false,
            pressure_calls: 0,
            refusal: None,
        }
    }
}

impl FakeMac {
    /// With a value of `sysctlbyname`.
    #[must_use]
    pub fn with(mut self, name: &'static CStr, value: &[u8]) -> Self {
        self.values.retain(|(other, _)| *other != name);
        self.values.push((name, value.to_vec()));
        self
    }

    /// With a network interface: its name, flags, type, and bytes received and sent. The other
    /// counts are a thousandth, a millionth and none of them.
    #[must_use]
    pub fn with_interface(mut self, name: &str, flags: u32, kind: u8, bytes: [u64; 2]) -> Self {
        let mut record = [0; interface::SIZE];
        put(&mut record, 0, name.as_bytes());
        put(&mut record, 20, &flags.to_ne_bytes());
        put(&mut record, 52, &[kind]);
        for (bytes, offsets) in bytes.into_iter().zip([[116, 76, 84], [124, 92, 100]]) {
            for (offset, count) in offsets.into_iter().zip([bytes, bytes / 1000, bytes / 1_000_000])
            {
                put(&mut record, offset, &count.to_ne_bytes());
            }
        }
        self.interfaces.extend_from_slice(&record);
        self
    }

    /// With a mounted file system: its flags, type, place and source, and of its blocks of 4 KiB
    /// how many there are and how many are free.
    #[must_use]
    pub fn with_mount(mut self, flags: u32, texts: [&str; 3], blocks: [u64; 2]) -> Self {
        let mut record = [0; mount::SIZE];
        let [kind, point, source] = texts;
        let [all, free] = blocks;
        put(&mut record, 0, &4096u32.to_ne_bytes());
        for (offset, count) in [(8, all), (16, free), (24, free), (32, all * 10), (40, free * 10)] {
            put(&mut record, offset, &count.to_ne_bytes());
        }
        put(&mut record, 64, &flags.to_ne_bytes());
        for (offset, text) in [(72, kind), (88, point), (1112, source)] {
            put(&mut record, offset, text.as_bytes());
        }
        self.mounts.push(record);
        self
    }

    /// With a process: its number, user and name, when it started on the wall clock, its bytes in
    /// memory, and its time on processors in Mach's units.
    #[must_use]
    pub fn with_process(
        mut self,
        (pid, uid, name): (i32, u32, &str),
        start_wall_ns: u64,
        resident: u64,
        busy: u64,
    ) -> Self {
        let mut record = [0; process::SIZE];
        put(&mut record, 4, &2u32.to_ne_bytes());
        put(&mut record, 12, &pid.to_ne_bytes());
        put(&mut record, 20, &uid.to_ne_bytes());
        put(&mut record, 64, name.as_bytes());
        put(&mut record, 120, &(start_wall_ns / 1_000_000_000).to_ne_bytes());
        put(&mut record, 128, &(start_wall_ns % 1_000_000_000 / 1_000).to_ne_bytes());
        put(&mut record, 144, &resident.to_ne_bytes());
        put(&mut record, 152, &busy.to_ne_bytes());
        self.processes.retain(|(other, _)| *other != pid);
        self.processes.push((pid, Ok(record)));
        self
    }

    /// Awake for so long, of which each processor counts what is given: user, system, idle, nice.
    pub fn pass(&mut self, awake_ns: u64, ticks: impl Fn(usize) -> Ticks) {
        let MachClock { absolute, continuous, timebase } = &mut self.clock;
        let units = awake_ns.saturating_mul(timebase.denominator.into())
            / u64::from(timebase.numerator.max(1));
        *absolute += units;
        *continuous += units;
        for (number, counted) in self.ticks.iter_mut().enumerate() {
            let passed = ticks(number);
            counted.iter_mut().zip(passed).for_each(|(all, one)| *all = all.wrapping_add(one));
        }
    }
}

fn put(record: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(field) = record.get_mut(offset..offset + bytes.len()) {
        field.copy_from_slice(bytes);
    }
}

/// The way to a fake Mac. Clones lead to the same one.
#[derive(Clone, Debug, Default)]
pub struct FakeKernel(Arc<Mutex<FakeMac>>);

impl FakeKernel {
    /// A way to it.
    #[must_use]
    pub fn new(mac: FakeMac) -> Self {
        Self(Arc::new(Mutex::new(mac)))
    }

    /// The Mac itself, to change it.
    pub fn mac(&self) -> MutexGuard<'_, FakeMac> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> Result<MutexGuard<'_, FakeMac>, Refusal> {
        let mac = self.mac();
        mac.refusal.map_or(Ok(()), Err)?;
        Ok(mac)
    }
}

/// Copies a whole value, or says that there is no room.
fn copy(from: &[u8], to: &mut [u8]) -> Result<usize, Refusal> {
    to.get_mut(..from.len()).ok_or(Refusal::TooSmall)?.copy_from_slice(from);
    Ok(from.len())
}

impl Kernel for FakeKernel {
    fn processors(&mut self, ticks: &mut [Ticks]) -> Result<usize, Refusal> {
        let mac = self.asked()?;
        ticks.iter_mut().zip(&mac.ticks).for_each(|(to, from)| *to = *from);
        Ok(mac.ticks.len())
    }

    fn vm_statistics(&mut self, words: &mut [u32; vm::WORDS]) -> Result<usize, Refusal> {
        let mut mac = self.asked()?;
        mac.vm_calls += 1;
        *words = mac.vm;
        Ok(mac.vm_words)
    }

    fn page_size(&mut self) -> Result<u64, Refusal> {
        Ok(self.asked()?.page_size)
    }

    fn clock(&mut self) -> MachClock {
        self.mac().clock
    }

    fn sysctl(&mut self, name: &CStr, value: &mut [u8]) -> Result<usize, Refusal> {
        let mac = self.asked()?;
        let found = mac.values.iter().find(|(other, _)| *other == name);
        copy(&found.ok_or(Refusal::Absent)?.1, value)
    }

    fn interfaces(&mut self, records: &mut [u8]) -> Result<usize, Refusal> {
        copy(&self.asked()?.interfaces, records)
    }

    fn mounts(&mut self, records: &mut [u8]) -> Result<usize, Refusal> {
        let mac = self.asked()?;
        let room = records.as_chunks_mut::<{ mount::SIZE }>().0;
        room.iter_mut().zip(&mac.mounts).for_each(|(to, from)| *to = *from);
        Ok(mac.mounts.len())
    }

    fn space(&mut self, path: &CStr, record: &mut [u8; mount::SIZE]) -> Result<(), Refusal> {
        let mac = self.asked()?;
        let is_there = |record: &&[u8; mount::SIZE]| {
            mount::Mount::parse(&record[..]).is_some_and(|mount| mount.point == path.to_bytes())
        };
        let left = path.to_bytes() == mac.leaving.as_bytes();
        let found = if left { mac.mounts.first() } else { mac.mounts.iter().find(is_there) };
        *record = *found.ok_or(Refusal::Absent)?;
        Ok(())
    }

    fn processes(&mut self, pids: &mut [i32]) -> Result<usize, Refusal> {
        let mac = self.asked()?;
        pids.iter_mut().zip(&mac.processes).for_each(|(to, (from, _))| *to = *from);
        Ok(mac.processes.len().min(pids.len()))
    }

    fn process(&mut self, pid: i32, record: &mut [u8; process::SIZE]) -> Result<usize, Refusal> {
        let mac = self.asked()?;
        let found = mac.processes.iter().find(|(other, _)| *other == pid);
        *record = found.ok_or(Refusal::Absent)?.1?;
        Ok(process::SIZE)
    }
}

impl Notice for FakeKernel {
    fn has_changed(&mut self) -> Result<bool, Refusal> {
        Ok(std::mem::take(&mut self.asked()?.is_posted))
    }

    fn state(&mut self) -> Result<u64, Refusal> {
        let mut mac = self.asked()?;
        mac.pressure_calls += 1;
        mac.pressure
    }
}
