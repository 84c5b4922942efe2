//! What the dashboard looks like, held against text files. `KYMO_BLESS=1` writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::path::Path;

use common::machine::{self, GAP, GOODBYE, connected, event, told};
use common::{S, WALL_NS, drawn, drawn_at, feed, text};
use kymo_client::{Data, State};
use kymo_protocol::{Stamp, Words};
use kymo_top::{Input, Options, Symbols, Top};

/// Holds what is drawn against the file of that name.
fn check(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.txt"));
    if std::env::var_os("KYMO_BLESS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name}: KYMO_BLESS=1 writes it\n{found}");
}

fn press(top: &mut Top, keys: &str) {
    for key in keys.chars() {
        assert_eq!(top.handle_input(Input::Char(key)), None, "{key}");
    }
}

#[test]
fn each_size_has_its_layout() {
    for (width, height) in [
        (1, 1),
        (12, 8),
        (20, 5),
        (40, 12),
        (60, 14),
        (80, 24),
        (80, 50),
        (120, 36),
        (160, 50),
        (500, 200),
    ] {
        let found = text(&drawn(&mut told(), width, height));
        check(&format!("{width}x{height}"), &found);
        for (row, line) in found.lines().enumerate() {
            let columns = ratatui::text::Span::raw(line).width();
            assert!(columns <= usize::from(width), "row {row} of {width}x{height}");
        }
    }
}

#[test]
fn each_set_of_symbols_draws_the_same() {
    check("block", &text(&drawn(&mut machine::of_symbols(Symbols::Block), 100, 30)));
    let ascii = text(&drawn(&mut machine::of_symbols(Symbols::Ascii), 100, 30));
    assert!(ascii.is_ascii());
    check("ascii", &ascii);
}

#[test]
fn keys_are_explained() {
    let mut top = told();
    press(&mut top, "?");
    check("help", &text(&drawn(&mut top, 80, 24)));
    assert_eq!(top.handle_input(Input::Escape), None);
    assert_eq!(text(&drawn(&mut top, 80, 24)), text(&drawn(&mut told(), 80, 24)));
}

#[test]
fn a_pause_freezes_the_picture_and_counts_events() {
    let mut top = told();
    press(&mut top, " ");
    let frozen = text(&drawn(&mut top, 80, 24));
    feed(&mut top, &event(43, "late", Data::Json("1"), WALL_NS), WALL_NS);
    feed(&mut top, &machine::vitals(470, 1090 * S), WALL_NS);
    let paused = text(&drawn(&mut top, 80, 24));
    check("paused", &paused);
    // All but the line that tells of it is as it was.
    assert!(frozen.lines().skip(1).eq(paused.lines().skip(1)));
    press(&mut top, " ");
    let focus = [Input::Tab];
    focus.into_iter().for_each(|input| assert_eq!(top.handle_input(input), None));
    let live = text(&drawn(&mut top, 80, 24));
    assert!(live.contains("late") && !live.contains("paused"), "{live}");
}

#[test]
fn a_state_at_the_beginning_is_no_event() {
    let mut top = told();
    feed(&mut top, &event(0, "state_change", Data::Json("\"idle\""), WALL_NS - 60 * S), WALL_NS);
    let found = text(&drawn(&mut top, 120, 36));
    assert!(found.contains("11:59:00 -      state_change \"idle\" (state)"), "{found}");
    assert!(found.contains("─ events 2 ─"), "{found}");
}

#[test]
fn losses_stand_where_they_happened() {
    let mut top = told();
    top.handle_item(&GAP, WALL_NS);
    feed(&mut top, &event(60, "build.started", Data::Json("{}"), WALL_NS), WALL_NS);
    check("gap", &text(&drawn(&mut top, 120, 36)));
}

