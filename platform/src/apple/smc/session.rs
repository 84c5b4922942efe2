//! A conversation with the controller: what it is asked, what it answers, and when it is left
//! alone.
//!
//! Three of its commands are known here, none of which changes anything: 5 reads a key, 8 names the
//! key of a number, 9 describes a key. The others, 6 among them, which writes, are not in this
//! program.
//!
//! | result | meaning here |
//! |---|---|
//! | 0x00 | success |
//! | 0x84 | no such key |
//! | 0x85, 0xF9 | the key may not be read |
//! | 0x87 | its value has another size |
//! | 0xB7 | the firmware did not answer in time |
//! | 0xB8 | no key has that number |
//! | others | it failed: 0x01 in general, 0x80 collision, 0x81 spurious data, 0x82 bad command, 0x83 bad parameter, 0x88 framing, 0x89 bad argument, 0xC0 to 0xCC of functions and buses |
//!
//! When the way to the controller fails, it is left alone for ever more rounds, up to
//! [`REST_MAX`]; what stands between is told for the same reason, without a call.

use kymo_protocol::NoData;

use super::exchange::{Controller, Exchange, KernReturn};
use super::fourcc::FourCc;

/// Rounds without a call, at most. There are about ten rounds a second, so a minute.
pub(super) const REST_MAX: u32 = 512;
/// The first time.
const REST_MIN: u32 = 8;
/// So many calls that fail behind one another, each for a reason of its own, are a way that fails.
const STRIKES_MAX: u32 = 8;
/// Bytes of a value, at most.
pub(super) const VALUE_SIZE_MAX: usize = 32;

const READ: u8 = 5;
const NAME: u8 = 8;
const DESCRIBE: u8 = 9;

/// Why the way to the controller fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is there no more.
    Gone,
    /// It does not answer in time.
    Timeout,
    /// Anything else.
    Failed,
}

/// Why there is no answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such key, or no key of that number.
    Missing,
    /// Who asks may not read it, now or later.
    Denied,
    /// Its value has another size than was asked for.
    Size,
    /// The controller or the kernel says that this failed.
    Failed,
    /// The way to the controller fails, whatever is asked.
    Down(Trouble),
}

impl Refusal {
    /// The same as a sensor says it.
    #[must_use]
    pub const fn reason(self) -> NoData {
        match self {
            Self::Missing | Self::Down(Trouble::Gone) => NoData::Absent,
            Self::Denied => NoData::Denied,
            Self::Size | Self::Failed | Self::Down(_) => NoData::Fault,
        }
    }
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// The type's name.
    pub kind: FourCc,
    /// Bytes.
    pub size: u8,
    /// Bits.
    pub attributes: u8,
}

/// The conversation; see the module.
pub struct Session {
    controller: Box<dyn Controller>,
    trouble: Option<Trouble>,
    /// Rounds still to be left out, and how many it were the last time.
    rest: u32,
    rest_before: u32,
    strikes: u32,
    /// Whether it was asked for a key by its number since it last failed: some drivers know of no
    /// key before.
    is_primed: bool,
    has_answered: bool,
}

