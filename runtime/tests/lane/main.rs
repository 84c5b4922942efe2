//! The lane with real files in the places of a chip's attributes: such as hang, and such as are no
//! files; and kymod with the same. Files that hang are FUSE's and need root; without it those tests
//! say so and pass.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

#[allow(dead_code, unused_imports, reason = "the daemon's tests use the rest")]
#[path = "../common/mod.rs"]
mod common;
mod daemon;
mod fuse;

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{process, thread};

use fuse::FuseFile;
use kymo::lane::{Job, Lane, UnitState};
use kymo::limits::LANE_BUDGET_NS;
use kymo_platform::{Roots, clock, this_machine_sources};
use kymo_protocol::{Group, NoData, Reading};

const BUDGET: Duration = Duration::from_nanos(LANE_BUDGET_NS);
/// A busy machine may keep any thread from its processor for that long.
const GRACE: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(20);
const CHIPS: usize = 4;

/// A tree of chips with one temperature each, and a lane that reads them.
struct Rig {
    root: PathBuf,
    lane: Lane,
    /// The last readings of each chip, and when they came.
    last: [(Vec<Reading<f64>>, Option<Instant>); CHIPS],
    call_max: Duration,
}

/// The file of a chip's temperature.
fn attribute(root: &Path, chip: usize) -> PathBuf {
    root.join(format!("sys/devices/pci0/{chip}/hwmon/hwmon{chip}/temp1_input"))
}

/// Makes the chips, each of them by its number and 40 degrees warm.
fn plant(root: &Path) {
    fs::create_dir_all(root.join("sys/class/hwmon")).unwrap();
    for chip in 0..CHIPS {
        let file = attribute(root, chip);
        let folder = file.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("name"), "k10temp\n").unwrap();
        fs::write(&file, format!("{}000\n", 40 + chip)).unwrap();
        symlink("../..", folder.join("device")).unwrap();
        symlink(folder, root.join(format!("sys/class/hwmon/hwmon{chip}"))).unwrap();
    }
}

impl Rig {
    fn new(name: &str, place: impl Fn(&Rig)) -> Self {
        let root = std::env::temp_dir().join(format!("kymo-lane-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&root);
        let roots = Roots { proc: root.join("proc"), sys: root.join("sys"), smc_keys: None };
        let mut rig = Self {
            root,
            lane: Lane::new(Vec::new(), || ()).unwrap(),
            last: Default::default(),
            call_max: Duration::ZERO,
        };
        plant(&rig.root);
        place(&rig);
        let mut sources = this_machine_sources(&roots);
        sources.retain(|source| source.spec().group == Group::Hwmon);
        let the_loop = thread::current();
        rig.lane = Lane::new(sources, move || the_loop.unpark()).unwrap();
        for chip in 0..CHIPS {
            rig.job(chip, Job::Scan);
        }
        rig
    }

    fn attribute(&self, chip: usize) -> PathBuf {
        attribute(&self.root, chip)
    }

    fn ask(&mut self, chip: usize, job: Job) -> bool {
        let begun = Instant::now();
        let is_asked = self.lane.ask(chip, job, clock::mono_ns());
        self.call_max = self.call_max.max(begun.elapsed());
        is_asked
    }

    fn turn(&mut self) {
        let left = self.lane.deadline_ns().map(|at| at.saturating_sub(clock::mono_ns()));
        thread::park_timeout(left.map_or(GRACE, Duration::from_nanos));
        let begun = Instant::now();
        let last = &mut self.last;
        self.lane.poll_done(clock::mono_ns(), |done, shelf| {
            last[done.unit] = (shelf.readings().to_vec(), Some(Instant::now()));
        });
        self.lane.handle_deadlines(clock::mono_ns());
        self.call_max = self.call_max.max(begun.elapsed());
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.lane);
            self.turn();
        }
    }

