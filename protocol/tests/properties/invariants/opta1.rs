//! A version-1 message that decodes is, byte for byte, what its fields written again give; and
//! every shorter piece of it asks for more.

use kymo_protocol::opta1::{MESSAGE_MAX, decode};
use zerocopy::IntoBytes;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(Some((message, size))) = decode(bytes) else { return };
    assert!(size <= MESSAGE_MAX && size <= bytes.len());
    let mut payload = message.head.as_bytes().to_vec();
    payload.push(u8::try_from(message.processes.len()).expect("at most ten"));
    for process in &message.processes {
        payload.extend(process.pid.to_le_bytes());
        payload.push(u8::try_from(process.name.len()).expect("at most 64"));
        payload.extend(process.name.bytes());
        payload.extend(process.cpu.to_bits().to_le_bytes());
        payload.extend(process.memory_mb.to_bits().to_le_bytes());
    }
    payload.push(u8::try_from(message.fans.len()).expect("at most four"));
    for fan in &message.fans {
        payload.extend(fan.to_le_bytes());
    }
    let len = u32::try_from(payload.len()).expect("bounded above");
    let mut again = (len + 12).to_le_bytes().to_vec();
    again.extend(b"ATPO\x01\0\0\0");
    again.extend(len.to_le_bytes());
    again.extend(payload);
    assert!(again == bytes[..size], "writing it again gives other bytes");
    for short in 0..size {
        assert!(matches!(decode(&bytes[..short]), Ok(None)), "{short} of {size} bytes");
    }
}
