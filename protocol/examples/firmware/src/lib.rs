#![no_std]
//! kymo's protocol without an operating system, as a static library for firmware in C:
//!
//! ```c
//! static uint8_t frame[KYMO_FRAME_SIZE];
//! size_t size = kymo_vitals(frame, ++sequence, uptime_ns(), celsius());
//! uart_write(frame, size);
//! ```
//!
//! Frames on a serial line are those on a socket: a host hands them on as they are.

mod vitals;

use core::panic::PanicInfo;

use vitals::FRAME_SIZE;

/// Writes a frame of vitals that tells one temperature, and returns its size; 0 if it can't be.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_vitals(
    frame: &mut [u8; FRAME_SIZE],
    sequence: u64,
    boot_ns: u64,
    celsius: f32,
) -> usize {
    vitals::write(frame, sequence, boot_ns, celsius).unwrap_or(0)
}

/// The temperature in a frame of vitals; `false` if it is none, or tells none.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_temperature(frame: &[u8; FRAME_SIZE], celsius: &mut f32) -> bool {
    let found = vitals::temperature(frame);
    if let Some(found) = found {
        *celsius = found;
    }
    found.is_some()
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