    /// Asks, and waits for what comes of it; how long that took.
    fn job(&mut self, chip: usize, job: Job) -> Duration {
        let begun = Instant::now();
        while !self.ask(chip, job) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.lane.state(chip));
            self.turn();
        }
        let asked = Instant::now();
        self.until("an answer", |rig| rig.last[chip].1.is_some_and(|at| at > asked));
        asked.elapsed()
    }

    fn readings(&self, chip: usize) -> &[Reading<f64>] {
        &self.last[chip].0
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn what_is_no_file_is_a_fault_at_once() {
    let mut rig = Rig::new("kinds", |rig| {
        let path = rig.attribute(0);
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let path = rig.attribute(1);
        fs::remove_file(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
    });
    for _ in 0..3 {
        for chip in 0..CHIPS {
            let took = rig.job(chip, Job::Read);
            assert!(took < GRACE && !rig.lane.is_held(chip), "{took:?}");
        }
        for chip in [0, 1] {
            assert_eq!(rig.readings(chip), [Err(NoData::Fault)]);
        }
        assert_eq!([rig.readings(2), rig.readings(3)], [[Ok(42.0)], [Ok(43.0)]]);
    }
}

#[test]
fn files_that_answer_once_and_then_never() {
    let files = RefCell::new(Vec::new());
    if let Some(error) = FuseFile::obstacle() {
        println!("not tested: FUSE can't be mounted here ({error})");
        return;
    }
    let mut rig = Rig::new("fuse", |rig| {
        let mount = |chip| FuseFile::mount(&rig.attribute(chip), "51000\n").unwrap();
        files.borrow_mut().extend([mount(0), mount(1)]);
    });
    let mut files = files.into_inner();
    assert_eq!([rig.readings(0), rig.readings(1)], [[Ok(51.0)], [Ok(51.0)]]);

    // One of them: held, and the others late once.
    files[0].mute();
    let begun = Instant::now();
    assert!((0..CHIPS).all(|chip| rig.ask(chip, Job::Read)));
    rig.until("the others", |rig| (1..CHIPS).all(|chip| rig.last[chip].1 > Some(begun)));
    let late = begun.elapsed();
    println!("late by {late:?}");
    assert!(late >= BUDGET && late < BUDGET + GRACE, "{late:?}");
    assert_eq!((rig.lane.state(0), rig.lane.is_held(0)), (UnitState::Stuck, true));
    for chip in 1..CHIPS {
        assert!(rig.job(chip, Job::Read) < GRACE && !rig.lane.is_held(chip));
    }

    // Two of them: everything held, and the loop waits for nothing.
    files[1].mute();
    assert!(rig.ask(1, Job::Read));
    rig.until("both", |rig| rig.lane.state(1) == UnitState::Stuck);
    assert!(!rig.ask(2, Job::Read) && !rig.ask(3, Job::Read));
    assert!((0..CHIPS).all(|chip| rig.lane.is_held(chip)));
    println!("the longest call took {:?}", rig.call_max);
    assert!(rig.call_max < BUDGET / 5, "{:?}", rig.call_max);

    // They answer: both rest, and then all is as before.
    let reads = [files[0].reads(), files[1].reads()];
    // Their threads may have begun later than the loop believes, and only their own time counts.
    thread::sleep(GRACE);
    files.iter_mut().for_each(FuseFile::speak);
    let is_resting =
        |rig: &Rig, chip| matches!(rig.lane.state(chip), UnitState::Quarantined { .. });
    rig.until("rest", |rig| is_resting(rig, 0) && is_resting(rig, 1));
    assert!(rig.job(2, Job::Read) < GRACE);
    assert_eq!([files[0].reads(), files[1].reads()], reads, "left alone");
    for chip in 0..CHIPS {
        rig.job(chip, Job::Read);
        assert_eq!((rig.lane.state(chip), rig.lane.is_held(chip)), (UnitState::Idle, false));
    }
    assert_eq!([rig.readings(0), rig.readings(3)], [[Ok(51.0)], [Ok(43.0)]]);

    // With both stuck, the lane ends nevertheless.
    for (chip, file) in files.iter_mut().enumerate() {
        file.mute();
        assert!(rig.ask(chip, Job::Read));
    }
    rig.until("both", |rig| rig.lane.deadline_ns().is_none());
    let begun = Instant::now();
    rig.lane = Lane::new(Vec::new(), || ()).unwrap();
    println!("ended after {:?}", begun.elapsed());
    assert!(begun.elapsed() < GRACE);
}
