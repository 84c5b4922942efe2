//! `[[recorder]]`: what was is written when something happens, and nobody is kept waiting for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kymo_protocol::Body;
use kymo_protocol::recording::{Content, Outcome, Scanner, Step};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::common::{Daemon, Scratch, eventually};

/// What is in a file, of which every byte must be whole.
#[derive(Debug, Default)]
struct Recording {
    /// Sequences of vitals, and when each was made.
    vitals: Vec<(u64, u64)>,
    topics: Vec<String>,
    catalogs: usize,
    outcome: Option<Outcome>,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (mut recording, mut scanner, mut at) = (Self::default(), Scanner::default(), 0);
        loop {
            let (taken, step) = scanner.step(&bytes[at..], true);
            at += taken;
            match step {
                Step::Record(record) => recording.note(&record.content),
                Step::End => return recording,
                step => panic!("{}: {step:?}", path.display()),
            }
        }
    }

    fn note(&mut self, content: &Content<'_>) {
        match content {
            Content::End(end) => self.outcome = end.outcome(),
            Content::Frame(frame, _) => match frame.body {
                Body::Vitals(_) => {
                    let header = frame.header;
                    self.vitals.push((header.sequence.get(), header.timestamp.get()));
                }
                Body::Event(event) => self.topics.push(event.topic().into()),
                Body::Catalog(_) => self.catalogs += 1,
                Body::Gap(gap) => panic!("{:?} lack {} frames", frame.header.stream, gap.count),
                _ => {}
            },
            _ => {}
        }
    }

    /// Seconds between its first vitals and its last ones, of which none is missing.
    fn seconds(&self) -> f64 {
        let [(first, from), .., (last, to)] = self.vitals[..] else { panic!("{self:?}") };
        assert_eq!(last - first + 1, self.vitals.len() as u64, "each frame");
        (to - from) as f64 / 1e9
    }
}

fn start(settings: &str) -> Daemon {
    let scratch = Scratch::new();
    let path = scratch.write("kymo.toml", settings);
    Daemon::start_in_scratch(scratch, &["--config", &path])
}

fn recorder(daemon: &Daemon) -> Value {
    daemon.owner().act("status")["recorders"][0].clone()
}

/// Waits until it says so.
fn wait_for(daemon: &Daemon, is_so: impl Fn(&Value) -> bool) -> Value {
    let told = eventually(|| Some(recorder(daemon)).filter(|told| is_so(told)));
    told.unwrap_or_else(|| panic!("{}", recorder(daemon)))
}

fn dump(daemon: &Daemon, rest: &str) -> Value {
    daemon.owner().ask(&format!("{{\"action\":\"dump\"{rest}}}"))
}

fn path_in(reply: &Value) -> PathBuf {
    reply["file"].as_str().unwrap_or_else(|| panic!("{reply}")).into()
}

