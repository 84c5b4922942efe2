//! Numbers and texts in the kernel's records.

/// The bytes at `offset`, if the record is long enough.
pub(super) fn take<const SIZE: usize>(record: &[u8], offset: usize) -> Option<[u8; SIZE]> {
    record.get(offset..)?.first_chunk().copied()
}

pub(super) fn u32_at(record: &[u8], offset: usize) -> Option<u32> {
    take(record, offset).map(u32::from_ne_bytes)
}

pub(super) fn u64_at(record: &[u8], offset: usize) -> Option<u64> {
    take(record, offset).map(u64::from_ne_bytes)
}

/// A text that ends with a NUL, or fills its field.
pub(super) fn text_at(record: &[u8], offset: usize, size: usize) -> Option<&[u8]> {
    let field = record.get(offset..offset.checked_add(size)?)?;
    field.split(|byte| *byte == 0).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_the_end_is_nothing() {
        let record = [1, 0, 0, 0, 2, 0, 0, 0, b'a', b'b', 0, b'c'];
        assert_eq!((u32_at(&record, 0), u32_at(&record, 8 + 1)), (Some(1), None));
        assert_eq!((u64_at(&record, 0), u64_at(&record, 5)), (Some(0x2_0000_0001), None));
        assert_eq!(text_at(&record, 8, 4), Some(&b"ab"[..]));
        assert_eq!(text_at(&record, 8, 2), Some(&b"ab"[..]));
        assert_eq!(text_at(&record, 8, 5), None);
        assert_eq!(text_at(&record, usize::MAX, 2), None);
    }
}
