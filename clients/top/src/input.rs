//! What a terminal sends, as keys; pure: bytes in, inputs out.
//!
//! The front of a sequence waits for its rest ([`Inputs::is_waiting`]); when none comes within a
//! moment, [`Inputs::end`] makes a lone escape character the key of that name. What is no key that
//! anything is bound to is skipped whole, so that no part of it is taken for one.

use crate::limits::SEQUENCE_MAX;

const ESCAPE: u8 = 0x1b;

/// A key, or something that the mouse did; the top left cell is (0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Input {
    Char(char),
    /// With the control key; in lower case.
    Control(char),
    Enter,
    Escape,
    Tab,
    BackTab,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Click(u16, u16),
    WheelUp(u16, u16),
    WheelDown(u16, u16),
}

/// Bytes on their way to be inputs; see the module.
#[derive(Debug, Default)]
pub struct Inputs {
    bytes: Vec<u8>,
}

/// What stands at the front of some bytes.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The front of something.
    Part,
    /// So many bytes of nothing.
    Nothing(usize),
    /// An input of so many bytes.
    Input(usize, Input),
}

impl Inputs {
    /// Takes in bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next input that is whole.
    #[must_use]
    pub fn poll_next(&mut self) -> Option<Input> {
        while !self.bytes.is_empty() {
            match found(&self.bytes) {
                Found::Part => return None,
                Found::Nothing(size) => drop(self.bytes.drain(..size)),
                Found::Input(size, input) => {
                    self.bytes.drain(..size);
                    return Some(input);
                }
            }
        }
        None
    }

    /// Whether the front of something is here. To be asked when
    /// [`poll_next`](Self::poll_next) has nothing.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Its rest does not come.
    #[must_use]
    pub fn end(&mut self) -> Option<Input> {
        let is_escape = self.bytes == [ESCAPE];
        self.bytes.clear();
        is_escape.then_some(Input::Escape)
    }
}

fn found(bytes: &[u8]) -> Found {
    match bytes {
        [ESCAPE] => Found::Part,
        [ESCAPE, b'[', rest @ ..] => control_sequence(rest),
        [ESCAPE, b'O'] => Found::Part,
        [ESCAPE, b'O', last, ..] => match arrow(*last) {
            Some(input) => Found::Input(3, input),
            None => Found::Nothing(3),
        },
        // Escape, and another key at once.
        [ESCAPE, ..] => Found::Input(1, Input::Escape),
        [b'\r' | b'\n', ..] => Found::Input(1, Input::Enter),
        [b'\t', ..] => Found::Input(1, Input::Tab),
        [0x7f | 0x08, ..] => Found::Input(1, Input::Backspace),
        [byte @ 1..=26, ..] => Found::Input(1, Input::Control(char::from(byte + b'a' - 1))),
        [0..=31, ..] => Found::Nothing(1),
        _ => character(bytes),
    }
}

fn character(bytes: &[u8]) -> Found {
    let front = &bytes[..bytes.len().min(4)];
    let text = match str::from_utf8(front) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            str::from_utf8(&front[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) if error.error_len().is_none() => return Found::Part,
        Err(_) => return Found::Nothing(1),
    };
    match text.chars().next() {
        Some(char) if char.is_control() => Found::Nothing(char.len_utf8()),
        Some(char) => Found::Input(char.len_utf8(), Input::Char(char)),
        None => Found::Nothing(1),
    }
}

/// Behind `ESC [`: parameters, and a letter or `~` that ends them (ECMA-48, 5.4).
fn control_sequence(rest: &[u8]) -> Found {
    let end = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte));
    let Some(end) = end else {
        return if rest.len() < SEQUENCE_MAX {
            Found::Part
        } else {
            Found::Nothing(rest.len() + 2)
        };
    };
    let (parameters, last) = (&rest[..end], rest[end]);
    if !(0x40..=0x7e).contains(&last) {
        // Something else begins before it has ended.
        return Found::Nothing(end + 2);
    }
    let input = match (last, parameters) {
        (b'Z', _) => Some(Input::BackTab),
        (b'~', _) => match number(parameters.split(|byte| *byte == b';').next()) {
            Some(1 | 7) => Some(Input::Home),
            Some(4 | 8) => Some(Input::End),
            Some(5) => Some(Input::PageUp),
            Some(6) => Some(Input::PageDown),
            _ => None,
        },
        (b'M', [b'<', report @ ..]) => mouse(report),
        _ => arrow(last),
    };
    match input {
        Some(input) => Found::Input(end + 3, input),
        None => Found::Nothing(end + 3),
    }
}

