//! A daemon with everything that a daemon does, and what is amiss with it.

use std::fs;
use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::common::Daemon;
use crate::crew::{Asker, Follower, newcomer, next_line};
use crate::ledger::Ledger;
use crate::trees::Tree;

/// The rate of the vitals.
const RATE_HZ: u64 = 25;
/// Of a core, in thousandths: more is no rest. Half of that goes to the tracer's stops.
const CPU_MAX: u128 = 100;
/// When all is well again, at last: a file that could not be opened is tried again at each eighth
/// time that it is wanted.
const RECOVERY: Duration = Duration::from_secs(12);
/// Whose samples are watched.
const GROUPS: [&str; 3] = ["cpu", "hwmon", "filesystem"];
/// What a round says in any case.
const USUAL: [&str; 3] = ["reading the settings again", "the settings are in force", "clients "];
/// Behind these stand an error's own words.
const WHY: [&str; 3] =
    ["connections have to wait: ", "journal can't be written: ", "old settings stay: kymo.toml: "];
/// What is said when a fault is over.
const OVER: [&str; 2] = ["the journal is written again", "connections are taken again"];

/// Where a round began.
pub struct Mark {
    vitals: usize,
    samples: usize,
    said: usize,
    cpu: Duration,
    begun: Instant,
}

/// The daemon and its clients.
pub struct Stage {
    pub daemon: Option<Daemon>,
    tree: Tree,
    watcher: Option<Follower>,
    sampler: Option<Follower>,
    owner: Option<Asker>,
    ledger: Ledger,
    number: u64,
    epoch: String,
    /// What is not ok with any vitals here, without a fault.
    usual: Vec<String>,
}

impl Stage {
    /// Starts a daemon on a machine with a chip, and waits until everything was read once.
    pub fn new() -> Self {
        let tree = Tree::ordinary();
        plant(&tree);
        let mut stage = Self {
            daemon: None,
            tree,
            watcher: None,
            sampler: None,
            owner: None,
            ledger: Ledger::default(),
            number: 0,
            epoch: String::new(),
            usual: Vec::new(),
        };
        stage.start();
        let status = stage.ask(json!({"action": "status"})).unwrap();
        stage.epoch = word(&status["epoch"]).into();
        stage.submit("durable").unwrap();
        // More than is kept in memory: a history is read from the journal, each time.
        let event = json!({"topic": "filler", "data": "x".repeat(6000)});
        for _ in 0..30 {
            stage.ask(json!({"action": "submit", "event": event})).unwrap();
        }
        stage.gather();
        sleep(Duration::from_millis(1100));
        let sampler = stage.sampler.as_ref().unwrap();
        let heard = sampler.since(0);
        for what in GROUPS {
            assert!(heard.iter().any(|line| line["group"] == what), "no {what}");
        }
        let lines = stage.watcher.as_ref().unwrap().since(0);
        stage.usual = ails(lines.last().unwrap());
        stage
    }

    /// Starts the daemon, with what one before it left.
    pub fn start(&mut self) {
        let path = |name: &str| self.tree.path(name).to_str().unwrap().to_string();
        let (config, proc, sys) = (path("kymo.toml"), path("proc"), path("sys"));
        let options = ["--config", &config, "--proc", &proc, "--sys", &sys];
        self.daemon = Some(Daemon::start_in(&self.tree.path("run"), &options));
    }

    /// The daemon.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// Has everybody come who is not there.
    fn gather(&mut self) {
        let Self { daemon: Some(daemon), watcher, sampler, owner, .. } = self else { return };
        if watcher.as_ref().is_none_or(Follower::is_cut) {
            if let Some(before) = watcher.take() {
                self.ledger.read(&before.since(0), false);
            }
            let token = json!({"epoch": self.epoch, "events": self.ledger.last()});
            let line = json!({
                "subscribe": ["vitals", "events"], "rate_hz": RATE_HZ, "resume": token,
            });
            *watcher = Some(Follower::new(daemon.connect("stream.sock"), &line));
        }
        if sampler.as_ref().is_none_or(Follower::is_cut) {
            let line = json!({
                "subscribe": ["samples", "processes"], "groups": GROUPS, "rate_hz": 10,
            });
            *sampler = Some(Follower::new(daemon.connect("stream.sock"), &line));
        }
        if owner.is_none() {
            *owner = Some(Asker::new(daemon.connect("control.sock")));
        }
    }

