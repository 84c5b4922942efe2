//! A subscriber over the socket of a hub in any process.

use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Mutex;
use std::task::Poll;
use std::time::{Duration, Instant};

use kymo_client::{Settings, Subscriber, directories};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Fail, KymoError, KymoWhy, Outcome, enter};
use crate::handle::{given, lock, place};
use crate::item::{KymoItem, Shown};
use crate::text::KymoText;
use crate::token::{self, KymoToken};
use crate::wish::KymoWish;
use crate::{sized, standard};

/// A subscriber over a socket. It connects again when the hub goes away, events go on where they
/// stood, and what is lost is told. One thread at a time may be in a call with it, whichever it is;
/// another one is told ::KYMO_BUSY.
pub struct KymoClient {
    fd: RawFd,
    inside: Mutex<Inside>,
}

struct Inside {
    subscriber: Subscriber,
    shown: Box<Shown>,
}

impl KymoClient {
    fn new(directory: KymoText, wish: &KymoWish, token: KymoText) -> Outcome<Self> {
        standard::occupy();
        let owned = |patterns: &[&str]| patterns.iter().map(|text| (*text).to_owned()).collect();
        let [topics, groups] = wish.patterns()?.map(|patterns| owned(&patterns));
        if wish.on_ready.is_some() {
            return Err(Fail::invalid(format_args!("on_ready is not for clients")));
        }
        let subscriber = Subscriber::new(Settings {
            streams: wish.streams()?,
            rate_mhz: wish.rate_mhz,
            every: wish.is_every()?,
            topics,
            groups,
            resume: token::read(token)?,
            ..Settings::in_directories(directories(directory.path()?))
        })?;
        let fd = subscriber.as_fd().as_raw_fd();
        Ok(Self { fd, inside: Mutex::new(Inside { subscriber, shown: Box::new(Shown::new()) }) })
    }
}

impl Inside {
    /// The next item; waits for it as long as it may.
    fn next(&mut self, timeout: Option<Duration>) -> Outcome<*const KymoItem> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let is_bound = timeout.is_some() && until.is_some();
        loop {
            let clock = self.subscriber.clock();
            if let Poll::Ready(item) = self.subscriber.poll_next()? {
                match self.shown.show_item(&item, clock) {
                    Some(item) => return Ok(item),
                    None => continue,
                }
            }
            let now = Instant::now();
            if is_bound && until.is_some_and(|until| until <= now) {
                return Err(match self.subscriber.last_error() {
                    Some(error) => Fail::new(KymoError::KymoNothing, format_args!("{error}")),
                    None => KymoError::KymoNothing.into(),
                });
            }
            let until = [until.filter(|_| is_bound), self.subscriber.deadline()];
            let until = until.into_iter().flatten().min();
            self.wait(until.map(|until| until.saturating_duration_since(now)))?;
        }
    }

    fn wait(&self, most: Option<Duration>) -> Outcome {
        // Never too early: that would be a turn for nothing.
        let most = most.map(|most| i32::try_from(most.as_micros().div_ceil(1000)));
        let most = most.map_or(PollTimeout::NONE, |most| {
            most.ok().and_then(|most| most.try_into().ok()).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut [PollFd::new(self.subscriber.as_fd(), PollFlags::POLLIN)], most) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Fail::system("wait", errno)),
        }
    }

    fn timeout(&self) -> i32 {
        let now = Instant::now();
        let until = self.subscriber.deadline();
        let left = until.map(|until| until.saturating_duration_since(now).as_micros());
        left.map_or(-1, |left| i32::try_from(left.div_ceil(1000)).unwrap_or(i32::MAX))
    }
}

impl fmt::Debug for KymoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KymoClient").field("fd", &self.fd).finish_non_exhaustive()
    }
}

/// Makes a client of the hub in `directory`; of the first one in the usual places where that is
/// empty, for which the environment is read. `token` is the last event that is had, as
/// kymo_client_token() has told it; empty for none. It connects with the first
/// kymo_client_next(), and waits for a hub where there is none. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_new(
    directory: KymoText,
    wish: *const KymoWish,
    token: KymoText,
    client: Option<&mut MaybeUninit<*mut KymoClient>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || {
        let client = place(client, "client")?;
        let made = KymoClient::new(directory, &sized::read(wish, "wish")?, token)?;
        client.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// Hands out the next item, which stays until the next call with this client. Waits for it, at most
/// so many milliseconds and with -1 as long as it takes; ::KYMO_NOTHING when none came, with a word
/// about what is in the way. A server that refuses is an error; the next call tries again when its
/// time has come. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_next(
    client: Option<&KymoClient>,
    timeout_ms: i32,
    item: Option<&mut MaybeUninit<*const KymoItem>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    enter(why, || {
        let item = place(item, "item")?;
        item.write(lock(&given(client, "client")?.inside)?.next(timeout)?);
        Ok(())
    })
}

/// A descriptor that can be read when there may be an item; the same as long as the client lives,
/// whatever it is connected to, and not to be closed. Then call kymo_client_next() with 0 until it
/// has nothing. -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_fd(client: Option<&KymoClient>) -> i32 {
    client.map_or(-1, |client| client.fd)
}

/// How many milliseconds to wait at most for the descriptor before the next kymo_client_next(): as
/// poll() takes them, and so -1 for as long as it likes. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_timeout(
    client: Option<&KymoClient>,
    timeout_ms: Option<&mut MaybeUninit<i32>>,
) -> KymoError {
    enter(None, || {
        let timeout_ms = place(timeout_ms, "timeout_ms")?;
        timeout_ms.write(lock(&given(client, "client")?.inside)?.timeout());
        Ok(())
    })
}

/// The last event that was told, to be kept for another run of the program: ask for it when that
/// event is dealt with. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_token(
    client: Option<&KymoClient>,
    token: Option<&mut MaybeUninit<KymoToken>>,
) -> KymoError {
    enter(None, || {
        let token = place(token, "token")?;
        let had = lock(&given(client, "client")?.inside)?.subscriber.token();
        token.write(had.map_or(KymoToken::NONE, KymoToken::from));
        Ok(())
    })
}

/// Frees a client and its items; NULL is fine. Not while another thread is in a call with it.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_client_free(client: Option<Box<KymoClient>>) {
    let _ = enter(None, || {
        drop(client);
        Ok(())
    });
}
