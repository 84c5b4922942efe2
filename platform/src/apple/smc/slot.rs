//! The sources: each reads up to four keys, all over one session.
//!
//! While one of them is with the controller, the others can tell which sensors they have, and who
//! wants to read waits [`PATIENCE_MS`] at most: a controller that hangs holds up one thread.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use kymo_protocol::{Cost, Group, NoData, Reading};

use super::exchange::Controller;
use super::judge::{judge, number};
use super::roster::{Entry, Label, Roster, SLOTS, VITAL_SLOTS};
use super::scout::Scout;
use super::session::{Refusal, Session};
use super::table::Table;
use super::value::Kind;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// Longer nobody waits for another source's questions. Four keys take a millisecond.
const PATIENCE_MS: u32 = 50;
/// Steps of the search for keys behind one look, of one or two calls each: some 5 ms. With 40
/// sources in use and a look every ten seconds, 2,400 keys take a minute.
const LOOK_STEPS: u32 = 12;

const VITAL: SourceSpec = SourceSpec {
    name: "smc",
    group: Group::Hwmon,
    interval_ns: 1_000_000_000,
    cadence_ms: 0,
    cost: Cost::Moderate,
    may_block: true,
    is_vital: true,
};
const OTHER: SourceSpec = SourceSpec { interval_ns: 4_000_000_000, is_vital: false, ..VITAL };

/// The sources of a machine's controller, none of which has asked it anything yet: 80, of which
/// those that no key is for are empty. None where there is no controller.
///
/// `table` says which keys there may be; see [`Table::of`]. All memory is taken here.
///
/// ```
/// use kymo_platform::apple::smc::{self, Table, fake::Simulated};
///
/// let machine = Simulated::parse("TCMz flt 80 00001842\n").unwrap();
/// let table = Table::of("Apple M2");
/// for source in &mut smc::sources(Some(machine.controller()), table) {
///     source.scan(&mut |sensor| assert_eq!(sensor.identity, "smc/TCMz"));
/// }
/// ```
#[must_use]
pub fn sources(controller: Option<Box<dyn Controller>>, table: Table) -> Vec<Box<dyn Source>> {
    let Some(controller) = controller else { return Vec::new() };
    let shared = Arc::new(Shared {
        asked: Mutex::new(Asked { session: Session::new(controller), scout: Scout::Rows(0) }),
        roster: Mutex::new(Roster::new(table)),
    });
    let slot = |number| Slot { shared: Arc::clone(&shared), number, told: None, omitted: 0 };
    (0..SLOTS).map(|number| Box::new(slot(number)) as Box<dyn Source>).collect()
}

/// What the sources share. Whoever holds the second asks nothing meanwhile, and never waits for
/// the first.
struct Shared {
    asked: Mutex<Asked>,
    roster: Mutex<Roster>,
}

struct Asked {
    session: Session,
    scout: Scout,
}

/// A source of up to four keys.
struct Slot {
    shared: Arc<Shared>,
    number: usize,
    /// Sensors that the last scan told of.
    told: Option<usize>,
    omitted: u32,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Slot {
    /// The last one tells what no slot has room for.
    fn omitted(&self, roster: &Roster) -> u32 {
        if self.number + 1 == SLOTS { roster.omitted() } else { 0 }
    }
}

impl Source for Slot {
    fn spec(&self) -> SourceSpec {
        if self.number < VITAL_SLOTS { VITAL } else { OTHER }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        if let Some(mut asked) = wait(&self.shared.asked) {
            let Asked { session, scout } = &mut *asked;
            if scout.is_over_table() {
                // A source without sensors is scanned where others are looked at.
                let steps = if self.told == Some(0) { LOOK_STEPS } else { 0 };
                scout.run(session, &self.shared.roster, steps);
            } else {
                scout.run_over_table(session, &self.shared.roster);
            }
        }
        let roster = lock(&self.shared.roster);
        let own = roster.of_slot(self.number, roster.shown(self.number));
        own.iter().for_each(|entry| tell(&roster, entry, found));
        self.told = Some(own.len());
        self.omitted = self.omitted(&roster);
        self.omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let mut own = lock(&self.shared.roster).of_slot(self.number, self.told.unwrap_or(0));
        if own.is_empty() {
            return Freshness::Current;
        }
        let Some(mut asked) = wait(&self.shared.asked) else {
            // Another source's question has been without an answer for longer than any takes.
            own.iter().zip(readings).for_each(|(_, reading)| *reading = Err(NoData::Fault));
            return Freshness::Current;
        };
        asked.session.begin();
        for (entry, reading) in own.iter_mut().zip(readings) {
            *reading = read(&mut asked.session, entry);
        }
        drop(asked);
        lock(&self.shared.roster).update(&own);
        Freshness::Current
    }

    /// Before the first scan it asks nothing: who calls it then may not wait.
    fn look(&mut self) -> Freshness {
        let Some(told) = self.told else { return Freshness::Stale };
        if let Ok(mut asked) = self.shared.asked.try_lock() {
            let Asked { session, scout } = &mut *asked;
            scout.run(session, &self.shared.roster, LOOK_STEPS);
        }
        let roster = lock(&self.shared.roster);
        let is_new = roster.shown(self.number) != told || self.omitted(&roster) != self.omitted;
        Freshness::stale_if(is_new)
    }
}

/// What a key measures now.
fn read(session: &mut Session, entry: &mut Entry) -> Reading<f64> {
    if let Some(reason) = entry.refused {
        return Err(reason);
    }
    let found = value(session, entry);
    match found {
        Err(Refusal::Denied) => entry.refused = Some(NoData::Denied),
        Err(Refusal::Size) => entry.is_changed = true,
        _ => {}
    }
    let (kind, number) = found.map_err(Refusal::reason)?;
    let last = std::mem::replace(&mut entry.last, number);
    judge(entry.class, kind, number, last)
}

fn value(session: &mut Session, entry: &mut Entry) -> Result<(Kind, f64), Refusal> {
    if entry.is_changed {
        entry.description = session.describe(entry.key)?;
        entry.is_changed = false;
    }
    let description = entry.description;
    let bytes = session.read(entry.key, description.size)?;
    let bytes = bytes.get(..usize::from(description.size)).ok_or(Refusal::Failed)?;
    let kind = Kind::parse(description.kind).ok_or(Refusal::Failed)?;
    let number = number(entry.class, kind, description.attributes, bytes);
    number.map(|number| (kind, number)).map_err(|_| Refusal::Failed)
}

fn tell(roster: &Roster, entry: &Entry, found: &mut dyn FnMut(&SensorInfo<'_>)) {
    let Some(metric) = entry.class.metric() else { return };
    let label = roster.label(entry);
    let mut identity = Label::new();
    // Eight letters fit.
    let _ = identity.push_str("smc/");
    for letter in entry.key.letters() {
        let _ = identity.push(char::from(letter));
    }
    let mut attributes = heapless::Vec::<(&str, &str), 2>::new();
    attributes.extend([Some(("hw.name", "smc")), entry.class.attribute()].into_iter().flatten());
    found(&SensorInfo {
        metric,
        label: &label,
        attributes: &attributes,
        identity: &identity,
        cadence_ms: 0,
        scope: Scope::Host,
    });
}

/// The lock, whoever panicked with it: what it guards is whole after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same, unless somebody else has it for too long.
fn wait<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..PATIENCE_MS {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}
