//! A real kymod for tests of clients, and a directory for it.

#![allow(dead_code)] // each test uses its part

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PATIENCE, Scratch};

/// A process that ends with the test.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end, and returns what it said, which fits a pipe.
    pub fn wait_with_output(mut self) -> Output {
        let status = self.wait();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_end(&mut stdout).unwrap();
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_end(&mut stderr).unwrap();
        }
        Output { status, stdout, stderr }
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
    for name in ["KYMO_STATE", "STATE_DIRECTORY", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut process = Process(child);
    let mut ready = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.starts_with("ready "), "{ready:?}");
    process
}

/// The same without a journal: it forgets everything with its end.
pub fn forgetful(scratch: &Scratch, options: &[&str]) -> Process {
    let settings = scratch.write("kymo.toml", "[journal]\nenabled = false\n");
    kymod(&scratch.0, &[&["--config", &settings], options].concat())
}

/// kymod stands two directories above every test. A test of one package alone does not build it.
pub fn kymod_path() -> PathBuf {
    static BUILD: Once = Once::new();
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap_or(Path::new("")).join("kymod");
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
