//! Sessions and states, however they are told.

use serde_json::{Value, json};

use crate::common::Daemon;

#[test]
fn all_ways_lead_to_the_same_state() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    let mut client = daemon.json("json.sock");
    client.admitted();
    let state = |expected: &str, session: Value| {
        let status = daemon.owner().act("status");
        assert_eq!((&status["state"], &status["session_id"]), (&expected.into(), &session));
    };
    // By submit, and ended by toggle.
    owner.submit(&json!({"type": "session_start", "session_id": 41}));
    assert_eq!(client.told(), "session_start 1");
    state("idle", 41.into());
    let stopped = owner.act("toggle");
    let expected = json!({
        "status": "success", "message": "Recording stopped", "state": "idle", "session_id": 41,
        "seq": 3,
    });
    assert_eq!(stopped, expected);
    assert_eq!([client.told(), client.told()], ["session_end 2", "state_change 3 idle"]);
    // By toggle, whose numbers go on above; one that is begun ends it first.
    assert_eq!(owner.act("toggle")["session_id"], 42);
    assert_eq!([client.told(), client.told()], ["session_start 4", "state_change 5 recording"]);
    assert_eq!(owner.submit(&json!({"type": "session_start"})), 7);
    let end = client.skip_vitals();
    assert_eq!(
        (&end["type"], &end["session_id"], &end["seq"]),
        (&"session_end".into(), &42.into(), &6.into())
    );
    let start = client.skip_vitals();
    assert_eq!((&start["type"], &start["session_id"]), (&"session_start".into(), &43.into()));
    state("recording", 43.into());
    owner.submit(&json!({"type": "state_change", "state": "processing"}));
    state("processing", 43.into());
    owner.submit(&json!({"type": "session_end"}));
    client.skip_vitals();
    assert_eq!(client.skip_vitals()["session_id"], 43);
    state("processing", Value::Null);
}

#[test]
fn what_is_missing_is_filled_in() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    let mut client = daemon.json("json.sock");
    client.admitted();
    owner.submit(&json!({"type": "transcription", "text": " two  words\n"}));
    let line = client.skip_vitals();
    assert_eq!((&line["words"], &line["wpm"]), (&2.into(), &Value::Null));
    let time = line["timestamp"].as_str().unwrap();
    let digits = |range| time.get(range).is_some_and(|two: &str| two.parse::<u8>().is_ok());
    assert!(time.len() == 8 && digits(0..2) && digits(3..5) && digits(6..8), "{time}");
    owner.submit(&json!({"topic": "t"}));
    let line = client.skip_vitals();
    assert_eq!(line["data"], Value::Null);
    let age = daemon_time() - line["timestamp"].as_f64().unwrap();
    assert!((-1.0..20.0).contains(&age), "{age}");
    // What is told can be submitted again, and becomes the same line.
    let mut again = line.clone();
    again.as_object_mut().unwrap().remove("seq");
    owner.submit(&again);
    let mut line = client.skip_vitals();
    line.as_object_mut().unwrap().remove("seq");
    assert_eq!(line, again);
}

fn daemon_time() -> f64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}
