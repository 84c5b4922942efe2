//! Any content on any size: no panic, and nothing in a cell that a terminal would act on. And the
//! history, against one that keeps every value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test
#![allow(clippy::cast_possible_truncation)] // as the history itself

mod common;

use common::machine::{self, GAP, GOODBYE, Told, connected, event};
use common::{S, WALL_NS, drawn, feed};
use kymo_client::{Data, Group, State};
use kymo_protocol::{Field, Payload, Position, Stamp, Vitals, Words, emit};
use kymo_top::{Column, Depth, History, Input, Options, Symbols, Top};
use proptest::prelude::*;
use ratatui::text::Span;

/// Texts that somebody may think of.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,12}",
        any::<String>(),
        Just("\u{1b}]0;x\u{7}\u{9b}2J\r\n".into()),
        Just("\u{202e}\u{2066}\u{200f}abc".into()),
        Just("e\u{301}\u{301}\u{301}\u{200d}\u{fe0f}中👩\u{200d}🔬".into()),
        Just("中".repeat(40)),
        Just("\u{0}".into()),
    ]
}

fn states() -> impl Strategy<Value = State> {
    proptest::sample::select(&State::ALL[..])
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        0.0..1e13,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-0.0),
        Just(f64::MAX)
    ]
}

/// Something that happens to the dashboard.
#[derive(Clone, Debug)]
enum Step {
    Vitals(Vec<u8>, u64, State, u32, u8),
    Sensors(Vec<(u16, String, String, State, u32, f64)>, u64),
    Processes(Vec<(u32, f32, u64, String)>),
    Event(String, String),
    Gap,
    Lost,
    Connected,
    Key(Input),
    Notice(String),
    Source(String),
}

fn steps() -> impl Strategy<Value = Step> {
    let metrics = proptest::sample::select(&kymo_protocol::METRICS[..]);
    let sensor = (metrics, texts(), texts(), states(), any::<u32>(), numbers()).prop_map(
        |(metric, label, value, state, age, number)| {
            (metric.number, label, value, state, age, number)
        },
    );
    let keys = proptest::sample::select(
        &[
            Input::Char(' '),
            Input::Char('+'),
            Input::Char('-'),
            Input::Char('s'),
            Input::Char('r'),
            Input::Char('/'),
            Input::Char('g'),
            Input::Char('t'),
            Input::Char('?'),
            Input::Char('中'),
            Input::Tab,
            Input::BackTab,
            Input::Enter,
            Input::Escape,
            Input::Down,
            Input::End,
            Input::PageUp,
            Input::Click(10, 10),
            Input::WheelDown(3, 20),
        ][..],
    );
    let payload = proptest::collection::vec(any::<u8>(), 160);
    let row = (any::<u32>(), any::<f32>(), any::<u64>(), texts());
    prop_oneof![
        (payload, 0..400 * S, states(), any::<u32>(), 0..3_u8)
            .prop_map(|(bytes, at, state, age, mood)| Step::Vitals(bytes, at, state, age, mood)),
        (proptest::collection::vec(sensor, 0..40), 0..400 * S)
            .prop_map(|(sensors, at)| Step::Sensors(sensors, at)),
        proptest::collection::vec(row, 0..30).prop_map(Step::Processes),
        (texts(), texts()).prop_map(|(topic, data)| Step::Event(topic, data)),
        Just(Step::Gap),
        Just(Step::Lost),
        Just(Step::Connected),
        keys.prop_map(Step::Key),
        texts().prop_map(Step::Notice),
        texts().prop_map(Step::Source),
    ]
}

/// A text that an attribute, a label or a topic may have on the wire.
fn plain(text: &str, bytes: usize) -> String {
    let mut plain: String = text.chars().filter(|char| !char.is_control()).collect();
    while plain.len() > bytes {
        plain.pop();
    }
    plain
}

