//! What a menu bar needs, as a plain struct.

use kymo::protocol::limits::FANS_MAX;
use kymo::protocol::{Field, Vitals};

use crate::value::{KymoCount, KymoReal, KymoState, real};

/// Fans that there is room for.
pub const KYMO_FANS_MAX: usize = 8;

const _: () = assert!(KYMO_FANS_MAX == FANS_MAX);

/// Tasks that run or wait, on average. NaN where the state says that there is no value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoLoad {
    /// Over one minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
    /// What is known about them.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
}

/// Fans.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoFans {
    /// Revolutions a minute of the first `count`.
    pub rpm: [u32; KYMO_FANS_MAX],
    /// How many there are; 0 where the state says that there is no value.
    pub count: u32,
    /// What is known about them.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
}

/// How the machine feels. NaN where the state says that there is no value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoMomentum {
    /// From 0 to 1.
    pub intensity: f64,
    /// Relative: 0.5 idle, 1.5 active, 3 critical.
    pub rotation_speed: f64,
    /// 0 idle, 1 active, 2 critical.
    pub color: u32,
    /// What is known about it.
    pub state: KymoState,
    /// Milliseconds between the reading and the frame.
    pub age_ms: u32,
}

/// The machine's vitals, each with its state and its age.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoVitals {
    /// Percent of all CPUs.
    pub cpu_usage: KymoReal,
    /// Percent.
    pub memory_usage: KymoReal,
    /// Bytes.
    pub memory_total: KymoCount,
    /// Bytes.
    pub memory_used: KymoCount,
    /// Bytes.
    pub swap_total: KymoCount,
    /// Bytes.
    pub swap_used: KymoCount,
    /// Tasks.
    pub load: KymoLoad,
    /// Percent of the root file system.
    pub disk_usage: KymoReal,
    /// Bytes since boot.
    pub disk_read_bytes: KymoCount,
    /// Bytes since boot.
    pub disk_write_bytes: KymoCount,
    /// Bytes since boot.
    pub network_rx_bytes: KymoCount,
    /// Bytes since boot.
    pub network_tx_bytes: KymoCount,
    /// Degrees Celsius of the CPU.
    pub temperature: KymoReal,
    /// Degrees Celsius of the graphics processor.
    pub gpu_temperature: KymoReal,
    /// The machine's fans.
    pub fans: KymoFans,
    /// Watts of the whole machine.
    pub power_watts: KymoReal,
    /// Percent.
    pub battery_charge: KymoReal,
    /// Processes, not threads.
    pub process_count: KymoCount,
    /// Nanoseconds.
    pub uptime_ns: KymoCount,
    /// From the CPU and the memory.
    pub momentum: KymoMomentum,
    /// 0 healthy, 1 elevated, 2 critical.
    pub system_state: KymoCount,
    /// Frames due to this subscriber that this one replaces.
    pub merged: u32,
}

impl From<&Vitals> for KymoVitals {
    fn from(vitals: &Vitals) -> Self {
        let count = |field, value| KymoCount::of(vitals, field, value);
        let part = |field, value| KymoReal::of(vitals, field, value);
        let processes = vitals.process_count.get().into();
        Self {
            cpu_usage: part(Field::CpuUsage, vitals.cpu_usage.get()),
            memory_usage: part(Field::MemoryUsage, vitals.memory_usage.get()),
            memory_total: count(Field::MemoryTotal, vitals.memory_total.get()),
            memory_used: count(Field::MemoryUsed, vitals.memory_used.get()),
            swap_total: count(Field::SwapTotal, vitals.swap_total.get()),
            swap_used: count(Field::SwapUsed, vitals.swap_used.get()),
            load: load(vitals),
            disk_usage: part(Field::DiskUsage, vitals.disk_usage.get()),
            disk_read_bytes: count(Field::DiskReadBytes, vitals.disk_read_bytes.get()),
            disk_write_bytes: count(Field::DiskWriteBytes, vitals.disk_write_bytes.get()),
            network_rx_bytes: count(Field::NetworkRxBytes, vitals.network_rx_bytes.get()),
            network_tx_bytes: count(Field::NetworkTxBytes, vitals.network_tx_bytes.get()),
            temperature: part(Field::Temperature, vitals.temperature.get()),
            gpu_temperature: part(Field::GpuTemperature, vitals.gpu_temperature.get()),
            fans: fans(vitals),
            power_watts: part(Field::PowerWatts, vitals.power_watts.get()),
            battery_charge: part(Field::BatteryCharge, vitals.battery_charge.get()),
            process_count: count(Field::ProcessCount, processes),
            uptime_ns: count(Field::Uptime, vitals.uptime_ns.get()),
            momentum: momentum(vitals),
            system_state: count(Field::SystemState, vitals.system_state.into()),
            merged: vitals.merged.get(),
        }
    }
}

