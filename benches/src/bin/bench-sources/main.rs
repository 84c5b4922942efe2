//! What does a read of each source cost, beside other libraries and beside the bare system calls?

mod contest;
mod floor;
mod peers;
mod sources;
mod tree;

use std::process::ExitCode;
use std::time::Duration;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::program::{Report, run};

use contest::Contest;
use floor::Floor;
use sources::Reader;

const QUESTION: &str = "What does a read of each source cost, beside sysinfo and procfs?";

/// What is compared: its name, kymo's source, whether readers must pause between two reads.
const SUBJECTS: [(&str, &str, Option<Duration>); 9] = [
    // sysinfo answers from memory for 200 ms.
    ("CPU times", "cpu", Some(Duration::from_millis(201))),
    ("memory", "memory", None),
    ("paging (vmstat)", "vmstat", None),
    ("disks", "disk", None),
    ("interfaces", "network", None),
    ("space of /", "filesystem-root", None),
    // kymo answers from memory for 500 ms.
    ("pressure", "pressure", Some(Duration::from_millis(501))),
    ("load", "load", None),
    ("processes", "processes", None),
];

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        for (what, source, pause) in SUBJECTS {
            match Reader::of(source) {
                None => report.remark(&format!("skipped: there is no {source} here")),
                Some(kymo) => compare(args, report, what.into(), kymo, pause)?,
            }
        }
        chips(args, report)
    })
}

fn compare(
    args: &Args,
    report: &mut Report,
    what: String,
    mut kymo: Reader,
    pause: Option<Duration>,
) -> Outcome<()> {
    let floor = Floor::of(&mut kymo)?;
    let peers = peers::of(kymo.name());
    let contest = Contest { what, pause, kymo, floor, peers };
    for row in contest.rows(args)? {
        report.row(&row);
    }
    Ok(())
}

/// Chips, in a tree of files where the machine has none: there what is compared is the programs
/// alone, since no driver is asked. Last, because the tree hides what else is in sysfs.
fn chips(args: &Args, report: &mut Report) -> Outcome<()> {
    let mut what = "temperatures of chips";
    if Reader::of("hwmon").is_none() {
        if let Err(error) = tree::pretend() {
            report.remark(&format!("skipped: no chips here, and none to pretend: {error}"));
            return Ok(());
        }
        what = "temperatures of chips, made of files";
    }
    let kymo = Reader::of("hwmon").ok_or("the chips are not found")?;
    compare(args, report, what.into(), kymo, None)
}
