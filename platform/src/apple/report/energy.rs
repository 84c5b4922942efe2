//! What processors and memory use, as counters of the energy model.
//!
//! A reading is the counter as it stands: the share of a time comes from the times at which drivers
//! wrote, of which each batch brings some seconds at once, so whoever wants watts takes them over
//! several readings. What can't be true is told:
//!
//! * A counter that falls is a fault once, and goes on from where it was.
//! * A CPU that runs this uses energy. When no CPU's counter moves for half a minute in which the
//!   machine was awake, reports have stalled, as they do on some systems after a sleep: what stands
//!   still is a fault until it moves, and the channels are subscribed to anew.

use std::fmt;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group, NoData, Reading};

use super::channel::{Part, joules_per, part};
use super::{Channel, NAME_SIZE_MAX, Reports};
use crate::apple::unique::Unique;
use crate::phrase::ShortText;
use crate::sort::insertion;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// More channels than that are left out, and counted.
const CHANNELS_MAX: usize = 32;
/// Batches come every two seconds or so.
const STALLED_NS: u64 = 30_000_000_000;
/// So soon are channels subscribed to anew for a second time while they are stalled; each further
/// time takes twice as long, up to 21 hours. A subscription that is let go of may stay in memory.
const RENEWAL_NS: u64 = 600_000_000_000;
const DOUBLINGS_MAX: u32 = 7;

const SPEC: SourceSpec = SourceSpec {
    name: "energy",
    group: Group::Power,
    interval_ns: 2_000_000_000,
    cadence_ms: 2000,
    cost: Cost::Costly,
    may_block: true,
    is_vital: false,
};

/// The energy counters of a machine.
#[derive(Debug)]
pub struct Energy<D> {
    reports: D,
    /// Why nothing is subscribed, if so.
    subscribed: Reading<()>,
    /// Neither ever grows beyond what it was made with.
    channels: Vec<Tracked>,
    before: Vec<Tracked>,
    unique: Unique,
    /// When reports were found stalled, and the channels subscribed to anew for it; how often.
    renewed_at_ns: Option<u64>,
    renewals: u32,
}

/// A channel that is told.
#[derive(Clone, Debug)]
struct Tracked {
    name: ShortText<NAME_SIZE_MAX>,
    /// Which of those of its name it is, and its place in a sample.
    twin: u16,
    place: u16,
    part: Part,
    /// `None` counts in a unit that is not known.
    joules_per: Option<f64>,
    /// What was counted before it fell.
    base: i64,
    value: i64,
    written_at_ns: Option<u64>,
    moved_at_ns: u64,
}

impl<D: Reports> Energy<D> {
    /// Nothing is subscribed yet.
    #[must_use]
    pub fn new(reports: D) -> Self {
        Self {
            reports,
            subscribed: Err(NoData::Pending),
            channels: Vec::with_capacity(CHANNELS_MAX),
            before: Vec::with_capacity(CHANNELS_MAX),
            unique: Unique::new(CHANNELS_MAX),
            renewed_at_ns: None,
            renewals: 0,
        }
    }

    /// Fills the list of channels; returns how many there is no room for.
    fn list(&mut self) -> u32 {
        let Self { reports, channels, before, .. } = self;
        // A list that could not be made in between takes nothing of what is known.
        if !channels.is_empty() {
            std::mem::swap(channels, before);
        }
        channels.clear();
        let (mut place, mut omitted) = (0u16, 0);
        let sampled = reports.sample(&mut |channel| {
            if let Some(part) = part(channel.name) {
                let tracked = Tracked::new(channel, part, place);
                if channels.len() < CHANNELS_MAX {
                    channels.push(tracked);
                } else {
                    omitted += 1;
                }
            }
            place = place.saturating_add(1);
        });
        if channels.iter().any(|channel| channel.part == Part::Gpu) {
            channels.retain(|channel| channel.part != Part::GpuAgain);
        }
        insertion(channels, |one, other| {
            let names = one.name.as_str().cmp(other.name.as_str());
            names.then(one.place.cmp(&other.place)).is_lt()
        });
        number(channels);
        let now_ns = sampled.unwrap_or(0);
        for channel in channels {
            let known = before.iter().find(|known| known.is(channel));
            channel.go_on(known, now_ns);
        }
        omitted
    }

    /// Whether the counters of every CPU stand still for too long.
    fn is_stalled(&self, now_ns: u64) -> bool {
        let mut cpus = self.channels.iter().filter(|channel| channel.part == Part::Cpu).peekable();
        cpus.peek().is_some() && cpus.all(|cpu| cpu.is_still(now_ns))
    }
}

