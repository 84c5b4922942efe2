//! `kymo top` on a real terminal, which is tmux; left out, with a word, where there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use common::kymod::kymod;
use common::{PATIENCE, Scratch, kymo, output, said};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A shell in a terminal of its own.
struct Terminal {
    scratch: Scratch,
}

impl Terminal {
    /// One of that size; `None` where tmux is not installed.
    fn new(columns: u16, rows: u16, environment: &[(&str, &str)]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("not checked: tmux is not installed");
            return None;
        }
        let terminal = Self { scratch: Scratch::new() };
        let mut command = terminal.command();
        command.args(["-f", "/dev/null", "new-session", "-d"]);
        command.args(["-x", &columns.to_string(), "-y", &rows.to_string()]);
        for (name, value) in environment {
            command.args(["-e", &format!("{name}={value}")]);
        }
        command.args(["env", "-u", "NO_COLOR", "bash", "--norc", "--noprofile", "-i"]);
        let told = command.output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        Some(terminal)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env("TMUX_TMPDIR", &self.scratch.0).env_remove("TMUX");
        for name in ["KYMO_DIR", "XDG_RUNTIME_DIR", "LC_ALL", "COLORTERM"] {
            command.env_remove(name);
        }
        command.env("LANG", "C.UTF-8").env("HOME", &self.scratch.0);
        command.args(["-u", "-L", "kymo"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let told = self.command().args(arguments).output().unwrap();
        assert!(told.status.success(), "{arguments:?}: {}", said(&told));
        told
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    fn screen(&self) -> String {
        String::from_utf8(self.run(&["capture-pane", "-p"]).stdout).unwrap()
    }

    /// Waits until the screen is as wanted, and returns it.
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "{what} never came:\n{screen}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts `kymo top` in the shell; the file that has its number.
    fn top(&self, arguments: &str) -> PathBuf {
        self.top_with("", arguments)
    }

    /// The same with variables before it, of `NAME=value` each.
    fn top_with(&self, variables: &str, arguments: &str) -> PathBuf {
        let pid = self.scratch.0.join("pid");
        let _ = fs::remove_file(&pid);
        let program = env!("CARGO_BIN_EXE_kymo");
        let line = format!(
            "clear; (echo $BASHPID > {}; exec env {variables} {program} top {arguments})",
            pid.display()
        );
        self.keys(&["-l", &line]);
        self.keys(&["Enter"]);
        pid
    }

    /// Whether the alternate screen is shown, the mouse is taken, and there is a cursor.
    fn flags(&self) -> String {
        let flags = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}";
        let told = self.run(&["display-message", "-p", flags]);
        str::from_utf8(&told.stdout).unwrap().trim().into()
    }

    /// What an ended program must have left behind.
    fn is_clean(&self, code: &str) {
        let start = Instant::now();
        while self.flags() != "0 0 1" {
            assert!(start.elapsed() < PATIENCE, "{code}: {}", self.flags());
            thread::sleep(Duration::from_millis(50));
        }
        // A shell leaves its line when what it runs is interrupted.
        self.keys(&["-l", "echo \"code $?\""]);
        self.keys(&["Enter"]);
        let screen = self.until(code, |screen| screen.lines().any(|line| line == code));
        assert!(!screen.contains('╭'), "the screen is not as it was:\n{screen}");
        self.keys(&["-l", "clear; stty -a"]);
        self.keys(&["Enter"]);
        let modes = self.until("modes", |screen| screen.contains("echoke"));
        for mode in ["icanon", "echo", "isig", "icrnl", "opost"] {
            assert!(modes.split([' ', '\n', ';']).any(|word| word == mode), "{mode}: {modes}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
    }
}

fn dir(path: &Path) -> String {
    format!("--dir {}", path.display())
}

fn signal(pid: &Path, signal: Signal) {
    let pid: i32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// A library that a program is started with, and whose clock fails a few times, on the program's
/// first thread, when the file is there that `KYMO_NO_CLOCK` names. A clock that fails is what std
/// panics at; kymo's own does not, so once is not enough.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FAILING_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int failures;
    const char *file = getenv("KYMO_NO_CLOCK");
    int is_first = syscall(SYS_gettid) == getpid();
    if (clock == CLOCK_MONOTONIC && is_first && failures < 5 && file && !access(file, F_OK)) {
        failures++;
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, time);
}
"#;

/// Makes that library.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn failing_clock(directory: &Path) -> PathBuf {
    let [source, library] = ["clock.c", "clock.so"].map(|name| directory.join(name));
    fs::write(&source, FAILING_CLOCK).unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    let told = compile.output().unwrap();
    assert!(told.status.success(), "{}", said(&told));
    library
}

/// Whether it shows what a daemon tells: vitals at its rate, and processes.
fn is_live(screen: &str) -> bool {
    let has_processes = |line: &str| line.contains("─ processes ") && line.contains(" of ");
    screen.contains("● 5 Hz") && screen.lines().any(has_processes)
}

#[test]
fn it_draws_resizes_and_leaves() {
    let Some(terminal) = Terminal::new(120, 36, &[]) else { return };
    let daemon = Scratch::new();
    let _daemon = kymod(&daemon.0, &[]);
    terminal.top(&dir(&daemon.0));
    let screen = terminal.until("values", is_live);
    assert!(screen.contains("╭") && screen.contains("sensors"), "{screen}");
    assert!(screen.lines().last().unwrap().starts_with("q quit"), "{screen}");
    for (columns, rows) in [(80, 24), (20, 5), (1, 1), (200, 60)] {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        terminal.run(&["resize-window", "-x", &columns, "-y", &rows]);
        thread::sleep(Duration::from_millis(600));
    }
    let screen = terminal.until("the size", |screen| {
        screen.lines().count() == 60 && screen.lines().last().unwrap().starts_with("q quit")
    });
    assert!(screen.lines().next().unwrap().chars().count() > 190, "{screen}");
    terminal.keys(&["?"]);
    terminal.until("help", |screen| screen.contains("A word in the place of a number"));
    terminal.keys(&["Escape"]);
    terminal.until("no help", |screen| !screen.contains("A word in the place"));
    terminal.keys(&["-l", "/kymod"]);
    terminal.until("the filter", |screen| screen.contains("filter /kymod"));
    terminal.keys(&["Enter", "q"]);
    terminal.is_clean("code 0");
}

#[test]
fn whatever_ends_it_leaves_a_clean_terminal() {
    let Some(terminal) = Terminal::new(100, 30, &[]) else { return };
    let daemon = Scratch::new();
    let _daemon = kymod(&daemon.0, &[]);
    for (end, code) in [
        (None, "code 0"),
        (Some(Signal::SIGINT), "code 130"),
        (Some(Signal::SIGTERM), "code 143"),
        (Some(Signal::SIGHUP), "code 129"),
    ] {
        let pid = terminal.top(&dir(&daemon.0));
        terminal.until("values", is_live);
        match end {
            None => terminal.keys(&["C-c"]),
            Some(end) => signal(&pid, end),
        }
        terminal.is_clean(code);
    }
    terminal.top(&dir(&daemon.0));
    terminal.until("values", is_live);
    terminal.keys(&["C-z"]);
    terminal.until("the shell", |screen| screen.contains("Stopped") && !screen.contains('╭'));
    terminal.keys(&["-l", "fg"]);
    terminal.keys(&["Enter"]);
    terminal.until("values again", is_live);
    terminal.keys(&["q"]);
    terminal.until("the end", |screen| !screen.contains('╭'));
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_panic_leaves_a_clean_terminal_and_can_be_read() {
    let Some(terminal) = Terminal::new(100, 30, &[]) else { return };
    let daemon = Scratch::new();
    let _daemon = kymod(&daemon.0, &[]);
    let library = failing_clock(&terminal.scratch.0);
    let file = terminal.scratch.0.join("no-clock");
    let variables = format!(
        "-u RUST_BACKTRACE LD_PRELOAD={} KYMO_NO_CLOCK={}",
        library.display(),
        file.display()
    );
    terminal.top_with(&variables, &dir(&daemon.0));
    terminal.until("values", is_live);
    assert_eq!(terminal.flags(), "1 1 0");
    fs::write(&file, "").unwrap();
    // On the shell's screen, and in lines that begin where lines begin.
    let begins = |screen: &str, with: &str| screen.lines().any(|line| line.starts_with(with));
    terminal.until("the message", |screen| {
        begins(screen, "thread 'main'")
            && screen.contains("panicked at")
            && begins(screen, "called `Result::unwrap()` on an `Err` value: Os { code: 22")
            && begins(screen, "note: run with `RUST_BACKTRACE=1`")
    });
    // Released, it does not unwind: that is SIGABRT.
    let code = if cfg!(debug_assertions) { "code 101" } else { "code 134" };
    terminal.is_clean(code);
}

#[test]
fn a_daemon_that_goes_away_is_waited_for() {
    let Some(terminal) = Terminal::new(140, 40, &[]) else { return };
    let daemon = Scratch::new();
    let mut process = kymod(&daemon.0, &[]);
    terminal.top(&dir(&daemon.0));
    terminal.until("values", is_live);
    process.signal(Signal::SIGKILL);
    process.wait();
    terminal
        .until("the loss", |screen| screen.contains("● lost") && screen.contains("waiting for it"));
    let _daemon = kymod(&daemon.0, &[]);
    terminal.until("the return", |screen| screen.contains("connected again to") && is_live(screen));
    // What is published while nobody is connected is no part of a new history.
    let submitted =
        output(kymo(&["submit", "--topic", "t.back", "--data", "1", "--dir"]).arg(&daemon.0));
    assert_eq!(submitted.status.code(), Some(0), "{}", said(&submitted));
    terminal.until("the event", |screen| screen.contains("t.back"));
    terminal.keys(&["q"]);
    terminal.is_clean("code 0");
}

#[test]
fn without_a_daemon_it_samples_itself() {
    let Some(terminal) = Terminal::new(100, 30, &[("LANG", "C")]) else { return };
    terminal.top("");
    let screen = terminal
        .until("values", |screen| screen.contains("* 5 Hz") && screen.contains("no daemon found"));
    assert!(screen.is_ascii(), "a locale without UTF-8: {screen}");
    terminal.keys(&["q"]);
    terminal.is_clean("code 0");
    terminal.keys(&["-l", "TERM=dumb "]);
    let line = format!("{} top; echo \"code $?\"", env!("CARGO_BIN_EXE_kymo"));
    terminal.keys(&["-l", &line]);
    terminal.keys(&["Enter"]);
    let screen = terminal.until("code 1", |screen| screen.lines().any(|line| line == "code 1"));
    assert!(screen.contains("use --plain"), "{screen}");
}
