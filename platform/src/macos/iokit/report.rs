#![allow(unsafe_code)]
//! Channels of the energy model by libIOReport's private calls.
//!
//! Each sample is a dictionary that CoreFoundation builds, of all channels that are subscribed to,
//! and that is released when it was looked at.

use std::fmt;
use std::ptr;

use kymo_protocol::{NoData, Reading};

use super::cf::{Array, Dictionary, Owned, Raw, Ref};
use super::library::Library;
use super::pool::Pool;
use crate::apple::report::{Channel, NAME_SIZE_MAX, Reports};
use crate::clock;

const GROUP: &str = "Energy Model";
const CHANNELS: &str = "IOReportChannels";
/// What a driver wrote of a channel: `IOReportElement` of IOKit/IOReportTypes.h in XNU, which has
/// its time at 24, behind two numbers of 64 bits and the channel's type of as many.
const ELEMENTS: &str = "RawElements";
const TIME_AT: usize = 24;
/// Holds the label of a unit.
const UNIT_SIZE_MAX: usize = 16;

type CopyChannels = unsafe extern "C" fn(Raw, Raw, u64, u64, u64) -> Raw;
/// The last of these two is where an error goes, which is then the caller's to release: nowhere.
type CreateSubscription = unsafe extern "C" fn(Raw, Raw, *mut Raw, u64, *mut Raw) -> Raw;
type CreateSamples = unsafe extern "C" fn(Raw, Raw, *mut Raw) -> Raw;
type GetText = unsafe extern "C" fn(Raw) -> Raw;
/// The second is where the unit goes, if anywhere, though many programs declare a number.
type GetInteger = unsafe extern "C" fn(Raw, *mut u64) -> i64;

#[derive(Clone, Copy)]
struct Calls {
    copy_channels: CopyChannels,
    create_subscription: CreateSubscription,
    create_samples: CreateSamples,
    name: GetText,
    unit: GetText,
    integer: GetInteger,
}

impl Calls {
    fn find() -> Option<Self> {
        let library = Library::open(&[
            c"/usr/lib/libIOReport.dylib",
            c"/System/Library/PrivateFrameworks/IOReport.framework/IOReport",
        ])?;
        Some(Self {
            // SAFETY: the signature is that of public programs; see docs/PLATFORM.md.
            copy_channels: unsafe { library.call(c"IOReportCopyChannelsInGroup") }?,
            // SAFETY: as above.
            create_subscription: unsafe { library.call(c"IOReportCreateSubscription") }?,
            // SAFETY: as above.
            create_samples: unsafe { library.call(c"IOReportCreateSamples") }?,
            // SAFETY: as above.
            name: unsafe { library.call(c"IOReportChannelGetChannelName") }?,
            // SAFETY: as above.
            unit: unsafe { library.call(c"IOReportChannelGetUnitLabel") }?,
            // SAFETY: as above.
            integer: unsafe { library.call(c"IOReportSimpleGetIntegerValue") }?,
        })
    }

    fn text<const SIZE: usize>(
        get: GetText,
        channel: Dictionary<'_>,
    ) -> Option<heapless::String<SIZE>> {
        // SAFETY: the channel is a live dictionary that reports gave out.
        let raw = unsafe { get(channel.raw()) };
        // SAFETY: Get: the channel keeps it alive, to which it may just have been added.
        unsafe { Ref::new(raw) }?.text()
    }

    fn name_of(&self, channel: Dictionary<'_>) -> Option<heapless::String<NAME_SIZE_MAX>> {
        Self::text(self.name, channel)
    }
}

/// A subscription; there is none before one is asked for.
pub struct IoReport(Option<Subscription>);

struct Subscription {
    calls: Calls,
    subscription: Owned,
    /// What is sampled.
    channels: Owned,
    /// Nanoseconds of a tick of `mach_absolute_time`, as a fraction.
    tick: (u64, u64),
}

impl fmt::Debug for IoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IoReport").field(&self.0.is_some()).finish()
    }
}

impl IoReport {
    /// Nothing is subscribed.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

impl Default for IoReport {
    fn default() -> Self {
        Self::new()
    }
}

fn channels(sample: &Owned) -> Option<Array<'_>> {
    sample.as_ref().dictionary()?.get(CHANNELS)?.array()
}

