//! A file that remembers the last event that was shown.
//!
//! It is written anew beside itself and renamed, so that whoever reads it finds the old place or
//! the new one. It is written behind what was shown: after a kill the last events may be shown
//! again, and none is left out.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kymo_client::Token;

use crate::args::Resume;
use crate::clean::clean;
use crate::failure::Failure;

/// A file with a token; see the module.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    written: Option<Token>,
}

/// Where to go on, and the file to be kept up.
///
/// # Errors
///
/// When the file holds something else, or can't be read.
pub fn open(resume: Option<&Resume>) -> Result<(Option<Token>, Option<TokenFile>), Failure> {
    let path = match resume {
        None => return Ok((None, None)),
        Some(Resume::Token(token)) => return Ok((Some(*token), None)),
        Some(Resume::File(path)) => path.clone(),
    };
    let token = match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(text.trim().parse().map_err(|error| failure(&path, error))?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failure(&path, error)),
    };
    Ok((token, Some(TokenFile { path, written: token })))
}

fn failure(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{}: {error}", clean(path.to_string_lossy().chars())))
}

impl TokenFile {
    /// Keeps `token`, unless it stands there.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn keep(&mut self, token: Option<Token>) -> Result<(), Failure> {
        let Some(new) = token.filter(|_| token != self.written) else { return Ok(()) };
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(name);
        let written =
            fs::write(&beside, format!("{new}\n")).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            failure(&self.path, error)
        })?;
        self.written = token;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again() {
        let path = std::env::temp_dir().join(format!("kymo-token-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let resume = Resume::File(path.clone());
        let (token, file) = open(Some(&resume)).unwrap();
        assert_eq!(token, None);
        let token = Some(Token { epoch: [7; 16], events: 41 });
        let mut file = file.unwrap();
        file.keep(None).unwrap();
        assert!(!path.exists(), "nothing is known yet");
        file.keep(token).unwrap();
        assert_eq!(open(Some(&resume)).unwrap().0, token);
        fs::write(&path, "something else").unwrap();
        assert!(open(Some(&resume)).unwrap_err().text.contains("a token is"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "something else", "it is left alone");
        fs::remove_file(&path).unwrap();
        let nowhere = Resume::File("/nonexistent/file".into());
        let (_, file) = open(Some(&nowhere)).unwrap();
        assert!(file.unwrap().keep(token).is_err());
        assert!(open(Some(&Resume::File("/".into()))).is_err());
    }
}
