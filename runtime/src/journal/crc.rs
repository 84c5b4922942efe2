//! CRC-32 as zlib and Ethernet have it.

use std::sync::LazyLock;

use ::crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Sixteen bytes at a time. Made before a journal is ready, since that reads or writes headers, and
/// in the heap, since a place for it in the image would be 16 KB of the file.
static CRC: LazyLock<Box<Crc<u32, Table<16>>>> =
    LazyLock::new(|| Box::new(Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC)));

/// That of some bytes.
pub fn of(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// That of pieces, behind bytes that had `before`; nothing has 0.
pub fn behind(before: u32, pieces: &[&[u8]]) -> u32 {
    // The register holds the complement, and the library mirrors what it is given.
    let mut digest = CRC.digest_with_initial((!before).reverse_bits());
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_zlib() {
        assert_eq!(of(b"123456789"), 0xCBF4_3926);
        assert_eq!(behind(0, &[b"1234", b"56789"]), 0xCBF4_3926);
        assert_eq!(behind(of(b"1234"), &[b"", b"56789"]), 0xCBF4_3926);
    }
}
