//! Settings that are read again, by a signal and by the owner.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::common::{Daemon, Json, Scratch, eventually};

struct Reloaded {
    daemon: Daemon,
    path: String,
}

const HEAD: &str = "[[listener]]\npath = 'more.sock'\nformat = 'json'\n";

impl Reloaded {
    fn start(options: &[&str]) -> Self {
        Self::start_with(Scratch::new(), HEAD, options)
    }

    fn start_with(scratch: Scratch, text: &str, options: &[&str]) -> Self {
        let path = scratch.write("kymo.toml", text);
        let options = [&["--config", &path], options].concat();
        Self { daemon: Daemon::start_in_scratch(scratch, &options), path }
    }

    fn with(&self, text: &str) -> serde_json::Value {
        fs::write(&self.path, text).unwrap();
        self.daemon.owner().ask("{\"action\":\"reload\"}")
    }

    fn rate(&self) -> serde_json::Value {
        // A place may be on its way back.
        let welcome = eventually(|| self.daemon.json("json.sock").line().get("rate_hz").cloned());
        welcome.unwrap()
    }
}

/// Everybody who was there is still served: vitals and events on each connection.
fn all_are_served(daemon: &Daemon, clients: &mut [Json]) {
    let sequence = daemon.owner().submit(&json!({"topic": "t"}));
    for client in clients {
        assert_eq!(client.told(), format!("event {sequence} t"));
        client.vitals();
    }
}

#[test]
fn new_settings_hold_and_nobody_is_cut() {
    let reloaded = Reloaded::start(&[]);
    let daemon = &reloaded.daemon;
    let mut clients: Vec<Json> =
        ["json.sock", "json.sock", "more.sock"].map(|name| daemon.json(name)).into();
    clients.iter_mut().for_each(|client| drop(client.admitted()));
    all_are_served(daemon, &mut clients);
    assert_eq!(reloaded.rate(), 25);
    let reply = reloaded.with(&format!("rate_hz = 50\n{HEAD}rate_hz = 5\n[limits]\nclients = 4\n"));
    assert_eq!(reply, json!({"status": "success", "message": "settings reloaded"}));
    all_are_served(daemon, &mut clients);
    // Those that come now are meant.
    assert_eq!(reloaded.rate(), 50);
    let fourth = eventually(|| {
        let mut client = daemon.json("more.sock");
        (client.line()["limits"]["clients"] == 4).then_some(client)
    });
    assert_eq!(daemon.json("json.sock").expect("error")["code"], "full");
    drop(fourth);
    // The default that nobody names is that of a start.
    assert_eq!(reloaded.with(HEAD)["status"], "success");
    assert_eq!(reloaded.rate(), 25);
    all_are_served(daemon, &mut clients);
}

#[test]
fn what_can_not_be_used_changes_nothing() {
    let reloaded = Reloaded::start(&[]);
    let daemon = &reloaded.daemon;
    let mut clients = vec![daemon.json("json.sock")];
    clients[0].admitted();
    assert_eq!(reloaded.with(&format!("rate_hz = 50\n{HEAD}"))["status"], "success");
    let path = &reloaded.path;
    for (text, told) in [
        ("rate_hz = 0\n".to_string() + HEAD, format!("{path}:1:11: `rate_hz` may be")),
        ("rate = 1\n".to_string() + HEAD, format!("{path}:1:1: unknown key `rate`")),
        ("[limits\n".into(), format!("{path}:1:8: ")),
        (format!("rate_hz = 7\n{HEAD}[limits]\nclients = 257\n"), "at most 256".into()),
        (
            format!("rate_hz = 7\n{HEAD}[limits]\nevent_bytes = 4096\n"),
            "event_bytes needs a r".into(),
        ),
        (format!("rate_hz = 7\n{HEAD}[journal]\nenabled = false\n"), "[journal] needs a re".into()),
        (format!("rate_hz = 7\n{HEAD}[journal]\npath = '/k'\n"), "[journal] needs a re".into()),
        (format!("rate_hz = 7\n{HEAD}[access]\nread_group = 'root'\n"), "[access] needs a".into()),
        (format!("rate_hz = 7\n{HEAD}[sensors]\nalarms = true\n"), "alarms needs a r".into()),
        (
            format!("rate_hz = 7\n{HEAD}[sensors]\nharmful = true\n"),
            "sensors.harmful needs a restart".into(),
        ),
        (
            format!("rate_hz = 7\n{HEAD}[sensors]\nsmc_keys = '/k'\n"),
            "sensors.smc_keys needs a restart".into(),
        ),
        ("rate_hz = 7\n".into(), "of a listener needs a restart".into()),
        (format!("rate_hz = 7\n{HEAD}mode = 0o660\n"), "of a listener needs a restart".into()),
        (HEAD.replace("more", "less"), "of a listener needs a restart".into()),
        (format!("{HEAD}{HEAD}"), "two listeners have this path".into()),
        (
            format!("rate_hz = 700\n{HEAD}[limits]\nrate_max = 100\n"),
            "rate_hz (--rate) is 700; it may be 0.1 to limits.rate_max, 100".into(),
        ),
    ] {
        let reply = reloaded.with(&text);
        assert_eq!(
            (&reply["status"], &reply["code"]),
            (&"error".into(), &"config".into()),
            "{text}"
        );
        let error = reply["error"].as_str().unwrap();
        assert!(error.contains(&told), "{text}: {error}");
        assert_eq!(reloaded.rate(), 50, "{text}");
        all_are_served(daemon, &mut clients);
    }
    fs::remove_file(path).unwrap();
    let reply = daemon.owner().ask("{\"action\":\"reload\"}");
    let expected = format!("{path}: No such file or directory");
    assert_eq!((&reply["code"], &reply["error"]), (&"config".into(), &expected.into()));
    assert_eq!(reloaded.rate(), 50);
}

