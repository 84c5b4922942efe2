//! Looks for keys, a few at a time: first those that the table names, then fans, then all that the
//! controller lists.
//!
//! What a step could not do because the way to the controller failed is done by a later one, in the
//! same place; a key that is not there is not asked for again.

use std::sync::Mutex;

use kymo_protocol::NoData;

use super::class::Class;
use super::fourcc::FourCc;
use super::roster::{FANS_MAX, Roster};
use super::session::{Description, Refusal, Session};
use super::slot::lock;

/// Keys that a controller may list; it says how many, and may say anything.
const KEYS_MAX: u32 = 8192;
/// The number of keys, and of fans.
const COUNT: FourCc = FourCc::new(b"#KEY");
const FANS: FourCc = FourCc::new(b"FNum");

/// What nobody may know of a key.
const UNKNOWN: Description = Description { kind: FourCc(0), size: 0, attributes: 0 };

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scout {
    /// At this line of the table.
    Rows(u16),
    /// It does not know how many fans there are.
    Fans,
    /// At this one of so many.
    Fan(u8, u8),
    /// It does not know how many keys there are.
    Count,
    /// At this one of so many.
    Keys(u32, u32),
    /// There.
    Done,
}

impl Scout {
    /// Whether what the table names was looked for.
    pub(super) fn is_over_table(self) -> bool {
        matches!(self, Self::Count | Self::Keys(..) | Self::Done)
    }

    /// Goes on by at most so many steps, each of which is at most five calls.
    pub(super) fn run(&mut self, session: &mut Session, roster: &Mutex<Roster>, steps: u32) {
        if *self == Self::Done {
            return;
        }
        session.begin();
        for _ in 0..steps {
            let before = self.is_over_table();
            let Ok(next) = self.step(session, roster) else { return };
            *self = next;
            let is_told = (!before && next.is_over_table()) || next == Self::Done;
            if is_told {
                lock(roster).publish();
            }
            if next == Self::Done {
                return;
            }
        }
    }

    /// Goes on until what the table names is known, or the way to the controller fails.
    pub(super) fn run_over_table(&mut self, session: &mut Session, roster: &Mutex<Roster>) {
        // Lines that fit a pattern take no call, and fans at most five each.
        let steps = u32::try_from(lock(roster).table.len()).unwrap_or(0) + 2 + u32::from(u8::MAX);
        for _ in 0..steps {
            let before = *self;
            self.run(session, roster, 1);
            if self.is_over_table() || *self == before {
                return;
            }
        }
    }

    /// The next place.
    ///
    /// # Errors
    ///
    /// When the way to the controller fails.
    fn step(self, session: &mut Session, roster: &Mutex<Roster>) -> Result<Self, Refusal> {
        match self {
            Self::Rows(row) => {
                let Some(key) = lock(roster).table.key(row) else { return Ok(Self::Fans) };
                if let Some(key) = key {
                    try_key(session, roster, key)?;
                }
                Ok(Self::Rows(row.saturating_add(1)))
            }
            Self::Fans => {
                let count = number(session, FANS)?.unwrap_or(0);
                let most = u8::try_from(FANS_MAX).unwrap_or(u8::MAX);
                Ok(Self::Fan(0, u8::try_from(count).unwrap_or(most).min(most)))
            }
            Self::Fan(next, count) if next < count => {
                let digit = b'0' + next;
                try_key(session, roster, FourCc::new(&[b'F', digit, b'A', b'c']))?;
                let id = FourCc::new(&[b'F', digit, b'I', b'D']);
                if let Some((description, bytes)) = value(session, id)? {
                    let bytes = bytes.get(..usize::from(description.size)).unwrap_or_default();
                    if description.kind == FourCc::new(b"{fds") {
                        lock(roster).name_fan(usize::from(next), bytes);
                    }
                }
                Ok(Self::Fan(next + 1, count))
            }
            Self::Fan(..) => Ok(Self::Count),
            Self::Count => {
                // Without it the controller says where the list ends.
                let count = number(session, COUNT)?.unwrap_or(KEYS_MAX);
                Ok(Self::Keys(0, count.min(KEYS_MAX)))
            }
            Self::Keys(next, count) if next < count => {
                match session.name(next) {
                    Ok(key) if key.is_word() => try_key(session, roster, key)?,
                    // No key has that number, or nobody may ask.
                    Err(Refusal::Missing | Refusal::Denied) => return Ok(Self::Done),
                    Err(Refusal::Down(trouble)) => return Err(Refusal::Down(trouble)),
                    Ok(_) | Err(_) => {}
                }
                Ok(Self::Keys(next + 1, count))
            }
            Self::Keys(..) | Self::Done => Ok(Self::Done),
        }
    }
}

/// Gives a key a place if it is there, it is a sensor, and it has none.
fn try_key(session: &mut Session, roster: &Mutex<Roster>, key: FourCc) -> Result<(), Refusal> {
    let (row, class) = {
        let roster = lock(roster);
        let Some(row) = roster.table.find(key) else { return Ok(()) };
        let class = roster.table.get(row).map_or(Class::None, |row| row.class);
        if class == Class::None || roster.has(key) {
            return Ok(());
        }
        (row, class)
    };
    match session.describe(key) {
        Ok(description) => lock(roster).add(key, row, description, None),
        Err(Refusal::Down(trouble)) => return Err(Refusal::Down(trouble)),
        Err(Refusal::Denied) => {
            let mut roster = lock(roster);
            // Where nothing at all is answered, nobody knows which keys there are: one of each kind
            // says why vitals have none.
            let stands_for_all = class.is_vital() && !roster.has_class(class);
            if session.has_answered() || stands_for_all {
                roster.add(key, row, UNKNOWN, Some(NoData::Denied));
            }
        }
        Err(Refusal::Missing | Refusal::Size | Refusal::Failed) => {}
    }
    Ok(())
}

/// A key's value, if it can be read at all.
fn value(session: &mut Session, key: FourCc) -> Result<Option<(Description, [u8; 32])>, Refusal> {
    let found = session.describe(key);
    let found = found.and_then(|description| {
        let bytes = session.read(key, description.size)?;
        Ok((description, bytes))
    });
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Refusal::Down(trouble)) => Err(Refusal::Down(trouble)),
        Err(_) => Ok(None),
    }
}

/// A count, whose highest byte is the first on every machine.
fn number(session: &mut Session, key: FourCc) -> Result<Option<u32>, Refusal> {
    let found = value(session, key)?;
    Ok(found.and_then(|(description, bytes)| {
        let bytes = bytes.get(..usize::from(description.size).min(4))?;
        Some(bytes.iter().fold(0, |number: u32, byte| (number << 8) | u32::from(*byte)))
    }))
}
