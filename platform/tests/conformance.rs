//! One suite that every machine passes: the fake first, then Linux on trees of files and as it is.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use kymo_platform::apple::Mac;
use kymo_platform::apple::kernel::{FakeKernel, macs};
use kymo_platform::machine::FANS_MAX;
use kymo_platform::{Fake, Machine, Roots, this_machine};
use kymo_protocol::NoData;

#[cfg(target_os = "linux")]
mod common;

/// What holds for every machine, whatever can be read on it.
fn conforms(machine: &mut dyn Machine) {
    let (mut uptime, mut total) = (0, 0);
    for _ in 0..100 {
        if let Ok(time) = machine.cpu_time() {
            assert!(time.busy <= time.total);
            // Idle and iowait may be corrected downwards, by less than a second.
            assert!(time.total + 100 >= total, "{time:?} after {total}");
            total = time.total;
        }
        let memory = machine.memory();
        if let (Ok(part), Ok(whole)) = (memory.available, memory.total) {
            assert!(part <= whole);
        }
        if let (Ok(part), Ok(whole)) = (memory.swap_free, memory.swap_total) {
            assert!(part <= whole);
        }
        assert_ne!(memory.total, Ok(0));
        if let Ok(loads) = machine.load() {
            assert!(loads.iter().all(|load| load.is_finite() && *load >= 0.0));
        }
        if let Ok(space) = machine.disk_space() {
            assert!(space.used + space.available > 0);
        }
        let thermal = machine.thermal();
        for temperature in [thermal.cpu, thermal.gpu].into_iter().flatten() {
            assert!((-40.0..150.0).contains(&temperature));
        }
        if let Ok(fans) = &thermal.fans {
            assert!((1..=FANS_MAX).contains(&fans.len()));
        }
        assert_ne!(machine.process_count(), Ok(0));
        if let Ok(now) = machine.uptime() {
            assert!(now >= uptime);
            uptime = now;
        }
        let reasons = [
            machine.disk_io().err(),
            machine.network_io().err(),
            thermal.cpu.err(),
            thermal.gpu.err(),
            thermal.fans.err(),
        ];
        // Pending is for whoever computes rates; a source either answers or says why not.
        assert!(!reasons.contains(&Some(NoData::Pending)));
    }
    assert!(!format!("{machine:?}").is_empty());
}

#[test]
fn fakes() {
    conforms(&mut Fake::new());
    for seed in 0..100 {
        conforms(&mut Fake::seeded(seed));
    }
}

#[test]
fn fake_macs() {
    for (_, build) in macs::MACS {
        conforms(&mut Mac::new(Box::new(FakeKernel::new(build())), None));
    }
}

#[test]
fn this_one() {
    conforms(&mut *this_machine(&Roots::default()));
}

#[cfg(target_os = "linux")]
#[test]
fn trees() {
    conforms(&mut common::Tree::empty().machine());
    let tree = common::Tree::ordinary();
    tree.chip(0, "platform/coretemp.0", "coretemp", &[("temp1_input", "40000")]);
    tree.chip(1, "platform/nct6775.656", "nct6775", &[("fan1_input", "1000")]);
    conforms(&mut tree.machine());
}

#[cfg(target_os = "linux")]
#[test]
fn linux_reads_what_every_linux_has() {
    let mut machine = this_machine(&Roots::default());
    assert!(machine.cpu_time().is_ok_and(|time| time.busy > 0));
    assert!(machine.memory().total.is_ok_and(|total| total > 1 << 20));
    assert!(machine.load().is_ok());
    assert!(machine.disk_space().is_ok());
    assert!(machine.process_count().is_ok_and(|count| count >= 1));
    assert!(machine.uptime().is_ok_and(|uptime| uptime > 0));
    // Where no disk or no interface is visible, absent is the right answer.
    assert!(matches!(machine.disk_io(), Ok(_) | Err(NoData::Absent)));
    assert!(matches!(machine.network_io(), Ok(_) | Err(NoData::Absent)));
}
