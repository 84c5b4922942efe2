//! The conversation in lines.

use std::time::{Duration, Instant};

use crate::common::{Daemon, Json};

const SUBSCRIBE: &str = "{\"subscribe\":[\"vitals\"],\"rate_hz\":100}\n";

/// Three vitals in order, the first of them `first`.
fn three_vitals(client: &mut Json, first: u64) {
    let got: Vec<u64> = (0..3).map(|_| client.vitals()).collect();
    assert_eq!(got, [first, first + 1, first + 2]);
}

#[test]
fn json_sock_speaks_first() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("json.sock");
    let welcome = client.admitted();
    assert_eq!((&welcome["version"], &welcome["rate_hz"]), (&2.into(), &25.into()));
    for key in ["epoch", "run"] {
        let id = welcome[key].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    let next = &welcome["streams"]["vitals"]["next"];
    three_vitals(&mut client, next.as_u64().unwrap());

    // The next start is another run.
    let other = Daemon::start(&[]).json("json.sock").expect("welcome");
    assert_ne!(welcome["run"], other["run"]);
}

#[test]
fn vitals_have_their_keys() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("json.sock");
    client.admitted();
    let vitals = client.expect("vitals");
    for key in [
        "seq",
        "timestamp",
        "cpu_usage",
        "memory_usage",
        "memory_total",
        "memory_used",
        "load",
        "swap_total",
        "swap_used",
        "disk_usage",
        "disk_read_bytes",
        "disk_write_bytes",
        "network_rx_bytes",
        "network_tx_bytes",
        "temperature",
        "gpu_temperature",
        "fan_speeds",
        "power_watts",
        "battery_charge",
        "process_count",
        "uptime_s",
        "momentum",
        "system_state",
        "validity",
    ] {
        assert!(vitals.get(key).is_some(), "no {key} in {vitals}");
    }
    // Two readings are needed for it, and a missing value is never 0.
    assert_eq!(vitals["cpu_usage"], serde_json::Value::Null);
    assert_eq!(vitals["validity"]["cpu_usage"], "pending");
    assert!(vitals["memory_total"].as_u64().unwrap() > 0);
    assert_eq!(vitals.get("merged"), None);
}

#[test]
fn a_subscription_is_obeyed_at_once_and_later() {
    let daemon = Daemon::start(&[]);
    for before in [0, 3] {
        let mut client = daemon.json("json.sock");
        if before == 0 {
            client.say(SUBSCRIBE);
        }
        client.admitted();
        for _ in 0..before {
            client.vitals();
        }
        if before > 0 {
            client.say(SUBSCRIBE);
        }
        let granted = client.skip_vitals();
        let expected = serde_json::json!({
            "type": "subscribed", "streams": ["vitals"], "rate_hz": 100, "resume": "fresh",
            "next": {"vitals": granted["next"]["vitals"]},
        });
        assert_eq!(granted, expected);
        three_vitals(&mut client, granted["next"]["vitals"].as_u64().unwrap());
    }
}

#[test]
fn stream_sock_speaks_json_to_a_brace() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("stream.sock");
    client.say(SUBSCRIBE).expect("welcome");
    let granted = client.expect("subscribed");
    three_vitals(&mut client, granted["next"]["vitals"].as_u64().unwrap());
    // The pieces do not matter.
    let mut client = daemon.json("stream.sock");
    for at in 0..SUBSCRIBE.len() {
        client.say(&SUBSCRIBE[at..=at]);
        std::thread::sleep(Duration::from_millis(2));
    }
    client.expect("welcome");
    client.expect("subscribed");
    client.vitals();
}

#[test]
fn rates_are_clamped() {
    let daemon = Daemon::start(&[]);
    for (wish, granted) in [("5000", 1000.0), ("0.001", 0.1), ("12.5", 12.5), ("1e3", 1000.0)] {
        let mut client = daemon.json("stream.sock");
        client.say(&format!("{{\"subscribe\":[\"vitals\"],\"rate_hz\":{wish}}}\n"));
        client.expect("welcome");
        assert_eq!(client.expect("subscribed")["rate_hz"].as_f64(), Some(granted), "{wish}");
    }
    let mut client = daemon.json("stream.sock");
    client.say("{\"subscribe\":[\"vitals\"]}\n").expect("welcome");
    assert_eq!(client.expect("subscribed")["rate_hz"], 25);
}

