//! A host's file of lines for the table, and what is wrong with one in words.

use std::fmt::Display;
use std::io::{self, Read};
use std::path::Path;

use super::table::{BadLine, Table};

/// Bytes of a host's file: three times those of the lines that come with the program. Each line
/// may cost a call when sensors are first looked for.
pub const KEYS_SIZE_MAX: usize = 32_768;
/// `any fan F0Ac x` and its end: no line that counts is shorter.
const LINE_SIZE_MIN: usize = 15;
/// Lines are numbered in 16 bits; ours have half of them.
const _: () = assert!(KEYS_SIZE_MAX / LINE_SIZE_MIN < 1 << 15);

impl Table {
    /// With the lines of an open file before those that it has; `path` is only told. See
    /// [`with`](Self::with).
    ///
    /// ```
    /// use std::path::Path;
    /// use kymo_platform::apple::smc::Table;
    ///
    /// let table = Table::of("Apple M3 Max");
    /// let error = table.with_file(Path::new("/my/keys"), &b"apple heat TXYZ Hinge\n"[..]);
    /// assert_eq!(error.unwrap_err(), "/my/keys:1: unknown class");
    /// ```
    ///
    /// # Errors
    ///
    /// The path, the line and what is wrong there; or why the file can't be read.
    pub fn with_file(self, path: &Path, file: impl Read) -> Result<Self, String> {
        let bytes = read(file).map_err(|error| format!("{}: {error}", path.display()))?;
        let told = |line: usize, what: &dyn Display| format!("{}:{line}: {what}", path.display());
        if bytes.len() > KEYS_SIZE_MAX {
            let text = format_args!("more than {KEYS_SIZE_MAX} bytes");
            return Err(told(line_of(&bytes, KEYS_SIZE_MAX), &text));
        }
        let text = str::from_utf8(&bytes);
        let text =
            text.map_err(|error| told(line_of(&bytes, error.valid_up_to()), &"not text in UTF-8"))?;
        self.with(text).map_err(|BadLine { line, what }| told(line, &what))
    }
}

/// All of a file, or one byte more than it may have.
fn read(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(KEYS_SIZE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The line of the byte at `place`, counted from 1.
fn line_of(bytes: &[u8], place: usize) -> usize {
    bytes.iter().take(place).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bytes: &[u8]) -> Result<Table, String> {
        Table::of("Apple M4").with_file(Path::new("/k"), bytes)
    }

    #[test]
    fn lines_of_a_file_come_first() {
        let table = with(b"# mine\r\n\r\nm4 temp/soc Te0? caf\xc3\xa9").unwrap();
        assert_eq!(&*table.row("Te05").unwrap().name, "café");
        assert_eq!(with(b""), Ok(Table::of("Apple M4")));
        // It may be a changed copy of ours.
        assert!(with(include_bytes!("keys.txt")).is_ok());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (bytes, expected) in [
            (&b"any none TTTT fine\n\nany temp/cup TTTT x\n"[..], "/k:3: unknown class"),
            // Of another machine's as well: the file goes from one to the next.
            (b"intel temp/cpu TTTTT x", "/k:1: a key has four characters of ASCII"),
            (b"# \xc3\xa9\n#\n\xff any none TTTT x\n", "/k:3: not text in UTF-8"),
            (b"any none TTTT x\0y", "/k:1: a control character in the name"),
        ] {
            assert_eq!(with(bytes).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_file_has_an_end() {
        let mut bytes = b"# x\n".repeat(KEYS_SIZE_MAX / 4);
        assert!(with(&bytes).is_ok());
        bytes.push(b'\n');
        assert_eq!(with(&bytes).unwrap_err(), "/k:8193: more than 32768 bytes");
        let endless = Table::of("").with_file(Path::new("/k"), io::repeat(b'#'));
        assert_eq!(endless.unwrap_err(), "/k:1: more than 32768 bytes");
    }

    #[test]
    fn a_file_that_can_not_be_read_is_told() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("it is a folder"))
            }
        }
        let told = Table::of("").with_file(Path::new("/k"), Broken).unwrap_err();
        assert_eq!(told, "/k: it is a folder");
    }

    #[test]
    fn as_many_lines_as_fit_all_count() {
        let lines = KEYS_SIZE_MAX / LINE_SIZE_MIN;
        let mut text = "any fan F??c x\n".repeat(lines - 1);
        text.push_str("any fan ZZZZ x\n");
        let table = with(text.as_bytes()).unwrap();
        assert!(table.row("ZZZZ").is_some() && table.row("PSTR").is_some());
    }
}
