//! Controllers that refuse, hang, go away and lie.

use std::time::{Duration, Instant};

use super::conformance::scan;
use super::*;
use kymo_platform::apple::smc::{
    Controller, Exchange, FourCc, KernReturn, Refusal, Session, Trouble,
};
use kymo_protocol::NoData::{Absent, Denied, Fault};

const fn kernel(code: u32) -> KernReturn {
    KernReturn(0xE000_0000u32.cast_signed() | code.cast_signed())
}

const NOT_PRIVILEGED: KernReturn = kernel(0x2C1);
const NO_DEVICE: KernReturn = kernel(0x2C0);
const TIMEOUT: KernReturn = kernel(0x2D6);
const ERROR: KernReturn = kernel(0x2BC);
const INVALID_PORT: KernReturn = KernReturn(0x1000_0003);

const TWO: &str = "TCMz flt 84 00001842\nTH0x flt 84 0000c841\n";

#[test]
fn a_key_that_is_not_there_is_asked_for_once() {
    let (machine, mut sources) = with_keys(TWO);
    settle(&machine, &mut sources);
    let calls = machine.calls();
    // Two keys were found; from now on each read is one call and nothing else is asked.
    for _ in 0..10 {
        assert_eq!(readings(&mut sources).len(), 2);
    }
    assert_eq!(machine.calls() - calls, 20);
    assert_eq!((machine.reads("TCMz"), machine.descriptions("TCMz")), (10, 1));
    for source in &mut sources {
        assert_eq!(source.look(), Freshness::Current);
    }
    assert_eq!(machine.calls() - calls, 20);
}

#[test]
fn a_key_that_is_refused_says_so_and_is_asked_no_more() {
    let (machine, mut sources) = with_keys(TWO);
    settle(&machine, &mut sources);
    machine.refuse("TCMz", Some(NOT_PRIVILEGED));
    machine.answer("TH0x", 0x85);
    for _ in 0..5 {
        let told = readings(&mut sources);
        assert_eq!((told["TCMz"], told["TH0x"]), (Err(Denied), Err(Denied)));
    }
    assert_eq!((machine.reads("TCMz"), machine.reads("TH0x")), (1, 1));
    machine.refuse("TCMz", None);
    assert_eq!(readings(&mut sources)["TCMz"], Err(Denied));
    // One whose description is refused is a sensor too, if anything else is told.
    let (machine, mut sources) = with_keys(TWO);
    machine.refuse("TH0x", Some(kernel(0x2E2)));
    settle(&machine, &mut sources);
    let told = readings(&mut sources);
    assert_eq!((told["TCMz"], told["TH0x"]), (Ok(38.0), Err(Denied)));
    assert_eq!((machine.reads("TH0x"), machine.descriptions("TH0x")), (0, 1));
}

#[test]
fn a_controller_that_tells_nothing_says_why_vitals_have_none() {
    let (machine, mut sources) = with_keys(TWO);
    machine.fail(u64::MAX, NOT_PRIVILEGED);
    settle(&machine, &mut sources);
    let told = readings(&mut sources);
    assert_eq!(told.into_keys().collect::<Vec<_>>(), ["PSTR", "TCMz", "Tg0f"]);
    assert!(readings(&mut sources).values().all(|reading| *reading == Err(Denied)));
    let calls = machine.calls();
    readings(&mut sources);
    assert_eq!(machine.calls(), calls);
}

#[test]
fn one_that_is_gone_is_left_alone_and_found_again() {
    for (said, reason) in
        [(NO_DEVICE, Absent), (INVALID_PORT, Absent), (TIMEOUT, Fault), (kernel(0x2ED), Fault)]
    {
        let (machine, mut sources) = with_keys(TWO);
        settle(&machine, &mut sources);
        let calls = machine.calls();
        machine.fail(1, said);
        let mut rounds = 0;
        while readings(&mut sources).values().any(|reading| *reading == Err(reason)) {
            rounds += 1;
            assert!(rounds < 100, "{said:?}");
        }
        // The call that failed, then nothing for a while; then the name that every new connection
        // is asked for, and both keys.
        assert_eq!(machine.calls() - calls, 4, "{said:?}");
        assert_eq!(readings(&mut sources)["TH0x"], Ok(25.0));
    }
}

