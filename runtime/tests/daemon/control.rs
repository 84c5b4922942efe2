//! The control socket: who may, how many, in which order, and how connections end.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use serde_json::{Value, json};

use super::files::as_somebody;
use crate::common::{Daemon, eventually, one_of_three};

#[test]
fn everything_the_old_clients_asked_for_has_an_answer() {
    let mut daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    assert_eq!(owner.act("ping"), json!({"status": "success", "message": "pong"}));
    let status = owner.act("status");
    assert_eq!((&status["queue_size"], &status["is_running"]), (&0.into(), &true.into()));
    assert!(status["uptime_secs"].as_f64().is_some_and(|uptime| (0.0..60.0).contains(&uptime)));
    let task = json!({
        "type": "notification", "hook_name": "Stop", "hook_data": {"cwd": "/tmp", "n": [1, null]},
        "retry_count": 2, "timestamp": 1_699_000_000.5,
    });
    let mut client = daemon.json("json.sock");
    client.admitted();
    assert_eq!(owner.submit(&task), 1);
    let mut line = client.skip_vitals();
    assert_eq!(line.as_object_mut().unwrap().remove("seq"), Some(1.into()));
    assert_eq!(line, task);
    assert_eq!(owner.act("reload")["message"], "settings reloaded");
    let actions = owner.act("help")["actions"].as_object().unwrap().len();
    assert_eq!(actions, 10);
    let status = owner.act("status");
    assert_eq!((&status["session_id"], &status["state"]), (&Value::Null, &"idle".into()));
    let asked = &status["clients"].as_array().unwrap()[0];
    assert_eq!((&asked["format"], &asked["uid"]), (&"json".into(), &geteuid().as_raw().into()));
    assert_eq!(asked["pid"], std::process::id());
    // Two names of one thing.
    assert_eq!(owner.act("shutdown")["status"], "success");
    assert_eq!(owner.0.try_line(), None);
    assert_eq!(client.skip_vitals()["reason"], "shutdown");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!daemon.path("control.sock").exists());
}

#[test]
fn another_user_is_denied() {
    if !geteuid().is_root() {
        return;
    }
    let daemon = Daemon::forgetful(&[]);
    let path = daemon.path("control.sock");
    let denied = Err(ErrorKind::PermissionDenied);
    assert_eq!(as_somebody(65_534, 65_534, &path), denied);
    // Even if somebody opens the doors: the kernel says who comes in.
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&daemon.directory, 0o755);
    assert_eq!(as_somebody(65_534, 65_534, &path), denied);
    open(&path, 0o666);
    let line: Value = serde_json::from_str(&as_somebody(65_534, 65_534, &path).unwrap()).unwrap();
    assert_eq!((&line["type"], &line["code"]), (&"error".into(), &"denied".into()));
    assert_eq!(daemon.owner().act("status")["refused"], 1);
    // It held no place.
    for _ in 0..10 {
        as_somebody(65_534, 65_534, &path).unwrap();
    }
    let mut owners: Vec<_> = (0..8).map(|_| daemon.owner()).collect();
    for owner in &mut owners {
        owner.act("ping");
    }
}

#[test]
fn eight_may_stay_and_many_may_come_and_go() {
    let daemon = Daemon::forgetful(&[]);
    let mut owners: Vec<_> = (0..8).map(|_| daemon.owner()).collect();
    for owner in &mut owners {
        owner.act("ping");
    }
    let mut ninth = daemon.json("control.sock");
    assert_eq!(ninth.expect("error")["code"], "full");
    assert_eq!(ninth.try_line(), None);
    drop(owners);
    // Twenty-four at once, each with a connection for each request, until it is taken in.
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let answer = eventually(|| {
                        let mut owner = daemon.json("control.sock");
                        let line = owner.say("{\"action\":\"ping\"}").try_line()?;
                        assert!(line["message"] == "pong" || line["code"] == "full", "{line}");
                        (line["message"] == "pong").then_some(())
                    });
                    assert!(answer.is_some(), "kept out for {:?}", start.elapsed());
                }
            });
        }
    });
}

#[test]
fn a_thousand_requests_a_second_are_few() {
    let daemon = Daemon::forgetful(&[]);
    one_of_three(|| {
        let start = Instant::now();
        let mut owner = daemon.owner();
        (0..1000).for_each(|_| assert_eq!(owner.act("ping")["message"], "pong"));
        let one = start.elapsed();
        let start = Instant::now();
        (0..1000).for_each(|_| assert_eq!(daemon.owner().act("ping")["message"], "pong"));
        let many = start.elapsed();
        if one.max(many) < Duration::from_secs(1) {
            return Ok(());
        }
        Err(format!("1000 requests took {one:?} on one connection, {many:?} on as many"))
    });
}

