//! Measures what one read of each source costs here, in nanoseconds.
//!
//! `cargo run --release -p kymo-platform --example cost`
//!
//! Each source is read in blocks; the median and the best block are shown. First the sources of the
//! vitals, then those of sensors with what a scan and a look cost, then a pass over all processes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use kymo_platform::{Machine, Roots, this_machine, this_machine_processes, this_machine_sources};
use kymo_protocol::NoData;

const BLOCKS: usize = 101;
const READS: u32 = 100;

/// The name of a source, and how to read it.
type Source = (&'static str, fn(&mut dyn Machine));

fn main() {
    vitals();
    sensors();
    processes();
}

fn vitals() {
    let mut machine = this_machine(&Roots::default());
    let sources: [Source; 9] = [
        ("cpu_time", |machine| _ = black_box(machine.cpu_time())),
        ("memory", |machine| _ = black_box(machine.memory())),
        ("load", |machine| _ = black_box(machine.load())),
        ("disk_io", |machine| _ = black_box(machine.disk_io())),
        ("disk_space", |machine| _ = black_box(machine.disk_space())),
        ("network_io", |machine| _ = black_box(machine.network_io())),
        ("thermal", |machine| _ = black_box(machine.thermal())),
        ("process_count", |machine| _ = black_box(machine.process_count())),
        ("uptime", |machine| _ = black_box(machine.uptime())),
    ];
    println!("{:<14} {:>9} {:>9}  ns per read", "source", "median", "best");
    for (name, read) in sources {
        let [median, best] = cost(READS, || read(&mut *machine));
        println!("{name:<14} {median:>9} {best:>9}");
    }
}

fn sensors() {
    println!(
        "\n{:<18} {:>7} {:>9} {:>9} {:>9} {:>9}  ns",
        "source", "sensors", "median", "best", "scan", "look"
    );
    for mut source in this_machine_sources(&Roots::default()) {
        let mut count = 0;
        source.scan(&mut |_| count += 1);
        if count == 0 {
            continue;
        }
        let mut readings = vec![Err(NoData::Pending); count];
        let name = source.spec().name;
        // Pressure answers from memory between its reads, so that is what a block shows.
        let [median, best] = cost(READS, || _ = black_box(source.read(&mut readings)));
        let [scan, _] = cost(10, || _ = black_box(source.scan(&mut |_| {})));
        let [look, _] = cost(10, || _ = black_box(source.look()));
        println!("{name:<18} {count:>7} {median:>9} {best:>9} {scan:>9} {look:>9}");
    }
    let mut sources = this_machine_sources(&Roots::default());
    for source in sources.iter_mut().filter(|source| source.spec().name == "pressure") {
        let mut costs = [0; 7];
        for cost in &mut costs {
            std::thread::sleep(Duration::from_millis(501));
            let start = Instant::now();
            let _ = black_box(source.read(&mut [Err(NoData::Pending); 24]));
            *cost = start.elapsed().as_nanos();
        }
        costs.sort_unstable();
        println!("{:<18} {:>7} {:>9} {:>9}", "pressure, anew", 24, costs[3], costs[0]);
    }
    // The last place for a chip is free on nearly every machine.
    if let Some(source) = sources.last_mut() {
        source.scan(&mut |_| {});
        let [median, best] = cost(READS, || _ = black_box(source.read(&mut [])));
        let [look, _] = cost(10, || _ = black_box(source.look()));
        println!("{:<18} {:>7} {median:>9} {best:>9} {:>9} {look:>9}", "hwmon, no chip", 0, "");
    }
}

fn processes() {
    let Some(mut ranker) = this_machine_processes(&Roots::default()) else { return };
    ranker.scan(u64::MAX);
    let [median, best] = cost(1, || _ = black_box(ranker.scan(u64::MAX)));
    let count = ranker.ranking().total.unwrap_or(0);
    println!("\n{count} processes: {median} ns a pass, best {best}");
}

/// Median and best of blocks, in nanoseconds a call.
fn cost(calls: u32, mut call: impl FnMut()) -> [u128; 2] {
    let mut costs = [0; BLOCKS];
    for cost in &mut costs {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        *cost = start.elapsed().as_nanos() / u128::from(calls);
    }
    costs.sort_unstable();
    [costs[BLOCKS / 2], costs[0]]
}
