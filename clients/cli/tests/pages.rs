//! Completions and man pages know what `--help` tells, and their own tools accept them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{kymo, output};

const COMMANDS: [&str; 20] = [
    "", "get", "watch", "top", "record", "dump", "replay", "export", "submit", "toggle", "status",
    "sensors", "metrics", "ping", "doctor", "bench", "stress", "service", "reload", "quit",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// The options that a help describes: each stands first on a line, or behind another one.
fn options(help: &str) -> BTreeSet<String> {
    let lines = help.lines().filter(|line| line.starts_with("  --"));
    let words = lines.flat_map(|line| line.split_whitespace().take(3));
    let mut options: BTreeSet<String> =
        words.filter(|word| word.starts_with("--")).map(Into::into).collect();
    options.insert("--help".into());
    options
}

fn help(command: &str) -> BTreeSet<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let outcome = output(kymo(&words).arg("--help"));
    options(str::from_utf8(&outcome.stdout).unwrap())
}

fn help_of_kymod() -> BTreeSet<String> {
    let outcome = Command::new(common::kymod::kymod_path()).arg("--help").output().unwrap();
    options(str::from_utf8(&outcome.stdout).unwrap())
}

fn said_by(command: &mut Command) -> String {
    let outcome = command.arg("--help").output().unwrap();
    assert!(outcome.status.success() && outcome.stderr.is_empty());
    String::from_utf8(outcome.stdout).unwrap()
}

/// A help is what people and scripts learn a command from: a change of one is seen in review.
/// `KYMO_BLESS=1` writes them anew.
#[test]
fn helps_are_as_they_were_approved() {
    let mut all: Vec<(String, String)> = COMMANDS
        .iter()
        .map(|command| {
            let words: Vec<&str> = command.split_whitespace().collect();
            let name = if command.is_empty() { "kymo" } else { command };
            (name.into(), said_by(&mut kymo(&words)))
        })
        .collect();
    let kymod = Command::new(common::kymod::kymod_path());
    all.push(("kymod".into(), said_by(&mut { kymod })));
    for (name, said) in all {
        let path = file(&format!("tests/help/{name}.txt"));
        assert!(said.lines().count() <= 40 && said.lines().all(|line| line.len() <= 80), "{said}");
        if std::env::var_os("KYMO_BLESS").is_some() {
            fs::write(&path, &said).unwrap();
        }
        let approved = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, approved, "{}; KYMO_BLESS=1 writes it", path.display());
    }
}

/// What bash offers behind `words`.
fn offered(words: &str) -> BTreeSet<String> {
    let script = format!(
        "source {}; COMP_WORDS=({words} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _{}; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        file("completions/kymo.bash").display(),
        words.split_whitespace().next().unwrap()
    );
    let outcome = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(outcome.stderr.is_empty(), "{}", String::from_utf8_lossy(&outcome.stderr));
    str::from_utf8(&outcome.stdout).unwrap().lines().map(Into::into).collect()
}

#[test]
fn bash_offers_what_each_command_takes() {
    for command in &COMMANDS[1..] {
        let mut expected = help(command);
        if *command == "service" {
            expected.extend(["install", "uninstall", "status"].map(Into::into));
        }
        assert_eq!(offered(&format!("kymo {command}")), expected, "kymo {command}");
    }
    assert_eq!(offered("kymod"), help_of_kymod());
    let mut first: BTreeSet<String> = COMMANDS[1..].iter().map(ToString::to_string).collect();
    first.extend(["--metrics", "--version", "--help"].map(Into::into));
    assert_eq!(offered("kymo"), first);
}

#[test]
fn the_others_know_every_option() {
    let (fish, zsh) = (text("completions/kymo.fish"), text("completions/_kymo"));
    let pages = ["kymo.1", "kymod.8"].map(|name| text(&format!("../../docs/man/{name}")));
    for command in &COMMANDS[1..] {
        assert!(fish.contains(&format!(" -a {command} ")), "fish: {command}");
        assert!(zsh.contains(&format!("    '{command}:")), "zsh: {command}");
        let named = pages[0].lines().any(|line| {
            line.starts_with(".It Cm") && line.split([' ', '|']).any(|word| word == *command)
        });
        assert!(named, "kymo.1: {command}");
    }
    let all = COMMANDS.iter().map(|command| (help(command), &pages[0]));
    for (options, page) in all.chain([(help_of_kymod(), &pages[1])]) {
        for option in options {
            let name = option.trim_start_matches('-');
            assert!(fish.contains(&format!(" -l {name} ")), "fish: {option}");
            assert!(zsh.contains(&format!("{option}[")), "zsh: {option}");
            assert!(page.contains(&format!("Fl -{name}")), "man: {option}");
        }
    }
}

#[test]
fn each_setting_has_a_place_in_its_page() {
    let page = text("../../docs/man/kymo.toml.5");
    let settings = text("../../docs/SETTINGS.md");
    let table = settings.split("| table | key | is | default |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let keys: Vec<&str> = rows
        .flat_map(|row| row.split('|').nth(2).unwrap().split(','))
        .map(|key| key.trim().trim_matches('`'))
        .collect();
    assert!(keys.len() > 15, "{keys:?}");
    for key in keys {
        assert!(page.contains(&format!(".It Sy {key}\n")), "{key}");
    }
}

#[test]
fn their_own_tools_accept_them() {
    let pages = ["kymo.1", "kymod.8", "kymo.toml.5"].map(|name| format!("../../docs/man/{name}"));
    let [kymo, kymod, toml] = &pages;
    let checks = [
        ("bash", vec!["-n"], "completions/kymo.bash"),
        ("zsh", vec!["-n"], "completions/_kymo"),
        ("fish", vec!["-n"], "completions/kymo.fish"),
        ("mandoc", vec!["-Tlint", "-Wwarning"], kymo),
        ("mandoc", vec!["-Tlint", "-Wwarning"], kymod),
        ("mandoc", vec!["-Tlint", "-Wwarning"], toml),
    ];
    for (tool, arguments, name) in checks {
        match Command::new(tool).args(arguments).arg(file(name)).output() {
            Err(error) => eprintln!("not checked: {name}: {tool}: {error}"),
            Ok(outcome) => {
                let told = [outcome.stdout, outcome.stderr].concat();
                let told = String::from_utf8_lossy(&told);
                assert!(outcome.status.success() && told.is_empty(), "{tool} {name}: {told}");
            }
        }
    }
}
