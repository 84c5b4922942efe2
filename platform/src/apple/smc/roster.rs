//! Which keys are read, and by which source: the first four have a place in the first slot of
//! their tier, and so on. A key keeps its place for good.
//!
//! | tier | slots | keys |
//! |---|---|---|
//! | vital | 16 | what vitals are made from: processors, graphics, fans, the whole machine's power |
//! | others | 64 | the rest, of each metric as many as its quota says |
//!
//! Of processors the maximum of the die is enough where there is one. A key that the table names in
//! full is preferred to those that only fit a pattern: among these are parts and peaks.

use kymo_protocol::NoData;

use super::class::{Class, Place};
use super::fourcc::FourCc;
use super::session::Description;
use super::table::Table;
use super::value::{Kind, fan_name};

/// Keys of a slot: at 0.2 ms each, less than a millisecond behind one another.
pub(super) const SLOT_KEYS_MAX: usize = 4;
/// Slots that vitals are made from.
pub(super) const VITAL_SLOTS: usize = 16;
/// Slots in all. [`SourceSpec`](crate::SourceSpec)s of 80 sources leave room for 48 others.
pub const SLOTS: usize = 80;
/// Fans whose names are known.
pub(super) const FANS_MAX: usize = 10;

const KEYS_MAX: usize = SLOTS * SLOT_KEYS_MAX;
/// Of temperatures, fans' limits, powers, voltages and currents, in slots that are not vital.
const QUOTAS: [u16; 5] = [136, 24, 40, 28, 28];

const _: () = {
    let [first, second, third, fourth, fifth] = QUOTAS;
    let sum = (first + second + third + fourth + fifth) as usize;
    assert!(sum == (SLOTS - VITAL_SLOTS) * SLOT_KEYS_MAX);
};

const MAXIMUM: FourCc = FourCc::new(b"TCMz");
const AVERAGE: FourCc = FourCc::new(b"TCMb");

/// A key that is a sensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: FourCc,
    pub(super) class: Class,
    /// The line of the table that it has its name from.
    row: u16,
    slot: u8,
    pub(super) description: Description,
    /// Whether that is to be asked for anew.
    pub(super) is_changed: bool,
    /// Why it is never asked again.
    pub(super) refused: Option<NoData>,
    /// The number that was read last; NaN before.
    pub(super) last: f64,
}

/// Keys of one slot.
pub(super) type Own = heapless::Vec<Entry, SLOT_KEYS_MAX>;
/// What a sensor is called.
pub(super) type Label = heapless::String<64>;

/// All keys; see the module. Never grows beyond what it was made with.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) table: Table,
    entries: Vec<Entry>,
    /// Keys of each slot, and of those how many are told.
    counts: [u8; SLOTS],
    shown: [u8; SLOTS],
    room: [u16; 5],
    omitted: u32,
    fan_names: [heapless::String<12>; FANS_MAX],
    /// Vital classes of which a key was found that the table names in full.
    named: heapless::Vec<Class, 4>,
}

