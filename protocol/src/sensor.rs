//! One sensor as a catalog names it: a fixed head, and five texts.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | size | bytes of this entry: a multiple of 8, at most 1,024 |
//! | 2 | u16 | id | at least 1; stands for this sensor within its topology |
//! | 4 | u16 | metric | its number in the table of metrics |
//! | 6 | u8 | group | see [`Group`] |
//! | 7 | u8 | cost | 0 cheap, 1 moderate, 2 costly, 3 harmful |
//! | 8 | u32 | cadence_ms | how often the device itself has something new; 0 unknown |
//! | 12 | u8 | scope | 0 host, 1 cgroup |
//! | 13 | u8 | instrument | 0 gauge, 1 counter, 2 updowncounter |
//! | 14 | u16 | reserved | 0 |
//! | 16 | u8 | name_len | bytes of name, at least 1 |
//! | 17 | u8 | unit_len | bytes of unit |
//! | 18 | u8 | label_len | bytes of label |
//! | 19 | u8 | reserved | 0 |
//! | 20 | u16 | attributes_len | bytes of attributes |
//! | 22 | u16 | identity_len | bytes of identity, at least 1 |
//! | 24 | u8 × name_len | name | OpenTelemetry's, as in the table of metrics |
//! | … | u8 × unit_len | unit | in UCUM |
//! | … | u8 × label_len | label | what the device's own makers call it |
//! | … | u8 × attributes_len | attributes | each `key=value` and a newline |
//! | … | u8 × identity_len | identity | a path that names this sensor also after a restart |
//!
//! Zeros follow up to the next multiple of 8. Texts are UTF-8 without control characters, but for
//! the newlines behind attributes. That no key stands twice is not checked.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, IntoBytes};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::limits::{FRAME_ALIGN, SENSOR_BYTES_MAX};
use crate::metric::{Cost, Group, Instrument, Metric, Scope};
use crate::text::is_printable;

/// An entry of a catalog; the module's table is its layout.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Sensor {
    head: SensorHead,
    text: [u8],
}

/// The part of an entry before its texts.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SensorHead {
    size: U16,
    id: U16,
    metric: U16,
    group: u8,
    cost: u8,
    cadence_ms: U32,
    scope: u8,
    instrument: u8,
    reserved: U16,
    name_len: u8,
    unit_len: u8,
    label_len: u8,
    reserved_more: u8,
    attributes_len: U16,
    identity_len: U16,
}

const HEAD_SIZE: usize = 24;
const _: () = assert!(size_of::<SensorHead>() == HEAD_SIZE);
const _: () = assert!(core::mem::offset_of!(SensorHead, cadence_ms) == 8);
const _: () = assert!(core::mem::offset_of!(SensorHead, name_len) == 16);
const _: () = assert!(core::mem::offset_of!(SensorHead, identity_len) == 22);

/// What a catalog says of a sensor, before it is an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorFields<'a> {
    /// At least 1.
    pub id: u16,
    /// Number of its [`Metric`].
    pub metric: u16,
    /// Its metric's name.
    pub name: &'a str,
    /// Its metric's unit.
    pub unit: &'a str,
    /// How its values behave.
    pub instrument: Instrument,
    /// The family it is subscribed by; not always its metric's.
    pub group: Group,
    /// What it costs to read it.
    pub cost: Cost,
    /// How often the device itself has something new; 0 when unknown.
    pub cadence_ms: u32,
    /// What it measures.
    pub scope: Scope,
    /// What the device's own makers call it; may be empty.
    pub label: &'a str,
    /// Names and values, as OpenTelemetry names them.
    pub attributes: &'a [(&'a str, &'a str)],
    /// A path that names this sensor also after a restart.
    pub identity: &'a str,
}

impl<'a> SensorFields<'a> {
    /// A sensor of `metric`: cheap, of the host and the metric's own group, with an unknown cadence
    /// and no label; to be filled in.
    #[must_use]
    pub const fn new(id: u16, metric: &'static Metric, identity: &'a str) -> Self {
        Self {
            id,
            metric: metric.number,
            name: metric.name,
            unit: metric.unit,
            instrument: metric.instrument,
            group: metric.group,
            cost: Cost::Cheap,
            cadence_ms: 0,
            scope: Scope::Host,
            label: "",
            attributes: &[],
            identity,
        }
    }