#[test]
fn the_longer_it_is_gone_the_less_often_it_is_asked() {
    let machine = Simulated::parse(TWO).unwrap();
    let mut session = Session::new(machine.controller());
    let key = FourCc::parse("TH0x").unwrap();
    machine.fail(u64::MAX, NO_DEVICE);
    let mut asked = Vec::new();
    for round in 0..4_000u32 {
        session.begin();
        let before = machine.calls();
        assert_eq!(session.read(key, 4), Err(Refusal::Down(Trouble::Gone)));
        assert_eq!(session.describe(key), Err(Refusal::Down(Trouble::Gone)));
        if machine.calls() != before {
            asked.push(round);
            assert_eq!(machine.calls() - before, 1);
        }
    }
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..8], [8, 16, 32, 64, 128, 256, 512, 512]);
    machine.fail(1, TIMEOUT);
    for _ in 0..512 {
        session.begin();
    }
    assert_eq!(session.read(key, 4), Err(Refusal::Down(Trouble::Timeout)), "it says what is now");
}

#[test]
fn results_of_the_firmware_have_reasons() {
    for (result, reason) in [(0x84, Absent), (0x01, Fault), (0x80, Fault), (0xCC, Fault)] {
        let (machine, mut sources) = with_keys(TWO);
        settle(&machine, &mut sources);
        machine.answer("TCMz", result);
        let told = readings(&mut sources);
        assert_eq!((told["TCMz"], told["TH0x"]), (Err(reason), Ok(25.0)), "{result:#x}");
        machine.answer("TCMz", 0);
        assert_eq!(readings(&mut sources)["TCMz"], Ok(38.0), "{result:#x} is over");
    }
    // The firmware's own timeout is as bad as the kernel's.
    let (machine, mut sources) = with_keys(TWO);
    settle(&machine, &mut sources);
    machine.answer("TCMz", 0xB7);
    let told = readings(&mut sources);
    assert_eq!((told["TCMz"], told["TH0x"]), (Err(Fault), Err(Fault)));
}

#[test]
fn calls_that_fail_one_by_one_are_faults_and_then_a_way_that_fails() {
    let (machine, mut sources) = with_keys(TWO);
    settle(&machine, &mut sources);
    machine.fail(u64::MAX, ERROR);
    for _ in 0..20 {
        assert!(readings(&mut sources).values().all(|reading| *reading == Err(Fault)));
    }
    let before = machine.calls();
    readings(&mut sources);
    assert!(machine.calls() - before <= 1, "it is left alone");
    let machine = Simulated::parse(TWO).unwrap();
    let mut session = Session::new(machine.controller());
    machine.fail(3, ERROR);
    assert_eq!(session.name(0), Err(Refusal::Failed));
}

#[test]
fn values_of_another_size_are_described_anew() {
    let (machine, mut sources) = with_keys(TWO);
    settle(&machine, &mut sources);
    machine.set("TCMz", &[0; 8]);
    for _ in 0..3 {
        assert_eq!(readings(&mut sources)["TCMz"], Err(Fault), "flt has four bytes");
    }
    assert_eq!(machine.descriptions("TCMz"), 2);
    machine.set_float("TCMz", 51.0);
    assert_eq!(readings(&mut sources)["TCMz"], Err(Fault));
    assert_eq!(readings(&mut sources)["TCMz"], Ok(51.0));
    machine.set_float("TCMz", f32::NAN);
    assert_eq!(readings(&mut sources)["TCMz"], Err(Fault));
    // A reading that fails is never the one before.
    machine.set_float("TCMz", 300.0);
    assert_eq!(readings(&mut sources)["TCMz"], Err(Fault));
}

#[test]
fn fans_stand_still_and_say_so() {
    let (machine, mut sources) = with_keys("FNum ui8 80 01\nF0Ac flt 84 00a00645\n");
    settle(&machine, &mut sources);
    assert_eq!(readings(&mut sources)["F0Ac"], Ok(2154.0));
    machine.set_float("F0Ac", 0.0);
    assert_eq!(readings(&mut sources)["F0Ac"], Ok(0.0));
    machine.answer("F0Ac", 1);
    assert_eq!(readings(&mut sources)["F0Ac"], Err(Fault));
}

#[test]
fn some_drivers_name_a_key_before_they_describe_one() {
    let (machine, mut sources) = with_keys(TWO);
    machine.wants_priming();
    assert_eq!(readings(&mut sources).len(), 2);
}

#[test]
fn the_search_goes_on_where_it_was_broken_off() {
    let (plain, _) = open("M3 Max");
    let (machine, mut sources) = open("M3 Max");
    machine.fail(1, TIMEOUT);
    assert_eq!(scan(&mut *sources[0]).0.len(), 0);
    // Then one call fails in every round.
    for round in 0..40 {
        for source in &mut sources {
            if source.look() == Freshness::Stale {
                scan(&mut **source);
            }
        }
        machine.fail(1, if round % 2 == 0 { TIMEOUT } else { NO_DEVICE });
    }
    machine.fail(1, ERROR);
    settle(&machine, &mut sources);
    let mut others =
        kymo_platform::apple::smc::sources(Some(plain.controller()), Table::of("Apple M3 Max"));
    settle(&plain, &mut others);
    let (found, expected) = (readings(&mut sources), readings(&mut others));
    assert!(expected.len() > 60);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
}