#[test]
fn an_event_leaves_what_was_before_it_and_after_it() {
    let daemon = start(
        "[[recorder]]\nname = 'crash'\ntopic = 'app.crash*'\nafter_s = 1\nrate_hz = 50\n\
         streams = ['vitals', 'samples', 'events']",
    );
    let mut watcher = daemon.json("stream.sock");
    watcher.subscribe(&json!({"subscribe": ["events"], "topics": ["kymo.*"]}));
    wait_for(&daemon, |told| told["held_s"].as_f64() > Some(0.5));
    let mut owner = daemon.owner();
    for topic in ["app.fine", "app.crash.hard"] {
        owner.submit(&json!({"topic": topic, "data": 1}));
    }
    let told = watcher.expect("event");
    assert_eq!(
        (&told["topic"], &told["data"]["recorder"]),
        (&json!("kymo.recorder"), &json!("crash"))
    );
    assert_eq!(told["data"]["why"], "event app.crash.hard");
    let path = path_in(&told["data"]);
    assert!(path.starts_with(daemon.path("recordings")), "{told}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(daemon.path("recordings")).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let recording = Recording::read(&path);
    // And the state that stands in front of events.
    assert_eq!(recording.topics[recording.topics.len() - 2..], ["app.fine", "app.crash.hard"]);
    assert!((1.4..60.0).contains(&recording.seconds()), "{}", recording.seconds());
    assert!(recording.catalogs > 0);
    assert_eq!(recording.outcome, Some(Outcome::Over));
    assert_eq!(told["data"]["bytes"].as_u64(), Some(fs::metadata(&path).unwrap().len()));
    let status = daemon.owner().act("status");
    assert_eq!(status["heap_allocations"], 0, "{status}");
    assert_eq!(status["recorders"][0]["files_written"], 1);
    let metrics = daemon.owner().act("metrics");
    let metrics = metrics["metrics"].as_str().unwrap();
    assert!(metrics.contains("\nkymo_recorder_files_total{recorder=\"crash\"} 1\n"), "{metrics}");
}

#[test]
fn others_that_want_more_take_nothing_from_it() {
    let daemon = start("[[recorder]]\nname = 'x'\nrate_hz = 20\nbefore_s = 2\nbytes = 262144");
    let mut fast = daemon.json("stream.sock");
    fast.subscribe(&json!({"subscribe": ["vitals"], "rate_hz": 500}));
    for _ in 0..750 {
        fast.vitals();
    }
    let reply = dump(&daemon, ",\"last_s\":1");
    let recording = Recording::read(&path_in(&reply));
    assert!((15..=22).contains(&recording.vitals.len()), "{} vitals", recording.vitals.len());
    assert_eq!(reply["missed"], 0, "{reply}");
    assert!(reply["before_s"].as_f64() >= Some(0.99), "{reply}");
}

#[test]
fn what_is_told_again_at_a_start_is_no_cause() {
    let scratch = Scratch::new();
    let path = scratch.write("kymo.toml", "[[recorder]]\nname = 'x'\ntopic = '*'\nafter_s = 0");
    let mut first = Daemon::start_in(&scratch.0, &[]);
    let mut owner = first.owner();
    owner.submit(&json!({"type": "session_start"}));
    // Its session stays open.
    first.signal(Signal::SIGKILL);
    first.wait();
    let daemon = Daemon::start_in(&scratch.0, &["--config", &path]);
    wait_for(&daemon, |told| told["held_s"].as_f64() > Some(0.6));
    let reply = dump(&daemon, "");
    let topics = Recording::read(&path_in(&reply)).topics;
    assert!(topics.contains(&"session_start".into()), "{topics:?}");
    assert_eq!(fs::read_dir(daemon.path("recordings")).unwrap().count(), 1, "only that of now");
}

#[test]
fn everybody_gets_the_answer_to_what_it_asked() {
    let daemon = start(
        "[[recorder]]\nname = 'one'\n[[recorder]]\nname = 'two'\n[[recorder]]\nname = 'three'",
    );
    std::thread::scope(|scope| {
        for name in ["one", "two", "three"] {
            let mut owner = daemon.owner();
            scope.spawn(move || {
                for number in 0..50 {
                    let request = json!({
                        "action": "dump", "recorder": name, "last_s": 1, "id": number,
                    });
                    let reply = owner.ask(&request.to_string());
                    assert_eq!((&reply["recorder"], &reply["id"]), (&json!(name), &json!(number)));
                    assert!(path_in(&reply).exists(), "{reply}");
                }
            });
        }
    });
    let status = daemon.owner().act("status");
    assert_eq!(status["heap_allocations"], 0, "{status}");
}

#[test]
fn a_value_that_stays_where_it_is_makes_one_file() {
    let daemon = start(
        "[[recorder]]\nname = 'memory'\nfield = 'memory_usage'\nabove = 0.001\nfor_s = 0.5\n\
         after_s = 0\npause_s = 1\n\
         [[recorder]]\nname = 'never'\nfield = 'memory_usage'\nbelow = 0\nafter_s = 0",
    );
    let told = wait_for(&daemon, |told| told["files_written"] == 1);
    let recording = Recording::read(&PathBuf::from(told["last_file"].as_str().unwrap()));
    assert!(recording.seconds() >= 0.4, "{}", recording.seconds());
    assert!(daemon.said().contains("memory_usage above 0.001 for 0.5 s"), "{}", daemon.said());
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let status = daemon.owner().act("status");
    let files = [0, 1].map(|index: usize| status["recorders"][index]["files_written"].clone());
    assert_eq!(files, [json!(1), json!(0)]);
}

#[test]
fn events_make_no_more_files_than_the_pause_allows() {
    let daemon = start("[[recorder]]\nname = 'x'\ntopic = '*'\nafter_s = 0\npause_s = 3600");
    let mut owner = daemon.owner();
    owner.submit(&json!({"topic": "a", "data": 1}));
    wait_for(&daemon, |told| told["files_written"] == 1);
    owner.submit(&json!({"topic": "b", "data": 1}));
    wait_for(&daemon, |told| told["withheld"] == 1);
    assert_eq!(fs::read_dir(daemon.path("recordings")).unwrap().count(), 1);
    // Who asks is not kept from it.
    let path = path_in(&dump(&daemon, ""));
    wait_for(&daemon, |told| told["files_written"] == 2);
    let mut topics = Recording::read(&path).topics;
    // Of the server itself: its state, and the file before.
    topics.retain(|topic| topic.len() == 1);
    assert_eq!(topics, ["a", "b"]);
}

#[test]
fn who_asks_gets_what_was() {
    let daemon = start(
        "[[recorder]]\nname = 'one'\nafter_s = 3600\n\
         [[recorder]]\nname = 'two'\nfiles = 2\nafter_s = 0",
    );
    wait_for(&daemon, |told| told["held_s"].as_f64() > Some(1.2));
    let last = dump(&daemon, ",\"last_s\":1,\"recorder\":\"two\",\"id\":7");
    assert_eq!(
        (&last["id"], &last["recorder"], &last["after_s"]),
        (&json!(7), &json!("two"), &json!(0))
    );
    let recording = Recording::read(&path_in(&last));
    assert!((0.5..1.01).contains(&recording.seconds()), "{}", recording.seconds());
    // One that goes on is whole from its first byte on, and a second one is the same.
    let [first, second] = [0; 2].map(|_| dump(&daemon, ""));
    assert_eq!((&first["recorder"], &first["file"]), (&json!("one"), &second["file"]));
    assert!(first["after_s"].as_f64() > Some(3590.0), "{first}");
    assert_eq!(Recording::read(&path_in(&first)).outcome, None);
    // As many as there may be, and that of who asked before is beside them.
    let made = [0; 3].map(|_| {
        let path = path_in(&dump(&daemon, ",\"recorder\":\"two\""));
        eventually(|| (Recording::read(&path).outcome.is_some()).then_some(())).unwrap();
        path
    });
    assert_eq!(made.map(|path| path.exists()), [false, true, true]);
    assert!(path_in(&last).exists());
    let mut reply = dump(&daemon, ",\"recorder\":\"three\"");
    assert_eq!(reply["error"].take(), "no such recorder; there are one, two");
    assert_eq!(reply["code"], "recorder");
    let none = Daemon::start(&[]);
    let told = dump(&none, "")["error"].take();
    assert_eq!(told, "this server has no [[recorder]] in its settings");
}

#[test]
fn an_end_in_the_middle_is_an_end() {
    let scratch = Scratch::new();
    let place = scratch.0.join("elsewhere/deep");
    let settings =
        format!("[[recorder]]\nname = 'x'\nafter_s = 3600\npath = '{}'", place.display());
    let path = scratch.write("kymo.toml", &settings);
    let mut daemon = Daemon::start_in_scratch(scratch, &["--config", &path]);
    wait_for(&daemon, |told| told["held_s"].as_f64() > Some(0.2));
    let path = path_in(&dump(&daemon, ""));
    assert!(path.starts_with(&place));
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    let recording = Recording::read(&path);
    assert_eq!(recording.outcome, Some(Outcome::Stopped));
    assert!(recording.seconds() > 0.1);
}

#[test]
fn a_folder_that_is_gone_costs_a_file_and_nothing_else() {
    let daemon = start("[[recorder]]\nname = 'x'");
    let mut watcher = daemon.json("stream.sock");
    watcher.subscribe(&json!({"subscribe": ["events"], "topics": ["kymo.*"]}));
    fs::remove_dir(daemon.path("recordings")).unwrap();
    for rest in ["", ",\"last_s\":1"] {
        let reply = dump(&daemon, rest);
        let (code, error) = (reply["code"].clone(), reply["error"].to_string());
        let says_both = error.contains("No such file") && error.contains("recordings");
        assert!(code == "recorder" && says_both, "{reply}");
    }
    let status = daemon.owner().act("status");
    assert_eq!(status["heap_allocations"], 0, "{status}");
    let told = wait_for(&daemon, |told| told["failed"] == 1);
    let error = told["last_error"].as_str().unwrap();
    let place = daemon.path("recordings");
    assert!(error.contains("No such file") && error.contains(place.to_str().unwrap()), "{error}");
    assert_eq!(watcher.expect("event")["data"]["error"], error);
    fs::create_dir(&place).unwrap();
    // A folder that is put in its place is another one to the sandbox: it stays closed.
    assert_eq!(daemon.owner().act("ping")["message"], "pong");
}

#[test]
fn a_place_that_can_not_be_written_is_told_at_the_start() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("recordings"), "").unwrap();
    let path = scratch.write("kymo.toml", "[[recorder]]\nname = 'x'");
    let output = crate::common::run(&scratch.0, &["--config", &path]);
    let told = crate::common::said(&output).to_string();
    assert!(!output.status.success() && told.contains("write recordings in"), "{told}");
    assert!(told.contains(scratch.0.join("recordings").to_str().unwrap()), "{told}");
}

#[test]
fn others_need_a_restart() {
    let scratch = Scratch::new();
    let path = scratch.write("kymo.toml", "[[recorder]]\nname = 'x'");
    let daemon = Daemon::start_in_scratch(scratch, &["--config", &path]);
    assert_eq!(daemon.owner().act("reload")["status"], "success", "{}", daemon.said());
    fs::write(&path, "[[recorder]]\nname = 'x'\nfiles = 3").unwrap();
    let refused = daemon.owner().ask("{\"action\":\"reload\"}");
    assert_eq!(refused["error"], "[[recorder]] needs a restart");
}