    /// Writes the entry to the front of `buffer` and returns its size.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when it does not fit; [`FrameError::Length`] when it or a text is
    /// longer than any may be; [`FrameError::Value`] for an id of 0, an empty name or identity, a
    /// control character, or a key that is empty or holds a `=`.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, FrameError> {
        // Told apart from what another buffer has room for.
        if self.size() > SENSOR_BYTES_MAX {
            return Err(FrameError::Length);
        }
        let (head, text) = SensorHead::mut_from_prefix(buffer).map_err(|_| FrameError::Short)?;
        let mut text = Appender { buffer: text, at: 0 };
        let name_len = text.append(self.name)?;
        let unit_len = text.append(self.unit)?;
        let label_len = text.append(self.label)?;
        let mut attributes_len = 0;
        for (key, value) in self.attributes {
            // These would read as another attribute.
            if key.contains(['=', '\n']) || value.contains('\n') {
                return Err(FrameError::Value);
            }
            for part in [*key, "=", *value, "\n"] {
                attributes_len += text.append(part)?;
            }
        }
        let identity_len = text.append(self.identity)?;
        let size = text.pad()? + HEAD_SIZE;
        *head = SensorHead {
            size: short(size)?,
            id: self.id.into(),
            metric: self.metric.into(),
            group: self.group as u8,
            cost: self.cost as u8,
            cadence_ms: self.cadence_ms.into(),
            scope: self.scope as u8,
            instrument: self.instrument as u8,
            reserved: 0.into(),
            name_len: byte(name_len)?,
            unit_len: byte(unit_len)?,
            label_len: byte(label_len)?,
            reserved_more: 0,
            attributes_len: short(attributes_len)?,
            identity_len: short(identity_len)?,
        };
        let (entry, _) = Sensor::first(buffer).ok_or(FrameError::Length)?;
        entry.check()?;
        Ok(size)
    }

    /// Bytes of the entry.
    fn size(&self) -> usize {
        let texts = [self.name, self.unit, self.label, self.identity];
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + value.len() + 2);
        let size = texts.iter().map(|text| text.len()).chain(attributes).sum::<usize>();
        (HEAD_SIZE + size).next_multiple_of(FRAME_ALIGN)
    }
}

fn byte(size: usize) -> Result<u8, FrameError> {
    u8::try_from(size).map_err(|_| FrameError::Length)
}

fn short(size: usize) -> Result<U16, FrameError> {
    u16::try_from(size).map(U16::from).map_err(|_| FrameError::Length)
}

/// Texts on their way into an entry.
struct Appender<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl Appender<'_> {
    fn append(&mut self, text: &str) -> Result<usize, FrameError> {
        let rest = self.buffer.get_mut(self.at..).unwrap_or_default();
        rest.get_mut(..text.len()).ok_or(FrameError::Short)?.copy_from_slice(text.as_bytes());
        self.at += text.len();
        Ok(text.len())
    }

    /// Zeros up to the next multiple of 8; the size of it all.
    fn pad(self) -> Result<usize, FrameError> {
        let size = self.at.next_multiple_of(FRAME_ALIGN);
        self.buffer.get_mut(self.at..size).ok_or(FrameError::Short)?.fill(0);
        Ok(size)
    }
}

/// Which of the texts.
#[derive(Clone, Copy)]
enum Part {
    Name,
    Unit,
    Label,
    Attributes,
    Identity,
}

impl Sensor {
    /// The entry at the front of `bytes`, and what stands behind it. Of entries that
    /// [`SensorFields::write`] has made or [`Frame::parse`](crate::Frame::parse) has passed; it
    /// checks no more than where the entry ends.
    #[must_use]
    pub fn first(bytes: &[u8]) -> Option<(&Self, &[u8])> {
        let size = u16::from_le_bytes(*bytes.first_chunk()?);
        let (entry, rest) = bytes.split_at_checked(usize::from(size))?;
        Some((Self::ref_from_bytes(entry).ok()?, rest))
    }

    /// The entry as it stands in frames.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    /// Gives the entry at the front of `bytes` another id, which is not 0.
    pub fn set_id(bytes: &mut [u8], id: u16) {
        if let Ok((head, _)) = SensorHead::mut_from_prefix(bytes) {
            head.id.set(id);
        }
    }

