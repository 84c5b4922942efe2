//! What people and programs read.

use serde_json::json;

use crate::behaviour::{Behaviour, Counter};
use crate::record::quantile_ms;
use crate::trial::Trial;

pub const HEAD: &str = concat!(
    "behaviour                   clients   conns  failed   ended   sent MB  heard MB |",
    " refused     cut  mistakes  events  merged |",
    " p50 ms p99.9 ms  max ms  away | submit  newcomer  CPU %  RSS KB  gone ms | verdict",
);

/// A row of the table.
pub fn row(name: &str, clients: usize, trial: &Trial, faults: &[String], tries: usize) -> String {
    let (tally, record) = (&trial.tally, &trial.record);
    let growth = |counter| trial.during.growth(counter, &trial.before, trial.record.published);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let did = format!(
        "{name:<27} {clients:>7} {:>7} {:>7} {:>7} {:>9.1} {:>9.1}",
        tally.connected,
        tally.failed,
        tally.closed,
        megabytes(tally.sent),
        megabytes(tally.received),
    );
    let daemon = format!(
        "{:>7} {:>7} {:>9} {:>7} {:>7}",
        growth(Counter::Refused),
        growth(Counter::Cut),
        growth(Counter::Mistakes),
        growth(Counter::Events),
        growth(Counter::Merged),
    );
    let honest = format!(
        "{:>6.2} {:>8.2} {:>7.1} {:>5.0} | {:>6.1} {:>9.1}",
        record.late_ms(0.5),
        record.late_ms(0.999),
        record.late_ms(1.0),
        record.away_ns as f64 / 1e6,
        quantile_ms(&record.replies_ns, 1.0),
        quantile_ms(&record.newcomers_ns, 1.0),
    );
    let growth_kb = i128::from(trial.after.resident_kb) - i128::from(trial.before.resident_kb);
    let (cpu, gone) = (trial.cpu_percent(), trial.leaving.as_millis());
    let cost = format!("{cpu:>6} {growth_kb:>+7} {gone:>8}");
    let verdict = match (faults.is_empty(), tries) {
        (true, 1) => "holds".into(),
        (true, _) => format!("holds, at try {tries}"),
        (false, _) => format!("FAILS: {}", faults.join("; ")),
    };
    format!("{did} | {daemon} | {honest} {cost} | {verdict}")
}

/// The line for programs.
pub fn machine_line(held: usize, failed: &[&str], base_ms: f64, worst: (&str, f64)) -> String {
    json!({
        "hostile": {
            "behaviours": held + failed.len(),
            "hold": held,
            "failed": failed,
            "honest_p999_ms_alone": base_ms,
            "honest_p999_ms_worst": worst.1,
            "worst": worst.0,
        }
    })
    .to_string()
}

/// What a behaviour is, for those who ask for the list.
pub fn description(behaviour: &Behaviour) -> String {
    format!("{:<27} {}", behaviour.name, behaviour.does)
}