#[test]
fn a_signal_reloads_as_well() {
    let reloaded = Reloaded::start(&["--clients", "9"]);
    let daemon = &reloaded.daemon;
    let mut clients = vec![daemon.json("json.sock")];
    clients[0].admitted();
    for (text, rate) in [("rate_hz = 50\n", 50), ("rate_hz = 0\n", 50), ("rate_hz = 12\n", 12)] {
        fs::write(&reloaded.path, format!("{text}{HEAD}")).unwrap();
        let before = daemon.said().len();
        daemon.signal(Signal::SIGHUP);
        let said = eventually(|| {
            let said = daemon.said()[before..].to_string();
            (said.contains("in force") || said.contains("may be")).then_some(said)
        });
        assert!(said.is_some(), "{}", daemon.said());
        assert_eq!(reloaded.rate(), rate, "{text}");
        all_are_served(daemon, &mut clients);
    }
    // What the command line says holds against the file.
    let welcome = daemon.json("json.sock").expect("welcome");
    assert_eq!(welcome["limits"]["clients"], 9);
    let text = format!("{HEAD}[limits]\nclients = 3\n");
    assert_eq!(reloaded.with(&text)["status"], "success");
    assert_eq!(daemon.json("json.sock").expect("welcome")["limits"]["clients"], 9);
}

#[test]
fn the_journal_stays_where_it_is() {
    let scratch = Scratch::new();
    let [here, there] = ["here", "there"].map(|name| scratch.0.join(name));
    let at = |place: &Path| format!("{HEAD}[journal]\npath = '{}'\n", place.display());
    let (here_text, there_text) = (at(&here), at(&there));
    let ask = |reloaded: &Reloaded, text: &str| {
        let reply = reloaded.with(text);
        if reply["status"] == "success" {
            return true;
        }
        assert_eq!(reply["error"], "[journal] needs a restart", "{text}");
        false
    };
    // The file named it, and is to go on naming it.
    let reloaded = Reloaded::start_with(scratch, &here_text, &[]);
    assert!(here.is_dir());
    assert!(ask(&reloaded, &here_text));
    assert!(!ask(&reloaded, &there_text));
    assert!(!ask(&reloaded, HEAD));
    assert!(ask(&reloaded, &here_text));
    drop(reloaded);
    // Nobody named it: the file may name the place it has.
    let reloaded = Reloaded::start(&[]);
    let own = reloaded.daemon.path("journal");
    assert!(own.is_dir());
    assert!(ask(&reloaded, &at(&own)));
    assert!(!ask(&reloaded, &there_text));
    assert!(ask(&reloaded, HEAD));
    drop(reloaded);
    // What the command line says holds, whatever the file says.
    let scratch = Scratch::new();
    let option = scratch.0.join("option").display().to_string();
    let reloaded = Reloaded::start_with(scratch, HEAD, &["--state", &option]);
    assert!(ask(&reloaded, &there_text));
    assert!(ask(&reloaded, HEAD));
    assert!(!there.exists());
}

#[test]
fn a_flood_of_reloads_is_no_flood_of_lines() {
    let mut server = Reloaded::start(&[]);
    let mut owner = server.daemon.owner();
    for _ in 0..500 {
        assert_eq!(owner.act("reload")["message"], "settings reloaded");
    }
    owner.act("quit");
    assert_eq!(server.daemon.wait().code(), Some(0));
    let said = server.daemon.said();
    // Ten seconds begin anew while a slow machine is at it.
    let lines = said.lines().count();
    assert!((30..200).contains(&lines), "{lines} lines");
    // Those that are missing are told.
    let counts = said.lines().filter(|line| line.ends_with("left out"));
    let count = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let at = words.iter().position(|word| *word == "lines").unwrap();
        words[at - 1].parse::<usize>().unwrap()
    };
    let omitted: usize = counts.map(count).sum();
    let told = said.lines().filter(|line| line.contains("settings")).count();
    assert_eq!(told + omitted, 1000, "{said}");
}
