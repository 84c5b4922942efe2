//! Open attributes of devices in sysfs, each of which is a sensor.
//!
//! A table says which attributes a kind of device may have, in what unit and in what range; what
//! lies outside is what broken or absent hardware answers.

use std::os::fd::BorrowedFd;

use kymo_protocol::{Metric, NoData, Reading};

use crate::linux::attribute::{Attribute, read_word};
use crate::linux::directory::for_each_entry;
use crate::linux::name::{Name, index_in};
use crate::linux::sys::EntryBuffer;
use crate::linux::text::signed;
use crate::phrase::Phrase;
use crate::sort::insertion;
use crate::source::{Scope, SensorInfo};

/// An attribute that is a sensor.
#[derive(Debug)]
pub(super) struct Quantity {
    /// Its file's name up to the channel's index.
    pub(super) start: &'static str,
    /// What the rest of the name may be, if it has an index.
    pub(super) ends: &'static [&'static str],
    pub(super) metric: &'static Metric,
    /// What tells it from other quantities of that metric, if there are.
    pub(super) attribute: Option<(&'static str, &'static str)>,
    /// The file's number is so many times the metric's unit.
    pub(super) divisor: f64,
    /// The least and the greatest number that can be true.
    pub(super) range: (i64, i64),
    /// An attribute that tells where a counter begins again.
    pub(super) wraps_at: Option<&'static str>,
}

impl Quantity {
    /// A quantity whose file has this name, and that is never negative.
    pub(super) const fn plain(start: &'static str, metric: &'static Metric, divisor: f64) -> Self {
        let range = (0, i64::MAX);
        Self { start, ends: &[], metric, attribute: None, divisor, range, wraps_at: None }
    }

    fn is_alarm(&self) -> bool {
        self.ends.first() == Some(&"_alarm")
    }

    fn file(&self, index: u16, end: u8) -> Name {
        match self.ends.get(usize::from(end)) {
            Some(end) => Name::indexed(self.start, index, end),
            None => named(self.start),
        }
    }
}

/// A device, as its sensors are told.
#[derive(Debug)]
pub(super) struct About<'a> {
    /// Begins the identities of its sensors.
    pub(super) identity: &'a Phrase,
    /// Begins their labels.
    pub(super) name: &'a Phrase,
    pub(super) cadence_ms: u32,
}

/// A file that could not be opened is tried again after so many reads.
const REOPEN_READS: u8 = 8;

/// An open attribute.
#[derive(Debug)]
pub(super) struct Channel {
    quantity: &'static Quantity,
    index: u16,
    /// Which of the quantity's ends its name has.
    end: u8,
    value: Reading<Attribute>,
    /// Reads since its file could not be opened.
    reads_shut: u8,
    fault: Option<Attribute>,
    enable: Option<Attribute>,
    counter: Option<Counter>,
}

/// A counter that begins again at 0 after `limit`.
#[derive(Clone, Copy, Debug)]
struct Counter {
    limit: i64,
    last: i64,
    before: i64,
}

