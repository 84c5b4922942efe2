//! `kymo` with arguments, and what it says.
#![allow(dead_code)] // each test binary uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

#[path = "../../../rust/tests/common/kymod.rs"]
pub mod kymod;
#[path = "../../../../runtime/tests/common/scratch.rs"]
mod scratch;

pub use kymod::Process;
pub use scratch::Scratch;

/// Longer than anything takes here on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// `kymo` with `arguments`, where it finds no daemon but the ones it is told of.
pub fn kymo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kymo"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["KYMO_DIR", "XDG_RUNTIME_DIR", "HOME", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// Runs `kymo watch --dir directory` with `arguments` to its end.
pub fn watch(directory: &Path, arguments: &[&str]) -> Output {
    output(kymo(&["watch", "--dir"]).arg(directory).args(arguments))
}

/// Runs a command to its end, which must come, and after no more than a pipe holds.
pub fn output(command: &mut Command) -> Output {
    Process(command.spawn().unwrap()).wait_with_output()
}

/// What it printed, as values; each line must be JSON.
pub fn values(output: &[u8]) -> Vec<serde_json::Value> {
    let text = str::from_utf8(output).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What it said on standard error.
pub fn said(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}
