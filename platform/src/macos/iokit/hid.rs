#![allow(unsafe_code)]
//! Sensors by the HID event system's private calls.
//!
//! One client for each quantity, made once: making one costs more than all its reads. Its services
//! are kept until they are listed anew.

use std::ffi::c_void;
use std::fmt;
use std::ptr;

use kymo_protocol::{NoData, Reading};

use super::cf::{Owned, Raw, Ref};
use super::library::Library;
use super::pool::Pool;
use crate::apple::hid::{Hid, Listed, PRODUCT_SIZE_MAX, Quantity};

type Create = unsafe extern "C" fn(allocator: Raw) -> Raw;
type SetMatching = unsafe extern "C" fn(client: Raw, matching: Raw);
type CopyServices = unsafe extern "C" fn(client: Raw) -> Raw;
type CopyProperty = unsafe extern "C" fn(service: Raw, key: Raw) -> Raw;
/// The third is the event that a vendor's own kind is asked for by. Many programs declare it as 32
/// bits, which say nothing of the upper half of an address. The others are of 32 bits: wider ones
/// are right for whoever declares them as 64, too.
type CopyEvent =
    unsafe extern "C" fn(service: Raw, kind: i64, matching: *const c_void, options: i64) -> Raw;
type FloatValue = unsafe extern "C" fn(event: Raw, field: i32) -> f64;

#[derive(Clone, Copy)]
struct Calls {
    create: Create,
    set_matching: SetMatching,
    copy_services: CopyServices,
    copy_property: CopyProperty,
    copy_event: CopyEvent,
    float_value: FloatValue,
}

impl Calls {
    fn find() -> Option<Self> {
        let library = Library::open(&[c"/System/Library/Frameworks/IOKit.framework/IOKit"])?;
        Some(Self {
            // SAFETY: the signature is that of public programs; see docs/PLATFORM.md.
            create: unsafe { library.call(c"IOHIDEventSystemClientCreate") }?,
            // SAFETY: as above. Some declare a result, which would not be looked at.
            set_matching: unsafe { library.call(c"IOHIDEventSystemClientSetMatching") }?,
            // SAFETY: as above.
            copy_services: unsafe { library.call(c"IOHIDEventSystemClientCopyServices") }?,
            // SAFETY: as above; this one is documented.
            copy_property: unsafe { library.call(c"IOHIDServiceClientCopyProperty") }?,
            // SAFETY: as above; Apple's own tests call it so.
            copy_event: unsafe { library.call(c"IOHIDServiceClientCopyEvent") }?,
            // SAFETY: as above; IOHIDFloat is a double where pointers have 64 bits.
            float_value: unsafe { library.call(c"IOHIDEventGetFloatValue") }?,
        })
    }
}

/// A client of the HID event system; there is none before the first list.
pub struct AppleHid {
    quantity: Quantity,
    client: Option<Client>,
}

struct Client {
    calls: Calls,
    client: Owned,
    services: Option<Owned>,
}

impl fmt::Debug for AppleHid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AppleHid").field(&self.quantity).finish()
    }
}

impl AppleHid {
    /// Nothing is asked for yet.
    #[must_use]
    pub const fn new(quantity: Quantity) -> Self {
        Self { quantity, client: None }
    }
}

impl Client {
    fn new(quantity: Quantity) -> Reading<Self> {
        let calls = Calls::find().ok_or(NoData::Absent)?;
        // SAFETY: no allocator is the default one.
        let client = unsafe { (calls.create)(ptr::null()) };
        // SAFETY: Create: the count is ours.
        let client = unsafe { Owned::new(client) }.ok_or(NoData::Fault)?;
        let matching = Self::matching(quantity).ok_or(NoData::Fault)?;
        // SAFETY: both are alive, and the client retains what it needs of the dictionary.
        unsafe { (calls.set_matching)(client.raw(), matching.raw()) };
        Ok(Self { calls, client, services: None })
    }

    fn matching(quantity: Quantity) -> Option<Owned> {
        let (page, usage, _) = quantity.numbers();
        let keys = [Owned::text("PrimaryUsagePage")?, Owned::text("PrimaryUsage")?];
        let values = [Owned::number(page)?, Owned::number(usage)?];
        Owned::pairs(keys.each_ref(), values.each_ref())
    }

    fn property(&self, service: Ref<'_>, key: &Owned) -> Option<Owned> {
        // SAFETY: both are alive, and the first came from the list of services.
        let raw = unsafe { (self.calls.copy_property)(service.raw(), key.raw()) };
        // SAFETY: Copy: the count is ours.
        unsafe { Owned::new(raw) }
    }

    fn list(&mut self, each: &mut dyn FnMut(&Listed<'_>)) -> Reading<()> {
        // SAFETY: the client is alive.
        let services = unsafe { (self.calls.copy_services)(self.client.raw()) };
        // SAFETY: Copy: the count is ours. No service is no list.
        self.services = unsafe { Owned::new(services) };
        let Some(services) = &self.services else { return Ok(()) };
        let services = services.as_ref().array().ok_or(NoData::Fault)?;
        let product = Owned::text("Product").ok_or(NoData::Fault)?;
        let location = Owned::text("LocationID").ok_or(NoData::Fault)?;
        for service in (0..services.len()).map(|number| services.get(number)) {
            let property = |key| service.and_then(|service| self.property(service, key));
            let product = property(&product);
            let product = product.and_then(|text| text.as_ref().text::<PRODUCT_SIZE_MAX>());
            let location = property(&location).and_then(|number| number.as_ref().number());
            let product = product.as_deref().unwrap_or("");
            each(&Listed { product, location: location.unwrap_or(0) });
        }
        Ok(())
    }

    fn value(&self, number: usize, quantity: Quantity) -> Reading<f64> {
        let services = self.services.as_ref().and_then(|services| services.as_ref().array());
        let service = services.and_then(|services| services.get(number)).ok_or(NoData::Absent)?;
        let (_, _, kind) = quantity.numbers();
        // SAFETY: the service is alive, as the list that has it is.
        let event = unsafe { (self.calls.copy_event)(service.raw(), kind, ptr::null(), 0) };
        // SAFETY: Copy: the count is ours.
        let event = unsafe { Owned::new(event) }.ok_or(NoData::Fault)?;
        let field = i32::try_from(kind << 16).map_err(|_| NoData::Fault)?;
        // SAFETY: the event is alive, and of the type that the field is of.
        Ok(unsafe { (self.calls.float_value)(event.raw(), field) })
    }
}

impl Hid for AppleHid {
    fn list(&mut self, each: &mut dyn FnMut(&Listed<'_>)) -> Reading<()> {
        let _pool = Pool::new();
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(Client::new(self.quantity)?),
        };
        client.list(each)
    }

    fn value(&mut self, number: usize) -> Reading<f64> {
        let _pool = Pool::new();
        self.client.as_ref().ok_or(NoData::Absent)?.value(number, self.quantity)
    }
}
