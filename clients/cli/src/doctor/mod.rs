//! `kymo doctor`: what somebody sends to those who look for a fault, in one object.
//!
//! Guarantees: nothing that names a person or this one machine is in it, and no sensor's value; the
//! home directory is `~`. It ends with 0 whatever it finds: a daemon that does not answer is a
//! finding. It asks, and changes nothing.

mod daemon;
mod places;
mod sensors;
mod system;

use kymo_client::directories;

use crate::args::Doctor;
use crate::failure::Failure;
use crate::say;
use crate::table::table;
use crate::value::Value;

/// Looks at everything, and prints it.
///
/// # Errors
///
/// When standard output takes nothing.
pub fn doctor(options: &Doctor) -> Result<(), Failure> {
    let report = report(options);
    say(&match options.json {
        true => report.json() + "\n",
        false => table(&report, &["type"]),
    })
}

fn report(options: &Doctor) -> Value {
    let directory = options.directory.as_deref();
    // Before the daemon's own report, which then tells what reading them costs.
    let (sensors, groups) = sensors::sensors(directory, options.wait);
    let (daemon, sources) = daemon::daemon(directory);
    Value::object([
        ("type", Value::text("doctor")),
        ("kymo", Value::text(env!("CARGO_PKG_VERSION"))),
        ("system", system::system()),
        ("clocks", system::clocks()),
        ("limits", system::limits()),
        (
            "places",
            Value::List(directories(directory).iter().map(|at| places::place(at)).collect()),
        ),
        ("daemon", daemon),
        ("sources", sources),
        ("sensors", sensors),
        ("groups", groups),
    ])
}