    /// Stands for this sensor within its topology.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.head.id.get()
    }

    /// Number of its metric, which may be of a later server.
    #[must_use]
    pub fn metric(&self) -> u16 {
        self.head.metric.get()
    }

    /// The family it is subscribed by.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::from_number(self.head.group).unwrap_or(Group::Cpu)
    }

    /// What it costs to read it.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::from_number(self.head.cost).unwrap_or(Cost::Harmful)
    }

    /// How often the device itself has something new; 0 when unknown.
    #[must_use]
    pub fn cadence_ms(&self) -> u32 {
        self.head.cadence_ms.get()
    }

    /// What it measures.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::from_number(self.head.scope).unwrap_or(Scope::Host)
    }

    /// How its values behave.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        Instrument::from_number(self.head.instrument).unwrap_or(Instrument::Gauge)
    }

    /// Its metric's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part(Part::Name)
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.part(Part::Unit)
    }

    /// What the device's own makers call it; may be empty.
    #[must_use]
    pub fn label(&self) -> &str {
        self.part(Part::Label)
    }

    /// Names and values.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.part(Part::Attributes);
        text.split_terminator('\n').filter_map(|line| line.split_once('='))
    }

    /// A path that names this sensor also after a restart.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.part(Part::Identity)
    }

    fn part(&self, part: Part) -> &str {
        core::str::from_utf8(self.part_bytes(part)).unwrap_or_default()
    }

    fn part_bytes(&self, part: Part) -> &[u8] {
        let sizes = self.sizes();
        let start = sizes.iter().take(part as usize).sum();
        let size = sizes.get(part as usize).copied().unwrap_or_default();
        self.text.get(start..start + size).unwrap_or_default()
    }

    fn sizes(&self) -> [usize; 5] {
        let SensorHead { name_len, unit_len, label_len, attributes_len, identity_len, .. } =
            self.head;
        [
            name_len.into(),
            unit_len.into(),
            label_len.into(),
            attributes_len.get().into(),
            identity_len.get().into(),
        ]
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let size = HEAD_SIZE + self.text.len();
        let used = self.sizes().iter().sum::<usize>();
        let padding = self.text.get(used..).ok_or(FrameError::Length)?;
        if size > SENSOR_BYTES_MAX
            || !size.is_multiple_of(FRAME_ALIGN)
            || padding.len() >= FRAME_ALIGN
        {
            return Err(FrameError::Length);
        }
        let spare = self.head.reserved.get() | u16::from(self.head.reserved_more);
        if spare != 0 || padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        if self.has_good_numbers() && self.has_good_texts() {
            Ok(())
        } else {
            Err(FrameError::Value)
        }
    }

    fn has_good_numbers(&self) -> bool {
        let SensorHead { id, group, cost, scope, instrument, name_len, identity_len, .. } =
            self.head;
        id.get() != 0
            && name_len != 0
            && identity_len.get() != 0
            && Group::from_number(group).is_some()
            && Cost::from_number(cost).is_some()
            && Scope::from_number(scope).is_some()
            && Instrument::from_number(instrument).is_some()
    }

    fn has_good_texts(&self) -> bool {
        let texts = [Part::Name, Part::Unit, Part::Label, Part::Identity];
        let attributes = self.part_bytes(Part::Attributes);
        texts.into_iter().all(|part| is_printable(self.part_bytes(part)))
            && attributes.last().is_none_or(|byte| *byte == b'\n')
            && attributes.split_inclusive(|byte| *byte == b'\n').all(is_attribute)
    }
}

