//! Memory that costs nothing until it is used.
//!
//! The C library hands out large blocks as pages that nobody has touched, and small ones zeroed by
//! its own hand, which makes them resident. Most of kymo's buffers are for the worst case and are
//! hardly ever used, so each is made large enough to be of the first kind; addresses are free.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::limits::UNTOUCHED_SIZE_MIN;

/// A buffer of zeros; see the module.
#[derive(Clone, Default)]
pub struct Buffer {
    bytes: Box<[u8]>,
    size: usize,
}

impl Buffer {
    /// A buffer of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self { bytes: vec![0; size.max(UNTOUCHED_SIZE_MIN)].into_boxed_slice(), size }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.size]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.size)
    }
}
