//! Disks: what is read and written, over time, by which disk; and how full file systems are.

use kymo_protocol::Field;

use super::network::{Flow, draw_flows, draw_pair};
use super::told::{Told, bytes, field, percent, rate};
use super::{Hidden, Pen, Scene};
use crate::layout::Panel;
use crate::model::{Disk, FileSystem, Reading, Series};
use crate::numbers::float;
use crate::theme::Role;

/// Columns of how full a file system is: `100 % of 100.0 GiB`.
const VALUE: u16 = 18;

pub fn draw(pen: &mut Pen<'_>, scene: &mut Scene<'_>) -> Hidden {
    let model = scene.model;
    let read = field(model, Field::DiskReadBytes, |vitals| float(vitals.disk_read_bytes.get()));
    let written =
        field(model, Field::DiskWriteBytes, |vitals| float(vitals.disk_write_bytes.get()));
    let flows = [
        Flow { series: Series::Read, label: "read", reading: read, role: Role::Inward },
        Flow { series: Series::Written, label: "write", reading: written, role: Role::Outward },
    ];
    let usage = field(model, Field::DiskUsage, |vitals| vitals.disk_usage.get().into());
    let has_focus = scene.has_focus(Panel::Disk);
    let note = format!("/ {}", Told::of(usage, percent).text);
    let mut inner = pen.framed("disk", &note, has_focus);
    let (systems, disks) = (model.sensors().file_systems(), model.sensors().disks());
    let count = systems.len() + disks.len();
    let mut rest = draw_flows(&mut inner, scene, &flows, count);
    super::list(&mut rest, scene, Panel::Disk, count, |pen, place, scene| {
        match systems.get(place) {
            Some(system) => draw_system(pen, system, scene),
            None => disks[place - systems.len()..].iter().take(1).for_each(|disk| {
                draw_disk(pen, disk, scene);
            }),
        }
    })
}

fn draw_system(pen: &mut Pen<'_>, system: &FileSystem, scene: &Scene<'_>) {
    let sensors = scene.model.sensors();
    let share = sensors.reading_of(system.share).unwrap_or(Reading::PENDING);
    let told = Told::aged(share, |share| {
        let limit = sensors.reading_of(system.limit).and_then(|reading| reading.value);
        let limit = limit.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
        format!("{:.0} %{limit}", share * 100.0)
    });
    let width = pen.width();
    let start = pen.right(width, 0, &told.text, told.role);
    let values = width.saturating_sub(VALUE);
    let bar = 8.min(values / 3);
    // All bars below each other; what says more than others has none.
    let mut end = start;
    if let Some(share) = share.value.filter(|_| bar >= 4 && start >= values) {
        end = values - bar - 1;
        let role = pen.ink.level(share);
        pen.bar(end, 0, bar, share, role);
    }
    let room = end.saturating_sub(1);
    pen.within(0, 0, room, 1).text(0, 0, &system.mount, Role::Text);
}

fn draw_disk(pen: &mut Pen<'_>, disk: &Disk, scene: &Scene<'_>) {
    let sensors = scene.model.sensors();
    let rates = [disk.read, disk.written].map(|id| rate(sensors.reading_of(id), sensors.rate(id)));
    let busy = sensors.rate(disk.busy).map(|share| format!(" {:.0} %", share * 100.0));
    let name = format!("{}{}", disk.name, busy.unwrap_or_default());
    draw_pair(pen, &name, rates.map(|told| told.text));
}
