//! What is installed is what programs are built with.

use std::fs;
use std::path::Path;
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

/// Each file below a directory.
fn files(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path.to_string_lossy().into_owned());
        }
    }
}

#[test]
fn what_is_installed_can_be_taken_away() {
    let scratch = scratch::Scratch::new();
    let [built, staged] = ["built", "staged"].map(|name| scratch.0.join(name));
    let installed = || {
        let mut found = Vec::new();
        files(&staged, &mut found);
        found
    };
    // What stands beside, and is somebody else's.
    let other = staged.join("opt/k/lib/libkymono.so");
    for path in [&built.join("kymod"), &built.join("kymo"), &other] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/install");
    let install = || {
        let mut command = Command::new(script);
        command.env("DESTDIR", &staged);
        command
    };
    run(install().arg("/opt/k").arg(&built).arg(build::place()));
    let found = installed();
    for name in ["bin/kymod", "bin/kymo", "include/kymo.h", "share/doc/kymo/LICENSE-MIT"] {
        let path = staged.join("opt/k").join(name);
        assert!(found.contains(&path.to_string_lossy().into_owned()), "{name}: {found:?}");
    }
    if std::env::consts::OS == "linux" {
        let unit = staged.join("opt/k/lib/systemd/system/kymod.service");
        let unit = fs::read_to_string(unit).unwrap();
        assert!(unit.contains("\nExecStart=/opt/k/bin/kymod --dir /run/kymo\n"), "{unit}");
        assert!(unit.contains("\nExecReload=/opt/k/bin/kymo reload --dir /run/kymo\n"), "{unit}");
        assert!(!unit.contains("/usr/bin"), "{unit}");
        let unit = staged.join("opt/k/lib/systemd/user/kymod.service");
        let unit = fs::read_to_string(unit).unwrap();
        assert!(unit.starts_with("[Unit]\n"), "{unit}");
        assert!(unit.contains("\nExecStart=/opt/k/bin/kymod\n"), "{unit}");
    }
    run(install().args(["--remove", "/opt/k"]));
    assert_eq!(installed(), [other.to_string_lossy()]);
}
