//! Finding a server, and sending to it.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::os;

/// Connects to `socket` in the first of `directories` where somebody listens.
///
/// # Errors
///
/// The one that came nearest: a socket that may not be used, then one that nobody serves, then
/// none.
pub fn first<'a>(
    directories: &'a [PathBuf],
    socket: &str,
) -> Result<(UnixStream, &'a Path), Error> {
    let mut nearest: Option<Error> = None;
    for directory in directories {
        let path = directory.join(socket);
        match os::connect(&path) {
            Ok(stream) => return Ok((stream, directory)),
            Err(error) => {
                let error = Error::of_connect(&path, &error);
                if nearest.as_ref().is_none_or(|before| nearness(before) < nearness(&error)) {
                    nearest = Some(error);
                }
            }
        }
    }
    Err(nearest.unwrap_or(Error::Unreachable {
        path: socket.into(),
        kind: ErrorKind::NotFound,
        text: "no directory to look in".into(),
    }))
}

fn nearness(error: &Error) -> u8 {
    match error {
        Error::Denied { .. } => 2,
        Error::Unreachable { kind: ErrorKind::NotFound, .. } => 0,
        _ => 1,
    }
}

/// Sends what goes at once, and returns how many bytes that is.
pub fn send(stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match os::send_now(stream, bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Whether a connection on which nothing is outstanding can still be used: nothing has come, and no
/// end.
pub fn is_alive(stream: &UnixStream) -> bool {
    let mut stream = stream;
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_first_that_answers_is_taken_and_the_nearest_miss_told() {
        let scratch = std::env::temp_dir().join(format!("kymo-dial-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&scratch);
        let [empty, dead, live] = ["empty", "dead", "live"].map(|name| scratch.join(name));
        for directory in [&empty, &dead, &live] {
            std::fs::create_dir_all(directory).unwrap();
        }
        drop(UnixListener::bind(dead.join("s")).unwrap());
        let listener = UnixListener::bind(live.join("s")).unwrap();
        let all = [empty.clone(), dead.clone(), live.clone()];
        assert_eq!(first(&all, "s").unwrap().1, live);
        drop(listener);
        for directories in [[empty.clone(), dead.clone()], [dead.clone(), empty.clone()]] {
            let error = first(&directories, "s").unwrap_err();
            let expected = dead.join("s");
            assert!(matches!(error, Error::Unreachable { path, .. } if path == expected));
        }
        let long = PathBuf::from(format!("/{}", "x".repeat(200)));
        assert!(matches!(first(&[long], "s"), Err(Error::Unreachable { .. })));
        assert!(matches!(first(&[], "s"), Err(Error::Unreachable { .. })));
        let _ = std::fs::remove_dir_all(&scratch);
    }
}