#[test]
fn a_daemon_that_goes_away_and_comes_back_is_told() {
    let mut top = told();
    top.handle_item(&GOODBYE, WALL_NS);
    let lost = text(&drawn_at(&mut top, 120, 36, WALL_NS + 7 * S));
    check("lost", &lost);
    top.handle_item(&connected(true), WALL_NS + 8 * S);
    let back = text(&drawn_at(&mut top, 120, 36, WALL_NS + 8 * S));
    assert!(back.contains("connected again to the daemon in /run/kymo"), "{back}");
    assert!(back.contains("0 frames, reconnects 1"), "{back}");
    // What grew while nobody looked is no rate.
    feed(&mut top, &machine::vitals(440, 1088 * S), WALL_NS + 8 * S);
    let anew = text(&drawn_at(&mut top, 120, 36, WALL_NS + 8 * S));
    assert!(anew.contains("in pending") && anew.contains("read pending"), "{anew}");
    // What sensors there are is told anew.
    assert!(back.contains("sensors pending") && !back.contains("k10temp"), "{back}");
    feed(&mut top, &machine::catalog(2, &machine::SENSORS), WALL_NS + 8 * S);
    // What was read under the catalog before may be of others.
    let hwmon = kymo_client::Group::Hwmon;
    let old = machine::samples(1, 1088 * S, hwmon, &machine::SENSORS, |told| told.5);
    feed(&mut top, &old, WALL_NS + 8 * S);
    let named = text(&drawn_at(&mut top, 120, 36, WALL_NS + 8 * S));
    assert!(named.contains("k10temp") && !named.contains("54.2 °C"), "{named}");
}

#[test]
fn what_nobody_reads_is_a_word() {
    let mut top = Top::new(Options::default());
    check("nothing", &text(&drawn(&mut top, 100, 30)));
    top.handle_item(&connected(false), WALL_NS);
    let mut sensors = machine::SENSORS;
    sensors.iter_mut().for_each(|sensor| (sensor.3, sensor.5) = (State::Absent, 0.0));
    feed(&mut top, &machine::catalog(1, &sensors), WALL_NS);
    for group in kymo_client::Group::ALL {
        feed(&mut top, &machine::samples(1, S, group, &sensors, |_| 0.0), WALL_NS);
    }
    let mut bytes = [0; 320];
    let stamp = Stamp { boot_ns: S };
    let at = kymo_protocol::Position { stream: kymo_client::StreamId::VITALS, sequence: 1 };
    let (vitals, size) =
        kymo_protocol::emit::<kymo_protocol::Vitals>(&mut bytes, at, stamp).unwrap();
    for field in kymo_protocol::Field::ALL {
        vitals.set_state(field, State::Absent, 0);
    }
    feed(&mut top, &bytes[..size], WALL_NS);
    let absent = text(&drawn(&mut top, 160, 50));
    check("absent", &absent);
    for number in ["0.0 %", "0 %", " 0 B", "0.00", "0 RPM", "0.0 °C"] {
        assert!(!absent.contains(number), "{number}: {absent}");
    }
}

#[test]
fn what_strangers_say_does_no_harm() {
    let mut top = told();
    let hostile = "a\u{1b}[2J\u{9b}31m\u{202e}evil\u{200b}\u{feff}e\u{301}\u{301}中\u{e0041}";
    // A topic has no control characters on the wire.
    let topic = "a\u{202e}evil\u{200b}\u{feff}中\u{e0041}";
    feed(&mut top, &event(43, topic, Data::Text(Words::Plain(hostile)), WALL_NS), WALL_NS);
    let long = "中".repeat(2000);
    feed(&mut top, &event(44, "wide", Data::Text(Words::Plain(&long)), WALL_NS), WALL_NS);
    feed(&mut top, &machine::processes(&[(7, 0, 1.0, 5, b'R', hostile)]), WALL_NS);
    top.notice(WALL_NS, hostile);
    top.set_source(hostile);
    let buffer = drawn(&mut top, 120, 36);
    check("hostile", &text(&buffer));
    for cell in buffer.content() {
        assert!(!cell.symbol().chars().any(|char| char.is_control() || char == '\u{202e}'));
    }
}
