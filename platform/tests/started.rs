#![allow(unsafe_code)]
//! What depends on how the process was started: inherited sockets and the time zone.
//!
//! Without the test harness: the program starts itself again, each time as somebody who finds
//! something else, and that child has one thread and no descriptors but those it was given.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use kymo_platform::socket::{quieten, send, stream_socket};
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::socket::{Backlog, UnixAddr, bind, listen};

fn main() {
    match std::env::var("KYMO_STARTED_AS").as_deref() {
        Ok("loud") => loud(),
        #[cfg(target_os = "linux")]
        Ok("activated") => linux::activated(),
        #[cfg(target_os = "linux")]
        Ok("zone") => linux::zone(),
        #[cfg(target_os = "linux")]
        Ok("deep") => linux::deep(),
        _ => {
            start_loud();
            #[cfg(target_os = "linux")]
            linux::start_each();
        }
    }
}

/// Starts somebody whom SIGPIPE ends, as it ends hosts in C.
fn start_loud() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let status = command.env("KYMO_STARTED_AS", "loud").status().unwrap();
    assert!(status.success(), "sending to a peer that is gone: {status}");
}

fn loud() {
    // SAFETY: the default action is no code of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
    let path = std::env::temp_dir().join(format!("kymo-loud-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let socket = stream_socket(0o600).unwrap();
    bind(std::os::fd::AsRawFd::as_raw_fd(&socket), &UnixAddr::new(&path).unwrap()).unwrap();
    listen(&socket, Backlog::new(1).unwrap()).unwrap();
    let listener = UnixListener::from(socket);
    let client = UnixStream::connect(&path).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    std::fs::remove_file(path).unwrap();
    drop(client);
    let (here, there) = UnixStream::pair().unwrap();
    quieten(here.as_fd()).unwrap();
    drop(there);
    for socket in [accepted, here] {
        for parts in [&[b"x".as_slice()][..], &[b"x", b"y"]] {
            assert_eq!(send(socket.as_fd(), parts), Err(Errno::EPIPE));
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    use std::process::{Command, Stdio};

    use kymo_platform::{LocalTime, activation};
    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};

    /// Says on standard error what was inherited, and answers one client of each socket.
    pub fn activated() {
        let sockets = match activation::from_env() {
            Ok(sockets) => sockets,
            Err(error) => return eprint!("{error}"),
        };
        for (name, socket) in sockets {
            let flags = FdFlag::from_bits_retain(fcntl(&socket, FcntlArg::F_GETFD).unwrap());
            assert!(flags.contains(FdFlag::FD_CLOEXEC));
            let flags = OFlag::from_bits_retain(fcntl(&socket, FcntlArg::F_GETFL).unwrap());
            assert!(flags.contains(OFlag::O_NONBLOCK));
            eprint!("{name} ");
            // The client is waiting already.
            let (mut client, _) = UnixListener::from(socket).accept().unwrap();
            client.write_all(name.as_bytes()).unwrap();
        }
        // The sockets are gone; so there is nothing to be had a second time.
        let again = activation::from_env();
        assert!(again.is_err() || std::env::var_os("LISTEN_PID").is_none_or(|pid| pid == "1"));
    }

    /// Tells the KiB of stack that are there after a deep start, and after that is let go.
    pub fn deep() {
        fill(64);
        let before = stack_kib();
        kymo_platform::let_start_go().unwrap();
        eprint!("{before} {}", stack_kib());
    }

    /// Uses so many times 4 KiB of stack.
    #[inline(never)]
    fn fill(times: u32) {
        let page = std::hint::black_box([1_u8; 4096]);
        if times > 1 {
            fill(times - 1);
        }
        std::hint::black_box(&page);
    }

    fn stack_kib() -> u32 {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let behind = maps.split("[stack]").nth(1).unwrap();
        let line = behind.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Prints the times that are asked for, and whether memory was taken for them.
    pub fn zone() {
        let zone = LocalTime::new();
        // SAFETY: mallinfo2 reads the allocator's counters, under its lock.
        let before = unsafe { libc::mallinfo2() }.uordblks;
        let hour_ns = 3_600_000_000_000;
        for hour in 490_000..590_000 {
            let _ = std::hint::black_box(zone.hms(hour * hour_ns));
        }
        // SAFETY: as above.
        let after = unsafe { libc::mallinfo2() }.uordblks;
        assert_eq!(before, after, "bytes in use");
        for argument in std::env::args().skip(1) {
            let seconds: u64 = argument.parse().unwrap();
            eprint!("{} ", str::from_utf8(&zone.hms(seconds * 1_000_000_000)).unwrap());
        }
    }

    /// This program behind a line of shell, which knows the child's process id.
    fn start(shell: &str, mode: &str, stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> String {
        let shell = format!("{shell} exec \"$0\" \"$@\"");
        let output = Command::new("/bin/sh")
            .args(["-c", &shell])
            .arg(std::env::current_exe().unwrap())
            .args(["0", "1767225600", "1782907200"])
            .env("KYMO_STARTED_AS", mode)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    }

    fn activate(variables: &str, first: impl Into<OwnedFd>, second: impl Into<OwnedFd>) -> String {
        let shell = format!("exec 3<&0 4<&1 0</dev/null 1>/dev/null; {variables}");
        start(&shell, "activated", first.into(), second.into())
    }

    pub fn start_each() {
        let place = std::env::temp_dir().join(format!("kymo-started-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir(&place).unwrap();
        let listen = |name: &str| {
            let _ = std::fs::remove_file(place.join(name));
            UnixListener::bind(place.join(name)).unwrap()
        };
        let said = start("", "deep", Stdio::null(), Stdio::null());
        let (before, after) = said.split_once(' ').unwrap();
        let (before, after): (u32, u32) = (before.parse().unwrap(), after.parse().unwrap());
        assert!(before >= 256 && after <= 48, "{before} KiB became {after}");

        let both = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=json:stream;";

        let (first, second) = (listen("a"), listen("b"));
        let mut clients = ["a", "b"].map(|name| UnixStream::connect(place.join(name)).unwrap());
        assert_eq!(activate(both, first, second), "json stream ");
        for (client, expected) in clients.iter_mut().zip(["json", "stream"]) {
            let mut name = String::new();
            client.read_to_string(&mut name).unwrap();
            assert_eq!(name, expected);
        }

        let one = "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=json;";
        let null = || File::open("/dev/null").unwrap();
        let (pair, other) = UnixStream::pair().unwrap();
        let datagram = UnixDatagram::unbound().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(tcp.as_fd().try_clone_to_owned().is_ok());
        for (unfit, why) in [
            (OwnedFd::from(null()), "`json` is no socket"),
            (pair.into(), "`json` does not listen"),
            (datagram.into(), "`json` is not a stream socket"),
            (tcp.into(), "`json` is not a Unix socket"),
        ] {
            let said = activate(one, unfit, null());
            assert!(said.ends_with(why), "{said}");
        }
        drop(other);
        let named = "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web;";
        assert!(activate(named, listen("a"), null()).contains("no listener has the name `web`"));
        let missing = "exec 3<&-; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=json;";
        assert!(activate(missing, null(), null()).contains("`json`: "));
        let others = "export LISTEN_PID=1 LISTEN_FDS=1 LISTEN_FDNAMES=json;";
        assert_eq!(activate(others, listen("a"), null()), "");
        assert_eq!(activate("", null(), null()), "");
        std::fs::remove_dir_all(place).unwrap();

        for (zone, expected) in [
            ("UTC0", "00:00:00 00:00:00 12:00:00 "),
            ("NPT-5:45", "05:45:00 05:45:00 17:45:00 "),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "01:00:00 01:00:00 14:00:00 "),
        ] {
            let shell = format!("export TZ={zone};");
            assert_eq!(start(&shell, "zone", Stdio::null(), Stdio::null()), expected, "{zone}");
        }
        // The same from a file of the zone, where there is one.
        if std::path::Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
            let said = start("export TZ=Europe/Berlin;", "zone", Stdio::null(), Stdio::null());
            assert_eq!(said, "01:00:00 01:00:00 14:00:00 ");
        }
        println!("sockets and zones are those the process was started with");
    }
}
