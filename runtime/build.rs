//! How kymod is linked when it is released; the library is not touched.
//!
//! | argument | takes away | of the file |
//! |---|---|---|
//! | `kymod.ld` | tables for unwinding; orders functions by when they run | 68 KB |
//! | `pack-relative-relocs` | three quarters of each relocation, and more | 31 KB |
//! | `max-page-size` | nothing; segments end where pages of 64 KiB do | |

use std::env;
use std::process::Command;

/// The first that starts programs with packed relocations.
const GLIBC_PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=kymod.ld");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|found| found == value);
    // A C library that is linked in has start code of its own, which names tables for unwinding.
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_shared = is("CARGO_CFG_TARGET_ENV", "gnu") && !features.contains("crt-static");
    if !(is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is_shared) {
        return;
    }
    let pass = |argument: &str| println!("cargo::rustc-link-arg-bin=kymod=-Wl,{argument}");
    if let Ok(folder) = env::var("CARGO_MANIFEST_DIR") {
        pass(&format!("--no-eh-frame-hdr,-z,max-page-size=65536,-T,{folder}/kymod.ld"));
    }
    // Who builds for another machine knows nothing of its C library here.
    let is_here = env::var("HOST").ok() == env::var("TARGET").ok();
    if is_here && glibc() >= Some(GLIBC_PACKED) {
        pass("-z,pack-relative-relocs");
    }
}

/// Version of this machine's C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
