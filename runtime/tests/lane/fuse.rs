//! A file whose reads are answered by the test: a FUSE server of one file, without a library.
//!
//! The file is the root of its own file system and is mounted in the place of an ordinary one. Its
//! pages are not cached, so each read is a request.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

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

/// A mounted file.
#[derive(Debug)]
pub struct FuseFile {
    device: Arc<File>,
    answers: Arc<Mutex<Answers>>,
    path: PathBuf,
}

impl FuseFile {
    /// Mounts a file that reads as `text` at `path`, where there is a file; only root may.
    pub fn mount(path: &Path, text: &str) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse")?;
        let fd = device.as_raw_fd();
        let options = format!("fd={fd},rootmode={MODE:o},user_id=0,group_id=0");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("kymo-test"), path, Some("fuse"), flags, Some(&*options))?;
        let answers = Answers { text: text.into(), ..Answers::default() };
        let file = Self {
            device: Arc::new(device),
            answers: Arc::new(Mutex::new(answers)),
            path: path.into(),
        };
        let (device, answers) = (Arc::clone(&file.device), Arc::clone(&file.answers));
        // It ends with the file system.
        thread::spawn(move || serve(&device, &answers));
        Ok(file)
    }

    /// From now on reads wait.
    pub fn mute(&self) {
        self.answers.lock().unwrap().is_mute = true;
    }

    /// Answers the reads that wait, and later ones at once.
    pub fn speak(&self) {
        let mut answers = self.answers.lock().unwrap();
        answers.is_mute = false;
        for unique in std::mem::take(&mut answers.waiting) {
            reply(&self.device, unique, 0, answers.text.as_bytes());
        }
    }

    /// How many reads there were.
    pub fn reads(&self) -> u32 {
        self.answers.lock().unwrap().reads
    }
}

impl Drop for FuseFile {
    fn drop(&mut self) {
        self.speak();
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
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