#[test]
fn the_search_takes_a_few_calls_at_a_time_and_each_key_once() {
    let (machine, mut sources) = open("M2 Max");
    let first = scan(&mut *sources[0]).0;
    assert_eq!(first.len(), 4);
    assert!(machine.calls() < 120, "what the table names: {}", machine.calls());
    let mut before = machine.calls();
    for _ in 0..400 {
        let _ = sources[0].look();
        assert!(machine.calls() - before <= 24);
        before = machine.calls();
    }
    for key in ["Tg3Z", "TD00", "PMVR", "Tp00", "Ib8f"] {
        assert!(machine.descriptions(key) <= 1, "{key}");
    }
    assert_eq!(machine.descriptions("AC-N"), 0, "of what is no sensor nothing is asked");
    let again = machine.calls();
    let _ = sources[0].look();
    assert_eq!(machine.calls(), again, "it is over");
    assert!(scan(&mut *sources[30]).0.len() == 4);
}

#[test]
fn a_list_in_no_order_is_the_same_list() {
    let (machine, mut sources) = open("M4");
    let (other, mut others) = open("M4");
    other.shuffle();
    settle(&machine, &mut sources);
    settle(&other, &mut others);
    assert_eq!(readings(&mut sources), readings(&mut others));
}

#[test]
fn a_key_keeps_its_place() {
    let (machine, mut sources) = open("M4 Pro");
    let places = |sources: &mut [Box<dyn Source>]| {
        let scans = sources.iter_mut().enumerate().flat_map(|(number, source)| {
            let (sensors, _) = scan(&mut **source);
            sensors.into_iter().enumerate().map(move |(at, sensor)| (sensor.identity, (number, at)))
        });
        scans.collect::<BTreeMap<_, _>>()
    };
    let early = places(&mut sources);
    settle(&machine, &mut sources);
    let late = places(&mut sources);
    assert!(late.len() > early.len() + 10);
    assert!(early.iter().all(|(identity, place)| late[identity] == *place));
}

/// A controller that never answers once it is told so.
struct Hanging(Simulated, std::sync::mpsc::Receiver<()>);

impl Controller for Hanging {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        if request.key == FourCc::parse("TH0x").unwrap().0 && request.command == 5 {
            let _ = self.1.recv();
        }
        self.0.clone().controller().exchange(request)
    }
}

#[test]
fn one_that_hangs_holds_up_nobody_else() {
    let machine = Simulated::parse(TWO).unwrap();
    let (end, wait) = std::sync::mpsc::channel();
    let hanging = Box::new(Hanging(machine, wait));
    let mut sources = sources(Some(hanging), Table::of("Apple M2"));
    let mut counts: Vec<_> = sources.iter_mut().map(|source| scan(&mut **source).0.len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 2);
    let mut other = sources.swap_remove(VITAL_SLOTS);
    assert_eq!(counts.swap_remove(VITAL_SLOTS), 1);
    let thread = std::thread::spawn(move || {
        let mut readings = [Err(Pending)];
        let _ = other.read(&mut readings);
        readings
    });
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    let mut readings = [Err(Pending)];
    assert_eq!(sources[0].read(&mut readings), Freshness::Current);
    assert_eq!(readings, [Err(Fault)]);
    assert_eq!(sources[0].look(), Freshness::Current);
    assert_eq!(scan(&mut *sources[0]).0.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    end.send(()).unwrap();
    assert_eq!(thread.join().unwrap(), [Ok(25.0)]);
    let _ = sources[0].read(&mut readings);
    assert_eq!(readings, [Ok(38.0)]);
}

/// Panics once.
struct Panicking(Simulated, bool);

impl Controller for Panicking {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        assert!(std::mem::replace(&mut self.1, true), "once");
        self.0.clone().controller().exchange(request)
    }
}

#[test]
fn one_that_panics_does_not_take_the_others_with_it() {
    let machine = Simulated::parse(TWO).unwrap();
    let mut sources = sources(Some(Box::new(Panicking(machine, false))), Table::of("Apple M2"));
    let first = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scan(&mut *sources[0])));
    assert!(first.is_err());
    assert_eq!(readings(&mut sources)["TCMz"], Ok(38.0));
}

#[test]
fn calls_take_their_time() {
    let (machine, mut sources) = with_keys(TWO);
    machine.cost(Duration::from_micros(200));
    let begun = Instant::now();
    assert_eq!(readings(&mut sources).len(), 2);
    let least = Duration::from_micros(200) * u32::try_from(machine.calls()).unwrap();
    assert!(begun.elapsed() >= least);
}
