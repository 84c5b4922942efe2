//! What a menu bar needs, whole, in one fixed frame.
//!
//! | offset | type | field | unit |
//! |---|---|---|---|
//! | 0 | f32 | cpu_usage | % of all CPUs |
//! | 4 | f32 | memory_usage | % |
//! | 8 | u64 | memory_total | bytes |
//! | 16 | u64 | memory_used | bytes |
//! | 24 | u64 | swap_total | bytes |
//! | 32 | u64 | swap_used | bytes |
//! | 40 | u64 | disk_read_bytes | bytes since boot |
//! | 48 | u64 | disk_write_bytes | bytes since boot |
//! | 56 | u64 | network_rx_bytes | bytes since boot |
//! | 64 | u64 | network_tx_bytes | bytes since boot |
//! | 72 | u64 | uptime | nanoseconds |
//! | 80 | f32 × 3 | load | tasks over 1, 5 and 15 minutes |
//! | 92 | f32 | disk_usage | % of the root file system |
//! | 96 | f32 | temperature | °C |
//! | 100 | f32 | gpu_temperature | °C |
//! | 104 | f32 | power_watts | W |
//! | 108 | f32 | battery_charge | % |
//! | 112 | u32 × 8 | fan_speeds | RPM |
//! | 144 | u32 | process_count | processes |
//! | 148 | u8 | fan_count | entries of fan_speeds that count |
//! | 149 | u8 | momentum_color | 0 idle, 1 active, 2 critical |
//! | 150 | u8 | system_state | 0 healthy, 1 elevated, 2 critical |
//! | 151 | u8 | reserved | 0 |
//! | 152 | f32 | momentum_intensity | 0 to 1 |
//! | 156 | f32 | momentum_rotation_speed | relative: 0.5 idle, 1.5 active, 3 critical |
//! | 160 | u8 × 24 | states | one per [`Field`] in its order; the last three reserved, 0 |
//! | 184 | u32 × 24 | ages | milliseconds up to the frame's timestamp; the last three 0 |
//! | 280 | u32 | merged | frames due to this subscriber that this one replaces |
//! | 284 | u32 | reserved | 0 |
//!
//! 288 bytes. A value whose state has none (see [`State::has_value`]) is 0 here and means nothing.
//! `merged` stands in the last eight bytes because it alone differs between subscribers.

use zerocopy::little_endian::{F32, U32, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::FrameKind;
use crate::limits::FANS_MAX;
use crate::payload::Payload;
use crate::state::State;

/// States and ages in the frame: the fields, and three reserved ones that keep the ages aligned.
const FIELD_SLOTS: usize = 24;

/// A value of the vitals that has a state and an age of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // the module's table and the names say all there is
pub enum Field {
    CpuUsage = 0,
    MemoryUsage = 1,
    MemoryTotal = 2,
    MemoryUsed = 3,
    SwapTotal = 4,
    SwapUsed = 5,
    Load = 6,
    DiskUsage = 7,
    DiskReadBytes = 8,
    DiskWriteBytes = 9,
    NetworkRxBytes = 10,
    NetworkTxBytes = 11,
    Temperature = 12,
    GpuTemperature = 13,
    FanSpeeds = 14,
    PowerWatts = 15,
    BatteryCharge = 16,
    ProcessCount = 17,
    Uptime = 18,
    Momentum = 19,
    SystemState = 20,
}

impl Field {
    /// Every field, in the order of its number.
    pub const ALL: [Self; 21] = [
        Self::CpuUsage,
        Self::MemoryUsage,
        Self::MemoryTotal,
        Self::MemoryUsed,
        Self::SwapTotal,
        Self::SwapUsed,
        Self::Load,
        Self::DiskUsage,
        Self::DiskReadBytes,
        Self::DiskWriteBytes,
        Self::NetworkRxBytes,
        Self::NetworkTxBytes,
        Self::Temperature,
        Self::GpuTemperature,
        Self::FanSpeeds,
        Self::PowerWatts,
        Self::BatteryCharge,
        Self::ProcessCount,
        Self::Uptime,
        Self::Momentum,
        Self::SystemState,
    ];

    /// Its unit, as people write it; empty when it has none.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::CpuUsage | Self::MemoryUsage | Self::DiskUsage | Self::BatteryCharge => "%",
            Self::MemoryTotal | Self::MemoryUsed | Self::SwapTotal | Self::SwapUsed => "B",
            Self::DiskReadBytes
            | Self::DiskWriteBytes
            | Self::NetworkRxBytes
            | Self::NetworkTxBytes => "B",
            Self::Temperature | Self::GpuTemperature => "°C",
            Self::FanSpeeds => "RPM",
            Self::PowerWatts => "W",
            Self::Uptime => "s",
            Self::Load | Self::ProcessCount | Self::Momentum | Self::SystemState => "",
        }
    }

    /// Its key in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuUsage => "cpu_usage",
            Self::MemoryUsage => "memory_usage",
            Self::MemoryTotal => "memory_total",
            Self::MemoryUsed => "memory_used",
            Self::SwapTotal => "swap_total",
            Self::SwapUsed => "swap_used",
            Self::Load => "load",
            Self::DiskUsage => "disk_usage",
            Self::DiskReadBytes => "disk_read_bytes",
            Self::DiskWriteBytes => "disk_write_bytes",
            Self::NetworkRxBytes => "network_rx_bytes",
            Self::NetworkTxBytes => "network_tx_bytes",
            Self::Temperature => "temperature",
            Self::GpuTemperature => "gpu_temperature",
            Self::FanSpeeds => "fan_speeds",
            Self::PowerWatts => "power_watts",
            Self::BatteryCharge => "battery_charge",
            Self::ProcessCount => "process_count",
            Self::Uptime => "uptime_s",
            Self::Momentum => "momentum",
            Self::SystemState => "system_state",
        }
    }
}

