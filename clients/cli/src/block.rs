//! A vitals frame as a block of labelled lines.
//!
//! Guarantees: a value that was not read shows its state's word and never a number; a value that is
//! a second old or older shows its age.

use kymo_protocol::{Field, State, SystemState, Vitals};

use crate::rates::{COUNTERS, Rates, counter};
use crate::units;

/// A label and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub label: &'static str,
    /// What it says.
    pub value: String,
    /// How it is to look.
    pub tone: Tone,
}

/// How a line is to look where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As usual.
    Plain,
    /// Nothing to read here.
    Faint,
    /// All is well.
    Good,
    /// Look here.
    Raised,
    /// Look here now.
    Bad,
}

/// The lines of a frame, the mood first.
pub fn block(vitals: &Vitals, rates: &Rates) -> Vec<Line> {
    use Field::*;
    let v = vitals;
    vec![
        mood(v),
        line(v, "cpu", [CpuUsage], |[usage]| usage),
        line(v, "memory", [MemoryUsed, MemoryTotal, MemoryUsage], |[used, total, usage]| {
            format!("{used} of {total}, {usage}")
        }),
        line(v, "swap", [SwapUsed, SwapTotal], |[used, total]| format!("{used} of {total}")),
        line(v, "load", [Load], |[load]| load),
        line(v, "disk", [DiskUsage], |[usage]| format!("{usage} of / in use")),
        flow(v, rates, "disk io", [(DiskReadBytes, "read"), (DiskWriteBytes, "written")]),
        flow(v, rates, "network", [(NetworkRxBytes, "in"), (NetworkTxBytes, "out")]),
        line(v, "heat", [Temperature, GpuTemperature], |[cpu, gpu]| {
            format!("CPU {cpu}, GPU {gpu}")
        }),
        line(v, "fans", [FanSpeeds], |[speeds]| speeds),
        line(v, "power", [PowerWatts, BatteryCharge], |[power, charge]| {
            format!("{power}, battery {charge}")
        }),
        line(v, "processes", [ProcessCount], |[count]| count),
        line(v, "uptime", [Uptime], |[uptime]| uptime),
    ]
}

fn mood(vitals: &Vitals) -> Line {
    let line = line(vitals, "system", [Field::SystemState], |[state]| state);
    let tone = match vitals.verdict() {
        _ if line.tone == Tone::Faint => Tone::Faint,
        SystemState::Healthy => Tone::Good,
        SystemState::Elevated => Tone::Raised,
        SystemState::Critical => Tone::Bad,
    };
    Line { tone, ..line }
}

/// A line of `fields`: one state's word if none has a value, and all share it; else what `text`
/// makes of the values and words; then the age of the oldest.
fn line<const N: usize>(
    vitals: &Vitals,
    label: &'static str,
    fields: [Field; N],
    text: impl FnOnce([String; N]) -> String,
) -> Line {
    line_of(vitals, label, fields, fields.map(|field| cell(vitals, field)), text)
}

/// A line of two counters with their rates.
fn flow(vitals: &Vitals, rates: &Rates, label: &'static str, fields: [(Field, &str); 2]) -> Line {
    let cells = fields.map(|(field, way)| {
        if !vitals.state(field).has_value() {
            return format!("{way} {}", cell(vitals, field));
        }
        let pending = || State::Pending.name().into();
        let rate = rates.per_second(field).map_or_else(pending, units::rate);
        format!("{way} {rate} ({})", cell(vitals, field))
    });
    let fields = fields.map(|(field, _)| field);
    line_of(vitals, label, fields, cells, |[one, other]| format!("{one}, {other}"))
}

fn line_of<const N: usize>(
    vitals: &Vitals,
    label: &'static str,
    fields: [Field; N],
    cells: [String; N],
    text: impl FnOnce([String; N]) -> String,
) -> Line {
    let first = vitals.state(fields[0]);
    let alike = fields.iter().all(|field| vitals.state(*field) == first);
    if alike && !first.has_value() {
        return Line { label, value: first.name().into(), tone: Tone::Faint };
    }
    let mut value = text(cells);
    let valid = fields.iter().filter(|field| vitals.state(**field).has_value());
    let oldest_ms = valid.map(|field| vitals.age_ms(*field)).max();
    if let Some(age) = oldest_ms.and_then(units::age) {
        value.push_str(&format!(" ({age})"));
    }
    Line { label, value, tone: Tone::Plain }
}

