//! A journal's storage on a disk: one file for each segment, in a directory of its own.
//!
//! The files are made with all their blocks before the first event and never change their size, so
//! that a full disk is found at the start and not in the middle of a turn. They are read and
//! written in place and never mapped: a map turns an I/O error into a signal. The directory is
//! checked and locked like the one of the sockets, so nobody else changes what is in it.
//!
//! | file | is |
//! |---|---|
//! | `segment-00.kymo` … | the segments |
//! | `segment-00.kymo.new` | one in the making; without it, a kill could leave a short one |
//! | `segment-00.bad` … | what a segment was when damage in it was found; at most four of them |
//! | `kymo.lock` | the lock |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kymo_platform::durability;
use nix::fcntl::OFlag;

use crate::directory::Directory;
use crate::journal::storage::Storage;
use crate::limits::JOURNAL_EVIDENCE_MAX;
use crate::start_error::StartError;

const ZEROS: [u8; 4096] = [0; 4096];

/// Segments in files; see the module.
#[derive(Debug)]
pub struct Files {
    directory: Directory,
    files: Box<[Segment]>,
    segment_size: usize,
    /// Files that were missing among others.
    lost: usize,
}

#[derive(Debug)]
struct Segment {
    file: File,
    /// How long it was found; less than the others if something cut it off.
    size: u64,
}

impl Files {
    /// Opens the files in a directory, which is made if it is missing, as are they. A missing one
    /// among others is made again, of zeros, by which the journal sees that it was lost.
    ///
    /// # Errors
    ///
    /// [`StartError::Directory`] when the directory can't be trusted, [`StartError::Running`] when
    /// another process has it, [`StartError::System`] for the rest, such as a full disk.
    pub fn open(path: &Path, segments: usize, segment_size: usize) -> Result<Self, StartError> {
        let directory = Directory::open(path, None)?;
        // Half a journal on a full disk would be no use to anybody, and keep it full.
        let found = (0..segments).filter(|index| directory.path().join(name(*index)).exists());
        let found = found.count();
        let mut made = Vec::new();
        let mut files = Vec::with_capacity(segments);
        for index in 0..segments {
            let path = directory.path().join(name(index));
            let what = |error| StartError::system(format!("open {}", path.display()), error);
            let file = match open(&path, false) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    made.push(path.clone());
                    make(&path, segment_size).map_err(|error| {
                        let _ = fs::remove_file(path.with_extension("kymo.new"));
                        made.iter().for_each(|path| drop(fs::remove_file(path)));
                        let what = format!("make {} bytes of {}", segment_size, path.display());
                        StartError::system(what, error)
                    })?;
                    open(&path, false).map_err(what)?
                }
                other => other.map_err(what)?,
            };
            let metadata = file.metadata().map_err(what)?;
            if !metadata.is_file() {
                return Err(what(io::ErrorKind::InvalidInput.into()));
            }
            files.push(Segment { file, size: metadata.len() });
        }
        if !made.is_empty() {
            sync_directory(directory.path())
                .map_err(|error| StartError::system(format!("sync {}", path.display()), error))?;
        }
        let lost = if found > 0 { made.len() } else { 0 };
        Ok(Self { directory, files: files.into_boxed_slice(), segment_size, lost })
    }

    /// The same files once more, for the thread that syncs them. Number `n` is segment `n`.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left.
    pub fn try_clone_files(&self) -> io::Result<Vec<File>> {
        self.files.iter().map(|segment| segment.file.try_clone()).collect()
    }

    fn segment(&mut self, index: usize) -> io::Result<&mut Segment> {
        self.files.get_mut(index).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn evidence(&self, index: usize) -> PathBuf {
        self.directory.path().join(format!("segment-{index:02}.bad"))
    }
}

impl Storage for Files {
    fn segments(&self) -> usize {
        self.files.len()
    }

    fn segment_size(&self) -> usize {
        self.segment_size
    }

    fn lost(&self) -> usize {
        self.lost
    }

