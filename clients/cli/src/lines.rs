//! Vitals as JSON Lines: what the daemon wrote, and nothing else.

use std::io::Write;

use kymo_protocol::json::{Reader, Token};
use kymo_protocol::{Body, ErrorCode, ErrorReport, Frame, Payload};

use crate::clean::{clean, clean_json};
use crate::failure::Ending;
use crate::link::{Link, Received};
use crate::tell;

/// A line longer than this has no end.
const LINE_MAX: usize = 1 << 20;

/// Where the lines go.
#[derive(Debug)]
pub struct Lines<W> {
    /// Standard output, unless a test says otherwise.
    pub output: W,
    /// Whether it is a terminal, which would act on control characters.
    pub is_terminal: bool,
    /// Lines still to be printed; `None` for no end.
    pub left: Option<u64>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Something to print.
    Frame,
    /// Something that only the connection needs.
    Other,
    /// The daemon will close, for this reason.
    Goodbye(String),
    /// The daemon does not want to go on with us: why, and the code for it.
    Error(String, String),
}

impl<W: Write> Lines<W> {
    /// Prints what comes over `link` until something ends it.
    pub fn follow(&mut self, link: &mut Link, rate_mhz: Option<u32>) -> Ending {
        // A daemon that takes no one more may have closed already; its reason can still be read.
        let _ = link.send(request(rate_mhz).as_bytes());
        let mut pending = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let size = match link.receive(&mut chunk) {
                Ok(Received::OutputClosed) => return Ending::Done,
                Ok(Received::Bytes(0)) => return Ending::Lost("the connection ended".into()),
                Ok(Received::Bytes(size)) => size,
                Err(error) => return Ending::Lost(error.to_string()),
            };
            pending.extend_from_slice(&chunk[..size]);
            if let Some(ending) = refusal(&pending).or_else(|| self.print_whole(&mut pending)) {
                return ending;
            }
            if pending.len() > LINE_MAX {
                return Ending::Lost("it sent a line without an end".into());
            }
        }
    }

    /// Prints the whole lines of `pending` and removes them.
    fn print_whole(&mut self, pending: &mut Vec<u8>) -> Option<Ending> {
        let mut text = String::new();
        let mut ending = None;
        let mut rest = &pending[..];
        while let (Some(end), None) = (rest.iter().position(|byte| *byte == b'\n'), &ending) {
            let (line, behind) = rest.split_at(end + 1);
            ending = self.take(line, &mut text);
            rest = behind;
        }
        let left = rest.len();
        pending.drain(..pending.len() - left);
        // Everything that came at once goes at once.
        let printed = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
        match printed {
            Ok(()) => ending,
            Err(error) => Some(Ending::of_output(&error)),
        }
    }

    /// Handles one line, newline included.
    fn take(&mut self, line: &[u8], text: &mut String) -> Option<Ending> {
        let (Some(said), Ok(line)) = (read(line), str::from_utf8(line)) else {
            return Some(Ending::Lost("it sent a line that is not JSON".into()));
        };
        match said {
            Said::Other => {}
            Said::Goodbye(reason) => tell(format_args!("the daemon says goodbye: {reason}")),
            Said::Error(text, code) => return Some(Ending::of_error(text.chars(), code.chars())),
            Said::Frame => {
                if self.is_terminal {
                    text.push_str(&clean_json(line.trim_end_matches(['\r', '\n'])));
                    text.push('\n');
                } else {
                    text.push_str(line);
                }
                let left = self.left.as_mut()?;
                *left = left.saturating_sub(1);
                return (*left == 0).then_some(Ending::Done);
            }
        }
        None
    }
}

fn request(rate_mhz: Option<u32>) -> String {
    match rate_mhz {
        Some(mhz) => {
            let hz = f64::from(mhz) / 1000.0;
            format!("{{\"subscribe\":[\"vitals\"],\"rate_hz\":{hz}}}\n")
        }
        None => "{\"subscribe\":[\"vitals\"]}\n".into(),
    }
}

/// What a daemon says that turns clients away before they can choose how to be talked to.
fn refusal(bytes: &[u8]) -> Option<Ending> {
    let frame = Frame::parse(bytes.get(..ErrorReport::FRAME_SIZE)?).ok()?;
    let Body::Error(report) = frame.body else { return None };
    let code = report.code().map_or("unknown", ErrorCode::name);
    Some(Ending::of_error(report.text().chars(), code.chars()))
}