impl Roster {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            entries: Vec::with_capacity(KEYS_MAX),
            counts: [0; SLOTS],
            shown: [0; SLOTS],
            room: QUOTAS,
            omitted: 0,
            fan_names: [const { heapless::String::new() }; FANS_MAX],
            named: heapless::Vec::new(),
        }
    }

    pub(super) fn has(&self, key: FourCc) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether a sensor of this class is here.
    pub(super) fn has_class(&self, class: Class) -> bool {
        self.entries.iter().any(|entry| entry.class == class)
    }

    /// Gives a key a place, as line `row` has it, if its values are measured; `refused` says that
    /// they are not told, nor what they are.
    pub(super) fn add(
        &mut self,
        key: FourCc,
        row: u16,
        description: Description,
        refused: Option<NoData>,
    ) {
        let Some(line) = self.table.get(row) else { return };
        let (class, is_named) = (line.class, line.is_exact());
        let is_sensor = Kind::parse(description.kind)
            .is_some_and(|kind| kind.is_measure() || (is_named && class != Class::None));
        if class == Class::None || self.has(key) || !(is_sensor || refused.is_some()) {
            return;
        }
        let is_named = is_named || matches!(class, Class::Fan);
        let Some(slot) = self.take_place(key, class, is_named) else {
            self.omitted = self.omitted.saturating_add(1);
            return;
        };
        // There is a place for each.
        self.entries.push(Entry {
            key,
            class,
            row,
            slot,
            description,
            is_changed: false,
            refused,
            last: f64::NAN,
        });
    }

    /// Remembers what a fan is called.
    pub(super) fn name_fan(&mut self, number: usize, descriptor: &[u8]) {
        if let Some(name) = self.fan_names.get_mut(number) {
            *name = fan_name(descriptor);
        }
    }

    /// Tells of all keys from now on. Those found meanwhile are told of when their slot is full, so
    /// that the catalog is not written anew for each.
    pub(super) fn publish(&mut self) {
        self.shown = self.counts;
    }

    /// How many keys of a slot there are to tell.
    pub(super) fn shown(&self, slot: usize) -> usize {
        self.shown.get(slot).copied().map_or(0, usize::from)
    }

    /// Keys that there is no room for.
    pub(super) fn omitted(&self) -> u32 {
        self.omitted
    }

    /// The first `count` keys of a slot.
    pub(super) fn of_slot(&self, slot: usize, count: usize) -> Own {
        let own = self.entries.iter().filter(|entry| usize::from(entry.slot) == slot);
        own.take(count.min(SLOT_KEYS_MAX)).copied().collect()
    }

    /// Takes back what was learnt of keys while they were read.
    pub(super) fn update(&mut self, own: &Own) {
        for entry in own {
            if let Some(place) = self.entries.iter_mut().find(|place| place.key == entry.key) {
                *place = *entry;
            }
        }
    }

    /// What people call a key.
    pub(super) fn label(&self, entry: &Entry) -> Label {
        let line = self.table.get(entry.row);
        let fan = entry.class.is_fan().then(|| self.fan_name(entry.key)).flatten();
        let mut label = Label::new();
        // There is room for every name with a key or a limit behind it.
        let _ = label.push_str(fan.or(line.map(|line| &*line.name)).unwrap_or_default());
        if fan.is_none() && line.is_none_or(|line| !line.is_exact()) {
            let _ = label.push(' ');
            let letters = entry.key.letters();
            // Of a fan its number is enough.
            let (first, count) = if entry.class.is_fan() { (1, 1) } else { (0, 4) };
            for letter in letters.into_iter().skip(first).take(count) {
                let _ = label.push(char::from(letter));
            }
        }
        if let Class::FanLimit(limit) = entry.class {
            let _ = label.push(' ');
            let _ = label.push_str(limit.name());
        }
        label
    }

    /// What a fan calls itself, by one of its keys.
    fn fan_name(&self, key: FourCc) -> Option<&str> {
        let [_, digit, ..] = key.letters();
        let number = char::from(digit).to_digit(10)?;
        let name = self.fan_names.get(usize::try_from(number).ok()?)?;
        Some(name.as_str()).filter(|name| !name.is_empty())
    }

    fn take_place(&mut self, key: FourCc, class: Class, is_named: bool) -> Option<u8> {
        let is_core = class == Class::Temperature(Place::Cpu) && ![MAXIMUM, AVERAGE].contains(&key);
        let is_enough = is_core && self.has(MAXIMUM);
        let is_vital = class.is_vital() && !is_enough && (is_named || !self.named.contains(&class));
        if is_vital && is_named && key != AVERAGE && !self.named.contains(&class) {
            // Four classes are vital.
            let _ = self.named.push(class);
        }
        let vital = if is_vital { self.take_slot(0, VITAL_SLOTS) } else { None };
        vital.or_else(|| {
            let room = self.room.get_mut(quota(class))?;
            *room = room.checked_sub(1)?;
            self.take_slot(VITAL_SLOTS, SLOTS)
        })
    }

    fn take_slot(&mut self, first: usize, end: usize) -> Option<u8> {
        let mut slots = self.counts.iter_mut().enumerate().take(end).skip(first);
        let (slot, count) = slots.find(|(_, count)| usize::from(**count) < SLOT_KEYS_MAX)?;
        *count += 1;
        if let (SLOT_KEYS_MAX, Some(shown)) = (usize::from(*count), self.shown.get_mut(slot)) {
            *shown = *count;
        }
        u8::try_from(slot).ok()
    }
}

const fn quota(class: Class) -> usize {
    match class {
        Class::Temperature(_) => 0,
        Class::Fan | Class::FanLimit(_) => 1,
        Class::Power(_) => 2,
        Class::Voltage(_) => 3,
        Class::Current(_) | Class::None => 4,
    }
}