/// One value, or its state's word.
fn cell(vitals: &Vitals, field: Field) -> String {
    let state = vitals.state(field);
    if !state.has_value() {
        return state.name().into();
    }
    let percent = |value: f32| format!("{value:.1} %");
    let celsius = |value: f32| format!("{value:.1} °C");
    let text = match field {
        Field::CpuUsage => percent(vitals.cpu_usage.get()),
        Field::MemoryUsage => percent(vitals.memory_usage.get()),
        Field::MemoryTotal => units::bytes(vitals.memory_total.get()),
        Field::MemoryUsed => units::bytes(vitals.memory_used.get()),
        Field::SwapTotal => units::bytes(vitals.swap_total.get()),
        Field::SwapUsed => units::bytes(vitals.swap_used.get()),
        Field::Load => vitals.load.map(|load| format!("{:.2}", load.get())).join(" "),
        Field::DiskUsage => percent(vitals.disk_usage.get()),
        field if COUNTERS.contains(&field) => units::bytes(counter(vitals, field)),
        Field::Temperature => celsius(vitals.temperature.get()),
        Field::GpuTemperature => celsius(vitals.gpu_temperature.get()),
        Field::FanSpeeds if vitals.fan_count == 0 => "none".into(),
        Field::FanSpeeds => {
            let speeds: Vec<String> = vitals.fans().map(|rpm| rpm.to_string()).collect();
            format!("{} RPM", speeds.join(" "))
        }
        Field::PowerWatts => format!("{:.1} W", vitals.power_watts.get()),
        Field::BatteryCharge => percent(vitals.battery_charge.get()),
        Field::ProcessCount => vitals.process_count.get().to_string(),
        Field::Uptime => units::duration(vitals.uptime_ns.get()),
        Field::Momentum => vitals.color().name().into(),
        Field::SystemState => vitals.verdict().name().into(),
        _ => state.name().into(),
    };
    if state == State::Held { format!("{text} held") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Position, Stamp, emit};

    fn vitals(fill: impl FnOnce(&mut Vitals)) -> Vitals {
        let mut bytes = [0; 512];
        let (vitals, _) = emit::<Vitals>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
        fill(vitals);
        *vitals
    }

    fn rendered(vitals: &Vitals, rates: &Rates) -> String {
        let lines = block(vitals, rates);
        lines.into_iter().map(|line| format!("{:10} {}\n", line.label, line.value)).collect()
    }

    #[test]
    fn a_full_frame_looks_like_this() {
        let before = vitals(|v| v.network_rx_bytes.set(1_000_000));
        let now = vitals(|v| {
            v.cpu_usage.set(12.54);
            v.memory_total.set(16 << 30);
            v.memory_used.set(4 << 30);
            v.memory_usage.set(25.0);
            v.swap_total.set(2 << 30);
            v.load = [0.5.into(), 1.25.into(), 12.0.into()];
            v.set_state(Field::Load, State::Ok, 4_999);
            v.disk_usage.set(41.2);
            v.disk_read_bytes.set(10 << 20);
            v.network_rx_bytes.set(3_000_000);
            v.network_tx_bytes.set(77);
            v.temperature.set(54.0);
            v.set_state(Field::Temperature, State::Held, 61_000);
            v.set_state(Field::GpuTemperature, State::Asleep, 0);
            v.fan_count = 2;
            v.fan_speeds[1].set(1200);
            v.set_state(Field::PowerWatts, State::Absent, 0);
            v.set_state(Field::BatteryCharge, State::Absent, 0);
            v.process_count.set(213);
            v.uptime_ns.set(273_906_000_000_000);
            v.system_state = 1;
        });
        let mut rates = Rates::default();
        rates.add(1_000_000_000, &before);
        rates.add(2_000_000_000, &now);
        assert_eq!(
            rendered(&now, &rates),
            "system     elevated\n\
             cpu        12.5 %\n\
             memory     4.0 GiB of 16.0 GiB, 25.0 %\n\
             swap       0 B of 2.0 GiB\n\
             load       0.50 1.25 12.00 (4 s ago)\n\
             disk       41.2 % of / in use\n\
             disk io    read 10.0 MiB/s (10.0 MiB), written 0 B/s (0 B)\n\
             network    in 1.9 MiB/s (2.9 MiB), out 77 B/s (77 B)\n\
             heat       CPU 54.0 °C held, GPU asleep (61 s ago)\n\
             fans       0 1200 RPM\n\
             power      absent\n\
             processes  213\n\
             uptime     3 days 04:05:06\n"
        );
        assert_eq!(block(&now, &rates)[0].tone, Tone::Raised);
    }

    #[test]
    fn what_was_not_read_has_no_number() {
        for state in State::ALL.into_iter().filter(|state| !state.has_value()) {
            let vitals = vitals(|v| Field::ALL.into_iter().for_each(|f| v.set_state(f, state, 9)));
            for line in block(&vitals, &Rates::default()) {
                assert_eq!((line.value.as_str(), line.tone), (state.name(), Tone::Faint));
            }
        }
    }

    #[test]
    fn one_missing_value_leaves_the_others() {
        let vitals = vitals(|v| {
            v.memory_total.set(1 << 30);
            v.set_state(Field::MemoryUsed, State::Fault, 0);
            v.set_state(Field::MemoryUsage, State::Fault, 0);
            v.set_state(Field::DiskReadBytes, State::Denied, 0);
        });
        let text = rendered(&vitals, &Rates::default());
        assert!(text.contains("fault of 1.0 GiB, fault\n"), "{text}");
        assert!(text.contains("read denied, written pending (0 B)\n"), "{text}");
        assert!(text.contains("fans       none\n"), "{text}");
    }
}
