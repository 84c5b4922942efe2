//! Which events were submitted before: what makes a repeated submit no second event.
//!
//! A client names itself and counts its events. Of each client the last 1,024 numbers are known
//! with the sequences of their events. They may come in any order within that window, whose upper
//! end is the highest number seen; a number below the window is refused, whether it was ever used
//! or not.
//!
//! Promised, of the 256 clients that used a key last: no number makes two events. The promise ends
//! when a client is forgotten, which happens only when 256 others used keys after it. If it comes
//! back, it is a new client: its earlier numbers are free again, and a repeat of one of them makes
//! a second event. [`Keys::forgotten`] counts how often that may have happened.
//!
//! Everything is allocated by [`Keys::new`]; pages of clients that never came cost nothing.

use kymo_protocol::limits::NAME_MAX;

use crate::limits::{KEY_CLIENTS_MAX, KEY_NUMBERS};

/// What is known about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It made the event with this sequence.
    Known(u64),
    /// It made none yet.
    New,
    /// It is older than what is remembered, or no key at all: it must not make an event.
    Expired,
}

/// A client's name, and where in the window it is.
#[derive(Clone, Copy, Debug)]
struct Client {
    name: [u8; NAME_MAX],
    size: u8,
    /// The next one whose hash ends alike.
    next: u16,
    hash: u64,
    /// Highest number seen.
    highest: u64,
    /// When it was used last, in uses of any key.
    used: u64,
}

/// Ends a chain.
const NONE: u16 = u16::MAX;

const _: () = assert!(KEY_CLIENTS_MAX < NONE as usize && KEY_CLIENTS_MAX.is_power_of_two());

/// The keys; see the module.
#[derive(Debug)]
pub struct Keys {
    clients: Vec<Client>,
    /// The first client of each chain.
    chains: [u16; KEY_CLIENTS_MAX],
    /// Sequences by client and `number % KEY_NUMBERS`; 0 for those that made no event.
    sequences: Box<[u64]>,
    uses: u64,
    forgotten: u64,
}

