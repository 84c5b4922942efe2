#![allow(unsafe_code)]
//! The I/O registry by IOKit's public calls.
//!
//! Properties come as copies: one call of the kernel for each dictionary, which CoreFoundation
//! builds, and which is released when it was looked at.

use std::ffi::{CStr, c_char};
use std::ptr;

use kymo_protocol::{NoData, Reading};

use super::cf::{Dictionary, Name, Owned, Raw};
use super::checked;
use crate::apple::registry::{Entry, Origin, Registry, Table, Text};
use crate::apple::smc::KernReturn;

/// `io_object_t`: a name of a port, and none.
pub(super) type Port = u32;
/// `kIOMainPortDefault`, and the object that is none.
pub(super) const NONE: Port = 0;

const PLANE: &CStr = c"IOService";
/// `io_string_t`.
const PATH_SIZE: usize = 512;
/// `kIORegistryIterateRecursively` and `kIORegistryIterateParents`.
const RECURSIVELY: u32 = 1;
const PARENTS: u32 = 2;

#[link(name = "IOKit", kind = "framework")]
unsafe extern "C" {
    fn IOServiceMatching(class: Name) -> Raw;
    fn IOServiceGetMatchingServices(main: Port, matching: Raw, existing: *mut Port) -> i32;
    safe fn IOIteratorNext(iterator: Port) -> Port;
    safe fn IOIteratorIsValid(iterator: Port) -> u32;
    safe fn IOObjectRelease(object: Port) -> i32;
    fn IORegistryEntryGetRegistryEntryID(entry: Port, id: *mut u64) -> i32;
    fn IORegistryEntryGetPath(entry: Port, plane: Name, path: *mut c_char) -> i32;
    fn IORegistryEntryCreateCFProperties(
        entry: Port,
        properties: *mut Raw,
        allocator: Raw,
        options: u32,
    ) -> i32;
    fn IORegistryEntryCreateCFProperty(entry: Port, key: Raw, allocator: Raw, options: u32) -> Raw;
    fn IORegistryEntrySearchCFProperty(
        entry: Port,
        plane: Name,
        key: Raw,
        allocator: Raw,
        options: u32,
    ) -> Raw;
}

/// An object of the kernel that is ours to release.
#[derive(Debug)]
pub(super) struct Object(Port);

impl Drop for Object {
    fn drop(&mut self) {
        // The one right to it ends here; there is nobody to tell that it was none.
        let _ = IOObjectRelease(self.0);
    }
}

impl Object {
    /// For a call that needs its port.
    pub(super) const fn port(&self) -> Port {
        self.0
    }

    /// What matches `class`, one after the other with [`Object::next`].
    pub(super) fn services(class: &CStr) -> Result<Self, KernReturn> {
        // SAFETY: the name ends with a NUL.
        let matching = unsafe { IOServiceMatching(class.as_ptr()) };
        if matching.is_null() {
            return Err(KernReturn(super::code::NO_DEVICE));
        }
        let mut iterator = NONE;
        // SAFETY: the call takes over the one count of the dictionary, whatever it returns, and
        // writes a port that is ours when it succeeds.
        let code = unsafe { IOServiceGetMatchingServices(NONE, matching, &raw mut iterator) };
        checked(code)?;
        Ok(Self(iterator))
    }

    /// The next one of an iterator.
    pub(super) fn next(&self) -> Option<Self> {
        let object = IOIteratorNext(self.0);
        (object != NONE).then_some(Self(object))
    }
}

/// The registry of the running kernel.
#[derive(Clone, Copy, Debug)]
pub struct IoRegistry;

impl Registry for IoRegistry {
    fn visit(&mut self, class: &CStr, each: &mut dyn FnMut(&dyn Entry)) -> Reading<()> {
        let services = match Object::services(class) {
            // Nothing of that class is an empty iterator, or none at all.
            Ok(Object(NONE)) => return Ok(()),
            services => services.map_err(NoData::from)?,
        };
        while let Some(service) = services.next() {
            each(&service);
        }
        // It ended early because something changed meanwhile.
        if IOIteratorIsValid(services.0) == 0 { Err(NoData::Fault) } else { Ok(()) }
    }
}

