//! What must hold whatever anybody does.

use crate::args::Args;
use crate::behaviour::{Behaviour, Counter};
use crate::trial::Trial;

/// Events that the honest publisher may have submitted between two looks.
const BEATS: u64 = 8;

/// Bounds of one run.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of the lateness that 99.9 % of honest frames and events stay below, when nobody is hostile:
    /// what the machine does besides is nobody's fault here.
    pub base_ms: f64,
    /// How much later they may be when somebody is: a tick.
    late_ms: f64,
    /// Honest frames of which others stand for, in a thousand.
    merged_permille: u64,
    /// Of a reply, and of a newcomer's first frame.
    reply_ms: f64,
    /// What a process may grow by from one calm to the next.
    growth_kb: u64,
    /// Of one core, in percent.
    cpu_percent: u64,
    /// Lines of log for one behaviour.
    log_lines: usize,
}

impl Bounds {
    /// Those of a run: narrow where behaviours are given the time to warm up and the daemon is
    /// built as it is released, else such that a busy machine does not break them.
    pub fn of(args: &Args) -> Self {
        let narrow = args.is_full && !cfg!(debug_assertions);
        Self {
            base_ms: 0.0,
            late_ms: if narrow { 40.0 } else { 400.0 },
            merged_permille: if narrow { 1 } else { 100 },
            reply_ms: if narrow { 1000.0 } else { 4000.0 },
            growth_kb: if narrow { 256 } else { 16 * 1024 },
            // Times are counted in ticks of 10 ms, and one thread may sync beside the loop.
            cpu_percent: if narrow { 105 } else { 130 },
            log_lines: 40,
        }
    }

    /// What is wrong with a trial; nothing, if all is well.
    pub fn faults(&self, behaviour: Option<&Behaviour>, trial: &Trial) -> Vec<String> {
        let mut faults = Vec::new();
        self.judge_honest(trial, &mut faults);
        self.judge_daemon(trial, &mut faults);
        if let Some(behaviour) = behaviour {
            self.judge_newcomers(behaviour, trial, &mut faults);
            judge_counters(behaviour, trial, &mut faults);
        }
        faults
    }

    fn judge_honest(&self, trial: &Trial, faults: &mut Vec<String>) {
        let record = &trial.record;
        let late_ms = record.late_ms(0.999);
        let away_ms = record.away_ns as f64 / 1e6;
        let mut blame = |wrong: bool, text: String| {
            if wrong {
                faults.push(text);
            }
        };
        let away = format!("the readers themselves were away for {away_ms:.0} ms");
        let latest = record.latest();
        blame(
            late_ms > self.base_ms + self.late_ms,
            format!("p99.9 of {late_ms:.0} ms, {latest}; {away}"),
        );
        blame(record.frames == 0, "no frame came".into());
        blame(record.ended > 0, format!("{} were cut, {:?}", record.ended, record.why));
        let in_time = away_ms < 200.0;
        blame(
            record.missing > 0 && in_time,
            format!("{} frames or events did not come", record.missing),
        );
        let merged_max = record.frames * self.merged_permille / 1000;
        blame(
            record.merged > merged_max && in_time,
            format!("{} frames were merged; {away}", record.merged),
        );
        let reply_ms = crate::record::quantile_ms(&record.replies_ns, 1.0);
        blame(reply_ms > self.reply_ms, format!("a submit took {reply_ms:.0} ms"));
        blame(record.published == 0, "nothing could be published".into());
    }

    fn judge_daemon(&self, trial: &Trial, faults: &mut Vec<String>) {
        let (before, after) = (&trial.before, &trial.after);
        let mut blame = |wrong: bool, text: String| {
            if wrong {
                faults.push(text);
            }
        };
        blame(trial.status_ms > self.reply_ms, format!("status took {:.0} ms", trial.status_ms));
        let percent = trial.cpu_percent();
        blame(percent > self.cpu_percent, format!("{percent} % of a core"));
        let grown_kb = after.resident_kb.saturating_sub(before.resident_kb);
        blame(grown_kb > self.growth_kb, format!("grew by {grown_kb} KB"));
        let (held, left) = (before.descriptors, after.descriptors);
        blame(left > held, format!("{held} descriptors before, {left} after"));
        let (clients, control) = after.clients();
        blame(!after.is_calm(), format!("{clients} clients and {control} owners were left"));
        let lines = after.log_lines - before.log_lines;
        blame(lines > self.log_lines, format!("{lines} lines of log"));
        let allocations = after.figure("heap_allocations");
        blame(allocations != 0, format!("{allocations} allocations"));
    }

    fn judge_newcomers(&self, behaviour: &Behaviour, trial: &Trial, faults: &mut Vec<String>) {
        let record = &trial.record;
        if behaviour.fills {
            return;
        }
        if record.turned_away > 0 {
            faults.push(format!("{} newcomers were kept out", record.turned_away));
        }
        let first_ms = crate::record::quantile_ms(&record.newcomers_ns, 1.0);
        if first_ms > self.reply_ms {
            faults.push(format!("a newcomer waited {first_ms:.0} ms"));
        }
    }
}

/// What was tried must have happened, and what must not happen has not.
fn judge_counters(behaviour: &Behaviour, trial: &Trial, faults: &mut Vec<String>) {
    if trial.tally.connected == 0 {
        faults.push("nobody came".into());
    }
    let growth =
        |counter: &Counter| trial.during.growth(*counter, &trial.before, trial.record.published);
    // Some take longer than a short behaviour lasts.
    let is_slow = |counter: &Counter| matches!(counter, Counter::Cut);
    let has_time = trial.span > std::time::Duration::from_secs(2);
    for counter in behaviour.grows {
        if growth(counter) == 0 && (has_time || !is_slow(counter)) {
            faults.push(format!("{counter:?} stands"));
        }
    }
    for counter in behaviour.stands {
        let grown = growth(counter);
        if grown > BEATS {
            faults.push(format!("{counter:?} grew by {grown}"));
        }
    }
}