impl Subscription {
    fn new(is_wanted: fn(&str) -> bool) -> Reading<Self> {
        let calls = Calls::find().ok_or(NoData::Absent)?;
        let group = Owned::text(GROUP).ok_or(NoData::Fault)?;
        // SAFETY: the name is alive, and no name of a group within is all of it.
        let all = unsafe { (calls.copy_channels)(group.raw(), ptr::null(), 0, 0, 0) };
        // SAFETY: Copy: the count is ours.
        let all = unsafe { Owned::new(all) }.ok_or(NoData::Absent)?;
        let listed = channels(&all).ok_or(NoData::Absent)?;
        let wanted = Owned::those_of(listed, &mut |channel| {
            let name = channel.dictionary().and_then(|channel| calls.name_of(channel));
            name.is_some_and(|name| is_wanted(&name))
        });
        let wanted = wanted.ok_or(NoData::Fault)?;
        // To subscribe to none might be to subscribe to all.
        if wanted.as_ref().array().is_none_or(|wanted| wanted.len() == 0) {
            return Err(NoData::Absent);
        }
        let key = Owned::text(CHANNELS).ok_or(NoData::Fault)?;
        let all = all.as_ref().dictionary().ok_or(NoData::Fault)?;
        let channels = Owned::with(all, &key, &wanted).ok_or(NoData::Fault)?;
        let mut subscribed = ptr::null();
        let (none, nowhere, raw) = (ptr::null(), ptr::null_mut(), channels.raw());
        // SAFETY: the dictionary is alive and was made mutable here, and there is room for the
        // address of another.
        let subscription =
            unsafe { (calls.create_subscription)(none, raw, &raw mut subscribed, 0, nowhere) };
        // SAFETY: what was subscribed to is a copy made for the caller, so the count is ours.
        let channels = unsafe { Owned::new(subscribed) }.unwrap_or(channels);
        // SAFETY: Create: the count is ours.
        let subscription = unsafe { Owned::new(subscription) }.ok_or(NoData::Fault)?;
        Ok(Self { calls, subscription, channels, tick: tick() })
    }

    fn sample(&self, each: &mut dyn FnMut(&Channel<'_>)) -> Reading<u64> {
        let (subscription, raw) = (self.subscription.raw(), self.channels.raw());
        // SAFETY: both are alive, and belong together.
        let sample = unsafe { (self.calls.create_samples)(subscription, raw, ptr::null_mut()) };
        // SAFETY: Create: the count is ours.
        let sample = unsafe { Owned::new(sample) }.ok_or(NoData::Fault)?;
        let now_ns = clock::now().mono_ns;
        let channels = channels(&sample).ok_or(NoData::Fault)?;
        for channel in (0..channels.len()).filter_map(|index| channels.get(index)) {
            let Some(channel) = channel.dictionary() else { continue };
            let Some(name) = self.calls.name_of(channel) else { continue };
            let unit = Calls::text::<UNIT_SIZE_MAX>(self.calls.unit, channel);
            // SAFETY: the channel is a live dictionary that the sample has.
            let value = unsafe { (self.calls.integer)(channel.raw(), ptr::null_mut()) };
            each(&Channel {
                name: &name,
                unit: unit.as_deref().unwrap_or(""),
                value,
                written_at_ns: self.written_at_ns(channel, now_ns),
            });
        }
        Ok(now_ns)
    }

    /// When the driver wrote it, unless that is 0 or lies ahead: then it is no such time.
    fn written_at_ns(&self, channel: Dictionary<'_>, now_ns: u64) -> Option<u64> {
        let elements = channel.get(ELEMENTS)?.data()?;
        let time = elements.get(TIME_AT..)?.first_chunk()?;
        let (numerator, denominator) = self.tick;
        let ticks = u128::from(u64::from_ne_bytes(*time));
        let ns = ticks * u128::from(numerator) / u128::from(denominator.max(1));
        u64::try_from(ns).ok().filter(|ns| (1..=now_ns).contains(ns))
    }
}

/// Nanoseconds of a tick: 1 on Intel, 125/3 on Apple silicon.
#[allow(deprecated)] // in favour of another crate
fn tick() -> (u64, u64) {
    let mut fraction = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: there is room for the two numbers that are written.
    let code = unsafe { libc::mach_timebase_info(&raw mut fraction) };
    if code == 0 { (fraction.numer.into(), fraction.denom.into()) } else { (0, 1) }
}

impl Reports for IoReport {
    fn subscribe(&mut self, is_wanted: fn(&str) -> bool) -> Reading<()> {
        let _pool = Pool::new();
        // The one before is let go of first.
        self.0 = None;
        self.0 = Some(Subscription::new(is_wanted)?);
        Ok(())
    }

    fn sample(&mut self, each: &mut dyn FnMut(&Channel<'_>)) -> Reading<u64> {
        let _pool = Pool::new();
        self.0.as_ref().ok_or(NoData::Absent)?.sample(each)
    }
}