impl Object {
    fn property(&self, origin: Origin, key: &str) -> Reading<Owned> {
        let key = Owned::text(key).ok_or(NoData::Fault)?;
        let (port, none) = (self.0, ptr::null());
        let options = match origin {
            Origin::Own => {
                // SAFETY: the port is ours, and the key is alive.
                let raw = unsafe { IORegistryEntryCreateCFProperty(port, key.raw(), none, 0) };
                // SAFETY: Create: the count is ours.
                return unsafe { Owned::new(raw) }.ok_or(NoData::Absent);
            }
            Origin::Above => RECURSIVELY | PARENTS,
            Origin::Below => RECURSIVELY,
        };
        let plane = PLANE.as_ptr();
        // SAFETY: the port is ours, the key is alive, and the name of the plane ends with a NUL.
        let raw = unsafe { IORegistryEntrySearchCFProperty(port, plane, key.raw(), none, options) };
        // SAFETY: the search creates the property that it finds: the count is ours.
        unsafe { Owned::new(raw) }.ok_or(NoData::Absent)
    }

    fn properties(&self) -> Reading<Owned> {
        let mut raw = ptr::null();
        // SAFETY: the port is ours, and there is room for the address of a dictionary.
        let code =
            unsafe { IORegistryEntryCreateCFProperties(self.0, &raw mut raw, ptr::null(), 0) };
        checked(code)?;
        // SAFETY: Create: the count is ours.
        unsafe { Owned::new(raw) }.ok_or(NoData::Fault)
    }
}

impl Entry for Object {
    fn id(&self) -> u64 {
        let mut id = 0;
        // SAFETY: the port is ours, and there is room for the number. What fails leaves 0, which
        // is no service's number.
        let _ = unsafe { IORegistryEntryGetRegistryEntryID(self.0, &raw mut id) };
        id
    }

    fn path(&self) -> Reading<Text> {
        let mut path = [0u8; PATH_SIZE];
        let start = path.as_mut_ptr().cast();
        // SAFETY: the port is ours, the name of the plane ends with a NUL, and the buffer has the
        // size that the call's type has.
        let code = unsafe { IORegistryEntryGetPath(self.0, PLANE.as_ptr(), start) };
        checked(code)?;
        let path = CStr::from_bytes_until_nul(&path).map_err(|_| NoData::Fault)?;
        let path = path.to_str().map_err(|_| NoData::Fault)?;
        Text::try_from(path).map_err(|_| NoData::Fault)
    }

    fn text(&self, origin: Origin, key: &str) -> Reading<Text> {
        self.property(origin, key)?.as_ref().text().ok_or(NoData::Fault)
    }

    fn table(
        &self,
        origin: Origin,
        key: Option<&str>,
        take: &mut dyn FnMut(&dyn Table),
    ) -> Reading<()> {
        let property = match key {
            Some(key) => self.property(origin, key)?,
            None => self.properties()?,
        };
        take(&property.as_ref().dictionary().ok_or(NoData::Fault)?);
        Ok(())
    }
}

impl Table for Dictionary<'_> {
    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn number(&self, key: &str) -> Reading<i64> {
        self.get(key).ok_or(NoData::Absent)?.number().ok_or(NoData::Fault)
    }

    fn truth(&self, key: &str) -> Reading<bool> {
        self.get(key).ok_or(NoData::Absent)?.truth().ok_or(NoData::Fault)
    }

    fn text(&self, key: &str) -> Reading<Text> {
        self.get(key).ok_or(NoData::Absent)?.text().ok_or(NoData::Fault)
    }

    fn table(&self, key: &str, take: &mut dyn FnMut(&dyn Table)) -> Reading<()> {
        let table = self.get(key).ok_or(NoData::Absent)?;
        take(&table.dictionary().ok_or(NoData::Fault)?);
        Ok(())
    }
}
