//! The bodies of the fuzz targets that check what is read of Linux, and the replay of their seeds.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../common/mod.rs"]
mod common;
mod hwmon_tree;
mod proc_files;
mod proc_sources;

#[test]
fn the_seeds_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (target, check) in [
        ("hwmon_tree", hwmon_tree::check as fn(&[u8])),
        ("proc_files", proc_files::check),
        ("proc_sources", proc_sources::check),
    ] {
        let seeds: Vec<_> = std::fs::read_dir(folder.join(target)).unwrap().collect();
        assert!(seeds.len() >= 4, "seeds of {target} are missing");
        for seed in seeds {
            check(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }
}