// What a controller is inside is its own business.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Session {
    /// With a controller that nothing is known of yet.
    #[must_use]
    pub fn new(controller: Box<dyn Controller>) -> Self {
        Self {
            controller,
            trouble: None,
            rest: 0,
            rest_before: 0,
            strikes: 0,
            is_primed: false,
            has_answered: false,
        }
    }

    /// Whether the controller has ever answered a question.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Begins a round of questions; while the controller is left alone, one round less of that is
    /// left, and every question is refused.
    pub fn begin(&mut self) {
        self.rest = self.rest.saturating_sub(1);
    }

    /// The key with this number.
    ///
    /// # Errors
    ///
    /// When there is none, or no answer.
    pub fn name(&mut self, index: u32) -> Result<FourCc, Refusal> {
        let mut request = Exchange::about(0, NAME);
        request.index = index;
        let found = self.ask(&request);
        self.is_primed |= found.is_ok();
        found.map(|answer| FourCc(answer.key))
    }

    /// What a key holds.
    ///
    /// # Errors
    ///
    /// When there is no such key, or no answer.
    pub fn describe(&mut self, key: FourCc) -> Result<Description, Refusal> {
        self.prime()?;
        let answer = self.ask(&Exchange::about(key.0, DESCRIBE))?;
        let size = u8::try_from(answer.data_size).ok();
        let size = size.filter(|size| (1..=VALUE_SIZE_MAX).contains(&usize::from(*size)));
        Ok(Description {
            kind: FourCc(answer.data_type),
            size: size.ok_or(Refusal::Size)?,
            attributes: answer.data_attributes,
        })
    }

    /// The bytes of a key's value, `size` of which count.
    ///
    /// # Errors
    ///
    /// When there is no such key, or no answer.
    pub fn read(&mut self, key: FourCc, size: u8) -> Result<[u8; VALUE_SIZE_MAX], Refusal> {
        self.prime()?;
        let mut request = Exchange::about(key.0, READ);
        request.data_size = u32::from(size);
        let found = self.ask(&request);
        if found == Err(Refusal::Missing) {
            // It was described: perhaps the driver was opened anew and knows of no key yet.
            self.is_primed = false;
        }
        found.map(|answer| answer.bytes)
    }

    fn prime(&mut self) -> Result<(), Refusal> {
        if self.is_primed {
            return Ok(());
        }
        match self.name(0) {
            Err(Refusal::Down(trouble)) => Err(Refusal::Down(trouble)),
            // Whoever may not ask for names may still be told values.
            _ => {
                self.is_primed = true;
                Ok(())
            }
        }
    }

    fn ask(&mut self, request: &Exchange) -> Result<Exchange, Refusal> {
        if let (Some(trouble), 1..) = (self.trouble, self.rest) {
            return Err(Refusal::Down(trouble));
        }
        let answer = match self.controller.exchange(request) {
            Ok(answer) => answer,
            Err(said) => return Err(self.fail(said)),
        };
        match answer.result {
            0xB7 => return Err(self.give_up(Trouble::Timeout)),
            _ => (self.trouble, self.rest_before, self.strikes) = (None, 0, 0),
        }
        self.has_answered = true;
        match answer.result {
            0 => Ok(answer),
            0x84 | 0xB8 => Err(Refusal::Missing),
            0x85 | 0xF9 => Err(Refusal::Denied),
            0x87 => Err(Refusal::Size),
            _ => Err(Refusal::Failed),
        }
    }

    fn fail(&mut self, said: KernReturn) -> Refusal {
        match meaning(said) {
            Meaning::Denied => Refusal::Denied,
            Meaning::Trouble(trouble) => self.give_up(trouble),
            Meaning::Unclear => {
                self.strikes += 1;
                if self.strikes >= STRIKES_MAX {
                    return self.give_up(Trouble::Failed);
                }
                Refusal::Failed
            }
        }
    }

    fn give_up(&mut self, trouble: Trouble) -> Refusal {
        self.rest_before = self.rest_before.saturating_mul(2).clamp(REST_MIN, REST_MAX);
        self.rest = self.rest_before;
        self.trouble = Some(trouble);
        // After the rest one more is enough.
        (self.strikes, self.is_primed) = (STRIKES_MAX - 1, false);
        Refusal::Down(trouble)
    }
}

/// What the kernel's number says.
enum Meaning {
    Denied,
    Trouble(Trouble),
    Unclear,
}

/// Numbers of IOReturn.h; those of other systems than I/O Kit are Mach's, of ports that are gone.
#[allow(clippy::match_same_arms)] // one line a name
fn meaning(said: KernReturn) -> Meaning {
    match said.0.cast_unsigned() {
        0xE000_02C1 => Meaning::Denied,                    // not privileged
        0xE000_02E2 => Meaning::Denied,                    // not permitted
        0xE000_02C0 => Meaning::Trouble(Trouble::Gone),    // no device
        0xE000_02CD => Meaning::Trouble(Trouble::Gone),    // not open
        0xE000_02D8 => Meaning::Trouble(Trouble::Gone),    // not ready
        0xE000_02D9 => Meaning::Trouble(Trouble::Gone),    // not attached
        0xE000_02ED => Meaning::Trouble(Trouble::Timeout), // not responding
        0xE000_02D6 => Meaning::Trouble(Trouble::Timeout), // timeout
        0xE000_02D5 => Meaning::Trouble(Trouble::Timeout), // busy
        number if number >> 26 != 0x38 => Meaning::Trouble(Trouble::Gone),
        _ => Meaning::Unclear,
    }
}
