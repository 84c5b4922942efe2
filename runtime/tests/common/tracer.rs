//! strace on a running daemon.

use std::fs;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Daemon, eventually};

/// strace on a running daemon, while this lives.
pub struct Tracer(Child, String);

impl Tracer {
    /// `None`, with a word about it, where strace can't be used.
    pub fn attach(daemon: &Daemon, options: &[&str]) -> Option<Self> {
        let output = daemon.directory.join("trace").to_str().unwrap().to_string();
        let _ = fs::remove_file(&output);
        let pid = daemon.pid().to_string();
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &pid, "-o", &output]).args(options);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = child else {
            say("not run: no strace");
            return None;
        };
        // All threads must be seen before anything is tried.
        let is_traced = || {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
            tasks.flatten().all(|task| {
                let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
                status.contains("TracerPid") && !status.contains("TracerPid:\t0\n")
            })
        };
        let outcome = eventually(|| match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => is_traced().then_some(true),
        });
        if outcome != Some(true) {
            say("not run: strace can't watch processes here");
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        Some(Self(child, output))
    }

    /// Lets the daemon go; what was seen.
    pub fn detach(mut self) -> Vec<String> {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        self.0.wait().unwrap();
        fs::read_to_string(&self.1).unwrap().lines().map(String::from).collect()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = kill(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGINT);
            let _ = self.0.wait();
        }
    }
}

/// Past the test's own output, which nobody sees of a test that passes.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
