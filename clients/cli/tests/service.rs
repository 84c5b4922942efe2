//! `kymo service`, end to end, with a systemctl that writes down what it was called with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test
#![cfg(target_os = "linux")] // of launchd what is pure is tested beside it

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use common::kymod::kymod_path;
use common::{Scratch, kymo, output, said, values};

/// A user's home, and a service manager that answers as `script` says.
struct Home(Scratch);

impl Home {
    fn new(script: &str) -> Self {
        let home = Self(Scratch::new());
        fs::create_dir_all(home.path("bin")).unwrap();
        let log = home.path("calls");
        let text = format!("#!/bin/sh\necho \"$*\" >> {}\n{script}\n", log.display());
        let fake = home.path("bin/systemctl");
        fs::write(&fake, text).unwrap();
        fs::set_permissions(&fake, Permissions::from_mode(0o755)).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    fn unit(&self, name: &str) -> PathBuf {
        self.path("config/systemd/user").join(name)
    }

    /// What `kymo service` with these words does there; kymod is the one that is tested.
    fn service(&self, words: &str) -> Output {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = kymo(&["service"]);
        command.args(&words).env("HOME", &self.0.0).env("XDG_CONFIG_HOME", self.path("config"));
        if words[0] == "install" && !words.contains(&"--kymod") {
            command.arg("--kymod").arg(kymod_path());
        }
        output(command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display())))
    }

    /// What the manager was called with since the last time.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.path("calls"));
        text.lines().map(Into::into).collect()
    }
}

fn printed(output: &Output) -> &str {
    assert_eq!((output.status.code(), said(output)), (Some(0), ""));
    str::from_utf8(&output.stdout).unwrap()
}

const REACHED: &str = "--user show --property=Version";

#[test]
fn installing_twice_is_installing_once() {
    let home = Home::new("exit 0");
    let first = home.service("install --user");
    assert!(printed(&first).contains("\nrun systemctl --user enable kymod.service\n"));
    let unit = fs::read_to_string(home.unit("kymod.service")).unwrap();
    let start = format!("\nExecStart={}\n", kymod_path().display());
    assert!(unit.contains(&start), "{unit}");
    let mode = fs::metadata(home.unit("kymod.service")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let expected = [
        REACHED,
        "--user daemon-reload",
        "--user enable kymod.service",
        "--user restart kymod.service",
    ];
    assert_eq!(home.calls(), expected);

    let again = home.service("install --user");
    assert!(!printed(&again).contains("write "), "{}", printed(&again));
    let expected = [REACHED, "--user daemon-reload", "--user enable --now kymod.service"];
    assert_eq!(home.calls(), expected);

    // Other settings are another unit, and a daemon that is to know of them.
    let settings = home.0.write("kymo.toml", "rate_hz = 10\n");
    let changed = home.service(&format!("install --user --config {settings}"));
    assert!(printed(&changed).contains("write "));
    let unit = fs::read_to_string(home.unit("kymod.service")).unwrap();
    assert!(unit.contains(&format!(" --config {settings}\n")), "{unit}");
    assert_eq!(home.calls()[3], "--user restart kymod.service");

    let removed = home.service("uninstall --user");
    assert!(printed(&removed).contains("remove "), "{}", printed(&removed));
    assert_eq!(fs::read_dir(home.path("config/systemd/user")).unwrap().count(), 0);
    assert_eq!(home.calls()[1], "--user disable --now kymod.service");
    assert_eq!(
        printed(&home.service("uninstall --user")),
        "there is no service of kymo's to remove\n"
    );
    assert!(home.calls().is_empty());
}

#[test]
fn a_dry_run_does_nothing() {
    let home = Home::new("exit 0");
    for words in
        ["install --user --on-demand --dry-run", "install --system --dry-run --kymod /bin/sh"]
    {
        let output = home.service(words);
        if said(&output).contains("others than root can change it") {
            println!("skipped: {words}: these programs are not root's");
            continue;
        }
        let text = printed(&output);
        assert!(text.contains("kymod.service\n  # Written by `kymo service install`"), "{text}");
        assert!(text.contains("daemon-reload\n"), "{text}");
        let sockets = text.contains("  FileDescriptorName=json\n");
        assert_eq!(sockets, words.contains("demand"), "{text}");
    }
    // It asks whether the manager is there, and nothing else.
    assert!(home.calls().iter().all(|call| call.ends_with("show --property=Version")));
    assert!(!home.path("config").exists());
}

#[test]
fn a_dry_run_says_that_no_manager_answers() {
    let home = Home::new("echo 'Failed to connect to bus: No medium found' >&2; exit 1");
    let output = home.service("install --user --dry-run");
    assert_eq!(output.status.code(), Some(0));
    assert!(str::from_utf8(&output.stdout).unwrap().contains("daemon-reload\n"));
    let expected = "kymo: none of this can be done now: systemd does not answer (Failed to connect \
                    to bus: No medium found): ";
    assert!(said(&output).starts_with(expected), "{}", said(&output));
}

#[test]
fn sockets_start_it_on_demand() {
    let home = Home::new("exit 0");
    printed(&home.service("install --user --on-demand"));
    assert!(home.unit("kymod-control.socket").is_file());
    let calls = home.calls();
    let sockets = "kymod-stream.socket kymod-json.socket kymod-control.socket";
    assert_eq!(calls.last().unwrap(), &format!("--user enable --now {sockets}"));
    printed(&home.service("install --user"));
    assert!(!home.unit("kymod-control.socket").exists() && home.unit("kymod.service").exists());
    assert_eq!(home.calls()[1], format!("--user disable --now {sockets}"));
}

#[test]
fn what_others_wrote_stays() {
    let home = Home::new("exit 0");
    fs::create_dir_all(home.unit("")).unwrap();
    fs::write(home.unit("kymod.service"), "[Unit]\n").unwrap();
    let refused = home.service("install --user");
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("did not write it"), "{}", said(&refused));
    printed(&home.service("uninstall --user"));
    // The unit of an administrator that wants none.
    fs::remove_file(home.unit("kymod.service")).unwrap();
    std::os::unix::fs::symlink("/dev/null", home.unit("kymod.service")).unwrap();
    assert_eq!(home.service("install --user").status.code(), Some(1));
    assert!(home.calls().is_empty());
}

