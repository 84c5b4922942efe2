//! Samples of a machine that is a tree of files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Daemon, Json, Scratch, eventually};

const NET: &str = "Inter-| Receive | Transmit\n face |bytes packets|bytes packets\n\
                   lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n  eth0: 5 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n";
const MORE: &str = "  eth1: 6 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0\n";

/// A daemon, and the tree that it takes for the machine.
fn daemon() -> (Daemon, Scratch) {
    daemon_with("")
}

/// The same with settings, in `kymo.toml` of the tree.
fn daemon_with(settings: &str) -> (Daemon, Scratch) {
    let tree = Scratch::new();
    for folder in ["proc/pressure", "proc/net", "proc/self", "sys"] {
        fs::create_dir_all(tree.0.join(folder)).unwrap();
    }
    tree.write("proc/stat", "cpu  930 0 1195 139078 142 0 15 12 0 0\ncpu0 1 2 3 4 0 0 0 0 0 0\n");
    tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n");
    tree.write("proc/net/dev", NET);
    for name in ["cpu", "memory", "io"] {
        let text = "some avg10=1.50 avg60=0.00 avg300=0.00 total=2000000\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
        tree.write(&format!("proc/pressure/{name}"), text);
    }
    let path = |name: &str| tree.0.join(name).to_str().unwrap().to_string();
    let config = tree.write("kymo.toml", settings);
    let options = ["--proc", &path("proc"), "--sys", &path("sys"), "--config", &config];
    let daemon = Daemon::start(&options);
    (daemon, tree)
}

fn subscribe(daemon: &Daemon, rate_hz: u32, groups: &[&str]) -> Json {
    let mut client = daemon.json("stream.sock");
    client.subscribe(&json!({"subscribe": ["samples"], "rate_hz": rate_hz, "groups": groups}));
    client
}

fn catalog(client: &mut Json) -> Value {
    eventually(|| Some(client.line()).filter(|line| line["type"] == "catalog")).unwrap()
}

fn has(catalog: &Value, part: &str) -> bool {
    let sensors = catalog["sensors"].as_array().unwrap();
    sensors.iter().any(|sensor| sensor["identity"].as_str().unwrap().contains(part))
}

/// The bug it finds: a share that is known is `pending` again because another subscriber came.
#[test]
fn a_share_goes_on_for_who_comes_soon_after_the_last_one() {
    let (daemon, tree) = daemon();
    let mut shares = Vec::new();
    for round in 0..3_u32 {
        let busy = 100 * (round + 1);
        tree.write("proc/stat", &format!("cpu  {busy} 0 0 900\ncpu0 {busy} 0 0 900 0 0 0 0 0 0\n"));
        let mut client = subscribe(&daemon, 100, &["cpu"]);
        let catalog = catalog(&mut client);
        let sensors = catalog["sensors"].as_array().unwrap();
        let share = sensors.iter().find(|sensor| sensor["name"] == "system.cpu.utilization");
        let id = share.unwrap()["id"].clone();
        for _ in 0..5 {
            let samples = client.expect("samples");
            let all = samples["samples"].as_array().unwrap();
            shares.push(all.iter().find(|sample| sample["id"] == id).unwrap()["value"].clone());
        }
    }
    assert!(shares[..5].iter().all(Value::is_null), "nothing has passed: {shares:?}");
    // The first frame of a round may tell what was read in the one before.
    let known = shares[5..].iter().skip_while(|share| share.is_null());
    assert!(known.clone().count() >= 9 && known.clone().all(|share| *share == 1.0), "{shares:?}");
}

#[test]
fn groups_get_their_own_samples_behind_a_catalog() {
    let (daemon, _tree) = daemon();
    let mut client = subscribe(&daemon, 100, &["pre*"]);
    assert!(has(&catalog(&mut client), "pressure"));
    let samples = client.expect("samples");
    assert_eq!((&samples["group"], &samples["topology"]), (&json!("pressure"), &json!(1)));
    // Nothing of others, and nobody is told who did not ask.
    let mut silent = daemon.json("json.sock");
    silent.admitted();
    for _ in 0..30 {
        silent.vitals();
    }
    assert_eq!(client.expect("samples")["group"], "pressure");
    let mut nothing = subscribe(&daemon, 100, &["no such group"]);
    assert_eq!(catalog(&mut nothing)["topology"], 1);
    // Five seconds on, the server says that it lives, and nothing else.
    assert_eq!(nothing.line()["type"], "heartbeat");
}

