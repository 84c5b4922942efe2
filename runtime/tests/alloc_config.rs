//! Settings are read without a heap allocation, right or wrong, once their reader is there.
//!
//! A program of its own for the counter, which is a global allocator: libtest's threads allocate.

// A test, but without libtest, by which clippy knows tests.
#![allow(clippy::expect_used)]

use std::fmt::{self, Write};

use kymo::{Config, ConfigFile, ConfigFileError, TomlError, TomlReader};

#[path = "common/heap.rs"]
mod heap;

use heap::{allocations, counted};

/// A place on the stack for what is shown.
struct Shown {
    bytes: [u8; 512],
    size: usize,
}

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let space = self.bytes.get_mut(self.size..self.size + text.len()).ok_or(fmt::Error)?;
        space.copy_from_slice(text.as_bytes());
        self.size += text.len();
        Ok(())
    }
}

/// Shows an error as a log would.
fn show(error: &dyn fmt::Display) {
    let mut shown = Shown { bytes: [0; 512], size: 0 };
    write!(shown, "{error}").expect("it fits");
    assert!(shown.size > 10);
}

const WHOLE: &str = r#"
rate_hz = 12.5 # a comment
[[listener]]
path = "opta\u002esock"
format = 'opta1'
streams = [ "vitals", ]
[[listener]]
path = '''/tmp/far.sock'''
format = """json"""
rate_hz = 1e2
mode = 0o660
bare = true
[limits]
clients = 1_000
rate_max = 500
event_bytes = 4096
[journal]
enabled = true
bytes = 1048576
path = '/var/lib/kymo'
[quotas]
connections = 3
events_per_s = 100
bytes_per_s = 100000
[access]
read_group = "daemon"
[sensors]
max_cpu = 0.5
alarms = true
harmful = true
smc_keys = '/etc/kymo/keys.txt'
"#;

const WRONG: [&str; 15] = [
    "[limits]\nclient = 9",
    "[limits]\nclients = 99999999999999999999",
    "listener = [{ path = 'a' }]",
    "listener = [[[[[[[[1]]]]]]]]",
    "limits = { clients = 5, clients = 6 }",
    "rate_hz = \"\\ud800\"",
    "rate_hz = \"open",
    "rate_hz = 1979-05-27T07:32:00Z",
    "\"\\u001b\\u001b\\u001b\" = 1",
    "[journal]\npath = 'here'",
    "[[listener]]\nstreams = ['sample']",
    "[quotas]\nbytes_per_s = -1e9",
    "[sensors]\nmax_cpu = 1e300",
    "a.b.c.d = 1",
    "[limits",
];

fn texts(config: &mut Config) {
    let long = format!("{} = 1", "very_".repeat(1000));
    let path = format!("[[listener]]\npath = '{}'", "p".repeat(10_000));
    let tokens = "[".repeat(16 * 1024);
    let too_long = " ".repeat(16 * 1024 + 1);
    let mut reader = TomlReader::new();
    for _ in 0..3 {
        counted(|| {
            config.reset();
            reader.read(WHOLE, config).expect("right");
            config.check().expect("usable");
            // Twice the same listeners.
            reader.read(WHOLE, config).expect("right");
            show(&config.check().expect_err("twice"));
        });
        let others = [&*long, &path, &tokens, &too_long];
        for text in WRONG.into_iter().chain(others) {
            let error: TomlError = counted(|| reader.read(text, config).expect_err("wrong"));
            counted(|| show(&error));
        }
    }
    // Those of every directory, and two twice.
    assert_eq!(config.listeners.len(), 3 + 2 * 2);
}

fn files(config: &mut Config) {
    // Longer than any path that std copies to the stack.
    let place = std::env::temp_dir().join(format!("kymo-alloc-config-{}", std::process::id()));
    let deep = place.join("d".repeat(200)).join("e".repeat(200)).join("f".repeat(200));
    std::fs::create_dir_all(&deep).expect("a directory");
    let path = deep.join("kymo.toml");
    let mut file = ConfigFile::new(&path).expect("a path");
    let mut none = ConfigFile::new(&deep).expect("a path");
    for _ in 0..3 {
        let error = counted(|| file.read(config).expect_err("not there"));
        counted(|| show(&error));
        std::fs::write(&path, WHOLE).expect("written");
        counted(|| {
            config.reset();
            file.read(config).expect("right");
        });
        std::fs::write(&path, b"rate_hz = '\xff'").expect("written");
        let error = counted(|| file.read(config).expect_err("not text"));
        counted(|| show(&error));
        let error = counted(|| none.read(config).expect_err("a directory"));
        assert!(matches!(error, ConfigFileError::NoFile));
        std::fs::remove_file(&path).expect("removed");
    }
    let _ = std::fs::remove_dir_all(place);
}

fn main() {
    let mut config = Config::in_directory("/run/kymo");
    texts(&mut config);
    files(&mut config);
    let allocations = allocations();
    println!("{allocations} allocations while settings were read");
    assert_eq!(allocations, 0);
}
