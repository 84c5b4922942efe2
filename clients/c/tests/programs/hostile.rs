//! What a host does to a library that is not asked.

use super::{build, test};

fn passes(name: &str, flags: &[String]) -> String {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    test(&build::program(&format!("tests/c/{name}.c"), &flags))
}

/// Makes the linker put functions of the test's own in the place of the C library's, where it can.
fn wrapping(functions: &[&str]) -> Vec<String> {
    if cfg!(target_vendor = "apple") {
        return Vec::new();
    }
    let wrapped = functions.iter().map(|name| format!("-Wl,--wrap={name}"));
    wrapped.chain(["-DWRAPPED".into()]).collect()
}

#[test]
fn sigpipe_at_its_default_ends_nothing() {
    passes("sigpipe", &wrapping(&["connect"]));
}

#[test]
fn closed_standard_descriptors_are_no_sockets() {
    passes("closed", &[]);
}

#[test]
fn no_umask_is_in_the_way() {
    passes("umask", &[]);
}

#[test]
fn a_fork_touches_nothing_of_the_parents() {
    passes("fork", &[]);
}

#[test]
fn a_hundred_hubs_leave_nothing_behind() {
    passes("hundred", &[]);
}

#[test]
fn a_hundred_thousand_events_a_second_are_none_lost_unsaid() {
    let flags = wrapping(&["malloc", "calloc", "realloc", "posix_memalign"]);
    print!("{}", passes("rate", &flags));
}

#[test]
fn signals_stay_with_the_program() {
    passes("signals", &[]);
}

#[test]
fn slow_callbacks_cost_time_and_nothing_else() {
    passes("slow", &[]);
}

#[test]
fn who_is_freed_is_not_called() {
    passes("freed", &[]);
}

#[test]
fn what_can_not_be_is_told() {
    passes("wrong", &[]);
}

#[test]
fn every_stream_is_plain_structs() {
    passes("streams", &[]);
}
