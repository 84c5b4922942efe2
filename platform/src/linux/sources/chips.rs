//! Which chip of hwmon is read by which source, and the channels they have open.
//!
//! Every chip has a source of its own, so that one that hangs holds up no other. What they share is
//! here: the list of chips, which is made of names alone, and one table of channels, from which a
//! channel is taken while it is read. So no lock is ever held while hardware is asked.

use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::channel::Channel;
use super::rows::hash;
use crate::linux::directory::for_each_entry;
use crate::linux::file::c_path;
use crate::linux::hwmon::{CHIPS_MAX, Chip, Chips, find_chips};
use crate::linux::name::index_in;
use crate::linux::sys::EntryBuffer;
use crate::phrase::Phrase;

/// Values that are open, over all chips, and as many alarms; the others are left out, and counted.
const KIND_MAX: usize = 200;
/// Channels that are open.
pub(super) const CHANNELS_MAX: usize = KIND_MAX;
/// The same where alarms are channels. No value has to make room for one.
pub(super) const WITH_ALARMS_MAX: usize = 2 * KIND_MAX;
/// Sources, one for each chip.
pub(super) const SLOTS: usize = CHIPS_MAX;

/// What the sources of chips share.
pub(super) struct Shared {
    list: Mutex<List>,
    channels: Mutex<Vec<Taken>>,
}

/// A channel with the number of its source, and whether it is an alarm; none while it is read.
type Taken = (u8, bool, Option<Channel>);

struct List {
    path: CString,
    buffer: Box<EntryBuffer>,
    chips: Box<Chips>,
    class: Option<OwnedFd>,
    /// Chips that the list has no room for.
    omitted: u32,
    version: u32,
    /// Of each source, the version it has seen, and the chip it has taken.
    seen: [u32; SLOTS],
    owned: [Option<u64>; SLOTS],
}

/// A chip that a source has taken.
pub(super) struct Claim {
    pub(super) chip: Chip,
    pub(super) directory: OwnedFd,
    /// Place, name, and what tells two of the same apart.
    pub(super) identity: Phrase,
    pub(super) mark: Mark,
}

/// How a source remembers its chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    key: u64,
    number: u16,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// With room for so many channels.
    pub(super) fn new(sys_root: &Path, channels_max: usize) -> Self {
        let list = List {
            path: c_path(&sys_root.join("class/hwmon")),
            buffer: Box::new(EntryBuffer::new()),
            chips: Box::new(Chips::new()),
            class: None,
            omitted: 0,
            version: 0,
            seen: [0; SLOTS],
            owned: [None; SLOTS],
        };
        Self { list: Mutex::new(list), channels: Mutex::new(Vec::with_capacity(channels_max)) }
    }

    /// Gives source `slot` its chip: the one it had, else one that nobody has. Beside it, the
    /// number of chips that no source is for, which the last one tells.
    pub(super) fn claim(&self, slot: usize) -> (Option<Claim>, u32) {
        let mut list = lock(&self.list);
        list.refresh(slot);
        let claim = list.claim(slot);
        (claim, if slot + 1 == SLOTS { list.omitted } else { 0 })
    }

    /// Whether the chip of `slot` has left, or one waits for a source; `None` when it can't be told
    /// at once.
    pub(super) fn has_changed(&self, slot: usize, mark: Option<Mark>) -> Option<bool> {
        let mut list = self.list.try_lock().ok()?;
        list.refresh(slot);
        Some(list.has_changed(slot, mark))
    }

    /// Forgets the channels of `slot`; returns for how many values and alarms there is room.
    pub(super) fn forget(&self, slot: u8) -> [usize; 2] {
        let mut channels = lock(&self.channels);
        channels.retain(|(owner, ..)| *owner != slot);
        let alarms = channels.iter().filter(|(_, is_alarm, _)| *is_alarm).count();
        let values = channels.len().saturating_sub(alarms);
        [values, alarms].map(|count| KIND_MAX.saturating_sub(count))
    }

    /// Adds a channel of `slot`, behind those that it has. One too many is dropped.
    pub(super) fn keep(&self, slot: u8, channel: Channel) {
        let mut channels = lock(&self.channels);
        if channels.len() < channels.capacity() {
            channels.push((slot, channel.is_alarm(), Some(channel)));
        }
    }

    /// Hands every channel of `slot` to `each`, in order, without a lock held meanwhile.
    ///
    /// Channels are counted rather than pointed to: others may leave the table in between.
    pub(super) fn for_each(&self, slot: u8, each: &mut dyn FnMut(&mut Channel)) {
        for count in 0..WITH_ALARMS_MAX {
            let Some(taken) = entry(&mut lock(&self.channels), slot, count).map(Option::take)
            else {
                return;
            };
            let Some(mut channel) = taken else { continue };
            each(&mut channel);
            if let Some(free) = entry(&mut lock(&self.channels), slot, count) {
                *free = Some(channel);
            }
        }
    }
}

/// The `count`-th channel of `slot`.
fn entry(channels: &mut [Taken], slot: u8, count: usize) -> Option<&mut Option<Channel>> {
    let mut own = channels.iter_mut().filter(|(owner, ..)| *owner == slot);
    own.nth(count).map(|(.., channel)| channel)
}

