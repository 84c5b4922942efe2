//! Frames and lines, one by one.

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{Body, Data, ErrorCode, Frame, FrameHeader, Resume};
use serde_json::Value;

/// How somebody is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Binary,
    Json,
}

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Welcome,
    /// Whether it goes on where it was.
    Subscribed {
        resumed: bool,
    },
    Event {
        sequence: u64,
        topic: String,
        data: String,
    },
    Gap {
        first: u64,
        last: u64,
        count: u64,
    },
    Heartbeat,
    /// Every place is taken.
    Full,
}

impl Format {
    /// The size of the first message in `bytes`, if it is whole.
    pub fn size(self, bytes: &[u8]) -> Result<Option<usize>, String> {
        if self == Self::Json {
            return Ok(bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1));
        }
        if bytes.len() < HEADER_SIZE {
            return Ok(None);
        }
        let header = FrameHeader::parse(bytes).map_err(|error| error.to_string())?;
        let size = HEADER_SIZE + header.payload_size();
        Ok((bytes.len() >= size).then_some(size))
    }

    /// What a whole message says.
    pub fn told(self, message: &[u8]) -> Result<Told, String> {
        match self {
            Self::Binary => told_in_frame(message),
            Self::Json => told_in_line(message),
        }
    }
}

fn told_in_frame(message: &[u8]) -> Result<Told, String> {
    let frame = Frame::parse(message).map_err(|error| error.to_string())?;
    match frame.body {
        Body::Welcome(_) => Ok(Told::Welcome),
        Body::Subscribed(granted) => {
            Ok(Told::Subscribed { resumed: granted.resume() == Resume::Tail })
        }
        Body::Event(event) if !event.is_catchup() => {
            let Data::Json(data) = event.data() else { return Err("other data".into()) };
            let sequence = frame.header.sequence.get();
            Ok(Told::Event { sequence, topic: event.topic().into(), data: data.into() })
        }
        Body::Gap(gap) => {
            Ok(Told::Gap { first: gap.first.get(), last: gap.last.get(), count: gap.count.get() })
        }
        Body::Heartbeat(_) => Ok(Told::Heartbeat),
        Body::Error(error) if error.code() == Some(ErrorCode::Full) => Ok(Told::Full),
        _ => Err(format!("{:?}", frame.body)),
    }
}

fn told_in_line(message: &[u8]) -> Result<Told, String> {
    let line: Value = serde_json::from_slice(message)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(message)))?;
    let integer = |key: &str| line[key].as_u64().ok_or_else(|| line.to_string());
    match line["type"].as_str().unwrap_or_default() {
        "welcome" => Ok(Told::Welcome),
        "subscribed" => Ok(Told::Subscribed { resumed: line["resume"] == "tail" }),
        "event" if line.get("catchup").is_none() => Ok(Told::Event {
            sequence: integer("seq")?,
            topic: line["topic"].as_str().unwrap_or_default().into(),
            data: line["data"].to_string(),
        }),
        "gap" => Ok(Told::Gap {
            first: integer("first")?,
            last: integer("last")?,
            count: integer("count")?,
        }),
        "heartbeat" => Ok(Told::Heartbeat),
        "error" if line["code"] == "full" => Ok(Told::Full),
        _ => Err(line.to_string()),
    }
}
