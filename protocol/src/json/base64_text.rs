//! Bytes as base64 text inside JSON: RFC 4648 with padding, and nothing else between the digits.
//!
//! Both ways go piece by piece through the stack, because a string may have escapes: many writers
//! put `\/` for `/` and `\u002b` for `+`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::frame_error::FrameError;
use crate::json::{Text, Writer};

/// Bytes of a piece: a multiple of three, so that only the last one is padded.
const PIECE_SIZE: usize = 48;
const PIECE_DIGITS: usize = PIECE_SIZE / 3 * 4;

/// Writes the bytes that `text` stands for to the front of `buffer` and returns their size.
///
/// # Errors
///
/// [`FrameError::Value`] when it is not base64, [`FrameError::Short`] when they do not fit.
pub(crate) fn decode(text: Text<'_>, buffer: &mut [u8]) -> Result<usize, FrameError> {
    let mut size = 0;
    pieces(text, |piece| {
        let target = buffer.get_mut(size..size + piece.len()).ok_or(FrameError::Short)?;
        target.copy_from_slice(piece);
        size += piece.len();
        Ok(())
    })?;
    Ok(size)
}

/// Whether `text` is base64.
pub(super) fn is_good(text: Text<'_>) -> bool {
    pieces(text, |_| Ok(())).is_ok()
}

/// Writes the digits of `bytes`, without quotes.
pub(super) fn write(w: &mut Writer<'_>, bytes: &[u8]) {
    for piece in bytes.chunks(PIECE_SIZE) {
        let mut digits = [0; PIECE_DIGITS];
        // A piece and its digits have the sizes above.
        let size = STANDARD.encode_slice(piece, &mut digits).unwrap_or_default();
        w.raw(core::str::from_utf8(&digits[..size]).unwrap_or_default());
    }
}

fn pieces(
    text: Text<'_>,
    mut take: impl FnMut(&[u8]) -> Result<(), FrameError>,
) -> Result<(), FrameError> {
    let mut chars = text.chars();
    let mut is_whole = true;
    loop {
        let (mut digits, mut count) = ([0; PIECE_DIGITS], 0);
        for (digit, char) in digits.iter_mut().zip(&mut chars) {
            *digit = u8::try_from(char).map_err(|_| FrameError::Value)?;
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        // Behind a padded piece there is nothing more.
        if !is_whole {
            return Err(FrameError::Value);
        }
        let mut piece = [0; PIECE_SIZE];
        let size = STANDARD.decode_slice(&digits[..count], &mut piece);
        let size = size.map_err(|_| FrameError::Value)?;
        is_whole = size == PIECE_SIZE;
        take(&piece[..size])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, room: usize) -> Result<heapless::Vec<u8, 128>, FrameError> {
        let mut buffer = [0; 128];
        let size = decode(Text::from_escaped(text), &mut buffer[..room])?;
        Ok(heapless::Vec::from_slice(&buffer[..size]).unwrap())
    }

    #[test]
    fn every_length_goes_both_ways() {
        let bytes: [u8; 128] = core::array::from_fn(|at| u8::try_from(at * 2).unwrap());
        for size in 0..=bytes.len() {
            let mut digits = [0; 256];
            let mut w = Writer::new(&mut digits);
            write(&mut w, &bytes[..size]);
            let text = w.finish().unwrap();
            let text = core::str::from_utf8(&digits[..text]).unwrap();
            assert_eq!(decoded(text, size).unwrap(), bytes[..size], "{text}");
            if size > 0 {
                assert_eq!(decoded(text, size - 1), Err(FrameError::Short));
            }
        }
    }

    #[test]
    fn escapes_of_other_writers_are_read() {
        assert_eq!(decoded(r"\/\/8\u003d", 8).unwrap(), [0xFF, 0xFF]);
        assert_eq!(decoded(r"\u002b+\u002B\/", 8).unwrap(), [0xFB, 0xEF, 0xBF]);
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let mut padded_inside = heapless::String::<80>::new();
        for _ in 0..15 {
            padded_inside.push_str("AAAA").unwrap();
        }
        padded_inside.push_str("AA==AAAA").unwrap();
        for bad in ["A", "AA", "AA=", "AA===", "AB==", "AA==AAAA", " AAA", "AA A", "é===", "-_-_"]
        {
            assert_eq!(decoded(bad, 128), Err(FrameError::Value), "{bad}");
        }
        assert_eq!(decoded(&padded_inside, 128), Err(FrameError::Value));
        assert!(is_good(Text::from_escaped("")) && !is_good(Text::from_escaped("A")));
    }
}