#[test]
fn the_system_starts_nothing_that_others_can_change() {
    let home = Home::new("exit 0");
    let open = home.path("bin");
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    let words = format!("install --system --dry-run --kymod {}/systemctl", open.display());
    let refused = home.service(&words);
    assert_eq!(refused.status.code(), Some(77), "{}", said(&refused));
    assert!(said(&refused).contains("others than root can change it"), "{}", said(&refused));
    printed(&home.service(&words.replace("--system", "--user")));
}

#[test]
fn refusals_say_what_to_do() {
    for (script, code, text) in [
        ("echo 'Failed to connect to bus: No medium found' >&2; exit 1", 69, "enable-linger"),
        ("test $2 = show || { echo 'Access denied' >&2; exit 4; }", 77, "Access denied"),
        ("test $2 != restart || { echo 'Job failed' >&2; exit 1; }", 1, "journalctl --user"),
    ] {
        let home = Home::new(script);
        let failed = home.service("install --user");
        assert_eq!(failed.status.code(), Some(code), "{}", said(&failed));
        assert!(said(&failed).contains(text), "{}", said(&failed));
        let is_there = home.unit("kymod.service").exists();
        assert_eq!(is_there, code != 69, "where no manager answers nothing is written");
    }
    let home = Home::new("exit 0");
    fs::remove_file(home.path("bin/systemctl")).unwrap();
    let bin = home.path("bin").into_os_string();
    let mut command = kymo(&["service", "install", "--user", "--kymod"]);
    let failed = output(command.arg(kymod_path()).env("HOME", &home.0.0).env("PATH", bin));
    assert_eq!(failed.status.code(), Some(69));
    assert!(said(&failed).contains("there is no systemctl here"), "{}", said(&failed));

    let settings = home.0.write("kymo.toml", "rate = 10\n");
    let refused = home.service(&format!("install --user --config {settings}"));
    assert_eq!(refused.status.code(), Some(78));
    assert!(said(&refused).contains("did you mean `rate_hz`?"), "{}", said(&refused));
}

#[test]
fn status_tells_what_the_manager_says() {
    let home = Home::new(concat!(
        "case \"$*\" in *is-active*) exit 3 ;; *MainPID*) printf 'ActiveState=active\\n",
        "SubState=running\\nMainPID=42\\nUnitFileState=enabled\\nResult=success\\n' ;; esac",
    ));
    let running = home.service("status --user --json");
    let told = &values(printed(&running).as_bytes())[0];
    assert_eq!((&told["manager"], &told["scope"]), (&"systemd".into(), &"user".into()));
    assert_eq!((&told["runs"], &told["pid"]), (&true.into(), &42.into()));
    assert_eq!((&told["enabled"], &told["on_demand"]), (&"enabled".into(), &false.into()));
    let lines = home.service("status --user");
    assert!(printed(&lines).contains("active (running)\n"), "{}", printed(&lines));

    let home =
        Home::new("case \"$*\" in *is-active*) exit 3 ;; *) echo ActiveState=inactive ;; esac");
    let idle = home.service("status --user");
    assert_eq!(idle.status.code(), Some(69));
    assert!(said(&idle).contains("does not run as a service"), "{}", said(&idle));
}
