//! What holds whatever a controller replies: every reading is a sane number or has a reason, no
//! question is repeated for ever, and the same replies make the same readings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kymo_platform::apple::smc::{
    Controller, Exchange, FourCc, KernReturn, Kind, SLOTS, Table, decode, sources,
};
use kymo_platform::{Freshness, SensorInfo};
use kymo_protocol::NoData::Pending;
use kymo_protocol::Reading;

/// Calls of one read, scan or look, at most: a read is two a key, and a name for a new connection.
const READ_CALLS_MAX: u64 = 16;
const SCAN_CALLS_MAX: u64 = 1_000;
const LOOK_CALLS_MAX: u64 = 64;

const KINDS: [&[u8; 4]; 10] =
    [b"flt ", b"ioft", b"sp78", b"fpe2", b"ui8 ", b"ui32", b"{fds", b"sp3c", b"flag", b"hex_"];
const KEYS: [&[u8; 3]; 10] =
    [b"Tp0", b"Tg0", b"TB1", b"F0A", b"F1M", b"PCP", b"VC0", b"IC0", b"TC0", b"B0A"];

/// Replies as the bytes have it.
struct Replies {
    bytes: std::vec::IntoIter<u8>,
    calls: Arc<AtomicU64>,
}

impl Replies {
    fn next(&mut self) -> u8 {
        self.bytes.next().unwrap_or(0)
    }

    fn word(&mut self) -> [u8; 4] {
        std::array::from_fn(|_| self.next())
    }
}

impl Controller for Replies {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert!([5, 8, 9].contains(&request.command), "nothing but reading: {request:?}");
        let mut answer = Exchange::about(request.key, 0);
        match self.next() {
            0xF0.. => return Err(KernReturn(i32::from_le_bytes(self.word()))),
            choice @ 0xE8.. => {
                let code = [0x2C1, 0x2C0, 0x2D6, 0x2BC][usize::from(choice % 4)];
                return Err(KernReturn(0xE000_0000u32.cast_signed() | code));
            }
            0xD0.. => answer.result = self.next(),
            choice if request.command == 8 => {
                let [first, second, third] = *KEYS[usize::from(choice) % KEYS.len()];
                answer.key = u32::from_be_bytes([first, second, third, self.next()]);
            }
            choice if request.command == 9 => {
                let kind = FourCc::new(KINDS[usize::from(choice) % KINDS.len()]);
                answer.data_type = kind.0;
                answer.data_attributes = self.next();
                let size = Kind::parse(kind).map_or(16, Kind::size);
                answer.data_size = u32::try_from(size).unwrap();
                if choice >= 0xC0 {
                    answer.data_size = u32::from_be_bytes(self.word());
                }
            }
            _ => answer.bytes.fill_with(|| self.next()),
        }
        Ok(answer)
    }
}

/// What each sensor said, in order, with how many there were.
type Told = Vec<(String, Reading<f64>)>;

fn run(data: &[u8]) -> Told {
    let calls = Arc::new(AtomicU64::new(0));
    let bytes = Vec::from(data).into_iter();
    let replies = Replies { bytes, calls: Arc::clone(&calls) };
    let chip = ["Apple M3 Max", "Apple M5", "Intel(R) Core(TM) i7", ""][data.len() % 4];
    let mut sources = sources(Some(Box::new(replies)), Table::of(chip));
    let mut told = Told::new();
    for _ in 0..3 {
        let mut names = std::collections::BTreeSet::new();
        for (number, source) in sources.iter_mut().enumerate() {
            let mut sensors = Vec::new();
            let spend = |most: u64, before: u64, what: &str| {
                let spent = calls.load(Ordering::Relaxed) - before;
                assert!(spent <= most, "{spent} calls for one {what} of {number}");
            };
            let before = calls.load(Ordering::Relaxed);
            source.scan(&mut |sensor: &SensorInfo<'_>| {
                assert!(!sensor.label.is_empty() && !sensor.label.contains(char::is_control));
                assert!(names.insert(sensor.identity.to_owned()), "{} twice", sensor.identity);
                sensors.push((sensor.identity.to_owned(), sensor.metric.unit));
            });
            spend(SCAN_CALLS_MAX, before, "scan");
            assert!(sensors.len() <= 4 && number < SLOTS);
            let mut readings = vec![Err(Pending); sensors.len()];
            let before = calls.load(Ordering::Relaxed);
            assert_eq!(source.read(&mut readings), Freshness::Current);
            spend(READ_CALLS_MAX, before, "read");
            for ((identity, unit), reading) in sensors.into_iter().zip(readings) {
                assert_ne!(reading, Err(Pending), "{identity}");
                let range = match unit {
                    "Cel" => -40.0..150.0,
                    "rpm" => 0.0..100_001.0,
                    _ => -10_001.0..10_001.0,
                };
                assert!(reading.is_err() || range.contains(&reading.unwrap()), "{identity}");
                told.push((identity, reading));
            }
            let before = calls.load(Ordering::Relaxed);
            let _ = source.look();
            spend(LOOK_CALLS_MAX, before, "look");
        }
    }
    told
}

/// A naive reading of fixed point: by hand, digit after digit.
fn model(name: [u8; 4], bytes: [u8; 2]) -> Option<f64> {
    let [first, b'p', whole, fraction] = name else { return None };
    let digits = b"0123456789abcdef";
    let digit = |letter: u8| digits.iter().position(|digit| digit.eq_ignore_ascii_case(&letter));
    let (whole, fraction) = (digit(whole)?, digit(fraction)?);
    let is_signed = match first {
        b'f' if whole + fraction == 16 => false,
        b's' if whole + fraction == 15 => true,
        _ => return None,
    };
    let mut number = f64::from(bytes[0]) * 256.0 + f64::from(bytes[1]);
    if is_signed && bytes[0] >= 128 {
        number -= 65_536.0;
    }
    (0..fraction).for_each(|_| number /= 2.0);
    Some(number)
}

pub fn check(data: &[u8]) {
    if let [first, whole, fraction, high, low, ..] = *data {
        for name in [*b"fpe2", [first, b'p', whole, fraction], [b's', b'p', whole, fraction]] {
            let found = decode(FourCc::new(&name), first, &[high, low]);
            if name[0] != b'p' && (name.starts_with(b"fp") || name.starts_with(b"sp")) {
                assert_eq!(found.ok(), model(name, [high, low]), "{name:?}");
            }
        }
    }
    // Each reply is a few bytes, so what is behind would never be asked for.
    let data = data.get(..8_192).unwrap_or(data);
    let told = run(data);
    assert_eq!(run(data), told, "the same replies, other readings");
}
