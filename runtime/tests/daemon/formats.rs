//! Listeners from a file of settings.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;

use kymo_protocol::opta1;
use serde_json::json;

use crate::common::{Daemon, Scratch};

/// kymod with the settings of `toml`.
fn configured(toml: &str) -> Daemon {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", toml);
    Daemon::start_in_scratch(scratch, &["--config", &config])
}

/// The next version-1 message, whole.
fn message(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).unwrap();
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    assert!((12 + 56..opta1::MESSAGE_MAX).contains(&length), "{length}");
    bytes.resize(4 + length, 0);
    stream.read_exact(&mut bytes[4..]).unwrap();
    bytes
}

#[test]
fn version_1_is_served_to_whom_it_may_concern() {
    let daemon = configured("[[listener]]\npath='opta.sock'\nformat='opta1'\nrate_hz=100\n");
    let mut client = daemon.connect("opta.sock");
    let mut last_ms = 0;
    for _ in 0..10 {
        let bytes = message(&mut client);
        assert_eq!(bytes[4..12], *b"ATPO\x01\0\0\0");
        let (message, size) = opta1::decode(&bytes).unwrap().unwrap();
        assert_eq!(size, bytes.len());
        assert!(message.head.memory_total.get() > 0 && message.processes.is_empty());
        let timestamp_ms = message.head.timestamp_ms.get();
        assert!(timestamp_ms > last_ms, "{timestamp_ms} after {last_ms}");
        last_ms = timestamp_ms;
    }
    // Such a client has nothing to say; it is cut without a word that it could not read.
    client.write_all(b"x").unwrap();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert_eq!(rest.len() % bytes_of_a_message(&daemon), 0);
}

fn bytes_of_a_message(daemon: &Daemon) -> usize {
    message(&mut daemon.connect("opta.sock")).len()
}

#[test]
fn bare_lines_have_the_keys_of_old_and_no_others() {
    let daemon = configured("[[listener]]\npath='bare.sock'\nformat='json'\nbare=true\n");
    let mut client = daemon.json("bare.sock");
    let state = client.expect("state_change");
    let expected =
        json!({"type": "state_change", "state": "idle", "timestamp": state["timestamp"]});
    assert_eq!(state, expected);
    for _ in 0..3 {
        let vitals = client.expect("vitals");
        assert_eq!(vitals.get("seq"), None);
        assert!(vitals["timestamp"].as_f64().unwrap() > 1.6e9);
    }
    // The other listeners are as they were, and all see the same frames.
    let mut client = daemon.json("json.sock");
    let next = client.admitted()["streams"]["vitals"]["next"].as_u64();
    assert_eq!(Some(client.vitals()), next);
}

#[test]
fn a_listener_has_its_own_mode_rate_and_place() {
    let place = Scratch::new();
    let absolute = place.0.join("far.sock");
    let daemon = configured(&format!(
        "[limits]\nrate_max = 200\n\
         [[listener]]\npath = 'group.sock'\nformat = 'json'\nmode = 0o660\nstreams = []\n\
         [[listener]]\npath = '{}'\nformat = 'json'\nrate_hz = 200\n",
        absolute.display()
    ));
    let mode = |path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(daemon.path("group.sock")), 0o660);
    assert_eq!(mode(absolute.clone()), 0o600);

    let mut far = daemon.json(absolute.to_str().unwrap());
    assert_eq!(far.admitted()["limits"]["rate_hz"], 200);
    let first = far.expect("vitals")["timestamp"].as_f64().unwrap();
    let last = (0..20).map(|_| far.expect("vitals")).last().unwrap()["timestamp"].as_f64();
    // At 25 Hz they would take 0.8 s; at 200 they take 0.1, were the machine not busy.
    assert!(last.unwrap() - first < 0.7, "{first} to {last:?}");

    // No streams unasked, but all of them on demand, and within the limit.
    let mut group = daemon.json("group.sock");
    group.expect("welcome");
    group.say("{\"subscribe\":[\"vitals\"],\"rate_hz\":1000}\n");
    assert_eq!(group.expect("subscribed")["rate_hz"], 200);
    group.vitals();
}
