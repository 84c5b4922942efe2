//! Instructions instead of time: callgrind counts them, and two runs of one program count the same
//! on a busy machine and on an idle one.

use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// Copies of the C library for one kind of processor. Callgrind shows a program what it itself can
/// count, which is less than most processors have; this leaves what all of them have.
const PLAIN_COPIES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-ERMS,-FSRM";

/// Instructions of `calls` calls of the work that `program` does when it is told `work` and a
/// number of calls. What a start and an end take is not among them: two runs take the same of that.
///
/// # Errors
///
/// When callgrind can't be run, or the program fails.
pub fn count(program: &Path, work: &str, calls: u32) -> Outcome<u64> {
    let [once, twice] = [run(program, work, calls)?, run(program, work, calls * 2)?];
    twice.checked_sub(once).ok_or_else(|| format!("{work}: fewer for more calls").into())
}

fn run(program: &Path, work: &str, calls: u32) -> Outcome<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).args([work, &calls.to_string()]);
    let output = command.env("GLIBC_TUNABLES", PLAIN_COPIES).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{work}: {}\n{said}", output.status).into());
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.ok_or_else(|| format!("{work}: no count in\n{said}"))?;
    Ok(number.trim().parse()?)
}
