//! Frames of sensors and processes at random, put together by hand from the specification.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::raw_frame;

/// Texts that may stand in an entry, quotes and backslashes among them.
const TEXT: &str = "[^\\p{Cc}]{0,12}";

fn entry() -> impl Strategy<Value = Vec<u8>> {
    let texts = ("[^\\p{Cc}]{1,12}", TEXT, TEXT, "[^\\p{Cc}]{1,40}");
    let attributes = vec(("[^\\p{Cc}=]{1,5}", TEXT), 0..4);
    let numbers = (1u16.., any::<u16>(), 1u8..=11, 0u8..4, any::<u32>(), 0u8..2, 0u8..3);
    (texts, attributes, numbers).prop_map(|(texts, attributes, numbers)| {
        let attributes: String =
            attributes.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        let (id, metric, group, cost, cadence_ms, scope, instrument) = numbers;
        let byte = |text: &str| u8::try_from(text.len()).unwrap();
        let short = |text: &str| u16::try_from(text.len()).unwrap().to_le_bytes();
        let text = [&texts.0, &texts.1, &texts.2, &attributes, &texts.3].map(String::as_str);
        let text = text.concat();
        let size = u16::try_from((24 + text.len()).next_multiple_of(8)).unwrap();
        let mut bytes = [size, id, metric].map(u16::to_le_bytes).concat();
        bytes.extend([group, cost]);
        bytes.extend(cadence_ms.to_le_bytes());
        bytes.extend([scope, instrument, 0, 0]);
        bytes.extend([byte(&texts.0), byte(&texts.1), byte(&texts.2), 0]);
        bytes.extend(short(&attributes));
        bytes.extend(short(&texts.3));
        bytes.extend(text.as_bytes());
        bytes.resize(size.into(), 0);
        bytes
    })
}

/// A catalog frame with any entries.
pub(super) fn catalog() -> impl Strategy<Value = Vec<u8>> {
    let head = (any::<u32>(), any::<u32>(), select(vec![0, 1, 500]), any::<u32>());
    (head, vec(entry(), 0..8)).prop_map(|((topology, first, more, omitted), entries)| {
        let count = u32::try_from(entries.len()).unwrap();
        let first = first.min(u32::MAX - count - more);
        let mut payload = [topology, first + count + more, first].map(u32::to_le_bytes).concat();
        payload.extend([u8::try_from(entries.len()).unwrap(), 0, u8::from(more == 0), 0]);
        payload.extend([omitted, 0].map(u32::to_le_bytes).concat());
        payload.extend(entries.concat());
        raw_frame(11, 2, (0, 9), &payload)
    })
}

/// A samples frame with any values.
pub(crate) fn samples() -> impl Strategy<Value = Vec<u8>> {
    let head = (any::<u32>(), 1u8..=11, any::<(u8, u8)>(), any::<u32>(), any::<u64>());
    let sample = (1u16.., 0u8..8, any::<u32>(), any::<u64>());
    (head, vec(sample, 0..20)).prop_map(|((topology, group, parts, merged, sequence), samples)| {
        let (part, parts) = (parts.0.min(parts.1).max(1), parts.0.max(parts.1).max(1));
        let mut payload = topology.to_le_bytes().to_vec();
        payload.extend([group, part, parts, 0, u8::try_from(samples.len()).unwrap(), 0, 0, 0]);
        payload.extend(merged.to_le_bytes());
        for (id, state, age_ms, value) in samples {
            payload.extend(id.to_le_bytes());
            payload.extend([state, 0]);
            payload.extend(age_ms.to_le_bytes());
            payload.extend(value.to_le_bytes());
        }
        raw_frame(17, 2, (sequence, 9), &payload)
    })
}

/// A processes frame with any numbers.
pub(crate) fn processes() -> impl Strategy<Value = Vec<u8>> {
    let head = (0u16..=32, 0u16..=32, any::<bool>(), any::<[u32; 3]>(), 0u8..8);
    let state = select(&b"RSDZTtXIP?"[..]);
    let process = (vec(any::<u8>(), 28), state, any::<(u8, u8)>(), "[^\\p{Cc}]{1,8}");
    (head, vec(process, 0..10), any::<u64>()).prop_map(|(head, processes, sequence)| {
        let (by_cpu, by_memory, truncated, mut numbers, state) = head;
        // Without a value there is nothing.
        let has_value = [0, 2].contains(&state);
        let processes = if has_value { processes } else { Vec::new() };
        numbers[0] *= u32::from(has_value);
        let count = u16::try_from(processes.len()).unwrap();
        let shorts = [count, by_cpu, by_memory, u16::from(truncated)];
        let mut payload = shorts.map(u16::to_le_bytes).concat();
        payload.extend(numbers.map(u32::to_le_bytes).concat());
        payload.extend([state, 0, 0, 0]);
        for (numbers, state, ranks, name) in processes {
            let rank = |rank: u8, most: u16| rank % (u8::try_from(most).unwrap() + 1);
            payload.extend(numbers);
            payload.push(state);
            payload.extend([rank(ranks.0, by_cpu), rank(ranks.1, by_memory)]);
            payload.push(u8::try_from(name.len()).unwrap());
            payload.extend(name.as_bytes());
            payload.resize(payload.len() + 32 - name.len(), 0);
        }
        raw_frame(18, 3, (sequence, 9), &payload)
    })
}
