//! A controller for tests: it has the keys of a text, and answers messages as the real one does.
//!
//! A line of the text is a key, its type, its attributes and its bytes, both in hex: `TC0P sp78 80
//! 3a80`. What follows a `#` behind a blank, or begins a line with `# `, is said to people. `#KEY`
//! is there by itself. The known machines are in [`MACHINES`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exchange::{Controller, Exchange, KernReturn};
use super::fourcc::FourCc;

/// Name, processor and keys of the machines that are described: `machines/*.txt` says what of each
/// is from a report.
pub const MACHINES: [(&str, &str, &str); 9] = [
    (
        "Intel laptop",
        "Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz",
        include_str!("machines/intel.txt"),
    ),
    ("M1 Pro", "Apple M1 Pro", include_str!("machines/m1_pro.txt")),
    ("M2 Air", "Apple M2", include_str!("machines/m2_air.txt")),
    ("M2 Max", "Apple M2 Max", include_str!("machines/m2_max.txt")),
    ("M3 Max", "Apple M3 Max", include_str!("machines/m3_max.txt")),
    ("M4", "Apple M4", include_str!("machines/m4.txt")),
    ("M4 Pro", "Apple M4 Pro", include_str!("machines/m4_pro.txt")),
    ("M5 Pro", "Apple M5 Pro", include_str!("machines/m5_pro.txt")),
    ("M6", "Apple M6", include_str!("machines/m6.txt")),
];

/// A machine's controller. Clones are the same one, so that a test can change it and count its
/// calls while sources have it.
///
/// ```
/// use kymo_platform::apple::smc::{FourCc, Session, fake::Simulated};
///
/// let machine = Simulated::parse("FNum ui8 80 02\n").unwrap();
/// let mut session = Session::new(machine.controller());
/// let key = FourCc::parse("FNum").unwrap();
/// assert_eq!(session.describe(key).unwrap().size, 1);
/// assert_eq!(session.read(key, 1).unwrap()[0], 2);
/// assert_eq!(machine.reads("FNum"), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Simulated(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    keys: Vec<Key>,
    calls: u64,
    writes: u64,
    cost: Duration,
    /// What the kernel says instead, and of how many calls.
    failure: Option<(u64, KernReturn)>,
    /// Descriptions are only told behind a name, as some drivers do.
    wants_priming: bool,
    is_primed: bool,
    unsorted: bool,
}

#[derive(Clone, Debug)]
struct Key {
    key: FourCc,
    kind: FourCc,
    attributes: u8,
    size: u8,
    bytes: [u8; 32],
    result: u8,
    refused: Option<KernReturn>,
    reads: u64,
    descriptions: u64,
}

