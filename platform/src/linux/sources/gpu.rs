//! Graphics processors: use, memory and clocks, as amdgpu, i915 and xe show them in sysfs.
//!
//! One that its driver has put to sleep is not touched. Temperatures, powers and fans are those of
//! its chip, among the other chips.

use std::os::fd::BorrowedFd;

use kymo_protocol::metric::known;
use kymo_protocol::{Cost, Group};

use super::channel::Quantity;
use super::class::{Key, Kind};
use super::place::device_place;
use crate::linux::name::index_in;
use crate::phrase::Phrase;
use crate::source::SourceSpec;

const PERCENT: (i64, i64) = (0, 100);
/// Of a MHz in Hz.
const MHZ: f64 = 1e-6;

const fn memory(start: &'static str, limit: bool, kind: &'static str) -> Quantity {
    let metric = if limit { known(142) } else { known(141) };
    let attribute = Some(("hw.memory.type", kind));
    Quantity { attribute, ..Quantity::plain(start, metric, 1.0) }
}

static QUANTITIES: [Quantity; 12] = [
    Quantity { range: PERCENT, ..Quantity::plain("device/gpu_busy_percent", known(140), 100.0) },
    Quantity { range: PERCENT, ..Quantity::plain("device/mem_busy_percent", known(143), 100.0) },
    memory("device/mem_info_vram_used", false, "vram"),
    memory("device/mem_info_vram_total", true, "vram"),
    memory("device/mem_info_gtt_used", false, "gtt"),
    memory("device/mem_info_gtt_total", true, "gtt"),
    // i915; act is what the hardware does, and 0 while it rests.
    Quantity { range: MHZ_MAX, ..Quantity::plain("gt/gt0/rps_act_freq_mhz", known(144), MHZ) },
    Quantity::plain("gt/gt0/rc6_residency_ms", known(145), 1e3),
    // xe, with a second tile of graphics for media.
    clock("device/tile0/gt0/freq0/act_freq", "graphics"),
    clock("device/tile0/gt1/freq0/act_freq", "media"),
    idle("device/tile0/gt0/gtidle/idle_residency_ms", "graphics"),
    idle("device/tile0/gt1/gtidle/idle_residency_ms", "media"),
];
const MHZ_MAX: (i64, i64) = (0, 20_000);

const fn clock(start: &'static str, part: &'static str) -> Quantity {
    let attribute = Some(("hw.gpu.task", part));
    Quantity { range: MHZ_MAX, attribute, ..Quantity::plain(start, known(144), MHZ) }
}

const fn idle(start: &'static str, part: &'static str) -> Quantity {
    let attribute = Some(("hw.gpu.task", part));
    Quantity { attribute, ..Quantity::plain(start, known(145), 1e3) }
}

/// Every graphics processor.
pub(super) static GPU: Kind = Kind {
    spec: SourceSpec {
        name: "gpu",
        group: Group::Gpu,
        interval_ns: 100_000_000,
        cadence_ms: 1,
        cost: Cost::Moderate,
        may_block: true,
        is_vital: false,
    },
    folder: "class/drm",
    below: "",
    quantities: &QUANTITIES,
    key: card,
};

/// `card0`, and not its sockets such as `card0-DP-1`.
fn card(class: BorrowedFd<'_>, entry: &[u8]) -> Option<Key> {
    index_in(entry, "card", "")?;
    Some(Key { place: device_place(class, entry), name: Phrase::new().with_bytes(entry) })
}
