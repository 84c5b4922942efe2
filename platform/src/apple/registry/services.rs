//! The services of a class as a source: disks, batteries, graphics processors.
//!
//! Services are put in the order of their places, which last; the registry's order need not. They
//! are known again by the number that the registry gives each.

use core::ffi::CStr;
use std::fmt;

use kymo_protocol::{Metric, NoData, Reading};

use super::{Entry, Origin, Registry, Table};
use crate::phrase::{Phrase, ShortText};
use crate::sort::insertion;
use crate::source::{Freshness, Scope, SensorInfo, Source, SourceSpec};

/// More services of one class than that are left out, and counted.
const SERVICES_MAX: usize = 32;
/// Services that are none of ours and are remembered; more are asked again and again.
const IGNORED_MAX: usize = 64;
/// Holds the most quantities of a kind; their presence is a set of so many bits.
const QUANTITIES_MAX: usize = 16;
/// Longer places keep their end, behind a number made of the whole.
const PLACE_SIZE_MAX: usize = 160;

/// Holds a disk's name or a graphics processor's.
type ServiceName = ShortText<64>;

/// What a service has in its dictionary.
pub(super) struct Quantity {
    /// End of its identity, and of its label.
    pub(super) name: &'static str,
    pub(super) metric: &'static Metric,
    /// What tells it from other quantities of that metric, if there are.
    pub(super) attribute: Option<(&'static str, &'static str)>,
    /// It is a sensor where one of these is there.
    pub(super) keys: &'static [&'static str],
    pub(super) value: fn(&dyn Table) -> Reading<f64>,
}

/// What is known of a service before it is read.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// The same after every boot; two services may share it.
    pub(super) place: Phrase,
    /// What people call it.
    pub(super) name: ServiceName,
}

/// What tells one class from another.
pub struct Kind {
    pub(super) spec: SourceSpec,
    pub(super) class: &'static CStr,
    /// Which dictionary; `None` is that of all properties.
    pub(super) table: Option<&'static str>,
    /// The attribute that a service's name is the value of.
    pub(super) attribute: &'static str,
    pub(super) quantities: &'static [Quantity],
    /// `None` is no service of ours.
    pub(super) about: fn(&dyn Entry) -> Option<About>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.spec.name).finish()
    }
}

/// The services of a kind, and their sensors.
#[derive(Debug)]
pub struct Services<R> {
    registry: R,
    kind: &'static Kind,
    /// None of them ever grows beyond what it was made with.
    ids: Vec<u64>,
    /// Which service, and which of the quantities.
    sensors: Vec<(u8, u8)>,
    ignored: Vec<u64>,
    /// Tells one list of services from another.
    list: u64,
}

struct Found {
    id: u64,
    about: About,
    /// A bit for each quantity that is there.
    has: u16,
}

impl<R: Registry> Services<R> {
    /// None are looked for yet.
    #[must_use]
    pub fn new(registry: R, kind: &'static Kind) -> Self {
        assert!(kind.quantities.len() <= QUANTITIES_MAX, "their presence has a bit each");
        Self {
            registry,
            kind,
            ids: Vec::with_capacity(SERVICES_MAX),
            sensors: Vec::with_capacity(SERVICES_MAX * kind.quantities.len()),
            ignored: Vec::with_capacity(IGNORED_MAX),
            list: 0,
        }
    }

