//! Where a recorder's files are: how they are called, and how many there are.
//!
//! A file is `NAME-20261122T043210.123Z.kymo`: the time is that of what made it, in UTC, so that
//! names are in the order of time. One that was asked for by how long it should reach back is
//! `NAME-last-N.kymo`, and does not count: each connection of the control socket has one, so that
//! nobody else's takes its place while it is read.

use std::fmt::{self, Write};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::config::RecorderSettings;
use crate::limits::{RECORDER_FILES_MAX, RECORDER_NAME_MAX, RECORDER_PATH_MAX, RECORDING_PATH_MAX};

/// How files of this kind end.
const ENDING: &str = ".kymo";
/// Of a time, as `20261122T043210.123Z`.
const TIME_SIZE: usize = 20;
const FILES_MAX: usize = RECORDER_FILES_MAX as usize;

/// The path of a file.
pub type FilePath = heapless::String<RECORDING_PATH_MAX>;

type Name = heapless::String<{ RECORDER_NAME_MAX + 32 }>;

/// The files of one recorder; see the module.
#[derive(Debug)]
pub struct Folder {
    path: heapless::String<RECORDER_PATH_MAX>,
    name: heapless::String<RECORDER_NAME_MAX>,
    files_max: usize,
    /// From the oldest on.
    names: heapless::Deque<Name, FILES_MAX>,
}

impl Folder {
    /// Makes the folder of a recorder, for its owner alone since events may be anything, and looks
    /// at what is there.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn open(settings: &RecorderSettings, path: &str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let too_long = |_| io::Error::other("the path is too long");
        let mut folder = Self {
            path: path.try_into().map_err(too_long)?,
            name: settings.name.clone(),
            files_max: settings.files as usize,
            names: heapless::Deque::new(),
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name();
            names.extend(name.to_str().filter(|name| folder.is_own(name)).map(String::from));
        }
        names.sort_unstable();
        for name in names {
            folder.note(&name);
        }
        // To be told now, and not when something has happened.
        let probe = folder.path_of(format_args!("probe"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).open(probe.as_str())?;
        fs::remove_file(probe.as_str())?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        Path::new(self.path.as_str())
    }

    /// A new file for what has happened at this time. The oldest ones make room for it.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn create(&mut self, wall_ns: u64) -> io::Result<(File, FilePath)> {
        while self.names.len() >= self.files_max
            && let Some(oldest) = self.names.pop_front()
        {
            // Somebody may have taken it away.
            let _ = fs::remove_file(self.path_of_file(&oldest).as_str());
        }
        let mut name = Name::new();
        // There is room.
        let _ = write!(name, "{}-", self.name);
        write_utc(&mut name, wall_ns);
        let _ = name.push_str(ENDING);
        let path = self.path_of_file(&name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path.as_str())?;
        self.note(&name);
        Ok((file, path))
    }

    /// Takes away what became no recording.
    pub fn remove(&mut self, path: &FilePath) {
        if fs::remove_file(path.as_str()).is_ok()
            && self.names.back().is_some_and(|name| path.ends_with(name.as_str()))
        {
            self.names.pop_back();
        }
    }

    /// The file for who asks, in this place, how it was until now.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn create_last(&self, place: u8) -> io::Result<(File, FilePath)> {
        let path = self.path_of(format_args!("last-{place}"));
        // Whoever reads the one of before keeps it.
        match fs::remove_file(path.as_str()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path.as_str())?;
        Ok((file, path))
    }

    fn is_own(&self, name: &str) -> bool {
        let time = name.strip_prefix(self.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let time = time.and_then(|rest| rest.strip_suffix(ENDING));
        time.is_some_and(|time| {
            let shape = b"00000000T000000.000Z";
            let same = |(byte, shape): (u8, &u8)| match shape {
                b'0' => byte.is_ascii_digit(),
                shape => byte == *shape,
            };
            time.len() == TIME_SIZE && time.bytes().zip(shape).all(same)
        })
    }

    /// Takes a name in, behind those there are; the oldest is forgotten where there are too many.
    fn note(&mut self, name: &str) {
        if self.names.is_full() {
            self.names.pop_front();
        }
        // It has the length that names have.
        let _ = name.try_into().map(|name| self.names.push_back(name));
    }

    fn path_of(&self, what: fmt::Arguments<'_>) -> FilePath {
        let mut path = FilePath::new();
        let _ = write!(path, "{}/{}-{what}{ENDING}", self.path, self.name);
        path
    }

    fn path_of_file(&self, name: &str) -> FilePath {
        let mut path = FilePath::new();
        let _ = write!(path, "{}/{name}", self.path);
        path
    }
}

