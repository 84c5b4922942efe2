//! `docs/kymo.toml`, which packages install as `/etc/kymo/kymo.toml`: it sets nothing, names every
//! key that there is, and what it names is the default.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use kymo::Config;

#[path = "common/scratch.rs"]
mod scratch;

/// Tables, by their headers; the first is the file itself.
const TABLES: [&str; 9] = [
    "",
    "[[listener]]",
    "[limits]",
    "[journal]",
    "[quotas]",
    "[access]",
    "[sensors]",
    "[sandbox]",
    "[[recorder]]",
];
/// Keys whose values here are examples: there is no default that could stand in a file.
const EXAMPLES: [&str; 3] = ["path", "read_group", "smc_keys"];

fn text() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kymo.toml")).unwrap()
}

/// The file with every setting set: prose has a blank behind its `#`, settings have none.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting.to_string(),
        _ => line.to_string(),
    };
    text().lines().map(|text| line(text) + "\n").collect()
}

/// What is set, as table and key.
fn set_in(text: &str) -> BTreeSet<(String, String)> {
    let mut table = String::new();
    let mut set = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            table = line.into();
        } else if let Some((key, _)) = line.split_once(" = ") {
            set.insert((table.clone(), key.into()));
        }
    }
    set
}

/// The keys that the parser knows, by its own word: it names them where it knows none like it.
fn known(table: &str) -> BTreeSet<(String, String)> {
    let text = format!("{table}\nxqxqxqxqxqxq = 1\n");
    let error = Config::in_directory("/k").read_toml(&text).unwrap_err().to_string();
    let (_, keys) = error.split_once("; known: ").unwrap_or_else(|| panic!("{error}"));
    keys.split('`').skip(1).step_by(2).map(|key| (table.to_string(), key.to_string())).collect()
}

#[test]
fn it_names_every_key_there_is() {
    let tables: BTreeSet<String> =
        TABLES.iter().map(|table| table.trim_matches(['[', ']']).into()).collect();
    let (below, keys): (BTreeSet<_>, BTreeSet<_>) =
        known("").into_iter().partition(|(_, key)| tables.contains(key));
    assert_eq!(below.len(), TABLES.len() - 1, "{below:?}");
    let mut known =
        TABLES[1..].iter().map(|table| known(table)).fold(keys, |all, more| &all | &more);
    assert!(known.len() > 20, "{known:?}");
    // Of no use to those who read it, but it is a key of the table's own.
    known.retain(|(_, key)| !tables.contains(key));
    assert_eq!(set_in(&uncommented()), known);
}

#[test]
fn it_sets_nothing_and_names_the_defaults() {
    let mut config = Config::in_directory("/k");
    config.journal = Some(kymo::JournalSettings::default());
    let unset = format!("{config:?}");
    config.read_toml(&text()).unwrap();
    assert_eq!(format!("{config:?}"), unset);
    let mut is_element = false;
    let mut defaults = String::new();
    for line in uncommented().lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            is_element = line.starts_with("[[");
        }
        let is_example = EXAMPLES.iter().any(|key| line.starts_with(&format!("{key} = ")));
        if !is_element && !is_example {
            defaults += &format!("{line}\n");
        }
    }
    assert!(defaults.contains("clients = ") && !defaults.contains("[[listener]]"), "{defaults}");
    config.read_toml(&defaults).unwrap();
    assert_eq!(format!("{config:?}"), unset);
}

#[test]
fn kymod_takes_it_with_everything_set() {
    let scratch = scratch::Scratch::new();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    for text in [text(), uncommented()] {
        // Not every system has the example's group.
        let group = groups.lines().find_map(|line| line.split(':').next()).unwrap_or("wheel");
        let group = if groups.contains("\nusers:") { "users" } else { group };
        let path = scratch.write("kymo.toml", &text.replace("\"users\"", &format!("\"{group}\"")));
        let mut kymod = Command::new(env!("CARGO_BIN_EXE_kymod"));
        kymod.args(["--check-config", "--config", &path, "--dir"]).arg(&scratch.0);
        let output = kymod.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
