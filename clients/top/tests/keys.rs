//! Keys and the mouse, as who looks at the screen sees what they do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use common::machine::told;
use common::{drawn, text};
use kymo_top::{Action, Input, Top};

fn press(top: &mut Top, keys: &str) {
    for key in keys.chars() {
        assert_eq!(top.handle_input(Input::Char(key)), None, "{key}");
    }
}

fn shown(top: &mut Top) -> String {
    text(&drawn(top, 120, 36))
}

/// Names of processes, from the top to the bottom.
fn names(top: &mut Top) -> Vec<String> {
    let known = ["rustc", "firefox", "kymod", "systemd", "postgres", "zsh"];
    let text = shown(top);
    let lines = text.lines().filter_map(|line| line.split('│').nth(1));
    let names = lines.filter_map(|line| line.split_whitespace().nth(6));
    names.filter(|name| known.contains(name)).map(Into::into).collect()
}

#[test]
fn processes_are_ordered_and_filtered() {
    let mut top = told();
    let by_cpu = ["rustc", "postgres", "firefox", "kymod", "systemd", "zsh"];
    assert_eq!(names(&mut top), by_cpu);
    press(&mut top, "r");
    assert!(names(&mut top).iter().rev().eq(by_cpu));
    press(&mut top, "rm");
    assert_eq!(names(&mut top)[..2], ["rustc", "firefox"]);
    press(&mut top, "s");
    assert_eq!(names(&mut top)[0], "systemd", "by number");
    press(&mut top, "n");
    assert_eq!(names(&mut top)[..2], ["firefox", "kymod"]);
    press(&mut top, "c/ost");
    assert_eq!(names(&mut top), ["postgres"]);
    assert!(shown(&mut top).contains("filter /ost"));
    assert_eq!(top.handle_input(Input::Backspace), None);
    assert_eq!(top.handle_input(Input::Enter), None);
    press(&mut top, "m");
    assert_eq!(names(&mut top), ["postgres"], "keys are keys again");
    assert_eq!(top.handle_input(Input::Escape), None);
    assert_eq!(names(&mut top).len(), 6);
}

#[test]
fn a_filter_takes_letters_and_a_bound_number_of_them() {
    let mut top = told();
    press(&mut top, "/q?");
    assert!(shown(&mut top).contains("filter /q?"));
    press(&mut top, &"x".repeat(300));
    assert!(text(&drawn(&mut top, 500, 40)).contains(&"x".repeat(62)));
    assert!(!text(&drawn(&mut top, 500, 40)).contains(&"x".repeat(63)));
    assert_eq!(top.handle_input(Input::Control('c')), Some(Action::Quit));
}

#[test]
fn zoom_symbols_and_themes_go_round() {
    let mut top = told();
    let before = shown(&mut top);
    press(&mut top, "-");
    assert!(shown(&mut top).contains("zoom:2 s"));
    press(&mut top, "+++++++++++");
    assert!(shown(&mut top).contains("zoom:100 ms"));
    press(&mut top, "---");
    assert_eq!(shown(&mut top), before);
    press(&mut top, "g");
    assert!(shown(&mut top).contains("block") && !shown(&mut top).contains('⣿'));
    press(&mut top, "ggt");
    assert!(shown(&mut top).contains("paper"));
    press(&mut top, "ttt");
    assert_eq!(shown(&mut top), before);
}

#[test]
fn a_panel_can_have_the_terminal_for_itself() {
    let mut top = told();
    for _ in 0..2 {
        assert_eq!(top.handle_input(Input::Tab), None);
    }
    assert_eq!(top.handle_input(Input::Enter), None);
    let alone = shown(&mut top);
    assert!(alone.contains("sensors") && !alone.contains("processes 6"), "{alone}");
    for word in ["asleep", "denied", "absent", "8.5 W held", "0 RPM", "12 s", "29.5 s"] {
        assert!(alone.contains(word), "{word}: {alone}");
    }
    assert_eq!(top.handle_input(Input::Escape), None);
    assert!(shown(&mut top).contains("processes 6"));
}

#[test]
fn the_mouse_chooses_panels_and_moves_lists() {
    let mut top = told();
    let (width, height) = (80, 24);
    let before = text(&drawn(&mut top, width, height));
    // The list is lower than it is long.
    assert_eq!(top.handle_input(Input::WheelDown(10, 20)), None);
    let moved = text(&drawn(&mut top, width, height));
    assert!(before != moved || before.contains("zsh"), "{moved}");
    assert_eq!(top.handle_input(Input::Click(5, 3)), None);
    assert_eq!(top.handle_input(Input::Enter), None);
    let cpu = text(&drawn(&mut top, width, height));
    assert!(cpu.contains("cpu") && !cpu.contains("memory"), "{cpu}");
    // Where there is nothing, nothing happens.
    assert_eq!(top.handle_input(Input::Click(500, 500)), None);
    assert_eq!(top.handle_input(Input::WheelUp(500, 500)), None);
}

#[test]
fn lists_move_and_stop_at_their_ends() {
    let mut top = told();
    for input in [Input::Tab, Input::Tab, Input::Enter] {
        assert_eq!(top.handle_input(input), None);
    }
    let first = text(&drawn(&mut top, 60, 12));
    assert!(first.contains("k10temp Tctl") && first.contains("more"), "{first}");
    assert_eq!(top.handle_input(Input::End), None);
    let last = text(&drawn(&mut top, 60, 12));
    assert!(last.contains("nct6779 in0") && !last.contains("k10temp"), "{last}");
    assert_eq!(top.handle_input(Input::PageUp), None);
    assert_eq!(top.handle_input(Input::Home), None);
    assert_eq!(text(&drawn(&mut top, 60, 12)), first);
    assert_eq!(top.handle_input(Input::Control('z')), Some(Action::Suspend));
    assert_eq!(top.handle_input(Input::Control('l')), Some(Action::Redraw));
    assert_eq!(top.handle_input(Input::Char('q')), Some(Action::Quit));
}
