//! kymod, or the bare loop, as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use kymo_protocol::{StreamId, Streams};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Outcome;
use crate::cost;
use crate::reader::Reader;

/// A server process in a folder of its own. Dropping it ends the process and removes the folder.
#[derive(Debug)]
pub struct Process {
    child: Child,
    folder: PathBuf,
    /// From before it was started to its word that it is ready.
    pub start: Duration,
}

impl Process {
    /// kymod with `options`, listening. Its file of settings is `settings`.
    ///
    /// # Errors
    ///
    /// When it does not start; what it said is in the text.
    pub fn kymod(options: &[&str], settings: &str) -> Outcome<Self> {
        let folder = new_folder()?;
        let mut command = Command::new(kymod_path()?);
        command.arg("--dir").arg(&folder).args(options);
        if !settings.is_empty() {
            let path = folder.join("bench.toml");
            fs::write(&path, settings)?;
            command.arg("--config").arg(path);
        }
        Self::spawn(command, folder)
    }

    /// The bare loop at `rate_hz`, which begins when `subscribers` have come.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn bare(rate_hz: u32, subscribers: usize) -> Outcome<Self> {
        Self::bare_with(rate_hz, subscribers, &[])
    }

    /// The bare loop that reads all sensors and sends samples as well.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn bare_whole(rate_hz: u32, subscribers: usize) -> Outcome<Self> {
        Self::bare_with(rate_hz, subscribers, &["whole"])
    }

    fn bare_with(rate_hz: u32, subscribers: usize, words: &[&str]) -> Outcome<Self> {
        let folder = new_folder()?;
        let mut command = Command::new(sibling("bench-bare")?);
        command.arg(folder.join("stream.sock"));
        command.args([rate_hz.to_string(), subscribers.to_string()]).args(words);
        Self::spawn(command, folder)
    }

    /// A program that does nothing: what any Rust program costs.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn sleeper() -> Outcome<Self> {
        Self::spawn(Command::new(sibling("bench-sleeper")?), new_folder()?)
    }

    /// The same with kymo in it: its vitals 25 times a second, or everything it can read.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn embedded(what: &str) -> Outcome<Self> {
        let mut command = Command::new(sibling("bench-embedded")?);
        command.arg(what);
        Self::spawn(command, new_folder()?)
    }

    fn spawn(mut command: Command, folder: PathBuf) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begin = Instant::now();
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        // From here on dropping cleans up.
        let mut process = Self { child, folder, start: Duration::ZERO };
        let mut line = String::new();
        if let Some(stdout) = &mut process.child.stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        process.start = begin.elapsed();
        if line.starts_with("ready") {
            return Ok(process);
        }
        let mut words = String::new();
        if let Some(stderr) = &mut process.child.stderr {
            stderr.read_to_string(&mut words)?;
        }
        Err(format!("{command:?}: {words}").into())
    }

    /// Subscribers of kymod at `rate_hz`, all of them granted.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn subscribe(&self, rate_hz: u32, count: usize) -> Outcome<Vec<Reader>> {
        self.subscribe_to(rate_hz, count, Streams::default().with(StreamId::VITALS))
    }

    /// The same for other streams.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn subscribe_to(
        &self,
        rate_hz: u32,
        count: usize,
        streams: Streams,
    ) -> Outcome<Vec<Reader>> {
        let mut readers = Vec::with_capacity(count);
        for _ in 0..count {
            readers.push(Reader::ask_for(self.connect("stream.sock")?, rate_hz, streams)?);
        }
        for reader in &mut readers {
            reader.await_granted()?;
        }
        Ok(readers)
    }

    /// Subscribers of the bare loop.
    ///
    /// # Errors
    ///
    /// When they can't connect.
    pub fn attach(&self, count: usize) -> Outcome<Vec<Reader>> {
        (0..count).map(|_| Reader::bare(self.connect("stream.sock")?)).collect()
    }

    /// A connection to one of its sockets.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn connect(&self, socket: &str) -> Outcome<UnixStream> {
        Ok(UnixStream::connect(self.folder.join(socket))?)
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads so far.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn cpu_ns(&self) -> Outcome<u64> {
        cost::process_ns(self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = Pid::from_raw(self.child.id().cast_signed());
        let _ = kill(id, Signal::SIGTERM);
        // kymod takes leave of its subscribers for at most a second.
        for _ in 0..150 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The daemon to measure: `KYMOD`, or the one beside this program.
///
/// # Errors
///
/// When there is none.
pub fn kymod_path() -> Outcome<PathBuf> {
    match env::var_os("KYMOD") {
        Some(path) => Ok(path.into()),
        None => sibling("kymod"),
    }
}

/// Another program that was built together with this one.
///
/// # Errors
///
/// When there is none.
pub fn sibling(name: &str) -> Outcome<PathBuf> {
    let this = env::current_exe()?;
    let path = this.parent().unwrap_or(Path::new("/")).join(name);
    if path.exists() { Ok(path) } else { Err(format!("build {} first", path.display()).into()) }
}

/// A folder of its own for each process; sockets need a short path.
///
/// # Errors
///
/// When it can't be made.
pub fn new_folder() -> Outcome<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("kymo-bench-{}-{count}", std::process::id()));
    // Left over from a process that had the same number, if it is there.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(folder)
}