/// What a line says; `None` when it is not a JSON object.
fn read(line: &[u8]) -> Option<Said> {
    let mut reader = Reader::new(line).ok()?;
    let mut words = [const { String::new() }; 4];
    const KEYS: [&str; 4] = ["type", "reason", "code", "error"];
    if reader.next_token().ok()?? != Token::ObjectStart {
        return None;
    }
    while let Token::Key(key) = reader.next_token().ok()?? {
        let wanted = KEYS.iter().position(|name| key.is(name));
        match (reader.next_token().ok()??, wanted) {
            (Token::String(text), Some(index)) => words[index] = clean(text.chars()),
            (value, _) => reader.skip_value(value).ok()?,
        }
    }
    // Nothing may follow the object.
    reader.next_token().ok()?.is_none().then_some(())?;
    let [kind, reason, code, error] = words;
    Some(match kind.as_str() {
        "vitals" | "gap" | "event" => Said::Frame,
        "goodbye" => Said::Goodbye(reason),
        "error" => Said::Error(error, code),
        _ => Said::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(left: Option<u64>) -> Lines<Vec<u8>> {
        Lines { output: Vec::new(), is_terminal: false, left }
    }

    #[test]
    fn requests_are_subscribe_lines() {
        use kymo_protocol::json::parse_subscribe;
        for (mhz, expected) in [(None, 0), (Some(100), 100), (Some(12_345), 12_345)] {
            let line = request(mhz);
            assert_eq!(parse_subscribe(line.as_bytes()).unwrap().rate_mhz, expected, "{line}");
        }
    }

    #[test]
    fn lines_are_told_apart() {
        assert_eq!(
            read(b"{\"type\":\"vitals\",\"load\":[1,{\"type\":\"x\"}]}\n"),
            Some(Said::Frame)
        );
        assert_eq!(read(b"{\"seq\":1,\"type\":\"gap\"}\r\n"), Some(Said::Frame));
        assert_eq!(read(b"{\"type\":\"heartbeat\"}\n"), Some(Said::Other));
        assert_eq!(read(b"{\"type\":\"novelty\"}\n"), Some(Said::Other));
        let goodbye = read(b"{\"type\":\"goodbye\",\"reason\":\"a\\u001b[2J\"}\n");
        assert_eq!(goodbye, Some(Said::Goodbye("a�[2J".into())));
        let error = read(b"{\"type\":\"error\",\"code\":\"full\",\"error\":\"no room\"}\n");
        assert_eq!(error, Some(Said::Error("no room".into(), "full".into())));
        for bad in [&b"\n"[..], b"[]\n", b"{}x\n", b"{\"a\":\"\x1b\"}\n", b"\xFF\n", b"{\"a\":"] {
            assert_eq!(read(bad), None);
        }
    }

    #[test]
    fn whole_lines_are_printed_as_they_came() {
        let mut lines = lines(Some(3));
        let mut pending =
            b"{\"type\":\"welcome\"}\n{\"type\":\"vitals\", \"seq\":1}\n{\"type".to_vec();
        assert_eq!(lines.print_whole(&mut pending), None);
        assert_eq!(
            (&lines.output[..], &pending[..]),
            (&b"{\"type\":\"vitals\", \"seq\":1}\n"[..], &b"{\"type"[..])
        );
        pending.extend_from_slice(b"\":\"gap\"}\n{\"type\":\"event\"}\n{\"type\":\"event\"}\n");
        assert_eq!(lines.print_whole(&mut pending), Some(Ending::Done));
        assert!(lines.output.ends_with(b"1}\n{\"type\":\"gap\"}\n{\"type\":\"event\"}\n"));
        assert_eq!((lines.left, pending.len()), (Some(0), 17));
    }

    #[test]
    fn what_ends_it_is_told() {
        let lost = lines(None).print_whole(&mut b"{\"type\":\"vitals\"}\nnonsense\n".to_vec());
        assert_eq!(lost, Some(Ending::Lost("it sent a line that is not JSON".into())));
        let failed = lines(None).print_whole(&mut b"{\"type\":\"error\"}\n".to_vec());
        assert!(matches!(failed, Some(Ending::Failed(failure)) if failure.code == 1));
    }

    #[test]
    fn a_refusal_may_be_a_frame() {
        let mut bytes = vec![0; ErrorReport::FRAME_SIZE];
        let stamp = kymo_protocol::Stamp { boot_ns: 0 };
        let at = kymo_protocol::Position::NONE;
        let (report, _) = kymo_protocol::emit::<ErrorReport>(&mut bytes, at, stamp).unwrap();
        report.set(ErrorCode::Full, "no room\n");
        assert_eq!(refusal(&bytes), Some(Ending::of_error("no room\n".chars(), "full".chars())));
        assert_eq!(refusal(&bytes[..159]), None);
        assert_eq!(refusal(&[b'{'; 160]), None);
    }

    #[test]
    fn terminals_get_no_control_characters() {
        let mut lines = Lines { is_terminal: true, ..lines(None) };
        let mut pending = "{\"type\":\"event\",\"a\":\"\u{9b}2J\"}\r\n".as_bytes().to_vec();
        assert_eq!(lines.print_whole(&mut pending), None);
        assert_eq!(lines.output, b"{\"type\":\"event\",\"a\":\"\\u009b2J\"}\n");
    }
}
