//! Sensors that the bytes describe are written into catalog frames if the rules of an entry let
//! them, all of those and in order, and say in frame and line what they said before; so do their
//! samples. A frame that is changed somewhere is none, or one that writing it again gives.

use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::{CATALOG_BYTES_MAX, CATALOG_COUNT_MAX, HEADER_SIZE};
use kymo_protocol::{
    Body, CatalogPart, CatalogWriter, Cost, Frame, Group, Instrument, Pushed, Samples, SamplesOf,
    Scope, SensorFields, Stamp, State,
};
use serde_json::Value;

/// What is left of the bytes; at their end they are zeros.
struct Bytes<'d>(&'d [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.next()))
    }

    fn text(&mut self) -> String {
        let choice = self.next();
        let size = match choice {
            ..0xE0 => usize::from(choice % 16),
            // Now and then as long as may be, or longer.
            _ => usize::from(choice - 0xE0) * 10,
        };
        let (text, rest) = self.0.split_at(size.min(self.0.len()));
        self.0 = rest;
        if choice < 0x60 {
            // What means something, or is not allowed everywhere.
            let letters = ["a", "=", "\n", "\"", "é", " ", "\u{85}", "/"];
            return text.iter().map(|byte| letters[usize::from(*byte) % letters.len()]).collect();
        }
        String::from_utf8_lossy(text).into_owned()
    }

    fn choose<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.next()) % all.len()]
    }
}

/// Whether the rules of an entry let it be one.
fn is_good(fields: &SensorFields<'_>) -> bool {
    let texts = [fields.name, fields.unit, fields.label, fields.identity];
    let pairs = || fields.attributes.iter().flat_map(|(key, value)| [*key, *value]);
    let is_printable = |text: &str| !text.chars().any(char::is_control);
    let text_size: usize = texts.iter().copied().chain(pairs()).map(str::len).sum();
    let size = (24 + text_size + 2 * fields.attributes.len()).next_multiple_of(8);
    size <= 1024
        && fields.id != 0
        && !fields.name.is_empty()
        && !fields.identity.is_empty()
        && texts[..3].iter().all(|text| text.len() <= 255)
        && texts.into_iter().chain(pairs()).all(is_printable)
        && fields.attributes.iter().all(|(key, _)| !key.is_empty() && !key.contains('='))
}

fn line(frame: &Frame<'_>) -> Value {
    let mut line = vec![0; 128 * 1024];
    let size = write_line(&mut line, frame, ClockMap::default(), LineOptions::default());
    serde_json::from_slice(&line[..size.expect("room enough")]).expect("a line is JSON")
}