impl<D: Reports + fmt::Debug> Source for Energy<D> {
    fn spec(&self) -> SourceSpec {
        SPEC
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        if self.subscribed.is_err() {
            self.subscribed = self.reports.subscribe(|name| part(name).is_some());
        }
        let omitted = self.list();
        self.unique.clear();
        for channel in &self.channels {
            let name = channel.name.as_str();
            // As many identities as channels fit.
            let Some(identity) = self.unique.identity(SPEC.name, name) else { continue };
            found(&SensorInfo {
                metric: known(120),
                label: name,
                attributes: &[("hw.name", name), ("hw.sensor_location", channel.part.location())],
                identity: identity.as_str(),
                cadence_ms: SPEC.cadence_ms,
                scope: Scope::Host,
            });
        }
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Self { reports, channels, .. } = self;
        let (mut place, mut seen, mut is_new) = (0u16, 0, false);
        let sampled = reports.sample(&mut |channel| {
            let known = channels.iter_mut().enumerate().find(|(_, known)| known.place == place);
            place = place.saturating_add(1);
            match known {
                Some((index, known)) if known.name.as_str() == channel.name => {
                    seen += 1;
                    let value = known.take(channel);
                    if let Some(reading) = readings.get_mut(index) {
                        *reading = value;
                    }
                }
                Some(_) => is_new = true,
                None => {}
            }
        });
        let now_ns = match sampled {
            Ok(now_ns) => now_ns,
            Err(reason) => {
                let count = channels.len().min(readings.len());
                readings.iter_mut().take(count).for_each(|reading| *reading = Err(reason));
                return Freshness::Current;
            }
        };
        channels.iter_mut().for_each(|channel| channel.note(now_ns));
        let mut is_stale = is_new || seen < channels.len();
        if self.is_stalled(now_ns) {
            for (channel, reading) in self.channels.iter().zip(readings) {
                if channel.is_still(now_ns) {
                    *reading = Err(NoData::Fault);
                }
            }
            let since = self.renewed_at_ns.map(|before| now_ns.saturating_sub(before));
            let doublings = self.renewals.saturating_sub(1).min(DOUBLINGS_MAX);
            if since.is_none_or(|since| since >= RENEWAL_NS << doublings) {
                self.renewed_at_ns = Some(now_ns);
                self.renewals = self.renewals.saturating_add(1);
                self.subscribed = Err(NoData::Pending);
                is_stale = true;
            }
        } else {
            (self.renewed_at_ns, self.renewals) = (None, 0);
        }
        Freshness::stale_if(is_stale)
    }

    fn look(&mut self) -> Freshness {
        // What is there no more than what was not asked for; what failed may come yet.
        let may_come = !matches!(self.subscribed, Ok(()) | Err(NoData::Absent | NoData::Denied));
        Freshness::stale_if(may_come)
    }
}

impl Tracked {
    fn new(channel: &Channel<'_>, part: Part, place: u16) -> Self {
        Self {
            name: ShortText::new().with(channel.name),
            twin: 0,
            place,
            part,
            joules_per: joules_per(channel.unit),
            base: 0,
            value: channel.value,
            written_at_ns: channel.written_at_ns,
            moved_at_ns: 0,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.name.as_str() == other.name.as_str() && self.twin == other.twin
    }

    /// Goes on with what was known of it before channels were listed anew.
    fn go_on(&mut self, known: Option<&Self>, now_ns: u64) {
        self.moved_at_ns = now_ns;
        if let Some(known) = known {
            let is_same = (known.value, known.written_at_ns) == (self.value, self.written_at_ns);
            self.moved_at_ns = if is_same { known.moved_at_ns } else { now_ns };
            self.base = known.base;
            (self.value, self.written_at_ns) = (known.value, known.written_at_ns);
        }
    }

    /// What it counts now.
    fn take(&mut self, channel: &Channel<'_>) -> Reading<f64> {
        // What reports answer when they don't know.
        if channel.value == i64::MIN {
            return Err(NoData::Fault);
        }
        let before = self.value;
        if (channel.value, channel.written_at_ns) != (before, self.written_at_ns) {
            self.moved_at_ns = 0;
        }
        (self.value, self.written_at_ns) = (channel.value, channel.written_at_ns);
        if channel.value < before {
            self.base = self.base.saturating_add(before.saturating_sub(channel.value));
            return Err(NoData::Fault);
        }
        let joules_per = self.joules_per.ok_or(NoData::Fault)?;
        match self.base.saturating_add(channel.value) {
            counted @ 0.. => Ok(counted as f64 * joules_per),
            _ => Err(NoData::Fault),
        }
    }

    /// What moved did so at `now_ns`.
    fn note(&mut self, now_ns: u64) {
        if self.moved_at_ns == 0 {
            self.moved_at_ns = now_ns;
        }
    }

    const fn is_still(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.moved_at_ns) >= STALLED_NS
    }
}

/// Numbers those of one name, which stand behind one another.
fn number(channels: &mut [Tracked]) {
    for at in 1..channels.len() {
        if let Some([before, channel]) = channels.get_mut(at - 1..=at)
            && before.name.as_str() == channel.name.as_str()
        {
            channel.twin = before.twin + 1;
        }
    }
}
