//! What packages are made of is there, and whatever the repository has for users is in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test
#![cfg(target_os = "linux")]

#[path = "../../../runtime/tests/common/scratch.rs"]
mod scratch;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use scratch::Scratch;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn script(name: &str) -> Command {
    Command::new(here().join("../../scripts").join(name))
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The assets of the Debian package: source, destination and mode.
fn assets() -> Vec<[String; 3]> {
    let manifest = fs::read_to_string(here().join("Cargo.toml")).unwrap();
    let list = manifest.split("\nassets = [\n").nth(1).unwrap().split("\n]").next().unwrap();
    let words = |line: &str| -> [String; 3] {
        let words: Vec<String> = line.split('"').skip(1).step_by(2).map(Into::into).collect();
        words.try_into().unwrap_or_else(|_| panic!("{line}"))
    };
    list.lines().map(words).collect()
}

#[test]
fn each_file_of_the_debian_package_is_there() {
    let scratch = Scratch::new();
    let staged = scratch.0.join("deb");
    done(&script("deb").arg("--stage").arg(&staged).output().unwrap());
    let mut made = fs::read_dir(&staged).unwrap().count();
    for [source, _, mode] in assets() {
        let path = match source.strip_prefix("target/release/") {
            Some(name) if !name.contains('/') => {
                assert!(["kymod", "kymo"].contains(&name) && mode == "755", "{name}");
                continue;
            }
            Some(name) => {
                made -= 1;
                scratch.0.join(name)
            }
            None => here().join(&source),
        };
        // A link leads to what is beside it only when it is installed.
        assert!(fs::symlink_metadata(&path).is_ok(), "{source}");
        assert_eq!(mode, "644", "{source}");
    }
    assert_eq!(made, 0, "something is made and not packaged");
}

#[test]
fn what_users_read_is_in_the_debian_package() {
    let sources: Vec<String> = assets().into_iter().map(|[source, ..]| source).collect();
    let packaged = |file: &Path| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        sources.iter().any(|source| source.rsplit('/').next() == Some(&name))
    };
    let folders =
        ["../../docs/man", "completions", "service/user"].map(|folder| here().join(folder));
    let files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    assert!(files.len() > 9, "{files:?}");
    for file in files {
        assert!(packaged(&file), "{} is in no package", file.display());
    }
    let places: Vec<String> = assets().into_iter().map(|[_, place, _]| place).collect();
    for place in ["etc/kymo/", "usr/lib/systemd/system/", "usr/share/doc/kymo/copyright"] {
        assert!(places.iter().any(|found| found == place), "{place}");
    }
}

#[test]
fn the_packages_units_are_ours_with_its_paths() {
    let scratch = Scratch::new();
    done(&script("deb").arg("--stage").arg(&scratch.0).output().unwrap());
    let unit = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    let ours = |name: &str| {
        let text = fs::read_to_string(here().join("service").join(name)).unwrap();
        text[text.find("[Unit]").unwrap()..].to_string()
    };
    let start = "ExecStart=/usr/bin/kymod --dir /run/kymo";
    let system = ours("kymod.service");
    let expected = system.replace(start, &format!("{start} --config /etc/kymo/kymo.toml"));
    assert!(system != expected && unit("kymod.service") == expected);
    assert_eq!(unit("user-kymod.service"), ours("user/kymod.service"));
    assert_eq!(unit("kymod-json.socket"), ours("user/kymod-json.socket"));
}

#[test]
fn the_same_build_gives_the_same_archive() {
    let scratch = Scratch::new();
    let built = scratch.0.join("built");
    fs::create_dir(&built).unwrap();
    let mut archives = Vec::new();
    for (round, days) in [("a", 1), ("b", 2)] {
        for name in ["kymod", "kymo", "libkymo_c.a", "libkymo_c.so"] {
            fs::write(built.join(name), name).unwrap();
            let time = SystemTime::now() - Duration::from_secs(days * 86_400);
            File::options().write(true).open(built.join(name)).unwrap().set_modified(time).unwrap();
        }
        let mut command = script("tarball");
        command.args([&built, &built, &scratch.0.join(round)]).env_remove("DESTDIR");
        let path = done(&command.env("SOURCE_DATE_EPOCH", "1000000000").output().unwrap());
        archives.push((fs::read(path.trim()).unwrap(), path.trim().to_string()));
    }
    assert!(archives[0].0 == archives[1].0, "they differ");
    let list = done(&Command::new("tar").args(["-tzvf", &archives[0].1]).output().unwrap());
    for name in
        ["/bin/kymod\n", "/lib/systemd/user/kymod.service\n", "/share/man/man5/kymo.toml.5\n"]
    {
        assert!(list.contains(name), "{name}: {list}");
    }
    assert!(list.lines().all(|line| line.contains(" 0/0 ")), "{list}");
}

#[test]
fn the_formula_installs_what_there_is() {
    let path = here().join("../../packaging/homebrew/kymo.rb");
    let text = fs::read_to_string(&path).unwrap();
    let installed = text.split(".install \"").skip(1);
    let sources: Vec<&str> = installed.map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(sources.len() > 5, "{sources:?}");
    for source in &sources {
        assert!(here().join("../..").join(source).is_file(), "{source}");
    }
    for page in fs::read_dir(here().join("../../docs/man")).unwrap() {
        let name = format!("docs/man/{}", page.unwrap().file_name().to_string_lossy());
        assert!(sources.contains(&name.as_str()), "{name}");
    }
    match Command::new("ruby").arg("-c").arg(&path).output() {
        Err(error) => println!("not checked: ruby: {error}"),
        Ok(output) => assert!(done(&output).contains("Syntax OK")),
    }
}