impl Simulated {
    /// A controller with these keys; `None` when a line is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
        let lines =
            lines.filter(|line| !line.is_empty() && !line.starts_with("# ") && *line != "#");
        let mut keys = lines.map(Key::parse).collect::<Option<Vec<_>>>()?;
        keys.sort_by_key(|key| key.key);
        let inner = Inner {
            keys,
            calls: 0,
            writes: 0,
            cost: Duration::ZERO,
            failure: None,
            wants_priming: false,
            is_primed: false,
            unsorted: false,
        };
        Some(Self(Arc::new(Mutex::new(inner))))
    }

    /// One of [`MACHINES`], with its processor's name.
    #[must_use]
    pub fn machine(name: &str) -> Option<(Self, &'static str)> {
        let (_, chip, text) = MACHINES.iter().find(|(known, ..)| *known == name)?;
        Some((Self::parse(text)?, chip))
    }

    /// The way to it.
    #[must_use]
    pub fn controller(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    /// Gives a key a value, and if it is another one, its size.
    pub fn set(&self, key: &str, bytes: &[u8]) {
        self.change(key, |found| found.fill(bytes));
    }

    /// The same with a number, as `flt ` holds it.
    pub fn set_float(&self, key: &str, number: f32) {
        self.set(key, &number.to_le_bytes());
    }

    /// Lets reads of a key have this result; 0 is success.
    pub fn answer(&self, key: &str, result: u8) {
        self.change(key, |found| found.result = result);
    }

    /// Lets the kernel refuse everything about a key, as it does of those that only root may know.
    pub fn refuse(&self, key: &str, said: Option<KernReturn>) {
        self.change(key, |found| found.refused = said);
    }

    /// Takes a key away.
    pub fn remove(&self, key: &str) {
        let mut inner = self.lock();
        inner.keys.retain(|found| Some(found.key) != FourCc::parse(key));
    }

    /// Lets the next so many calls fail; from now on, if there were such before.
    pub fn fail(&self, calls: u64, said: KernReturn) {
        self.lock().failure = (calls > 0).then_some((calls, said));
    }

    /// Lets every call take so long.
    pub fn cost(&self, cost: Duration) {
        self.lock().cost = cost;
    }

    /// Opens it anew, as after a failure; then it describes no key before one was named.
    pub fn wants_priming(&self) {
        let mut inner = self.lock();
        (inner.wants_priming, inner.is_primed) = (true, false);
    }

    /// Lists keys in no order.
    pub fn shuffle(&self) {
        self.lock().unsorted = true;
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Commands that were none of those that read: always 0.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// How often a key was read.
    #[must_use]
    pub fn reads(&self, key: &str) -> u64 {
        self.count(key, |found| found.reads)
    }

    /// How often a key was described, if it is there.
    #[must_use]
    pub fn descriptions(&self, key: &str) -> u64 {
        self.count(key, |found| found.descriptions)
    }

    fn count(&self, key: &str, of: impl Fn(&Key) -> u64) -> u64 {
        let inner = self.lock();
        let found = inner.keys.iter().find(|found| Some(found.key) == FourCc::parse(key));
        found.map_or(0, of)
    }

    fn change(&self, key: &str, change: impl FnOnce(&mut Key)) {
        let mut inner = self.lock();
        let found = inner.keys.iter_mut().find(|found| Some(found.key) == FourCc::parse(key));
        if let Some(found) = found {
            change(found);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controller for Simulated {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        let cost = self.lock().cost;
        if !cost.is_zero() {
            std::thread::sleep(cost);
        }
        self.lock().exchange(request)
    }
}

impl Inner {
    fn exchange(&mut self, request: &Exchange) -> Result<Exchange, KernReturn> {
        self.calls += 1;
        if let Some((left, said)) = &mut self.failure {
            let said = *said;
            *left -= 1;
            if *left == 0 {
                self.failure = None;
            }
            return Err(said);
        }
        let mut answer = Exchange::about(request.key, 0);
        match request.command {
            8 => self.name(request.index, &mut answer),
            9 if self.wants_priming && !self.is_primed => answer.result = 0x84,
            5 | 9 => self.tell(request, &mut answer)?,
            _ => {
                self.writes += 1;
                answer.result = 0x82;
            }
        }
        Ok(answer)
    }

    /// `#KEY` is the first.
    fn name(&mut self, index: u32, answer: &mut Exchange) {
        self.is_primed = true;
        let count = self.keys.len();
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let place = if self.unsorted && place <= count { count - place } else { place };
        match place.checked_sub(1).map(|place| self.keys.get(place)) {
            None => answer.key = COUNT.0,
            Some(Some(key)) => answer.key = key.key.0,
            Some(None) => answer.result = 0xB8,
        }
    }

    fn tell(&mut self, request: &Exchange, answer: &mut Exchange) -> Result<(), KernReturn> {
        let count = u32::try_from(self.keys.len() + 1).unwrap_or(u32::MAX);
        let mut counting = Key::parse("#KEY ui32 80 00000000");
        if let Some(key) = &mut counting {
            key.fill(&count.to_be_bytes());
        }
        let listed = self.keys.iter_mut().find(|key| key.key.0 == request.key);
        let counting = counting.as_mut().filter(|key| key.key.0 == request.key);
        let Some(key) = listed.or(counting) else {
            answer.result = 0x84;
            return Ok(());
        };
        if request.command == 9 {
            key.descriptions += 1;
        } else {
            key.reads += 1;
        }
        if let Some(said) = key.refused {
            return Err(said);
        }
        if request.command == 9 {
            answer.data_size = u32::from(key.size);
            answer.data_type = key.kind.0;
            answer.data_attributes = key.attributes;
        } else if key.result != 0 {
            answer.result = key.result;
        } else if request.data_size != u32::from(key.size) {
            answer.result = 0x87;
        } else {
            answer.bytes = key.bytes;
        }
        Ok(())
    }
}

const COUNT: FourCc = FourCc::new(b"#KEY");

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut key = Self {
            key: FourCc::parse(words.next()?)?,
            kind: FourCc::parse(words.next()?)?,
            attributes: u8::from_str_radix(words.next()?, 16).ok()?,
            size: 0,
            bytes: [0; 32],
            result: 0,
            refused: None,
            reads: 0,
            descriptions: 0,
        };
        let hex = words.next()?;
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() > key.bytes.len() || words.next().is_some() {
            return None;
        }
        for (place, pair) in key.bytes.iter_mut().zip(pairs) {
            *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        key.size = u8::try_from(pairs.len()).ok()?;
        Some(key)
    }

    fn fill(&mut self, bytes: &[u8]) {
        self.bytes = [0; 32];
        self.bytes.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        self.size = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    }
}
