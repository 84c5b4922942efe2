//! The one line a subscriber may send.
//!
//! ```json
//! {"subscribe":["vitals","events"],"rate_hz":10,"topics":["build.*"],"groups":["cpu"],
//!  "every":false,"resume":{"epoch":"0123456789abcdef0123456789abcdef","events":41}}
//! ```
//!
//! Only `subscribe` is required. Unknown and repeated keys are refused, because a misspelt filter
//! would otherwise deliver everything.

use crate::groups::Groups;
use crate::header::StreamId;
use crate::json::object::{expect, member, next};
use crate::json::read::{JsonError, JsonFault, Reader, Token};
use crate::json::text::Text;
use crate::limits::{FILTER_TEXT_MAX, RATE_MHZ_MAX};
use crate::subscribe::{Streams, SubscribeOptions};
use crate::text::parse_float;

/// What a subscribe line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// The streams this protocol knows among those named.
    pub streams: Streams,
    /// Whether a stream was named that this protocol does not know.
    pub unknown_stream: bool,
    /// Wished rate in thousandths of a hertz; 0 for the server's default. Wishes above what any
    /// server grants are cut to that.
    pub rate_mhz: u32,
    /// How to serve it.
    pub options: SubscribeOptions,
    /// Epoch of the resume token.
    pub epoch: [u8; 16],
    /// Last event the client has.
    pub events: u64,
    /// Patterns of event topics, each ended by a newline; none for all.
    pub topics: heapless::Vec<u8, FILTER_TEXT_MAX>,
    /// Groups of sensors.
    pub groups: Groups,
}

/// Reads a subscribe line, without its newline.
///
/// # Errors
///
/// A [`JsonError`] that says what is wrong and after how many bytes.
pub fn parse_subscribe(line: &[u8]) -> Result<SubscribeRequest, JsonError> {
    const KEYS: [&str; 6] = ["subscribe", "rate_hz", "topics", "groups", "every", "resume"];
    let mut request = SubscribeRequest::default();
    let mut seen = 0u32;
    let mut filter_size = 0;
    let mut reader = Reader::new(line)?;
    expect(&mut reader, Token::ObjectStart)?;
    while let Some(key) = member(&mut reader, &KEYS, &mut seen)? {
        match key {
            0 => strings(&mut reader, |name| {
                let known = StreamId::ALL_NAMED.into_iter().find(|(_, text)| name.is(text));
                match known {
                    Some((stream, _)) => request.streams = request.streams.with(stream),
                    None => request.unknown_stream = true,
                }
            })?,
            1 => request.rate_mhz = rate(&mut reader)?,
            2 => filter_size += patterns(&mut reader, &mut request.topics)?,
            3 => {
                // Room that topics take up is room that groups can't have.
                let start = request.topics.len();
                filter_size += patterns(&mut reader, &mut request.topics)?;
                let text = request.topics.get(start..).unwrap_or_default();
                request.groups = Groups::wanted(text);
                request.topics.truncate(start);
            }
            4 => match next(&mut reader)? {
                Token::Bool(every) => request.options.every = every,
                _ => return Err(reader.error(JsonFault::Value)),
            },
            _ => resume(&mut reader, &mut request)?,
        }
    }
    if seen & 1 == 0 {
        return Err(reader.error(JsonFault::Key));
    }
    if filter_size > FILTER_TEXT_MAX {
        return Err(reader.error(JsonFault::Value));
    }
    match reader.next_token()? {
        None => Ok(request),
        Some(_) => Err(reader.error(JsonFault::Trailing)),
    }
}

fn resume(reader: &mut Reader<'_>, request: &mut SubscribeRequest) -> Result<(), JsonError> {
    let mut seen = 0;
    expect(reader, Token::ObjectStart)?;
    while let Some(key) = member(reader, &["epoch", "events"], &mut seen)? {
        match (key, next(reader)?) {
            (0, Token::String(text)) => {
                request.epoch = hex(text).ok_or(reader.error(JsonFault::Value))?;
            }
            (1, Token::Number(text)) => {
                request.events = text.parse().map_err(|_| reader.error(JsonFault::Value))?;
            }
            _ => return Err(reader.error(JsonFault::Value)),
        }
    }
    request.options.resume = true;
    if seen == 0b11 { Ok(()) } else { Err(reader.error(JsonFault::Key)) }
}

