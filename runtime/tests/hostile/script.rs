//! What one connection does, as data; the player does it with hundreds at once.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::attack::{Attack, Scene};

/// Bytes that a connection says in one round at most, so that all of them get their turn.
const ROUND_SIZE: usize = 256 * 1024;

/// A round in which nobody got anywhere is followed by this pause.
const PAUSE: Duration = Duration::from_micros(200);

/// What one connection does; `n` counts connections.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The socket.
    pub door: &'static str,
    /// What it says first.
    pub first: fn(&Scene, u64) -> Vec<u8>,
    /// What it says after that, again and again; of no bytes: nothing.
    pub then: fn(&Scene, u64) -> Vec<u8>,
    /// Bytes that it says in one round.
    pub piece: usize,
    /// Bytes that it reads in one round.
    pub reads: usize,
    /// From one round to the next.
    pub pace: Duration,
    /// When it goes by itself; it comes back in the next round.
    pub leaves: Leaves,
    /// What it shuts down once it has said what it says first.
    pub shuts: Option<Shutdown>,
    /// Its receive buffer.
    pub room: Option<usize>,
}

/// When a connection goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    Never,
    /// When it has said what it says first.
    AfterWords,
    /// When it has been told something.
    AfterAnswer,
}

pub fn nothing(_: &Scene, _: u64) -> Vec<u8> {
    Vec::new()
}

impl Script {
    /// What most have in common: it connects to stream.sock, and reads what it is told.
    pub const NEW: Self = Self {
        door: "stream.sock",
        first: nothing,
        then: nothing,
        piece: usize::MAX,
        reads: usize::MAX,
        pace: Duration::ZERO,
        leaves: Leaves::Never,
        shuts: None,
        room: None,
    };
}

/// A connection under way.
#[derive(Debug)]
struct Actor {
    stream: UnixStream,
    words: Vec<u8>,
    said: usize,
    has_begun: bool,
    was_told: bool,
}

/// Plays a script with all clients until the time is over.
pub fn play(script: &Script, attack: &mut Attack) {
    let mut actors: Vec<Option<Actor>> = (0..attack.orders.clients).map(|_| None).collect();
    let mut buffer = vec![0; 64 * 1024];
    let mut number = attack.scene.salt << 32;
    while attack.goes_on() {
        let mut moved = false;
        for place in &mut actors {
            if place.is_none() {
                number += 1;
                *place = Actor::begin(script, attack, number);
                moved |= place.is_some();
            }
            let Some(actor) = place else { continue };
            let outcome = actor.step(script, attack, &mut buffer, number);
            match outcome {
                Ok(has_moved) => moved |= has_moved,
                Err(()) => attack.tally.closed += 1,
            }
            if outcome.is_err() || actor.wants_to_leave(script) {
                *place = None;
            }
        }
        if !script.pace.is_zero() {
            std::thread::sleep(script.pace);
        } else if !moved {
            std::thread::sleep(PAUSE);
        }
    }
}

impl Actor {
    fn begin(script: &Script, attack: &mut Attack, number: u64) -> Option<Self> {
        let stream = attack.connect(script.door)?;
        if let Some(room) = script.room {
            let _ = setsockopt(&stream, sockopt::RcvBuf, &room);
        }
        stream.set_nonblocking(true).ok()?;
        let words = (script.first)(&attack.scene, number);
        Some(Self { stream, words, said: 0, has_begun: false, was_told: false })
    }

    /// One round of a connection: whether bytes moved, or that it has ended.
    fn step(
        &mut self,
        script: &Script,
        attack: &mut Attack,
        buffer: &mut [u8],
        number: u64,
    ) -> Result<bool, ()> {
        let said = self.say(script, attack, number)?;
        let heard = self.hear(script, attack, buffer)?;
        Ok(said || heard)
    }

    fn say(&mut self, script: &Script, attack: &mut Attack, number: u64) -> Result<bool, ()> {
        let mut left = script.piece.min(ROUND_SIZE);
        let begin = left;
        while left > 0 {
            if self.said == self.words.len() {
                if !self.has_begun {
                    self.has_begun = true;
                    if let Some(how) = script.shuts {
                        let _ = self.stream.shutdown(how);
                    }
                }
                self.words = (script.then)(&attack.scene, number);
                self.said = 0;
                if self.words.is_empty() {
                    break;
                }
            }
            let rest = &self.words[self.said..];
            match self.stream.write(&rest[..rest.len().min(left)]) {
                Ok(size) => {
                    self.said += size;
                    left -= size;
                    attack.tally.sent += size as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // What it was told last may be there to be read.
                Err(_) => {
                    let _ = self.hear(script, attack, &mut [0; 4096]);
                    return Err(());
                }
            }
        }
        Ok(left < begin)
    }

    fn hear(
        &mut self,
        script: &Script,
        attack: &mut Attack,
        buffer: &mut [u8],
    ) -> Result<bool, ()> {
        let size = buffer.len().min(script.reads);
        if size == 0 {
            return Ok(false);
        }
        match self.stream.read(&mut buffer[..size]) {
            Ok(0) if script.shuts.is_some_and(|how| how != Shutdown::Write) => Ok(false),
            Ok(0) => Err(()),
            Ok(size) => {
                self.was_told = true;
                attack.tally.received += size as u64;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(_) => Err(()),
        }
    }

    fn wants_to_leave(&self, script: &Script) -> bool {
        match script.leaves {
            Leaves::Never => false,
            Leaves::AfterWords => self.has_begun,
            Leaves::AfterAnswer => self.was_told,
        }
    }
}
