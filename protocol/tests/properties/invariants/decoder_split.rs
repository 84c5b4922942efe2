//! However a stream is cut into reads, the decoder finds the frames, and the error behind them,
//! that somebody finds who has the whole stream before them. The first byte chooses the cuts.

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{Decoder, Frame, FrameError, FrameHeader, FrameKind};

const SIZE: usize = 512;

type Found = (Vec<Vec<u8>>, Option<FrameError>);

pub(crate) fn check(data: &[u8]) {
    let Some((cuts, stream)) = data.split_first() else { return };
    let expected = whole(stream);
    let mut random = u32::from(*cuts);
    let few = |_| 1;
    let many = |_| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as usize + 1
    };
    assert_eq!(decoded(stream, few), expected);
    assert_eq!(decoded(stream, many), expected);
    assert_eq!(decoded(stream, |room| room), expected);
}

/// The frames of `stream` by the rules of the specification, without a buffer.
fn whole(stream: &[u8]) -> Found {
    let (mut frames, mut rest) = (Vec::new(), stream);
    loop {
        let header = match FrameHeader::parse(rest) {
            Ok(header) => header,
            Err(FrameError::Short) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        };
        let size = HEADER_SIZE + header.payload_size();
        let known = FrameKind::from_number(header.kind.get()).is_some();
        if known && size > SIZE {
            return (frames, Some(FrameError::Length));
        }
        let Some((bytes, after)) = rest.split_at_checked(size) else { return (frames, None) };
        match Frame::parse(bytes) {
            Ok(_) if known => frames.push(bytes.to_vec()),
            Ok(_) => {}
            Err(error) => return (frames, Some(error)),
        }
        rest = after;
    }
}

/// The frames of `stream` when each read brings as many bytes as `cut` says, at most.
pub(crate) fn decoded(stream: &[u8], mut cut: impl FnMut(usize) -> usize) -> Found {
    let (mut frames, mut rest) = (Vec::new(), stream);
    let mut decoder = Decoder::<SIZE>::new();
    loop {
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(bytes_of(&frame)),
                Ok(None) => break,
                Err(error) => {
                    assert!(decoder.next_frame().err() == Some(error), "errors are final");
                    return (frames, Some(error));
                }
            }
        }
        if rest.is_empty() {
            return (frames, None);
        }
        let space = decoder.space();
        let count = cut(space.len()).min(space.len()).min(rest.len());
        assert!(count > 0, "no space left and no frame found");
        let (read, after) = rest.split_at(count);
        space[..count].copy_from_slice(read);
        decoder.filled(count);
        rest = after;
    }
}

fn bytes_of(frame: &Frame<'_>) -> Vec<u8> {
    use kymo_protocol::Body;
    use zerocopy::IntoBytes;
    let payload = match frame.body {
        Body::Hello(payload) => payload.as_bytes(),
        Body::Welcome(payload) => payload.as_bytes(),
        Body::Subscribe(payload) => payload.as_bytes(),
        Body::Subscribed(payload) => payload.as_bytes(),
        Body::Gap(payload) => payload.as_bytes(),
        Body::Heartbeat(payload) => payload.as_bytes(),
        Body::Goodbye(payload) => payload.as_bytes(),
        Body::Error(payload) => payload.as_bytes(),
        Body::Request(payload) => payload.as_bytes(),
        Body::Reply(payload) => payload.as_bytes(),
        Body::Vitals(payload) => payload.as_bytes(),
        Body::Catalog(payload) => payload.as_bytes(),
        Body::Samples(payload) => payload.as_bytes(),
        Body::Processes(payload) => payload.as_bytes(),
        Body::Event(payload) => payload.as_bytes(),
        _ => unreachable!("the decoder skips unknown kinds"),
    };
    [frame.header.as_bytes(), payload].concat()
}
