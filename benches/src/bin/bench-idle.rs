//! Does kymod wake up, or call the kernel, when nobody watches?

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{fs, thread};

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::cost;
use kymo_benches::process::{Process, new_folder};
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::watch;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const QUESTION: &str = "Wake-ups of kymod without subscribers";

fn main() -> ExitCode {
    run(QUESTION, measure)
}

fn measure(args: &Args, report: &mut Report) -> Outcome<()> {
    let seconds = args.seconds.unwrap_or(if args.quick { 0.5 } else { 10.0 });
    let kymod = Process::kymod(&[], "")?;
    // Between its word and its first wait it may be switched out.
    thread::sleep(Duration::from_millis(500));
    let fresh = wake_ups(&kymod, seconds)?;
    match Strace::find() {
        None => report.remark("skipped: strace is not installed (Debian: strace)"),
        Some(program) => {
            let calls = Strace::attach(program, &kymod)?.calls(seconds)?;
            let row = Row::new("no subscribers: system calls", calls as f64, "calls");
            report.row(&row.limits(0.0, None).note(format!("over {seconds} s, by strace")));
        }
    }
    // Somebody came and went: now it is to be as quiet as before.
    let mut readers = kymod.subscribe(1000, 4)?;
    watch::many(&mut readers, Duration::from_millis(200))?;
    drop(readers);
    thread::sleep(Duration::from_millis(500));
    let left = wake_ups(&kymod, seconds)?;
    for (what, wake_ups) in [("before any subscriber", fresh), ("after the last", left)] {
        let row = Row::new(format!("no subscribers, {what}"), wake_ups / seconds, "wake-ups/s")
            .limits(0.0, None)
            .note(format!("over {seconds} s, from the context switches of all threads"));
        report.row(&row);
    }
    Ok(())
}

fn wake_ups(kymod: &Process, seconds: f64) -> Outcome<f64> {
    let begin = cost::switches(kymod.id())?;
    thread::sleep(Duration::from_secs_f64(seconds));
    Ok((cost::switches(kymod.id())? - begin) as f64)
}

/// A strace of all threads of a process.
struct Strace {
    child: Child,
    /// What it says, until it ends.
    words: BufReader<ChildStderr>,
    folder: PathBuf,
}

impl Strace {
    fn find() -> Option<&'static str> {
        let paths = ["/usr/bin/strace", "/usr/local/bin/strace"];
        paths.into_iter().find(|path| Path::new(path).exists())
    }

    /// Returns when it has every thread.
    fn attach(program: &str, process: &Process) -> Outcome<Self> {
        let folder = new_folder()?;
        let id = process.id().to_string();
        let mut child = Command::new(program)
            .args(["-f", "-p", &id, "-o"])
            .arg(folder.join("calls"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut words = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut line = String::new();
        words.read_line(&mut line)?;
        let strace = Self { child, words, folder };
        // "Process 1 attached", and with threads " with 4 threads".
        if line.contains(" attached") { Ok(strace) } else { Err(line.into()) }
    }

    /// Calls that end within so many seconds. One that begins and doesn't end is the wait.
    fn calls(mut self, seconds: f64) -> Outcome<usize> {
        thread::sleep(Duration::from_secs_f64(seconds));
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT)?;
        io::copy(&mut self.words, &mut io::sink())?;
        self.child.wait()?;
        let text = fs::read_to_string(self.folder.join("calls"))?;
        let cut = ["<detached ...>", "<unfinished ...>"];
        // Every thread waits when it is let go; who saw none of them saw nothing.
        if !text.contains(cut[0]) {
            return Err("strace saw no thread".into());
        }
        let is_whole = |line: &&str| !cut.iter().any(|end| line.ends_with(end));
        Ok(text.lines().filter(is_whole).count())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
