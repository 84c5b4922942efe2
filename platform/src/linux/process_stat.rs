//! One process, from `/proc/PID/stat`.
//!
//! The name stands in parentheses and may hold anything, parentheses and blanks included; so it
//! ends with the last one. Times are ticks of 1/100 s, memory is counted in pages.

use super::text::{number, signed, words};

/// Behind the name: the state is number 0.
const USER_TIME: usize = 11;
/// Behind the user's and the system's time.
const START_TIME: usize = 19 - USER_TIME - 2;

/// What is taken of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat<'t> {
    /// As the kernel has it: any bytes.
    pub name: &'t [u8],
    /// The kernel's letter.
    pub state: u8,
    /// On CPUs, in ticks.
    pub busy: u64,
    /// After boot, in ticks.
    pub start: u64,
    /// Resident.
    pub pages: u64,
}

/// Takes a process from the text of its file.
pub fn parse(text: &[u8]) -> Option<ProcessStat<'_>> {
    let begin = text.iter().position(|byte| *byte == b'(')?;
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let name = text.get(begin + 1..end)?;
    let mut words = words(text.get(end + 1..)?.trim_ascii_end());
    let [state] = words.next()? else { return None };
    let user = number(words.nth(USER_TIME - 1)?)?;
    let busy = user.checked_add(number(words.next()?)?)?;
    let start = number(words.nth(START_TIME)?)?;
    // The kernel's sum over CPUs may be below 0 for a moment.
    let pages = u64::try_from(signed(words.nth(1)?)?).unwrap_or(0);
    Some(ProcessStat { name, state: *state, busy, start, pages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REST: &str = "S 1 1 1 0 -1 4194560 100 200 3 4 15 27 5 6 20 0 1 0 777 12345678 250 0 0";

    #[test]
    fn real_texts() {
        let ours = format!("42 (systemd) {REST}\n");
        let expected =
            ProcessStat { name: b"systemd", state: b'S', busy: 42, start: 777, pages: 250 };
        assert_eq!(parse(ours.as_bytes()), Some(expected));
        for name in ["a) R (b", "", ")", "((", "kworker/u8:1-ev \u{1b}[31m", "Web Content"] {
            let text = format!("42 ({name}) {REST}\n");
            assert_eq!(
                parse(text.as_bytes()),
                Some(ProcessStat { name: name.as_bytes(), ..expected })
            );
        }
        let text = ours.replace(" 250 ", " -3 ");
        assert_eq!(parse(text.as_bytes()).map(|stat| stat.pages), Some(0));
    }

    #[test]
    fn this_process_is_what_it_is() {
        let text = std::fs::read("/proc/self/stat").unwrap();
        let stat = parse(&text).unwrap();
        assert!(stat.state.is_ascii_uppercase());
        assert!(stat.pages > 100 && stat.start > 0);
    }

    #[test]
    fn what_the_kernel_does_not_write_is_nothing() {
        for text in ["", "()", ")(", "1 (a)", "1 (a) S 1", "1 (a) SS 1", &format!("1 a {REST}")] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(format!("1 (a) {}", REST.replace("15", "x")).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9() a-z\n]{0,30}",
        ) {
            let mut text = format!("42 (systemd) {REST}\n").into_bytes();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }
    }
}