const fn arrow(last: u8) -> Option<Input> {
    match last {
        b'A' => Some(Input::Up),
        b'B' => Some(Input::Down),
        b'C' => Some(Input::Right),
        b'D' => Some(Input::Left),
        b'H' => Some(Input::Home),
        b'F' => Some(Input::End),
        _ => None,
    }
}

/// A report of SGR's form: button, column and row, from 1 (xterm, "Extended coordinates").
fn mouse(report: &[u8]) -> Option<Input> {
    /// Shift, meta and control, which mean nothing here.
    const MODIFIERS: u16 = 4 | 8 | 16;
    let mut parts = report.split(|byte| *byte == b';');
    let [button, column, row] = [(); 3].map(|()| number(parts.next()));
    let (x, y) = (column?.checked_sub(1)?, row?.checked_sub(1)?);
    match button? & !MODIFIERS {
        0 => Some(Input::Click(x, y)),
        64 => Some(Input::WheelUp(x, y)),
        65 => Some(Input::WheelDown(x, y)),
        _ => None,
    }
}

fn number(digits: Option<&[u8]>) -> Option<u16> {
    str::from_utf8(digits?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The inputs of bytes that come in pieces.
    fn inputs<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Input> {
        let (mut inputs, mut all) = (Inputs::default(), Vec::new());
        for piece in pieces {
            inputs.push(piece);
            all.extend(std::iter::from_fn(|| inputs.poll_next()));
        }
        all.extend(inputs.end());
        all
    }

    #[test]
    fn keys_have_their_names() {
        for (bytes, input) in [
            ("q", Input::Char('q')),
            ("é", Input::Char('é')),
            ("中", Input::Char('中')),
            ("\u{3}", Input::Control('c')),
            ("\r", Input::Enter),
            ("\t", Input::Tab),
            ("\u{7f}", Input::Backspace),
            ("\u{1b}", Input::Escape),
            ("\u{1b}[Z", Input::BackTab),
            ("\u{1b}[A", Input::Up),
            ("\u{1b}OB", Input::Down),
            ("\u{1b}[1;5C", Input::Right),
            ("\u{1b}[5~", Input::PageUp),
            ("\u{1b}[6~", Input::PageDown),
            ("\u{1b}[1~", Input::Home),
            ("\u{1b}OF", Input::End),
            ("\u{1b}[<0;10;5M", Input::Click(9, 4)),
            ("\u{1b}[<80;1;1M", Input::WheelUp(0, 0)),
            ("\u{1b}[<65;300;70M", Input::WheelDown(299, 69)),
        ] {
            assert_eq!(inputs([bytes.as_bytes()]), [input], "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_skipped_whole() {
        let q = [Input::Char('q')];
        for bytes in [
            "\u{1b}[<0;10;5mq",
            "\u{1b}[<0;0;5Mq",
            "\u{1b}[15~q",
            "\u{1b}[?1;2cq",
            "\u{1b}OPq",
            "\u{1b}[<0;99999999999;1Mq",
            "\0q",
            "\u{9b}q",
        ] {
            assert_eq!(inputs([bytes.as_bytes()]), q, "{bytes:?}");
        }
        assert_eq!(inputs([&b"\xff\xc3q"[..]]), q);
        assert_eq!(inputs([&b"\x1b[12\x1b[A"[..]]), [Input::Up]);
        assert_eq!(inputs([&b"\x1bq"[..]]), [Input::Escape, Input::Char('q')]);
        let long = format!("\u{1b}[{}", "1;".repeat(SEQUENCE_MAX));
        let mut some = Inputs::default();
        some.push(long.as_bytes());
        assert_eq!((some.poll_next(), some.is_waiting()), (None, false), "it has no end");
    }

    proptest! {
        #[test]
        fn where_bytes_are_cut_means_nothing(
            keys in proptest::collection::vec(
                prop_oneof![
                    "[a-zé中]{1,3}",
                    Just("\u{1b}[A".into()),
                    Just("\u{1b}[<64;10;5M".into()),
                    Just("\u{1b}[5~".into()),
                    Just("\r".into())
                ],
                0..20
            ),
            size in 1..7_usize,
        ) {
            let bytes = keys.concat().into_bytes();
            prop_assert_eq!(inputs(bytes.chunks(size)), inputs([&bytes[..]]));
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut some = Inputs::default();
            some.push(&bytes);
            while some.poll_next().is_some() {}
            prop_assert!(some.bytes.len() <= SEQUENCE_MAX + 2);
        }
    }
}
