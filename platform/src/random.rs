//! Random numbers for names that must not repeat: an epoch, a run. For use at start only.

use std::fs::File;
use std::io::{self, Read};

/// 128 bits from the kernel's generator.
///
/// `/dev/urandom` is asked because it exists on every supported system and needs no unsafe call.
///
/// ```
/// assert_ne!(kymo_platform::random::random_u128()?, kymo_platform::random::random_u128()?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// When the system has none to give.
pub fn random_u128() -> io::Result<u128> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u128::from_ne_bytes(bytes))
}
