//! `kymo doctor`: what is wrong and what mends it, on one screen; and as one object what somebody
//! sends to those who look for a fault.
//!
//! Guarantees: nothing that names a person or this one machine is in it, and no sensor's value; the
//! home directory is `~`. It ends with 0 whatever it finds: a daemon that does not answer is a
//! finding. It asks, and changes nothing.

mod daemon;
mod findings;
mod page;
mod places;
mod sensors;
mod service;
mod system;

use std::io::{self, IsTerminal};

use kymo_client::directories;
use kymo_top::Depth;

use crate::args::{Color, Doctor};
use crate::dashboard::depth;
use crate::failure::Failure;
use crate::value::Value;
use crate::{say, terminal};
use page::{Style, page};

/// Looks at everything, and prints it.
///
/// # Errors
///
/// When standard output takes nothing.
pub fn doctor(options: &Doctor) -> Result<(), Failure> {
    let mut report = report(options);
    let sections = findings::all(&report);
    if options.json {
        let list = sections.iter().flat_map(|section| &section.findings);
        let list = Value::List(list.map(findings::Finding::value).collect());
        if let Value::Object(members) = &mut report {
            members.push(("findings".into(), list));
        }
        return say(&(report.json() + "\n"));
    }
    say(&page(&report, &sections, style()))
}

/// How wide a page is, and whether it has colours.
fn style() -> Style {
    match io::stdout().is_terminal() {
        true => {
            let columns = terminal::size().map(|size| size.columns);
            Style::of(columns, is_colored(|name| std::env::var(name).ok()))
        }
        false => Style::default(),
    }
}

/// Whether a terminal shows colours, and who looks at it wants some.
fn is_colored(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !is_dumb && depth(Color::Auto, variable) != Depth::None
}

fn report(options: &Doctor) -> Value {
    let directory = options.directory.as_deref();
    let service = service::ask();
    // Before the daemon's own report, which then tells what reading them costs.
    let [sensors, groups, missing] = sensors::sensors(directory, options.wait);
    let (daemon, sources) = daemon::daemon(directory);
    let (kernel, clock_source) = system::kernel();
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
        ("missing", missing),
        ("kernel", kernel),
        ("clock_source", clock_source),
        ("service", service.answer()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_on_colours() {
        let of = |set: &[(&str, &str)]| {
            is_colored(|name| set.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).into()))
        };
        assert!(of(&[("TERM", "xterm")]));
        assert!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(!of(&[("TERM", "xterm"), ("NO_COLOR", "1")]));
        assert!(!of(&[("TERM", "xterm"), ("CLICOLOR", "0")]));
        assert!(!of(&[("TERM", "dumb")]));
        assert!(!of(&[]));
    }
}
