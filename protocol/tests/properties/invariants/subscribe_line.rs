//! A subscribe line that is understood is an object of known keys to serde_json as well, asks for
//! the same there, and asks for the same again when it is written from a frame.

use kymo_protocol::json::{ClockMap, LineOptions, SubscribeRequest, parse_subscribe, write_line};
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Frame, FrameError, Group, Groups, Stamp, StreamId, Subscribe};
use serde_json::Value;

pub(crate) fn check(line: &[u8]) {
    let request = match parse_subscribe(line) {
        Ok(request) => request,
        Err(error) => return assert!(error.at <= line.len()),
    };
    // Beside what serde_json refuses and the reader does not.
    if let Ok(Some(_)) = super::json_reader::read(line) {
        same_as_model(line, &request);
    }
    let again = SubscribeRequest { unknown_stream: false, ..request };
    // Group by group, patterns may be longer than they were.
    if let Some(line) = written(&again) {
        assert_eq!(parse_subscribe(&line), Ok(again));
    }
}

fn same_as_model(line: &[u8], request: &SubscribeRequest) {
    let value: Value = serde_json::from_slice(line).expect("JSON");
    let members = value.as_object().expect("an object");
    const KEYS: [&str; 6] = ["subscribe", "rate_hz", "topics", "groups", "every", "resume"];
    assert!(members.keys().all(|key| KEYS.contains(&key.as_str())));
    let named = |name: &str| {
        let list = members["subscribe"].as_array().expect("a list");
        list.iter().any(|stream| stream.as_str() == Some(name))
    };
    for (stream, name) in StreamId::ALL_NAMED {
        assert_eq!(request.streams.contains(stream), named(name));
    }
    let rate_hz = members.get("rate_hz").map_or(0.0, |rate| rate.as_f64().expect("a number"));
    let told_hz = f64::from(request.rate_mhz) / 1000.0;
    assert!((rate_hz - told_hz).abs() <= 0.0011 || rate_hz > 1000.0, "{rate_hz} {told_hz}");
    assert_eq!(request.options.every, members.get("every") == Some(&Value::Bool(true)));
    assert_eq!(request.options.resume, members.contains_key("resume"));
    let groups = members.get("groups").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let groups: Vec<&str> = groups.iter().map(|group| group.as_str().expect("text")).collect();
    if groups.iter().all(|group| !group.contains('*')) {
        for group in Group::ALL {
            let is_wanted = groups.is_empty() || groups.contains(&group.name());
            assert_eq!(request.groups.contains(group), is_wanted, "{groups:?}");
        }
    }
    if let Some(resume) = members.get("resume") {
        assert_eq!(resume["events"].as_u64(), Some(request.events));
    }
}

fn written(request: &SubscribeRequest) -> Option<Vec<u8>> {
    let mut fixed = SubscribeFixed::default();
    fixed.rate_mhz.set(request.rate_mhz);
    fixed.streams.set(request.streams.0);
    fixed.options.set(request.options.bits());
    (fixed.epoch, fixed.events) = (request.epoch, request.events.into());
    let topics = std::str::from_utf8(&request.topics).expect("patterns are text");
    let topics: Vec<&str> = topics.split_terminator('\n').collect();
    let wanted = Group::ALL.into_iter().filter(|group| request.groups.contains(*group));
    let groups: Vec<&str> = match request.groups {
        Groups::ALL => vec![],
        Groups(0) => vec!["no group"],
        _ => wanted.map(Group::name).collect(),
    };
    let mut bytes = [0; FRAME_MAX];
    let stamp = Stamp { boot_ns: 0 };
    let size = match Subscribe::emit(&mut bytes, stamp, &fixed, &topics, &groups) {
        Err(FrameError::Length) if !groups.is_empty() => return None,
        size => size.expect("fits"),
    };
    let frame = Frame::parse(&bytes[..size]).expect("a frame");
    // A pattern's byte may become six.
    let mut line = vec![0; 8 * 1024];
    let options = LineOptions::default();
    let size = write_line(&mut line, &frame, ClockMap::default(), options).expect("room enough");
    line.truncate(size);
    Some(line)
}
