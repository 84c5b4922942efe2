//! House rules that a machine can check, over every Rust file of the repository.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// One screen, one idea. Tests at a file's foot don't count.
const FILE_LINES_MAX: usize = 300;
/// A recipe is read in one go.
const EXAMPLE_LINES_MAX: usize = 80;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_WIDTH_MAX: usize = 100;

/// The files that may have unsafe code, besides tests' counting allocators.
const UNSAFE_FILES: [&str; 18] = [
    // Other people's libraries, which are only measured.
    "benches/peers/src/codec/flat.rs",
    "benches/peers/src/raw.rs",
    "clients/c/src/callback.rs",
    "clients/c/src/sized.rs",
    "clients/c/src/text.rs",
    "platform/src/linux/sys.rs",
    // Socket options, time zones and launchd's sockets: nix has none of them.
    "platform/src/macos/edges.rs",
    "platform/src/macos/iokit/cf.rs",
    "platform/src/macos/iokit/hid.rs",
    "platform/src/macos/iokit/library.rs",
    "platform/src/macos/iokit/pool.rs",
    "platform/src/macos/iokit/registry.rs",
    "platform/src/macos/iokit/report.rs",
    "platform/src/macos/iokit/smc.rs",
    "platform/src/macos/mach.rs",
    "platform/src/macos/sysctl.rs",
    "runtime/src/bin/kymod/heap.rs",
    // A symbol by its name.
    "runtime/src/bin/kymod/unwind.rs",
];

/// What the three core crates may depend on directly.
const CORE_DEPENDENCIES: [&str; 16] = [
    "base64",
    "crc",
    "crossbeam-queue",
    "heapless",
    "itoa",
    "kymo-platform",
    "kymo-protocol",
    "minimal-lexical",
    "lexopt",
    "libc",
    "mio",
    "nix",
    "toml_parser",
    "zerocopy",
    "zerocopy-derive",
    "zmij",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with("target") && !name.starts_with('.') {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Each file with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    rust_files(&root(), &mut files);
    files.sort();
    assert!(files.len() > 50, "the repository was not found");
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Lines before the tests that are code: not blank, not a comment.
fn code(text: &str) -> usize {
    text.lines()
        .take_while(|line| !["#[cfg(test)]", "#[cfg(all(test, not(loom)))]"].contains(line))
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
        .count()
}

#[test]
fn files_fit_their_bounds() {
    let mut broken = Vec::new();
    for (name, text) in sources() {
        // That of the platform is a tool.
        let is_example = name.contains("/examples/") && !name.starts_with("platform/");
        let max = if is_example { EXAMPLE_LINES_MAX } else { FILE_LINES_MAX };
        if !name.contains("/tests/") && code(&text) > max {
            broken.push(format!("{name}: {} lines of code", code(&text)));
        }
        for (number, line) in text.lines().enumerate() {
            // A row of a table can't be broken.
            let is_row = ["//! |", "/// |"].iter().any(|row| line.trim_start().starts_with(row));
            if line.chars().count() > LINE_WIDTH_MAX && !is_row {
                broken.push(format!("{name}:{}: wider than {LINE_WIDTH_MAX}", number + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Relies on rustfmt: a function ends with the first `}` as far left as its beginning.
#[test]
fn functions_fit_a_screen() {
    let mut broken = Vec::new();
    for (name, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = line.trim_start().starts_with("fn ") || line.contains(" fn ");
            if !is_function || line.trim_start().starts_with("//") || !line.ends_with(['{', '(']) {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let size = lines[start..].iter().position(|line| *line == closing).unwrap_or(0);
            if size > FUNCTION_LINES_MAX {
                broken.push(format!("{name}:{}: {size} lines", start + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn unsafe_code_stays_where_it_belongs() {
    for (name, text) in sources() {
        let allowed = UNSAFE_FILES.contains(&name.as_str()) || name.contains("/tests/");
        let opens = ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"];
        // This file names them.
        let found = opens.iter().any(|open| text.contains(open)) && !name.ends_with("tidy.rs");
        assert!(allowed || !found, "{name} has unsafe code");
    }
    for library in ["protocol/src/lib.rs", "runtime/src/lib.rs"] {
        let text = fs::read_to_string(root().join(library)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{library}");
    }
}

#[test]
fn nothing_is_left_for_later() {
    for (name, text) in sources() {
        let mark = ["TO", "DO"].concat();
        assert!(!text.contains(&mark), "{name} has a {mark}: do it, or say why not");
    }
}

#[test]
fn the_core_has_few_dependencies() {
    for krate in ["protocol", "platform", "runtime"] {
        let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        for line in section.lines().take_while(|line| !line.starts_with('[')) {
            let Some((name, _)) = line.split_once(['.', ' ', '=']) else { continue };
            if name == "#" {
                continue;
            }
            assert!(CORE_DEPENDENCIES.contains(&name), "{krate} depends on {name}");
        }
    }
}
