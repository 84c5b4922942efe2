//! What one user may take at most.

use crate::common::{Daemon, Scratch};

fn daemon(quotas: &str) -> Daemon {
    let scratch = Scratch::new();
    let config = scratch.write("kymo.toml", &format!("[quotas]\n{quotas}\n"));
    Daemon::start_in_scratch(scratch, &["--config", &config])
}

#[test]
fn a_user_submits_so_many_events_in_a_second() {
    let daemon = daemon("events_per_s = 5");
    let mut control = daemon.json("control.sock");
    let request = "{\"action\":\"submit\",\"event\":{\"topic\":\"t\"}}\n";
    control.say(&request.repeat(20));
    let replies: Vec<_> = (0..20).map(|_| control.line()).collect();
    let taken = replies.iter().filter(|reply| reply["status"] == "success").count();
    // A second's worth at once, and what a slow machine lets come back meanwhile.
    assert!((5..=10).contains(&taken), "{taken}");
    let refused = replies.iter().find(|reply| reply["status"] == "error").unwrap();
    assert_eq!(refused["code"], "quota", "{refused}");
    // Other requests are no events.
    assert_eq!(control.say("{\"action\":\"ping\"}\n").line()["status"], "success");
}

#[test]
fn a_user_holds_so_many_connections() {
    let daemon = daemon("connections = 2");
    let mut first = daemon.json("json.sock");
    let mut second = daemon.json("json.sock");
    first.expect("welcome");
    second.expect("welcome");
    assert_eq!(daemon.json("json.sock").refusal().0, "quota");
    drop(first);
    let again = crate::common::eventually(|| {
        (daemon.json("json.sock").line()["type"] == "welcome").then_some(())
    });
    assert!(again.is_some());
}
