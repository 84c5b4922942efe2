//! What a call came to, in a number and in words.

use std::ffi::c_char;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kymo::{AttachError, Message, PublishError, StartError};
use kymo_client::Error;

use crate::text::KymoText;

/// What a call came to. Only ::KYMO_OK has done what was asked, and what a call hands out is
/// written with ::KYMO_OK alone. A later version may have more of them.
///
/// cbindgen:rename-all=ScreamingSnakeCase
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(clippy::enum_variant_names, reason = "C has no scopes")]
pub enum KymoError {
    /// It is done.
    KymoOk = 0,
    /// There is nothing now, or was not in the time given.
    KymoNothing = 1,
    /// Nothing will come any more: the loop, or the connection, has ended.
    KymoEnded = 2,
    /// There is no room now: for an event, or for a client.
    KymoFull = 3,
    /// An event is longer than any may be.
    KymoTooLong = 4,
    /// An argument can't be: a null pointer, a text that is no UTF-8, a number out of its range.
    KymoInvalid = 5,
    /// Not in this state: a hub that has begun takes no more subscribers.
    KymoState = 6,
    /// Another thread is in a call with this handle, or this one is in a callback of it.
    KymoBusy = 7,
    /// Another process, or another hub of this one, serves that directory.
    KymoTaken = 8,
    /// The directory can't be trusted, or the server may not be used by this user.
    KymoDenied = 9,
    /// Nobody listens there.
    KymoUnreachable = 10,
    /// The server said no.
    KymoRefused = 11,
    /// What came is not kymo's protocol.
    KymoProtocol = 12,
    /// The operating system refused something.
    KymoSystem = 13,
    /// The handle belongs to the process that this one was forked from.
    KymoForked = 14,
    /// A mistake of kymo's own. The handle answers with this from then on; free it.
    KymoPanic = 15,
}

/// Bytes of the words about an error, the NUL included.
pub const KYMO_WHY_SIZE: usize = 256;

/// In words what a call came to: UTF-8 that ends in NUL, cut where it is too long, and empty with
/// ::KYMO_OK. Lies with the caller; wherever one is taken, NULL says that nobody wants to know.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoWhy {
    /// The words.
    pub text: [c_char; KYMO_WHY_SIZE],
}

/// Where a caller wants the words.
pub type Why<'a> = Option<&'a mut MaybeUninit<KymoWhy>>;

/// Why a call has not done what was asked.
#[derive(Debug)]
pub struct Fail {
    pub code: KymoError,
    words: Option<Message>,
}

/// What a call comes to.
pub type Outcome<T = ()> = Result<T, Fail>;

impl Fail {
    pub fn new(code: KymoError, words: fmt::Arguments<'_>) -> Self {
        Self { code, words: Some(Message::new(words)) }
    }

    pub fn invalid(words: fmt::Arguments<'_>) -> Self {
        Self::new(KymoError::KymoInvalid, words)
    }

    /// An argument that is needed is null.
    pub fn null(name: &str) -> Self {
        Self::invalid(format_args!("{name} is NULL"))
    }

    pub fn system(what: &str, error: impl fmt::Display) -> Self {
        Self::new(KymoError::KymoSystem, format_args!("{what}: {error}"))
    }
}

impl From<KymoError> for Fail {
    fn from(code: KymoError) -> Self {
        Self { code, words: None }
    }
}

impl From<StartError> for Fail {
    fn from(error: StartError) -> Self {
        let code = match error {
            StartError::Config(_) | StartError::Listener { .. } => KymoError::KymoInvalid,
            StartError::Directory { .. } => KymoError::KymoDenied,
            StartError::Running { .. } => KymoError::KymoTaken,
            StartError::System { .. } => KymoError::KymoSystem,
        };
        Self::new(code, format_args!("{error}"))
    }
}

impl From<AttachError> for Fail {
    fn from(error: AttachError) -> Self {
        let code = match error {
            AttachError::Refused(_) => KymoError::KymoFull,
            AttachError::Wish(_) => KymoError::KymoInvalid,
        };
        Self::new(code, format_args!("{error}"))
    }
}

impl From<PublishError> for Fail {
    fn from(error: PublishError) -> Self {
        let code = match error {
            PublishError::Full => KymoError::KymoFull,
            PublishError::TooLong => KymoError::KymoTooLong,
            PublishError::Invalid(_) => KymoError::KymoInvalid,
            PublishError::Closed => KymoError::KymoEnded,
        };
        Self { code, words: None }
    }
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Unreachable { .. } | Error::Resting(_) => KymoError::KymoUnreachable,
            Error::Denied { .. } => KymoError::KymoDenied,
            Error::Refused { .. } => KymoError::KymoRefused,
            Error::Protocol(_) => KymoError::KymoProtocol,
            Error::Lost(_) | Error::Ended => KymoError::KymoEnded,
            Error::Invalid(_) => KymoError::KymoInvalid,
            _ => KymoError::KymoSystem,
        };
        Self::new(code, format_args!("{error}"))
    }
}