/// The payload of a vitals frame; the module's table is its layout.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
#[allow(missing_docs)] // the module's table gives each field's unit
pub struct Vitals {
    pub cpu_usage: F32,
    pub memory_usage: F32,
    pub memory_total: U64,
    pub memory_used: U64,
    pub swap_total: U64,
    pub swap_used: U64,
    pub disk_read_bytes: U64,
    pub disk_write_bytes: U64,
    pub network_rx_bytes: U64,
    pub network_tx_bytes: U64,
    pub uptime_ns: U64,
    pub load: [F32; 3],
    pub disk_usage: F32,
    pub temperature: F32,
    pub gpu_temperature: F32,
    pub power_watts: F32,
    pub battery_charge: F32,
    pub fan_speeds: [U32; FANS_MAX],
    pub process_count: U32,
    pub fan_count: u8,
    pub momentum_color: u8,
    pub system_state: u8,
    reserved: u8,
    pub momentum_intensity: F32,
    pub momentum_rotation_speed: F32,
    states: [u8; FIELD_SLOTS],
    ages_ms: [U32; FIELD_SLOTS],
    pub merged: U32,
    reserved_end: U32,
}

const _: () = assert!(size_of::<Vitals>() == 288);
const _: () = assert!(core::mem::offset_of!(Vitals, load) == 80);
const _: () = assert!(core::mem::offset_of!(Vitals, fan_speeds) == 112);
const _: () = assert!(core::mem::offset_of!(Vitals, states) == 160);
const _: () = assert!(core::mem::offset_of!(Vitals, ages_ms) == 184);
const _: () = assert!(core::mem::offset_of!(Vitals, merged) == 280);

impl Payload for Vitals {
    const KIND: FrameKind = FrameKind::Vitals;
}

impl Vitals {
    /// Where `merged` stands in a whole frame: four bytes, little-endian.
    pub const MERGED_OFFSET: usize = Self::FRAME_SIZE - 8;

    /// What is known about `field`.
    #[must_use]
    pub fn state(&self, field: Field) -> State {
        // Parsing has checked the byte; an unparsed frame reads as a fault and not as a value.
        State::from_byte(self.states[field as usize]).unwrap_or(State::Fault)
    }

    /// Milliseconds between the reading of `field` and the frame's timestamp.
    #[must_use]
    pub fn age_ms(&self, field: Field) -> u32 {
        self.ages_ms[field as usize].get()
    }

    /// Says what is known about `field` and how old it is.
    pub fn set_state(&mut self, field: Field, state: State, age_ms: u32) {
        self.states[field as usize] = state as u8;
        self.ages_ms[field as usize].set(age_ms);
    }

