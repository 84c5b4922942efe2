//! What is to be said of a recording as a whole: that it can't be read, is none, or has lost
//! something.

use std::io;
use std::path::Path;
use std::time::Duration;

use kymo_protocol::recording::{End, Outcome};

use super::pace::nanoseconds;
use super::{Losses, Player};
use crate::failure::Failure;
use crate::link::name_of;
use crate::{tell, units};

/// The recording at `path`.
///
/// # Errors
///
/// When it can't be read.
pub fn open(path: &Path, from: Duration) -> Result<Player, Failure> {
    Player::open(path, nanoseconds(from)).map_err(|error| unreadable(path, &error))
}

/// A file can't be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: {error}", name_of(Some(path))))
}

/// A recording has been read, `to_end` or as far as was wanted: what is to be said of that.
///
/// # Errors
///
/// When something of it is lost, or all, or nothing is left of it behind `--from`.
pub fn close(path: &Path, player: &Player, losses: &Losses, to_end: bool) -> Result<(), Failure> {
    let name = name_of(Some(path));
    if !player.has_any() {
        return Err(Failure::new(format!("{name} is no recording")));
    }
    let mut texts: Vec<String> = losses.summary().into_iter().collect();
    if player.unnamed() > 0 {
        let count = player.unnamed();
        texts.push(format!("{count} frames of samples have lost the catalog that names them"));
    }
    if to_end && player.end().is_none() {
        texts
            .push("it has no end: the recorder was cut off, and what came last is not here".into());
    }
    if to_end && player.has_not_begun() {
        let length = units::stopwatch(player.elapsed_ns());
        texts.push(format!("it is {length} long, and --from lies behind its end"));
    }
    match texts.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("{name}: {}", texts.join("; ")))),
    }
}

/// Says why a recording that was read to its end ends there, if nobody wanted it to.
pub fn tell_end(path: &Path, player: &Player) {
    let why = match player.end().and_then(End::outcome) {
        Some(Outcome::Full) => "the file took no more",
        Some(Outcome::Refused) => "the daemon refused",
        _ => return,
    };
    tell(format_args!("{} ends where {why}", name_of(Some(path))));
}
