//! What of the four crates others can use is what `docs/api` says.
//!
//! rustdoc writes it as JSON, which it does for anybody who says that no promise of its own is
//! needed (`scripts/rustdoc-json`): any toolchain will do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod signature;
mod surface;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use surface::Surface;

const CRATES: [&str; 4] = ["kymo-protocol", "kymo-platform", "kymo", "kymo-client"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Where cargo builds what this test is of: beside `deps`, where the test itself lies.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
}

/// What rustdoc says of a crate.
fn json(name: &str) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["rustdoc", "--lib", "--locked", "--quiet", "--package", name, "--target-dir"])
        .arg(target())
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .current_dir(root())
        .env("RUSTDOC", root().join("scripts/rustdoc-json"))
        .env("KYMO_RUSTDOC", Path::new(env!("CARGO")).with_file_name("rustdoc"))
        .env_remove("RUSTDOCFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    let path = target().join("doc").join(format!("{}.json", name.replace('-', "_")));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The lines that only one of both has.
fn difference(old: &str, new: &str) -> String {
    let sets = [old, new].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = sets[0].difference(&sets[1]).map(|line| format!("- {line}\n"));
    let come = sets[1].difference(&sets[0]).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

#[test]
fn the_public_api_is_the_written_one() {
    // On others platform has other items.
    if std::env::consts::OS != "linux" {
        return;
    }
    let mut told = String::new();
    for name in CRATES {
        let path = root().join(format!("docs/api/{name}.txt"));
        let json = json(name);
        let format = json["format_version"].clone();
        let (lines, unreachable) = Surface::read(json);
        assert!(unreachable.is_empty(), "{name} names what has no path: {unreachable:?}");
        assert!(lines.len() > 50, "{name}: nothing was read");
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        if std::env::var_os("KYMO_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old != text {
            let difference = difference(&old, &text);
            told += &format!("{} (rustdoc's format {format}):\n{difference}", path.display());
        }
    }
    assert!(
        told.is_empty(),
        "what others can use has changed; docs/STABILITY.md says what that means. If it is meant, \
         run the tests with KYMO_BLESS=1\n{told}",
    );
}
