//! A subscriber in the process of its hub, without a socket.

use std::fmt;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kymo::{LocalSubscriber, Reactor, Wish};
use mio::{Events, Poll, Token, Waker};

use crate::callback::Gate;
use crate::error::{Fail, KymoError, KymoWhy, Outcome, enter};
use crate::handle::{given, lock, place};
use crate::item::{KymoItem, Shown};
use crate::wish::KymoWish;

/// A subscriber in the process of its hub. One thread at a time may be in a call with it, whichever
/// it is; another one is told ::KYMO_BUSY. It may outlive its hub: ::KYMO_ENDED then, behind what
/// still waits. One that is not read keeps the hub from nothing, and is told what it missed.
pub struct KymoSubscriber {
    fd: RawFd,
    gate: Arc<Gate>,
    inside: Mutex<Inside>,
}

struct Inside {
    frames: LocalSubscriber,
    shown: Box<Shown>,
    poll: Poll,
    events: Events,
}

impl KymoSubscriber {
    /// One of a reactor that has not begun.
    pub(crate) fn attach(reactor: &mut Reactor, wish: &KymoWish) -> Outcome<Self> {
        let system = |error| Fail::system("make a descriptor", error);
        let poll = Poll::new().map_err(system)?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).map_err(system)?);
        let patterns = wish.patterns()?;
        let [topics, groups] = [&patterns[0][..], &patterns[1][..]];
        let (streams, is_every) = (wish.streams()?, wish.is_every()?);
        let asked = Wish { streams, rate_mhz: wish.rate_mhz, is_every, topics, groups };
        let gate = Arc::new(Gate::new(wish.on_ready, wish.context));
        let called = Arc::clone(&gate);
        let frames = reactor.attach(&asked, move || {
            // Its counter can't overflow: it is raised once for each time it was read.
            let _ = waker.wake();
            called.call();
        })?;
        let fd = poll.as_raw_fd();
        let (shown, events) = (Box::new(Shown::new()), Events::with_capacity(1));
        Ok(Self { fd, gate, inside: Mutex::new(Inside { frames, shown, poll, events }) })
    }
}

impl Inside {
    /// The next item; waits for it as long as it may.
    fn next(&mut self, timeout: Option<Duration>) -> Outcome<*const KymoItem> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            // Looked at before the frames: what comes in between is seen the next time.
            let is_ended = self.frames.is_ended();
            let next = self.frames.next_frame();
            let next =
                next.map_err(|error| Fail::new(KymoError::KymoProtocol, format_args!("{error}")))?;
            match next.map(|frame| self.shown.show(&frame)) {
                Some(Some(item)) => return Ok(item),
                Some(None) => continue,
                None if is_ended => return Err(KymoError::KymoEnded.into()),
                None => {}
            }
            let left = match (timeout, until) {
                (Some(_), Some(until)) => Some(until.saturating_duration_since(Instant::now())),
                _ => None,
            };
            if !self.is_woken(left)? && left.is_some_and(|left| left.is_zero()) {
                return Err(KymoError::KymoNothing.into());
            }
        }
    }

    /// Waits to be woken, and takes note of it.
    fn is_woken(&mut self, timeout: Option<Duration>) -> Outcome<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => Ok(!self.events.is_empty()),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(Fail::system("wait", error)),
        }
    }
}

impl Drop for KymoSubscriber {
    fn drop(&mut self) {
        // The loop may notice later that the subscriber is gone.
        self.gate.close();
    }
}

impl fmt::Debug for KymoSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KymoSubscriber").field("fd", &self.fd).finish_non_exhaustive()
    }
}

/// A descriptor that can be read when there may be an item; the same as long as the subscriber
/// lives, and not to be closed. Then call kymo_subscriber_next() with 0 until it has nothing. -1
/// for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_subscriber_fd(subscriber: Option<&KymoSubscriber>) -> i32 {
    subscriber.map_or(-1, |subscriber| subscriber.fd)
}

/// Hands out the next item, which stays until the next call with this subscriber. Waits for it, at
/// most so many milliseconds and with -1 as long as it takes; ::KYMO_NOTHING when none came.
/// Allocates nothing. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_subscriber_next(
    subscriber: Option<&KymoSubscriber>,
    timeout_ms: i32,
    item: Option<&mut MaybeUninit<*const KymoItem>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    enter(why, || {
        let item = place(item, "item")?;
        item.write(lock(&given(subscriber, "subscriber")?.inside)?.next(timeout)?);
        Ok(())
    })
}

/// Frees a subscriber and its items; NULL is fine. Waits for a call of its KymoWish.on_ready that
/// is under way. Not while another thread is in a call with it.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_subscriber_free(subscriber: Option<Box<KymoSubscriber>>) {
    let _ = enter(None, || {
        drop(subscriber);
        Ok(())
    });
}
