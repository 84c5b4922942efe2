//! Through kymo: a loop in a thread of its own, a socket, and the client's library.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo::{Builder, Publisher, Running};
use kymo_client::{Item, Settings, StreamId, Streams, Subscriber};
use kymo_protocol::{Body, Data, EventFields, Words};

use super::Outcome;
use crate::quantile::quantile;

/// With its head and topic 64 bytes.
const TEXT: &str = "all of 29 tests have passed.";

/// A loop, and its only subscriber.
struct Way {
    running: Running,
    publisher: Publisher,
    subscriber: Subscriber,
}

impl Way {
    fn new(stream: StreamId, rate_mhz: u32) -> Outcome<Self> {
        let mut reactor = Builder::new().build()?;
        let publisher = reactor.publisher().ok_or("the loop takes no events")?;
        let settings = Settings {
            name: "kymo bench".into(),
            streams: Streams::default().with(stream),
            rate_mhz,
            ..Settings::default()
        };
        let socket = reactor.connect()?;
        let running = reactor.spawn()?;
        let subscriber = Subscriber::over(socket, settings)?;
        Ok(Self { running, publisher, subscriber })
    }

    /// Waits for the next frame or gap of the subscriber's.
    fn next(&mut self) -> Outcome<Came> {
        loop {
            match self.subscriber.next()? {
                Item::Frame(frame) => match frame.body {
                    Body::Event(event) => return Ok(Came::Event(event.wall_ns())),
                    Body::Vitals(_) => return Ok(Came::Vitals),
                    _ => {}
                },
                Item::Gap(gap) => return Ok(Came::Gap(gap.count)),
                Item::Lost(why) => return Err(format!("lost the loop: {why}").into()),
                _ => {}
            }
        }
    }
}

/// What comes to a subscriber.
enum Came {
    /// An event that names this time.
    Event(u64),
    Vitals,
    /// So many events are missing.
    Gap(u64),
}

/// An event with a time of the publisher's, which must not be 0.
fn event(at: u64) -> EventFields<'static> {
    let data = Data::Text(Words::Plain(TEXT));
    EventFields { wall_ns: at, ..EventFields::custom("bench.event", data) }
}

/// Nanoseconds since `start`, from 1 on.
#[allow(clippy::cast_possible_truncation)] // of a run of minutes
fn since(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64 + 1
}

/// Microseconds from before an event is published to after it is read: p50 and p99.
///
/// # Errors
///
/// When the loop can't be had, or ends.
pub fn events(span: Duration, period: Duration) -> Outcome<[f64; 2]> {
    let mut way = Way::new(StreamId::EVENTS, 0)?;
    let start = Instant::now();
    let is_ending = AtomicBool::new(false);
    let publisher = way.publisher.clone();
    let mut late_us = Vec::new();
    thread::scope(|scope| -> Outcome<()> {
        let _end = EndOnDrop(&is_ending);
        scope.spawn(|| {
            while !is_ending.load(Ordering::Relaxed) {
                thread::sleep(period);
                // A full inbox is no lateness; it can't be at such a rate.
                let _ = publisher.publish(&event(since(start)));
            }
        });
        while start.elapsed() < span {
            let Came::Event(at) = way.next()? else { continue };
            // The first tenth comes to cold caches.
            if start.elapsed() > span / 10 {
                late_us.push(since(start).saturating_sub(at) as f64 / 1000.0);
            }
        }
        Ok(())
    })?;
    way.running.stop()?;
    Ok([quantile(&mut late_us, 0.5), quantile(&mut late_us, 0.99)])
}

/// Microseconds between the period and the distance of two ticks: p50 and p99.
///
/// # Errors
///
/// When the loop can't be had, or ends.
pub fn ticks(span: Duration, period: Duration) -> Outcome<[f64; 2]> {
    let rate_mhz = u32::try_from(1_000_000_000_000 / period.as_nanos().max(1))?;
    let mut way = Way::new(StreamId::VITALS, rate_mhz)?;
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < span {
        if matches!(way.next()?, Came::Vitals) && start.elapsed() > span / 10 {
            times.push(Instant::now());
        }
    }
    way.running.stop()?;
    Ok(off(&times, period))
}

/// How far distances of times are from a period, in microseconds: p50 and p99.
pub fn off(times: &[Instant], period: Duration) -> [f64; 2] {
    let distances = times.windows(2).map(|pair| pair[1] - pair[0]);
    let mut off_us: Vec<f64> =
        distances.map(|distance| distance.abs_diff(period).as_secs_f64() * 1e6).collect();
    [quantile(&mut off_us, 0.5), quantile(&mut off_us, 0.99)]
}

/// Events a second that come, and the share that does not, in percent.
///
/// # Errors
///
/// When the loop can't be had, or ends.
pub fn flood(span: Duration) -> Outcome<[f64; 2]> {
    let mut way = Way::new(StreamId::EVENTS, 0)?;
    let is_ending = AtomicBool::new(false);
    let publisher = way.publisher.clone();
    let (mut came, mut lost) = (0, 0);
    let mut took = Duration::ZERO;
    thread::scope(|scope| -> Outcome<()> {
        let _end = EndOnDrop(&is_ending);
        scope.spawn(|| {
            while !is_ending.load(Ordering::Relaxed) {
                if publisher.publish(&event(1)).is_err() {
                    thread::yield_now();
                }
            }
        });
        let warm = Instant::now() + span / 10;
        while Instant::now() < warm {
            way.next()?;
        }
        let start = Instant::now();
        // Looking at the clock for each of millions would be a part of what is measured.
        while start.elapsed() < span {
            for _ in 0..64 {
                match way.next()? {
                    Came::Event(_) => came += 1,
                    Came::Gap(count) => lost += count,
                    Came::Vitals => {}
                }
            }
        }
        took = start.elapsed();
        Ok(())
    })?;
    way.running.stop()?;
    let share = lost as f64 * 100.0 / (came + lost).max(1) as f64;
    Ok([came as f64 / took.as_secs_f64(), share])
}

/// Says that it is over, also when a measurement fails, so that no thread goes on for ever.
pub struct EndOnDrop<'a>(pub &'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_millis(200);
    const PERIOD: Duration = Duration::from_millis(2);

    #[test]
    fn distances_are_compared_with_the_period() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
        let off = off(&[at(0), at(1000), at(2100), at(3000)], Duration::from_millis(1));
        assert!((off[0] - 100.0).abs() < 1.0 && (off[1] - 100.0).abs() < 1.0, "{off:?}");
    }

    #[test]
    fn what_is_measured_was_measured() {
        let late_us = events(SPAN, PERIOD).unwrap();
        assert!(late_us[0] > 0.0 && late_us[0] <= late_us[1], "{late_us:?}");
        let off_us = ticks(SPAN, PERIOD).unwrap();
        assert!(off_us[0] >= 0.0 && off_us[0] <= off_us[1], "{off_us:?}");
        let [rate, lost] = flood(SPAN).unwrap();
        assert!(rate > 100.0 && (0.0..100.0).contains(&lost), "{rate} {lost}");
    }
}