/// Opens what `directory` has of `quantities`, at most `room` values and `room` alarms of it; tells
/// each and then hands it to `keep`. Returns how many are left out.
pub(super) fn open_channels(
    directory: BorrowedFd<'_>,
    quantities: &'static [Quantity],
    about: &About<'_>,
    mut room: [usize; 2],
    found: &mut dyn FnMut(&SensorInfo<'_>),
    keep: &mut dyn FnMut(Channel),
) -> u32 {
    let mut candidates = Candidates::new();
    let mut omitted = candidates.find(directory, quantities);
    for (quantity, end, index) in &candidates.0 {
        let Some(quantity) = quantities.get(usize::from(*quantity)) else { continue };
        let Some(room) = room.get_mut(usize::from(quantity.is_alarm())) else {
            continue;
        };
        if *room == 0 {
            omitted = omitted.saturating_add(1);
            continue;
        }
        let channel = Channel::open(directory, quantity, *index, *end);
        if !quantity.ends.is_empty() || !matches!(channel.value, Err(NoData::Absent)) {
            channel.tell(directory, about, found);
            keep(channel);
            *room -= 1;
        }
    }
    omitted
}

/// Quantities, ends and indexes of the channels of a device, in order.
struct Candidates(heapless::Vec<(u8, u8, u16), 256>);

impl Candidates {
    fn new() -> Self {
        Self(heapless::Vec::new())
    }

    /// Returns how many there are besides.
    fn find(&mut self, directory: BorrowedFd<'_>, quantities: &[Quantity]) -> u32 {
        let mut omitted = 0;
        let numbered = || (0u8..).zip(quantities);
        let mut add = |candidate| omitted += u32::from(self.0.push(candidate).is_err());
        for (number, _) in numbered().filter(|(_, quantity)| quantity.ends.is_empty()) {
            add((number, 0, 0));
        }
        if quantities.iter().any(|quantity| !quantity.ends.is_empty()) {
            let mut buffer = EntryBuffer::new();
            // Half a list is better than none: what was listed is there.
            let _ = for_each_entry(directory, &mut buffer, &mut |entry| {
                for (number, quantity) in numbered() {
                    for (end, text) in (0u8..).zip(quantity.ends) {
                        if let Some(index) = index_in(entry.name, quantity.start, text) {
                            add((number, end, index));
                        }
                    }
                }
            });
        }
        insertion(&mut self.0, |one, other| one < other);
        omitted
    }
}

impl Channel {
    fn open(directory: BorrowedFd<'_>, quantity: &'static Quantity, index: u16, end: u8) -> Self {
        let beside = |end| {
            let is_one = !quantity.ends.is_empty();
            let name = is_one.then(|| Name::indexed(quantity.start, index, end))?;
            Attribute::open(directory, &name).ok()
        };
        let limit = quantity.wraps_at.and_then(|name| {
            let limit = read_word(directory, &named(name)).ok()?;
            signed(&limit).filter(|limit| *limit > 0)
        });
        Self {
            quantity,
            index,
            end,
            value: Attribute::open(directory, &quantity.file(index, end)),
            reads_shut: 0,
            // It says whether to trust the value, not whether the chip raised an alarm.
            fault: if quantity.is_alarm() { None } else { beside("_fault") },
            enable: beside("_enable"),
            counter: limit.map(|limit| Counter { limit, last: 0, before: 0 }),
        }
    }

    pub(super) fn is_alarm(&self) -> bool {
        self.quantity.is_alarm()
    }

    /// Its value now. `left` becomes true when the device in `directory` is there no more; some
    /// drivers only say so of what a device doesn't have.
    pub(super) fn read_in(&mut self, directory: BorrowedFd<'_>, left: &mut bool) -> Reading<f64> {
        if self.value.is_err() {
            self.reads_shut += 1;
            // A rule of udev may come later than kymo.
            if self.reads_shut >= REOPEN_READS {
                self.reads_shut = 0;
                self.value = Attribute::open(directory, &self.quantity.file(self.index, self.end));
            }
        }
        let mut gone = false;
        let value = self.read(&mut gone);
        if gone {
            let again = Attribute::open(directory, &self.quantity.file(self.index, self.end));
            *left |= matches!(again, Err(NoData::Absent));
        }
        value
    }

    fn tell(
        &self,
        directory: BorrowedFd<'_>,
        about: &About<'_>,
        found: &mut dyn FnMut(&SensorInfo<'_>),
    ) {
        let quantity = self.quantity;
        let end = quantity.ends.get(usize::from(self.end)).copied();
        let alarm = end.filter(|_| self.is_alarm()).and_then(|end| end.get(1..));
        let mut name = Phrase::new().with(quantity.start);
        let mut label = None;
        if let Some(end) = end {
            name = name.with_number(u64::from(self.index));
            let word = read_word(directory, &Name::indexed(quantity.start, self.index, "_label"));
            label = word.ok().map(|word| Phrase::new().with_bytes(&word));
            // The place that an alarm is about has other sensors.
            label = label.or_else(|| alarm.map(|_| name.clone()));
            // power1_input and power1_average are two sensors.
            name = if end == "_input" { name } else { name.with(end) };
        }
        let identity = about.identity.clone().with("/").with_name(name.as_str());
        let label = label.unwrap_or(name);
        let mut whole_label = about.name.clone().with(" ").with(label.as_str());
        if let Some(alarm) = alarm {
            whole_label = whole_label.with(" ").with(alarm);
        }
        let mut attributes = heapless::Vec::<(&str, &str), 3>::new();
        // The limit that an alarm is about, unless it is about the channel as a whole.
        let limit = alarm.and_then(|alarm| alarm.get(..alarm.len().checked_sub("_alarm".len())?));
        let own = quantity.attribute.or(limit.map(|limit| ("kymo.hw.limit", limit)));
        let location = end.map(|_| ("hw.sensor_location", label.as_str()));
        attributes
            .extend([Some(("hw.name", about.name.as_str())), location, own].into_iter().flatten());
        found(&SensorInfo {
            metric: quantity.metric,
            label: whole_label.as_str(),
            attributes: &attributes,
            identity: identity.as_str(),
            cadence_ms: about.cadence_ms,
            scope: Scope::Host,
        });
    }

    fn read(&mut self, gone: &mut bool) -> Reading<f64> {
        let says = |attribute: &Option<Attribute>, number| {
            attribute.as_ref().is_some_and(|found| found.number(&mut false) == Ok(number))
        };
        if says(&self.fault, 1) {
            return Err(NoData::Fault);
        }
        // The driver doesn't watch this input. For pwm, 0 is a mode: full speed.
        if self.quantity.start != "pwm" && says(&self.enable, 0) {
            return Err(NoData::Absent);
        }
        let number = self.value.as_ref().map_err(|reason| *reason)?.number(gone)?;
        let (least, greatest) = self.quantity.range;
        if !(least..=greatest).contains(&number) {
            return Err(NoData::Fault);
        }
        let number = self.counter.as_mut().map_or(number, |counter| counter.unwrap(number));
        Ok(number as f64 / self.quantity.divisor)
    }
}

impl Counter {
    /// The count as if it had never begun again; right if it is read once a round.
    fn unwrap(&mut self, number: i64) -> i64 {
        if number < self.last {
            self.before = self.before.saturating_add(self.limit);
        }
        self.last = number;
        self.before.saturating_add(number)
    }
}

fn named(name: &str) -> Name {
    let mut file = Name::new();
    file.extend(name.as_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_on_where_it_begins_again() {
        let mut counter = Counter { limit: 1000, last: 0, before: 0 };
        let counts = [10, 990, 5, 5, 999, 0].map(|number| counter.unwrap(number));
        assert_eq!(counts, [10, 990, 1005, 1005, 1999, 2000]);
    }
}
