//! kymo inside another program: on a thread of its own, in the program's own loop, many times over,
//! and without a socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

#[path = "../common/scratch.rs"]
mod scratch;

mod ambient;
mod host;
mod local;

/// Descriptors and threads of this process. Tests of one program run beside each other, so they
/// are counted in a process of their own.
fn held() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|path| std::fs::read_dir(path).unwrap().count())
}
