//! The directory, its lock and its sockets.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

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
    client.expect("welcome");
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
        assert_eq!(mode(daemon.path("kymo.lock")) & 0o177, 0, "{umask}");
        daemon.json("wide.sock").expect("welcome");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.wait().code(), Some(0));
        assert_eq!(names(&directory), ["kymo.lock"]);
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
