//! What the figures were measured on.

use std::fs;
use std::process::Command;

/// The machine in lines of `key: value`.
#[must_use]
pub fn describe() -> Vec<(&'static str, String)> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    vec![
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("CPU", model.trim_start_matches(['\t', ' ', ':']).to_string()),
        ("cores", cores.to_string()),
        ("kernel", output("uname", &["-srm"])),
        ("rustc", output("rustc", &["--version"])),
        ("load average at the end", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
    ]
}

/// What a command prints, in one line; a question mark when it can't be run.
#[must_use]
pub fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "?".into())
}
