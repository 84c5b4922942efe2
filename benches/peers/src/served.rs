//! The processes that serve one system, in a folder of their own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use kymo_benches::process::{new_folder, sibling};
use kymo_benches::{Outcome, cost, memory};

use crate::message::{EVENT_SIZE, VITALS_SIZE};
use crate::system::{REDIS, System};

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Vitals frames so many times a second, or as many bytes.
    Vitals(u32),
    /// Events so many times a second, or as many bytes.
    Events(u32),
    /// So many events every millisecond.
    Bursts(u32),
    /// Events as fast as they are taken; a publisher that can waits for subscribers that are slow.
    Flood,
}

impl Load {
    /// Bytes of a message of a peer's.
    #[must_use]
    pub const fn size(self) -> usize {
        if let Self::Vitals(_) = self { VITALS_SIZE } else { EVENT_SIZE }
    }

    /// Hz; 0 for as fast as can be.
    #[must_use]
    pub const fn rate_hz(self) -> u32 {
        match self {
            Self::Vitals(rate_hz) | Self::Events(rate_hz) => rate_hz,
            Self::Bursts(_) => 1000,
            Self::Flood => 0,
        }
    }

    /// Messages at each of those times.
    #[must_use]
    pub const fn burst(self) -> u32 {
        if let Self::Bursts(burst) = self { burst } else { 1 }
    }

    /// Whether there are more than short queues take.
    #[must_use]
    pub const fn is_much(self) -> bool {
        matches!(self, Self::Flood | Self::Bursts(_))
    }
}

/// A system that is served. Dropping it ends its processes.
#[derive(Debug)]
pub struct Served {
    /// Which it is.
    pub system: System,
    /// What is published.
    pub load: Load,
    folder: PathBuf,
    /// The publisher first.
    children: Vec<Child>,
}

impl Served {
    /// Starts it; nothing is published yet.
    ///
    /// # Errors
    ///
    /// When a program can't be started.
    pub fn start(system: System, load: Load) -> Outcome<Self> {
        let mut served = Self { system, load, folder: new_folder()?, children: Vec::new() };
        let socket = served.socket();
        let (rate, burst) = (load.rate_hz().to_string(), load.burst().to_string());
        let mut command;
        if system == System::Kymo {
            command = Command::new(sibling("bench-hub")?);
            let mode = match load {
                Load::Vitals(_) => "vitals",
                Load::Events(_) | Load::Bursts(_) => "events",
                Load::Flood => "flood",
            };
            command.arg(&served.folder).args([mode, &rate, &burst]);
        } else {
            if system == System::Redis {
                served.start_redis()?;
            }
            command = Command::new(sibling("peer-server")?);
            let size = load.size().to_string();
            command.arg(system.word()).arg(&socket).args([size, rate, burst]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let stdout = child.stdout.take();
        served.children.insert(0, child);
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.starts_with("ready") {
            Ok(served)
        } else {
            Err(format!("{command:?} failed").into())
        }
    }

    /// A server that keeps nothing on the disk and listens at our socket alone; all else as it
    /// comes.
    fn start_redis(&mut self) -> Outcome<()> {
        let socket = self.socket();
        let mut command = Command::new(REDIS);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(&self.folder).arg("--unixsocket").arg(&socket);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(command.spawn()?);
        for _ in 0..200 {
            if UnixStream::connect(&socket).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("redis-server does not listen".into())
    }

    /// Where subscribers connect to.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let name = if self.system == System::Kymo { "stream.sock" } else { "peer.sock" };
        self.folder.join(name)
    }

    /// Begins to publish.
    ///
    /// # Errors
    ///
    /// When the publisher is gone.
    pub fn go(&mut self) -> Outcome<()> {
        let stdin = self.children.first_mut().and_then(|child| child.stdin.as_mut());
        Ok(stdin.ok_or("no publisher")?.write_all(b"\n")?)
    }

    /// CPU time of all its processes so far.
    ///
    /// # Errors
    ///
    /// When one is gone.
    pub fn cpu_ns(&self) -> Outcome<u64> {
        self.children.iter().map(|child| cost::process_ns(child.id())).sum()
    }

    /// Memory of the process that keeps what a subscriber has not taken, as PSS in bytes.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn pss(&self) -> Outcome<f64> {
        Ok(memory::of(self.children.last().ok_or("nothing runs")?.id())?.pss)
    }

    /// Ends its processes.
    pub fn end(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.children.clear();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
