//! Valgrind finds no error and no leak, where it is installed.

use std::process::Command;

use super::{build, run, scratch, skipped};

fn is_clean(source: &str) {
    if !build::is_there("valgrind") {
        return skipped(&format!("{source} under valgrind, which is not installed"));
    }
    let program = build::program(source, &[]);
    let scratch = scratch::Scratch::new();
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--leak-check=full", "--error-exitcode=99", "--fair-sched=yes"]);
    valgrind.args(["--show-leak-kinds=definite,indirect,possible"]);
    valgrind.args(["--errors-for-leak-kinds=definite,indirect,possible"]);
    run(valgrind.arg(&program.0).arg(scratch.0.join("hub")));
}

#[test]
fn a_host_is_clean() {
    is_clean("examples/host.c");
}

#[test]
fn a_loop_is_clean() {
    is_clean("examples/own_loop.c");
}

#[test]
fn wrong_arguments_are_clean() {
    is_clean("tests/c/wrong.c");
}
