//! The bodies of the fuzz targets that check this crate, and the replay of their seeds.

// clippy knows test functions, but not the helpers around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config;
mod oracle;
#[path = "../common/random.rs"]
mod random;
#[allow(dead_code)] // the hub's tests use the rest of it
#[path = "../hub/rig.rs"]
mod rig;
mod ring_model;
mod session_ops;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 3] = [
    ("config", config::check),
    ("ring_model", ring_model::check),
    ("session_ops", session_ops::check),
];

#[test]
fn the_seeds_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (target, check) in TARGETS {
        let seeds: Vec<_> = std::fs::read_dir(folder.join(target)).expect(target).collect();
        assert!(seeds.len() >= 4, "seeds of {target} are missing");
        for seed in seeds {
            check(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }
}

/// As the fuzz targets do, without their guidance.
#[test]
fn any_bytes_hold() {
    let mut random = random::Random::new(20);
    for (_, check) in TARGETS {
        for _ in 0..100 {
            let size = random.index(200);
            let data: Vec<u8> = (0..size).map(|_| random.next().to_le_bytes()[0]).collect();
            check(&data);
        }
    }
}
