//! A subscriber inside the process that needs no socket: frames reach it through buffers that go
//! round between the loop and its thread.
//!
//! Guaranteed: neither side ever waits for the other; nothing is allocated after the subscriber was
//! made; the same frames as over a socket, in the same order, with the same accounts of what was
//! missed. A subscriber that doesn't read keeps the loop from nothing: its buffers are full then,
//! and it is served like any slow one.
//!
//! Not guaranteed: that the loop still lives; [`LocalSubscriber::is_ended`] tells.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::{Decoder, Frame, FrameError};

use crate::buffer::Buffer;
use crate::lane::Wake;
use crate::limits::SEND_MAX;
use crate::wake_flag::WakeFlag;

/// What both sides have.
struct Shared {
    /// From the loop to the subscriber, each with how much of it is filled.
    full: ArrayQueue<(Buffer, usize)>,
    /// And back.
    free: ArrayQueue<Buffer>,
    flag: WakeFlag,
    wake: Wake,
    /// The loop found no free buffer, and waits to be told of one.
    is_starved: AtomicBool,
    wake_loop: Wake,
    /// One of the two is gone.
    is_ended: AtomicBool,
}

/// The subscriber's side; see the module. [`Reactor::attach`](crate::Reactor::attach) makes one.
pub struct LocalSubscriber {
    shared: Arc<Shared>,
    decoder: Box<Decoder<FRAME_MAX>>,
    /// What the decoder had no room for, from where on, and to where.
    rest: Option<(Buffer, usize, usize)>,
}

/// The loop's side.
pub(crate) struct LocalPeer {
    shared: Arc<Shared>,
}

/// Both sides, and so many buffers between them. `wake` is called by the loop, and `wake_loop` by
/// the subscriber.
pub(crate) fn pair(wake: Wake, wake_loop: Wake, buffers: usize) -> (LocalPeer, LocalSubscriber) {
    let shared = Arc::new(Shared {
        full: ArrayQueue::new(buffers),
        free: ArrayQueue::new(buffers),
        flag: WakeFlag::default(),
        wake,
        is_starved: AtomicBool::new(false),
        wake_loop,
        is_ended: AtomicBool::new(false),
    });
    for _ in 0..buffers {
        // There is room for each.
        let _ = shared.free.push(Buffer::new(SEND_MAX));
    }
    let peer = LocalPeer { shared: Arc::clone(&shared) };
    (peer, LocalSubscriber { shared, decoder: Box::default(), rest: None })
}

impl LocalPeer {
    /// Hands over as much of `parts` as there are free buffers for, and says how much that was.
    /// Where it is not all, the loop is woken when there is a free one.
    pub fn send(&self, parts: &[&[u8]]) -> usize {
        let mut parts = parts.iter().copied();
        let (mut part, mut sent) = (parts.next(), 0);
        while part.is_some() {
            let Some(mut buffer) = self.free() else { break };
            let mut size = 0;
            while let Some(bytes) = part {
                let room = buffer.get_mut(size..).unwrap_or_default();
                let (taken, rest) = bytes.split_at(bytes.len().min(room.len()));
                room[..taken.len()].copy_from_slice(taken);
                size += taken.len();
                part = if rest.is_empty() { parts.next() } else { Some(rest) };
                if !rest.is_empty() {
                    break;
                }
            }
            sent += size;
            // As many fit as there are.
            let _ = self.shared.full.push((buffer, size));
        }
        if sent > 0 && self.shared.flag.raise() {
            (self.shared.wake)();
        }
        sent
    }

    fn free(&self) -> Option<Buffer> {
        let free = &self.shared.free;
        free.pop().or_else(|| {
            self.shared.is_starved.store(true, Ordering::SeqCst);
            // One may have come back before that was said.
            free.pop()
        })
    }

    /// Whether there are free buffers again, where there were none.
    pub fn take_writable(&self) -> bool {
        self.shared.is_starved.load(Ordering::Relaxed)
            && !self.shared.free.is_empty()
            && self.shared.is_starved.swap(false, Ordering::SeqCst)
    }

    /// Whether the subscriber is gone.
    pub fn is_ended(&self) -> bool {
        self.shared.is_ended.load(Ordering::Acquire)
    }
}

impl Drop for LocalPeer {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Release);
        if self.shared.flag.raise() {
            (self.shared.wake)();
        }
    }
}

impl LocalSubscriber {
    /// The next frame, if one is there; it stays until the next call.
    ///
    /// # Errors
    ///
    /// The [`FrameError`] of a frame that is none, which the loop does not make.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.next_bytes()?.map(Frame::parse).transpose()
    }

    /// The same, as it would be on a socket.
    pub(crate) fn next_bytes(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let span = loop {
            match self.decoder.next_span()? {
                Some(span) => break span,
                None if self.fill() => {}
                None => return Ok(None),
            }
        };
        Ok(Some(self.decoder.bytes(span)))
    }

    /// Whether no more frames come but those that wait: the loop has let this subscriber go, or has
    /// ended itself. Why is told in the goodbye that came before.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        let is_empty = self.rest.is_none() && self.shared.full.is_empty();
        is_empty && self.shared.is_ended.load(Ordering::Acquire)
    }

    /// Moves bytes into the decoder. Whether there were any.
    fn fill(&mut self) -> bool {
        let shared = &*self.shared;
        let next = || shared.flag.take(|| shared.full.pop()).map(|(buffer, end)| (buffer, 0, end));
        let Some((buffer, start, end)) = self.rest.take().or_else(next) else { return false };
        let space = self.decoder.space();
        let size = (end - start).min(space.len());
        space[..size].copy_from_slice(&buffer[start..start + size]);
        self.decoder.filled(size);
        if start + size < end {
            self.rest = Some((buffer, start + size, end));
            return true;
        }
        // There is room for each.
        let _ = shared.free.push(buffer);
        if shared.is_starved.load(Ordering::SeqCst) {
            (shared.wake_loop)();
        }
        true
    }
}

impl Drop for LocalSubscriber {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Release);
        (self.shared.wake_loop)();
    }
}

impl fmt::Debug for LocalSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSubscriber").field("waiting", &self.shared.full.len()).finish()
    }
}

impl fmt::Debug for LocalPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPeer").field("waiting", &self.shared.full.len()).finish()
    }
}
