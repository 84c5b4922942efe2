//! A hub: it reads the machine, takes events and serves subscribers, on a thread of its own or in
//! the program's loop.

use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Mutex;
use std::time::Duration;

use kymo::platform::LocalTime;
use kymo::{Publisher, Reactor, Running, Stopper};

use crate::error::{Fail, KymoError, KymoWhy, Outcome, enter};
use crate::handle::{given, lock, place};
use crate::hub_options::KymoHubOptions;
use crate::publisher::KymoPublisher;
use crate::subscriber::KymoSubscriber;
use crate::wish::KymoWish;
use crate::{signals, sized, standard};

/// A hub. One thread at a time may be in a call with it, whichever it is; another one is told
/// ::KYMO_BUSY. kymo_hub_ask_to_stop() and kymo_hub_fd() are for any thread at any time.
#[derive(Debug)]
pub struct KymoHub {
    /// Of the process that made it: a fork has neither its thread nor any right to its files.
    pid: u32,
    zone: LocalTime,
    fd: RawFd,
    stopper: Stopper,
    publisher: Option<Publisher>,
    stage: Mutex<Stage>,
}

/// How far a hub has come.
#[derive(Debug)]
enum Stage {
    /// It has no thread: the program turns it, or starts one.
    Here(Box<Reactor>),
    Running(Running),
    Ended,
}

impl KymoHub {
    fn new(options: &KymoHubOptions) -> Outcome<Self> {
        standard::occupy();
        let builder = options.builder()?;
        let reactor = Box::new(signals::kept(|| builder.build())?);
        Ok(Self {
            pid: std::process::id(),
            zone: LocalTime::new(),
            fd: reactor.as_fd().as_raw_fd(),
            stopper: reactor.stopper(),
            publisher: reactor.publisher(),
            stage: Mutex::new(Stage::Here(reactor)),
        })
    }

    fn is_forked(&self) -> bool {
        self.pid != std::process::id()
    }

    /// Does something with the reactor, while there is one here.
    fn here<T>(&self, work: impl FnOnce(&mut Reactor) -> Outcome<T>) -> Outcome<T> {
        if self.is_forked() {
            return Err(KymoError::KymoForked.into());
        }
        match &mut *lock(&self.stage)? {
            Stage::Here(reactor) => work(reactor),
            Stage::Running(_) => Err(Fail::new(
                KymoError::KymoState,
                format_args!("the hub runs on a thread of its own"),
            )),
            Stage::Ended => Err(KymoError::KymoEnded.into()),
        }
    }

    fn start(&self) -> Outcome {
        self.here(|_| Ok(()))?;
        let mut stage = lock(&self.stage)?;
        let Stage::Here(reactor) = mem::replace(&mut *stage, Stage::Ended) else {
            return Err(KymoError::KymoState.into());
        };
        let running = signals::kept(|| reactor.spawn());
        *stage = Stage::Running(running.map_err(|error| Fail::system("start a thread", error))?);
        Ok(())
    }

    fn stop(&self) -> Outcome {
        if self.is_forked() {
            return Err(KymoError::KymoForked.into());
        }
        let outcome = match mem::replace(&mut *lock(&self.stage)?, Stage::Ended) {
            Stage::Here(mut reactor) => {
                self.stopper.stop();
                reactor.run()
            }
            Stage::Running(running) => running.stop(),
            Stage::Ended => Ok(()),
        };
        outcome.map_err(|error| Fail::system("the loop", error))
    }

    fn is_ended(&self) -> bool {
        match lock(&self.stage).as_deref() {
            Ok(Stage::Here(reactor)) => reactor.is_done(),
            Ok(Stage::Running(running)) => running.is_finished(),
            Ok(Stage::Ended) => true,
            Err(fail) => fail.code == KymoError::KymoPanic,
        }
    }
}

/// Makes a hub: opens its sensors, sockets and journal, and allocates all that it will need. It
/// does nothing yet: either kymo_hub_start() gives it a thread, or the program calls
/// kymo_hub_turn(). Any thread; nothing may change the environment meanwhile.
///
/// Where descriptors 0, 1 or 2 are closed they are opened on /dev/null first, and stay so, lest
/// what a program prints goes into a socket. Threads of the hub have all signals blocked.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_new(
    options: *const KymoHubOptions,
    hub: Option<&mut MaybeUninit<*mut KymoHub>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || {
        let hub = place(hub, "hub")?;
        let options = sized::read(options, "options")?;
        hub.write(Box::into_raw(Box::new(KymoHub::new(&options)?)));
        Ok(())
    })
}

