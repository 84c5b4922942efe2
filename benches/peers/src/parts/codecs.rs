//! What does it take to write and to read a vitals frame, in kymo's encoding and in others?

use std::hint::black_box;

use kymo_benches::Outcome;
use kymo_benches::sample::Readings;
use kymo_benches::timing::per_call;

use crate::codec::{self, Codec};
use crate::rounds::Rounds;
use crate::table::{Cell, Table};

/// Nanoseconds and bytes.
///
/// # Errors
///
/// When an encoding is broken.
pub fn run(is_quick: bool) -> Outcome<Table> {
    let mut frames = codec::frames();
    let mut texts = codec::texts();
    let names: Vec<_> = frames.iter().chain(&texts[1..]).map(|codec| codec.name()).collect();
    let mut table = Table::new(
        "The same vitals in other encodings",
        "Written from the same readings into memory that is used again: number, time, every value \
         with its state and its age. Read means checked, and every value added up; rkyv and \
         flatbuffers are read in place, as kymo is. The last column is compared with kymo's line \
         of JSON, which has neither states nor ages when all is well.",
        &names,
    );
    let (rounds, calls) = if is_quick { (2, 500) } else { (401, 1_000) };
    let readings = Readings::default();
    // Ages stay below a second, as they do at 25 Hz.
    let at = |sequence: u64| 1_000_000_000 + sequence % 900 * 1_000_000;
    let mut sequence = 0;
    let order: Vec<usize> = (0..frames.len()).collect();
    let written = Rounds::take(
        rounds,
        &order,
        |_| None,
        |index| write(&mut *frames[index], calls, &readings, &mut sequence, at),
    );
    let order_of_texts: Vec<usize> = (0..texts.len()).collect();
    let lines = Rounds::take(
        rounds,
        &order_of_texts,
        |_| None,
        |index| write(&mut *texts[index], calls, &readings, &mut sequence, at),
    );
    let read = Rounds::take(
        rounds,
        &order,
        |_| None,
        |index| {
            let codec = &frames[index];
            codec.decode()?;
            Ok([per_call(calls, || drop(black_box(black_box(codec).decode())))])
        },
    );
    let with_none = |mut cells: Vec<Cell>| {
        cells.push(Cell::None);
        cells
    };
    table.less("write a frame", "ns", with_none(written.cells(0)));
    table.less("read a frame", "ns", with_none(read.cells(0)));
    table.less("a frame", "bytes", with_none(plain(written.medians(1))));
    let of_texts = |cells: Vec<Cell>| {
        let mut row = vec![Cell::None; frames.len() + 1];
        for (place, cell) in [0, frames.len()].into_iter().zip(cells) {
            row[place] = cell;
        }
        row
    };
    table.less("write a line of JSON", "ns", of_texts(lines.cells(0)));
    table.less("a line of JSON", "bytes", of_texts(plain(lines.medians(1))));
    for failed in [&written.failed, &read.failed] {
        table.explain(failed);
    }
    table.notes.push(
        "postcard writes small integers in fewer bytes; kymo's frame has 16 bytes of magic, \
         version, kind, length and flags that the others leave to whatever carries them, and 8 for \
         what a subscriber missed"
            .into(),
    );
    Ok(table)
}

/// Bytes are no measurement: they have no spread.
fn plain(values: Vec<f64>) -> Vec<Cell> {
    let cell = |value| Cell::Figure { value, range: None, ratio: None };
    values.into_iter().map(cell).collect()
}

fn write(
    codec: &mut dyn Codec,
    calls: u32,
    readings: &Readings,
    sequence: &mut u64,
    at: impl Fn(u64) -> u64,
) -> Outcome<[f64; 2]> {
    let size = codec.encode(readings, 1, at(1))?;
    let ns = per_call(calls, || {
        *sequence += 1;
        drop(black_box(codec.encode(black_box(readings), *sequence, at(*sequence))));
    });
    Ok([ns, size as f64])
}
