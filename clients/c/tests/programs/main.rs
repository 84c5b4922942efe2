//! Programs in C and C++ against the library, as their authors would build them: the examples, and
//! what a host does to a library that is not asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

#[path = "../../../../runtime/tests/common/scratch.rs"]
mod scratch;

mod build;
mod examples;
mod hostile;
mod install;
mod valgrind;

use std::io::Write;
use std::process::{Command, Output};

/// Runs a program; its words where it fails.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    output
}

/// Runs a test in C, in a directory of its own.
fn test(program: &build::Program) -> String {
    let scratch = scratch::Scratch::new();
    let output = run(Command::new(&program.0).arg(&scratch.0));
    String::from_utf8(output.stdout).unwrap()
}

/// Says so past the capture of tests: what was not tested is no success to be silent about.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
}