fn do_step(top: &mut Top, step: Step) {
    match step {
        Step::Vitals(payload, at_ns, state, age_ms, mood) => {
            let mut bytes = vec![0; Vitals::FRAME_SIZE];
            let at = Position { stream: kymo_client::StreamId::VITALS, sequence: 1 };
            let stamp = Stamp { boot_ns: at_ns };
            emit::<Vitals>(&mut bytes, at, stamp).unwrap();
            let start = bytes.len() - 288;
            // Numbers are whatever they are; states and flags are what a frame may have.
            bytes[start..start + 144].copy_from_slice(&payload[..144]);
            bytes[start + 149] = mood;
            bytes[start + 150] = mood;
            for (field, place) in Field::ALL.into_iter().zip(0..) {
                let state = if place % 3 == 0 { state } else { State::Ok };
                bytes[start + 160 + field as usize] = state as u8;
                let age = start + 184 + 4 * field as usize;
                bytes[age..age + 4].copy_from_slice(&age_ms.to_le_bytes());
            }
            feed(top, &bytes, WALL_NS);
        }
        Step::Sensors(sensors, at_ns) => {
            let keys = [
                "cpu.logical_number",
                "system.filesystem.mountpoint",
                "system.device",
                "network.interface.name",
                "system.memory.state",
            ];
            let texts: Vec<_> = sensors
                .iter()
                .map(|(_, label, value, ..)| (plain(label, 60), plain(value, 60)))
                .collect();
            let attributes: Vec<_> =
                texts.iter().map(|(_, value)| keys.map(|key| (key, value.as_str()))).collect();
            let told: Vec<Told<'_>> = sensors
                .iter()
                .zip(&texts)
                .zip(&attributes)
                .map(|((sensor, (label, _)), attributes)| {
                    let (metric, .., state, age, value) = sensor;
                    (*metric, label.as_str(), &attributes[..], *state, *age, *value)
                })
                .collect();
            // As many as one frame has room for.
            let told = &told[..told.len().min(16)];
            feed(top, &machine::catalog(1, told), WALL_NS);
            for group in Group::ALL {
                feed(top, &machine::samples(1, at_ns, group, told, |told| told.5), WALL_NS);
            }
        }
        Step::Processes(rows) => {
            let rows: Vec<machine::Row<'_>> = rows
                .iter()
                .map(|(pid, cpu, memory, name)| (*pid, *pid, *cpu, *memory, b'S', name.as_str()))
                .collect();
            feed(top, &machine::processes(&rows), WALL_NS);
        }
        Step::Event(topic, data) => {
            let topic = format!("t{}", plain(&topic, 40));
            let data = Data::Text(Words::Plain(&data));
            feed(top, &event(7, &topic, data, WALL_NS), WALL_NS);
        }
        Step::Gap => top.handle_item(&GAP, WALL_NS),
        Step::Lost => top.handle_item(&GOODBYE, WALL_NS),
        Step::Connected => top.handle_item(&connected(true), WALL_NS),
        Step::Key(input) => assert_eq!(top.handle_input(input), None),
        Step::Notice(text) => top.notice(WALL_NS, &text),
        Step::Source(text) => top.set_source(&text),
    }
}

fn sizes() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        (1..30_u16, 1..12_u16),
        (50..130_u16, 8..40_u16),
        (1..300_u16, 1..70_u16),
        Just((80, 24)),
        Just((1, 1))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_may_happen_harms_a_terminal(
        steps in proptest::collection::vec((steps(), sizes()), 1..16),
        symbols in proptest::sample::select(&Symbols::ALL[..]),
        theme in 0..9_usize,
    ) {
        let mut top = Top::new(Options { symbols, depth: Depth::True, theme });
        top.handle_item(&connected(false), WALL_NS);
        for (step, (width, height)) in steps {
            do_step(&mut top, step);
            let buffer = drawn(&mut top, width, height);
            for cell in buffer.content() {
                let symbol = cell.symbol();
                prop_assert!(!symbol.chars().any(is_acted_on), "{symbol:?}");
                prop_assert!((1..=2).contains(&Span::raw(symbol).width()), "{symbol:?}");
                prop_assert!(symbol.chars().count() <= 3, "{symbol:?}");
            }
        }
    }

    #[test]
    fn a_history_has_what_one_has_that_keeps_everything(
        steps in proptest::collection::vec(
            (0..3_000_u64, proptest::option::weighted(0.9, -1e6..1e6_f64)),
            1..300
        ),
        zoom in 0..9_usize,
        hold_ms in 1..4_000_u64,
        count in 1..700_usize,
    ) {
        let (mut history, mut kept, mut at_ms) = (History::default(), Vec::new(), 0);
        for (later_ms, value) in steps {
            at_ms += later_ms;
            history.add(at_ms * 1_000_000, value, hold_ms * 1_000_000);
            kept.push((at_ms, value.map(|value| value as f32)));
        }
        let found: Vec<_> = history.columns(zoom, at_ms * 1_000_000, count).collect();
        let width_ms = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000][zoom] / 2;
        let end = at_ms / width_ms;
        for (column, back) in found.iter().rev().zip(0..) {
            let expected = end.checked_sub(back).and_then(|number| {
                naive(&kept, number * width_ms, width_ms, hold_ms)
            });
            prop_assert_eq!(*column, expected, "{} columns back", back);
        }
    }
}

/// The column from `start_ms` on, as it must be.
fn naive(
    kept: &[(u64, Option<f32>)],
    start_ms: u64,
    width_ms: u64,
    hold_ms: u64,
) -> Option<Column> {
    let inside = |(at_ms, _): &&(u64, Option<f32>)| (start_ms..start_ms + width_ms).contains(at_ms);
    let values: Vec<f32> = kept.iter().filter(inside).filter_map(|(_, value)| *value).collect();
    if !values.is_empty() {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        return Some(Column { least, most });
    }
    // A value before holds if another one follows soon enough, and nothing came between.
    let next = kept.iter().position(|(at_ms, _)| *at_ms >= start_ms + width_ms)?;
    let (after_ms, after) = kept[next];
    let (before_ms, before) = *kept[..next].last()?;
    let value = before.filter(|_| after.is_some() && after_ms - before_ms <= hold_ms)?;
    Some(Column { least: value, most: value })
}

fn is_acted_on(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(char, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}
