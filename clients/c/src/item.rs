//! What a subscriber gets, one after the other.

use std::ptr;

use kymo::protocol::json::ClockMap;
use kymo::protocol::{Body, Frame, StreamId};
use kymo_client::{Item, Token};

use crate::catalog::{CatalogShown, KymoCatalog};
use crate::event::{KymoEvent, KymoEventKind};
use crate::link::{KymoConnected, KymoGap, KymoLost, KymoLostReason};
use crate::processes::{KymoProcesses, ProcessesShown};
use crate::samples::{KymoSamples, SamplesShown};
use crate::token::KymoToken;
use crate::vitals::KymoVitals;
use crate::wish::bit;

/// What an item is, and so which of its pointers is not NULL. A later version may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoItemKind {
    /// The subscription was granted: the first item, and of a client the first of each connection.
    Connected = 1,
    /// The machine's vitals.
    Vitals = 2,
    /// What sensors read.
    Samples = 3,
    /// What the sensors are.
    Catalog = 4,
    /// The processes that take most.
    Processes = 5,
    /// An application's event.
    Event = 6,
    /// Frames that will not come.
    Gap = 7,
    /// Of clients: the history of events is not continued, and what is known of another one is to
    /// be forgotten. Where `fresh` is not NULL every event after it may be lost.
    Fresh = 8,
    /// The connection ended.
    Lost = 9,
}

/// One thing that a subscriber has to tell. It and all it points to stay until the next call with
/// the same subscriber.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoItem {
    /// What it is.
    pub kind: KymoItemKind,
    /// The ::KymoStream of a frame; 0 for none.
    pub stream: u32,
    /// Position in the stream, from 1; 0 for a snapshot and where there is none.
    pub sequence: u64,
    /// When the frame was made: nanoseconds on the boot clock; 0 for what is none.
    pub boot_ns: u64,
    /// The same in nanoseconds since 1970.
    pub wall_ns: u64,
    /// Of ::KYMO_ITEM_KIND_CONNECTED.
    pub connected: *const KymoConnected,
    /// Of ::KYMO_ITEM_KIND_VITALS.
    pub vitals: *const KymoVitals,
    /// Of ::KYMO_ITEM_KIND_SAMPLES.
    pub samples: *const KymoSamples,
    /// Of ::KYMO_ITEM_KIND_CATALOG.
    pub catalog: *const KymoCatalog,
    /// Of ::KYMO_ITEM_KIND_PROCESSES.
    pub processes: *const KymoProcesses,
    /// Of ::KYMO_ITEM_KIND_EVENT.
    pub event: *const KymoEvent,
    /// Of ::KYMO_ITEM_KIND_GAP.
    pub gap: *const KymoGap,
    /// Of ::KYMO_ITEM_KIND_FRESH: what was had of the history before, if anything.
    pub fresh: *const KymoToken,
    /// Of ::KYMO_ITEM_KIND_LOST.
    pub lost: *const KymoLost,
}

impl KymoItem {
    fn new(kind: KymoItemKind) -> Self {
        Self {
            kind,
            stream: 0,
            sequence: 0,
            boot_ns: 0,
            wall_ns: 0,
            connected: ptr::null(),
            vitals: ptr::null(),
            samples: ptr::null(),
            catalog: ptr::null(),
            processes: ptr::null(),
            event: ptr::null(),
            gap: ptr::null(),
            fresh: ptr::null(),
            lost: ptr::null(),
        }
    }
}

/// Where items are told: room for the largest of each, so that telling allocates nothing.
#[derive(Debug)]
pub struct Shown {
    item: KymoItem,
    connected: Option<KymoConnected>,
    vitals: Option<KymoVitals>,
    samples: SamplesShown,
    catalog: CatalogShown,
    processes: ProcessesShown,
    event: KymoEvent,
    gap: Option<KymoGap>,
    fresh: Option<KymoToken>,
    lost: Option<KymoLost>,
    /// Who the frames are from, and what time it is there.
    identity: [[u8; 16]; 2],
    clock: ClockMap,
}

