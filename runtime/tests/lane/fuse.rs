//! A file whose reads are answered by the test: a FUSE server of one file, without a library.
//!
//! The file is the root of its own file system and is mounted in the place of an ordinary one. Its
//! pages are not cached, so each read is a request. Its server is a process of its own: one that
//! waits for itself could neither end nor be killed.
//!
//! A thread that waits for such a file can't be killed either, once the server has taken its
//! request. So the server ends whatever happens, and with it every wait: when it is dropped, when
//! the thread or the process that made it ends, and by itself after [`LIFE_S`].

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Lines, Read, Write, stdin};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::alarm;

/// Seconds after which a server ends, longer than any test.
const LIFE_S: u32 = 120;
/// Bytes of a request that the kernel wants room for, and more.
const REQUEST_SIZE: usize = 256 * 1024;
const ENOSYS: i32 = 38;
const MODE: u32 = 0o100_444;

const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;

/// Where a server is to mount its file, and what the file reads as.
const PATH: &str = "KYMO_TEST_FUSE_PATH";
const TEXT: &str = "KYMO_TEST_FUSE_TEXT";
/// Before each line of a server that is not the harness's.
const MARK: &str = "fuse:";

/// What the file's reads get.
#[derive(Debug, Default)]
struct Answers {
    text: String,
    /// Reads wait.
    is_mute: bool,
    /// Those that wait.
    waiting: Vec<u64>,
    reads: u32,
}

/// A mounted file, and the process that serves it.
#[derive(Debug)]
pub struct FuseFile {
    server: Child,
    lines: Lines<BufReader<ChildStdout>>,
    path: PathBuf,
}

impl FuseFile {
    /// Why no file can be mounted here, if none can.
    pub fn obstacle() -> Option<String> {
        static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
        let try_one = || {
            let probe = env::temp_dir().join(format!("kymo-fuse-{}", process::id()));
            fs::write(&probe, "").unwrap();
            let error = Self::mount(&probe, "").err();
            let _ = fs::remove_file(&probe);
            error
        };
        // Tests run beside one another, and the probe is one.
        OBSTACLE.get_or_init(try_one).clone()
    }

    /// Mounts a file that reads as `text` at `path`, where there is a file; only root may.
    pub fn mount(path: &Path, text: &str) -> Result<Self, String> {
        let mut server = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fuse::server", "--ignored", "--nocapture"])
            .env(PATH, path)
            .env(TEXT, text)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut file = Self { server, lines, path: path.into() };
        match &*file.answer() {
            "ready" => Ok(file),
            error => Err(error.to_owned()),
        }
    }

    /// From now on reads wait.
    pub fn mute(&mut self) {
        self.ask("mute");
    }

    /// Answers the reads that wait, and later ones at once.
    pub fn speak(&mut self) {
        self.ask("speak");
    }

    /// How many reads there were.
    pub fn reads(&mut self) -> u32 {
        self.ask("reads").parse().unwrap()
    }

    fn ask(&mut self, what: &str) -> String {
        writeln!(self.server.stdin.as_mut().unwrap(), "{what}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find_map(|line| Some(line.split_once(MARK)?.1.to_owned())).unwrap()
    }
}

impl Drop for FuseFile {
    fn drop(&mut self) {
        // Without a server every request fails at once, those that wait as well.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}

/// The server, which is this program once more.
#[test]
#[ignore = "no test"]
fn server() {
    let (Ok(path), Ok(text)) = (env::var(PATH), env::var(TEXT)) else { return };
    // Whoever waits for a file can't be killed, so its server must not outlive the test.
    set_pdeathsig(Signal::SIGKILL).unwrap();
    alarm::set(LIFE_S);
    let device = match mounted(Path::new(&path)) {
        Ok(device) => device,
        Err(error) => return println!("{MARK}{error}"),
    };
    let answers = Mutex::new(Answers { text, ..Answers::default() });
    thread::scope(|scope| {
        scope.spawn(|| serve(&device, &answers));
        println!("\n{MARK}ready");
        for line in stdin().lines().map_while(Result::ok) {
            let mut answers = answers.lock().unwrap();
            match &*line {
                "mute" => answers.is_mute = true,
                "speak" => {
                    answers.is_mute = false;
                    for unique in std::mem::take(&mut answers.waiting) {
                        reply(&device, unique, 0, answers.text.as_bytes());
                    }
                }
                _ => {}
            }
            println!("{MARK}{}", answers.reads);
        }
        process::exit(0);
    });
}

fn mounted(path: &Path) -> io::Result<File> {
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse")?;
    let fd = device.as_raw_fd();
    let options = format!("fd={fd},rootmode={MODE:o},user_id=0,group_id=0");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("kymo-test"), path, Some("fuse"), flags, Some(&*options))?;
    Ok(device)
}

fn serve(mut device: &File, answers: &Mutex<Answers>) {
    let mut request = vec![0; REQUEST_SIZE];
    while let Ok(size) = device.read(&mut request) {
        let request = &request[..size];
        let word = |at: usize| u32::from_le_bytes(*request[at..].first_chunk().unwrap());
        let unique = u64::from_le_bytes(*request[8..].first_chunk().unwrap());
        match word(4) {
            INIT => {
                // Version 7.31; 1 is the shortest write that is taken, and the grain of its times.
                let words = [7, 31, 0, 0, 0, 4096, 1];
                reply(device, unique, 0, &padded(&words, 64));
            }
            GETATTR => {
                let mut attributes = vec![0; 16];
                attributes.extend(padded(&[1, 0, 4096], 60));
                attributes.extend(padded(&[MODE, 1, 0, 0, 0, 4096], 28));
                reply(device, unique, 0, &attributes);
            }
            // 1: pages are not cached.
            OPEN => reply(device, unique, 0, &padded(&[0, 0, 1], 16)),
            READ => {
                let mut answers = answers.lock().unwrap();
                answers.reads += 1;
                if answers.is_mute {
                    answers.waiting.push(unique);
                } else {
                    let is_at_start = word(48) == 0;
                    let text = if is_at_start { answers.text.as_bytes() } else { &[] };
                    reply(device, unique, 0, text);
                }
            }
            FORGET | INTERRUPT => {}
            _ => reply(device, unique, -ENOSYS, &[]),
        }
    }
}

fn padded(words: &[u32], size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(size, 0);
    bytes
}

fn reply(mut device: &File, unique: u64, error: i32, body: &[u8]) {
    let size = u32::try_from(16 + body.len()).unwrap();
    let mut bytes = size.to_le_bytes().to_vec();
    bytes.extend(error.to_le_bytes());
    bytes.extend(unique.to_le_bytes());
    bytes.extend(body);
    // Who asked may be gone.
    let _ = device.write(&bytes);
}