#[test]
fn a_line_of_the_network_comes_and_goes() {
    let (daemon, tree) = daemon();
    let mut client = subscribe(&daemon, 50, &["network"]);
    let first = catalog(&mut client);
    assert!(has(&first, "eth0") && !has(&first, "eth1"), "{first}");
    tree.write("proc/net/dev", &format!("{NET}{MORE}"));
    let second = catalog(&mut client);
    assert!(has(&second, "eth1") && second["topology"].as_u64() > first["topology"].as_u64());
    assert_eq!(client.expect("samples")["topology"], second["topology"]);
    tree.write("proc/net/dev", NET);
    let third = catalog(&mut client);
    assert_eq!(third["sensors"], first["sensors"], "with the ids they had");
}

#[test]
fn only_what_is_subscribed_to_is_read() {
    let (daemon, _tree) = daemon();
    let mut vitals = daemon.json("json.sock");
    vitals.admitted();
    (0..10).for_each(|_| {
        vitals.vitals();
    });
    let status = |key: &str| {
        daemon.json("control.sock").say("{\"action\":\"status\"}\n").line()[key].clone()
    };
    assert_eq!(status("sample_sources"), serde_json::json!([]));
    drop(vitals);
    // Its last tick may be under way.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let before = status("sources");
    let mut samples = subscribe(&daemon, 1000, &["memory"]);
    (0..10).for_each(|_| drop(samples.line()));
    assert_eq!(status("sources"), before, "of the vitals nothing is read");
    let groups = status("sample_sources");
    let groups = groups.as_array().unwrap().iter().map(|source| source["group"].clone());
    assert!(groups.clone().count() > 0 && groups.clone().all(|group| group == "memory"));
}

#[test]
fn the_budget_is_a_setting_and_status_shows_what_it_stretches() {
    let (daemon, tree) = daemon_with("[sensors]\nmax_cpu = 0.0001\n");
    let mut client = subscribe(&daemon, 100, &["cpu", "memory", "network"]);
    let mut stretches = || {
        client.line();
        let status = daemon.owner().ask("{\"action\":\"status\"}");
        let sources = status["sample_sources"].as_array().unwrap().clone();
        let stretch = sources.iter().map(|source| source["stretch"].as_f64().unwrap());
        stretch.fold(0.0, f64::max)
    };
    // A read of any file takes more than the 4 µs that every 40 ms may have.
    assert!(eventually(|| Some(stretches()).filter(|most| *most > 1.5)).is_some());
    tree.write("kymo.toml", "[sensors]\nmax_cpu = 1\n");
    assert_eq!(daemon.owner().ask("{\"action\":\"reload\"}")["status"], "success");
    assert!(eventually(|| (stretches() == 1.0).then_some(())).is_some());
    tree.write("kymo.toml", "[sensors]\nmax_cpu = 7\n");
    let refused = daemon.owner().ask("{\"action\":\"reload\"}");
    assert!(refused["error"].as_str().unwrap().ends_with("2:11: `max_cpu` may be 0.0001 to 1"));
    assert_eq!(stretches(), 1.0);
}

/// What strace counts, in so many seconds, of calls that name `path`; of any call without one.
fn calls(daemon: &Daemon, path: Option<&Path>, seconds: u32) -> Option<usize> {
    let mut command = std::process::Command::new("timeout");
    command.args(["-s", "INT", &seconds.to_string(), "strace", "-f", "-q"]);
    if let Some(path) = path {
        command.args(["-e", "trace=openat,pread64,read", "-P", path.to_str().unwrap()]);
    }
    let output = command.args(["-p", &daemon.pid().to_string()]).output().ok()?;
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("Operation not permitted"), "{text}");
    // Those that came to an end: in the others it waited when strace came and when it went.
    let is_whole = |line: &&str| line.contains(" = ") && !line.contains("detached");
    Some(text.lines().filter(is_whole).count())
}

#[test]
fn pressure_is_read_twice_a_second_whatever_is_asked() {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    let (daemon, tree) = daemon();
    assert_eq!(calls(&daemon, None, 3), Some(0), "nobody watches");
    let file = tree.0.join("proc/pressure/cpu");
    let mut clients: Vec<_> = (0..8).map(|_| subscribe(&daemon, 1000, &["pressure"])).collect();
    clients.iter_mut().for_each(|client| drop(catalog(client)));
    let calls = calls(&daemon, Some(&file), 4).unwrap();
    // Strace comes late and goes early; a tick may stand at either end.
    assert!((2..=9).contains(&calls), "{calls} reads in four seconds");
}

/// How often the loop has waited.
fn waits(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

#[test]
fn the_loop_sleeps_between_the_readings_whatever_is_asked() {
    let (daemon, _tree) = daemon();
    for group in ["pressure", "hwmon", "no such group"] {
        let _client = subscribe(&daemon, 1000, &[group]);
        std::thread::sleep(std::time::Duration::from_millis(500));
        let before = waits(&daemon);
        std::thread::sleep(std::time::Duration::from_secs(2));
        let count = waits(&daemon) - before;
        assert!(count < 60, "{group}: {count} wake-ups in two seconds");
    }
}
