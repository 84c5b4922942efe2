//! Lists every sensor of this machine with its value.
//!
//! `cargo run -p kymo-platform --example sensors [PROC SYS]`

use kymo_platform::{Roots, this_machine_sources};
use kymo_protocol::NoData;

fn main() {
    let mut roots = Roots::default();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [proc_root, sys_root] = arguments.as_slice() {
        roots = Roots { proc: proc_root.into(), sys: sys_root.into(), ..roots };
    }
    for mut source in this_machine_sources(&roots) {
        let mut sensors = Vec::new();
        let omitted = source.scan(&mut |sensor| {
            let attributes: Vec<_> =
                sensor.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            sensors.push(format!(
                "{} [{}] {} ({}) {}",
                sensor.metric.name,
                sensor.metric.unit,
                sensor.identity,
                sensor.label,
                attributes.join(" ")
            ));
        });
        let mut readings = vec![Err(NoData::Pending); sensors.len()];
        let _ = source.read(&mut readings);
        std::thread::sleep(std::time::Duration::from_millis(250));
        let freshness = source.read(&mut readings);
        if sensors.is_empty() && omitted == 0 {
            continue;
        }
        println!("{:?}: {freshness:?}, {omitted} left out", source.spec());
        for (sensor, reading) in sensors.iter().zip(readings) {
            match reading {
                Ok(value) => println!("  {sensor} = {value}"),
                Err(reason) => println!("  {sensor}: {reason:?}"),
            }
        }
    }
}
