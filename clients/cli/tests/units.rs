//! The units for systemd: systemd takes them, they leave little exposed and blind nothing, and
//! their sockets are those that kymod asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::kymod::{Process, kymod_path};
use common::{PATIENCE, Scratch, kymo, output, said};
use kymo_platform::activation::LISTENERS;

/// In tenths: what is left are the network's figures, files, processes and Unix sockets, which it
/// is there for.
const EXPOSURE_MAX: &str = "13";

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("service");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn socket(name: &str) -> String {
    format!("user/kymod-{name}.socket")
}

/// `systemd-analyze`, if it is there.
fn analyze(scratch: &Scratch, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("systemd-analyze");
    // A user's manager needs a place for sockets, even where none runs.
    let outcome = command.args(arguments).env("XDG_RUNTIME_DIR", &scratch.0).output();
    if outcome.is_err() {
        println!("skipped: there is no systemd-analyze");
    }
    outcome.ok()
}

#[test]
fn systemd_takes_them() {
    let scratch = Scratch::new();
    let here = |name: &str| {
        // The programs are installed nowhere here.
        let text =
            text(name).replace("=/usr/bin/kymo ", concat!("=", env!("CARGO_BIN_EXE_kymo"), " "));
        let text = text.replace("/usr/bin/kymod", kymod_path().to_str().unwrap());
        scratch.write(name.rsplit('/').next().unwrap(), &text)
    };
    let system = here("kymod.service");
    let Some(told) = analyze(&scratch, &["--man=no", "verify", &system]) else { return };
    assert!(told.status.success() && !said(&told).contains("kymod"), "{}", said(&told));
    let mut words = vec!["--user".into(), "--man=no".into(), "verify".into()];
    words.push(here("user/kymod.service"));
    words.extend(LISTENERS.map(|name| here(&socket(name))));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = analyze(&scratch, &words).unwrap();
    assert!(told.status.success() && !said(&told).contains("kymod"), "{}", said(&told));
}

#[test]
fn the_systems_unit_leaves_little_exposed() {
    let scratch = Scratch::new();
    let unit = scratch.write("kymod.service", &text("kymod.service"));
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let words = ["security", "--offline=true", "--no-pager", &threshold, &unit];
    let Some(told) = analyze(&scratch, &words) else { return };
    let table = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && table.contains("exposure level"), "{table}{}", said(&told));
}

#[test]
fn no_unit_blinds_what_it_starts() {
    for name in ["kymod.service", "user/kymod.service"] {
        let text = text(name);
        let set = |option: &str| text.lines().any(|line| line.starts_with(option));
        for option in [
            "ProcSubset=",     // no /proc/stat
            "ProtectProc=",    // no processes but its own
            "PrivateNetwork=", // no interface but lo
            "PrivateUsers=",   // all users look alike
            "ProtectHome=yes", // another file system's space
        ] {
            assert!(!set(option), "{name}: {option}");
        }
        assert!(set("Type=notify") && set("RestartPreventExitStatus=77 78"), "{name}");
    }
}

#[test]
fn sockets_are_those_that_kymod_asks_for() {
    for name in LISTENERS {
        let text = text(&socket(name));
        for line in [
            format!("ListenStream=%t/kymo/{name}.sock"),
            format!("FileDescriptorName={name}"),
            "SocketMode=0600".into(),
            "DirectoryMode=0700".into(),
            "Service=kymod.service".into(),
        ] {
            assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{name}: {line}");
        }
    }
}

#[test]
fn the_first_client_starts_it() {
    let scratch = Scratch::new();
    let mut command = Command::new("systemd-socket-activate");
    for name in LISTENERS {
        command.arg("-l").arg(scratch.0.join(format!("{name}.sock")));
    }
    command.arg(format!("--fdname={}", LISTENERS.join(":"))).arg(kymod_path());
    command.arg("--dir").arg(&scratch.0).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        println!("skipped: there is no systemd-socket-activate");
        return;
    };
    // It becomes kymod.
    let mut manager = Process(child);
    let begun = std::time::Instant::now();
    while !LISTENERS.iter().all(|name| scratch.0.join(format!("{name}.sock")).exists()) {
        assert!(begun.elapsed() < PATIENCE, "it does not listen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(!scratch.0.join("kymo.lock").exists(), "nobody has connected");
    let asked = output(kymo(&["ping", "--dir"]).arg(&scratch.0));
    assert_eq!(asked.status.code(), Some(0), "{}", said(&asked));
    assert!(scratch.0.join("kymo.lock").exists());
    let value = output(kymo(&["get", "memory_total", "--dir"]).arg(&scratch.0));
    assert_eq!(value.status.code(), Some(0), "{}", said(&value));
    let ended = output(kymo(&["quit", "--dir"]).arg(&scratch.0));
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert_eq!(manager.wait().code(), Some(0));
    assert!(scratch.0.join("json.sock").exists(), "the manager's sockets stay");
}
