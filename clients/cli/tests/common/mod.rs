//! A kymod to watch, and a directory for it.
#![allow(dead_code)] // each test binary uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than anything takes here on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A directory that goes with the test.
#[derive(Debug)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// A new directory, mode 0700.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kymo-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with the test.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts kymod in `directory` and waits until it is ready.
pub fn kymod(directory: &Path, options: &[&str]) -> Process {
    let mut command = Command::new(kymod_path());
    command.arg("--dir").arg(directory).args(options);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut process = Process(child);
    let mut ready = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.starts_with("ready "), "{ready:?}");
    process
}

/// kymod stands beside kymo. A test of this package alone does not build it.
fn kymod_path() -> PathBuf {
    static BUILD: Once = Once::new();
    let path = Path::new(env!("CARGO_BIN_EXE_kymo")).with_file_name("kymod");
    BUILD.call_once(|| {
        if !path.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--package", "kymo", "--bin", "kymod"]);
            if !cfg!(debug_assertions) {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "kymod can't be built");
        }
    });
    path
}

/// `kymo` with `arguments`, where it finds no daemon but the ones it is told of.
pub fn kymo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kymo"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["KYMO_DIR", "XDG_RUNTIME_DIR", "HOME", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// Runs `kymo watch --dir directory` with `arguments` to its end.
pub fn watch(directory: &Path, arguments: &[&str]) -> Output {
    output(kymo(&["watch", "--dir"]).arg(directory).args(arguments))
}

/// Runs a command to its end, which must come, and after no more than a pipe holds.
pub fn output(command: &mut Command) -> Output {
    let mut process = Process(command.spawn().unwrap());
    let status = process.wait();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    if let Some(mut pipe) = process.0.stdout.take() {
        pipe.read_to_end(&mut stdout).unwrap();
    }
    if let Some(mut pipe) = process.0.stderr.take() {
        pipe.read_to_end(&mut stderr).unwrap();
    }
    Output { status, stdout, stderr }
}

/// What it printed, as values; each line must be JSON.
pub fn values(output: &[u8]) -> Vec<serde_json::Value> {
    let text = str::from_utf8(output).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What it said on standard error.
pub fn said(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}