    fn read(&mut self, segment: usize, offset: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let file = &self.segment(segment)?.file;
        loop {
            match file.read_at(buffer, offset as u64) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let size = self.segment_size as u64;
        let segment = self.segment(segment)?;
        if segment.size < size {
            fill(&segment.file, segment.size, size)?;
            segment.size = size;
        }
        segment.file.write_all_at(bytes, offset as u64)?;
        // What is written to a file that nobody will find again is not kept.
        let metadata = segment.file.metadata()?;
        if metadata.nlink() == 0 || metadata.len() < size {
            return Err(io::Error::other("a segment was deleted or cut off by somebody else"));
        }
        Ok(())
    }

    fn sync(&mut self, segment: usize) -> io::Result<()> {
        self.segment(segment)?.file.sync_data()
    }

    fn set_aside(&mut self, segment: usize) -> io::Result<()> {
        let path = self.evidence(segment);
        let bytes = {
            let mut bytes = vec![0; self.segment_size];
            let size = self.read(segment, 0, &mut bytes)?;
            bytes.truncate(size);
            bytes
        };
        match fs::read(&path) {
            // The damage that is known.
            Ok(known) if known == bytes => return Ok(()),
            Ok(_) => {}
            Err(_) => {
                let kept = (0..self.files.len()).filter(|index| self.evidence(*index).exists());
                if kept.count() >= JOURNAL_EVIDENCE_MAX {
                    return Err(io::ErrorKind::QuotaExceeded.into());
                }
            }
        }
        let new = path.with_extension("bad.new");
        let mut file = open(&new, true)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_directory(self.directory.path())
    }
}

fn name(index: usize) -> String {
    format!("segment-{index:02}.kymo")
}

/// Opens a file; with `anew` an empty one, whatever was there.
fn open(path: &Path, anew: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(anew)
        .truncate(anew)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
        .open(path)
}

/// Makes a file of zeros with all its blocks. It is not synced: after a loss of power it may be
/// gone or short, which the journal sees, and then nothing in it was said to be synced either.
fn make(path: &Path, size: usize) -> io::Result<()> {
    let new = path.with_extension("kymo.new");
    let file = open(&new, true)?;
    // The umask is the host's, and may have taken the owner's bits away.
    file.set_permissions(PermissionsExt::from_mode(0o600))?;
    if !durability::reserve(&file, size as u64)? {
        fill(&file, 0, size as u64)?;
    }
    fs::rename(&new, path)
}

fn fill(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut offset = from;
    while offset < to {
        let size = usize::try_from(to - offset).map_or(ZEROS.len(), |rest| rest.min(ZEROS.len()));
        file.write_all_at(ZEROS.get(..size).unwrap_or(&ZEROS), offset)?;
        offset += size as u64;
    }
    Ok(())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kymo-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn the_files_are_whole_and_ours_alone() {
        let path = scratch("made");
        let files = Files::open(&path, 3, 5000).unwrap();
        for index in 0..3 {
            let metadata = fs::metadata(path.join(name(index))).unwrap();
            assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (5000, 0o600));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(Files::open(&path, 3, 5000), Err(StartError::Running { .. })));
        drop(files);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o770)).unwrap();
        assert!(matches!(Files::open(&path, 3, 5000), Err(StartError::Directory { .. })));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        fs::remove_file(path.join(name(1))).unwrap();
        symlink("/etc/passwd", path.join(name(1))).unwrap();
        assert!(matches!(Files::open(&path, 3, 5000), Err(StartError::System { .. })));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_short_file_reads_short_until_it_is_written() {
        let path = scratch("short");
        drop(Files::open(&path, 3, 5000).unwrap());
        File::options().write(true).open(path.join(name(2))).unwrap().set_len(100).unwrap();
        let mut files = Files::open(&path, 3, 5000).unwrap();
        let mut buffer = [1; 200];
        assert_eq!(files.read(2, 0, &mut buffer).unwrap(), 100);
        assert_eq!(files.read(2, 100, &mut buffer).unwrap(), 0);
        assert_eq!(files.read(1, 4900, &mut buffer).unwrap(), 100);
        files.write(2, 40, b"here").unwrap();
        assert_eq!(files.read(2, 40, &mut buffer).unwrap(), 200);
        assert_eq!(buffer[..5], *b"here\0");
        assert_eq!(fs::metadata(path.join(name(2))).unwrap().len(), 5000);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_is_missing_among_others_is_lost() {
        let path = scratch("lost");
        assert_eq!(Files::open(&path, 3, 512).unwrap().lost(), 0, "a first start");
        assert_eq!(Files::open(&path, 3, 512).unwrap().lost(), 0);
        fs::remove_file(path.join(name(0))).unwrap();
        fs::remove_file(path.join(name(2))).unwrap();
        assert_eq!(Files::open(&path, 3, 512).unwrap().lost(), 2);
        (0..3).for_each(|index| fs::remove_file(path.join(name(index))).unwrap());
        assert_eq!(Files::open(&path, 3, 512).unwrap().lost(), 0, "nobody had one");
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_nobody_will_find_again_was_not_written() {
        let path = scratch("gone");
        let mut files = Files::open(&path, 3, 512).unwrap();
        files.write(0, 0, b"here").unwrap();
        let file = File::options().write(true).open(path.join(name(0))).unwrap();
        file.set_len(100).unwrap();
        assert!(files.write(0, 0, b"here").is_err(), "it was cut off");
        fs::remove_file(path.join(name(1))).unwrap();
        assert!(files.write(1, 0, b"here").is_err(), "it was deleted");
        files.write(2, 0, b"here").unwrap();
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn clones_are_the_same_files() {
        let path = scratch("clones");
        let files = Files::open(&path, 3, 512).unwrap();
        let inode = |file: &File| file.metadata().unwrap().ino();
        let clones: Vec<u64> = files.try_clone_files().unwrap().iter().map(inode).collect();
        let found = (0..3).map(|index| fs::metadata(path.join(name(index))).unwrap().ino());
        assert_eq!(clones, found.collect::<Vec<_>>());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_is_asked_of_no_place_is_an_error() {
        let path = scratch("nowhere");
        let mut files = Files::open(&path, 3, 512).unwrap();
        // No file has such an offset.
        assert!(files.read(0, usize::MAX, &mut [0]).is_err());
        assert!(files.read(3, 0, &mut [0]).is_err());
        assert!(files.write(3, 0, &[0]).is_err() && files.sync(3).is_err());
        files.sync(0).unwrap();
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn zeros_are_filled_in_up_to_the_end() {
        let path = scratch("zeros");
        fs::create_dir(&path).unwrap();
        for (from, to) in [(0, 1), (0, 4096), (0, 5000), (100, 9000), (4095, 4097), (7, 7)] {
            let file = open(&path.join("file"), true).unwrap();
            file.write_all_at(&vec![1; from], 0).unwrap();
            fill(&file, from as u64, to).unwrap();
            let bytes = fs::read(path.join("file")).unwrap();
            assert_eq!(bytes.len() as u64, to);
            assert!(bytes[..from].iter().all(|byte| *byte == 1));
            assert!(bytes[from..].iter().all(|byte| *byte == 0));
        }
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn evidence_is_kept_and_bounded() {
        let path = scratch("evidence");
        let mut files = Files::open(&path, 6, 512).unwrap();
        for index in 0..JOURNAL_EVIDENCE_MAX {
            files.write(index, 0, &[1]).unwrap();
            files.set_aside(index).unwrap();
        }
        assert!(files.set_aside(5).is_err());
        files.write(0, 0, &[2]).unwrap();
        files.set_aside(0).unwrap();
        assert_eq!(fs::read(path.join("segment-00.bad")).unwrap()[0], 2);
        assert_eq!(fs::read(path.join("segment-01.bad")).unwrap()[0], 1);
        // Damage that is known is not written again at each start.
        let inode = || fs::metadata(path.join("segment-00.bad")).unwrap().ino();
        let before = inode();
        files.set_aside(0).unwrap();
        assert_eq!(inode(), before);
        assert!(!path.join("segment-05.bad").exists());
        fs::remove_dir_all(path).unwrap();
    }
}
