//! The processes that use most, from `/proc/PID/stat`, a few at a time.
//!
//! A pass over all processes goes on over as many calls as its budget needs, with one read for each
//! process. A share of CPUs needs two looks at the same process, which its number alone doesn't
//! prove: the start time does. Processes that come or go during a pass may be missed by it.

use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::directory::Listing;
use super::file::{c_path, open_directory, read_at, reason};
use super::name::Name;
use super::process_stat::{ProcessStat, parse};
use super::sys::page_size;
use super::text::number;
use crate::clock::{self, Now};
use crate::phrase::ShortText;
use crate::ranking::{Process, ProcessSource, Ranking};
use crate::roots::Roots;
use crate::shares::{Look, Shares};

/// Nanoseconds in a tick of procfs.
const TICK_NS: u64 = 10_000_000;
/// Holds the file of any process: a name of 64 bytes and 52 numbers.
const TEXT_SIZE: usize = 1024;

/// Looks at every process in turn.
pub(crate) struct Ranker {
    path: CString,
    directory: Option<OwnedFd>,
    listing: Listing,
    shares: Shares,
    /// Of the pass under way, and of the last whole one.
    next: Box<Ranking>,
    last: Box<Ranking>,
    is_under_way: bool,
    began: Now,
    page_size: u64,
    now: fn() -> Now,
}

impl fmt::Debug for Ranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranker").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Ranker {
    /// A ranker of the processes of a procfs. All memory is taken here.
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            path: c_path(&roots.proc),
            directory: None,
            listing: Listing::new(),
            shares: Shares::new(),
            next: Box::default(),
            last: Box::default(),
            is_under_way: false,
            began: Now::default(),
            page_size: page_size(),
            now: clock::now,
        }
    }

    fn advance(&mut self, until_ns: u64) -> Result<bool, Errno> {
        if !self.is_under_way {
            self.begin()?;
        }
        loop {
            let Some(directory) = &self.directory else { return Err(Errno::ENOENT) };
            let Some(entry) = self.listing.next(directory.as_fd())? else { break };
            let Some(pid) = number(entry.name).and_then(|pid| u32::try_from(pid).ok()) else {
                continue;
            };
            let mut file = Name::new();
            file.extend(entry.name);
            file.extend(b"/stat");
            let mut text = [0; TEXT_SIZE];
            let found = read_stat(directory.as_fd(), &file, &mut text);
            let now = (self.now)();
            self.note(pid, found, now);
            if now.mono_ns >= until_ns {
                return Ok(false);
            }
        }
        // We are a process ourselves, so a procfs without any is none.
        if self.next.total == Ok(0) { Err(Errno::EIO) } else { Ok(true) }
    }

    fn begin(&mut self) -> Result<(), Errno> {
        if self.directory.is_none() {
            self.directory = Some(open_directory(AT_FDCWD, &self.path)?);
        }
        let Some(directory) = &self.directory else { return Err(Errno::ENOENT) };
        self.listing.restart(directory.as_fd())?;
        self.began = (self.now)();
        self.shares.begin();
        let began_ns = self.began.mono_ns;
        *self.next = Ranking { total: Ok(0), began_ns, ..Ranking::default() };
        self.is_under_way = true;
        Ok(())
    }

    fn note(&mut self, pid: u32, found: Result<(u32, ProcessStat<'_>), Errno>, now: Now) {
        // One that ended since it was listed doesn't count; one that hides does.
        if matches!(found, Err(Errno::ENOENT | Errno::ESRCH)) {
            return;
        }
        self.next.total = self.next.total.map(|total| total.saturating_add(1));
        let Ok((uid, stat)) = found else {
            self.next.truncated = true;
            return;
        };
        let look = Look {
            pid,
            start: stat.start,
            start_ns: stat.start.saturating_mul(TICK_NS),
            busy_ns: stat.busy.saturating_mul(TICK_NS),
        };
        let share = self.shares.note(&look, now);
        self.next.truncated |= !share.is_remembered;
        let process = Process {
            pid,
            uid,
            start_ns: share.start_ns,
            memory: stat.pages.saturating_mul(self.page_size),
            cpu: share.cpu,
            state: stat.state,
            name: ShortText::new().with_bytes(stat.name).into_string(),
        };
        self.next.add(&process);
    }
}

impl ProcessSource for Ranker {
    fn scan(&mut self, budget_ns: u64) -> bool {
        let start_ns = (self.now)().mono_ns;
        let result = self.advance(start_ns.saturating_add(budget_ns));
        match result {
            Ok(false) => return false,
            Ok(true) => {
                self.shares.end(self.began.boot_ns);
                std::mem::swap(&mut self.last, &mut self.next);
            }
            Err(errno) => {
                // Opened again next time: the file system may have been unmounted below.
                self.directory = None;
                *self.last = Ranking { total: Err(reason(errno)), ..Ranking::default() };
            }
        }
        self.is_under_way = false;
        true
    }

