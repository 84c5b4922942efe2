#![allow(unsafe_code)]
//! What a confined process can't do any more, and what it still can.
//!
//! Without the test harness: what is given up does not come back, so the program starts itself
//! again for each deed, confines that child as kymod confines itself, and looks at its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    match std::env::var("KYMO_DEED") {
        Ok(deed) => linux::child(&deed),
        Err(_) => linux::parent(),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::net::TcpListener;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::{Path, PathBuf};
    use std::process::{Command, ExitStatus};
    use std::sync::mpsc;
    use std::thread;

    use kymo_platform::{Places, Roots, close_calls, close_files};
    use nix::sys::statvfs::statvfs;

    /// What only a kernel with a newer Landlock refuses.
    const TCP_SINCE: u8 = 4;
    const SCOPES_SINCE: u8 = 6;

    const DEADLY: [(&str, libc::c_long); 7] = [
        ("ptrace", libc::SYS_ptrace),
        ("mount", libc::SYS_mount),
        ("bpf", libc::SYS_bpf),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("process_vm_writev", libc::SYS_process_vm_writev),
        ("keyctl", libc::SYS_keyctl),
        ("execveat", libc::SYS_execveat),
    ];

    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    pub fn parent() {
        let scratch = std::env::temp_dir().join(format!("kymo-sandbox-{}", std::process::id()));
        let scratch = Scratch(scratch);
        for folder in ["settings", "sockets", "written", "other"] {
            fs::create_dir_all(scratch.0.join(folder)).unwrap();
        }
        for file in ["settings/kymo.toml", "settings/new.toml", "other/secret", "sockets/s"] {
            fs::write(scratch.0.join(file), file).unwrap();
        }
        let deeds = DEADLY.into_iter().map(|(name, _)| name);
        for deed in deeds.chain(["exec", "tcp", "code", "in another thread"]) {
            let status = start(deed, &scratch.0);
            assert_eq!(status.signal(), Some(libc::SIGSYS), "{deed}: {status}");
        }
        for deed in ["files", "files by abstract names", "calls"] {
            let status = start(deed, &scratch.0);
            assert!(status.success(), "{deed}: {status}");
        }
        let status = start("abort", &scratch.0);
        assert_eq!(status.signal(), Some(libc::SIGABRT), "{status}");
    }

    fn start(deed: &str, scratch: &Path) -> ExitStatus {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("KYMO_DEED", deed).env("KYMO_SCRATCH", scratch).status().unwrap()
    }

    pub fn child(deed: &str) {
        match deed {
            "files" => files(false),
            "files by abstract names" => files(true),
            "calls" => calls(),
            "in another thread" => {
                // It is there before the filter.
                let (tell, told) = mpsc::channel();
                let thread = thread::spawn(move || {
                    told.recv().unwrap();
                    exec();
                });
                close_calls().unwrap();
                tell.send(()).unwrap();
                thread.join().unwrap();
            }
            _ => {
                close_calls().unwrap();
                deadly(deed);
            }
        }
    }

    fn exec() {
        panic!("{}", Command::new("/bin/true").exec());
    }

    fn deadly(deed: &str) {
        match deed {
            "abort" => std::process::abort(),
            "exec" => exec(),
            "tcp" => drop(TcpListener::bind("127.0.0.1:0")),
            "code" => {
                let access = libc::PROT_READ | libc::PROT_EXEC;
                let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                // SAFETY: a new mapping where nothing is, that nobody uses.
                unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, kind, -1, 0) };
            }
            _ => {
                let call = DEADLY.iter().find(|(name, _)| *name == deed).unwrap().1;
                // SAFETY: with zeros for all arguments each of these fails where nobody forbids it.
                unsafe { libc::syscall(call, 0, 0, 0, 0, 0, 0) };
            }
        }
    }

    /// What is answered, and not the end.
    fn calls() {
        close_calls().unwrap();
        assert!(fs::read_to_string("/proc/stat").unwrap().starts_with("cpu"));
        assert!(fs::read_dir("/proc").unwrap().count() > 10);
        let unknown = Some(libc::ENOSYS);
        let error = thread::Builder::new().spawn(|| ()).unwrap_err();
        assert_eq!(error.raw_os_error(), unknown);
        assert_eq!(fs::create_dir("/nowhere/x").unwrap_err().raw_os_error(), unknown);
        let refused = UnixDatagram::unbound().unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("Seccomp:\t2\n") && status.contains("NoNewPrivs:\t1\n"));
    }

    /// Files are made, cut and removed there, and nothing else.
    fn write_in(folder: &Path) {
        let file = folder.join("f");
        fs::write(&file, "1").unwrap();
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
        assert!(fs::read(&file).is_err());
        fs::remove_file(&file).unwrap();
        assert!(fs::create_dir(folder.join("d")).is_err());
    }

    fn files(speaks_abstractly: bool) {
        let scratch = PathBuf::from(std::env::var_os("KYMO_SCRATCH").unwrap());
        let name = SocketAddr::from_abstract_name(scratch.as_os_str().as_encoded_bytes()).unwrap();
        let early = UnixDatagram::unbound().unwrap();
        // Somebody who is not confined listens.
        let somebody = thread::spawn({
            let name = name.clone();
            let (tell, told) = mpsc::channel();
            let listen = move || {
                let socket = UnixDatagram::bind_addr(&name).unwrap();
                tell.send(()).unwrap();
                socket.recv(&mut [0; 8]).unwrap();
            };
            let thread = thread::spawn(listen);
            told.recv().unwrap();
            move || drop(thread)
        });
        somebody.join().unwrap();
        let roots = Roots::default();
        let settings = scratch.join("settings/kymo.toml");
        let sockets = scratch.join("sockets");
        let written = scratch.join("written");
        let places = Places {
            roots: &roots,
            settings: Some(&settings),
            sockets: &[&sockets, Path::new("/nonexistent")],
            written: &[&written],
            speaks_abstractly,
        };
        let version = match close_files(&places) {
            Ok(version) => version,
            Err(why) => return println!("not tried, since this machine has no Landlock: {why}"),
        };
        // Later threads are no way out.
        thread::spawn(move || {
            for open in ["/proc/stat", "/proc/1/stat", "/proc/self/maps", "/dev/null"] {
                assert!(File::open(open).is_ok(), "{open}");
            }
            assert!(fs::read_dir("/sys").unwrap().count() > 0);
            for open in ["settings/kymo.toml", "settings/new.toml"] {
                assert_eq!(fs::read_to_string(scratch.join(open)).unwrap(), open);
            }
            write_in(&written);
            fs::remove_file(sockets.join("s")).unwrap_or_else(|error| {
                // The other child was there before.
                assert_eq!(error.kind(), ErrorKind::NotFound);
            });
            assert!(statvfs("/").is_ok());
            let denied = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
            assert!(File::open(scratch.join("other/secret")).is_err_and(denied));
            assert!(fs::read_dir(&scratch).is_err_and(denied));
            assert!(fs::read_dir("/").is_err_and(denied));
            assert!(File::open("/etc/passwd").is_err_and(denied));
            assert!(fs::write(sockets.join("new"), "x").is_err_and(denied));
            assert!(fs::write("/proc/self/comm", "x").is_err_and(denied));
            assert!(fs::remove_file(scratch.join("other/secret")).is_err_and(denied));
            assert!(fs::remove_file(&settings).is_err_and(denied));
            if version >= TCP_SINCE {
                assert!(TcpListener::bind("127.0.0.1:0").is_err_and(denied));
            }
            let sent = early.send_to_addr(b"x", &name);
            assert_eq!(sent.is_ok(), speaks_abstractly || version < SCOPES_SINCE, "{sent:?}");
        })
        .join()
        .unwrap();
    }
}
