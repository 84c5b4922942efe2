//! What outlives the process, and what the machine.

use std::fs::File;
use std::io;

use crate::os;

/// Which boot of the machine this is: the kernel's own random number for it; `None` where there is
/// none. For use at start only.
///
/// ```
/// assert_eq!(kymo_platform::durability::boot_id(), kymo_platform::durability::boot_id());
/// ```
#[must_use]
pub fn boot_id() -> Option<u128> {
    let mut text = [0; 64];
    let size = os::boot_id(&mut text)?;
    let digits = text[..size].iter().filter_map(|byte| char::from(*byte).to_digit(16));
    let (mut id, mut count) = (0, 0);
    for digit in digits {
        id = id << 4 | u128::from(digit);
        count += 1;
    }
    (count == 32).then_some(id)
}

/// Whether what is synced to `file` survives a loss of power: not on a file system in memory.
///
/// # Errors
///
/// Those of the operating system.
pub fn is_lasting(file: &File) -> io::Result<bool> {
    os::is_lasting(file)
}

/// Gives `file` the blocks for `size` bytes, which read as zeros. `false`: this file system can't.
///
/// # Errors
///
/// Those of the operating system; a full disk is one.
pub fn reserve(file: &File, size: u64) -> io::Result<bool> {
    os::reserve(file, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_reserved_reads_as_zeros() {
        let path = std::env::temp_dir().join(format!("kymo-reserve-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        if reserve(&file, 5000).unwrap() {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, [0; 5000]);
        }
    }

    #[test]
    #[cfg(target_os = "linux")] // the place of its tmpfs
    fn memory_is_not_lasting() {
        assert!(!is_lasting(&File::open("/dev/shm").unwrap()).unwrap());
        assert!(is_lasting(&File::open(env!("CARGO_MANIFEST_DIR")).unwrap()).unwrap());
    }
}
