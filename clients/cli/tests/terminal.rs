//! `kymo watch` on a terminal, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::kymod::kymod;
use common::{PATIENCE, Process, Scratch, kymo};
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, Winsize, grantpt, posix_openpt, unlockpt};
use nix::sys::signal::Signal;

mod call {
    nix::ioctl_write_ptr_bad!(set_window_size, nix::libc::TIOCSWINSZ, nix::pty::Winsize);
}

fn resize(master: &File, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads one `winsize` through a pointer to a live one (tty_ioctl(4)).
    unsafe { call::set_window_size(master.as_raw_fd(), &size) }.unwrap();
}

/// Master and slave. Unlike those of openpty, other tests' processes do not inherit them.
fn pseudo_terminal() -> (File, OwnedFd) {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = name_of_slave(&master);
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
    let slave = options.open(name).unwrap();
    (File::from(OwnedFd::from(master)), slave.into())
}

#[cfg(target_os = "linux")]
fn name_of_slave(master: &PtyMaster) -> String {
    nix::pty::ptsname_r(master).unwrap()
}

/// The name is in memory that all callers share.
#[cfg(not(target_os = "linux"))]
fn name_of_slave(master: &PtyMaster) -> String {
    static NAMES: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = NAMES.lock();
    // SAFETY: nobody else asks for a name while the lock is held.
    unsafe { nix::pty::ptsname(master) }.unwrap()
}

/// kymo on a terminal of its own.
struct Terminal {
    process: Process,
    master: File,
    seen: String,
}

impl Terminal {
    fn new(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of_rows(24, directory, arguments, environment)
    }

    fn of_rows(
        rows: u16,
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let (master, slave) = pseudo_terminal();
        resize(&master, 80, rows);
        let mut command = kymo(&["watch", "--dir"]);
        command.arg(directory).args(arguments).env("TERM", "xterm");
        command.envs(environment.iter().copied());
        command.stdout(Stdio::from(slave));
        // The command holds the slave open until it is dropped here.
        let process = Process(command.spawn().unwrap());
        Self { process, master, seen: String::new() }
    }

    /// Reads until `enough` says so; false at the end.
    fn read_until(&mut self, enough: impl Fn(&str) -> bool) -> bool {
        let start = Instant::now();
        while !enough(&self.seen) {
            assert!(start.elapsed() < PATIENCE, "{:?}", self.seen);
            let mut buffer = [0; 4096];
            match self.master.read(&mut buffer) {
                Ok(0) | Err(_) => return false,
                // No character is split: kymo writes blocks of ASCII and degree signs.
                Ok(size) => self.seen.push_str(&String::from_utf8_lossy(&buffer[..size])),
            }
        }
        true
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.process.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

/// What is left of `text` without the sequences that kymo uses.
fn without_escapes(text: &str) -> String {
    let mut rest = text.to_string();
    for sequence in ["\x1b[2K", "\x1b[J", "\x1b[H\x1b[2J", "\x1b[14A"] {
        rest = rest.replace(sequence, "");
    }
    for color in ["2", "32", "33", "1;31", "0"] {
        rest = rest.replace(&format!("\x1b[{color}m"), "");
    }
    rest
}

#[test]
fn blocks_are_drawn_in_place() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &["--count", "3", "--rate", "20"], &[]);
    assert!(!terminal.read_until(|_| false));
    assert_eq!(terminal.process.wait().code(), Some(0));
    let text = without_escapes(&terminal.seen);
    assert!(!text.contains('\x1b'), "{:?}", terminal.seen);
    assert_eq!(terminal.seen.matches("\x1b[14A").count(), 2);
    for label in [
        "system",
        "cpu",
        "memory",
        "swap",
        "load",
        "disk",
        "disk io",
        "network",
        "heat",
        "fans",
        "power",
        "processes",
        "uptime",
    ] {
        let lines =
            text.lines().filter(|line| line.trim_start().starts_with(&format!("{label:11}")));
        assert_eq!(lines.count(), 3, "{label}: {text}");
    }
    assert!(text.lines().all(|line| line.trim().chars().count() <= 78), "{text}");
    assert!(text.contains(&format!("at 20 Hz from {}", scratch.0.display())), "{text}");
    // No CPU usage exists so early, and no rate.
    assert!(text.contains("cpu        pending\r\n"), "{text}");
    assert!(text.contains("in pending ("), "{text}");
    assert_eq!(terminal.stderr(), "");
}