fn strings(reader: &mut Reader<'_>, mut take: impl FnMut(Text<'_>)) -> Result<(), JsonError> {
    expect(reader, Token::ArrayStart)?;
    loop {
        match next(reader)? {
            Token::ArrayEnd => return Ok(()),
            Token::String(text) => take(text),
            _ => return Err(reader.error(JsonFault::Value)),
        }
    }
}

/// Reads a list of patterns and returns the bytes they take up in a subscribe frame, which is where
/// their limits come from: each is ended by a newline there, so none holds one. Keeps those that
/// there is room for.
fn patterns(
    reader: &mut Reader<'_>,
    kept: &mut heapless::Vec<u8, FILTER_TEXT_MAX>,
) -> Result<usize, JsonError> {
    let (mut size, mut whole) = (0, true);
    strings(reader, |pattern| {
        let (mut len, mut newline) = (0, false);
        let mut keep = |char: char| {
            // Too much is refused by its size.
            let _ = kept.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        };
        for char in pattern.chars() {
            len += char.len_utf8();
            newline |= char == '\n';
            keep(char);
        }
        keep('\n');
        whole &= len > 0 && !newline;
        size += len + 1;
    })?;
    if whole { Ok(size) } else { Err(reader.error(JsonFault::Value)) }
}

fn rate(reader: &mut Reader<'_>) -> Result<u32, JsonError> {
    let Token::Number(text) = next(reader)? else {
        return Err(reader.error(JsonFault::Value));
    };
    let hz = parse_float(text).ok_or_else(|| reader.error(JsonFault::Value))?;
    if !(hz > 0.0 && hz.is_finite()) {
        return Err(reader.error(JsonFault::Value));
    }
    // The half rounds: 1.001 Hz times 1000 is a little less than 1001.
    let mhz = (hz * 1000.0 + 0.5).clamp(1.0, f64::from(RATE_MHZ_MAX));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped above
    Ok(mhz as u32)
}

