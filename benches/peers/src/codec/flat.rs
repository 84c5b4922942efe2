#![allow(unsafe_code)]
//! FlatBuffers: a table of scalars, and vectors where there are several of a kind. What flatc would
//! write is written here by hand, so that no compiler of schemas has to be there.

use flatbuffers::{
    FlatBufferBuilder, Follow, ForwardsUOffset, InvalidFlatbuffer, Table, Vector, Verifiable,
    Verifier,
};
use kymo_benches::Outcome;
use kymo_benches::sample::Readings;

use super::Codec;
use super::plain::Plain;

/// Where the offset of each field stands in a table's list of them.
const fn slot(field: u16) -> u16 {
    4 + 2 * field
}

const SEQUENCE: u16 = slot(0);
const BOOT_NS: u16 = slot(1);
const FAN_COUNT: u16 = slot(2);
const PROCESS_COUNT: u16 = slot(3);
const COLOR: u16 = slot(4);
const VERDICT: u16 = slot(5);
const FLOATS: u16 = slot(6);
const INTEGERS: u16 = slot(7);
const FANS: u16 = slot(8);
const STATES: u16 = slot(9);
const AGES_MS: u16 = slot(10);

/// A vector behind its offset.
type List<'a, T> = ForwardsUOffset<Vector<'a, T>>;

/// FlatBuffers, with a builder that is used again.
#[derive(Default)]
#[allow(missing_debug_implementations)] // its builder has none
pub struct Flatbuffers {
    builder: FlatBufferBuilder<'static>,
}

impl Codec for Flatbuffers {
    fn name(&self) -> &'static str {
        "flatbuffers 25.12"
    }

    fn encode(&mut self, readings: &Readings, sequence: u64, boot_ns: u64) -> Outcome<usize> {
        let plain = Plain::new(readings, sequence, boot_ns);
        let b = &mut self.builder;
        b.reset();
        let floats = b.create_vector(&plain.floats);
        let integers = b.create_vector(&plain.integers);
        let fans = b.create_vector(&plain.fans);
        let states = b.create_vector(&plain.states);
        let ages = b.create_vector(&plain.ages_ms);
        let table = b.start_table();
        b.push_slot::<u64>(SEQUENCE, plain.sequence, 0);
        b.push_slot::<u64>(BOOT_NS, plain.boot_ns, 0);
        b.push_slot_always(FLOATS, floats);
        b.push_slot_always(INTEGERS, integers);
        b.push_slot_always(FANS, fans);
        b.push_slot_always(STATES, states);
        b.push_slot_always(AGES_MS, ages);
        b.push_slot::<u32>(PROCESS_COUNT, plain.process_count, 0);
        b.push_slot::<u8>(FAN_COUNT, plain.fan_count, 0);
        b.push_slot::<u8>(COLOR, plain.color, 0);
        b.push_slot::<u8>(VERDICT, plain.verdict, 0);
        let table = b.end_table(table);
        b.finish_minimal(table);
        Ok(b.finished_data().len())
    }

    fn decode(&self) -> Outcome<f64> {
        let vitals = flatbuffers::root::<Vitals<'_>>(self.builder.finished_data())?;
        let mut whole = vitals.one::<u64>(SEQUENCE) + vitals.one::<u64>(BOOT_NS);
        whole += u64::from(vitals.one::<u32>(PROCESS_COUNT));
        for field in [FAN_COUNT, COLOR, VERDICT] {
            whole += u64::from(vitals.one::<u8>(field));
        }
        whole += vitals.list::<u64>(INTEGERS).sum::<u64>();
        whole += vitals.list::<u32>(FANS).map(u64::from).sum::<u64>();
        whole += vitals.list::<u8>(STATES).map(u64::from).sum::<u64>();
        whole += vitals.list::<u32>(AGES_MS).map(u64::from).sum::<u64>();
        Ok(whole as f64 + vitals.list::<f32>(FLOATS).map(f64::from).sum::<f64>())
    }
}

/// A table that was checked.
struct Vitals<'a>(Table<'a>);

impl<'a> Vitals<'a> {
    /// A scalar; 0 where it was left out, as the format says.
    fn one<T: Follow<'a, Inner = T> + Default + 'a>(&self, field: u16) -> T {
        // SAFETY: `root` has had the verifier look at the table, and at each of our fields as the
        // type that its only reader, above, names.
        unsafe { self.0.get::<T>(field, None) }.unwrap_or_default()
    }

    fn list<T: Follow<'a> + 'a>(&self, field: u16) -> impl Iterator<Item = T::Inner> + use<'a, T> {
        // SAFETY: as above, and so for each of its elements.
        let list = unsafe { self.0.get::<List<'a, T>>(field, None) };
        list.into_iter().flatten()
    }
}

impl<'a> Follow<'a> for Vitals<'a> {
    type Inner = Self;

    unsafe fn follow(buf: &'a [u8], loc: usize) -> Self {
        // SAFETY: our caller promises that there is a table.
        Self(unsafe { Table::new(buf, loc) })
    }
}

impl Verifiable for Vitals<'_> {
    fn run_verifier(verifier: &mut Verifier, at: usize) -> Result<(), InvalidFlatbuffer> {
        verifier
            .visit_table(at)?
            .visit_field::<u64>("sequence", SEQUENCE, false)?
            .visit_field::<u64>("boot_ns", BOOT_NS, false)?
            .visit_field::<u8>("fan_count", FAN_COUNT, false)?
            .visit_field::<u32>("process_count", PROCESS_COUNT, false)?
            .visit_field::<u8>("color", COLOR, false)?
            .visit_field::<u8>("verdict", VERDICT, false)?
            .visit_field::<List<'_, f32>>("floats", FLOATS, false)?
            .visit_field::<List<'_, u64>>("integers", INTEGERS, false)?
            .visit_field::<List<'_, u32>>("fans", FANS, false)?
            .visit_field::<List<'_, u8>>("states", STATES, false)?
            .visit_field::<List<'_, u32>>("ages_ms", AGES_MS, false)?
            .finish();
        Ok(())
    }
}
