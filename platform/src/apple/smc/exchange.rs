//! The one message of the controller's driver: 80 bytes to it, 80 bytes back.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | key | four letters, the first the highest byte |
//! | 4 | u8 × 6 | version | of the firmware, when asked for it |
//! | 10 | u8 × 2 | padding | |
//! | 12 | u8 × 16 | p_limit | of processors, when asked for them |
//! | 28 | u32 | data_size | bytes of a value |
//! | 32 | u32 | data_type | four letters |
//! | 36 | u8 | data_attributes | bits |
//! | 37 | u8 × 3 | padding | |
//! | 40 | u8 | result | what the controller says; 0 is success |
//! | 41 | u8 | status | |
//! | 42 | u8 | command | what is asked for |
//! | 43 | u8 | padding | |
//! | 44 | u32 | index | number of a key, when its name is asked for |
//! | 48 | u8 × 32 | bytes | the value |
//!
//! Numbers are of the machine's own byte order. The layout is that of `SMCKeyData_t` in public
//! programs; Apple documents none of it.

use core::mem::offset_of;

/// A request, or what came back; the module's table is its layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Exchange {
    /// Four letters, the first the highest byte.
    pub key: u32,
    /// Of the firmware, when asked for it.
    pub version: [u8; 6],
    padding: [u8; 2],
    /// Of processors, when asked for them.
    pub p_limit: [u8; 16],
    /// Bytes of a value.
    pub data_size: u32,
    /// Four letters, as in `key`.
    pub data_type: u32,
    /// Bits.
    pub data_attributes: u8,
    more_padding: [u8; 3],
    /// What the controller says; 0 is success.
    pub result: u8,
    /// Not looked at.
    pub status: u8,
    /// What is asked for.
    pub command: u8,
    last_padding: u8,
    /// Number of a key, when its name is asked for.
    pub index: u32,
    /// The value.
    pub bytes: [u8; 32],
}

impl Exchange {
    /// A request about a key; everything else is 0.
    #[must_use]
    pub fn about(key: u32, command: u8) -> Self {
        Self { key, command, ..Self::default() }
    }
}

const _: () = assert!(size_of::<Exchange>() == 80);
const _: () = assert!(align_of::<Exchange>() == 4);
const _: () = assert!(offset_of!(Exchange, version) == 4);
const _: () = assert!(offset_of!(Exchange, p_limit) == 12);
const _: () = assert!(offset_of!(Exchange, data_size) == 28);
const _: () = assert!(offset_of!(Exchange, data_type) == 32);
const _: () = assert!(offset_of!(Exchange, data_attributes) == 36);
const _: () = assert!(offset_of!(Exchange, result) == 40);
const _: () = assert!(offset_of!(Exchange, status) == 41);
const _: () = assert!(offset_of!(Exchange, command) == 42);
const _: () = assert!(offset_of!(Exchange, index) == 44);
const _: () = assert!(offset_of!(Exchange, bytes) == 48);

/// What the kernel says of a call that did not come through; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernReturn(pub i32);

/// The way to a controller.
pub trait Controller: Send {
    /// Sends `request` and says what came back. That the kernel has no objection is not yet the
    /// controller's consent: that is `result`. May block.
    ///
    /// # Errors
    ///
    /// What the kernel said instead.
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn>;
}
