//! Chips made of files, for machines that have none: a k10temp and a Super-I/O chip.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use kymo_benches::Outcome;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Path of the device, name, and how many temperatures.
const CHIPS: [(&str, &str, u32); 2] =
    [("pci0000:00/0000:00:18.3", "k10temp", 3), ("platform/nct6775.656", "nct6798", 6)];

/// Puts them in the place of sysfs, for this process alone; root may.
pub fn pretend() -> Outcome<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    mount(Some("chips"), "/sys", Some("tmpfs"), MsFlags::empty(), NONE)?;
    let class = Path::new("/sys/class/hwmon");
    fs::create_dir_all(class)?;
    for (number, (device, name, count)) in CHIPS.iter().enumerate() {
        let folder = Path::new("/sys/devices").join(device).join(format!("hwmon/hwmon{number}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("name"), format!("{name}\n"))?;
        for channel in 1..=*count {
            fs::write(folder.join(format!("temp{channel}_label")), format!("T{channel}\n"))?;
            let heat = 30_000 + channel * 1_125;
            fs::write(folder.join(format!("temp{channel}_input")), format!("{heat}\n"))?;
        }
        symlink(Path::new("/sys/devices").join(device), folder.join("device"))?;
        symlink(&folder, class.join(format!("hwmon{number}")))?;
    }
    Ok(())
}