#[test]
fn sensors_are_drawn_in_place_too() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let arguments = ["--sensors", "memory/*", "--groups", "memory", "--rate", "20", "--count", "3"];
    let mut terminal = Terminal::of_rows(8, &scratch.0, &arguments, &[]);
    assert!(!terminal.read_until(|_| false));
    assert_eq!(terminal.process.wait().code(), Some(0));
    // Seven rows, and one for the cursor.
    assert_eq!(terminal.seen.matches("\x1b[7A").count(), 2, "{:?}", terminal.seen);
    let text = without_escapes(&terminal.seen).replace("\x1b[7A", "");
    assert!(!text.contains('\x1b'), "{:?}", terminal.seen);
    assert_eq!(text.matches("memory     total ").count(), 3, "{text}");
    assert_eq!(text.matches("more than the terminal has room for").count(), 3, "{text}");
    assert!(text.lines().all(|line| line.trim().chars().count() <= 78), "{text}");
    assert_eq!(terminal.stderr(), "");
}

#[test]
fn sensors_that_only_others_asked_for_are_not_drawn() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    // The catalog names those of cpu from now on.
    let others = ["watch", "--sensors", "*", "--groups", "cpu", "--json", "--dir"];
    let mut other = Process(kymo(&others).arg(&scratch.0).spawn().unwrap());
    let read = other.0.stdout.as_mut().unwrap().read(&mut [0; 1]).unwrap();
    assert_eq!(read, 1);
    for what in [["--sensors", "*"], ["--streams", "samples"]] {
        let more = ["--groups", "memory", "--rate", "20", "--count", "3"];
        let arguments = [&what[..], &more].concat();
        let mut terminal = Terminal::of_rows(60, &scratch.0, &arguments, &[]);
        assert!(!terminal.read_until(|_| false));
        let text = without_escapes(&terminal.seen);
        assert_eq!(text.matches("memory     total ").count(), 3, "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("cpu ")), "{text}");
    }
}

#[test]
fn colors_are_left_out_on_request() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    for (environment, expected) in [(("NO_COLOR", "1"), false), (("NO_COLOR", ""), true)] {
        let mut terminal = Terminal::new(&scratch.0, &["--count", "1"], &[environment]);
        assert!(!terminal.read_until(|_| false));
        assert_eq!(terminal.seen.contains("\x1b[2m"), expected, "{:?}", terminal.seen);
        assert!(terminal.seen.contains("\x1b[2K"));
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let arguments = ["--count", "2", "--rate", "20"];
    let mut terminal = Terminal::new(&scratch.0, &arguments, &[("TERM", "dumb")]);
    assert!(!terminal.read_until(|_| false));
    assert!(!terminal.seen.contains('\x1b'), "{:?}", terminal.seen);
    assert_eq!(terminal.seen.matches("\r\n\r\n").count(), 2);
}

/// Whether this process ignores a signal, and with it its children: so does what a shell without
/// job control runs in the background.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as i32 - 1) & 1 == 1
}

#[test]
fn an_interrupt_leaves_the_terminal_as_it_is() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &[], &[]);
    assert!(terminal.read_until(|seen| seen.matches("\x1b[J").count() == 2));
    let signal = if is_ignored(Signal::SIGINT) { Signal::SIGTERM } else { Signal::SIGINT };
    terminal.process.signal(signal);
    assert_eq!(terminal.process.wait().signal(), Some(signal as i32));
    assert!(!terminal.read_until(|_| false));
    // Modes would be sequences with a question mark; the cursor stands below the block.
    assert!(!terminal.seen.contains("\x1b[?"));
    assert!(terminal.seen.ends_with("\r\n\x1b[J"), "{:?}", terminal.seen);
    assert_eq!(terminal.stderr(), "");
}