/// The frames of a catalog of those sensors.
fn catalog(sensors: &[SensorFields<'_>]) -> Vec<Vec<u8>> {
    let (mut frames, mut rest) = (Vec::new(), sensors);
    let total = u32::try_from(sensors.len()).unwrap();
    loop {
        let mut buffer = vec![0xFF; 10_000];
        let first = total - u32::try_from(rest.len()).unwrap();
        let part = CatalogPart { topology: 7, total, first, omitted: 3 };
        let mut writer = CatalogWriter::new(&mut buffer, part).unwrap();
        let mut is_taken = |fields| writer.push_fields(fields) == Ok(Pushed::Taken);
        let count = rest.iter().take_while(|fields| is_taken(fields)).count();
        assert!(count > 0 || rest.is_empty(), "there is no room for one");
        rest = &rest[count..];
        let size = writer.finish(Stamp { boot_ns: 5 }).unwrap();
        buffer.truncate(size);
        assert!(count <= CATALOG_COUNT_MAX && buffer.len() <= HEADER_SIZE + CATALOG_BYTES_MAX);
        frames.push(buffer);
        if rest.is_empty() {
            return frames;
        }
    }
}

fn compare(frames: &[Vec<u8>], sensors: &[SensorFields<'_>]) {
    let mut rest = sensors.iter();
    for (at, bytes) in frames.iter().enumerate() {
        let frame = Frame::parse(bytes).expect("what was written");
        let Body::Catalog(catalog) = frame.body else { panic!("another kind") };
        assert_eq!(catalog.is_last(), at + 1 == frames.len());
        assert_eq!((catalog.part().topology, catalog.part().omitted), (7, 3));
        let told = line(&frame);
        let lines = told["sensors"].as_array().expect("a list");
        assert_eq!(lines.len(), catalog.sensors().count());
        for (told, found) in lines.iter().zip(catalog.sensors()) {
            let fields = rest.next().expect("no more than were written");
            let attributes: Vec<(&str, &str)> = found.attributes().collect();
            let again = SensorFields {
                id: found.id(),
                metric: found.metric(),
                name: found.name(),
                unit: found.unit(),
                instrument: found.instrument(),
                group: found.group(),
                cost: found.cost(),
                cadence_ms: found.cadence_ms(),
                scope: found.scope(),
                label: found.label(),
                attributes: &attributes,
                identity: found.identity(),
            };
            assert_eq!(again, *fields);
            assert_eq!(told["id"], fields.id);
            assert_eq!(told["identity"], fields.identity);
        }
    }
    assert!(rest.next().is_none(), "a sensor is missing");
}

fn compare_samples(sensors: &[SensorFields<'_>], bytes: &mut Bytes<'_>) {
    let sensors = &sensors[..sensors.len().min(480)];
    let told: Vec<_> = sensors
        .iter()
        .map(|sensor| (sensor.id, bytes.choose(&State::ALL), f64::from_bits(bytes.number())))
        .collect();
    let of = SamplesOf { topology: 7, group: Group::Hwmon, part: 1, parts: 2 };
    let mut buffer = vec![0xFF; Samples::frame_size(told.len())];
    let stamp = Stamp { boot_ns: 5 };
    let (samples, size) = Samples::emit(&mut buffer, 9, stamp, of, told.len()).unwrap();
    assert_eq!((samples.len(), size), (told.len(), Samples::frame_size(told.len())));
    for (sample, (id, state, value)) in samples.iter_mut().zip(&told) {
        sample.set(*id, *state, 11, *value);
    }
    let frame = Frame::parse(&buffer).expect("what was written");
    let Body::Samples(found) = frame.body else { panic!("another kind") };
    assert_eq!((found.of(), found.samples.len()), (of, told.len()));
    let lines = line(&frame);
    for (at, (sample, (id, state, value))) in found.samples.iter().zip(told).enumerate() {
        // What is no number is told as none, and where there is no value there is none.
        let expected = Some(value).filter(|value| state.has_value() && value.is_finite());
        let reading = (sample.id.get(), sample.state(), sample.reading().map(f64::to_bits));
        assert_eq!(reading, (id, state, expected.map(f64::to_bits)));
        assert_eq!(lines["samples"][at]["value"].is_number(), expected.is_some());
    }
}

pub(crate) fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let (change_at, change) = (bytes.number(), bytes.next());
    let mut told = Vec::new();
    while !bytes.0.is_empty() && told.len() < 500 {
        let texts: [String; 4] = std::array::from_fn(|_| bytes.text());
        let attributes: Vec<_> =
            (0..bytes.next() % 4).map(|_| (bytes.text(), bytes.text())).collect();
        told.push((bytes.number(), texts, attributes));
    }
    let pairs: Vec<Vec<(&str, &str)>> = told
        .iter()
        .map(|(.., pairs)| pairs.iter().map(|(key, value)| (&**key, &**value)).collect())
        .collect();
    let mut sensors = Vec::new();
    for ((number, [name, unit, label, identity], _), attributes) in told.iter().zip(&pairs) {
        let [id, id_high, metric, cadence, choices, ..] = number.to_le_bytes();
        let choices = usize::from(choices);
        let fields = SensorFields {
            id: u16::from_le_bytes([id, id_high]),
            metric: metric.into(),
            instrument: Instrument::ALL[choices % Instrument::ALL.len()],
            group: Group::ALL[choices % Group::ALL.len()],
            cost: Cost::ALL[choices % Cost::ALL.len()],
            cadence_ms: u32::from(cadence) * 16_843_009,
            scope: if choices % 2 == 0 { Scope::Host } else { Scope::Cgroup },
            name,
            unit,
            label,
            identity,
            attributes,
        };
        let written = fields.write(&mut [0xFF; 2048]);
        assert_eq!(written.is_ok(), is_good(&fields), "{written:?} of {fields:?}");
        sensors.extend(written.is_ok().then_some(fields));
    }
    let mut frames = catalog(&sensors);
    compare(&frames, &sensors);
    compare_samples(&sensors, &mut Bytes(data));
    let frame = frames.swap_remove(0);
    let at = usize::try_from(change_at % frame.len() as u64).unwrap();
    let mut changed = frame;
    changed[at] ^= change;
    super::frame_parse::check(&changed);
}
