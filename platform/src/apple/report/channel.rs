//! Which channels of the energy model are told, and what they count in.
//!
//! The model is a tree told as a list: cores, clusters and dies, each with what the ones below it
//! used. Only channels at the top count each joule once, and they are found by their exact names.

/// What a channel is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All cores, or those of a die: `CPU Energy`, `DIE_0_CPU Energy`.
    Cpu,
    /// `GPU Energy`.
    Gpu,
    /// `GPU`, `GPU0`, `GPU0_1`: the same again where there is `GPU Energy`.
    GpuAgain,
    /// The neural engine: `ANE`, `ANE0`, `ANE0_1`.
    Ane,
    /// `DRAM`, `DRAM0`, `DRAM0_1`.
    Memory,
}

impl Part {
    /// `hw.sensor_location`.
    #[must_use]
    pub const fn location(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu | Self::GpuAgain => "gpu",
            Self::Ane => "ane",
            Self::Memory => "memory",
        }
    }
}

/// What the channel of that name is of; `None` is not told.
#[must_use]
pub fn part(name: &str) -> Option<Part> {
    let of_die = |rest: &'static str| {
        let die = name.strip_prefix("DIE_").and_then(|name| name.strip_suffix(rest));
        die.and_then(|die| die.strip_suffix('_')).is_some_and(is_number)
    };
    match name {
        "CPU Energy" => Some(Part::Cpu),
        "GPU Energy" => Some(Part::Gpu),
        _ if of_die("CPU Energy") => Some(Part::Cpu),
        _ if of_die("GPU Energy") => Some(Part::Gpu),
        _ if is_top(name, "GPU") => Some(Part::GpuAgain),
        _ if is_top(name, "ANE") => Some(Part::Ane),
        _ if is_top(name, "DRAM") => Some(Part::Memory),
        _ => None,
    }
}

/// Joules of one count.
#[must_use]
pub fn joules_per(unit: &str) -> Option<f64> {
    match unit.trim() {
        "J" => Some(1.0),
        "mJ" => Some(1e-3),
        "uJ" | "µJ" | "μJ" => Some(1e-6),
        "nJ" => Some(1e-9),
        _ => None,
    }
}

/// The block itself, or one of several: `ANE0_SRAM` is a part of one.
fn is_top(name: &str, block: &str) -> bool {
    let Some(rest) = name.strip_prefix(block) else { return false };
    match rest.split_once('_') {
        Some((one, other)) => is_number(one) && is_number(other),
        None => rest.is_empty() || is_number(rest),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_of_the_tree_is_told() {
        for (name, expected) in [
            ("CPU Energy", Some(Part::Cpu)),
            ("DIE_1_CPU Energy", Some(Part::Cpu)),
            ("DIE_0_GPU Energy", Some(Part::Gpu)),
            ("GPU Energy", Some(Part::Gpu)),
            ("GPU0_0", Some(Part::GpuAgain)),
            ("GPU", Some(Part::GpuAgain)),
            ("ANE0", Some(Part::Ane)),
            ("DRAM0_1", Some(Part::Memory)),
            ("DIE_1_PACC0_CPU3_SRAM", None),
            ("DIE__CPU Energy", None),
            ("PACC1_CPU", None),
            ("ECPUDTL00", None),
            ("ANE0_SRAM", None),
            ("GPU SRAM", None),
            ("GPU_0", None),
            ("DRAM0_", None),
            ("", None),
        ] {
            assert_eq!(part(name), expected, "{name}");
        }
        assert_eq!(
            ["J", "mJ", "uJ", " nJ ", "W"].map(joules_per),
            [1.0, 1e-3, 1e-6, 1e-9, 0.0].map(|one| (one > 0.0).then_some(one))
        );
    }
}