    fn ask(&mut self, request: Value) -> Result<Value, &'static str> {
        let connect = || Asker::new(self.daemon.as_ref().unwrap().connect("control.sock"));
        let outcome = self.owner.get_or_insert_with(connect).ask(request);
        if outcome.is_err() {
            self.owner = None;
        }
        outcome
    }

    /// Has everybody there, and marks where a round begins.
    pub fn begin(&mut self) -> Mark {
        self.gather();
        sleep(Duration::from_millis(50));
        let count = |one: &Option<Follower>| one.as_ref().map_or(0, Follower::count);
        Mark {
            vitals: count(&self.watcher),
            samples: count(&self.sampler),
            said: self.daemon().said().len(),
            cpu: self.daemon().cpu_time(),
            begun: Instant::now(),
        }
    }

    /// Everything once, in at least that time; what was amiss, in words. The daemon may end.
    pub fn finish(&mut self, mark: Mark, time: Duration) -> Vec<String> {
        let begun = Instant::now();
        // The fault came behind the mark: what came before it is no sign of life.
        let since = self.sampler.as_ref().map_or(0, Follower::count);
        let mut amiss = self.act();
        sleep(time.saturating_sub(begun.elapsed()));
        if self.is_over() {
            let daemon = self.daemon.as_mut().unwrap();
            let code = daemon.wait().code();
            return vec![format!("ends with {code:?}"), daemon.said()[mark.said..].trim().into()];
        }
        let time = mark.begun.elapsed();
        let cpu = self.daemon().cpu_time().saturating_sub(mark.cpu);
        amiss.extend(self.watched(mark.vitals, time));
        amiss.extend(self.sampled(mark.samples, since - mark.samples));
        if cpu.as_nanos() * 1000 > time.as_nanos() * CPU_MAX {
            amiss.push(format!("spins: {cpu:?} in {time:?}"));
        }
        let said = self.daemon().said()[mark.said..].to_string();
        let lines = said.lines().map(|line| line.strip_prefix("kymod: ").unwrap_or(line));
        let unusual = lines.filter(|line| !USUAL.iter().any(|usual| line.starts_with(usual)));
        amiss.extend(unusual.map(|line| format!("says \"{}\"", self.placeless(line))));
        amiss
    }

    fn is_over(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.daemon().pid()));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    }

    /// Without the folder that is another each time, and without the error's own words.
    fn placeless(&self, text: &str) -> String {
        let mut text = text.to_string();
        for place in ["run", ""] {
            let place = self.tree.path(place);
            text = text.replace(&format!("{}/", place.to_str().unwrap().trim_end_matches('/')), "");
        }
        let end = WHY.iter().find_map(|why| text.find(why).map(|at| at + why.len()));
        end.filter(|end| *end < text.len()).map_or(text.clone(), |end| format!("{}…", &text[..end]))
    }

    /// Each request and each way in.
    fn act(&mut self) -> Vec<String> {
        let mut amiss = Vec::new();
        for ack in ["durable", "synced"] {
            if let Err(what) = self.submit(ack) {
                amiss.push(format!("{ack} {what}"));
            }
        }
        match self.ask(json!({"action": "reload"})) {
            Ok(reply) if reply["status"] == "success" => {}
            Ok(_) => amiss.push("reload is refused".into()),
            Err(what) => amiss.push(format!("reload {what}")),
        }
        self.daemon().signal(Signal::SIGUSR1);
        let outcome = newcomer(self.daemon().connect("json.sock"));
        if outcome != "ok" {
            amiss.push(format!("a newcomer {outcome}"));
        }
        if let Err(what) = self.history() {
            amiss.push(format!("history {what}"));
        }
        amiss
    }

    fn submit(&mut self, ack: &str) -> Result<(), String> {
        self.number += 1;
        let number = self.number;
        let event = json!({"topic": "t", "data": number});
        let key = json!({"client": "c", "number": number});
        let request = json!({"action": "submit", "ack": ack, "key": key, "event": event});
        let reply = self.ask(request)?;
        if reply["status"] != "success" {
            return Err(format!("is refused: {}", word(&reply["code"])));
        }
        self.ledger.acknowledge(reply["seq"].as_u64().unwrap(), number);
        Ok(())
    }

    /// Asks for all events from the first on, filtered, which is how the journal is read.
    fn history(&mut self) -> Result<(), String> {
        let mut stream = self.daemon().connect("stream.sock");
        stream.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
        let token = json!({"epoch": self.epoch, "events": 0});
        let line = json!({"subscribe": ["events"], "topics": ["t"], "resume": token});
        writeln!(stream, "{line}").map_err(|_| "is cut")?;
        let mut stream: BufReader<UnixStream> = BufReader::new(stream);
        let mut lines = Vec::new();
        let last = self.ledger.acknowledged();
        while Ledger::end(&lines) < last {
            let line = next_line(&mut stream)?;
            lines.push(line);
        }
        self.ledger.check_history(&lines)
    }

    fn watched(&mut self, from: usize, time: Duration) -> Vec<String> {
        let watcher = self.watcher.as_ref().unwrap();
        let (lines, is_cut) = (watcher.since(from), watcher.is_cut());
        let mut amiss = Vec::new();
        if is_cut {
            amiss.push("a subscriber is cut".into());
            return amiss;
        }
        let vitals: Vec<_> = lines.iter().filter(|line| line["type"] == "vitals").collect();
        let planned = time.as_millis() * u128::from(RATE_HZ) / 1000;
        if (vitals.len() as u128) < planned / 2 {
            amiss.push("vitals stop".into());
        }
        let mut ailing: Vec<_> = vitals.iter().flat_map(|line| ails(line)).collect();
        ailing.retain(|what| !self.usual.contains(what));
        ailing.sort();
        ailing.dedup();
        amiss.extend(ailing);
        amiss
    }

    /// What is amiss from line `from` on, and what is missing from `later` lines behind it on.
    fn sampled(&self, from: usize, later: usize) -> Vec<String> {
        let sampler = self.sampler.as_ref().unwrap();
        if sampler.is_cut() {
            return vec!["a subscriber of samples is cut".into()];
        }
        let lines = sampler.since(from);
        let mut amiss = Vec::new();
        for group in GROUPS {
            let of_group = lines.iter().filter(|line| line["group"] == group);
            let samples: Vec<&Value> =
                of_group.flat_map(|line| line["samples"].as_array().unwrap()).collect();
            if !lines[later..].iter().any(|line| line["group"] == group) {
                amiss.push(format!("samples of {group} stop"));
            }
            let mut states: Vec<_> =
                samples.iter().filter_map(|sample| sample["state"].as_str()).collect();
            states.retain(|state| *state != "pending");
            states.sort_unstable();
            states.dedup();
            amiss.extend(states.iter().map(|state| format!("samples of {group}: {state}")));
        }
        let processes: Vec<_> = lines.iter().filter(|line| line["type"] == "processes").collect();
        let mut states: Vec<_> =
            processes.iter().filter_map(|line| line["state"].as_str()).collect();
        states.dedup();
        amiss.extend(states.iter().map(|state| format!("processes: {state}")));
        if processes.iter().any(|line| line["truncated"] == true) {
            amiss.push("processes: truncated".into());
        }
        if !lines[later..].iter().any(|line| line["type"] == "processes") {
            amiss.push("processes stop".into());
        }
        amiss
    }

    /// The fault is over: before long all is well, but for the word of that.
    pub fn settle(&mut self) {
        let begun = Instant::now();
        loop {
            let mark = self.begin();
            let mut amiss = self.finish(mark, Duration::from_millis(1300));
            amiss.retain(|what| !OVER.iter().any(|over| what.contains(over)));
            if amiss.is_empty() {
                break;
            }
            assert!(begun.elapsed() < RECOVERY, "when the fault is over: {amiss:#?}");
        }
    }

    /// Everybody has what was acknowledged, also after another start.
    pub fn close(&mut self) {
        let watcher = self.watcher.as_ref().unwrap();
        self.ledger.read(&watcher.since(0), true);
        self.stop();
        self.start();
        assert_eq!(self.history(), Ok(()), "after another start");
        self.stop();
    }

    /// Has all clients go.
    pub fn let_all_go(&mut self) {
        (self.watcher, self.sampler, self.owner) = (None, None, None);
    }

    /// Ends the daemon, which must go in good order.
    pub fn stop(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        self.owner = None;
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.said());
    }

    /// The paths by which strace knows a place.
    pub fn paths(&self, place: &str) -> Vec<String> {
        let fd = |number: u32| {
            let link = format!("/proc/{}/fd/{number}", self.daemon().pid());
            fs::read_link(link).map(|path| path.to_str().unwrap().to_string()).ok()
        };
        let links = || self.daemon().descriptors().into_iter().filter_map(fd);
        let mut paths: Vec<String> = match place {
            "" => Vec::new(),
            "standard error" => fd(2).into_iter().collect(),
            "journal" => links().filter(|path| path.contains("/segment-")).collect(),
            "settings" => vec![self.tree.path("kymo.toml").to_str().unwrap().into()],
            "processes" => vec![self.tree.path("proc").to_str().unwrap().into()],
            "chip" => links().filter(|path| path.ends_with("temp1_input")).collect(),
            place if place.starts_with('/') => {
                links().filter(|path| path.ends_with(place)).collect()
            }
            place if place.ends_with("fd") => vec![format!("anon_inode:[{place}]")],
            place => panic!("{place}"),
        };
        paths.sort();
        paths.dedup();
        assert!(place.is_empty() || !paths.is_empty(), "nothing is open at {place}");
        paths
    }
}

/// Which vitals have no value, or none of now, and why.
fn ails(vitals: &Value) -> Vec<String> {
    let validity = vitals["validity"].as_object().into_iter().flatten();
    validity.map(|(name, state)| format!("{name}: {}", word(state))).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// A machine with one chip, which is read ten times a second, and a few processes.
fn plant(tree: &Tree) {
    // The tracer makes each call cost as much as ten, for which nothing is to be put off.
    tree.write("kymo.toml", "rate_hz = 25\nsensors.max_cpu = 1.0\n");
    tree.chip(0, "pci0/0", "k10temp", &[("temp1_input", "51000")]);
    tree.write("proc/self/mountinfo", "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let cpu = "930 0 1195 139078 142 0 15 12 0 0";
    tree.write("proc/stat", &format!("cpu  {cpu}\ncpu0 {cpu}\n"));
    let (_, rest) = text.split_once(' ').unwrap();
    for process in ["1", "42", "4194304"] {
        tree.write(&format!("proc/{process}/stat"), &format!("{process} {rest}"));
    }
}