#[test]
fn replies_keep_the_order_of_requests() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner = daemon.owner();
    let actions = [
        "{\"action\":\"submit\",\"event\":{\"topic\":\"t\"},",
        "{\"action\":\"ping\",",
        "{\"action\":\"status\",",
        "{\"action\":\"toggle\",",
        "{\"action\":\"nonsense\",",
        "{\"action\":\"submit\",\"event\":{\"topic\":\"\"},",
        "{\"action\":\"submit\",\"event\":{\"type\":\"transcription\",\"text\":\"x\"},",
        "{\"action\":\"submit\",\"event\":{\"topic\":\"t\"},\"ack\":\"durable\",",
        "{\"action\":\"help\",",
    ];
    let text: String = (0..200)
        .map(|number| {
            let gap = ["", "\n", " \r\n\t"][number % 3];
            let action = actions[number * 7 % actions.len()];
            // `id` may stand before what is wrong; it is echoed all the same.
            let (name, rest) = action.split_at(1);
            format!("{name}\"id\":{number},{}}}{gap}", rest.trim_end_matches(','))
        })
        .collect();
    // In two pieces, one of which ends within a request.
    let (first, second) = text.split_at(text.len() / 2);
    owner.0.say(first);
    std::thread::sleep(Duration::from_millis(20));
    owner.0.say(second);
    let mut last_seq = 0;
    for number in 0..200usize {
        let reply = owner.0.line();
        assert_eq!(reply["id"], number, "{reply}");
        let expected = match number * 7 % actions.len() {
            4 | 5 => json!("json"),
            7 => json!("no_journal"),
            _ => Value::Null,
        };
        assert_eq!(reply["code"], expected, "{reply}");
        if let Some(seq) = reply["seq"].as_u64() {
            assert!(seq > last_seq, "{seq} after {last_seq}");
            last_seq = seq;
        }
    }
    owner.act("ping");
}

#[test]
fn who_says_no_more_gets_its_replies() {
    let daemon = Daemon::forgetful(&[]);
    for text in ["{\"action\":\"ping\"}", "{\"action\":\"status\"}\n", "{\"action\":\"toggle\"} \n"]
    {
        let mut owner = daemon.owner();
        owner.0.say(&text.repeat(150)).end_of_words();
        for _ in 0..150 {
            assert_eq!(owner.0.line()["status"], "success");
        }
        assert_eq!(owner.0.try_line(), None);
    }
    let mut owner = daemon.owner();
    owner.0.say("{\"action\":\"ping\"}{\"action\":").end_of_words();
    assert_eq!(owner.0.line()["status"], "success");
    assert_eq!(owner.0.line()["code"], "json");
    assert_eq!(owner.0.try_line(), None);
    assert_eq!(daemon.owner().0.end_of_words().try_line(), None);
}

#[test]
fn who_goes_at_once_has_asked_all_the_same() {
    let daemon = Daemon::forgetful(&[]);
    let mut witness = daemon.json("stream.sock");
    witness.subscribe(&json!({"subscribe": ["events"]}));
    witness.expect("state_change");
    let submit = "{\"action\":\"submit\",\"event\":{\"topic\":\"t\"}}";
    let text = format!("{}{{\"action\":\"toggle\"}}{submit}", submit.repeat(500));
    for round in 0..5u64 {
        let mut owner = daemon.connect("control.sock");
        owner.write_all(text.as_bytes()).unwrap();
        drop(owner);
        let mut last = Value::Null;
        for _ in 0..503 {
            last = witness.line();
        }
        assert_eq!((&last["type"], &last["seq"]), (&"event".into(), &(503 * (round + 1)).into()));
    }
    // None of them keeps its place.
    let all_come = eventually(|| {
        let mut owners: Vec<_> = (0..8).map(|_| daemon.owner()).collect();
        let mut pong = owners.iter_mut().map(|owner| owner.ask("{\"action\":\"ping\"}"));
        pong.all(|reply| reply["status"] == "success").then_some(())
    });
    assert!(all_come.is_some());
}

#[test]
fn who_never_reads_its_replies_is_no_burden() {
    let daemon = Daemon::forgetful(&[]);
    let mut client = daemon.json("json.sock");
    client.admitted();
    let mut stuck = daemon.connect("control.sock");
    stuck.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    // Until it takes no more: its replies have nowhere to go.
    let status = "{\"action\":\"status\"}".repeat(100);
    while stuck.write_all(status.as_bytes()).is_ok() {}
    let used = daemon.cpu_time();
    let mut owner = daemon.owner();
    for number in 1..=50 {
        assert_eq!(owner.submit(&json!({"topic": "t"})), number);
        assert_eq!(client.told(), format!("event {number} t"));
        client.vitals();
    }
    let used = daemon.cpu_time() - used;
    assert!(used < Duration::from_millis(1200), "{used:?} of some 2 s: the loop spins");
    // It may still change its mind. What was cut off by the deadline above is its own mistake.
    stuck.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut bytes = Vec::new();
    let _ = stuck.read_to_end(&mut bytes);
    let whole = &bytes[..=bytes.iter().rposition(|byte| *byte == b'\n').unwrap()];
    for line in BufReader::new(whole).lines() {
        assert_eq!(serde_json::from_str::<Value>(&line.unwrap()).unwrap()["status"], "success");
    }
}

#[test]
fn one_byte_at_a_time_is_a_request_as_well() {
    let daemon = Daemon::forgetful(&[]);
    let mut owner: UnixStream = daemon.connect("control.sock");
    for byte in b" {\"action\":\n\"ping\", \"id\": \"}\\\"{\"} " {
        owner.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut line = String::new();
    BufReader::new(owner).read_line(&mut line).unwrap();
    assert_eq!(line, "{\"status\":\"success\",\"id\":\"}\\\"{\",\"message\":\"pong\"}\n");
}