#[test]
fn mistakes_end_a_conversation_and_no_other() {
    let daemon = Daemon::start(&[]);
    // As fast as the fastest of the others, so that it is due each time.
    let mut witness = daemon.json("stream.sock");
    witness.say(SUBSCRIBE).expect("welcome");
    witness.expect("subscribed");
    let first = witness.vitals();
    let twice = SUBSCRIBE.repeat(2);
    for (text, code) in [
        (twice.as_str(), "unexpected"),
        ("{\"subscribe\":[\"nonsense\"]}\n", "no_stream"),
        ("{\"subscribe\":\"vitals\"}\n", "json"),
        ("{\"subscribe\":[\"vitals\"],\"rate\":1}\n", "json"),
        ("{\"rate_hz\":1}\n", "json"),
        ("{nonsense}\n", "json"),
        ("{\"subscribe\":[\"vitals\"]} {}\n", "json"),
        ("{\"subscribe\":[\"v\u{1b}\"]}\n", "json"),
    ] {
        for name in ["json.sock", "stream.sock"] {
            let mut client = daemon.json(name);
            client.say(text);
            if name == "json.sock" {
                client.admitted();
            } else if code == "unexpected" {
                client.expect("welcome");
            }
            let mut line = client.skip_vitals();
            if code == "unexpected" {
                assert_eq!(line["type"], "subscribed");
                line = client.skip_vitals();
            }
            assert_eq!((&line["type"], &line["code"]), (&"error".into(), &code.into()), "{text}");
            assert!(line["error"].as_str().unwrap().len() > 10, "{line}");
            assert_eq!(client.try_line(), None);
        }
    }
    for text in ["GET / HTTP/1.1\r\n\r\n", "null\n", "\u{feff}{}\n"] {
        let mut client = daemon.json("json.sock");
        client.say(text).admitted();
        assert_eq!(client.refusal().0, "json", "{text}");
    }
    three_vitals(&mut witness, first + 1);
}

#[test]
fn empty_lines_are_ignored() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("json.sock");
    client.say("\n\r\n  \t\n\n").say(SUBSCRIBE).say("\n\n").admitted();
    assert_eq!(client.skip_vitals()["type"], "subscribed");
    client.vitals();
    client.say("\n").vitals();
}

#[test]
fn the_last_line_needs_no_newline() {
    let daemon = Daemon::start(&[]);
    for name in ["json.sock", "stream.sock"] {
        let mut client = daemon.json(name);
        client.say(SUBSCRIBE.trim_end()).end_of_words();
        if name == "json.sock" {
            client.admitted();
        } else {
            client.expect("welcome");
        }
        assert_eq!(client.skip_vitals()["type"], "subscribed");
        // Who says no more may listen all the same.
        client.vitals();
        client.vitals();
    }
    let mut client = daemon.json("json.sock");
    client.end_of_words().admitted();
    client.vitals();
    let mut client = daemon.json("json.sock");
    client.say("{\"subscribe\":").end_of_words().admitted();
    assert_eq!(client.refusal().0, "json");
    // A stream client that ends without a word is simply gone.
    assert_eq!(daemon.json("stream.sock").end_of_words().try_line(), None);
}

#[test]
fn a_line_of_two_megabytes_is_refused() {
    let daemon = Daemon::start(&[]);
    let mut witness = daemon.json("json.sock");
    witness.admitted();
    let first = witness.vitals();
    for name in ["json.sock", "stream.sock"] {
        let mut client = daemon.json(name);
        client.say(&format!("{{\"subscribe\":[\"{}\"]}}\n", "x".repeat(2 << 20)));
        if name == "json.sock" {
            client.admitted();
        }
        let (code, text) = client.refusal();
        assert_eq!(code, "too_long");
        assert!(text.contains("2048"), "{text}");
    }
    three_vitals(&mut witness, first + 1);
}

#[test]
fn who_gets_nothing_else_gets_heartbeats() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.json("json.sock");
    client.say("{\"subscribe\":[]}\n").admitted();
    let granted = client.skip_vitals();
    assert_eq!(granted["streams"], serde_json::json!([]));
    let start = Instant::now();
    let heartbeat = client.expect("heartbeat");
    assert!((4..15).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(heartbeat["timestamp"].as_f64().unwrap() > 1.6e9);
}
