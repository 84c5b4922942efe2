//! Windows and files, by the frames of a connection that nobody has.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use kymo_protocol::recording::{Content, Outcome, Recorded, Scanner, Step};
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{
    Body, CatalogPart, CatalogWriter, Frame, Heartbeat, METRICS, Payload, Position, SensorFields,
    Stamp, StreamEntry, StreamId, Streams, Subscribed, Vitals, Welcome, emit,
};

mod rig;

use super::file::{Batch, Counts, RecordFile};
use super::window::Window;

const S: u64 = 1_000_000_000;
/// When the connection began, on both clocks.
const BOOT: u64 = 1000 * S;
const WALL: u64 = 1_700_000_000 * S;

fn push(window: &mut Window, bytes: &[u8]) {
    window.push(bytes, &Frame::parse(bytes).unwrap());
}

fn welcome() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let mut fixed = WelcomeFixed::default();
    fixed.wall_ns.set(WALL);
    let streams = [StreamEntry::new(1, 1, 1)];
    let size = Welcome::emit(&mut bytes, Stamp { boot_ns: BOOT }, &fixed, &streams).unwrap();
    bytes[..size].to_vec()
}

fn subscribed() -> Vec<u8> {
    let mut bytes = vec![0; Subscribed::FRAME_SIZE];
    let stamp = Stamp { boot_ns: BOOT };
    let (granted, _) = emit::<Subscribed>(&mut bytes, Position::NONE, stamp).unwrap();
    granted.rate_mhz.set(25_000);
    granted.next[0].set(1);
    bytes
}

fn vitals(sequence: u64, at_s: u64) -> Vec<u8> {
    let mut bytes = vec![0; Vitals::FRAME_SIZE];
    let at = Position { stream: StreamId::VITALS, sequence };
    emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: BOOT + at_s * S }).unwrap();
    bytes
}

fn clocks(at_s: u64, moved_s: u64) -> Vec<u8> {
    let mut bytes = vec![0; Heartbeat::FRAME_SIZE];
    let stamp = Stamp { boot_ns: BOOT + at_s * S };
    let (heartbeat, _) = emit::<Heartbeat>(&mut bytes, Position::NONE, stamp).unwrap();
    heartbeat.wall_ns.set(WALL + (at_s + moved_s) * S);
    bytes
}

fn catalog(topology: u32, at_s: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let part = CatalogPart { topology, total: 1, first: 0, omitted: 0 };
    let mut writer = CatalogWriter::new(&mut bytes, part).unwrap();
    let _ = writer.push_fields(&SensorFields::new(1, &METRICS[0], "cpu/0/user")).unwrap();
    let size = writer.finish(Stamp { boot_ns: BOOT + at_s * S }).unwrap();
    bytes[..size].to_vec()
}

fn begun(bytes: usize, span_s: u64) -> Window {
    let mut window = Window::new(bytes, span_s * S, true);
    push(&mut window, &welcome());
    push(&mut window, &subscribed());
    window
}

/// What it shows, in words.
fn shown(window: &mut Window, from_s: u64) -> Vec<String> {
    let mut told = Vec::new();
    window.show(if from_s == 0 { 0 } else { BOOT + from_s * S }, |bytes| {
        let frame = Frame::parse(bytes).unwrap();
        let at_s = (frame.header.timestamp.get() - BOOT) / S;
        told.push(match frame.body {
            Body::Welcome(welcome) => {
                format!("welcome {at_s} {}", (welcome.fixed.wall_ns.get() - WALL) / S)
            }
            Body::Subscribed(granted) => format!("subscribed {at_s} {}", granted.next[0]),
            Body::Catalog(catalog) => format!("catalog {}", catalog.part().topology),
            Body::Heartbeat(_) => format!("clocks {at_s}"),
            _ => format!("{} {at_s}", frame.header.sequence),
        });
    });
    told
}

#[test]
fn it_begins_as_a_connection_that_began_then() {
    let mut window = begun(1 << 20, 10);
    push(&mut window, &catalog(1, 0));
    for at_s in 1..=5 {
        push(&mut window, &vitals(at_s, at_s));
    }
    let all = ["welcome 0 0", "subscribed 0 1", "catalog 1", "1 1", "2 2", "3 3", "4 4", "5 5"];
    assert_eq!(shown(&mut window, 0), all);
    let last = ["welcome 4 4", "subscribed 4 4", "catalog 1", "4 4", "5 5"];
    assert_eq!(shown(&mut window, 4), last);
    // Nothing that late: it is a connection all the same.
    assert_eq!(shown(&mut window, 9), ["welcome 5 5", "subscribed 5 6", "catalog 1"]);
}

