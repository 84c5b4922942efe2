//! Text and bytes, in and out: the one way in which they cross.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::slice;

use crate::error::{Fail, Outcome};

/// A text, or bytes: where they begin, and how many they are. No NUL is needed behind them, and
/// none stands there but behind those of kymo_error_text() and of the functions that name a number.
/// Text is UTF-8. A text of no bytes may have a null pointer.
///
/// Those that are given to kymo are copied before the call returns. Print one with
/// `printf("%.*s", (int)text.size, text.data)`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoText {
    /// The first byte.
    pub data: *const c_char,
    /// How many there are.
    pub size: usize,
}

/// The text that ends in NUL at `text`, without the NUL; it lies where it was. NULL is the empty
/// text. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_text(text: *const c_char) -> KymoText {
    if text.is_null() {
        return KymoText::EMPTY;
    }
    // SAFETY: the caller says that a NUL ends it.
    let text = unsafe { CStr::from_ptr(text) };
    KymoText { data: text.as_ptr(), size: text.count_bytes() }
}

impl KymoText {
    pub(crate) const EMPTY: Self = Self { data: ptr::null(), size: 0 };

    /// What is handed out: it lies where `bytes` lie, and for as long.
    pub(crate) const fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), size: bytes.len() }
    }

    /// A constant with a NUL behind it, which does not count.
    pub(crate) const fn constant(text: &'static str) -> Self {
        Self { data: text.as_ptr().cast(), size: text.len() - 1 }
    }

    /// What was given.
    pub(crate) fn bytes(&self) -> Outcome<&[u8]> {
        list(self.data.cast(), self.size)
    }

    /// What was given, as text.
    pub(crate) fn str(&self) -> Outcome<&str> {
        let text = str::from_utf8(self.bytes()?);
        text.map_err(|error| Fail::invalid(format_args!("a text is no UTF-8: {error}")))
    }

    /// What was given, as a path; `None` where it is empty.
    pub(crate) fn path(&self) -> Outcome<Option<&Path>> {
        let bytes = self.bytes()?;
        if bytes.contains(&0) {
            return Err(Fail::invalid(format_args!("a path has a NUL in it")));
        }
        Ok((!bytes.is_empty()).then(|| Path::new(OsStr::from_bytes(bytes))))
    }
}

/// A list as C gives one, for as long as it says; an empty one may have a null pointer.
pub fn list<'a, T>(first: *const T, count: usize) -> Outcome<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(Fail::invalid(format_args!("a list or text of {count} is NULL")));
    }
    let most = usize::MAX / 2 / size_of::<T>().max(1);
    if count > most || !first.is_aligned() {
        return Err(Fail::invalid(format_args!("no list or text has {count} parts there")));
    }
    // SAFETY: neither null nor too large; the caller says that so many are there.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::KymoError;

    #[test]
    fn what_is_no_text_is_found() {
        let code = |text: KymoText| text.str().map(|_| ()).map_err(|fail| fail.code);
        assert_eq!(KymoText::EMPTY.str().unwrap(), "");
        assert_eq!(kymo_text(ptr::null()).bytes().unwrap(), b"");
        assert_eq!(kymo_text(c"ab".as_ptr()).str().unwrap(), "ab");
        let invalid = Err(KymoError::KymoInvalid);
        assert_eq!(code(KymoText { data: ptr::null(), size: 1 }), invalid);
        assert_eq!(code(KymoText { data: c"a".as_ptr(), size: usize::MAX }), invalid);
        assert_eq!(code(KymoText::of(b"\xFF")), invalid);
        assert!(KymoText::of(b"/a\0b").path().is_err());
        assert_eq!(KymoText::of(b"/a").path().unwrap(), Some(Path::new("/a")));
        assert_eq!(KymoText::EMPTY.path().unwrap(), None);
    }
}
