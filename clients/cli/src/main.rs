#![forbid(unsafe_code)]
//! kymo on the command line.

use std::io::{BufRead, BufReader, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let config = kymo::Config::default();
    let machine = kymo_platform::this_machine(&kymo_platform::Roots::default());
    let Ok(mut reactor) = kymo::Reactor::new(&config, machine) else { return ExitCode::FAILURE };
    let Ok(mut stream) = reactor.connect() else { return ExitCode::FAILURE };
    std::thread::spawn(move || reactor.run());
    let _ = stream.write_all(b"{\"subscribe\":[\"vitals\"]}\n");
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    for line in lines.filter(|line| line.starts_with("{\"type\":\"vitals\"")).take(10) {
        if writeln!(std::io::stdout(), "{line}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
