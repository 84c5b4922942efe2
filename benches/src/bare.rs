//! The floor: what a program must at least do to send the same bytes at the same times.
//!
//! One timer, one wait, the reads that are due, a timestamp, a copy of a ready-made frame, and one
//! send for each subscriber. It parses nothing, waits for nobody, and knows no newcomers.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use kymo_protocol::Groups;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::read;

use crate::Outcome;
use crate::cost::boot_ns;
use crate::files::Files;
use crate::sample::{self, FRAME_SIZE};
use crate::sensors::Sensors;

/// A bare loop.
#[derive(Debug)]
pub struct Bare {
    timer: TimerFd,
    epoll: Epoll,
    period_ns: u64,
    /// Ticks that have come, those that came together included.
    ticks: u64,
    template: [u8; FRAME_SIZE],
    frame: [u8; FRAME_SIZE],
    sequence: u64,
    peers: Vec<UnixStream>,
    files: Option<Files>,
    sensors: Option<Sensors>,
}

impl Bare {
    /// A loop at `rate_hz` for `peers`, which reads `files` if there are any. With `sensors` it
    /// sends samples of the groups that were read as well.
    ///
    /// # Errors
    ///
    /// When the system gives no timer.
    pub fn new(
        rate_hz: u32,
        peers: Vec<UnixStream>,
        files: Option<Files>,
        sensors: Option<Sensors>,
    ) -> Outcome<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)?;
        let period_ns = 1_000_000_000 / u64::from(rate_hz);
        let period = TimeSpec::from_duration(Duration::from_nanos(period_ns));
        timer.set(Expiration::Interval(period), TimerSetTimeFlags::empty())?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(timer.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        let template = sample::frame()?;
        Ok(Self {
            timer,
            epoll,
            period_ns,
            ticks: 0,
            template,
            frame: template,
            sequence: 0,
            peers,
            files,
            sensors,
        })
    }

    /// Waits for a tick and sends its frame.
    ///
    /// # Errors
    ///
    /// When the system no longer lets it wait or read. A subscriber that is slow or gone is passed
    /// over.
    pub fn tick(&mut self) -> Outcome<()> {
        let mut events = [EpollEvent::empty(); 1];
        self.epoll.wait(&mut events, EpollTimeout::NONE)?;
        let mut expirations = [0; 8];
        read(&self.timer, &mut expirations)?;
        self.ticks += u64::from_ne_bytes(expirations);
        let read = match &mut self.files {
            Some(files) => files.read_due(self.ticks * self.period_ns)?,
            None => Groups(0),
        };
        let boot_ns = boot_ns()?;
        self.sequence += 1;
        self.frame.copy_from_slice(&self.template);
        self.frame[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        self.frame[24..32].copy_from_slice(&boot_ns.to_le_bytes());
        for peer in &self.peers {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            let _ = send(peer.as_raw_fd(), &self.frame, flags);
        }
        if let Some(sensors) = &mut self.sensors {
            sensors.send(read, boot_ns, &self.peers);
        }
        Ok(())
    }
}
