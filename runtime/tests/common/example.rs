//! Runs an example of the package under test, as its reader would. Cargo builds examples with a
//! package's tests, but not for a single one; then `cargo build --examples` comes first.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What it printed. It must end by itself, well, and without a word on standard error.
pub fn run(name: &str, arguments: &[&str]) -> String {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    let mut command = Command::new(&path);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // They take two seconds at most; other tests run beside them. None fills a pipe.
    let end = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{name}: {}\n{text}{errors}", output.status);
    assert_eq!(errors, "", "{name}");
    text
}

/// The first number behind `mark` in the text.
#[allow(dead_code)] // each test uses its part
pub fn number_after(text: &str, mark: &str) -> f64 {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark:?} in {text}"));
    let rest = rest.trim_start();
    let size = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
    rest[..size.unwrap_or(rest.len())].parse().unwrap_or_else(|_| panic!("{mark:?} in {text}"))
}
