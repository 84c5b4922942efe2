//! A hostile process: hundreds of clients of one behaviour.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::args::Orders;
use crate::behaviour::{Behaviour, Way};
use crate::common::Json;
use crate::script;
use crate::tally::Tally;

/// A process that has not ended by itself so long after its time is over is ended.
const GRACE: Duration = Duration::from_secs(10);

/// What a hostile process knows.
#[derive(Debug)]
pub struct Attack {
    pub orders: Orders,
    pub scene: Scene,
    pub until: Instant,
    pub tally: Tally,
}

/// What it has learned of the daemon before it began.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Of the events, in hexadecimal.
    pub epoch: String,
    /// The next event.
    pub next: u64,
    /// Different in each process.
    pub salt: u64,
}

impl Attack {
    /// A socket's path.
    pub fn path(&self, door: &str) -> PathBuf {
        self.orders.directory.join(door)
    }

    /// A connection, which is counted.
    pub fn connect(&mut self, door: &str) -> Option<UnixStream> {
        match UnixStream::connect(self.path(door)) {
            Ok(stream) => {
                self.tally.connected += 1;
                Some(stream)
            }
            Err(_) => {
                self.tally.failed += 1;
                None
            }
        }
    }

    /// Whether there is time left.
    pub fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }
}

/// What the hostile process does.
pub fn run(behaviour: &Behaviour, orders: Orders, span: Duration) -> Result<(), String> {
    let stream = UnixStream::connect(orders.directory.join("json.sock"));
    let mut scene = Scene { salt: u64::from(std::process::id()), ..Scene::default() };
    // Where every place is taken by its own kind, it begins without.
    if let Ok(stream) = stream {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let welcome = Json::new(stream).try_line().unwrap_or_default();
        scene.epoch = welcome["epoch"].as_str().unwrap_or_default().into();
        scene.next = welcome["streams"]["events"]["next"].as_u64().unwrap_or_default();
    }
    let until = Instant::now() + span;
    let mut attack = Attack { orders, scene, until, tally: Tally::default() };
    match &behaviour.way {
        Way::Script(script) => script::play(script, &mut attack),
        Way::Own(play) => play(&mut attack).map_err(|error| error.to_string())?,
    }
    println!("{}", attack.tally.to_line());
    Ok(())
}

/// The hostile process, from outside.
#[derive(Debug)]
pub struct Attacker {
    child: Child,
    deadline: Instant,
}

impl Attacker {
    /// Starts it.
    pub fn start(orders: &Orders, span: Duration) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(["--attack", &orders.name]).arg("--dir").arg(&orders.directory);
        command.args(["--pid", &orders.pid.to_string()]);
        command.args(["--clients", &orders.clients.to_string()]);
        command.args(["--span-ms", &span.as_millis().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| error.to_string())?;
        Ok(Self { child, deadline: Instant::now() + span + GRACE })
    }

    /// Whether it is still at it; one that should have ended long ago is ended.
    pub fn is_running(&mut self) -> bool {
        let is_running = matches!(self.child.try_wait(), Ok(None));
        if is_running && Instant::now() > self.deadline {
            let _ = self.child.kill();
        }
        is_running
    }

    /// What it says that it did.
    pub fn tally(&mut self) -> Result<Tally, String> {
        let mut line = String::new();
        if let Some(stdout) = self.child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        if let Some(tally) = Tally::from_line(&line) {
            return Ok(tally);
        }
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut text);
        }
        Err(format!("the hostile process failed: {line}{text}"))
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