    fn ranking(&self) -> &Ranking {
        &self.last
    }

    fn forget(&mut self) {
        self.shares.forget();
        self.directory = None;
        self.is_under_way = false;
        *self.last = Ranking::default();
    }
}

/// Whose process it is, and what its file says.
fn read_stat<'t>(
    directory: BorrowedFd<'_>,
    file: &Name,
    text: &'t mut [u8],
) -> Result<(u32, ProcessStat<'t>), Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let name = file.as_c_str().ok_or(Errno::ENOENT)?;
    let fd = openat(directory, name, flags, Mode::empty())?;
    let about = fstat(&fd)?;
    if SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Errno::EINVAL);
    }
    let size = read_at(fd.as_fd(), text, 0)?;
    let stat = text.get(..size).and_then(parse).ok_or(Errno::EIO)?;
    Ok((about.st_uid, stat))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shares::PROCESSES_MAX;
    use kymo_protocol::NoData;
    use std::cell::Cell;
    use std::fs;
    use std::path::PathBuf;

    thread_local! {
        static NOW_NS: Cell<u64> = const { Cell::new(1_000_000_000_000) };
    }

    fn now() -> Now {
        // A suspend lies between the clocks.
        Now { mono_ns: NOW_NS.get(), boot_ns: NOW_NS.get() + 5_000_000_000, wall_ns: 0 }
    }

    fn wait(ns: u64) {
        NOW_NS.set(NOW_NS.get() + ns);
    }

    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            // Thousands of files are made at once where they are not written to a disk.
            let memory = PathBuf::from("/dev/shm");
            let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
            let root = parent.join(format!("kymo-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(&root).unwrap();
            Self(root)
        }

        fn process(&self, pid: u32, name: &str, busy: u64, start: u64, pages: u64) {
            let folder = self.0.join(pid.to_string());
            let _ = fs::create_dir(&folder);
            let text = format!(
                "{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {busy} 0 0 0 20 0 1 0 {start} 0 {pages} 0\n"
            );
            fs::write(folder.join("stat"), text).unwrap();
        }

        fn ranker(&self) -> Ranker {
            let roots = Roots { proc: self.0.clone(), sys: PathBuf::new(), smc_keys: None };
            Ranker { now, ..Ranker::new(&roots) }
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn cpu(ranker: &Ranker) -> Vec<(u32, f32)> {
        let ranked = &ranker.ranking().by_cpu;
        ranked.iter().map(|process| (process.pid, process.cpu.unwrap())).collect()
    }

    #[test]
    fn shares_are_between_two_passes_and_of_one_process() {
        let tree = Tree::new("ranker");
        tree.process(1, "init\u{1b}[2J)", 100, 10, 500);
        tree.process(7, "busy", 1000, 20, 700);
        tree.process(9, "kthread", 5, 20, 0);
        fs::create_dir(tree.0.join("sys")).unwrap();
        fs::create_dir(tree.0.join("12")).unwrap();
        let mut ranker = tree.ranker();
        assert_eq!(ranker.ranking().total, Err(NoData::Pending));
        assert!(ranker.scan(u64::MAX));
        let ranking = ranker.ranking();
        // One without a file has just ended.
        assert_eq!((ranking.total, ranking.truncated), (Ok(3), false));
        assert!(ranking.by_cpu.is_empty());
        let memory: Vec<_> = ranking.by_memory.iter().map(|process| process.pid).collect();
        assert_eq!(memory, [7, 1]);
        let first = &ranking.by_memory[1];
        assert_eq!((first.name.as_str(), first.state), ("init?[2J)", b'S'));
        assert_eq!((first.start_ns, first.cpu), (100_000_000, Err(NoData::Pending)));
        assert_eq!(first.memory, 500 * page_size());

        wait(2_000_000_000);
        tree.process(1, "init", 150, 10, 500);
        tree.process(7, "busy", 1400, 20, 700);
        // Half a second ago, on the boot clock; and one that has the number of another.
        let start = (NOW_NS.get() + 5_000_000_000 - 500_000_000) / TICK_NS;
        tree.process(8, "new", 10, start, 1);
        tree.process(9, "reused", 6, start, 1);
        assert!(ranker.scan(u64::MAX));
        assert_eq!(cpu(&ranker), [(7, 200.0), (1, 25.0), (8, 20.0), (9, 12.0)]);

        // Too soon for a share; the time counts for the next one. Old ones are not new.
        wait(100_000_000);
        tree.process(1, "init", 160, 10, 500);
        tree.process(5, "hidden until now", 999, 10, 1);
        assert!(ranker.scan(u64::MAX));
        assert_eq!(cpu(&ranker), []);
        wait(100_000_000);
        assert!(ranker.scan(u64::MAX));
        assert_eq!(cpu(&ranker), [(1, 50.0)]);
        // After a pause that nobody watched, nothing is known of it.
        assert!(!ranker.scan(0));
        ranker.forget();
        assert_eq!(ranker.ranking().total, Err(NoData::Pending));
        wait(3_600_000_000_000);
        assert!(ranker.scan(u64::MAX));
        assert_eq!((cpu(&ranker), ranker.ranking().total), (vec![], Ok(5)));
        // A count that goes back is no work.
        tree.process(1, "init", 0, 10, 500);
        wait(1_000_000_000);
        assert!(ranker.scan(u64::MAX));
        assert_eq!(cpu(&ranker), []);
        assert!(!ranker.ranking().truncated);
        // One that hides, as others do with `hidepid=1`.
        fs::create_dir_all(tree.0.join("13/stat")).unwrap();
        assert!(ranker.scan(u64::MAX));
        assert_eq!((ranker.ranking().total, ranker.ranking().truncated), (Ok(6), true));
        fs::remove_dir_all(&tree.0).unwrap();
        ranker.scan(u64::MAX);
        assert!(ranker.ranking().total.is_err());
    }

    #[test]
    fn a_pass_of_thousands_goes_on_over_many_calls_and_what_is_too_much_is_told() {
        let tree = Tree::new("ranker-many");
        let count = u32::try_from(PROCESSES_MAX).unwrap() + 3;
        for pid in 1..=count {
            tree.process(pid, "one", u64::from(pid), 10, u64::from(pid));
        }
        let mut ranker = tree.ranker();
        let mut calls = 1;
        while !ranker.scan(0) {
            calls += 1;
        }
        assert_eq!(calls, count + 1);
        let ranking = ranker.ranking();
        assert_eq!((ranking.total, ranking.truncated), (Ok(count), true));
        let greatest: Vec<_> = ranking.by_memory.iter().map(|process| process.pid).collect();
        assert!(greatest.iter().copied().eq((count - 31..=count).rev()), "{greatest:?}");
        assert_eq!(ranker.shares.pids().count(), PROCESSES_MAX);
        assert_eq!(ranker.shares.capacity(), PROCESSES_MAX);
        assert!(ranker.shares.pids().is_sorted());
        // Those that ended are forgotten with the next pass, and leave room for the one after it.
        for pid in 10..=count {
            fs::remove_dir_all(tree.0.join(pid.to_string())).unwrap();
        }
        assert!(ranker.scan(u64::MAX) && ranker.scan(u64::MAX));
        assert_eq!((ranker.ranking().total, ranker.ranking().truncated), (Ok(9), false));
        assert_eq!(ranker.shares.pids().count(), 9);
    }

    #[test]
    fn this_machine_has_this_process() {
        let mut ranker = Ranker::new(&Roots::default());
        while !ranker.scan(1_000_000) {}
        let total = ranker.ranking().total.unwrap();
        assert!(total > 1, "{total}");
        assert!(ranker.shares.pids().any(|pid| pid == std::process::id()));
        let spin = std::time::Instant::now();
        while spin.elapsed().as_millis() < 300 {}
        while !ranker.scan(1_000_000) {}
        let own = ranker.ranking().by_cpu.iter().find(|one| one.pid == std::process::id());
        assert!(own.is_some_and(|own| own.cpu.unwrap() > 10.0 && own.memory > 1 << 19));
    }

    #[test]
    fn what_is_no_procfs_has_no_processes() {
        let roots = Roots { proc: "/nonexistent".into(), ..Roots::default() };
        let mut ranker = Ranker::new(&roots);
        assert!(ranker.scan(0));
        assert_eq!(ranker.ranking().total, Err(NoData::Absent));
        let tree = Tree::new("ranker-empty");
        let mut ranker = tree.ranker();
        assert!(ranker.scan(0));
        assert_eq!(ranker.ranking().total, Err(NoData::Fault));
        // A FIFO in place of the file is not waited for.
        fs::create_dir(tree.0.join("1")).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(tree.0.join("1/stat")).status();
        assert!(fifo.unwrap().success());
        assert!(ranker.scan(u64::MAX));
        assert_eq!(ranker.ranking().total, Ok(1));
        assert!(ranker.ranking().by_memory.is_empty());
    }
}
