//! What is installed is what programs are built with.

use std::process::Command;

use super::{build, run, scratch, skipped};

#[test]
fn pkg_config_tells_how_to_link_the_shared_library() {
    if !build::is_there("pkg-config") {
        return skipped("kymo.pc, for want of pkg-config");
    }
    let scratch = scratch::Scratch::new();
    let [prefix, program] = ["usr", "host"].map(|name| scratch.0.join(name));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let script = format!("{root}/scripts/install-c");
    run(Command::new(script).env_remove("DESTDIR").arg(&prefix).arg(build::place()));
    let mut flags = Command::new("pkg-config");
    flags.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs", "kymo"]);
    let flags = String::from_utf8(run(&mut flags).stdout).unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-std=c99", "-Wall", "-Werror", "-o"]).arg(&program);
    compile.arg(format!("{root}/clients/c/examples/host.c")).args(flags.split_whitespace());
    run(compile.arg(format!("-Wl,-rpath,{}/lib", prefix.display())));
    let said = String::from_utf8(run(&mut Command::new(&program)).stdout).unwrap();
    assert!(said.contains("build.done: "), "{said}");
}