/// Gives the hub a thread of its own, named `kymo`, until kymo_hub_stop(). One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_start(
    hub: Option<&KymoHub>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || given(hub, "hub")?.start())
}

/// A descriptor that can be read when kymo_hub_turn() has something to do; the same as long as the
/// hub lives, and not to be closed. -1 for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_fd(hub: Option<&KymoHub>) -> i32 {
    hub.map_or(-1, |hub| hub.fd)
}

/// How many milliseconds to wait at most for the descriptor before the next kymo_hub_turn(): as
/// poll() takes them, and so -1 for as long as it likes. To be asked after each turn. One thread
/// at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_timeout(
    hub: Option<&KymoHub>,
    timeout_ms: Option<&mut MaybeUninit<i32>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || {
        let timeout_ms = place(timeout_ms, "timeout_ms")?;
        let until = given(hub, "hub")?.here(|reactor| Ok(reactor.deadline()))?;
        // Never too early: that would be a turn for nothing.
        let until = until.map(|until| until.as_nanos().div_ceil(1_000_000));
        timeout_ms.write(until.map_or(-1, |until| i32::try_from(until).unwrap_or(i32::MAX)));
        Ok(())
    })
}

/// Waits until there is something to do, at most so many milliseconds and with -1 as long as it
/// takes, and does it. For a hub without a thread; from a loop of the program's, always with 0.
/// Returns ::KYMO_ENDED when the hub was stopped and everyone was let go. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_turn(
    hub: Option<&KymoHub>,
    timeout_ms: i32,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    enter(why, || {
        given(hub, "hub")?.here(|reactor| {
            if reactor.is_done() {
                return Err(KymoError::KymoEnded.into());
            }
            reactor.turn(timeout).map_err(|error| Fail::system("the loop", error))?;
            if reactor.is_done() { Err(KymoError::KymoEnded.into()) } else { Ok(()) }
        })
    })
}

/// Makes the hub stop, and does not wait for it. Any thread, and any callback.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_ask_to_stop(hub: Option<&KymoHub>) -> KymoError {
    enter(None, || {
        let hub = given(hub, "hub")?;
        // A fork shares what the loop is woken by, but not the loop.
        if !hub.is_forked() {
            hub.stopper.stop();
        }
        Ok(())
    })
}

/// Stops the hub and waits for its end. Clients are told and get their last bytes, for at most a
/// second. What the loop ended with comes back; a second time ::KYMO_OK. One thread at a time, and
/// not from a callback.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_stop(
    hub: Option<&KymoHub>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || given(hub, "hub")?.stop())
}

/// Whether the hub has ended, of itself or not: who may use its control socket can stop it, unless
/// KymoHubOptions.on_command says no. True for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_is_ended(hub: Option<&KymoHub>) -> bool {
    hub.is_none_or(KymoHub::is_ended)
}

/// Makes a subscriber in this process, which gets the same frames as over a socket, without one.
/// Only as long as the hub has no thread: ::KYMO_STATE afterwards. One thread at a time.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_subscribe(
    hub: Option<&KymoHub>,
    wish: *const KymoWish,
    subscriber: Option<&mut MaybeUninit<*mut KymoSubscriber>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || {
        let subscriber = place(subscriber, "subscriber")?;
        let wish = sized::read(wish, "wish")?;
        let made = given(hub, "hub")?.here(|reactor| KymoSubscriber::attach(reactor, &wish))?;
        subscriber.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// Makes a publisher: the way in for events of any thread. At any time until the hub has ended.
/// With `drops_oldest` a full hub drops the oldest event of publishers of this kind, which nobody
/// but kymo_publisher_counts() will tell of; without, it refuses the new one with ::KYMO_FULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_publisher(
    hub: Option<&KymoHub>,
    drops_oldest: bool,
    publisher: Option<&mut MaybeUninit<*mut KymoPublisher>>,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || {
        let publisher = place(publisher, "publisher")?;
        let hub = given(hub, "hub")?;
        let inside = hub.publisher.clone().ok_or(KymoError::KymoState)?;
        let made = KymoPublisher::new(inside, drops_oldest, hub.zone);
        publisher.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// Stops the hub, waits for its end, and frees it; NULL is fine. Publishers and subscribers outlive
/// it, and are to be freed themselves. Not from a callback, and not while another thread is in a
/// call with it. In a fork nothing of the parent's is touched.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_hub_free(hub: Option<Box<KymoHub>>) {
    let _ = enter(None, || {
        match hub {
            // Its files, and who they belong to, are still there.
            Some(hub) if hub.is_forked() => mem::forget(hub),
            hub => drop(hub),
        }
        Ok(())
    });
}
