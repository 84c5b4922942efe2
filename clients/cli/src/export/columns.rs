//! What of a recording is exported: columns of a table, or series of a plot.

use std::collections::BTreeMap;

use kymo_client::{Instrument, Samples, Sensor};
use kymo_protocol::limits::FANS_MAX;
use kymo_protocol::{Body, Field, Vitals};

use super::walk::Seen;
use crate::args::{Export, Form};
use crate::rates::{COUNTERS, counter};
use crate::readings::Reading;
use crate::sensor_filter::SensorFilter;

/// What a plot shows when nothing else is asked for.
const USUAL: [Field; 9] = [
    Field::CpuUsage,
    Field::MemoryUsage,
    Field::Load,
    Field::Temperature,
    Field::PowerWatts,
    Field::DiskReadBytes,
    Field::DiskWriteBytes,
    Field::NetworkRxBytes,
    Field::NetworkTxBytes,
];

/// A value in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Nothing was read.
    Empty,
    /// A whole number.
    Whole(u64),
    /// A number with as many digits as a frame of vitals has.
    Single(f32),
    /// A number.
    Double(f64),
    /// A word.
    Word(&'static str),
}

impl Cell {
    /// It as a number, if it is one.
    pub fn number(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // a plot has a thousand pixels
        match self {
            Self::Whole(value) => Some(value as f64),
            Self::Single(value) => Some(value.into()),
            Self::Double(value) => Some(value),
            Self::Empty | Self::Word(_) => None,
        }
    }
}

/// Where a column's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A field of the vitals, or a part of one.
    Vitals(Field, usize),
    /// A sensor.
    Sensor,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its head in a table.
    pub name: String,
    /// What it is called in a plot.
    pub label: String,
    /// In UCUM, or `%`.
    pub unit: String,
    /// Name of its metric.
    pub metric: String,
    /// Whether it is told as what it grows in a second, in a plot.
    pub is_counter: bool,
    /// Where it comes from.
    pub from: From,
    /// Whether it has a value anywhere.
    pub has_value: bool,
}

/// The columns, those of the vitals first.
#[derive(Debug)]
pub struct Columns {
    list: Vec<Column>,
    fields: Vec<Field>,
    filter: Option<SensorFilter>,
    form: Form,
    /// Places in the list, by identity.
    sensors: BTreeMap<String, usize>,
    has_vitals: bool,
    /// When the first and the last frame were made, since the recording's beginning, and when the
    /// first was since 1970.
    span: Option<(u64, u64, u64)>,
    events: u64,
    processes: u64,
}

impl Columns {
    /// Those that are asked for, as far as they are known without the recording.
    pub fn new(options: &Export) -> Self {
        let is_plot = options.form == Form::Svg;
        let fields = match (&options.fields, &options.sensors) {
            (Some(fields), _) => fields.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) if is_plot => USUAL.to_vec(),
            (None, None) => Field::ALL.to_vec(),
        };
        let filter = match (&options.fields, &options.sensors) {
            (_, Some(filter)) => Some(filter.clone()),
            (None, None) if !is_plot => Some(SensorFilter::default()),
            _ => None,
        };
        let list = fields.iter().flat_map(|field| parts(*field)).collect();
        Self {
            list,
            fields,
            filter,
            form: options.form,
            sensors: BTreeMap::new(),
            has_vitals: false,
            span: None,
            events: 0,
            processes: 0,
        }
    }

    /// Takes in what is seen in the first pass.
    pub fn survey(&mut self, seen: &Seen<'_>) {
        let Seen::Frame(frame, catalog, moment) = seen else { return };
        let (first, begun) =
            self.span.map_or((moment.elapsed_ns, moment.wall_ns), |span| (span.0, span.2));
        self.span = Some((first, moment.elapsed_ns, begun));
        match frame.body {
            Body::Vitals(vitals) => {
                self.has_vitals = true;
                for column in &mut self.list {
                    column.has_value |= vital(column, vitals) != Cell::Empty;
                }
            }
            Body::Samples(samples) => {
                let Some(filter) = &self.filter else { return };
                for (sensor, sample) in catalog.named(samples).into_iter().flatten() {
                    let has_value = Reading::of(sample).value.is_some();
                    if let Some(place) = self.sensors.get(&sensor.identity) {
                        self.list[*place].has_value |= has_value;
                    } else if filter.wants(sensor) {
                        self.sensors.insert(sensor.identity.clone(), self.list.len());
                        self.list.push(Column { has_value, ..of_sensor(sensor) });
                    }
                }
            }
            Body::Event(_) => self.events += 1,
            Body::Processes(_) => self.processes += 1,
            _ => {}
        }
    }

    /// Whether there is nothing to export.
    pub fn is_empty(&self) -> bool {
        self.sensors.is_empty() && (self.fields.is_empty() || !self.has_vitals)
    }

    /// The columns.
    pub fn list(&self) -> &[Column] {
        &self.list
    }

    /// Those that a table has: of the fans as many as there are.
    pub fn has(&self, column: &Column) -> bool {
        match column.from {
            From::Vitals(Field::FanSpeeds, part) => {
                self.has_vitals && (part == 0 || column.has_value)
            }
            From::Vitals(..) => self.has_vitals,
            From::Sensor => true,
        }
    }

    /// When the first and the last frame were made since the recording's beginning, and when the
    /// first was since 1970.
    pub fn span(&self) -> (u64, u64, u64) {
        self.span.unwrap_or_default()
    }

    /// The values of a frame of vitals, by their columns.
    pub fn of_vitals<'a>(&'a self, vitals: &'a Vitals) -> impl Iterator<Item = (usize, Cell)> + 'a {
        self.list.iter().enumerate().filter_map(|(place, column)| match column.from {
            From::Vitals(..) => Some((place, vital(column, vitals))),
            From::Sensor => None,
        })
    }

    /// The values of a frame of samples, by their columns, with how old they are.
    pub fn of_samples<'a>(
        &'a self,
        catalog: &'a kymo_client::Catalog,
        samples: &'a Samples,
    ) -> impl Iterator<Item = (usize, Cell, u64)> + 'a {
        let named = catalog.named(samples).into_iter().flatten();
        named.filter_map(|(sensor, sample)| {
            let place = *self.sensors.get(&sensor.identity)?;
            let reading = Reading::of(sample);
            Some((place, reading.value.map_or(Cell::Empty, Cell::Double), reading.age_ms))
        })
    }

    /// What the recording has besides, in words.
    pub fn left_out(&self) -> Option<String> {
        let events = match self.events {
            0 => None,
            1 => Some("1 event".into()),
            count => Some(format!("{count} events")),
        };
        let processes = match self.processes {
            0 => None,
            1 => Some("1 frame of processes".into()),
            count => Some(format!("{count} frames of processes")),
        };
        let texts: Vec<String> = [events, processes].into_iter().flatten().collect();
        if texts.is_empty() || self.form == Form::Svg {
            return None;
        }
        let texts = texts.join(" and ");
        Some(format!("not in it: {texts}; kymo replay --json --speed max prints them"))
    }
}

