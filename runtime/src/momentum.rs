//! The mood of the machine, from CPU and memory.
//!
//! | when | intensity | colour | rotation | system state |
//! |---|---|---|---|---|
//! | CPU > 90 % or memory > 85 % | 1.0 | critical | 3.0 | critical |
//! | CPU > 60 % or memory > 60 % | 0.7 | active | 1.5 | elevated |
//! | else | 0.3 | idle | 0.5 | healthy |
//!
//! The thresholds and figures are those of version 1.

use kymo_protocol::{Color, NoData, Reading, SystemState};

/// The mood; see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// 0 to 1.
    pub intensity: f32,
    /// For an indicator.
    pub color: Color,
    /// For an indicator that turns.
    pub rotation_speed: f32,
    /// The verdict.
    pub system_state: SystemState,
}

/// The mood that follows from the usages in %. Memory alone decides while the CPU is unknown, and
/// the other way round; with neither there is no mood.
pub fn momentum(cpu_usage: Reading<f32>, memory_usage: Reading<f32>) -> Reading<Momentum> {
    if let (Err(reason), Err(other)) = (cpu_usage, memory_usage) {
        // A value to come says more than one that will not.
        return Err(if other == NoData::Pending { other } else { reason });
    }
    let above = |cpu: f32, memory: f32| {
        cpu_usage.is_ok_and(|usage| usage > cpu) || memory_usage.is_ok_and(|usage| usage > memory)
    };
    Ok(if above(90.0, 85.0) {
        Momentum {
            intensity: 1.0,
            color: Color::Critical,
            rotation_speed: 3.0,
            system_state: SystemState::Critical,
        }
    } else if above(60.0, 60.0) {
        Momentum {
            intensity: 0.7,
            color: Color::Active,
            rotation_speed: 1.5,
            system_state: SystemState::Elevated,
        }
    } else {
        Momentum {
            intensity: 0.3,
            color: Color::Idle,
            rotation_speed: 0.5,
            system_state: SystemState::Healthy,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_version_1() {
        let state = |cpu, memory| momentum(cpu, memory).map(|m| m.system_state);
        assert_eq!(state(Ok(90.0), Ok(60.0)), Ok(SystemState::Elevated));
        assert_eq!(state(Ok(90.1), Ok(0.0)), Ok(SystemState::Critical));
        assert_eq!(state(Ok(0.0), Ok(85.1)), Ok(SystemState::Critical));
        assert_eq!(state(Ok(60.0), Ok(60.0)), Ok(SystemState::Healthy));
        assert_eq!(state(Ok(0.0), Ok(60.1)), Ok(SystemState::Elevated));
    }

    #[test]
    fn what_is_unknown_does_not_decide() {
        let absent = Err(NoData::Absent);
        assert_eq!(momentum(absent, Ok(99.0)).unwrap().color, Color::Critical);
        assert_eq!(momentum(Ok(70.0), absent).unwrap().color, Color::Active);
        assert_eq!(momentum(Err(NoData::Pending), absent), Err(NoData::Pending));
        assert_eq!(momentum(absent, Err(NoData::Pending)), Err(NoData::Pending));
        assert_eq!(momentum(absent, absent), Err(NoData::Absent));
    }
}
