//! Plays a recording into a scene, each frame at its time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kymo::{PublishError, Publisher};
use kymo_client::{Body, Catalog, Processes, Samples, Sensor, State};
use kymo_platform::{Process, Ranking};
use kymo_protocol::{Event, Group, NoData, Reading};

use super::scene::{Scene, Told};
use crate::args::Replay;
use crate::failure::Failure;
use crate::recording::{
    Losses, Player, Shown, close, due, nanoseconds, open, tell_end, unreadable,
};
use crate::tell;

/// Sources of one group at most: what can be told apart by its age at the beginning.
const SOURCES_PER_GROUP: usize = 8;

/// An inbox that is full has room again after this.
const REST: Duration = Duration::from_millis(2);

const MS: u64 = 1_000_000;

/// A sensor of a recording, and which source of its group it is of.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it is.
    pub sensor: Sensor,
    source: usize,
}

/// What there is in a recording.
#[derive(Debug, Default)]
pub struct Survey {
    sensors: Vec<Known>,
    places: BTreeMap<String, usize>,
    /// Whether processes were recorded.
    pub has_processes: bool,
}

/// Looks through a recording.
///
/// # Errors
///
/// When it can't be read, or is none. What of it is lost is told when it is played.
pub fn survey(options: &Replay) -> Result<Survey, Failure> {
    let mut player = open(&options.path, options.from)?;
    let (mut survey, mut catalog) = (Survey::default(), Catalog::default());
    loop {
        match player.next().map_err(|error| unreadable(&options.path, &error))? {
            Shown::Connected(_) => catalog = Catalog::default(),
            Shown::Frame(frame, _) => match frame.body {
                Body::Catalog(part) => {
                    catalog.handle_part(part);
                }
                Body::Samples(samples) => survey.take(&catalog, samples),
                Body::Processes(_) => survey.has_processes = true,
                _ => {}
            },
            Shown::End => break,
            _ => {}
        }
    }
    match player.has_any() {
        true => Ok(survey),
        false => close(&options.path, &player, &Losses::default(), false).map(|()| survey),
    }
}

impl Survey {
    /// Sensors that were read at the same time are of one source.
    fn take(&mut self, catalog: &Catalog, samples: &Samples) {
        let mut ages: Vec<u32> = Vec::new();
        for (sensor, sample) in catalog.named(samples).into_iter().flatten() {
            let age_ms = sample.age_ms.get();
            let place = ages.iter().position(|age| *age == age_ms).unwrap_or_else(|| {
                ages.push(age_ms);
                ages.len() - 1
            });
            if !self.places.contains_key(&sensor.identity) {
                self.places.insert(sensor.identity.clone(), self.sensors.len());
                let source = place.min(SOURCES_PER_GROUP - 1);
                self.sensors.push(Known { sensor: sensor.clone(), source });
            }
        }
    }

    /// The sensors by group and source.
    pub fn by_source(&self) -> BTreeMap<(Group, usize), Vec<&Known>> {
        let mut sources: BTreeMap<(u8, usize), Vec<&Known>> = BTreeMap::new();
        for known in &self.sensors {
            sources.entry((known.sensor.group as u8, known.source)).or_default().push(known);
        }
        let named = |((group, source), sensors)| {
            Some(((Group::ALL.into_iter().find(|of| *of as u8 == group)?, source), sensors))
        };
        sources.into_iter().filter_map(named).collect()
    }
}

/// Plays a recording; see the module.
pub struct Feed {
    player: Player,
    catalog: Catalog,
    losses: Losses,
    scene: Arc<Mutex<Scene>>,
    publisher: Option<Publisher>,
    options: Replay,
    /// Events that the library does not take from others.
    refused: u64,
}

impl Feed {
    /// A feed into `scene`, and of events through `publisher`.
    ///
    /// # Errors
    ///
    /// When the recording can't be read.
    pub fn new(
        options: &Replay,
        scene: Arc<Mutex<Scene>>,
        publisher: Option<Publisher>,
    ) -> Result<Self, Failure> {
        let player = open(&options.path, options.from)?;
        let (catalog, losses, options) = (Catalog::default(), Losses::default(), options.clone());
        Ok(Self { player, catalog, losses, scene, publisher, options, refused: 0 })
    }

