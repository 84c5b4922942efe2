//! The library, and programs that are linked to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a static library in Rust needs of the system.
const SYSTEM: &[&str] = if cfg!(target_vendor = "apple") {
    &["-framework", "CoreFoundation", "-framework", "IOKit", "-lSystem"]
} else {
    &["-lpthread", "-lm", "-ldl", "-lrt"]
};

/// Where the library and the programs are. Cargo builds no library for tests that can't link it.
pub fn place() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let place = test.ancestors().nth(2).unwrap().to_path_buf();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "kymo-c"]);
        cargo.arg("--target-dir").arg(place.parent().unwrap());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        run(cargo.current_dir(ROOT));
        std::fs::create_dir_all(place.join("kymo-c-programs")).unwrap();
        place
    })
}

/// A program that goes with the test. Each test has its own: the file of one that runs can't be
/// written.
#[derive(Debug)]
pub struct Program(pub PathBuf);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The program that `source` makes, with flags beside those of every one.
pub fn program(source: &str, flags: &[&str]) -> Program {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let source = Path::new(ROOT).join(source);
    let is_cpp = source.extension().is_some_and(|extension| extension == "cpp");
    let (compiler, standard) = if is_cpp { ("c++", "-std=c++17") } else { ("cc", "-std=c99") };
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("program-{}-{number}", std::process::id());
    let program = place().join("kymo-c-programs").join(name);
    let mut compile = Command::new(compiler);
    compile.args([standard, "-D_XOPEN_SOURCE=700", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
    compile.args(["-Wno-unused-function", "-g", "-O1", "-I"]).arg(format!("{ROOT}/include"));
    compile.arg(&source).args(flags).arg(place().join("libkymo_c.a")).args(SYSTEM);
    run(compile.arg("-o").arg(&program));
    Program(program)
}

/// Whether a program is installed.
pub fn is_there(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
}
