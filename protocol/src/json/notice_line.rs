//! The frames of a conversation as lines, and the pieces that all lines are made of.

use crate::gap::Gap;
use crate::header::StreamId;
use crate::hello::Hello;
use crate::json::Writer;
use crate::subscribe::{Streams, Subscribe, Subscribed};
use crate::welcome::Welcome;

pub(super) fn write_welcome(w: &mut Writer<'_>, welcome: &Welcome, boot_ns: u64) {
    let fixed = &welcome.fixed;
    w.raw("{\"type\":\"welcome\",\"version\":");
    w.integer(u64::from(fixed.version.get()));
    w.raw(",\"epoch\":\"");
    w.hex(&fixed.epoch);
    w.raw("\",\"run\":\"");
    w.hex(&fixed.run);
    w.raw("\"");
    timestamp(w, fixed.wall_ns.get());
    w.raw(",\"boot_ns\":");
    w.integer(boot_ns);
    w.raw(",\"rate_hz\":");
    w.thousandths(u64::from(fixed.rate_mhz.get()));
    w.raw(",\"limits\":{\"rate_hz\":");
    w.thousandths(u64::from(fixed.rate_mhz_max.get()));
    for (name, value) in [
        ("payload_bytes", fixed.payload_max),
        ("event_bytes", fixed.event_max),
        ("line_bytes", fixed.line_max),
        ("clients", fixed.clients_max),
    ] {
        w.raw(",\"");
        w.raw(name);
        w.raw("\":");
        w.integer(u64::from(value.get()));
    }
    w.raw("},\"streams\":{");
    let mut first = true;
    for entry in &welcome.streams {
        let Some(name) = StreamId(entry.id.get()).name() else { continue };
        member(w, &mut first, name);
        w.raw("{\"id\":");
        w.integer(u64::from(entry.id.get()));
        if entry.oldest != entry.next {
            w.raw(",\"oldest\":");
            w.integer(entry.oldest.get());
        }
        w.raw(",\"next\":");
        w.integer(entry.next.get());
        w.raw("}");
    }
    w.raw("}");
}

pub(super) fn write_subscribed(w: &mut Writer<'_>, subscribed: &Subscribed) {
    let streams = Streams(subscribed.streams.get());
    w.raw("{\"type\":\"subscribed\",\"streams\":");
    write_list(w, streams.iter(), stream_name);
    w.raw(",\"rate_hz\":");
    w.thousandths(u64::from(subscribed.rate_mhz.get()));
    if subscribed.options.get() & 1 != 0 {
        w.raw(",\"every\":true");
    }
    w.raw(",\"resume\":");
    w.string(subscribed.resume().name());
    w.raw(",\"next\":{");
    let mut first = true;
    for (stream, next) in (1..).map(StreamId).zip(subscribed.next.iter()) {
        if let (true, Some(name)) = (streams.contains(stream), stream.name()) {
            member(w, &mut first, name);
            w.integer(next.get());
        }
    }
    w.raw("}");
}

pub(super) fn write_subscribe(w: &mut Writer<'_>, subscribe: &Subscribe) {
    let options = subscribe.options();
    w.raw("{\"subscribe\":");
    write_list(w, subscribe.streams().iter(), stream_name);
    if subscribe.fixed.rate_mhz.get() > 0 {
        w.raw(",\"rate_hz\":");
        w.thousandths(u64::from(subscribe.fixed.rate_mhz.get()));
    }
    if options.every {
        w.raw(",\"every\":true");
    }
    w.raw(",\"topics\":");
    write_list(w, subscribe.topics(), |w, topic| w.string(topic));
    w.raw(",\"groups\":");
    write_list(w, subscribe.groups(), |w, group| w.string(group));
    if options.resume {
        w.raw(",\"resume\":{\"epoch\":\"");
        w.hex(&subscribe.fixed.epoch);
        w.raw("\",\"events\":");
        w.integer(subscribe.fixed.events.get());
        w.raw("}");
    }
}

pub(super) fn write_hello(w: &mut Writer<'_>, hello: &Hello) {
    w.raw("{\"type\":\"hello\",\"version_min\":");
    w.integer(u64::from(hello.version_min.get()));
    w.raw(",\"version_max\":");
    w.integer(u64::from(hello.version_max.get()));
    w.raw(",\"name\":");
    w.string(hello.name());
}

pub(super) fn write_gap(w: &mut Writer<'_>, gap: &Gap, stream: StreamId) {
    w.raw("{\"type\":\"gap\",\"stream\":");
    stream_name(w, stream);
    w.raw(",\"first\":");
    w.integer(gap.first.get());
    w.raw(",\"last\":");
    w.integer(gap.last.get());
    w.raw(",\"count\":");
    w.integer(gap.count.get());
    w.raw(",\"reason\":");
    w.string(gap.reason().name());
}

pub(super) fn timestamp(w: &mut Writer<'_>, wall_ns: u64) {
    w.raw(",\"timestamp\":");
    w.seconds(wall_ns);
}

pub(super) fn member(w: &mut Writer<'_>, first: &mut bool, name: &str) {
    w.raw(if core::mem::take(first) { "\"" } else { ",\"" });
    w.raw(name);
    w.raw("\":");
}

pub(super) fn write_list<T>(
    w: &mut Writer<'_>,
    values: impl Iterator<Item = T>,
    write: impl Fn(&mut Writer<'_>, T),
) {
    w.raw("[");
    for (index, value) in values.enumerate() {
        if index > 0 {
            w.raw(",");
        }
        write(w, value);
    }
    w.raw("]");
}

fn stream_name(w: &mut Writer<'_>, stream: StreamId) {
    match stream.name() {
        Some(name) => w.string(name),
        None => w.integer(u64::from(stream.0)),
    }
}
