//! Measures what one read of each source costs here, in nanoseconds.
//!
//! `cargo run --release -p kymo-platform --example cost`
//!
//! Each source is read in blocks of a hundred; the median and the best block are shown.

use std::hint::black_box;
use std::time::Instant;

use kymo_platform::{Machine, Roots, this_machine};

const BLOCKS: usize = 101;
const READS: u32 = 100;

/// The name of a source, and how to read it.
type Source = (&'static str, fn(&mut dyn Machine));

fn main() {
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
        let mut costs = [0; BLOCKS];
        for cost in &mut costs {
            let start = Instant::now();
            for _ in 0..READS {
                read(&mut *machine);
            }
            *cost = start.elapsed().as_nanos() / u128::from(READS);
        }
        costs.sort_unstable();
        println!("{name:<14} {:>9} {:>9}", costs[BLOCKS / 2], costs[0]);
    }
}
