//! `kymo bench` and `kymo stress`, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test

mod common;

use common::kymod::forgetful;
use common::{Scratch, kymo, output, said, values};

#[test]
fn figures_stand_beside_those_of_a_bare_socket() {
    let outcome = output(&mut kymo(&["bench", "--for", "3", "--json"]));
    assert!(outcome.status.success(), "{}", said(&outcome));
    let told = &values(&outcome.stdout)[0];
    for key in ["event_late_p50_us", "tick_off_p99_us", "events_per_s"] {
        let figure = |name: &str| told[key][name].as_f64().unwrap();
        assert!(figure("kymo") > 0.0 && figure("bare") > 0.0, "{told}");
        assert!(figure("ratio_low") <= figure("ratio_high"), "{told}");
    }
    assert!(told["events_lost_percent"]["kymo"].as_f64().unwrap() < 100.0, "{told}");
    let outcome = output(&mut kymo(&["bench", "--for", "3", "--rate", "100"]));
    let text = String::from_utf8(outcome.stdout).unwrap();
    assert_eq!(text.lines().count(), 7, "{text}");
}

#[test]
fn a_load_comes_to_what_it_says() {
    let scratch = Scratch::new();
    let _daemon = forgetful(&scratch, &[]);
    let line = ["stress", "--cpu", "1", "--memory", "8M", "--events", "50", "--for", "2", "--json"];
    let outcome = output(kymo(&line).arg("--dir").arg(&scratch.0));
    assert!(outcome.status.success(), "{}", said(&outcome));
    let told = &values(&outcome.stdout)[0];
    let seconds = told["cpu"]["seconds"].as_f64().unwrap();
    assert!(seconds > 0.1 && seconds < 2.5, "{told}");
    assert_eq!(told["memory_bytes"], 8 << 20);
    let acknowledged = told["events"]["acknowledged"].as_u64().unwrap();
    assert!((5..=102).contains(&acknowledged), "{told}");
    // The daemon counted as many.
    let status = output(kymo(&["status", "--json", "--dir"]).arg(&scratch.0));
    let status = &values(&status.stdout)[0];
    assert_eq!(status["events_next"].as_u64(), Some(acknowledged + 1), "{status}");
}

#[test]
fn what_can_not_be_is_said_before_anything_is_begun() {
    let outcome = output(&mut kymo(&["stress", "--memory", "999999G", "--for", "1"]));
    assert_eq!(outcome.status.code(), Some(1));
    assert!(said(&outcome).contains("more than half of the"), "{}", said(&outcome));
    let scratch = Scratch::new();
    let outcome = output(kymo(&["stress", "--events", "1", "--dir"]).arg(&scratch.0));
    assert_eq!(outcome.status.code(), Some(69), "{}", said(&outcome));
}