    /// The value of `field` in its unit, `uptime_s` in seconds; `None` where there is none, or
    /// where it is not one number.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // beyond 2^53 nobody counts bytes one by one
    pub fn number(&self, field: Field) -> Option<f64> {
        if !self.state(field).has_value() {
            return None;
        }
        Some(match field {
            Field::CpuUsage => self.cpu_usage.get().into(),
            Field::MemoryUsage => self.memory_usage.get().into(),
            Field::MemoryTotal => self.memory_total.get() as f64,
            Field::MemoryUsed => self.memory_used.get() as f64,
            Field::SwapTotal => self.swap_total.get() as f64,
            Field::SwapUsed => self.swap_used.get() as f64,
            Field::DiskUsage => self.disk_usage.get().into(),
            Field::DiskReadBytes => self.disk_read_bytes.get() as f64,
            Field::DiskWriteBytes => self.disk_write_bytes.get() as f64,
            Field::NetworkRxBytes => self.network_rx_bytes.get() as f64,
            Field::NetworkTxBytes => self.network_tx_bytes.get() as f64,
            Field::Temperature => self.temperature.get().into(),
            Field::GpuTemperature => self.gpu_temperature.get().into(),
            Field::PowerWatts => self.power_watts.get().into(),
            Field::BatteryCharge => self.battery_charge.get().into(),
            Field::ProcessCount => self.process_count.get().into(),
            Field::Uptime => self.uptime_ns.get() as f64 / 1e9,
            _ => return None,
        })
    }

    /// The fans that were read, in RPM.
    pub fn fans(&self) -> impl Iterator<Item = u32> + '_ {
        self.fan_speeds.iter().take(usize::from(self.fan_count)).map(|fan| fan.get())
    }

    /// The mood of the machine; meaningful when the state of [`Field::Momentum`] is.
    #[must_use]
    pub fn color(&self) -> Color {
        Color::from_byte(self.momentum_color).unwrap_or(Color::Idle)
    }

    /// The verdict; meaningful when the state of [`Field::SystemState`] is.
    #[must_use]
    pub fn verdict(&self) -> SystemState {
        SystemState::from_byte(self.system_state).unwrap_or(SystemState::Healthy)
    }

    /// Refuses bytes that no writer of this version produces.
    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let fields = Field::ALL.len();
        let known = self.states.iter().all(|byte| State::from_byte(*byte).is_some());
        let reserved = self.reserved == 0
            && self.reserved_end.get() == 0
            && self.states[fields..].iter().all(|byte| *byte == 0)
            && self.ages_ms[fields..].iter().all(|age| age.get() == 0);
        if !reserved {
            return Err(FrameError::Reserved);
        }
        if !known
            || usize::from(self.fan_count) > FANS_MAX
            || Color::from_byte(self.momentum_color).is_none()
            || SystemState::from_byte(self.system_state).is_none()
        {
            return Err(FrameError::Value);
        }
        Ok(())
    }
}

/// The colour of the momentum indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Color {
    /// Little is going on.
    Idle = 0,
    /// CPU or memory above 60 %.
    Active = 1,
    /// CPU above 90 % or memory above 85 %.
    Critical = 2,
}

impl Color {
    /// The colour with this number.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Idle),
            1 => Some(Self::Active),
            2 => Some(Self::Critical),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Critical => "critical",
        }
    }
}

/// The machine's state in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SystemState {
    /// Below every threshold.
    Healthy = 0,
    /// CPU or memory above 60 %.
    Elevated = 1,
    /// CPU above 90 % or memory above 85 %.
    Critical = 2,
}

impl SystemState {
    /// The state with this number.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Healthy),
            1 => Some(Self::Elevated),
            2 => Some(Self::Critical),
            _ => None,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Elevated => "elevated",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_the_unit_of_its_name() {
        for field in Field::ALL {
            let unit = match field.name() {
                name if name.ends_with("_usage") || name == "battery_charge" => "%",
                name if name.ends_with("_bytes") => "B",
                name if name.starts_with("memory_") || name.starts_with("swap_") => "B",
                name if name.ends_with("temperature") => "°C",
                "fan_speeds" => "RPM",
                "power_watts" => "W",
                "uptime_s" => "s",
                _ => "",
            };
            assert_eq!(field.unit(), unit, "{}", field.name());
        }
    }
}
