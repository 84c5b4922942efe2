//! A class of sysfs whose devices have attributes with fixed names: thermal zones, supplies,
//! energy counters, graphics processors.
//!
//! Devices are put in the order of their keys, which last; the names of their folders need not.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use kymo_protocol::{NoData, Reading};
use nix::fcntl::AT_FDCWD;

use super::channel::{About, Channel, Quantity, open_channels};
use super::rows::hash;
use crate::linux::directory::for_each_entry;
use crate::linux::file::{c_path, open_directory};
use crate::linux::name::Name;
use crate::linux::sys::EntryBuffer;
use crate::linux::temperature::Sleep;
use crate::phrase::Phrase;
use crate::sort::insertion;
use crate::source::{Freshness, SensorInfo, Source, SourceSpec};

/// More devices of one class than that are left out, and counted.
const DEVICES_MAX: usize = 32;
/// Channels of one class, at most.
const CHANNELS_MAX: usize = 128;
/// Longer names of folders are none of these classes.
const ENTRY_SIZE_MAX: usize = 63;

type Entry = heapless::Vec<u8, ENTRY_SIZE_MAX>;

/// What is known of a device before it is opened.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The same after every boot; two devices may share it.
    pub(super) place: Phrase,
    /// What people call it.
    pub(super) name: Phrase,
}

/// What tells one class from another.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) spec: SourceSpec,
    /// Below the root of sysfs.
    pub(super) folder: &'static str,
    /// Where the attributes are, below a device's folder.
    pub(super) below: &'static str,
    pub(super) quantities: &'static [Quantity],
    /// The key of a device of the class, by the name of its folder; `None` is not one of ours.
    pub(super) key: fn(BorrowedFd<'_>, &[u8]) -> Option<Key>,
}

/// The devices of a class.
#[derive(Debug)]
pub(super) struct Class {
    kind: &'static Kind,
    path: CString,
    /// Never grow beyond what they were made with.
    devices: Vec<Device>,
    channels: Vec<(u8, Channel)>,
    /// Tells one list of devices from another.
    list: u64,
}

#[derive(Debug)]
struct Device {
    directory: OwnedFd,
    sleep: Sleep,
}

struct Found {
    key: Key,
    entry: Entry,
}

impl Class {
    pub(super) fn new(sys_root: &Path, kind: &'static Kind) -> Self {
        Self {
            kind,
            path: c_path(&sys_root.join(kind.folder)),
            devices: Vec::with_capacity(DEVICES_MAX),
            channels: Vec::with_capacity(CHANNELS_MAX),
            list: 0,
        }
    }

    /// Hands every device of the class to `each`; returns a number that another list won't have.
    fn list(&self, class: BorrowedFd<'_>, each: &mut dyn FnMut(Found)) -> u64 {
        let mut list = 0u64;
        let _ = for_each_entry(class, &mut EntryBuffer::new(), &mut |entry| {
            let Ok(name) = Entry::from_slice(entry.name) else { return };
            if entry.name.starts_with(b".") {
                return;
            }
            if let Some(key) = (self.kind.key)(class, entry.name) {
                let both = key.place.clone().with("\\").with_bytes(entry.name);
                // The order of the list is the file system's.
                list = list.wrapping_add(hash(both.as_str().as_bytes()));
                each(Found { key, entry: name });
            }
        });
        list
    }

    fn add(
        &mut self,
        class: BorrowedFd<'_>,
        device: &Found,
        twin: u64,
        found: &mut dyn FnMut(&SensorInfo<'_>),
    ) -> u32 {
        let mut folder = Name::new();
        folder.extend(&device.entry);
        folder.extend(self.kind.below.as_bytes());
        let Some(name) = folder.as_c_str() else { return 1 };
        let Ok(directory) = open_directory(class, name) else { return 0 };
        let Ok(number) = u8::try_from(self.devices.len()) else { return 1 };
        let place = Phrase::new().with(self.kind.spec.name).with("/");
        let place = place.with(device.key.place.as_str());
        let about = About {
            identity: &if twin > 0 { place.with("#").with_number(twin + 1) } else { place },
            name: &device.key.name,
            cadence_ms: self.kind.spec.cadence_ms,
        };
        let channels = &mut self.channels;
        let room = [channels.capacity() - channels.len(), 0];
        let quantities = self.kind.quantities;
        let omitted =
            open_channels(directory.as_fd(), quantities, &about, room, found, &mut |channel| {
                channels.push((number, channel));
            });
        let sleep = Sleep::of(directory.as_fd());
        self.devices.push(Device { directory, sleep });
        omitted
    }
}

impl Source for Class {
    fn spec(&self) -> SourceSpec {
        self.kind.spec
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        self.channels.clear();
        self.devices.clear();
        let Ok(class) = open_directory(AT_FDCWD, &self.path) else { return 0 };
        let mut list = heapless::Vec::<Found, DEVICES_MAX>::new();
        let mut omitted = 0;
        self.list = self.list(class.as_fd(), &mut |device| {
            omitted += u32::from(list.push(device).is_err());
        });
        insertion(&mut list, |one, other| {
            let key = |found: &Found| (found.entry.len(), found.entry.clone());
            let places = one.key.place.as_str().cmp(other.key.place.as_str());
            places.then_with(|| key(one).cmp(&key(other))).is_lt()
        });
        let mut twin = 0;
        for (place, device) in list.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| list.get(before));
            let same =
                before.is_some_and(|found| found.key.place.as_str() == device.key.place.as_str());
            twin = if same { twin + 1 } else { 0 };
            omitted += self.add(class.as_fd(), device, twin, found);
        }
        omitted
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        readings.fill(Err(NoData::Absent));
        let (mut left, mut state) = (false, None);
        for ((number, channel), reading) in self.channels.iter_mut().zip(readings) {
            let Some(device) = self.devices.get(usize::from(*number)) else { continue };
            // Once a device and round.
            let asleep = match state {
                Some((asked, asleep)) if asked == *number => asleep,
                _ => device.sleep.now(&mut false),
            };
            state = Some((*number, asleep));
            *reading = if asleep {
                Err(NoData::Asleep)
            } else {
                channel.read_in(device.directory.as_fd(), &mut left)
            };
        }
        Freshness::stale_if(left)
    }

    fn look(&mut self) -> Freshness {
        let class = open_directory(AT_FDCWD, &self.path);
        let list = class.map_or(0, |class| self.list(class.as_fd(), &mut |_| {}));
        Freshness::stale_if(list != self.list)
    }
}
