//! The library leaves its host alone: nothing of the process is another after it, and nothing that
//! the host starts meanwhile has anything of it.
//!
//! Each test runs itself as a process of its own, because signals, descriptors and the rest belong
//! to a process, and the other tests of this one use them meanwhile.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kymo::protocol::{Body, StreamId, Streams};
use kymo::{Broadcaster, Builder, Reactor, Wish};
use kymo_platform::Fake;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use crate::scratch::Scratch;

const MARK: &str = "KYMO_TEST_AMBIENT";

/// Whether this is the process of its own; else the test has been run in one, and was good.
fn is_alone(name: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    run_alone(Command::new(std::env::current_exe().unwrap()), name);
    false
}

fn run_alone(mut command: Command, name: &str) {
    let name = format!("ambient::{name}");
    command.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env(MARK, "1");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

/// Everything of a host, once: doors, sensors, processes, journal, subscribers, publishers.
fn builder(place: &Path, is_journalled: bool) -> Builder {
    let journal = is_journalled.then(|| {
        let path = place.join("journal").to_str().unwrap().try_into().unwrap();
        kymo::JournalSettings { path: Some(path), ..kymo::JournalSettings::default() }
    });
    let builder = Builder::new().machine(Box::new(Fake::seeded(7))).processes();
    builder.in_directory(place).with(|config| config.journal = journal)
}

/// Turns it until frames of vitals have come.
fn use_it(reactor: &mut Reactor) {
    let streams = Streams::default().with(StreamId::VITALS).with(StreamId::PROCESSES);
    let wish = Wish { streams, rate_mhz: 200_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, || ()).unwrap();
    let mut broadcaster = Broadcaster::new(reactor.publisher().unwrap(), "test").unwrap();
    let mut frames = 0;
    let end = Instant::now() + Duration::from_secs(20);
    while frames < 10 {
        assert!(Instant::now() < end, "no frames");
        broadcaster.broadcast(frames).unwrap();
        reactor.turn(Some(Duration::from_millis(10))).unwrap();
        while let Some(frame) = subscriber.next_frame().unwrap() {
            frames += u32::from(matches!(frame.body, Body::Vitals(_)));
        }
    }
}

fn stop(mut reactor: Reactor) {
    reactor.stop();
    reactor.run().unwrap();
}

/// What belongs to the whole process, and the mask of the thread that uses the library: the main
/// thread's may be the C library's, which blocks all while it makes a thread.
fn surroundings() -> Vec<String> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let kept = ["Umask", "Threads", "Sig", "Shd", "Uid", "Gid", "Cap", "NoNewPrivs", "Seccomp"];
    let kept = status.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
    // How many wait is the system's business.
    let mut all: Vec<_> = kept.filter(|line| !line.starts_with("SigQ")).map(Into::into).collect();
    all.push(fs::read_to_string("/proc/self/limits").unwrap());
    all.push(std::env::current_dir().unwrap().display().to_string());
    all.extend(std::env::vars().map(|(name, value)| format!("{name}={value}")));
    let names = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    all.extend(names.map(|path| format!("{} {:?}", path.display(), fs::read_link(&path).ok())));
    all
}

#[test]
fn a_host_finds_its_process_as_it_was() {
    if !is_alone("a_host_finds_its_process_as_it_was") {
        return;
    }
    let scratch = Scratch::new();
    let place = scratch.0.join("hub");
    // Time zones, and what the test harness makes the first time.
    stop(builder(&place, false).build().unwrap());
    let said = scratch.0.join("said");
    let before = surroundings();
    let kept = [nix::unistd::dup(std::io::stdout()), nix::unistd::dup(std::io::stderr())];
    let file = File::create(&said).unwrap();
    nix::unistd::dup2_stdout(&file).unwrap();
    nix::unistd::dup2_stderr(&file).unwrap();
    let mut threads = Vec::new();
    for is_journalled in [false, true] {
        let mut reactor = builder(&place, is_journalled).build().unwrap();
        use_it(&mut reactor);
        threads.push(fs::read_dir("/proc/self/task").unwrap().count());
        stop(reactor);
    }
    let [stdout, stderr] = kept.map(Result::unwrap);
    nix::unistd::dup2_stdout(stdout.as_fd()).unwrap();
    nix::unistd::dup2_stderr(stderr.as_fd()).unwrap();
    drop((stdout, stderr, file));
    let after = surroundings();
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(gone.is_empty() && new.is_empty(), "{gone:#?} became {new:#?}");
    // One to sync a journal, and no other.
    assert_eq!(threads[1], threads[0] + 1);
    assert_eq!(format!("Threads:\t{}", threads[0]), threads_line(&before));
    assert_eq!(fs::read_to_string(said).unwrap(), "");
}

fn threads_line(surroundings: &[String]) -> String {
    surroundings.iter().find(|line| line.starts_with("Threads")).unwrap().clone()
}