impl Shown {
    pub fn new() -> Self {
        Self {
            item: KymoItem::new(KymoItemKind::Lost),
            connected: None,
            vitals: None,
            samples: SamplesShown::new(),
            catalog: CatalogShown::new(),
            processes: ProcessesShown::new(),
            event: KymoEvent::new(KymoEventKind::Custom),
            gap: None,
            fresh: None,
            lost: None,
            identity: [[0; 16]; 2],
            clock: ClockMap::default(),
        }
    }

    /// Tells what a client got. Texts lie where its buffers do.
    pub fn show_item(&mut self, item: &Item<'_>, clock: ClockMap) -> Option<*const KymoItem> {
        self.clock = clock;
        match item {
            Item::Frame(frame) => return self.show(frame),
            Item::Gap(gap) => {
                self.item = KymoItem::new(KymoItemKind::Gap);
                self.item.stream = bit(gap.stream);
                self.item.gap = self.gap.insert((*gap).into());
            }
            Item::Fresh { lost_after } => self.show_fresh(*lost_after),
            Item::Connected(connected) => {
                self.item = KymoItem::new(KymoItemKind::Connected);
                self.item.connected = self.connected.insert(connected.into());
            }
            Item::Lost(why) => self.show_lost((*why).into()),
            _ => return None,
        }
        Some(&raw const self.item)
    }

    fn show_fresh(&mut self, lost_after: Option<Token>) {
        self.item = KymoItem::new(KymoItemKind::Fresh);
        if let Some(token) = lost_after {
            self.item.fresh = self.fresh.insert(KymoToken::from(token));
        }
    }

    fn show_lost(&mut self, reason: KymoLostReason) {
        self.item = KymoItem::new(KymoItemKind::Lost);
        self.item.lost = self.lost.insert(KymoLost { reason });
    }

    /// Tells a frame; `None` for one that tells a program nothing. Texts lie where the frame does.
    pub fn show(&mut self, frame: &Frame<'_>) -> Option<*const KymoItem> {
        let boot_ns = frame.header.timestamp.get();
        let stream = StreamId(frame.header.stream.get());
        match frame.body {
            Body::Welcome(welcome) => {
                self.identity = [welcome.fixed.epoch, welcome.fixed.run];
                self.clock = ClockMap { boot_ns, wall_ns: welcome.fixed.wall_ns.get() };
                return None;
            }
            Body::Heartbeat(heartbeat) => {
                self.clock = ClockMap { boot_ns, wall_ns: heartbeat.wall_ns.get() };
                return None;
            }
            Body::Goodbye(goodbye) => self.show_lost(goodbye.reason().into()),
            _ => self.item = self.told(frame, stream)?,
        }
        self.item.stream = bit(stream);
        self.item.sequence = frame.header.sequence.get();
        self.item.boot_ns = boot_ns;
        self.item.wall_ns = self.clock.wall_at(boot_ns);
        Some(&raw const self.item)
    }

    fn told(&mut self, frame: &Frame<'_>, stream: StreamId) -> Option<KymoItem> {
        let item = KymoItem::new;
        Some(match frame.body {
            Body::Subscribed(granted) => {
                let [epoch, run] = self.identity;
                let connected = KymoConnected::of_frame(epoch, run, granted);
                let connected: *const _ = self.connected.insert(connected);
                KymoItem { connected, ..item(KymoItemKind::Connected) }
            }
            Body::Vitals(vitals) => {
                let vitals: *const _ = self.vitals.insert(vitals.into());
                KymoItem { vitals, ..item(KymoItemKind::Vitals) }
            }
            Body::Samples(samples) => {
                let samples = self.samples.show(samples);
                KymoItem { samples, ..item(KymoItemKind::Samples) }
            }
            Body::Catalog(catalog) => {
                let catalog = self.catalog.show(catalog);
                KymoItem { catalog, ..item(KymoItemKind::Catalog) }
            }
            Body::Processes(processes) => {
                let processes = self.processes.show(processes);
                KymoItem { processes, ..item(KymoItemKind::Processes) }
            }
            Body::Event(event) => {
                self.event = event.into();
                KymoItem { event: &raw const self.event, ..item(KymoItemKind::Event) }
            }
            Body::Gap(gap) => {
                let gap: *const _ = self.gap.insert(KymoGap::of_frame(stream, gap));
                KymoItem { gap, ..item(KymoItemKind::Gap) }
            }
            _ => return None,
        })
    }
}
