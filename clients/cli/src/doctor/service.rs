//! How the service is: asked by a thread of its own, because a manager may keep silent for minutes.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use super::places::nameless;
use crate::service::report;
use crate::value::Value;

/// A manager that answers does so in milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// A question that is under way.
#[derive(Debug)]
pub struct Asked(Receiver<Value>);

/// Asks.
pub fn ask() -> Asked {
    let (sender, receiver) = sync_channel(1);
    let run = move || {
        let told = report(|path| nameless(&path.to_string_lossy()));
        // Nobody waits for one that comes too late.
        let _ = sender.send(told);
    };
    // Without a thread there is no answer, which is what is told.
    let _ = thread::Builder::new().spawn(run);
    Asked(receiver)
}

impl Asked {
    /// The answer; null when there is none in time.
    pub fn answer(self) -> Value {
        self.0.recv_timeout(PATIENCE).unwrap_or(Value::Null)
    }
}
