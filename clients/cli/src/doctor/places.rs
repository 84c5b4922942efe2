//! Where sockets are looked for, and what is there.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use kymo_platform::socket::PATH_MAX;
use nix::unistd::geteuid;

use crate::value::Value;

const SOCKETS: [&str; 3] = ["stream.sock", "json.sock", "control.sock"];
/// As many as a daemon may have listeners.
const OTHERS_MAX: usize = 16;

/// A directory, and its sockets: nothing is connected to.
pub fn place(directory: &Path) -> Value {
    let mut members = vec![
        ("directory", Value::text(nameless(&directory.to_string_lossy()))),
        ("is", Value::text(found(directory))),
    ];
    let sockets = SOCKETS.map(|name| (name, Value::text(found(&directory.join(name)))));
    members.extend(sockets);
    let others = others(directory);
    let told = others.iter().map(|name| (&**name, Value::text(found(&directory.join(name)))));
    members.extend(told);
    Value::object(members)
}

/// Other sockets that are there.
fn others(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    let names = sockets.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !SOCKETS.contains(&&**name)).collect();
    names.sort();
    names.truncate(OTHERS_MAX);
    names
}

/// What is at `path`: its kind and mode, or why nobody can tell.
fn found(path: &Path) -> String {
    if path.as_os_str().len() > PATH_MAX {
        return "path too long for a socket".into();
    }
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound => "absent".into(),
                ErrorKind::PermissionDenied => "denied".into(),
                kind => kind.to_string(),
            };
        }
    };
    let kind = metadata.file_type();
    let kind = match () {
        () if kind.is_socket() => "socket",
        () if kind.is_dir() => "directory",
        () if kind.is_symlink() => "link",
        () if kind.is_file() => "file",
        () => "something else",
    };
    let owner = match metadata.uid() {
        uid if uid == geteuid().as_raw() => "own",
        0 => "of root",
        _ => "of another user",
    };
    format!("{kind} {:04o} {owner}", metadata.mode() & 0o7777)
}

/// The text of a path, or about one, with `~` for the home directory, whose name is a person's.
pub fn nameless(text: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    without(text, home.trim_end_matches('/'))
}

fn without(text: &str, home: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(home).filter(|_| !home.is_empty()) {
        // Another's name may begin with this one.
        let is_whole = !behind.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        told += before;
        told += if is_whole { "~" } else { home };
        rest = behind;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    #[test]
    fn each_thing_is_told_apart() {
        let scratch = std::env::temp_dir().join(format!("kymo-places-{}", std::process::id()));
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir(&scratch).unwrap();
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(found(&scratch), "directory 0750 own");
        let socket = scratch.join("json.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("/nowhere", scratch.join("control.sock")).unwrap();
        let told = place(&scratch);
        let word = |key: &str| told.get(key).and_then(Value::word).unwrap().to_string();
        assert_eq!(word("json.sock"), "socket 0600 own");
        assert_eq!(word("stream.sock"), "absent");
        assert!(word("control.sock").starts_with("link "), "{}", word("control.sock"));
        assert!(found(&scratch.join("x".repeat(PATH_MAX))).contains("too long"));
        let _other = UnixListener::bind(scratch.join("bar.sock")).unwrap();
        fs::set_permissions(scratch.join("bar.sock"), fs::Permissions::from_mode(0o666)).unwrap();
        let told = place(&scratch);
        assert_eq!(told.get("bar.sock").and_then(Value::word), Some("socket 0666 own"));
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn nobody_is_named() {
        let told = |text: &str| without(text, "/Users/jane");
        assert_eq!(told("/Users/jane/.cache/kymo/run"), "~/.cache/kymo/run");
        assert_eq!(told("at /Users/jane/k/s: no, /Users/jane"), "at ~/k/s: no, ~");
        assert_eq!(told("/Users/janet/k"), "/Users/janet/k");
        assert_eq!(without("/run/kymo", ""), "/run/kymo");
    }
}
