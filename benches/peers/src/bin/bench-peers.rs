//! kymo beside its peers: measures in parts, and writes the report of all of them.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use kymo_benches::Outcome;
use kymo_peers::chart;
use kymo_peers::parts::{ALL, Part};
use kymo_peers::report::{Measured, markdown};

const USAGE: &str = "\
bench-peers [OPTION...] [PART...]
Measures the parts that are named, or all, and writes benches/PEERS.md and benches/peers.svg when
those of all were named, from the root of the checkout.
  --quick   as little as shows that it works; keeps and writes nothing
  --report  measures nothing: writes the report of what was last measured
  --list    names the parts
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let (mut is_quick, mut is_report, mut named) = (false, false, Vec::new());
    for word in env::args().skip(1) {
        match word.as_str() {
            "--quick" => is_quick = true,
            "--report" => is_report = true,
            "--list" => {
                let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
                println!("{}", names.join("\n"));
                return Ok(());
            }
            name => match ALL.into_iter().find(|(part, _)| *part == name) {
                Some(part) => named.push(part),
                None => return Err(format!("what is {name}?\n{USAGE}").into()),
            },
        }
    }
    let is_whole = named.is_empty();
    if is_whole && !is_report {
        named = ALL.to_vec();
    }
    let begin = Instant::now();
    let failed = measure(&named, is_quick);
    eprintln!("took {:.0} s", begin.elapsed().as_secs_f64());
    if is_whole && !is_quick {
        write_report(&failed)?;
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

fn measure(parts: &[Part], is_quick: bool) -> Vec<String> {
    let mut failed = Vec::new();
    for (name, part) in parts {
        let kept = part(is_quick).and_then(|table| {
            println!("{}", table.markdown());
            let measured = Measured::now(table);
            if is_quick { Ok(()) } else { measured.keep(name) }
        });
        if let Err(error) = kept {
            failed.push(format!("{name}: {error}"));
        }
    }
    failed
}

fn write_report(failed: &[String]) -> Outcome<()> {
    let folder = Path::new("benches");
    if !folder.is_dir() {
        return Err("run it from the root of the checkout".into());
    }
    let mut failed = failed.to_vec();
    let mut parts = Vec::new();
    for (name, _) in ALL {
        match Measured::kept(name) {
            Ok(part) if !failed.iter().any(|text| text.starts_with(name)) => parts.push(part),
            Ok(_) => {}
            Err(error) => failed.push(error.to_string()),
        }
    }
    fs::write(folder.join("PEERS.md"), markdown(&parts, &failed))?;
    let tables: Vec<_> = parts.into_iter().map(|part| part.table).collect();
    fs::write(folder.join("peers.svg"), chart::svg(&tables))?;
    eprintln!("wrote benches/PEERS.md and benches/peers.svg");
    Ok(())
}
