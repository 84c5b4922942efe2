//! A real kymod in a directory of its own, and clients of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

mod binary;
mod json;
mod owner;
mod scratch;
mod tracer;

pub use binary::{Binary, Got, request, subscribe};
pub use json::Json;
pub use owner::Owner;
pub use scratch::Scratch;
pub use tracer::Tracer;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// `kymod` with `options` and nothing that leads it anywhere.
pub fn command(options: &[&str]) -> Command {
    without_places(Command::new(env!("CARGO_BIN_EXE_kymod")), options)
}

/// The same behind a line of shell that sets limits or the umask.
pub fn command_after(shell: &str, options: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_kymod")]);
    without_places(command, options)
}

fn without_places(mut command: Command, options: &[&str]) -> Command {
    command.args(options).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let places = ["KYMO_DIR", "XDG_RUNTIME_DIR", "HOME", "JOURNAL_STREAM"];
    let states = ["KYMO_STATE", "STATE_DIRECTORY", "XDG_STATE_HOME"];
    let manager = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID"];
    for name in places.into_iter().chain(states).chain(manager) {
        command.env_remove(name);
    }
    command
}

/// Runs kymod in `directory` to its end, which must come by itself.
pub fn run(directory: &Path, options: &[&str]) -> Output {
    run_to_end(command(options).arg("--dir").arg(directory))
}

/// Runs a command to its end, which must come by itself.
pub fn run_to_end(command: &mut Command) -> Output {
    let mut child = command.spawn().unwrap();
    if wait(&mut child).is_none() {
        let _ = child.kill();
        panic!("it does not end: {:?}", child.wait_with_output());
    }
    child.wait_with_output().unwrap()
}

/// What kymod said on standard error.
pub fn said(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    eventually(|| child.try_wait().unwrap())
}

/// Asks until there is an answer, at most for [`PATIENCE`].
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A measurement that other work on the machine may spoil: one of three attempts must succeed.
pub fn one_of_three(attempt: impl Fn() -> Result<(), String>) {
    let spoilt: Vec<String> = (0..3).map_while(|_| attempt().err()).collect();
    assert!(spoilt.len() < 3, "{spoilt:#?}");
}

/// A running kymod; it ends with this.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Where its sockets are.
    pub directory: PathBuf,
    scratch: Option<Scratch>,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts kymod in a new directory.
    pub fn start(options: &[&str]) -> Self {
        Self::start_in_scratch(Scratch::new(), options)
    }

    /// Starts kymod in a directory that goes with it.
    pub fn start_in_scratch(scratch: Scratch, options: &[&str]) -> Self {
        let mut daemon = Self::start_in(&scratch.0, options);
        daemon.scratch = Some(scratch);
        daemon
    }

    /// Starts kymod in `directory`.
    pub fn start_in(directory: &Path, options: &[&str]) -> Self {
        Self::start_as(directory, command(options).arg("--dir").arg(directory))
    }

    /// Starts a command that becomes kymod in `directory`.
    pub fn start_as(directory: &Path, command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut stderr, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        let listener = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = stderr.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..size]));
            }
        });
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let directory = directory.to_path_buf();
        let daemon = Self { child, directory, scratch: None, said, listener: Some(listener) };
        let expected = format!("ready {}\n", daemon.directory.display());
        assert_eq!(ready, expected, "{}", daemon.said());
        daemon
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The path of one of its sockets.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A connection to one of its sockets.
    pub fn connect(&self, name: &str) -> UnixStream {
        let stream = UnixStream::connect(self.path(name)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A client that reads lines.
    pub fn json(&self, name: &str) -> Json {
        Json::new(self.connect(name))
    }

    /// Starts kymod without a journal: what it does not remember is gone.
    pub fn forgetful(options: &[&str]) -> Self {
        let scratch = Scratch::new();
        let config = scratch.write("kymo.toml", "[journal]\nenabled = false\n");
        Self::start_in_scratch(scratch, &[&["--config", &config], options].concat())
    }

    /// The owner, on a connection of its own.
    pub fn owner(&self) -> Owner {
        Owner(self.json("control.sock"))
    }

    /// A client that reads frames.
    pub fn binary(&self) -> Binary {
        Binary::new(self.connect("stream.sock"))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end, and for its last words.
    pub fn wait(&mut self) -> ExitStatus {
        let status = wait(&mut self.child).expect("kymod does not end");
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        status
    }

    /// Its open descriptors.
    pub fn descriptors(&self) -> Vec<u32> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        entries.filter_map(|entry| number(entry.unwrap())).collect()
    }

    /// A figure of its `status` file.
    pub fn status(&self, key: &str) -> u64 {
        self.status_word(key).parse().unwrap()
    }

    /// Whether it waits for something.
    pub fn is_asleep(&self) -> bool {
        self.status_word("State") == "S"
    }

    fn status_word(&self, key: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().into()
    }

    /// The CPU time it has used.
    pub fn cpu_time(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
        // utime and stime, in the kernel's 1/100 s.
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