    /// Plays to the end, or until `is_stopped`.
    ///
    /// # Errors
    ///
    /// When something of the recording is lost.
    pub fn run(mut self, is_stopped: &AtomicBool) -> Result<(), Failure> {
        loop {
            let before_ns = self.player.elapsed_ns();
            let shown = self.player.next();
            match shown.map_err(|error| unreadable(&self.options.path, &error))? {
                Shown::End => break,
                Shown::Hole(damage) => self.losses.begin(damage, before_ns),
                Shown::Connected(_) => self.catalog = Catalog::default(),
                Shown::Gap(gap) => {
                    let name = gap.stream.name().unwrap_or("frames");
                    tell(format_args!("the recorder missed {} of {name}", gap.count));
                }
                Shown::Frame(frame, at_ns) => {
                    if let Body::Catalog(part) = frame.body {
                        self.catalog.handle_part(part);
                        continue;
                    }
                    if let Some(text) = self.losses.take(Some(at_ns)) {
                        tell(format_args!("{text}"));
                    }
                    if self.options.to.is_some_and(|to| at_ns > nanoseconds(to)) {
                        return close(&self.options.path, &self.player, &self.losses, false);
                    }
                    if !wait(&self.scene, at_ns, self.options.speed, is_stopped) {
                        return Ok(());
                    }
                    let mut scene = self.scene.lock().unwrap_or_else(PoisonError::into_inner);
                    match frame.body {
                        Body::Vitals(vitals) => scene.vitals = Some((*vitals, at_ns)),
                        Body::Processes(told) => {
                            let scan_ns = u64::from(told.fixed.scan_ms.get()) * MS;
                            scene.processes = Some((ranking(told), at_ns.saturating_sub(scan_ns)));
                        }
                        Body::Samples(samples) => {
                            take_samples(&mut scene, &self.catalog, samples, at_ns);
                        }
                        Body::Event(event) => {
                            drop(scene);
                            self.refused += publish(self.publisher.as_ref(), event, is_stopped);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        if let Some(text) = self.losses.take(None) {
            tell(format_args!("{text}"));
        }
        if self.refused > 0 {
            tell(format_args!(
                "{} events of the recorded daemon's own were left out",
                self.refused
            ));
        }
        tell_end(&self.options.path, &self.player);
        close(&self.options.path, &self.player, &self.losses, true)
    }
}

/// Waits until it is `at_ns` in the recording; false when it was stopped before.
fn wait(scene: &Mutex<Scene>, at_ns: u64, speed: Option<f64>, is_stopped: &AtomicBool) -> bool {
    let (begun, from_ns) = scene.lock().unwrap_or_else(PoisonError::into_inner).begin(at_ns);
    let due = due(begun, from_ns, at_ns, speed.unwrap_or(1.0));
    loop {
        if is_stopped.load(Ordering::Acquire) {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::park_timeout(left);
    }
}

fn take_samples(scene: &mut Scene, catalog: &Catalog, samples: &Samples, at_ns: u64) {
    for (sensor, sample) in catalog.named(samples).into_iter().flatten() {
        let reading = match sample.reading() {
            Some(value) => Ok(value),
            None => Err(no_data(sample.state())),
        };
        let read_ns = at_ns.saturating_sub(u64::from(sample.age_ms.get()) * MS);
        match scene.sensors.get_mut(&sensor.identity) {
            Some(told) => *told = Told { reading, read_ns },
            None => {
                scene.sensors.insert(sensor.identity.clone(), Told { reading, read_ns });
            }
        }
    }
}

/// Why there is nothing; a value that is no number is a fault.
const fn no_data(state: State) -> NoData {
    match state {
        State::Pending => NoData::Pending,
        State::Asleep => NoData::Asleep,
        State::Gated => NoData::Gated,
        State::Denied => NoData::Denied,
        State::Absent => NoData::Absent,
        _ => NoData::Fault,
    }
}

/// Processes as whoever looks at them finds them.
fn ranking(told: &Processes) -> Ranking {
    let mut ranking = Ranking {
        total: told.fixed.total().ok_or(no_data(told.fixed.state())),
        truncated: told.fixed.is_truncated(),
        ..Ranking::default()
    };
    let mut entries: Vec<_> = told.entries.iter().collect();
    entries.sort_by_key(|entry| entry.rank_by_cpu);
    for entry in entries.iter().filter(|entry| entry.rank_by_cpu > 0) {
        // There are no more ranks than places.
        let _ = ranking.by_cpu.push(process(entry));
    }
    entries.sort_by_key(|entry| entry.rank_by_memory);
    for entry in entries.iter().filter(|entry| entry.rank_by_memory > 0) {
        let _ = ranking.by_memory.push(process(entry));
    }
    ranking
}

fn process(entry: &kymo_protocol::Process) -> Process {
    let cpu: Reading<f32> = match entry.cpu.get() {
        share if share.is_nan() => Err(NoData::Pending),
        share => Ok(share),
    };
    Process {
        pid: entry.pid.get(),
        uid: entry.uid.get(),
        start_ns: entry.start_ns.get(),
        memory: entry.memory.get(),
        cpu,
        state: u8::try_from(entry.state()).unwrap_or(b'?'),
        name: entry.name().try_into().unwrap_or_default(),
    }
}

/// Publishes an event, when there is room; how many were refused.
fn publish(publisher: Option<&Publisher>, event: &Event, is_stopped: &AtomicBool) -> u64 {
    let Some(publisher) = publisher else { return 1 };
    loop {
        match publisher.publish(&event.fields()) {
            Ok(()) => return 0,
            Err(PublishError::Full) if !is_stopped.load(Ordering::Acquire) => thread::sleep(REST),
            Err(_) => return 1,
        }
    }
}