fn load(vitals: &Vitals) -> KymoLoad {
    let state = vitals.state(Field::Load);
    let [one, five, fifteen] = vitals.load.map(|load| real(state, load.get().into()));
    KymoLoad { one, five, fifteen, state: state.into(), age_ms: vitals.age_ms(Field::Load) }
}

fn fans(vitals: &Vitals) -> KymoFans {
    let state = vitals.state(Field::FanSpeeds);
    let age_ms = vitals.age_ms(Field::FanSpeeds);
    let mut fans = KymoFans { rpm: [0; KYMO_FANS_MAX], count: 0, state: state.into(), age_ms };
    if state.has_value() {
        for (rpm, read) in fans.rpm.iter_mut().zip(vitals.fans()) {
            *rpm = read;
            fans.count += 1;
        }
    }
    fans
}

fn momentum(vitals: &Vitals) -> KymoMomentum {
    let state = vitals.state(Field::Momentum);
    KymoMomentum {
        intensity: real(state, vitals.momentum_intensity.get().into()),
        rotation_speed: real(state, vitals.momentum_rotation_speed.get().into()),
        color: vitals.momentum_color.into(),
        state: state.into(),
        age_ms: vitals.age_ms(Field::Momentum),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo::protocol::{Position, Stamp, State, emit};

    #[test]
    fn each_field_is_where_it_belongs() {
        let mut frame = [0; 320];
        let (vitals, _) = emit::<Vitals>(&mut frame, Position::NONE, Stamp { boot_ns: 1 }).unwrap();
        vitals.cpu_usage.set(12.5);
        vitals.memory_used.set(7);
        vitals.load[2].set(3.0);
        vitals.uptime_ns.set(11);
        (vitals.fan_count, vitals.merged) = (2, 5.into());
        vitals.fan_speeds[1].set(900);
        for (field, age) in Field::ALL.into_iter().zip(100..) {
            vitals.set_state(field, State::Ok, age);
        }
        let told = KymoVitals::from(&*vitals);
        assert_eq!((told.cpu_usage.value, told.cpu_usage.age_ms), (12.5, 100));
        assert_eq!((told.memory_used.value, told.memory_used.age_ms), (7, 103));
        assert_eq!((told.load.one, told.load.fifteen, told.load.age_ms), (0.0, 3.0, 106));
        assert_eq!((told.fans.count, told.fans.rpm[1], told.fans.age_ms), (2, 900, 114));
        assert_eq!((told.uptime_ns.value, told.uptime_ns.age_ms), (11, 118));
        assert_eq!((told.momentum.age_ms, told.system_state.age_ms), (119, 120));
        assert_eq!(told.merged, 5);
        vitals.set_state(Field::FanSpeeds, State::Denied, 0);
        vitals.set_state(Field::Load, State::Pending, 0);
        let told = KymoVitals::from(&*vitals);
        assert_eq!((told.fans.count, told.fans.state), (0, KymoState::Denied));
        assert!(told.load.one.is_nan());
    }
}
