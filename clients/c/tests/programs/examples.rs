//! The examples do what they say.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{build, run, scratch, skipped};

fn output(name: &str) -> String {
    let program = build::program(&format!("examples/{name}"), &[]);
    String::from_utf8(run(&mut Command::new(&program.0)).stdout).unwrap()
}

#[test]
fn a_host_sees_its_own_event() {
    let said = output("host.c");
    assert!(said.lines().any(|line| line == "build.done: {\"ok\":true}"), "{said}");
}

#[test]
fn a_loop_of_the_program_turns_a_hub() {
    assert!(output("own_loop.c").starts_with("20 frames in "));
}

#[test]
fn handles_in_cpp_free_themselves() {
    if !build::is_there("c++") {
        return skipped("embed.cpp, for want of a C++ compiler");
    }
    let said = output("embed.cpp");
    assert!(said.ends_with(" Hello, world\n"), "{said}");
}

#[test]
fn a_watcher_waits_for_a_hub_in_another_process() {
    let (watch, host) =
        (build::program("examples/watch.c", &[]), build::program("tests/c/host_for.c", &[]));
    let scratch = scratch::Scratch::new();
    let place = scratch.0.join("hub");
    let said = thread::scope(|scope| {
        let watcher = scope.spawn(|| run(Command::new(&watch.0).arg(&place).arg("3")));
        thread::sleep(Duration::from_millis(200));
        let mut host = Command::new(&host.0).arg(&place).stdin(Stdio::piped()).spawn().unwrap();
        let watched = watcher.join();
        // Its input ends, and so does it.
        drop(host.stdin.take());
        assert!(host.wait().unwrap().success());
        String::from_utf8(watched.unwrap().stdout).unwrap()
    });
    assert!(said.starts_with("connected at 5000 mHz\n"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains(" cpu ")).count(), 3, "{said}");
    assert!(said.lines().last().unwrap().starts_with("had "), "{said}");
}

/// With a directory of the test's own.
#[test]
fn the_program_of_the_readme_runs() {
    let scratch = scratch::Scratch::new();
    let readme = include_str!("../../README.md");
    let program = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let place = scratch.0.join("hub");
    let program = program.replace("/tmp/my-app", place.to_str().unwrap());
    let program = build::program(&scratch.write("readme.c", &program), &[]);
    let said = String::from_utf8(run(&mut Command::new(&program.0)).stdout).unwrap();
    assert!(said.lines().any(|line| line == "event build.done"), "{said}");
    assert!(said.lines().filter(|line| line.starts_with("cpu ")).count() > 10, "{said}");
}
