//! A recording as a machine, as sources of sensors, and as what looks at processes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_platform::clock::mono_ns;
use kymo_platform::machine::{CpuTime, DiskSpace, Machine, Memory, Thermal, Transfer};
use kymo_platform::{Freshness, ProcessSource, Ranking, SensorInfo, Source, SourceSpec};
use kymo_protocol::metric::by_number;
use kymo_protocol::{Cost, Field, Group, Metric, NoData, Reading, State, Vitals};

use super::feed::{Known, Survey};
use super::scene::Scene;

const MS: u64 = 1_000_000;

fn lock(scene: &Mutex<Scene>) -> MutexGuard<'_, Scene> {
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The vitals of a recording.
pub struct PlayedMachine(pub Arc<Mutex<Scene>>);

impl Machine for PlayedMachine {
    fn cpu_time(&mut self) -> Reading<CpuTime> {
        Err(NoData::Pending)
    }

    fn memory(&mut self) -> Memory {
        let none = Err(NoData::Pending);
        Memory { total: none, available: none, swap_total: none, swap_free: none }
    }

    fn load(&mut self) -> Reading<[f32; 3]> {
        Err(NoData::Pending)
    }

    fn disk_io(&mut self) -> Reading<Transfer> {
        Err(NoData::Pending)
    }

    fn disk_space(&mut self) -> Reading<DiskSpace> {
        Err(NoData::Pending)
    }

    fn network_io(&mut self) -> Reading<Transfer> {
        Err(NoData::Pending)
    }

    fn thermal(&mut self) -> Thermal {
        let none = NoData::Pending;
        Thermal { cpu: Err(none), gpu: Err(none), fans: Err(none) }
    }

    fn process_count(&mut self) -> Reading<u32> {
        Err(NoData::Pending)
    }

    fn uptime(&mut self) -> Reading<u64> {
        Err(NoData::Pending)
    }

    fn fill(&self, vitals: &mut Vitals, _: u64) -> bool {
        let scene = lock(&self.0);
        let Some((recorded, made_ns)) = &scene.vitals else {
            Field::ALL.into_iter().for_each(|field| vitals.set_state(field, State::Pending, 0));
            return true;
        };
        let since_ns = scene.now_ns().saturating_sub(*made_ns);
        *vitals = *recorded;
        vitals.merged.set(0);
        for field in Field::ALL {
            let state = recorded.state(field);
            if state.has_value() && field != Field::Uptime {
                let age_ms = u64::from(recorded.age_ms(field)) + since_ns / MS;
                vitals.set_state(field, state, u32::try_from(age_ms).unwrap_or(u32::MAX));
            }
        }
        if recorded.state(Field::Uptime).has_value() {
            vitals.uptime_ns.set(recorded.uptime_ns.get().saturating_add(since_ns));
        }
        true
    }
}

/// The sensors that a recorded source had, as far as that is known: those of a group that were read
/// at the same time.
struct PlayedSource {
    scene: Arc<Mutex<Scene>>,
    group: Group,
    sensors: Vec<(Known, &'static Metric)>,
    age_ns: u64,
}

/// One source for each of them.
pub fn sources(scene: &Arc<Mutex<Scene>>, survey: &Survey) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for ((group, _), sensors) in survey.by_source() {
        let sensors = sensors.into_iter().map(|known| (known.clone(), metric(known))).collect();
        let scene = Arc::clone(scene);
        sources.push(Box::new(PlayedSource { scene, group, sensors, age_ns: 0 }));
    }
    sources
}

/// What a sensor measures; of a metric that this version doesn't know what the recording tells.
fn metric(known: &Known) -> &'static Metric {
    let sensor = &known.sensor;
    let is_same = |metric: &&Metric| metric.name == sensor.name && metric.unit == sensor.unit;
    by_number(sensor.metric).filter(is_same).unwrap_or_else(|| {
        // For as long as the process lives, which is that of the source.
        Box::leak(Box::new(Metric {
            number: sensor.metric,
            name: Box::leak(sensor.name.clone().into_boxed_str()),
            unit: Box::leak(sensor.unit.clone().into_boxed_str()),
            instrument: sensor.instrument,
            group: sensor.group,
            brief: "as it was recorded",
        }))
    })
}

impl Source for PlayedSource {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: self.group.name(),
            group: self.group,
            interval_ns: MS,
            cadence_ms: 0,
            cost: Cost::Cheap,
            may_block: false,
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        for (Known { sensor, .. }, metric) in &self.sensors {
            let attributes = sensor.attributes.iter();
            let attributes: Vec<(&str, &str)> =
                attributes.map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let cadence_ms = sensor.cadence.unwrap_or_default().as_millis();
            found(&SensorInfo {
                metric,
                label: &sensor.label,
                attributes: &attributes,
                identity: &sensor.identity,
                cadence_ms: u32::try_from(cadence_ms).unwrap_or(0),
                scope: sensor.scope,
            });
        }
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        let scene = lock(&self.scene);
        let now_ns = scene.now_ns();
        self.age_ns = 0;
        for (reading, (known, _)) in readings.iter_mut().zip(&self.sensors) {
            let told = scene.sensors.get(&known.sensor.identity);
            *reading = told.map_or(Err(NoData::Pending), |told| told.reading);
            if let Some(told) = told.filter(|told| told.reading.is_ok()) {
                self.age_ns = self.age_ns.max(now_ns.saturating_sub(told.read_ns));
            }
        }
        Freshness::Current
    }

    fn age_ns(&self) -> u64 {
        self.age_ns
    }
}

/// The processes of a recording.
pub struct PlayedProcesses {
    scene: Arc<Mutex<Scene>>,
    ranking: Ranking,
}

impl PlayedProcesses {
    /// Nothing is told yet.
    pub fn new(scene: Arc<Mutex<Scene>>) -> Self {
        Self { scene, ranking: Ranking::default() }
    }
}

impl ProcessSource for PlayedProcesses {
    fn scan(&mut self, _: u64) -> bool {
        let scene = lock(&self.scene);
        let Some((ranking, read_ns)) = &scene.processes else { return false };
        self.ranking = ranking.clone();
        let age_ns = scene.now_ns().saturating_sub(*read_ns);
        self.ranking.began_ns = mono_ns().saturating_sub(age_ns);
        true
    }

    fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    fn forget(&mut self) {}
}
