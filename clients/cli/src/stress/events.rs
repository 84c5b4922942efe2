//! Events at a rate, given to a daemon.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kymo_client::{Control, Error, Submit, directories};
use kymo_protocol::{Data, EventFields, Words};

use crate::args::Stress;
use crate::failure::Failure;
use crate::quantile::quantile;
use crate::value::Value;

/// The topic, and not one that begins as the daemon's own do.
const TOPIC: &str = "kymo-stress";

/// What becomes of events.
#[derive(Debug)]
pub struct Sent {
    acknowledged: u64,
    refused: u64,
    /// How long answers took, in microseconds: p50 and p99; NaN without any.
    took_us: [f64; 2],
    /// Why it ended early.
    pub failure: Option<Failure>,
}

/// A client that has a daemon to give events to.
pub struct Sender {
    control: Control,
    period: Duration,
}

impl Sender {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When there is no daemon for this user.
    pub fn connect(options: &Stress, rate_hz: NonZeroU32) -> Result<Self, Failure> {
        let control = Control::connect(directories(options.directory.as_deref()))?;
        Ok(Self { control, period: Duration::from_secs(1) / rate_hz.get() })
    }

    /// Submits events until it is over, or the daemon is gone. One that the daemon refuses is
    /// counted and not tried again. Who is behind sends at once what is due.
    pub fn run(mut self, is_ending: &AtomicBool) -> Sent {
        let (mut sent, mut took_us) = (Sent::none(), Vec::new());
        let fields =
            EventFields::custom(TOPIC, Data::Text(Words::Plain("a load that was asked for")));
        let mut due = Instant::now();
        while !is_ending.load(Ordering::Relaxed) {
            let start = Instant::now();
            match self.control.submit(Submit::new(&fields)) {
                Ok(_) => sent.acknowledged += 1,
                Err(Error::Refused { .. }) => sent.refused += 1,
                Err(error) => {
                    sent.failure = Some(error.into());
                    break;
                }
            }
            took_us.push(start.elapsed().as_secs_f64() * 1e6);
            due += self.period;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        sent.took_us = [0.5, 0.99].map(|share| quantile(&mut took_us, share));
        sent
    }
}

impl Sent {
    fn none() -> Self {
        Self { acknowledged: 0, refused: 0, took_us: [f64::NAN; 2], failure: None }
    }

    /// For people.
    pub fn text(&self, took: Duration) -> String {
        let Self { acknowledged, refused, .. } = self;
        let rate = *acknowledged as f64 / took.as_secs_f64();
        let times = match self.took_us {
            [p50, p99] if p50.is_finite() => format!("; answered in {p50:.0} µs, p99 {p99:.0}"),
            _ => String::new(),
        };
        format!("{acknowledged} acknowledged, {rate:.0} a second, {refused} refused{times}")
    }

    /// For programs.
    pub fn object(&self) -> Value {
        let time = |us: f64| Value::maybe(us.is_finite().then(|| Value::Plain(format!("{us:.1}"))));
        Value::object([
            ("acknowledged", Value::plain(self.acknowledged)),
            ("refused", Value::plain(self.refused)),
            ("answer_p50_us", time(self.took_us[0])),
            ("answer_p99_us", time(self.took_us[1])),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_what_did_not_happen() {
        let none = Sent::none();
        assert_eq!(none.text(Duration::from_secs(1)), "0 acknowledged, 0 a second, 0 refused");
        assert_eq!(
            none.object().json(),
            "{\"acknowledged\":0,\"refused\":0,\"answer_p50_us\":null,\"answer_p99_us\":null}"
        );
        let some = Sent { acknowledged: 99, refused: 1, took_us: [50.5, 99.0], failure: None };
        let text = "99 acknowledged, 50 a second, 1 refused; answered in 50 µs, p99 99";
        assert_eq!(some.text(Duration::from_secs(2)), text);
    }
}