#[test]
fn what_goes_leaves_its_meaning_behind() {
    let mut window = begun(1 << 20, 10);
    push(&mut window, &catalog(1, 0));
    push(&mut window, &vitals(1, 1));
    push(&mut window, &clocks(2, 3600));
    push(&mut window, &catalog(2, 3));
    push(&mut window, &vitals(2, 13));
    assert_eq!(shown(&mut window, 0)[3..], ["catalog 2", "2 13"]);
    push(&mut window, &vitals(3, 25));
    // An hour was put forward meanwhile.
    let expected = ["welcome 25 3625", "subscribed 25 3", "catalog 2", "3 25"];
    assert_eq!(shown(&mut window, 0), expected);
    window.forget_old(BOOT + 40 * S);
    assert_eq!((window.size(), window.held_ns(BOOT + 45 * S)), (0, 15 * S));
}

#[test]
fn its_memory_is_never_passed() {
    // Not a multiple of a frame, so that frames lie across the end of the memory.
    let size = 10 * Vitals::FRAME_SIZE + 100;
    let mut window = begun(size, 1000);
    for sequence in 1..=100 {
        push(&mut window, &vitals(sequence, sequence));
        assert!(window.size() <= size);
        let told = shown(&mut window, 0);
        let first = sequence.saturating_sub(9).max(1);
        let expected: Vec<_> =
            (first..=sequence).map(|number| format!("{number} {number}")).collect();
        assert_eq!(told[2..], expected, "whole frames, the newest ones");
        assert_eq!(told[1], format!("subscribed {first} {first}"));
    }
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kymo-file-{name}-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn begin(&self, batch: &mut Batch) -> RecordFile {
        let file = OpenOptions::new().write(true).create_new(true).open(&self.0).unwrap();
        let path = self.0.to_str().unwrap().try_into().unwrap();
        let streams = Streams::default().with(StreamId::VITALS);
        RecordFile::new((file, path), batch, (streams, 25_000), WALL, 77)
    }

    /// Frames and the end of what is there, all of which must be whole.
    fn read(&self) -> (u64, Option<(u64, Option<Outcome>)>) {
        let bytes = fs::read(&self.0).unwrap();
        let (mut at, mut frames, mut end) = (0, 0, None);
        let mut scanner = Scanner::default();
        loop {
            let (taken, step) = scanner.step(&bytes[at..], true);
            at += taken;
            match step {
                Step::Record(Recorded { content: Content::Frame(..), .. }) => frames += 1,
                Step::Record(Recorded { content: Content::End(last), .. }) => {
                    end = Some((last.frames.get(), last.outcome()));
                }
                Step::Record(_) => {}
                Step::End => return (frames, end),
                step => panic!("{step:?}"),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_is_whole_while_it_grows_and_says_what_it_came_to() {
    let (place, mut batch) = (Place::new("grows"), Batch::new());
    let mut file = place.begin(&mut batch);
    for sequence in 1..=1000 {
        file.frame(&mut batch, &vitals(sequence, sequence));
    }
    file.flush(&mut batch);
    assert_eq!(place.read(), (1000, None));
    let (counts, error) = file.finish(&mut batch, Outcome::Over, true);
    assert!(error.is_none(), "{error:?}");
    let Counts { frames, missed, .. } = counts;
    assert_eq!((frames, missed, counts.span_ns()), (1000, 0, 999 * S));
    assert_eq!(place.read(), (1000, Some((1000, Some(Outcome::Over)))));
}

#[test]
fn a_file_that_takes_no_more_ends_where_it_can() {
    // A pipe's writer would block, and a full disk is nothing that a test has: the limit of a
    // file's size is one that every system keeps.
    let name = "recorders::tests::a_file_that_takes_no_more_ends_where_it_can";
    if std::env::var_os("KYMO_TEST_FULL").is_none() {
        // Records end elsewhere in the last block of each.
        for blocks in 30..40 {
            let this = std::env::current_exe().unwrap();
            let script = format!("ulimit -f {blocks}; exec {this:?} --exact {name}");
            let mut shell = std::process::Command::new("sh");
            let output = shell.args(["-c", &script]).env("KYMO_TEST_FULL", "1").output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.contains("1 passed"), "{blocks}: {told}");
        }
        return;
    }
    kymo_platform::let_writes_fail().unwrap();
    let (place, mut batch) = (Place::new("full"), Batch::new());
    let mut file = place.begin(&mut batch);
    for sequence in 1..=1000 {
        file.frame(&mut batch, &vitals(sequence, sequence));
    }
    file.flush(&mut batch);
    assert!(file.error().is_some());
    let (counts, error) = file.finish(&mut batch, Outcome::Over, true);
    assert!(error.is_some());
    let (frames, end) = place.read();
    assert!((20..1000).contains(&frames), "{frames}");
    assert_eq!((counts.frames, end), (frames, Some((frames, Some(Outcome::Full)))));
}
