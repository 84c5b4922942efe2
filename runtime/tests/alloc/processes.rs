//! Processes in both forms, for who keeps up and who does not, while processes come and go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kymo::Reactor;
use kymo_platform::{Roots, this_machine_processes};

use crate::{binary_subscription, connect, drain, turn};

/// A procfs of `count` processes from number `first` on.
fn fill(proc: &Path, first: u32, count: u32) {
    let _ = fs::remove_dir_all(proc);
    for pid in first..first + count {
        let folder = proc.join(pid.to_string());
        fs::create_dir_all(&folder).expect("a folder");
        let text = format!("{pid} (one) R 1 1 1 0 -1 0 0 0 0 0 {pid} 0 0 0 20 0 1 0 1 0 {pid} 0");
        fs::write(folder.join("stat"), text).expect("a file");
    }
}

/// Has them read; to be called before anything is counted.
pub fn read(reactor: &mut Reactor, directory: &Path) -> PathBuf {
    let proc = directory.join("proc");
    fill(&proc, 1, 10);
    let roots = Roots { proc: proc.clone(), sys: PathBuf::new(), smc_keys: None };
    if let Some(source) = this_machine_processes(&roots) {
        reactor.read_processes(source);
    }
    proc
}

pub fn processes(reactor: &mut Reactor, directory: &Path, proc: &Path) {
    let mut binary = binary_subscription(false);
    let at = binary.len() - 40 + 4;
    binary[at] = 4;
    let lines: [&[u8]; 3] = [
        b"{\"subscribe\":[\"processes\"],\"rate_hz\":1000}\n",
        b"{\"subscribe\":[\"processes\"],\"rate_hz\":1000,\"every\":true}\n",
        b"{\"subscribe\":[\"processes\",\"vitals\"]}\n",
    ];
    let mut clients: Vec<_> =
        lines.iter().map(|line| connect(directory, "stream.sock", line)).collect();
    clients.push(connect(directory, "stream.sock", &binary));
    // It reads at the end.
    let mut slow = connect(directory, "stream.sock", &binary);
    let start = Instant::now();
    let (mut taken, mut first) = (0, 1);
    // A busy machine passes slowly: it takes as long as it takes.
    while start.elapsed() < Duration::from_millis(3200)
        || (taken <= 30_000 && start.elapsed() < Duration::from_secs(60))
    {
        turn(reactor);
        taken += clients.iter_mut().map(drain).sum::<usize>();
        if first < 4 && start.elapsed() > Duration::from_millis(700) * first {
            first += 1;
            fill(proc, first * 50, 120);
        }
    }
    assert!(taken > 30_000, "{taken} bytes");
    assert!(drain(&mut slow) > 1000);
    drop((clients, slow));
    turn(reactor);
    turn(reactor);
}
