//! `kymo stress`: a load of a size that is known.

mod events;
mod load;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo_protocol::{Field, State};

use crate::args::{Get, Stress};
use crate::failure::Failure;
use crate::get::Look;
use crate::progress::Progress;
use crate::value::Value;
use crate::{say, units};
use events::Sent;

/// How often the progress is drawn, and how soon an end is noticed.
const STEP: Duration = Duration::from_millis(100);

/// What the load came to.
struct Told {
    took: Duration,
    threads: u32,
    /// Processor time of the threads that compute.
    computed: Duration,
    memory: u64,
    sent: Option<Sent>,
}

/// Loads the machine, and tells what it came to.
///
/// # Errors
///
/// Before anything is begun: more memory than there may be, no daemon for events. Behind what it
/// came to: why no more events could be sent.
pub fn stress(options: &Stress) -> Result<(), Failure> {
    check_memory(options)?;
    let sender =
        options.events_hz.map(|rate| events::Sender::connect(options, rate)).transpose()?;
    let is_ending = AtomicBool::new(false);
    let start = Instant::now();
    let (computed, sent) = thread::scope(|scope| {
        let spawn = |_| scope.spawn(|| load::compute(options.share, &is_ending));
        let computing: Vec<_> = (0..options.threads).map(spawn).collect();
        let held =
            (options.memory > 0).then(|| scope.spawn(|| load::hold(options.memory, &is_ending)));
        let sending = sender.map(|sender| scope.spawn(|| sender.run(&is_ending)));
        wait(options, start);
        is_ending.store(true, Ordering::Relaxed);
        let _ = held.map(thread::ScopedJoinHandle::join);
        let computed = computing.into_iter().filter_map(|thread| thread.join().ok()).sum();
        (computed, sending.and_then(|thread| thread.join().ok()))
    });
    let threads = options.threads;
    let told = Told { took: start.elapsed(), threads, computed, memory: options.memory, sent };
    say(&if options.json { told.object() + "\n" } else { told.text() })?;
    match told.sent.and_then(|sent| sent.failure) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Refuses what could push others out of memory.
fn check_memory(options: &Stress) -> Result<(), Failure> {
    if options.memory == 0 {
        return Ok(());
    }
    let fields = vec![Field::MemoryTotal, Field::MemoryUsed];
    let wait = Duration::from_secs(2);
    let look = Look::take(&Get { fields, directory: None, json: false, wait })?;
    let Some(available) = look.available() else {
        let text = "can't tell how much memory is available, so none is taken";
        return Err(Failure::new(text));
    };
    if options.memory > available / 2 {
        let [asked, available] = [options.memory, available].map(units::bytes);
        let text = format!("{asked} is more than half of the {available} that are available");
        return Err(Failure::new(text));
    }
    Ok(())
}

impl Look {
    /// Bytes that programs can have; `None` unless both figures were read.
    fn available(&self) -> Option<u64> {
        let read = |field, value| (self.state(field) == State::Ok).then_some(value);
        let total = read(Field::MemoryTotal, self.vitals.memory_total.get())?;
        total.checked_sub(read(Field::MemoryUsed, self.vitals.memory_used.get())?)
    }
}

fn wait(options: &Stress, start: Instant) {
    let progress = Progress::new();
    while let Some(left) = options.span.checked_sub(start.elapsed()) {
        let share = start.elapsed().as_secs_f64() / options.span.as_secs_f64();
        progress.show(share, &format!("{:.0} s left", left.as_secs_f64().ceil()));
        thread::sleep(left.min(STEP));
    }
}

impl Told {
    fn text(&self) -> String {
        let mut lines = vec![format!("took     {:.1} s", self.took.as_secs_f64())];
        if self.threads > 0 {
            let seconds = self.computed.as_secs_f64();
            let cores = seconds / self.took.as_secs_f64();
            let threads = match self.threads {
                1 => "1 thread".into(),
                threads => format!("{threads} threads"),
            };
            lines.push(format!("cpu      {seconds:.1} s by {threads}, {cores:.2} cores"));
        }
        if self.memory > 0 {
            lines.push(format!("memory   {}", units::bytes(self.memory)));
        }
        if let Some(sent) = &self.sent {
            lines.push(format!("events   {}", sent.text(self.took)));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn object(&self) -> String {
        let number = |value: f64| Value::Plain(format!("{value:.3}"));
        let cpu = (self.threads > 0).then(|| {
            let threads = ("threads", Value::plain(self.threads));
            Value::object([threads, ("seconds", number(self.computed.as_secs_f64()))])
        });
        Value::object([
            ("type", Value::Text("stress".into())),
            ("seconds", number(self.took.as_secs_f64())),
            ("cpu", Value::maybe(cpu)),
            ("memory_bytes", Value::maybe((self.memory > 0).then(|| Value::plain(self.memory)))),
            ("events", Value::maybe(self.sent.as_ref().map(Sent::object))),
        ])
        .json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        let (took, computed) = (Duration::from_secs(10), Duration::from_millis(9_500));
        Told { took, threads: 2, computed, memory: 3 << 29, sent: None }
    }

    #[test]
    fn what_was_not_asked_for_is_not_told() {
        let told = told();
        assert_eq!(
            told.text(),
            "took     10.0 s\ncpu      9.5 s by 2 threads, 0.95 cores\nmemory   1.5 GiB\n"
        );
        let none = Told { threads: 0, memory: 0, ..told };
        assert_eq!(none.text(), "took     10.0 s\n");
        assert_eq!(
            none.object(),
            "{\"type\":\"stress\",\"seconds\":10.000,\"cpu\":null,\"memory_bytes\":null,\
             \"events\":null}"
        );
    }
}