/// Writes a wall time as `20261122T043210.123Z`: ISO 8601, basic format, Gregorian from 1970 on.
fn write_utc(text: &mut impl Write, wall_ns: u64) {
    let (days, ms) = (wall_ns / 86_400_000_000_000, wall_ns / 1_000_000 % 86_400_000);
    let (year, month, day) = civil(days);
    let [hours, minutes, seconds] = [ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60];
    let ms = ms % 1000;
    let _ = write!(text, "{year:04}{month:02}{day:02}T{hours:02}{minutes:02}{seconds:02}.{ms:03}Z");
}

/// Year, month and day of a day since 1970. Years begin in March here, so that the day that some
/// of them lack is their last one, and 400 of them are always as long.
fn civil(days: u64) -> (u64, u64, u64) {
    // From March 1, 0000 on.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const S: u64 = 1_000_000_000;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("kymo-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn open(&self, files: u32) -> Folder {
            let name = "x".try_into().unwrap();
            let settings = RecorderSettings { name, files, ..RecorderSettings::default() };
            Folder::open(&settings, self.0.to_str().unwrap()).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<_> =
                names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let told = |seconds: u64| {
            let mut text = String::new();
            write_utc(&mut text, seconds * S + 7_999_999);
            text
        };
        // As `date -u -d @SECONDS` says.
        assert_eq!(told(0), "19700101T000000.007Z");
        assert_eq!(told(951_782_400), "20000229T000000.007Z");
        assert_eq!(told(951_868_799), "20000229T235959.007Z");
        assert_eq!(told(1_709_164_800), "20240229T000000.007Z");
        assert_eq!(told(1_798_761_599), "20261231T235959.007Z");
        assert_eq!(told(4_107_542_400), "21000301T000000.007Z");
    }

    #[test]
    fn only_so_many_stay_and_only_its_own_go() {
        let scratch = Scratch::new("folder");
        let mut folder = scratch.open(2);
        fs::write(scratch.0.join("x-y-20000101T000000.000Z.kymo"), "another's").unwrap();
        fs::write(scratch.0.join("x-notes.kymo"), "somebody's").unwrap();
        for seconds in 1..=3 {
            folder.create(seconds * S).unwrap();
        }
        let others = ["x-notes.kymo", "x-y-20000101T000000.000Z.kymo"].map(String::from);
        let own = ["x-19700101T000002.000Z.kymo", "x-19700101T000003.000Z.kymo"].map(String::from);
        assert_eq!(scratch.names(), [own.clone(), others.clone()].concat());
        // One of the next start knows what is there.
        let mut folder = scratch.open(2);
        folder.create(4 * S).unwrap();
        let last = [own[1].clone(), "x-19700101T000004.000Z.kymo".into()];
        assert_eq!(scratch.names(), [last.clone(), others.clone()].concat());
        // And one with a smaller number.
        let mut folder = scratch.open(1);
        folder.create(5 * S).unwrap();
        let one = ["x-19700101T000005.000Z.kymo".to_string()];
        assert_eq!(scratch.names(), [one.as_slice(), &others].concat());
        assert!(scratch.open(2).create(5 * S).is_err(), "nothing is written over");
        folder.create_last(3).unwrap();
        let (_, path) = folder.create_last(3).unwrap();
        assert!(path.ends_with("/x-last-3.kymo") && Path::new(path.as_str()).exists());
        let (_, path) = folder.create(6 * S).unwrap();
        folder.remove(&path);
        assert!(!Path::new(path.as_str()).exists() && folder.names.is_empty());
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told_at_the_start() {
        let scratch = Scratch::new("folder-file");
        fs::write(&scratch.0, "").unwrap();
        let settings = RecorderSettings::default();
        assert!(Folder::open(&settings, scratch.0.to_str().unwrap()).is_err());
        fs::remove_file(&scratch.0).unwrap();
    }
}