    fn tell(&mut self, service: &Found, twin: u64, found: &mut dyn FnMut(&SensorInfo<'_>)) {
        let Ok(number) = u8::try_from(self.ids.len()) else { return };
        let Self { kind, sensors, .. } = self;
        let name = service.about.name.as_str();
        let place = Phrase::new().with(kind.spec.name).with("/");
        let place = place.with(service.about.place.as_str());
        let place = if twin > 0 { place.with("#").with_number(twin + 1) } else { place };
        for (index, quantity) in (0u8..).zip(kind.quantities) {
            if service.has & (1 << index) == 0 {
                continue;
            }
            let identity = place.clone().with("/").with_name(quantity.name);
            let label = Phrase::new().with(name).with(" ").with(quantity.name);
            let attributes = [(kind.attribute, name), quantity.attribute.unwrap_or_default()];
            let count = 1 + usize::from(quantity.attribute.is_some());
            sensors.push((number, index));
            found(&SensorInfo {
                metric: quantity.metric,
                label: label.as_str(),
                attributes: attributes.get(..count).unwrap_or_default(),
                identity: identity.as_str(),
                cadence_ms: kind.spec.cadence_ms,
                scope: Scope::Host,
            });
        }
        self.ids.push(service.id);
    }
}

impl<R: Registry + fmt::Debug> Source for Services<R> {
    fn spec(&self) -> SourceSpec {
        self.kind.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        let Self { registry, kind, ids, sensors, ignored, list } = self;
        ids.clear();
        sensors.clear();
        ignored.clear();
        *list = 0;
        let mut omitted = 0;
        let mut services = heapless::Vec::<Found, SERVICES_MAX>::new();
        // What can't be listed has no services; a later look will find them.
        let _ = registry.visit(kind.class, &mut |entry| {
            let id = entry.id();
            let Some(about) = (kind.about)(entry) else {
                remember(ignored, id);
                return;
            };
            *list = list.wrapping_add(mixed(id));
            let service = Found { id, about, has: presence(kind, entry) };
            if let Err(service) = services.push(service) {
                omitted += service.has.count_ones();
                remember(ignored, id);
            }
        });
        insertion(&mut services, |one, other| {
            let places = one.about.place.as_str().cmp(other.about.place.as_str());
            places.then(one.id.cmp(&other.id)).is_lt()
        });
        let (mut twin, mut before) = (0, None);
        for service in &services {
            let place = service.about.place.as_str();
            twin = if before == Some(place) { twin + 1 } else { 0 };
            before = Some(place);
            self.tell(service, twin, found);
        }
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let Self { registry, kind, ids, sensors, ignored, .. } = self;
        let (mut seen, mut is_new) = (0, false);
        let visited = registry.visit(kind.class, &mut |entry| {
            let id = entry.id();
            let Some(number) = ids.iter().position(|known| *known == id) else {
                // Those that could not be remembered are asked again.
                let is_known = ignored.contains(&id) || ids.len() >= SERVICES_MAX;
                let is_ours = || ignored.len() < IGNORED_MAX || (kind.about)(entry).is_some();
                is_new |= !is_known && is_ours();
                return;
            };
            seen += 1;
            let own = sensors.iter().zip(readings.iter_mut());
            let own = own.filter(|((service, _), _)| usize::from(*service) == number);
            fill(kind, entry, own.map(|((_, quantity), reading)| (*quantity, reading)));
        });
        match visited {
            Ok(()) => Freshness::stale_if(is_new || seen < ids.len()),
            Err(reason) => {
                let count = sensors.len().min(readings.len());
                readings.iter_mut().take(count).for_each(|reading| *reading = Err(reason));
                Freshness::Current
            }
        }
    }

    fn look(&mut self) -> Freshness {
        let Self { registry, kind, list, .. } = self;
        let mut now = 0u64;
        let visited = registry.visit(kind.class, &mut |entry| {
            if (kind.about)(entry).is_some() {
                now = now.wrapping_add(mixed(entry.id()));
            }
        });
        Freshness::stale_if(visited.is_ok() && now != *list)
    }
}

fn remember(ignored: &mut Vec<u64>, id: u64) {
    if ignored.len() < IGNORED_MAX {
        ignored.push(id);
    }
}

fn presence(kind: &Kind, entry: &dyn Entry) -> u16 {
    let mut has = 0;
    let _ = entry.table(Origin::Own, kind.table, &mut |table| {
        for (index, quantity) in (0u8..).zip(kind.quantities) {
            let is_there = quantity.keys.iter().any(|key| table.has(key));
            has |= u16::from(is_there) << index;
        }
    });
    has
}

/// All quantities of a service come from one copy of its dictionary.
fn fill<'r>(
    kind: &Kind,
    entry: &dyn Entry,
    mut readings: impl Iterator<Item = (u8, &'r mut Reading<f64>)>,
) {
    let read = |quantity: u8, table: &dyn Table| {
        let quantity = kind.quantities.get(usize::from(quantity)).ok_or(NoData::Absent)?;
        let value = (quantity.value)(table)?;
        if value.is_finite() { Ok(value) } else { Err(NoData::Fault) }
    };
    let asked = entry.table(Origin::Own, kind.table, &mut |table| {
        for (quantity, reading) in &mut readings {
            *reading = read(quantity, table);
        }
    });
    if let Err(reason) = asked {
        readings.for_each(|(_, reading)| *reading = Err(reason));
    }
}

/// A number made of one, so that sums of them tell lists apart (Knuth's multiplicative hash).
const fn mixed(id: u64) -> u64 {
    (id ^ (id >> 29)).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Where a service is, without what each path has.
pub(super) fn place(entry: &dyn Entry, name: &str) -> Option<Phrase> {
    let path = entry.path().ok()?;
    let place = path.strip_prefix("IOService:/").unwrap_or(&path);
    let place = place.strip_suffix(name).unwrap_or(place).trim_end_matches('/');
    let mut from = place.len().saturating_sub(PLACE_SIZE_MAX);
    if from == 0 {
        return Some(Phrase::new().with(place));
    }
    while !place.is_char_boundary(from) {
        from += 1;
    }
    let whole = place.bytes().fold(0, |whole, byte| mixed(whole ^ u64::from(byte)));
    let end = place.get(from..).unwrap_or_default();
    Some(Phrase::new().with_number(whole).with("/").with(end))
}
