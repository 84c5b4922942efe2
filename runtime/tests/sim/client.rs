//! A client: what it is, what it asks for, how fast it reads.

use kymo::SessionId;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{Hello, Position, Stamp, Subscribe, emit};
use serde_json::json;

use crate::daemon::{BARE, CONTROL, JSON, OPTA1, STREAM};
use crate::faults::{Fault, Faults};
use crate::ledger::{Ledger, Wish};
use crate::publisher::Publisher;
use crate::random::Random;
use crate::reader::{Form, read};
use crate::socket::Socket;
use crate::truth::Truth;

const FILTERS: [Option<&str>; 6] =
    [None, None, None, Some("t1"), Some("t*"), Some("transcription")];

/// What the clients are: these, over and over.
const FORMS: [Option<Form>; 16] = [
    None,
    Some(Form::Binary),
    Some(Form::Json),
    Some(Form::Opta1),
    Some(Form::Binary),
    Some(Form::Silent),
    Some(Form::Opta1),
    Some(Form::Binary),
    None,
    Some(Form::Binary),
    Some(Form::Json),
    Some(Form::Opta1),
    Some(Form::Binary),
    Some(Form::Bare),
    Some(Form::Binary),
    Some(Form::Json),
];

#[derive(Debug)]
pub struct Client {
    form: Form,
    pub publisher: Option<Publisher>,
    pub random: Random,
    pub id: Option<SessionId>,
    pub ledger: Ledger,
    /// Bytes it reads in one step at most.
    pub reads: usize,
    /// Steps until it comes back.
    pub rests: u64,
    /// Whether it goes in the middle of its first words.
    pub leaves: bool,
    /// Of all it was delivered.
    pub hash: u64,
}

impl Client {
    pub fn new(seed: u64, index: usize) -> Self {
        let mut random = Random::of(seed, 1000 + index as u64);
        let form = FORMS[index % FORMS.len()];
        let publisher =
            form.is_none().then(|| Publisher::new(index, !index.is_multiple_of(FORMS.len())));
        let form = form.unwrap_or(Form::Binary);
        let filter = match form {
            Form::Binary | Form::Json => FILTERS[random.index(FILTERS.len())],
            _ => None,
        };
        let rests = random.below(8);
        let ledger = Ledger::new(filter);
        let (id, reads, leaves, hash) = (None, 0, false, index as u64);
        Self { form, publisher, random, id, ledger, reads, rests, leaves, hash }
    }

    pub fn listener(&self) -> usize {
        match self.form {
            _ if self.publisher.is_some() => CONTROL,
            Form::Binary | Form::Json => STREAM,
            Form::Silent => JSON,
            Form::Bare => BARE,
            Form::Opta1 => OPTA1,
        }
    }

    /// Whether it misses nothing unnoticed, because each frame is due to it.
    pub fn is_exact(&self) -> bool {
        let wish = &self.ledger.wish;
        wish.vitals && wish.rate_hz == 25 && matches!(self.form, Form::Binary | Form::Json)
    }

    /// Its socket on a new connection, with what it says first.
    pub fn socket(&mut self, faults: &mut Faults) -> Socket {
        self.reads = if self.random.one_in(6) { 3000 } else { usize::MAX };
        let capacity = match self.random.index(8) {
            0 => 300 + self.random.index(3000),
            _ => 200_000,
        };
        if let Some(publisher) = &mut self.publisher {
            self.reads = usize::MAX;
            return Socket::new(200_000, publisher.repeat());
        }
        let wish = self.wish(faults);
        self.ledger.connect(wish);
        let said = match self.form {
            Form::Binary => self.frames(&wish),
            Form::Json => self.line(&wish),
            _ => Vec::new(),
        };
        Socket::new(capacity, said)
    }

    fn wish(&mut self, faults: &mut Faults) -> Wish {
        let random = &mut self.random;
        let plain = Wish { vitals: true, ..Wish::default() };
        match self.form {
            Form::Bare | Form::Opta1 => plain,
            Form::Silent => Wish { events: true, is_silent: true, rate_hz: 25, ..plain },
            Form::Binary | Form::Json => {
                let has_token = self.ledger.epoch != 0 && self.ledger.last > 0;
                let vitals = !random.one_in(5);
                let events = !vitals || !random.one_in(4);
                let resumes = events && has_token && faults.strikes(Fault::Return);
                let rate_hz = [25, 25, 25, 25, 10, 7, 1][random.index(7)];
                let every = vitals && rate_hz == 25 && random.one_in(3);
                let samples = self.form == Form::Binary && random.one_in(3);
                Wish { vitals, events, samples, every, rate_hz, resumes, ..plain }
            }
        }
    }

    fn frames(&self, wish: &Wish) -> Vec<u8> {
        let topics: Vec<&str> = self.ledger.filter.into_iter().collect();
        let token = wish.resumes.then_some((self.ledger.epoch, self.ledger.last));
        subscription(wish, token, &topics)
    }

    fn line(&self, wish: &Wish) -> Vec<u8> {
        let mut streams = Vec::new();
        streams.extend(wish.vitals.then_some("vitals"));
        streams.extend(wish.events.then_some("events"));
        let mut line = json!({
            "subscribe": streams, "rate_hz": wish.rate_hz, "every": wish.every,
        });
        if let (Some(filter), true) = (self.ledger.filter, wish.events) {
            line["topics"] = json!([filter]);
        }
        if wish.resumes {
            let epoch = format!("{:032x}", self.ledger.epoch);
            line["resume"] = json!({"epoch": epoch, "events": self.ledger.last});
        }
        format!("{line}\n").into_bytes()
    }

    /// Reads `size` bytes and makes of them what it can.
    pub fn read(&mut self, socket: &mut Socket, size: usize, truth: &mut Truth) {
        socket.read_at += size.min(socket.unread());
        let bytes = socket.pending();
        let taken = match &mut self.publisher {
            Some(publisher) => publisher.read(bytes, truth, &mut self.hash),
            None => read(self.form, bytes, &mut self.ledger, truth, &mut self.hash),
        };
        socket.parsed(taken);
    }
}

/// Hello, and a subscription.
pub fn subscription(wish: &Wish, token: Option<(u128, u64)>, topics: &[&str]) -> Vec<u8> {
    let mut fixed = SubscribeFixed::default();
    let streams = [(wish.vitals, 1), (wish.samples, 2), (wish.events, 8)];
    fixed.streams.set(streams.into_iter().filter(|s| s.0).map(|s| s.1).sum());
    fixed.rate_mhz.set(wish.rate_hz * 1000);
    fixed.options.set(u16::from(wish.every) | if token.is_some() { 2 } else { 0 });
    if let Some((epoch, last)) = token {
        (fixed.epoch, fixed.events) = (epoch.to_be_bytes(), last.into());
    }
    let mut bytes = vec![0; 2048];
    let stamp = Stamp { boot_ns: 0 };
    let (hello, first) = emit::<Hello>(&mut bytes, Position::NONE, stamp).unwrap();
    hello.set("simulated");
    let topics = if wish.events { topics } else { &[] };
    let second = Subscribe::emit(&mut bytes[first..], stamp, &fixed, topics, &[]).unwrap();
    bytes.truncate(first + second);
    bytes
}
