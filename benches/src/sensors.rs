//! The floor's samples: ready-made frames, as large as kymo's for the sensors of this machine.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use kymo_platform::{Roots, this_machine_sources};
use kymo_protocol::{Group, Groups, Samples, SamplesOf, Stamp, State};
use nix::sys::socket::{MsgFlags, send};

use crate::Outcome;

/// Sensors in a frame, as kymo parts its groups.
const PART: usize = 192;

/// Frames of each group that this machine has.
#[derive(Debug)]
pub struct Sensors {
    groups: Vec<(Group, Vec<Vec<u8>>)>,
    /// What is sent at once.
    bytes: Vec<u8>,
}

impl Sensors {
    /// Counts the sensors of this machine.
    ///
    /// # Errors
    ///
    /// Never in fact.
    pub fn new() -> Outcome<Self> {
        let mut counts = [0; Group::ALL.len()];
        for mut source in this_machine_sources(&Roots::default()) {
            let mut count = 0;
            source.scan(&mut |_| count += 1);
            counts[source.spec().group as usize - 1] += count;
        }
        let mut groups = Vec::new();
        for (group, count) in Group::ALL.into_iter().zip(counts) {
            let parts: usize = usize::div_ceil(count, PART);
            let mut frames = Vec::new();
            for part in 0..parts {
                let of = SamplesOf {
                    topology: 1,
                    group,
                    part: u8::try_from(part + 1)?,
                    parts: u8::try_from(parts)?,
                };
                let count = (count - part * PART).min(PART);
                let mut frame = vec![0; Samples::frame_size(count)];
                let (samples, _) = Samples::emit(&mut frame, 1, Stamp { boot_ns: 0 }, of, count)?;
                for (sample, id) in samples.iter_mut().zip(1..) {
                    sample.set(id, State::Ok, 0, 1.5);
                }
                frames.push(frame);
            }
            groups.push((group, frames));
        }
        Ok(Self { groups, bytes: Vec::new() })
    }

    /// Sends each of `peers` the frames of `groups`, behind one another.
    pub fn send(&mut self, groups: Groups, boot_ns: u64, peers: &[UnixStream]) {
        self.bytes.clear();
        for (_, frames) in self.groups.iter_mut().filter(|(group, _)| groups.contains(*group)) {
            for frame in frames {
                frame[24..32].copy_from_slice(&boot_ns.to_le_bytes());
                self.bytes.extend_from_slice(frame);
            }
        }
        if self.bytes.is_empty() {
            return;
        }
        for peer in peers {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            let _ = send(peer.as_raw_fd(), &self.bytes, flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Body, Decoder};
    use std::io::Read;

    #[test]
    fn a_group_s_frames_come_in_one_piece() {
        let mut sensors = Sensors::new().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        sensors.send(Groups::wanted(b"memory\ndisk\n"), 7, &[ours]);
        let mut decoder = Decoder::<16384>::new();
        let size = theirs.read(decoder.space()).unwrap();
        decoder.filled(size);
        let mut groups = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            let Body::Samples(samples) = frame.body else { panic!("kind") };
            groups.push(samples.of().group);
        }
        assert_eq!(groups.first(), Some(&Group::Memory));
    }
}
