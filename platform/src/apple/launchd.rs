//! What launchd answers to who asks for its sockets, by name.
//!
//! It knows no list of names: a name in a property list that nobody asks for goes unnoticed, and
//! who connects to it waits.

use std::io;

use crate::activation::ActivationError;

/// There is no such name in the job's property list.
const ENOENT: i32 = 2;
/// launchd did not start this process.
const ESRCH: i32 = 3;
/// They were given away before.
const EALREADY: i32 = 37;

/// The one socket of `name`, if launchd holds one: `answer` is what it said, with a number of errno
/// of macOS.
///
/// # Errors
///
/// When there are several, when they were taken before, and what else it says.
pub fn the_socket<S>(
    name: &'static str,
    answer: Result<Vec<S>, i32>,
) -> Result<Option<S>, ActivationError> {
    match answer {
        Ok(sockets) if sockets.len() > 1 => Err(ActivationError::Twice(name.into())),
        Ok(mut sockets) => Ok(sockets.pop()),
        Err(ENOENT | ESRCH) => Ok(None),
        Err(EALREADY) => Err(ActivationError::Taken),
        Err(number) => {
            Err(ActivationError::System(name.into(), io::Error::from_raw_os_error(number)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_socket_or_none_or_a_reason() {
        let said = |answer: Result<Vec<u8>, i32>| {
            the_socket("json", answer).map_err(|error| error.to_string())
        };
        assert_eq!(said(Ok(vec![7])), Ok(Some(7)));
        for none in [Ok(vec![]), Err(ENOENT), Err(ESRCH)] {
            assert_eq!(said(none), Ok(None));
        }
        let text = |answer| said(answer).unwrap_err();
        assert_eq!(text(Ok(vec![7, 8])), "socket activation: two sockets are named `json`");
        assert!(text(Err(EALREADY)).ends_with("have been taken already"));
        assert!(text(Err(13)).contains("`json`") && text(Err(13)).contains("os error 13"));
    }
}
