//! The ring is a buffer each byte of which belongs to the frame that was written there last: what
//! it has, what it gives in one run and what it lets go is what a map of those bytes says.

use kymo::ring::Ring;

/// The same, byte by byte.
struct Model {
    /// Whose each byte is; 0 is nobody's.
    owners: Vec<u64>,
    /// Sequence, place and content of each frame that is whole.
    frames: Vec<(u64, usize, Vec<u8>)>,
    frames_max: usize,
    next: u64,
    head: usize,
}

impl Model {
    fn begin(&mut self, next: u64) {
        self.owners.fill(0);
        self.frames.clear();
        (self.next, self.head) = (next, 0);
    }

    fn forget(&mut self, is_gone: impl Fn(u64) -> bool) {
        self.frames.retain(|(sequence, ..)| !is_gone(*sequence));
        self.owners.iter_mut().filter(|owner| is_gone(**owner)).for_each(|owner| *owner = 0);
    }

    /// With a frame that a byte of `room` belongs to, all before it go.
    fn clear(&mut self, room: std::ops::Range<usize>) {
        let last = self.owners[room].iter().copied().max().unwrap_or(0);
        self.forget(|sequence| sequence <= last);
    }

    fn append(&mut self, sequence: u64, size_max: usize, frame: Option<&[u8]>) {
        if sequence != self.next {
            self.begin(sequence);
        }
        if self.frames.len() == self.frames_max {
            let oldest = self.frames[0].0;
            self.forget(|sequence| sequence == oldest);
        }
        if self.head + size_max > self.owners.len() {
            self.clear(self.head..self.owners.len());
            self.head = 0;
        }
        self.clear(self.head..self.head + size_max);
        let Some(frame) = frame else { return };
        self.owners[self.head..][..frame.len()].fill(sequence);
        self.frames.push((sequence, self.head, frame.to_vec()));
        (self.head, self.next) = (self.head + frame.len(), sequence + 1);
    }

    fn truncate(&mut self, next: u64) {
        if let Some((_, place, _)) = self.frames.iter().find(|frame| frame.0 == next) {
            (self.head, self.next) = (*place, next);
            self.forget(|sequence| sequence >= next);
        }
    }

    fn compare(&self, ring: &Ring, size_max: usize) {
        let oldest = self.frames.first().map_or(self.next, |frame| frame.0);
        assert_eq!((ring.oldest(), ring.next()), (oldest, self.next));
        assert!(ring.get(oldest - 1).is_none() && ring.get(self.next).is_none());
        assert!(ring.run(oldest - 1, size_max).is_none() && ring.run(self.next, 99).is_none());
        for (at, (sequence, place, frame)) in self.frames.iter().enumerate() {
            assert_eq!(ring.get(*sequence), Some(&frame[..]));
            let mut expected = frame.clone();
            let mut end = sequence + 1;
            for (_, next_place, next) in &self.frames[at + 1..] {
                let is_behind = *next_place == place + expected.len();
                if !is_behind || expected.len() + next.len() > size_max {
                    break;
                }
                expected.extend_from_slice(next);
                end += 1;
            }
            let run = ring.run(*sequence, size_max).expect("it has the frame");
            assert_eq!((run.first, run.end, run.bytes), (*sequence, end, &expected[..]));
            assert_eq!(ring.bytes_of(*sequence, end), Some(&expected[..]));
            let size = self.owners.len();
            let used = (self.head + size - place - 1) % size + 1;
            assert_eq!(ring.is_half(*sequence), used * 2 >= size);
        }
        assert!(ring.is_half(oldest - 1) && !ring.is_half(self.next));
    }
}

pub(crate) fn check(data: &[u8]) {
    let [frames, size, operations @ ..] = data else { return };
    let (frames_max, frame_size) = (usize::from(frames % 9) + 1, usize::from(size % 40) + 1);
    let mut ring = Ring::new(frames_max, frame_size);
    let owners = vec![0; frames_max * frame_size];
    let mut model = Model { owners, frames: Vec::new(), frames_max, next: 1, head: 0 };
    for operation in operations.chunks_exact(3).take(200) {
        let [kind, one, two] = *operation else { return };
        let size_max = usize::from(one) % model.owners.len() + 1;
        let oldest = model.frames.first().map_or(model.next, |frame| frame.0);
        match kind % 16 {
            0 => {
                model.begin(model.next + u64::from(one));
                ring.begin(model.next);
            }
            1 => {
                model.begin(model.next + u64::from(two));
                model.owners.truncate(size_max);
                ring.begin_within(model.next, model.owners.len());
            }
            2 => {
                let next = oldest + u64::from(one) % (model.next - oldest + 1);
                model.truncate(next);
                ring.truncate(next);
            }
            3 => {
                model.append(model.next, size_max, None);
                assert_eq!(ring.append(ring.next(), size_max, |_| Err(two)), Err(two));
            }
            kind => {
                let sequence = model.next + u64::from(kind == 4);
                let frame = vec![two ^ kind; usize::from(two) % size_max + 1];
                let written = ring.append::<()>(sequence, size_max, |room| {
                    assert_eq!(room.len(), size_max);
                    room[..frame.len()].copy_from_slice(&frame);
                    Ok(frame.len())
                });
                assert_eq!(written, Ok(()));
                model.append(sequence, size_max, Some(&frame));
            }
        }
        model.compare(&ring, usize::from(one) + usize::from(two));
    }
}