impl List {
    /// Lists chips anew unless another source has done so since `slot` last asked.
    fn refresh(&mut self, slot: usize) {
        let Some(seen) = self.seen.get_mut(slot) else { return };
        if *seen == self.version {
            self.version = self.version.wrapping_add(1);
            self.class = find_chips(&self.path, &mut self.buffer, &mut self.chips).ok();
            let mut count = 0;
            if let Some(class) = &self.class {
                let _ = for_each_entry(class.as_fd(), &mut self.buffer, &mut |entry| {
                    count += usize::from(index_in(entry.name, "hwmon", "").is_some());
                });
            }
            self.omitted = u32::try_from(count.saturating_sub(SLOTS)).unwrap_or(0);
        }
        *seen = self.version;
    }

    fn claim(&mut self, slot: usize) -> Option<Claim> {
        let own = self.owned.get(slot).copied().flatten();
        if let Some(owned) = self.owned.get_mut(slot) {
            *owned = None;
        }
        let known = own.and_then(|own| self.marks().position(|mark| mark.key == own));
        let free = || self.marks().position(|mark| !self.owned.contains(&Some(mark.key)));
        let place = known.or_else(free)?;
        let (mark, chip) = (self.marks().nth(place)?, self.chips.get(place)?);
        let directory = chip.open(self.class.as_ref()?.as_fd())?;
        let claim = Claim { chip: chip.clone(), directory, identity: self.identity(place)?, mark };
        *self.owned.get_mut(slot)? = Some(mark.key);
        Some(claim)
    }

    fn has_changed(&self, slot: usize, mark: Option<Mark>) -> bool {
        if let Some(mark) = mark {
            return !self.marks().any(|other| other == mark);
        }
        // Of those without a chip, only as many as there are chips to take.
        let free = self.marks().filter(|mark| !self.owned.contains(&Some(mark.key))).count();
        self.owned.iter().take(slot).filter(|owned| owned.is_none()).count() < free
    }

    fn marks(&self) -> impl Iterator<Item = Mark> {
        self.chips.iter().enumerate().map(|(place, chip)| {
            let key = self.identity(place).map_or(0, |identity| hash(identity.as_str().as_bytes()));
            Mark { key, number: chip.number }
        })
    }

    /// Chips are sorted, so those of one place and name stand together.
    fn identity(&self, place: usize) -> Option<Phrase> {
        let chip = self.chips.get(place)?;
        let same = |other: &&Chip| (&other.place, &other.name) == (&chip.place, &chip.name);
        let before = self.chips.iter().take(place).filter(same).count();
        let path = without_devices(&chip.place);
        let identity = Phrase::new().with_bytes(path).with("/").with_bytes(&chip.name);
        Some(match u64::try_from(before) {
            Ok(0) | Err(_) => identity,
            Ok(before) => identity.with("#").with_number(before + 1),
        })
    }
}

/// `../../devices/platform/coretemp.0` without its beginning, which all have.
fn without_devices(place: &[u8]) -> &[u8] {
    let start = place.windows(8).position(|part| part == b"devices/");
    start.and_then(|start| place.get(start + 8..)).unwrap_or(place)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked left a list that is made anew at the next look.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::sources::channel::{About, Quantity, open_channels};
    use kymo_protocol::metric::known;

    static QUANTITIES: [Quantity; 1] =
        [Quantity { ends: &["_input"], ..Quantity::plain("fan", known(91), 1.0) }];

    fn fill(shared: &Shared, slot: u8, folder: &Path) {
        let about = About { identity: &Phrase::new(), name: &Phrase::new(), cadence_ms: 0 };
        let directory = std::fs::File::open(folder).unwrap();
        let room = shared.forget(slot);
        open_channels(directory.as_fd(), &QUANTITIES, &about, room, &mut |_| {}, &mut |channel| {
            shared.keep(slot, channel);
        });
    }

    fn speeds(shared: &Shared, slot: u8, folder: &Path, meanwhile: &dyn Fn()) -> Vec<f64> {
        let directory = std::fs::File::open(folder).unwrap();
        let mut speeds = Vec::new();
        shared.for_each(slot, &mut |channel| {
            speeds.push(channel.read_in(directory.as_fd(), &mut false).unwrap());
            meanwhile();
        });
        speeds
    }

    #[test]
    fn while_one_source_reads_others_come_and_go_as_they_like() {
        let root = std::env::temp_dir().join(format!("kymo-chips-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        for fan in 1..=3 {
            std::fs::write(root.join(format!("fan{fan}_input")), format!("{fan}00\n")).unwrap();
        }
        let shared = Shared::new(Path::new("/nonexistent"), CHANNELS_MAX);
        for slot in [1, 2, 3] {
            fill(&shared, slot, &root);
        }
        // Were a lock held, this would never end; were places kept, channels would be missed.
        let others = || {
            shared.forget(1);
            fill(&shared, 3, &root);
            assert_eq!(speeds(&shared, 3, &root, &|| {}), [100.0, 200.0, 300.0]);
            assert!(shared.claim(4).0.is_none());
            fill(&shared, 1, &root);
        };
        for _ in 0..3 {
            assert_eq!(speeds(&shared, 2, &root, &others), [100.0, 200.0, 300.0]);
        }
        assert_eq!(lock(&shared.channels).len(), 9);
        assert_eq!(shared.forget(2), [KIND_MAX - 6, KIND_MAX]);
        std::fs::remove_dir_all(root).unwrap();
    }
}
