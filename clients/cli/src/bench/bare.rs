//! A bare socket: a thread that writes the same bytes, and one that reads them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::{Payload, Vitals};

use super::Outcome;
use super::way::{EndOnDrop, off};
use crate::quantile::quantile;

/// Bytes of an event's frame.
const EVENT_FRAME: usize = HEADER_SIZE + 64;

/// What is written and read at once where nothing is timed; kymo sends as much.
const BLOCK: usize = 32 * 1024;

/// Microseconds from before a write of an event's bytes to after they are read: p50 and p99.
///
/// # Errors
///
/// When there is no socket.
pub fn events(span: Duration, period: Duration) -> Outcome<[f64; 2]> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    let start = Instant::now();
    let is_ending = AtomicBool::new(false);
    let mut late_us = Vec::new();
    thread::scope(|scope| -> Outcome<()> {
        let _end = EndOnDrop(&is_ending);
        scope.spawn(|| {
            let mut frame = [0; EVENT_FRAME];
            while !is_ending.load(Ordering::Relaxed) {
                thread::sleep(period);
                let at = start.elapsed().as_nanos();
                frame[..16].copy_from_slice(&at.to_le_bytes());
                if ours.write_all(&frame).is_err() {
                    break;
                }
            }
        });
        let mut frame = [0; EVENT_FRAME];
        while start.elapsed() < span {
            theirs.read_exact(&mut frame)?;
            let now = start.elapsed();
            let mut at = [0; 16];
            at.copy_from_slice(&frame[..16]);
            if now > span / 10 {
                late_us.push((now.as_nanos() - u128::from_le_bytes(at)) as f64 / 1000.0);
            }
        }
        Ok(())
    })?;
    Ok([quantile(&mut late_us, 0.5), quantile(&mut late_us, 0.99)])
}

/// Microseconds between the period and the distance of two frames: p50 and p99.
///
/// # Errors
///
/// When there is no socket.
pub fn ticks(span: Duration, period: Duration) -> Outcome<[f64; 2]> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    let start = Instant::now();
    let is_ending = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| -> Outcome<()> {
        let _end = EndOnDrop(&is_ending);
        scope.spawn(|| {
            let frame = [0; Vitals::FRAME_SIZE];
            let mut due = start;
            while !is_ending.load(Ordering::Relaxed) {
                due += period;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if ours.write_all(&frame).is_err() {
                    break;
                }
            }
        });
        let mut frame = [0; Vitals::FRAME_SIZE];
        while start.elapsed() < span {
            theirs.read_exact(&mut frame)?;
            if start.elapsed() > span / 10 {
                times.push(Instant::now());
            }
        }
        Ok(())
    })?;
    Ok(off(&times, period))
}

/// Events a second that come, were they in 32 KiB a write; nothing is lost.
///
/// # Errors
///
/// When there is no socket.
pub fn flood(span: Duration) -> Outcome<[f64; 2]> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    let (mut bytes, mut took) = (0, Duration::ZERO);
    thread::scope(|scope| -> Outcome<()> {
        scope.spawn(move || {
            let block = vec![0; BLOCK];
            // Until the reader has gone.
            while ours.write_all(&block).is_ok() {}
        });
        let mut block = vec![0; 2 * BLOCK];
        let start = Instant::now();
        while start.elapsed() < span {
            bytes += theirs.read(&mut block)?;
        }
        took = start.elapsed();
        drop(theirs);
        Ok(())
    })?;
    Ok([bytes as f64 / EVENT_FRAME as f64 / took.as_secs_f64(), 0.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_socket_is_measured_as_well() {
        let (span, period) = (Duration::from_millis(100), Duration::from_millis(2));
        let late_us = events(span, period).unwrap();
        assert!(late_us[0] > 0.0 && late_us[0] <= late_us[1], "{late_us:?}");
        let off_us = ticks(span, period).unwrap();
        assert!(off_us[0] <= off_us[1], "{off_us:?}");
        assert!(flood(span).unwrap()[0] > 1000.0);
    }
}
