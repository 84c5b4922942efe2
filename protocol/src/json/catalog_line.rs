//! A catalog as a line.

use crate::catalog::Catalog;
use crate::json::Writer;
use crate::json::notice_line::write_list;
use crate::json::vitals_line::write_number;
use crate::metric::Scope;
use crate::sensor::Sensor;

/// Writes the members of a catalog object, without its closing brace.
pub(super) fn write_catalog(w: &mut Writer<'_>, catalog: &Catalog) {
    let part = catalog.part();
    w.raw("{\"type\":\"catalog\"");
    write_number(w, "topology", part.topology);
    write_number(w, "first", part.first);
    write_number(w, "total", part.total);
    if part.omitted > 0 {
        write_number(w, "omitted", part.omitted);
    }
    w.raw(if catalog.is_last() { ",\"last\":true" } else { ",\"last\":false" });
    w.raw(",\"sensors\":");
    write_list(w, catalog.sensors(), write_sensor);
}

fn write_sensor(w: &mut Writer<'_>, sensor: &Sensor) {
    w.raw("{\"id\":");
    w.integer(u64::from(sensor.id()));
    for (key, text) in [
        ("name", sensor.name()),
        ("unit", sensor.unit()),
        ("instrument", sensor.instrument().name()),
        ("group", sensor.group().name()),
        ("label", sensor.label()),
    ] {
        write_text(w, key, text);
    }
    w.raw(",\"attributes\":{");
    let mut separator = "";
    for (key, value) in sensor.attributes() {
        w.raw(separator);
        w.string(key);
        w.raw(":");
        w.string(value);
        separator = ",";
    }
    w.raw("}");
    write_text(w, "identity", sensor.identity());
    w.raw(",\"cadence_s\":");
    match sensor.cadence_ms() {
        0 => w.raw("null"),
        cadence_ms => w.thousandths(u64::from(cadence_ms)),
    }
    write_text(w, "cost", sensor.cost().name());
    if sensor.scope() != Scope::Host {
        write_text(w, "scope", sensor.scope().name());
    }
    w.raw("}");
}

fn write_text(w: &mut Writer<'_>, key: &str, text: &str) {
    w.raw(",\"");
    w.raw(key);
    w.raw("\":");
    w.string(text);
}