impl KymoError {
    const ALL: [(Self, &'static str); 16] = [
        (Self::KymoOk, "done\0"),
        (Self::KymoNothing, "there is nothing now\0"),
        (Self::KymoEnded, "nothing will come any more\0"),
        (Self::KymoFull, "there is no room now\0"),
        (Self::KymoTooLong, "the event is too long\0"),
        (Self::KymoInvalid, "an argument can't be\0"),
        (Self::KymoState, "not in this state\0"),
        (Self::KymoBusy, "another call uses the handle\0"),
        (Self::KymoTaken, "the directory is served already\0"),
        (Self::KymoDenied, "denied\0"),
        (Self::KymoUnreachable, "nobody listens there\0"),
        (Self::KymoRefused, "the server said no\0"),
        (Self::KymoProtocol, "this is not kymo's protocol\0"),
        (Self::KymoSystem, "the operating system refused something\0"),
        (Self::KymoForked, "the handle belongs to the parent process\0"),
        (Self::KymoPanic, "a mistake of kymo's own\0"),
    ];

    fn text(number: i32) -> &'static str {
        let known = Self::ALL.iter().find(|(code, _)| *code as i32 == number);
        known.map_or("a code of a later version\0", |(_, text)| text)
    }
}

/// What a code means, in words that end in NUL and stay for ever. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_error_text(error: i32) -> KymoText {
    KymoText::constant(KymoError::text(error))
}

/// Runs the body of an entry, and says what it came to. No panic leaves it: it would unwind into a
/// caller that knows none.
pub fn enter(why: Why<'_>, body: impl FnOnce() -> Outcome) -> KymoError {
    let outcome = run(body);
    if let Some(why) = why {
        why.write(KymoWhy::EMPTY).put(words_of(&outcome));
    }
    outcome.map_or_else(|fail| fail.code, |()| KymoError::KymoOk)
}

fn run(body: impl FnOnce() -> Outcome) -> Outcome {
    // What a panic leaves behind is behind a mutex, which is poisoned by it.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    outcome.unwrap_or_else(|_| Err(KymoError::KymoPanic.into()))
}

fn words_of(outcome: &Outcome) -> &str {
    match outcome {
        Ok(()) => "",
        Err(Fail { words: Some(words), .. }) => words,
        Err(Fail { code, .. }) => KymoError::text(*code as i32).trim_end_matches('\0'),
    }
}

impl KymoWhy {
    pub(crate) const EMPTY: Self = Self { text: [0; KYMO_WHY_SIZE] };

    /// Takes words, cut between two characters, with a NUL behind them.
    pub(crate) fn put(&mut self, words: &str) {
        put(&mut self.text, words);
    }

    /// The words, as far as they are UTF-8; whoever wrote them may have forgotten the NUL.
    pub(crate) fn words(&self) -> Message {
        let bytes = self.text.map(|char| u8::from_ne_bytes(char.to_ne_bytes()));
        let size = bytes.iter().position(|byte| *byte == 0).unwrap_or(KYMO_WHY_SIZE);
        let chunk = bytes[..size].utf8_chunks().next();
        Message::from(chunk.map_or("", |chunk| chunk.valid()))
    }
}

/// Copies words, cut between two characters, with a NUL behind them.
pub fn put<const SIZE: usize>(target: &mut [c_char; SIZE], words: &str) {
    let mut size = words.len().min(SIZE - 1);
    while !words.is_char_boundary(size) {
        size -= 1;
    }
    for (char, byte) in target.iter_mut().zip(&words.as_bytes()[..size]) {
        *char = c_char::from_ne_bytes([*byte]);
    }
    target[size] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        let outcome = run(|| panic!("on purpose"));
        assert_eq!(words_of(&outcome), "a mistake of kymo's own");
        assert_eq!(enter(None, || panic!("on purpose")), KymoError::KymoPanic);
        assert_eq!(words_of(&run(|| Ok(()))), "");
    }

    #[test]
    fn words_are_whole_characters_and_end_in_nul() {
        let mut why = KymoWhy { text: [1; KYMO_WHY_SIZE] };
        why.put(&"é".repeat(200));
        assert_eq!(*why.words(), *format!("{}…", "é".repeat(82)));
        assert_eq!(why.text[252], c_char::from_ne_bytes(["é".as_bytes()[0]]));
        assert_eq!(why.text[254], 0);
        assert!(KymoWhy { text: [1; KYMO_WHY_SIZE] }.words().starts_with("\u{1}\u{1}"));
    }

    #[test]
    fn each_code_has_words_that_end_in_nul() {
        for (place, (code, text)) in KymoError::ALL.into_iter().enumerate() {
            assert_eq!(usize::try_from(code as i32), Ok(place));
            assert_eq!(text.find('\0'), Some(text.len() - 1));
        }
        assert_eq!(kymo_error_text(-1).bytes().unwrap(), b"a code of a later version");
    }
}