/// The columns of a field.
fn parts(field: Field) -> Vec<Column> {
    let names: Vec<String> = match field {
        Field::Load => ["1m", "5m", "15m"].map(|span| format!("load_{span}")).into(),
        Field::FanSpeeds => (1..=FANS_MAX).map(|fan| format!("fan_{fan}")).collect(),
        Field::Momentum => vec!["momentum_intensity".into(), "momentum_color".into()],
        field => vec![field.name().into()],
    };
    let unit = match field.unit() {
        "B" => "By",
        "°C" => "Cel",
        "RPM" => "rpm",
        unit => unit,
    };
    let column = |(part, name): (usize, String)| Column {
        label: name.clone(),
        name,
        unit: unit.into(),
        metric: field.name().into(),
        is_counter: COUNTERS.contains(&field),
        from: From::Vitals(field, part),
        has_value: false,
    };
    names.into_iter().enumerate().map(column).collect()
}

fn of_sensor(sensor: &Sensor) -> Column {
    let what = if sensor.label.is_empty() { &sensor.name } else { &sensor.label };
    Column {
        name: sensor.identity.clone(),
        label: format!("{}/{what}", sensor.group.name()),
        unit: sensor.unit.clone(),
        metric: sensor.name.clone(),
        is_counter: sensor.instrument == Instrument::Counter,
        from: From::Sensor,
        has_value: false,
    }
}

/// The value of a column in a frame of vitals.
fn vital(column: &Column, v: &Vitals) -> Cell {
    let From::Vitals(field, part) = column.from else { return Cell::Empty };
    if !v.state(field).has_value() {
        return Cell::Empty;
    }
    let cell = match field {
        Field::CpuUsage => Cell::Single(v.cpu_usage.get()),
        Field::MemoryUsage => Cell::Single(v.memory_usage.get()),
        Field::MemoryTotal => Cell::Whole(v.memory_total.get()),
        Field::MemoryUsed => Cell::Whole(v.memory_used.get()),
        Field::SwapTotal => Cell::Whole(v.swap_total.get()),
        Field::SwapUsed => Cell::Whole(v.swap_used.get()),
        Field::Load => v.load.get(part).map_or(Cell::Empty, |load| Cell::Single(load.get())),
        Field::DiskUsage => Cell::Single(v.disk_usage.get()),
        Field::Temperature => Cell::Single(v.temperature.get()),
        Field::GpuTemperature => Cell::Single(v.gpu_temperature.get()),
        Field::FanSpeeds => v.fans().nth(part).map_or(Cell::Empty, |rpm| Cell::Whole(rpm.into())),
        Field::PowerWatts => Cell::Single(v.power_watts.get()),
        Field::BatteryCharge => Cell::Single(v.battery_charge.get()),
        Field::ProcessCount => Cell::Whole(v.process_count.get().into()),
        #[allow(clippy::cast_precision_loss)] // to the microsecond for centuries
        Field::Uptime => Cell::Double((v.uptime_ns.get() / 1000) as f64 / 1e6),
        Field::Momentum if part == 0 => Cell::Single(v.momentum_intensity.get()),
        Field::Momentum => Cell::Word(v.color().name()),
        Field::SystemState => Cell::Word(v.verdict().name()),
        field => Cell::Whole(counter(v, field)),
    };
    // A number that is none was not read.
    match cell.number() {
        Some(number) if !number.is_finite() => Cell::Empty,
        _ => cell,
    }
}
