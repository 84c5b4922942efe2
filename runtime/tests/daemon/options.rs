//! The command line and the file of settings, when something is wrong with them.

use std::fs;
use std::path::Path;

use kymo::limits::{DESCRIPTORS_RESERVED, SENSOR_DESCRIPTORS_MAX};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::common::{Daemon, Scratch, command, command_after, run, run_to_end, said};

const USAGE: Option<i32> = Some(2);
const PERMISSION: Option<i32> = Some(77);
const SETTING: Option<i32> = Some(78);

#[test]
fn help_and_version_end_well() {
    let output = run_to_end(&mut command(&["--help"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"kymod: ") && output.stderr.is_empty());
    let output = run_to_end(&mut command(&["--version"]));
    assert_eq!(output.stdout, format!("kymod {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn bad_options_are_named() {
    let scratch = Scratch::new();
    for (options, code, text) in [
        (&["--bogus"][..], USAGE, "--bogus"),
        (&["word"], USAGE, "word"),
        (&["--rate", "0"], USAGE, "0.1 to 1000"),
        (&["--rate", "fast"], USAGE, "not a number"),
        (&["--clients", "-1"], USAGE, "-1"),
        (&["--clients", "0"], SETTING, "limits.clients is 0; it may be 1 to 16384"),
        (&["--clients", "16385"], SETTING, "1 to 16384"),
        (&["--proc", "/nowhere"], SETTING, "/nowhere: there is no such folder"),
        (&["--sys", "/nowhere"], SETTING, "/nowhere: there is no such folder"),
    ] {
        let output = run(&scratch.0, options);
        assert_eq!(output.status.code(), code, "{options:?}: {}", said(&output));
        assert!(said(&output).starts_with("kymod: "), "{}", said(&output));
        assert!(said(&output).contains(text), "{options:?}: {}", said(&output));
        assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0, "something was made");
}

#[test]
fn bad_settings_are_located() {
    let scratch = Scratch::new();
    for (toml, text) in [
        ("[limits]\nclient = 9\n", ":2:1: unknown key `client`; did you mean `clients`?"),
        ("[[listener]]\npath = 'a.sock'\n", ":1:3: this listener has no `format`"),
        ("[limits\n", ":1:8: "),
    ] {
        let path = scratch.write("kymo.toml", toml);
        let output = run(&scratch.0, &["--config", &path]);
        assert_eq!(output.status.code(), SETTING, "{}", said(&output));
        assert!(said(&output).starts_with(&format!("kymod: {path}{text}")), "{}", said(&output));
    }
    let twice = "[[listener]]\npath = 'json.sock'\nformat = 'json'\n";
    let output = run(&scratch.0, &["--config", &scratch.write("kymo.toml", twice)]);
    assert_eq!(output.status.code(), SETTING);
    assert!(said(&output).contains("json.sock: two listeners have this path"));
    let output = run(&scratch.0, &["--config", "/nonexistent/kymo.toml"]);
    assert_eq!(output.status.code(), SETTING);
    let expected = "kymod: /nonexistent/kymo.toml: No such file or directory\n";
    assert_eq!(said(&output), expected);
    let output = run(&scratch.0, &["--config", "/dev/null"]);
    assert_eq!(output.status.code(), SETTING);
    assert_eq!(said(&output), "kymod: /dev/null: not a regular file\n");
}

#[test]
fn settings_are_checked_without_a_start() {
    let scratch = Scratch::new();
    let check = |toml: &str, options: &[&str]| {
        let path = scratch.write("kymo.toml", toml);
        // Not even a place for the sockets is needed.
        let output = run_to_end(command(&["--check-config", "--config", &path]).args(options));
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), output)
    };
    let path = scratch.0.join("kymo.toml").display().to_string();
    let elsewhere = Scratch::new();
    let keys = elsewhere.write("keys.txt", "any temp/board TXYZ Hinge\n");
    let all = "rate_hz = 10\n[[listener]]\npath = 'a.sock'\nformat = 'json'\n\
               streams = ['events']\n[limits]\nclients = 9\nrate_max = 50\nevent_bytes = 4096\n\
               [journal]\nenabled = true\nbytes = 1048576\npath = '/var/lib/kymo'\n\
               [quotas]\nconnections = 4\nevents_per_s = 100\nbytes_per_s = 65536\n\
               [access]\nread_group = 'root'\n[sensors]\nmax_cpu = 1e-4\n\
               alarms = true\nharmful = true\n";
    let all = &*format!("{all}smc_keys = '{keys}'\n");
    for (toml, options) in [(all, &[][..]), ("", &[]), (all, &["--rate", "50"])] {
        let (code, stdout, output) = check(toml, options);
        assert_eq!(code, Some(0), "{}", said(&output));
        assert_eq!(stdout, format!("{path}: ok\n"));
        assert!(output.stderr.is_empty());
    }
    for (toml, options, text) in [
        ("rate_hz = 2000", &[][..], ":1:11: `rate_hz` may be 0.1 to 1000 Hz"),
        ("[quota]", &[], ":1:2: unknown key `quota`; did you mean `quotas`?"),
        (all, &["--rate", "51"], " rate_hz (--rate) is 51; it may be 0.1 to limits.rate_max, 50"),
        ("[sensors]\nsmc_keys = 'keys'", &[], ":2:12: `smc_keys` may be an absolute path"),
        ("[sensors]\nsmc_keys = \"/a\\u0000b\"", &[], " sensors.smc_keys: a path has no NUL"),
        ("[access]\nread_group = 'no such'", &[], "there is no group `no such`"),
        ("[quotas]\nbytes_per_s = 9", &[], " quotas.bytes_per_s is 9; an event may have "),
    ] {
        let (code, stdout, output) = check(toml, options);
        assert_eq!((code, stdout.as_str()), (SETTING, ""), "{toml}");
        assert!(said(&output).contains(text), "{}", said(&output));
    }
    let output = run_to_end(&mut command(&["--check-config"]));
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"settings: ok\n"[..]));
    let names: Vec<_> =
        std::fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["kymo.toml"]);
}