fn hex(text: Text<'_>) -> Option<[u8; 16]> {
    let mut digits =
        text.chars().map(|digit| digit.to_digit(16).and_then(|d| u8::try_from(d).ok()));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_is_understood() {
        let line = br#"{"subscribe":["vitals","events"],"rate_hz":10.5,"topics":["build.*"],
            "groups":["cpu"],"every":true,
            "resume":{"epoch":"000102030405060708090a0b0c0d0e0f","events":41}}"#;
        let request = parse_subscribe(line).unwrap();
        assert_eq!(request.streams.0, 0b1001);
        assert_eq!(request.rate_mhz, 10_500);
        assert!(request.options.every && request.options.resume);
        assert_eq!(request.epoch, core::array::from_fn(|index| u8::try_from(index).unwrap()));
        assert_eq!(request.events, 41);
    }

    #[test]
    fn the_shortest_line_is_enough() {
        let request = parse_subscribe(br#"{"subscribe":["vitals"]}"#).unwrap();
        assert_eq!(request, SubscribeRequest { streams: Streams(1), ..Default::default() });
        assert!(parse_subscribe(br#"{"subscribe":["other"]}"#).unwrap().unknown_stream);
        // An escaped name is the same name.
        assert_eq!(parse_subscribe(br#"{"subscri\u0062e":["vit\u0061ls"]}"#).unwrap().streams.0, 1);
    }

    #[test]
    fn rates_are_clamped_and_absurd_ones_refused() {
        let rate = |text: &str| {
            let mut line = heapless::String::<64>::new();
            for part in ["{\"subscribe\":[],\"rate_hz\":", text, "}"] {
                line.push_str(part).unwrap();
            }
            parse_subscribe(line.as_bytes()).map(|request| request.rate_mhz)
        };
        assert_eq!(rate("1e300"), Ok(RATE_MHZ_MAX));
        assert_eq!(rate("0.00001"), Ok(1));
        // The nearest thousandth, not the one below.
        assert_eq!(rate("1.001"), Ok(1001));
        assert_eq!(rate("0.1"), Ok(100));
        assert_eq!(rate("33.333333"), Ok(33_333));
        assert_eq!(rate("1e3"), Ok(RATE_MHZ_MAX));
        for bad in ["0", "-1", "1e999", "\"10\"", "null", "[]"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_of_topics_and_groups_share_the_room_of_a_frame() {
        // Each takes its bytes and an end.
        for (topics, groups, fits) in [
            (FILTER_TEXT_MAX - 1, 0, true),
            (FILTER_TEXT_MAX, 0, false),
            (0, FILTER_TEXT_MAX - 1, true),
            (0, FILTER_TEXT_MAX, false),
            (100, FILTER_TEXT_MAX - 102, true),
            (100, FILTER_TEXT_MAX - 101, false),
        ] {
            let mut line = heapless::String::<{ 2 * FILTER_TEXT_MAX }>::new();
            line.push_str("{\"subscribe\":[]").unwrap();
            for (key, size) in [("topics", topics), ("groups", groups)] {
                if size > 0 {
                    for part in [",\"", key, "\":[\""] {
                        line.push_str(part).unwrap();
                    }
                    (0..size).for_each(|_| line.push('a').unwrap());
                    line.push_str("\"]").unwrap();
                }
            }
            line.push('}').unwrap();
            let parsed = parse_subscribe(line.as_bytes()).map_err(|error| error.fault);
            assert_eq!(parsed.is_ok(), fits, "{topics} and {groups}");
        }
    }

    #[test]
    fn an_epoch_is_read_digit_by_digit() {
        let line =
            br#"{"subscribe":[],"resume":{"epoch":"f0e1d2c3b4a5968778695a4b3c2d1e0f","events":0}}"#;
        let expected = core::array::from_fn(|index| 0xF0 - 15 * u8::try_from(index).unwrap());
        assert_eq!(parse_subscribe(line).unwrap().epoch, expected);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let fault = |line: &[u8]| parse_subscribe(line).map_err(|e| (e.fault, e.at)).err();
        assert_eq!(fault(b""), Some((JsonFault::End, 0)));
        assert_eq!(fault(b"hello"), Some((JsonFault::Character, 0)));
        assert_eq!(fault(b"{}"), Some((JsonFault::Key, 2)));
        assert_eq!(fault(b"[1]"), Some((JsonFault::Value, 1)));
        assert_eq!(fault(br#"{"subscribe":["vitals"]} x"#), Some((JsonFault::Trailing, 25)));
        assert_eq!(fault(br#"{"subscribe":["vitals",]}"#), Some((JsonFault::Character, 23)));
        assert_eq!(fault(br#"{"subscribe":[],"subscribe":[]}"#), Some((JsonFault::Key, 28)));
        assert_eq!(fault(br#"{"subscribe":[],"rate":1}"#), Some((JsonFault::Key, 23)));
        assert_eq!(fault(b"{\"subscribe\":[\"\xff\"]}"), Some((JsonFault::Utf8, 15)));
        assert_eq!(fault(&[b'['; 100]).map(|(fault, _)| fault), Some(JsonFault::Value));
        assert_eq!(fault(br#"{"subscribe":[],"resume":{}}"#).map(|f| f.0), Some(JsonFault::Key));
        assert_eq!(fault(br#"{"subscribe":[],"topics":[""]}"#), Some((JsonFault::Value, 29)));
        assert_eq!(fault(br#"{"subscribe":[],"groups":["\n"]}"#), Some((JsonFault::Value, 31)));
        let deep = br#"{"subscribe":[],"topics":[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]}"#;
        assert_eq!(fault(deep).map(|f| f.0), Some(JsonFault::Value));
    }
}