/// Whether it is `key=value` and a newline.
fn is_attribute(line: &[u8]) -> bool {
    let Some((_, line)) = line.split_last() else { return false };
    line.iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0) && is_printable(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: SensorFields<'_> = SensorFields {
        id: 0x0201,
        metric: 0x0403,
        name: "hw.temperature",
        unit: "Cel",
        instrument: Instrument::UpDownCounter,
        group: Group::Hwmon,
        cost: Cost::Costly,
        cadence_ms: 0x0506_0708,
        scope: Scope::Cgroup,
        label: "Tdie",
        attributes: &[("hw.id", "k10temp=1"), ("x", "")],
        identity: "hwmon/a",
    };

    fn written(fields: &SensorFields<'_>) -> Result<heapless::Vec<u8, 2048>, FrameError> {
        let mut buffer = [0xFF; 2048];
        let size = fields.write(&mut buffer)?;
        Ok(heapless::Vec::from_slice(&buffer[..size]).unwrap())
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = written(&FIELDS).unwrap();
        let head = [72, 0, 1, 2, 3, 4, 6, 2, 8, 7, 6, 5, 1, 2, 0, 0, 14, 3, 4, 0, 19, 0, 7, 0];
        assert_eq!(bytes[..24], head);
        assert_eq!(&bytes[24..], b"hw.temperatureCelTdiehw.id=k10temp=1\nx=\nhwmon/a\0");
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = written(&FIELDS).unwrap();
        bytes.extend_from_slice(b"behind").unwrap();
        let (sensor, rest) = Sensor::first(&bytes).unwrap();
        assert_eq!((sensor.check(), rest), (Ok(()), b"behind".as_slice()));
        let attributes: heapless::Vec<_, 4> = sensor.attributes().collect();
        let read = SensorFields {
            id: sensor.id(),
            metric: sensor.metric(),
            name: sensor.name(),
            unit: sensor.unit(),
            instrument: sensor.instrument(),
            group: sensor.group(),
            cost: sensor.cost(),
            cadence_ms: sensor.cadence_ms(),
            scope: sensor.scope(),
            label: sensor.label(),
            attributes: &attributes,
            identity: sensor.identity(),
        };
        assert_eq!(read, FIELDS);
        assert!(Sensor::first(&bytes[..71]).is_none() && Sensor::first(&[0; 24]).is_none());
    }

    #[test]
    fn an_id_is_changed_and_nothing_else() {
        let mut bytes = written(&FIELDS).unwrap();
        Sensor::set_id(&mut bytes, 0x0908);
        assert_eq!(bytes, written(&SensorFields { id: 0x0908, ..FIELDS }).unwrap());
        let mut short = [0; HEAD_SIZE - 1];
        Sensor::set_id(&mut short, 1);
        assert_eq!(short, [0; HEAD_SIZE - 1]);
    }

    #[test]
    fn a_sensor_takes_over_what_its_metric_says() {
        let metric = &crate::METRICS[0];
        let fields = SensorFields::new(1, metric, "cpu");
        assert_eq!(fields.metric, metric.number);
        assert_eq!((fields.name, fields.unit), (metric.name, metric.unit));
        assert_eq!((fields.instrument, fields.group), (metric.instrument, metric.group));
        assert!(written(&fields).is_ok());
    }

    #[test]
    fn what_is_no_sensor_is_not_written() {
        let long = core::str::from_utf8(&[b'x'; 2000]).unwrap();
        let whole = |identity| SensorFields { attributes: &[], identity, ..FIELDS };
        // Head and other texts take 45 bytes.
        assert_eq!(written(&whole(&long[..979])).unwrap().len(), SENSOR_BYTES_MAX);
        let refused = |fields: SensorFields<'_>| written(&fields).unwrap_err();
        assert_eq!(refused(whole(&long[..980])), FrameError::Length);
        assert_eq!(refused(SensorFields { label: &long[..256], ..FIELDS }), FrameError::Length);
        assert_eq!(refused(SensorFields { identity: long, ..FIELDS }), FrameError::Length);
        for fields in [
            SensorFields { id: 0, ..FIELDS },
            SensorFields { name: "", ..FIELDS },
            SensorFields { identity: "", ..FIELDS },
            SensorFields { label: "a\u{85}", ..FIELDS },
            SensorFields { unit: "\n", ..FIELDS },
            SensorFields { attributes: &[("", "x")], ..FIELDS },
            SensorFields { attributes: &[("a=b", "x")], ..FIELDS },
            SensorFields { attributes: &[("a\nb", "x")], ..FIELDS },
            SensorFields { attributes: &[("a", "x\nb=c")], ..FIELDS },
            SensorFields { attributes: &[("a", "\t")], ..FIELDS },
        ] {
            assert_eq!(refused(fields), FrameError::Value, "{fields:?}");
        }
        let mut buffer = [0; 71];
        assert_eq!(FIELDS.write(&mut buffer), Err(FrameError::Short));
        assert_eq!(FIELDS.write(&mut buffer[..23]), Err(FrameError::Short));
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (0, 64, FrameError::Length),
            (2, 0, FrameError::Value),
            (6, 0, FrameError::Value),
            (7, 4, FrameError::Value),
            (12, 2, FrameError::Value),
            (13, 3, FrameError::Value),
            (14, 1, FrameError::Reserved),
            (19, 1, FrameError::Reserved),
            (21, 1, FrameError::Length),
            (22, 8, FrameError::Value),
            (22, 9, FrameError::Length),
            (22, 6, FrameError::Reserved),
            (20, 18, FrameError::Value),
            (20, 20, FrameError::Value),
            (24, 0xFF, FrameError::Value),
            (45, b'=', FrameError::Value),
            (62, b'x', FrameError::Value),
            (71, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = written(&FIELDS).unwrap();
            bytes[offset] = byte;
            if offset == 2 {
                bytes[3] = 0;
            }
            if offset == 20 {
                // The texts are as long as before together.
                bytes[22] = 26 - byte;
            }
            let sensor = Sensor::first(&bytes).unwrap().0;
            assert_eq!(sensor.check(), Err(error), "byte {offset}");
        }
        let mut bytes = written(&FIELDS).unwrap();
        bytes.extend_from_slice(&[0; 8]).unwrap();
        bytes[0] = 80;
        assert_eq!(Sensor::first(&bytes).unwrap().0.check(), Err(FrameError::Length));
        let mut both = written(&FIELDS).unwrap();
        (both[14], both[15]) = (1, 0);
        both[19] = 1;
        assert_eq!(Sensor::first(&both).unwrap().0.check(), Err(FrameError::Reserved));
        let odd = Sensor::ref_from_bytes(&bytes[..71]).unwrap();
        assert_eq!(odd.as_bytes().len(), 71);
        assert_eq!(odd.check(), Err(FrameError::Length));
    }

    #[test]
    fn scopes_come_back_from_their_numbers() {
        for (number, name) in [(0, "host"), (1, "cgroup")] {
            let scope = Scope::from_number(number).unwrap();
            assert_eq!((scope as u8, scope.name()), (number, name));
        }
        assert_eq!(Scope::from_number(2), None);
    }
}
