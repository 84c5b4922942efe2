//! The parts that were measured, kept beside the programs until the report is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use kymo_benches::host;
use kymo_benches::{Outcome, collectd};
use serde::{Deserialize, Serialize};

use crate::scrape;
use crate::system::System;
use crate::table::Table;

const HEAD: &str = "\
# Beside its peers

Written by `make bench-peers`; not edited. kymo and its peers take turns on one machine. Each figure
is a median: kymo's with its quartiles, that of a peer with its ratio to kymo's of the same round
and the quartiles of that ratio. Where those are wide the machine had other work, which a p99 feels
first, and the figure is worth little. The best of a row is bold, whoever it is. Subscribers are all
in one process, servers in others, sockets are Unix sockets. What each is set up for stands with its
table.

![kymo beside its peers](peers.svg)
";

/// A part that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// When.
    pub date: String,
    /// Load of the machine at the end.
    pub load: String,
    /// Niceness: below 0 other programs were held off, for everybody alike.
    pub nice: String,
    /// What.
    pub table: Table,
}

impl Measured {
    /// Now.
    #[must_use]
    pub fn now(table: Table) -> Self {
        let host = host::describe();
        let of = |key: &str| {
            let found = host.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let nice = host::output("nice", &[]);
        Self { date: of("date"), load: of("load average at the end"), nice, table }
    }

    /// Keeps it.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn keep(&self, part: &str) -> Outcome<()> {
        let path = path(part)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, serde_json::to_string(self)?)?)
    }

    /// The last one that was kept.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn kept(part: &str) -> Outcome<Self> {
        let text = fs::read_to_string(path(part)?);
        let text = text.map_err(|_| format!("{part} was not measured yet"))?;
        Ok(serde_json::from_str(&text)?)
    }
}

fn path(part: &str) -> Outcome<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().ok_or("a program without a folder")?;
    Ok(folder.join("peers").join(format!("{part}.json")))
}

/// The whole report. `failed`: what could not be measured at all.
#[must_use]
pub fn markdown(parts: &[Measured], failed: &[String]) -> String {
    let mut text = String::from(HEAD);
    text.push('\n');
    // Writing to a string can't fail.
    let dates = |pick: fn(&str, &str) -> bool| {
        let mut dates = parts.iter().map(|part| part.date.as_str());
        let first = dates.next().unwrap_or("?");
        dates.fold(first, |one, other| if pick(other, one) { other } else { one }).to_string()
    };
    let _ = writeln!(text, "* date: {} to {}", dates(|a, b| a < b), dates(|a, b| a > b));
    let hidden = ["date", "load average at the end"];
    for (key, value) in host::describe().iter().filter(|(key, _)| !hidden.contains(key)) {
        let _ = writeln!(text, "* {key}: {value}");
    }
    let loads: Vec<_> = parts.iter().filter_map(|part| part.load.split(' ').next()).collect();
    let nices: BTreeSet<_> = parts.iter().map(|part| part.nice.as_str()).collect();
    let nices: Vec<_> = nices.into_iter().collect();
    let _ = writeln!(text, "* load average after each part: {}", loads.join(", "));
    let _ = writeln!(text, "* niceness: {}", nices.join(", "));
    let mut versions: Vec<_> = System::ALL.iter().map(|one| one.version()).collect();
    versions.extend(collectors());
    let _ = writeln!(text, "* versions: {}", versions.join("; "));
    for part in parts {
        let _ = write!(text, "\n{}", part.table.markdown());
    }
    for failure in failed {
        let _ = writeln!(text, "\nNot measured: {failure}.");
    }
    text
}

fn collectors() -> Vec<String> {
    let mut found = Vec::new();
    if collectd::Collectd::program().is_some() {
        found.push(format!("collectd {}", package("collectd-core")));
    }
    if scrape::NodeExporter::missing().is_none() {
        found.push(format!("node_exporter {}", package("prometheus-node-exporter")));
    }
    found
}

fn package(name: &str) -> String {
    host::output("dpkg-query", &["-f${Version}", "-W", name])
}
