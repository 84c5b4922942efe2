//! `kymo dump`, and `kymo record --last`: what a recorder in the daemon keeps.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use kymo_client::{Control, directories};

use crate::args::{Dump, Record};
use crate::clean::clean;
use crate::failure::Failure;
use crate::link::name_of;
use crate::value::Value;
use crate::{say, tell, units};

/// A window holds so much less than was asked for without being told: it ends where the recorder
/// looked last, and begins with the first frame behind the time.
const SLACK_S: f64 = 0.5;

/// What a recorder has written.
#[derive(Debug)]
struct Written {
    /// The reply as it came.
    text: String,
    file: String,
    seconds: f64,
    frames: u64,
    missed: u64,
    bytes: u64,
    before_s: f64,
    after_s: f64,
}

fn ask(
    control: &mut Control,
    recorder: Option<&str>,
    last: Option<Duration>,
) -> Result<Written, Failure> {
    let text = control.dump(recorder, last)?.text.to_string();
    let reply = Value::parse(&text).ok();
    let word = |key: &str| reply.as_ref()?.get(key)?.word().map(str::to_string);
    let number = |key: &str| word(key)?.parse::<f64>().ok();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts
    let count = |key: &str| number(key).map(|count| count as u64);
    let written = || {
        Some(Written {
            text: text.clone(),
            file: word("file")?,
            seconds: number("seconds")?,
            frames: count("frames")?,
            missed: count("missed")?,
            bytes: count("bytes")?,
            before_s: number("before_s")?,
            after_s: number("after_s")?,
        })
    };
    written().ok_or_else(|| Failure::new("the daemon's reply does not tell the file"))
}

impl Written {
    /// What is in it, in words.
    fn words(&self) -> String {
        let missed =
            if self.missed > 0 { format!(", {} missed", self.missed) } else { String::new() };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // hours at most
        let span = units::stopwatch((self.seconds * 1e9) as u64);
        format!("{span} with {} frames{missed}, {}", self.frames, units::bytes(self.bytes))
    }
}

/// Has a recorder write, and prints where.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn dump(options: &Dump) -> Result<(), Failure> {
    let mut control = Control::connect(directories(options.directory.as_deref()))?;
    let written = ask(&mut control, options.recorder.as_deref(), None)?;
    if options.json {
        return say(&(written.text.clone() + "\n"));
    }
    let file = clean(written.file.chars());
    let after = match written.after_s {
        after_s if after_s > 0.0 => format!("; goes on for {after_s:.0} s"),
        _ => String::new(),
    };
    say(&format!("{file}: {}{after}\n", written.words()))
}

/// Copies what a recorder has kept of the last `span` into a file.
///
/// # Errors
///
/// The [`Failure`] that it came to.
pub fn record_last(options: &Record, span: Duration) -> Result<(), Failure> {
    let path = &options.path;
    let named = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => crate::record::there_is_one(options),
        _ => Failure::new(format!("{}: {error}", name_of(Some(path)))),
    };
    if !options.force && path.exists() {
        return Err(named(ErrorKind::AlreadyExists.into()));
    }
    let recorder = options.recorder.as_deref();
    // The file is this connection's, and stays while it does.
    let mut control = Control::connect(directories(options.directory.as_deref()))?;
    let written = ask(&mut control, recorder, Some(span))?;
    let source = Path::new(&written.file);
    let mut from = File::open(source).map_err(|error| {
        let file = clean(written.file.chars());
        Failure::new(format!("the daemon wrote {file}, which can't be read here: {error}"))
    })?;
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    match options.force {
        true => open.create(true).truncate(true),
        false => open.create_new(true),
    };
    let mut to = open.open(path).map_err(named)?;
    io::copy(&mut from, &mut to).and_then(|_| to.sync_data()).map_err(named)?;
    drop(control);
    let name = name_of(Some(path));
    if options.json {
        let members = [
            ("file", Value::text(&*name)),
            ("complete", Value::truth(true)),
            ("seconds", Value::plain(format!("{:.3}", written.seconds))),
            ("frames", Value::plain(written.frames)),
            ("missed", Value::plain(written.missed)),
            ("bytes", Value::plain(written.bytes)),
        ];
        say(&(Value::object(members).json() + "\n"))?;
    } else {
        tell(format_args!("{} in {name}", written.words()));
    }
    if written.before_s + SLACK_S < span.as_secs_f64() {
        tell(format_args!("the recorder held no more than {:.1} s", written.before_s));
    }
    Ok(())
}