/// What a process did for a moment is not seen afterwards; `strace` sees it, where it is.
#[test]
fn nothing_of_the_process_is_set_not_even_for_a_moment() {
    const NAME: &str = "nothing_of_the_process_is_set_not_even_for_a_moment";
    let mark = |name: &str| drop(File::open(format!("/kymo-test-{name}")));
    if std::env::var_os(MARK).is_some() {
        let scratch = Scratch::new();
        mark("begin");
        let mut reactor = builder(&scratch.0.join("hub"), false).sensors().build().unwrap();
        use_it(&mut reactor);
        stop(reactor);
        mark("end");
        return;
    }
    let scratch = Scratch::new();
    let trace = scratch.0.join("trace");
    let mut strace = Command::new("strace");
    strace.arg("-f").arg("-o").arg(&trace);
    strace.arg("-e").arg(
        "trace=umask,chdir,fchdir,rt_sigaction,signalfd4,setrlimit,prlimit64,prctl,execve,fork,\
         vfork,write,writev,openat,kill,tgkill,setitimer,timer_create,setpriority,\
         sched_setscheduler,sched_setaffinity,unshare,mount",
    );
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("strace is not here, or may not be used: nothing was tried");
        return;
    }
    strace.arg(std::env::current_exe().unwrap());
    run_alone(strace, NAME);
    let trace = fs::read_to_string(trace).unwrap();
    let (_, trace) = trace.split_once("kymo-test-begin").expect("the beginning");
    let (trace, _) = trace.split_once("kymo-test-end").expect("the end");
    let own = std::env::temp_dir().join("kymo-");
    let is_quiet = |line: &str| {
        let is_open = line.contains(" openat(");
        let is_read =
            is_open && !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|f| line.contains(f));
        // Its own files; what it writes otherwise goes to descriptors that it has opened.
        let is_own = is_open && line.contains(own.to_str().unwrap());
        let is_write = line.contains(" write(") || line.contains(" writev(");
        let is_said = line.contains("write(1,") || line.contains("write(2,");
        let is_end = line.contains("+++ exited");
        // To ask for a limit is not to set it; a thread has a name.
        let is_question = line.contains("prlimit64(") && line.contains(", NULL, ");
        // What it was stands where it began.
        let is_rest = line.contains(" resumed>");
        is_read
            || is_own
            || is_rest
            || is_write && !is_said
            || is_question
            || is_end
            || line.contains("PR_SET_NAME")
    };
    // The rest of the marks' own lines is cut at both ends.
    let lines: Vec<_> = trace.lines().skip(1).collect();
    let set: Vec<_> = lines[..lines.len() - 1].iter().filter(|line| !is_quiet(line)).collect();
    assert!(lines.len() > 20, "it did nothing: {trace}");
    assert!(set.is_empty(), "{set:#?}");
}

#[test]
fn what_the_host_starts_has_nothing_of_it() {
    if !is_alone("what_the_host_starts_has_nothing_of_it") {
        return;
    }
    let scratch = Scratch::new();
    let place = scratch.0.join("hub");
    let list = || {
        let output = Command::new("ls").arg("/proc/self/fd").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = list();
    let reactor = builder(&place, true).sensors().build().unwrap();
    let running = reactor.spawn().unwrap();
    let mut client = UnixStream::connect(place.join("json.sock")).unwrap();
    client.read_exact(&mut [0; 64]).unwrap();
    assert_eq!(list(), before);
    running.stop().unwrap();
}

/// A copy of the process that does not become another program shares its descriptors, and with them
/// the lock of the directory.
#[test]
#[allow(unsafe_code)]
fn a_forked_child_holds_nothing_back() {
    if !is_alone("a_forked_child_holds_nothing_back") {
        return;
    }
    let scratch = Scratch::new();
    let place = scratch.0.join("hub");
    let mut reactor = builder(&place, true).build().unwrap();
    use_it(&mut reactor);
    let (mut alive, child_alive) = UnixStream::pair().unwrap();
    // SAFETY: the child makes system calls alone before it ends.
    let child = match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let _ = (&child_alive).read(&mut [0]);
            std::process::abort();
        }
    };
    use_it(&mut reactor);
    stop(reactor);
    assert!(!place.join("json.sock").exists());
    // The child has a copy of everything and lives; the directory is free all the same.
    let mut reactor = builder(&place, true).build().unwrap();
    use_it(&mut reactor);
    stop(reactor);
    assert_eq!(alive.write(b"!").unwrap(), 1);
    waitpid(child, None).unwrap();
}

/// A program without standard descriptors gives their numbers to whatever is opened next.
#[test]
fn it_starts_without_standard_descriptors() {
    if !is_alone("it_starts_without_standard_descriptors") {
        return;
    }
    let scratch = Scratch::new();
    let place = scratch.0.join("hub");
    let kept = [
        nix::unistd::dup(std::io::stdin()).unwrap(),
        nix::unistd::dup(std::io::stdout()).unwrap(),
        nix::unistd::dup(std::io::stderr()).unwrap(),
    ];
    (0..3).for_each(|fd| nix::unistd::close(fd).unwrap());
    let mut reactor = builder(&place, true).build().unwrap();
    let number = reactor.as_raw_fd();
    use_it(&mut reactor);
    let client = UnixStream::connect(place.join("json.sock"));
    use_it(&mut reactor);
    stop(reactor);
    let [stdin, stdout, stderr] = &kept;
    nix::unistd::dup2_stdin(stdin).unwrap();
    nix::unistd::dup2_stdout(stdout).unwrap();
    nix::unistd::dup2_stderr(stderr).unwrap();
    assert!(number < 3, "the descriptors were not free");
    let mut text = String::new();
    client.unwrap().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("{\"type\":\"welcome\"") && text.contains("goodbye"), "{text}");
}