impl Keys {
    /// Without keys.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clients: Vec::with_capacity(KEY_CLIENTS_MAX),
            chains: [NONE; KEY_CLIENTS_MAX],
            sequences: vec![0; KEY_CLIENTS_MAX * KEY_NUMBERS].into_boxed_slice(),
            uses: 0,
            forgotten: 0,
        }
    }

    /// What is known about event `number` of `client`. A name that no key can have (empty, or too
    /// long) is expired.
    #[must_use]
    pub fn check(&mut self, client: &str, number: u64) -> KeyState {
        if client.is_empty() || client.len() > NAME_MAX {
            return KeyState::Expired;
        }
        let Some(index) = self.find(client, hash(client)) else { return KeyState::New };
        self.touch(index);
        let highest = self.clients[index].highest;
        if number > highest {
            return KeyState::New;
        }
        if highest - number >= KEY_NUMBERS as u64 {
            return KeyState::Expired;
        }
        match self.window(index)[place(number)] {
            0 => KeyState::New,
            sequence => KeyState::Known(sequence),
        }
    }

    /// Remembers that event `number` of `client` has `sequence`. A key that [`check`](Self::check)
    /// calls expired is not remembered; of two sequences the first stays.
    pub fn remember(&mut self, client: &str, number: u64, sequence: u64) {
        debug_assert!(sequence != 0, "sequences start at 1");
        if self.check(client, number) != KeyState::New {
            return;
        }
        let hash = hash(client);
        let index = self.find(client, hash).unwrap_or_else(|| self.join(client, hash, number));
        let highest = self.clients[index].highest;
        self.clients[index].highest = highest.max(number);
        let window = self.window(index);
        // The places of numbers that were skipped hold what has left the window.
        let skipped = number.saturating_sub(highest).saturating_sub(1);
        if skipped >= KEY_NUMBERS as u64 {
            window.fill(0);
        } else {
            (1..=skipped).for_each(|back| window[place(number - back)] = 0);
        }
        window[place(number)] = sequence;
        self.touch(index);
    }

    /// Forgets the keys of events from `first` on, which were never committed.
    pub fn forget_from(&mut self, first: u64) {
        for index in 0..self.clients.len() {
            for sequence in self.window(index).iter_mut().filter(|sequence| **sequence >= first) {
                *sequence = 0;
            }
        }
    }

    /// How many clients are known.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How many were forgotten for others.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn find(&self, name: &str, hash: u64) -> Option<usize> {
        let mut at = self.chains[chain(hash)];
        while at != NONE {
            let client = &self.clients[usize::from(at)];
            let bytes = &client.name[..usize::from(client.size)];
            if client.hash == hash && bytes == name.as_bytes() {
                return Some(usize::from(at));
            }
            at = client.next;
        }
        None
    }

    /// Takes in a client whose first number is `number`, in the place of another if need be.
    fn join(&mut self, name: &str, hash: u64, number: u64) -> usize {
        let mut client = Client {
            name: [0; NAME_MAX],
            size: 0,
            next: self.chains[chain(hash)],
            hash,
            highest: number,
            used: 0,
        };
        // `check` has refused longer names.
        let size = name.len().min(NAME_MAX);
        client.name[..size].copy_from_slice(&name.as_bytes()[..size]);
        client.size = u8::try_from(size).unwrap_or(0);
        let index = if self.clients.len() < KEY_CLIENTS_MAX {
            self.clients.push(client);
            self.clients.len() - 1
        } else {
            let index = self.forget();
            client.next = self.chains[chain(hash)];
            self.clients[index] = client;
            index
        };
        self.chains[chain(hash)] = u16::try_from(index).unwrap_or(NONE);
        index
    }

    /// Forgets the client that used no key for longest, and returns its place.
    fn forget(&mut self) -> usize {
        let oldest = self.clients.iter().enumerate().min_by_key(|(_, client)| client.used);
        let index = oldest.map_or(0, |(index, _)| index);
        let Client { hash, next, .. } = self.clients[index];
        let mut before = None;
        let mut at = usize::from(self.chains[chain(hash)]);
        while at != index {
            before = Some(at);
            at = usize::from(self.clients[at].next);
        }
        match before {
            Some(before) => self.clients[before].next = next,
            None => self.chains[chain(hash)] = next,
        }
        self.window(index).fill(0);
        self.forgotten += 1;
        index
    }

    fn touch(&mut self, index: usize) {
        self.uses += 1;
        self.clients[index].used = self.uses;
    }

    fn window(&mut self, index: usize) -> &mut [u64] {
        &mut self.sequences[index * KEY_NUMBERS..][..KEY_NUMBERS]
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

/// Place of a number in its client's window.
fn place(number: u64) -> usize {
    #[allow(clippy::cast_possible_truncation)] // less than KEY_NUMBERS
    let place = (number % KEY_NUMBERS as u64) as usize;
    place
}

/// Chain of a hash.
fn chain(hash: u64) -> usize {
    #[allow(clippy::cast_possible_truncation)] // less than KEY_CLIENTS_MAX
    let chain = (hash % KEY_CLIENTS_MAX as u64) as usize;
    chain
}

/// FNV-1a. Names chosen to fall into one chain make it at most as long as the table.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const WINDOW: u64 = KEY_NUMBERS as u64;

    #[test]
    fn a_key_makes_one_event() {
        let mut keys = Keys::new();
        assert_eq!(keys.check("app", 7), KeyState::New);
        keys.remember("app", 7, 41);
        assert_eq!(keys.check("app", 7), KeyState::Known(41));
        assert_eq!([keys.check("app", 6), keys.check("app", 8)], [KeyState::New; 2]);
        assert_eq!(keys.check("ap", 7), KeyState::New);
        keys.remember("app", 7, 99);
        assert_eq!(keys.check("app", 7), KeyState::Known(41));
    }

    #[test]
    fn the_window_holds_the_last_numbers_and_nothing_below() {
        let mut keys = Keys::new();
        for number in 1..=WINDOW + 1 {
            keys.remember("app", number, 100 + number);
        }
        assert_eq!(keys.check("app", 1), KeyState::Expired);
        assert_eq!(keys.check("app", 2), KeyState::Known(102));
        keys.remember("app", 1, 9);
        assert_eq!(keys.check("app", WINDOW + 1), KeyState::Known(101 + WINDOW));
    }

    #[test]
    fn numbers_at_the_ends_of_their_range() {
        let mut keys = Keys::new();
        keys.remember("app", 0, 1);
        assert_eq!(keys.check("app", 0), KeyState::Known(1));
        keys.remember("app", u64::MAX, 2);
        assert_eq!(keys.check("app", 0), KeyState::Expired);
        assert_eq!(keys.check("app", u64::MAX), KeyState::Known(2));
        assert_eq!(keys.check("app", u64::MAX - WINDOW + 1), KeyState::New);
        assert_eq!(keys.check("app", u64::MAX - WINDOW), KeyState::Expired);
    }

    #[test]
    fn names_that_are_none_make_no_event() {
        let mut keys = Keys::new();
        let long = "a".repeat(NAME_MAX + 1);
        for name in ["", &long] {
            assert_eq!(keys.check(name, 1), KeyState::Expired);
            keys.remember(name, 1, 1);
        }
        assert_eq!(keys.clients(), 0);
        keys.remember(&long[1..], 1, 1);
        assert_eq!(keys.check(&long[1..], 1), KeyState::Known(1));
    }

    #[test]
    fn who_comes_back_after_all_others_is_new() {
        let mut keys = Keys::new();
        keys.remember("first", 5, 1);
        keys.remember("second", 6, 2);
        for client in 2..KEY_CLIENTS_MAX {
            keys.remember(&client.to_string(), 1, 3);
        }
        // Asking is using.
        assert_eq!(keys.check("first", 5), KeyState::Known(1));
        assert_eq!(keys.forgotten(), 0);
        keys.remember("newcomer", 5 + WINDOW, 4);
        assert_eq!((keys.clients(), keys.forgotten()), (KEY_CLIENTS_MAX, 1));
        assert_eq!(keys.check("second", 6), KeyState::New);
        assert_eq!(keys.check("first", 5), KeyState::Known(1));
        assert_eq!(keys.check("newcomer", 5 + WINDOW), KeyState::Known(4));
        // The window is the second's, but what was in it is gone.
        assert_eq!(keys.check("newcomer", 6), KeyState::New);
    }

    #[test]
    fn what_was_never_committed_is_forgotten() {
        let mut keys = Keys::new();
        keys.remember("one", 1, 10);
        keys.remember("other", 7, 11);
        keys.remember("one", 2, 12);
        keys.forget_from(11);
        assert_eq!(keys.check("one", 1), KeyState::Known(10));
        assert_eq!([keys.check("one", 2), keys.check("other", 7)], [KeyState::New; 2]);
    }

    #[test]
    fn names_with_one_hash_are_two_clients() {
        let names = ["8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"];
        assert_eq!(hash(names[0]), hash(names[1]));
        let mut keys = Keys::new();
        keys.remember(names[0], 1, 10);
        assert_eq!(keys.check(names[1], 1), KeyState::New);
        keys.remember(names[1], 1, 11);
        assert_eq!(names.map(|name| keys.check(name, 1)), [10, 11].map(KeyState::Known));
    }

    #[test]
    fn names_are_spread_over_the_chains() {
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c, "FNV-1a of 64 bits");
        let mut sizes = [0; KEY_CLIENTS_MAX];
        for client in 0..KEY_CLIENTS_MAX {
            sizes[chain(hash(&format!("client-{client}")))] += 1;
        }
        assert!(sizes.iter().all(|size| *size <= 8), "{sizes:?}");
    }

    /// Everything that is known of a client, without bounds.
    #[derive(Default)]
    struct Model {
        highest: u64,
        sequences: HashMap<u64, u64>,
        used: usize,
    }

    /// Numbers that share places of the window, so that what should have left it would be found.
    fn step() -> impl Strategy<Value = (usize, u64, bool)> {
        let lap = prop_oneof![9 => 0..4u64, 1 => Just(u64::MAX / WINDOW)];
        let number = (lap, 0..3u64).prop_map(|(lap, place)| lap * WINDOW + place);
        (0..KEY_CLIENTS_MAX + 40, number, prop::bool::weighted(0.7))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Beside maps that forget by the same rule: the answers are the same, whatever the order
        /// of numbers and however many clients come.
        #[test]
        fn it_answers_as_maps_do(
            steps in prop::collection::vec(step(), 1..2000),
            clients in prop_oneof![1..4usize, Just(KEY_CLIENTS_MAX + 40)],
        ) {
            let mut keys = Keys::new();
            let mut models: HashMap<String, Model> = HashMap::new();
            for (time, (client, number, is_remembered)) in steps.into_iter().enumerate() {
                let name = format!("client-{}", client % clients);
                let expected = match models.get_mut(&name) {
                    None => KeyState::New,
                    Some(model) => {
                        model.used = time;
                        match model.sequences.get(&number) {
                            _ if model.highest.saturating_sub(number) >= WINDOW => {
                                KeyState::Expired
                            }
                            Some(sequence) => KeyState::Known(*sequence),
                            None => KeyState::New,
                        }
                    }
                };
                prop_assert_eq!(keys.check(&name, number), expected);
                if is_remembered && expected == KeyState::New {
                    let sequence = time as u64 + 1;
                    keys.remember(&name, number, sequence);
                    if models.len() == KEY_CLIENTS_MAX && !models.contains_key(&name) {
                        let oldest = models.iter().min_by_key(|(_, model)| model.used);
                        let oldest = oldest.unwrap().0.clone();
                        models.remove(&oldest);
                    }
                    let model = models.entry(name).or_default();
                    model.used = time;
                    model.highest = model.highest.max(number);
                    model.sequences.insert(number, sequence);
                }
            }
            prop_assert_eq!(keys.clients(), models.len());
        }
    }
}
