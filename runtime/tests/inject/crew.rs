//! Clients that keep the rules: what they get while the daemon's calls fail.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a reply may take; a busy machine needs a part of it.
const REPLY: Duration = Duration::from_millis(1500);

/// A subscriber whose lines are collected by a thread.
pub struct Follower {
    stream: UnixStream,
    lines: Arc<Mutex<Vec<Value>>>,
    is_cut: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Says `line` and listens.
    pub fn new(mut stream: UnixStream, line: &Value) -> Self {
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        stream.set_read_timeout(None).unwrap();
        let lines = Arc::<Mutex<Vec<Value>>>::default();
        let is_cut = Arc::<AtomicBool>::default();
        let (heard, ended) = (Arc::clone(&lines), Arc::clone(&is_cut));
        let reader = BufReader::new(stream.try_clone().unwrap());
        let thread = std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                // The last line of a connection that was cut may be half of one.
                let Ok(line) = serde_json::from_str(&line) else { break };
                heard.lock().unwrap().push(line);
            }
            ended.store(true, Ordering::Release);
        });
        Self { stream, lines, is_cut, thread: Some(thread) }
    }

    /// Whether the daemon has closed.
    pub fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    /// How many lines came so far.
    pub fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// The lines from number `first` on.
    pub fn since(&self, first: usize) -> Vec<Value> {
        self.lines.lock().unwrap()[first..].to_vec()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Who asks, and takes no answer for one.
pub struct Asker {
    stream: BufReader<UnixStream>,
    asked: u64,
}

impl Asker {
    /// Asks on a connection to control.sock.
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(REPLY)).unwrap();
        Self { stream: BufReader::new(stream), asked: 0 }
    }

    /// The reply, or what came instead of one.
    pub fn ask(&mut self, request: Value) -> Result<Value, &'static str> {
        self.asked += 1;
        let mut request = request;
        request["id"] = json!(self.asked);
        let text = format!("{request}\n");
        if self.stream.get_mut().write_all(text.as_bytes()).is_err() {
            return Err("is cut");
        }
        loop {
            match next_line(&mut self.stream) {
                // Of a request that was given up.
                Ok(line) if line["id"] != self.asked => {}
                outcome => return outcome,
            }
        }
    }
}

/// What somebody is told who comes now: "ok", or what came instead of a welcome.
pub fn newcomer(stream: UnixStream) -> String {
    stream.set_read_timeout(Some(REPLY)).unwrap();
    match next_line(&mut BufReader::new(stream)) {
        Ok(line) if line["type"] == "welcome" => "ok".into(),
        Ok(line) => format!("is told {}", line["code"].as_str().unwrap_or("something else")),
        Err(what) => what.into(),
    }
}

/// The next line, or what came instead.
pub fn next_line(stream: &mut BufReader<UnixStream>) -> Result<Value, &'static str> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(0) => Err("is cut"),
        // A word in frames is no line.
        Ok(_) => serde_json::from_str(&line).map_err(|_| "is cut"),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err("waits"),
        Err(_) => Err("is cut"),
    }
}
