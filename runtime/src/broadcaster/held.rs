//! Figures: held until they are due, and what is counted of them.

use std::fmt;

use kymo_platform::clock::Now;
use kymo_protocol::{Data, EventFields};

use super::{BroadcastCounts, Broadcaster, Paced, SessionMetrics};
use crate::inbox::PublishError;

impl Broadcaster {
    pub(super) fn metrics_at(
        &mut self,
        metrics: &SessionMetrics,
        now: Now,
    ) -> Result<Paced, PublishError> {
        self.send_figures(false, now).ok();
        let before = self.metrics.replace((*metrics, now.wall_ns));
        self.counts.skipped += u64::from(before.is_some());
        self.send_metrics(self.state != Some(metrics.state), now)
    }

    pub(super) fn figures_at(
        &mut self,
        figures: fmt::Arguments<'_>,
        is_forced: bool,
        now: Now,
    ) -> Result<Paced, PublishError> {
        self.send_metrics(false, now).ok();
        if let Err(error) = self.text.set(figures) {
            self.counts.refused += 1;
            return Err(error);
        }
        let before = self.figures.replace(now.wall_ns);
        self.counts.skipped += u64::from(before.is_some());
        self.send_figures(is_forced, now)
    }

    /// Sends what is held, as far as it is due unless `is_forced`. Errors are in the counts.
    pub(super) fn send_held(&mut self, is_forced: bool, now: Now) {
        self.send_metrics(is_forced, now).ok();
        self.send_figures(is_forced, now).ok();
    }

    /// Publishes what must not be held.
    pub(super) fn publish(&mut self, fields: &EventFields<'_>) -> Result<(), PublishError> {
        let outcome = self.publisher.publish(fields);
        match outcome {
            Ok(()) => self.counts.broadcast += 1,
            Err(_) => self.counts.refused += 1,
        }
        outcome
    }

    fn send_metrics(&mut self, is_forced: bool, now: Now) -> Result<Paced, PublishError> {
        let Some((metrics, wall_ns)) = self.metrics else { return Ok(Paced::Sent) };
        if !is_forced && !self.metrics_pace.is_due(now.mono_ns) {
            return Ok(Paced::Held);
        }
        self.metrics_pace.went(now.mono_ns);
        let fields = EventFields { wall_ns, ..metrics.fields() };
        let outcome = count(&mut self.counts, self.publisher.publish(&fields));
        if outcome == Ok(Paced::Sent) {
            self.state = Some(metrics.state);
        }
        if outcome != Ok(Paced::Held) {
            self.metrics = None;
        }
        outcome
    }

    fn send_figures(&mut self, is_forced: bool, now: Now) -> Result<Paced, PublishError> {
        let Some(wall_ns) = self.figures else { return Ok(Paced::Sent) };
        if !is_forced && !self.figures_pace.is_due(now.mono_ns) {
            return Ok(Paced::Held);
        }
        self.figures_pace.went(now.mono_ns);
        let fields = EventFields::custom(&self.topic, Data::Json(self.text.get()));
        let outcome = self.publisher.publish(&EventFields { wall_ns, ..fields });
        let outcome = count(&mut self.counts, outcome);
        if outcome != Ok(Paced::Held) {
            self.figures = None;
        }
        outcome
    }
}

/// Counts what was tried. What finds no room is not lost: it is held and tried again when it is due
/// anew.
fn count(
    counts: &mut BroadcastCounts,
    outcome: Result<(), PublishError>,
) -> Result<Paced, PublishError> {
    match outcome {
        Ok(()) => {
            counts.broadcast += 1;
            Ok(Paced::Sent)
        }
        Err(PublishError::Full) => Ok(Paced::Held),
        Err(error) => {
            counts.refused += 1;
            Err(error)
        }
    }
}

impl Drop for Broadcaster {
    fn drop(&mut self) {
        self.flush();
    }
}