/// Only Macs look at such a file, and they refuse it by line, at a start as at a check.
#[test]
fn keys_of_a_controller_are_looked_at_where_there_is_one() {
    let scratch = Scratch::new();
    let keys = scratch.write("keys.txt", "any temp/board TXYZ Hinge\nany heat TXYZ Hinge\n");
    let config = scratch.write("kymo.toml", &format!("[sensors]\nsmc_keys = '{keys}'\n"));
    let refused = kymo_platform::check_smc_keys(Path::new(&keys)).err();
    let output = run_to_end(&mut command(&["--check-config", "--config", &config]));
    match refused {
        Some(text) => {
            assert_eq!(text, format!("{keys}:2: unknown class"));
            for output in [output, run(&scratch.0, &["--config", &config])] {
                assert_eq!(output.status.code(), SETTING);
                assert_eq!(said(&output), format!("kymod: {text}\n"));
            }
        }
        None => {
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let daemon = Daemon::start_in(&scratch.0, &["--config", &config]);
            assert_eq!(daemon.json("json.sock").expect("welcome")["rate_hz"], 25);
        }
    }
}

#[test]
fn the_rate_may_stand_in_the_file() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", "rate_hz = 12.5\n");
    let mut daemon = Daemon::start_in(&scratch.0, &["--config", &config]);
    assert_eq!(daemon.json("json.sock").expect("welcome")["rate_hz"], 12.5);
    daemon.signal(Signal::SIGTERM);
    daemon.wait();
    let daemon = Daemon::start_in(&scratch.0, &["--config", &config, "--rate", "5"]);
    assert_eq!(daemon.json("json.sock").expect("welcome")["rate_hz"], 5);
}

#[test]
fn options_go_before_settings() {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", "[limits]\nclients = 7\nrate_max = 50\n");
    let options = ["--config", &config, "--clients", "5", "--rate", "12.5"];
    let daemon = Daemon::start_in(&scratch.0, &options);
    let welcome = daemon.json("json.sock").expect("welcome");
    assert_eq!(welcome["limits"]["clients"], 5);
    assert_eq!((&welcome["rate_hz"], &welcome["limits"]["rate_hz"]), (&12.5.into(), &50.into()));
}

#[test]
fn the_environment_says_where() {
    let scratch = Scratch::new();
    let made = scratch.0.join("kymo");
    let mut with = command(&[]);
    with.env("XDG_RUNTIME_DIR", &scratch.0).env("HOME", "/nonexistent");
    // Root's journal would lie outside of the test.
    with.env("KYMO_STATE", scratch.0.join("state"));
    Daemon::start_as(&made, &mut with).json("json.sock").expect("welcome");
    let explicit = scratch.0.join("explicit");
    Daemon::start_as(&explicit, with.env("KYMO_DIR", &explicit));
    if !geteuid().is_root() {
        let output = run_to_end(&mut command(&[]));
        assert_eq!(output.status.code(), SETTING);
        assert!(said(&output).contains("--dir"), "{}", said(&output));
    }
}

#[test]
fn what_is_not_allowed_is_told() {
    // Root may everything but this.
    let forbidden = if geteuid().is_root() { "/proc/kymo" } else { "/root/kymo" };
    let output = run(Path::new(forbidden), &[]);
    let expected = if geteuid().is_root() { Some(1) } else { PERMISSION };
    assert_eq!(output.status.code(), expected, "{}", said(&output));
    assert!(said(&output).contains(forbidden), "{}", said(&output));
}

/// How many descriptors it may have: the soft limit.
fn descriptor_limit(daemon: &Daemon) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_descriptor_limit_is_raised_or_named() {
    let scratch = Scratch::new();
    let mut command = command_after("ulimit -n 100", &["--clients", "256", "--dir"]);
    let output = run_to_end(command.arg(&scratch.0));
    assert_eq!(output.status.code(), SETTING, "{}", said(&output));
    assert!(said(&output).contains("320") && said(&output).contains("100"), "{}", said(&output));
    // A soft limit alone is raised, to what clients and sensors may need.
    let wanted = 40 + DESCRIPTORS_RESERVED + SENSOR_DESCRIPTORS_MAX;
    let mut command = command_after("ulimit -Sn 32", &["--clients", "40", "--dir"]);
    let daemon = Daemon::start_as(&scratch.0, command.arg(&scratch.0));
    assert_eq!(descriptor_limit(&daemon), wanted);
    let mut clients: Vec<_> = (0..40).map(|_| daemon.json("json.sock")).collect();
    for client in &mut clients {
        client.expect("welcome");
    }
    let told = format!("104 file descriptors are fewer than the {wanted} that 40 clients");
    assert!(!daemon.said().contains("file descriptors"), "{}", daemon.said());
    drop((clients, daemon));
    // Where the hard limit has room for clients alone, it starts, and tells what may be missing.
    let scratch = Scratch::new();
    let mut command = command_after("ulimit -n 104", &["--clients", "40", "--dir"]);
    let daemon = Daemon::start_as(&scratch.0, command.arg(&scratch.0));
    assert_eq!(descriptor_limit(&daemon), 104);
    assert_eq!(daemon.said().matches(&told).count(), 1, "{}", daemon.said());
    daemon.json("json.sock").expect("welcome");
}
