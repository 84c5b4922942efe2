//! What is taken from a file of procfs is what a naive reader takes from it, who has the whole text
//! and as much memory and room for numbers as he likes. The first byte chooses the file.

use kymo_platform::linux::{diskstats, loadavg, meminfo, netdev, process_stat, stat, uptime};
use kymo_platform::machine::{CpuTime, Memory, Transfer};
use kymo_protocol::NoData::{Absent, Fault};
use kymo_protocol::Reading;

fn words(line: &[u8]) -> Vec<&[u8]> {
    let is_blank = |byte: &u8| b" \t".contains(byte);
    line.split(is_blank).filter(|word| !word.is_empty()).collect()
}

fn number<T: std::str::FromStr>(word: Option<&&[u8]>) -> Option<T> {
    let text = str::from_utf8(word?).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    text.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whole units, and billionths.
fn decimal(word: Option<&&[u8]>) -> Option<(u64, u64)> {
    let (whole, fraction) = str::from_utf8(word?).ok()?.split_once('.')?;
    let billionths = format!("{fraction:0<9}");
    let is_one = !fraction.is_empty() && fraction.len() <= 9;
    let billionths = number(Some(&billionths.as_bytes())).filter(|_| is_one)?;
    Some((number(Some(&whole.as_bytes()))?, billionths))
}

fn fits(sum: u128) -> Option<u64> {
    u64::try_from(sum).ok()
}

fn cpu_time(text: &[u8]) -> Option<CpuTime> {
    let words = words(text.split(|byte| *byte == b'\n').next()?);
    let ticks: Option<Vec<u64>> = words.iter().skip(1).take(8).map(|w| number(Some(w))).collect();
    let ticks = ticks.filter(|ticks| ticks.len() >= 4 && words[0] == b"cpu")?;
    let sum = |ticks: &[u64]| ticks.iter().map(|tick| u128::from(*tick)).sum::<u128>();
    let idle = sum(&ticks[3..ticks.len().min(5)]);
    Some(CpuTime { busy: fits(sum(&ticks) - idle)?, total: fits(sum(&ticks))? })
}

fn memory(text: &[u8]) -> Memory {
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').map(words).collect();
    let mut found = [Err(Absent); 4];
    let keys: [&[u8]; 4] = [b"MemTotal:", b"MemAvailable:", b"SwapTotal:", b"SwapFree:"];
    for (key, found) in keys.iter().zip(&mut found) {
        let Some(line) = lines.iter().find(|line| line.first() == Some(key)) else { continue };
        let kib = number::<u64>(line.get(1)).filter(|_| line.get(2) == Some(&&b"kB"[..]));
        *found = kib.and_then(|kib| fits(u128::from(kib) * 1024)).ok_or(Fault);
    }
    if found == [Err(Absent); 4] {
        found = [Err(Fault); 4];
    }
    let [total, available, swap_total, swap_free] = found;
    let total = total.and_then(|total| if total == 0 { Err(Fault) } else { Ok(total) });
    let within = |part: Reading<u64>, whole: Reading<u64>| match (part, whole) {
        (Ok(part), Ok(whole)) if part > whole => Err(Fault),
        _ => part,
    };
    let (available, swap_free) = (within(available, total), within(swap_free, swap_total));
    Memory { total, available, swap_total, swap_free }
}

/// The sum over lines: `None` is damage, `Some(None)` nothing to be counted.
fn sum(lines: impl Iterator<Item = Option<Option<[u64; 2]>>>, factor: u128) -> Reading<Transfer> {
    let lines: Vec<[u64; 2]> =
        lines.collect::<Option<Vec<_>>>().ok_or(Fault)?.into_iter().flatten().collect();
    let total = |at: usize| lines.iter().map(|line| u128::from(line[at]) * factor).sum();
    let (inward, outward) = (fits(total(0)).ok_or(Fault)?, fits(total(1)).ok_or(Fault)?);
    if lines.is_empty() { Err(Absent) } else { Ok(Transfer { inward, outward }) }
}

fn interface(line: &[u8]) -> Option<Option<[u64; 2]>> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_start();
    let words = words(&line[colon + 1..]);
    let counts = [number(words.first())?, number(words.get(8))?];
    let is_loop = name == b"lo" || name.starts_with(b"lo:");
    if name.is_empty() { None } else { Some((!is_loop).then_some(counts)) }
}

fn disk(line: &[u8]) -> Option<Option<[u64; 2]>> {
    let words = words(line);
    let _: (u64, u64) = (number(words.first())?, number(words.get(1))?);
    let is_disk = words.get(2)?.starts_with(b"s");
    let counts = || Some([number(words.get(5))?, number(words.get(9))?]);
    if is_disk { counts().map(Some) } else { Some(None) }
}

fn process(text: &[u8]) -> Option<process_stat::ProcessStat<'_>> {
    let begin = text.iter().position(|byte| *byte == b'(')? + 1;
    let end = text.iter().rposition(|byte| *byte == b')').filter(|end| *end >= begin)?;
    let words = words(text[end + 1..].trim_ascii_end());
    let ticks: [u64; 3] = [number(words.get(11))?, number(words.get(12))?, number(words.get(19))?];
    let pages: i64 = number(words.get(21))?;
    Some(process_stat::ProcessStat {
        name: &text[begin..end],
        state: *words[0].first().filter(|_| words[0].len() == 1)?,
        busy: fits(u128::from(ticks[0]) + u128::from(ticks[1]))?,
        start: ticks[2],
        pages: u64::try_from(pages).unwrap_or(0),
    })
}

pub(crate) fn check(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let lines = || text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n');
    let first = words(text.trim_ascii_end());
    match choice % 7 {
        0 => assert_eq!(stat::parse(text), cpu_time(text).ok_or(Fault)),
        1 => assert_eq!(meminfo::parse(text), memory(text)),
        2 => {
            let load = |at| decimal(first.get(at)).filter(|(whole, _)| *whole <= 1 << 22);
            let expected = load(0).zip(load(1)).zip(load(2)).ok_or(Fault);
            let expected = expected.map(|((one, five), fifteen)| [one, five, fifteen]);
            let close = |(found, (whole, billionths)): (f32, (u64, u64))| {
                let expected = whole as f64 + billionths as f64 / 1e9;
                (f64::from(found) - expected).abs() <= expected * 1e-7
            };
            match (loadavg::parse(text), expected) {
                (Ok(found), Ok(expected)) => assert!(found.into_iter().zip(expected).all(close)),
                (found, expected) => assert_eq!(found.err(), expected.err()),
            }
        }
        3 => {
            let nanoseconds = decimal(first.first()).and_then(|(seconds, rest)| {
                fits(u128::from(seconds) * 1_000_000_000 + u128::from(rest))
            });
            assert_eq!(uptime::parse(text), nanoseconds.ok_or(Fault));
        }
        4 => {
            let is_head = lines().count() >= 2 && lines().take(2).all(|line| line.contains(&b'|'));
            let expected =
                if is_head { sum(lines().skip(2).map(interface), 1) } else { Err(Fault) };
            assert_eq!(netdev::parse(text), expected);
        }
        5 => {
            let found = diskstats::parse(text, &mut |device| device.name.starts_with(b"s"));
            assert_eq!(found, sum(lines().map(disk), 512));
        }
        _ => assert_eq!(process_stat::parse(text), process(text)),
    }
}
