//! What hostile clients say.

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Action, Data, EventFields, Hello, MAGIC, Request, Stamp, Subscribe, SubscribeOptions, VERSION,
};

use crate::attack::Scene;
use crate::common::request;

/// Every stream of the protocol.
pub const ALL_STREAMS: u16 = 0b1111;
/// Vitals alone.
pub const VITALS: u16 = 0b0001;
/// Events alone.
pub const EVENTS: u16 = 0b1000;

/// A frame whose header says that `payload_len` bytes follow, and `payload`.
pub fn frame(kind: u16, payload_len: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 + payload.len());
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&payload_len.to_le_bytes());
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.resize(32, 0);
    bytes.extend_from_slice(payload);
    bytes
}

/// One of a few, in turns.
pub fn of<T: Copy>(choices: &[T], number: u64) -> T {
    choices[usize::try_from(number % choices.len() as u64).unwrap()]
}

/// A hello.
pub fn hello() -> Vec<u8> {
    request::<Hello>(|hello| hello.set("hostile"))
}

/// Hello and a subscription.
pub fn subscription(streams: u16, hz: u32, every: bool, topics: &[&str]) -> Vec<u8> {
    resumption(streams, hz, every, topics, None)
}

/// The same with a token: an epoch in hexadecimal and an event.
pub fn resumption(
    streams: u16,
    hz: u32,
    every: bool,
    topics: &[&str],
    token: Option<(&str, u64)>,
) -> Vec<u8> {
    let mut fixed = SubscribeFixed::default();
    fixed.rate_mhz.set(hz * 1000);
    fixed.streams.set(streams);
    fixed.options.set(SubscribeOptions { every, resume: token.is_some() }.bits());
    if let Some((epoch, events)) = token {
        fixed.epoch = u128::from_str_radix(epoch, 16).unwrap_or_default().to_be_bytes();
        fixed.events.set(events);
    }
    let mut bytes = vec![0; 2048];
    let size = Subscribe::emit(&mut bytes, Stamp { boot_ns: 0 }, &fixed, topics, &[]).unwrap();
    bytes.truncate(size);
    [hello(), bytes].concat()
}

/// A request that submits an event of `size` bytes of data about `topic`.
pub fn submit(topic: &str, size: usize) -> Vec<u8> {
    let data = "x".repeat(size);
    let event = format!("{{\"topic\":\"{topic}\",\"data\":\"{data}\"}}");
    format!("{{\"action\":\"submit\",\"event\":{event}}}\n").into_bytes()
}

/// The same as a frame.
pub fn submit_frame(topic: &str) -> Vec<u8> {
    let mut event = vec![0; 512];
    let size = EventFields::custom(topic, Data::Json("1")).write(&mut event).unwrap();
    let mut bytes = vec![0; 1024];
    let size = Request::emit(&mut bytes, 1, Action::Submit, None, None, &event[..size]).unwrap();
    bytes.truncate(size);
    bytes
}

/// A request without more than its action.
pub fn action(name: &str) -> Vec<u8> {
    format!("{{\"action\":\"{name}\"}}\n").into_bytes()
}

/// Bytes without any sense.
pub fn noise(scene: &Scene, number: u64) -> Vec<u8> {
    let mut random = crate::random::Random::new(scene.salt ^ number);
    (0..512).flat_map(|_| random.next().to_le_bytes()).collect()
}