#[test]
fn a_new_size_is_followed() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &["--rate", "20"], &[]);
    assert!(terminal.read_until(|seen| seen.contains("\x1b[J")));
    resize(&terminal.master, 30, 6);
    assert!(terminal.read_until(|seen| seen.contains("\x1b[H\x1b[2J")));
    assert!(terminal.read_until(|seen| seen.ends_with("\x1b[J") && seen.contains("\x1b[5A")));
    let at = terminal.seen.find("\x1b[H\x1b[2J").unwrap();
    let text = without_escapes(&terminal.seen[at..]).replace("\x1b[5A", "");
    assert!(text.lines().all(|line| line.trim().chars().count() <= 29), "{text}");
}

#[test]
fn lines_can_be_had_on_a_terminal() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &["--json", "--count", "2"], &[]);
    assert!(!terminal.read_until(|_| false));
    let values = common::values(terminal.seen.replace("\r\n", "\n").as_bytes());
    assert_eq!(values.len(), 2);
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &["--rate", "0.1"], &[]);
    assert!(terminal.read_until(|seen| seen.contains("\x1b[J")));
    terminal.master = File::open("/dev/null").unwrap();
    assert_eq!(terminal.process.wait().code(), Some(0));
}

#[test]
fn what_is_told_does_not_break_the_block() {
    let scratch = Scratch::new();
    let mut daemon = kymod(&scratch.0, &[]);
    let mut terminal = Terminal::new(&scratch.0, &["--count", "8", "--rate", "20"], &[]);
    assert!(terminal.read_until(|seen| seen.contains("\x1b[14A")));
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let _daemon = kymod(&scratch.0, &[]);
    assert!(!terminal.read_until(|_| false));
    assert_eq!(terminal.process.wait().code(), Some(0));
    // Each connection's first block stands below what was said.
    assert_eq!(terminal.seen.matches("\x1b[J").count(), 8);
    assert_eq!(terminal.seen.matches("\x1b[14A").count(), 6);
    let text = terminal.stderr();
    assert!(text.starts_with("kymo: the daemon says goodbye: shutdown\n"), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
}

/// Everything that comes out of a terminal's master until nobody has its other end.
fn read_to_end(mut master: File) -> String {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(size @ 1..) = master.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..size]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn a_recorder_says_how_far_it_is_and_a_recording_is_drawn_in_place() {
    let scratch = Scratch::new();
    let _daemon = kymod(&scratch.0, &[]);
    let path = scratch.0.join("a.kymo");
    let (master, slave) = pseudo_terminal();
    let mut command = kymo(&["record", "--rate", "50", "--for", "2s", "--streams", "vitals"]);
    command.arg(&path).arg("--dir").arg(&scratch.0).stderr(Stdio::from(slave));
    let mut process = Process(command.spawn().unwrap());
    drop(command);
    let seen = read_to_end(master);
    assert_eq!(process.wait().code(), Some(0));
    assert!(seen.matches("\r\u{1b}[K0:0").count() >= 2, "{seen:?}");
    let last = seen.lines().last().unwrap_or_default();
    assert!(last.contains("kymo: 0:0") && last.contains(" frames, "), "{seen:?}");
    assert!(last.ends_with("a.kymo"), "{seen:?}");

    let (master, slave) = pseudo_terminal();
    resize(&master, 80, 24);
    let mut command = kymo(&["replay"]);
    command.arg(&path).env("TERM", "xterm").stdout(Stdio::from(slave));
    let mut process = Process(command.spawn().unwrap());
    drop(command);
    let seen = read_to_end(master);
    assert_eq!(process.wait().code(), Some(0));
    let blocks = seen.matches("\u{1b}[14A").count();
    assert!((4..=10).contains(&blocks), "as many as an eye can follow: {blocks}");
    assert!(seen.contains("from ") && seen.contains("a.kymo"), "{seen:?}");
}
