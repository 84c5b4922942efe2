//! The directory, its lock and its sockets.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Group, getegid, geteuid};

use crate::common::{Daemon, Scratch, command, command_after, eventually, run, said};

const SETTING: Option<i32> = Some(78);

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// What is in a directory.
fn names(directory: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_second_daemon_leaves_the_first_alone() {
    let first = Daemon::start(&[]);
    let mut client = first.json("json.sock");
    client.admitted();
    let before = client.vitals();
    let output = run(&first.directory, &[]);
    assert_eq!(output.status.code(), Some(75));
    let place = first.directory.display();
    assert_eq!(
        said(&output),
        format!("kymod: {place} is served by process {} already\n", first.pid())
    );
    assert!(output.stdout.is_empty());
    assert_eq!(client.vitals(), before + 1);
    first.json("json.sock").expect("welcome");
}

/// Processes that end with the test.
struct Starters(Vec<Child>);

impl Drop for Starters {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn of_eight_at_once_one_wins() {
    for _ in 0..5 {
        let scratch = Scratch::new();
        let start = || command(&["--dir"]).arg(&scratch.0).spawn().unwrap();
        let mut starters = Starters((0..8).map(|_| start()).collect());
        let mut codes = Vec::new();
        eventually(|| {
            starters.0.retain_mut(|child| match child.try_wait().unwrap() {
                Some(status) => {
                    codes.push(status.code());
                    false
                }
                None => true,
            });
            (starters.0.len() == 1).then_some(())
        });
        assert_eq!(codes, [Some(75); 7]);
        let winner = &mut starters.0[0];
        let mut ready = String::new();
        BufReader::new(winner.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready "));
        UnixStream::connect(scratch.0.join("json.sock")).unwrap();
    }
}

#[test]
fn what_a_killed_daemon_left_is_replaced() {
    let scratch = Scratch::new();
    for _ in 0..3 {
        let mut daemon = Daemon::start_in(&scratch.0, &[]);
        daemon.json("json.sock").expect("welcome");
        daemon.signal(Signal::SIGKILL);
        daemon.wait();
        assert!(daemon.path("json.sock").exists() && daemon.path("stream.sock").exists());
    }
}

#[test]
fn sockets_and_directory_are_private_under_any_umask() {
    for umask in ["umask 000", "umask 077", "umask 777"] {
        let scratch = Scratch::new();
        let directory = scratch.0.join("made/here");
        if umask == "umask 777" {
            // Not even its owner could enter a directory made under that.
            fs::create_dir_all(&directory).unwrap();
            set_mode(&directory, 0o700);
        }
        let config = scratch
            .write("kymo.toml", "[[listener]]\npath='wide.sock'\nformat='json'\nmode=0o666\n");
        let mut command = command_after(umask, &["--config", &config, "--dir"]);
        let mut daemon = Daemon::start_as(&directory, command.arg(&directory));
        assert_eq!(mode(&directory), 0o700, "{umask}");
        assert_eq!(mode(daemon.path("stream.sock")), 0o600, "{umask}");
        assert_eq!(mode(daemon.path("json.sock")), 0o600, "{umask}");
        assert_eq!(mode(daemon.path("wide.sock")), 0o666, "{umask}");
        // The next start is to be able to open it.
        assert_eq!(mode(daemon.path("kymo.lock")), 0o600, "{umask}");
        daemon.json("wide.sock").expect("welcome");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.wait().code(), Some(0));
        assert_eq!(names(&directory), ["journal", "kymo.lock"]);
    }
}

/// kymod refuses `directory`, says why, and makes nothing in `untouched`.
fn refused(directory: &Path, untouched: &Path, code: Option<i32>, why: &str) {
    let before = names(untouched);
    let output = run(directory, &[]);
    assert_eq!(output.status.code(), code, "{}", said(&output));
    assert!(said(&output).contains(why), "{}", said(&output));
    let name = directory.to_str().unwrap().trim_end_matches('/');
    assert!(said(&output).contains(name), "{}", said(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(names(untouched), before);
}

#[test]
fn directories_that_others_can_change_are_refused() {
    let scratch = Scratch::new();
    let target = scratch.0.join("target");
    fs::create_dir(&target).unwrap();
    set_mode(&target, 0o700);
    let link = scratch.0.join("link");
    symlink(&target, &link).unwrap();
    refused(&link, &target, SETTING, "is a symbolic link");
    refused(&scratch.0.join("link/"), &target, SETTING, "is a symbolic link");
    let dangling = scratch.0.join("dangling");
    symlink(scratch.0.join("nowhere"), &dangling).unwrap();
    refused(&dangling, &scratch.0, SETTING, "is a symbolic link");
    for bits in [0o770, 0o720, 0o707, 0o1777] {
        set_mode(&target, bits);
        refused(&target, &target, SETTING, "is writable by its group or by everybody");
    }
    set_mode(&target, 0o755);
    Daemon::start_in(&target, &[]);
    let file = scratch.write("file", "mine");
    refused(Path::new(&file), &scratch.0, SETTING, "is not a directory");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    if geteuid().is_root() {
        std::os::unix::fs::chown(&target, Some(65_534), None).unwrap();
        refused(&target, &target, SETTING, "belongs to another user");
    }
}

#[test]
fn what_is_not_a_socket_of_ours_stays() {
    let scratch = Scratch::new();
    scratch.write("json.sock", "precious");
    let before = fs::metadata(scratch.0.join("json.sock")).unwrap().modified().unwrap();
    let output = run(&scratch.0, &[]);
    assert_eq!(output.status.code(), SETTING);
    assert!(said(&output).contains("json.sock: something that is not a socket is there"));
    let path = scratch.0.join("json.sock");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    // The socket that was made before it was met is gone again.
    assert!(!scratch.0.join("stream.sock").exists());

    // Nor is a link followed, in the place of a socket or of the lock.
    for (name, code) in [("json.sock", SETTING), ("kymo.lock", Some(1))] {
        let scratch = Scratch::new();
        let target = scratch.write("target", "precious");
        symlink(&target, scratch.0.join(name)).unwrap();
        let output = run(&scratch.0, &[]);
        assert_eq!(output.status.code(), code, "{}", said(&output));
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }
}

#[test]
fn a_path_that_is_too_long_is_named_with_the_limit() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("d".repeat(100));
    let output = run(&directory, &[]);
    assert_eq!(output.status.code(), SETTING);
    let size = directory.join("stream.sock").as_os_str().len();
    let expected = format!("the path has {size} bytes; a socket's may have 107");
    assert!(said(&output).contains(&expected), "{}", said(&output));
}

/// Who this thread is from here on: the calls change one thread when they are made directly.
fn become_somebody(uid: u32, gid: u32) {
    use nix::libc::{SYS_setgroups, SYS_setresgid, SYS_setresuid, syscall};
    let none = std::ptr::null::<u32>();
    // SAFETY: setgroups(2) reads as many numbers as it is told, none here.
    assert_eq!(unsafe { syscall(SYS_setgroups, 0, none) }, 0);
    // SAFETY: setresgid(2) takes three numbers.
    assert_eq!(unsafe { syscall(SYS_setresgid, gid, gid, gid) }, 0);
    // SAFETY: setresuid(2) takes three numbers.
    assert_eq!(unsafe { syscall(SYS_setresuid, uid, uid, uid) }, 0);
}

/// What somebody else reads at `path` first.
pub fn as_somebody(uid: u32, gid: u32, path: &Path) -> Result<String, ErrorKind> {
    let path = path.to_path_buf();
    let work = move || {
        become_somebody(uid, gid);
        let stream = UnixStream::connect(path).map_err(|error| error.kind())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(|error| error.kind())?;
        Ok(line)
    };
    std::thread::spawn(work).join().unwrap()
}

#[test]
fn members_of_the_read_group_may_read() {
    let group = Group::from_gid(if geteuid().is_root() { Gid::from_raw(1) } else { getegid() });
    let group = group.unwrap().unwrap();
    let scratch = Scratch::new();
    let config = scratch.write(
        "kymo.toml",
        &format!(
            "access.read_group = '{}'\n[[listener]]\npath = 'mine.sock'\nformat = 'json'\n\
             mode = 0o600\n[[listener]]\npath = 'all.sock'\nformat = 'json'\nmode = 0o666\n",
            group.name
        ),
    );
    // The umask is no obstacle here either.
    let directory = scratch.0.join("d");
    let mut command = command_after("umask 077", &["--config", &config, "--dir"]);
    let daemon = Daemon::start_as(&directory, command.arg(&directory));
    let owned = |name: &str| {
        let metadata = fs::metadata(daemon.path(name)).unwrap();
        (metadata.mode() & 0o7777, metadata.gid() == group.gid.as_raw())
    };
    assert_eq!(owned("."), (0o750, true));
    assert_eq!(owned("stream.sock"), (0o660, true));
    assert_eq!(owned("json.sock"), (0o660, true));
    assert_eq!(owned("all.sock"), (0o666, true));
    assert_eq!(owned("mine.sock").0, 0o600);
    assert_eq!(owned("kymo.lock").0, 0o600);
    if geteuid().is_root() {
        // The scratch directory above is the administrator's to open.
        set_mode(&scratch.0, 0o755);
        let (member, other) = ((12_345, group.gid.as_raw()), (12_345, 12_345));
        let line = as_somebody(member.0, member.1, &daemon.path("json.sock")).unwrap();
        assert!(line.starts_with("{\"type\":\"welcome\""), "{line}");
        let denied = Err(ErrorKind::PermissionDenied);
        assert_eq!(as_somebody(member.0, member.1, &daemon.path("mine.sock")), denied);
        for name in ["json.sock", "all.sock"] {
            assert_eq!(as_somebody(other.0, other.1, &daemon.path(name)), denied);
        }
    }
}

#[test]
fn a_read_group_that_is_none_is_named() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", "access.read_group = 'no such group'\n");
    let output = run(&scratch.0, &["--config", &config]);
    assert_eq!(output.status.code(), SETTING);
    assert!(said(&output).contains("there is no group `no such group`"), "{}", said(&output));
    assert_eq!(names(&scratch.0), ["kymo.toml"]);
}
