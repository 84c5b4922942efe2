//! What each user may take: connections, events a second, bytes a second.
//!
//! # Connections
//!
//! A foreign user may hold at most one part in `n + 1` of what is free and what it holds itself,
//! where `n` foreign users hold connections, itself included. One alone gets half of the places,
//! the second a third of the rest, the third a quarter of that; some are always free. The rule is
//! that of dbus-broker's accounting (`src/util/user.c`, `user_charge_check`), with one difference:
//! there the owner counts among the users once it holds something, here it never does, because the
//! part that is left over is its own. The process's own user and root take what is free.
//!
//! # Events and bytes
//!
//! Two token buckets a user; each holds what one second allows and begins full. An event takes from
//! both or from neither. An event of more bytes than a second allows passes when the bucket is
//! full, and the bucket owes the rest.
//!
//! # Users
//!
//! The table has a fixed number of places. Two are for own users and are never given to others. A
//! user without connections keeps its place, and so what it has spent, until somebody else needs
//! it. When all places are held, further users share the last one and are one user to all rules; as
//! long as somebody holds it, newcomers share it too. So a table that is full makes strangers
//! poorer, and nobody else.
//!
//! Time is a parameter, monotonic in nanoseconds. A clock that steps back refills nothing.

use crate::limits::{QUOTA_OWN_UIDS, QUOTA_UIDS_MAX};

/// What each user may have. `None` is no limit; 0 lets nothing pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// Connections at once, own users included.
    pub connections: Option<u32>,
    /// Events in a second.
    pub events_per_s: Option<u64>,
    /// Bytes of events in a second.
    pub bytes_per_s: Option<u64>,
}

/// A token is this many units, so that a rate per second is one of units per nanosecond, and no
/// refill is ever rounded.
const UNITS: u128 = 1_000_000_000;

/// A token bucket that knows what it lacks.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Units missing: 0 when it is full.
    spent: u128,
    at_ns: u64,
}

impl Bucket {
    /// Whether `amount` tokens can be taken now.
    fn has(&mut self, rate: Option<u64>, amount: u64, now_ns: u64) -> bool {
        let Some(rate) = rate else { return true };
        let elapsed = now_ns.saturating_sub(self.at_ns);
        self.spent = self.spent.saturating_sub(u128::from(elapsed) * u128::from(rate));
        self.at_ns = self.at_ns.max(now_ns);
        let room = u128::from(rate) * UNITS;
        rate > 0 && (self.spent == 0 || self.spent + u128::from(amount) * UNITS <= room)
    }

    /// Takes what [`has`](Self::has) has found.
    fn take(&mut self, rate: Option<u64>, amount: u64) {
        if rate.is_some() {
            self.spent += u128::from(amount) * UNITS;
        }
    }
}

/// A place of the table.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// `None` when nobody had it yet, and for the shared place.
    uid: Option<u32>,
    connections: u32,
    /// When somebody last came to it or left it.
    used: u64,
    events: Bucket,
    bytes: Bucket,
}

/// The place of all who find none.
const SHARED: usize = QUOTA_UIDS_MAX - 1;

const _: () = assert!(QUOTA_OWN_UIDS < SHARED);

/// The users; see the module. Each admission is followed by one [`leave`](Self::leave).
#[derive(Debug)]
pub struct Quota {
    limits: QuotaLimits,
    /// First own users, then others, then the shared place.
    places: Box<[Place]>,
    uses: u64,
}

impl Quota {
    /// Without users.
    #[must_use]
    pub fn new(limits: QuotaLimits) -> Self {
        Self { limits, places: vec![Place::default(); QUOTA_UIDS_MAX].into_boxed_slice(), uses: 0 }
    }

    /// Changes what each user may have. Connections that are too many stay.
    pub fn set_limits(&mut self, limits: QuotaLimits) {
        self.limits = limits;
    }

    /// Whether `uid` may have one connection more, which it has then. `is_own` is for the process's
    /// own user and root; others that are called so are foreign. `places_free` is how many
    /// connections the server could still take, this one included.
    #[must_use]
    pub fn admit(&mut self, uid: u32, is_own: bool, places_free: u32, now_ns: u64) -> bool {
        let found = self.find(uid);
        let index = found.unwrap_or_else(|| self.place(is_own));
        let held = match found {
            None if index != SHARED => 0,
            _ => self.places[index].connections,
        };
        let is_below = self.limits.connections.is_none_or(|limit| held < limit);
        let is_room = if index < QUOTA_OWN_UIDS {
            places_free > 0
        } else {
            is_share(held, self.users_beside(index) + 1, places_free)
        };
        if !is_below || !is_room {
            return false;
        }
        if found.is_none() && index != SHARED {
            let full = Bucket { spent: 0, at_ns: now_ns };
            self.places[index] =
                Place { uid: Some(uid), events: full, bytes: full, ..Place::default() };
        }
        self.places[index].connections = held.saturating_add(1);
        self.touch(index);
        true
    }

    /// Takes back one connection of `uid`.
    pub fn leave(&mut self, uid: u32) {
        let index = self.find(uid).unwrap_or(SHARED);
        let connections = &mut self.places[index].connections;
        debug_assert!(*connections > 0, "left more often than admitted");
        *connections = connections.saturating_sub(1);
        self.touch(index);
    }

    /// Whether `uid` may submit an event of `bytes` now, which is counted then.
    #[must_use]
    pub fn take_event(&mut self, uid: u32, bytes: u64, now_ns: u64) -> bool {
        let QuotaLimits { events_per_s, bytes_per_s, .. } = self.limits;
        let index = self.find(uid).unwrap_or(SHARED);
        let Place { events, bytes: volume, .. } = &mut self.places[index];
        let is_room = events.has(events_per_s, 1, now_ns) && volume.has(bytes_per_s, bytes, now_ns);
        if is_room {
            events.take(events_per_s, 1);
            volume.take(bytes_per_s, bytes);
        }
        is_room
    }

    #[cfg(test)]
    /// Connections of `uid`, or of all in the shared place when it has none of its own.
    #[must_use]
    pub fn connections(&self, uid: u32) -> u32 {
        self.places[self.find(uid).unwrap_or(SHARED)].connections
    }

    fn find(&self, uid: u32) -> Option<usize> {
        self.places.iter().position(|place| place.uid == Some(uid))
    }

    /// The place for a user that has none.
    fn place(&self, is_own: bool) -> usize {
        let mut places = self.places.iter().enumerate();
        if is_own {
            let own = places.by_ref().take(QUOTA_OWN_UIDS).find(|(_, place)| place.uid.is_none());
            if let Some((index, _)) = own {
                return index;
            }
        }
        // Who shares has no other place, and gets none before all have left: so `leave` knows where
        // a connection is counted.
        if self.places[SHARED].connections > 0 {
            return SHARED;
        }
        self.places[..SHARED]
            .iter()
            .enumerate()
            .skip(QUOTA_OWN_UIDS)
            .filter(|(_, place)| place.connections == 0)
            .min_by_key(|(_, place)| place.used)
            .map_or(SHARED, |(index, _)| index)
    }

    /// Foreign users with connections, but for the one in place `index`.
    fn users_beside(&self, index: usize) -> u32 {
        let others = self.places.iter().enumerate().skip(QUOTA_OWN_UIDS);
        others.map(|(at, place)| u32::from(at != index && place.connections > 0)).sum()
    }

    fn touch(&mut self, index: usize) {
        self.uses += 1;
        self.places[index].used = self.uses;
    }
}

/// Whether one of `users`, which holds `held`, may take one more of `free`: it then holds at most
/// one part in `users + 1` of what it held and what was free.
fn is_share(held: u32, users: u32, free: u32) -> bool {
    let held = u64::from(held);
    (held + 1).saturating_mul(u64::from(users) + 1) <= u64::from(free) + held
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const OWN: u32 = 1000;
    const ROOT: u32 = 0;
    const SECOND: u64 = 1_000_000_000;

    /// A quota and a server of so many connections.
    struct Server {
        quota: Quota,
        free: u32,
    }

    impl Server {
        fn new(places: u32) -> Self {
            Self { quota: Quota::new(QuotaLimits::default()), free: places }
        }

        fn admit(&mut self, uid: u32) -> bool {
            let is_own = uid == OWN || uid == ROOT;
            let is_admitted = self.quota.admit(uid, is_own, self.free, 0);
            self.free -= u32::from(is_admitted);
            is_admitted
        }

        fn leave(&mut self, uid: u32) {
            self.quota.leave(uid);
            self.free += 1;
        }

        /// How many connections it gets when it takes all it can.
        fn greedy(&mut self, uid: u32) -> u32 {
            (0..).take_while(|_| self.admit(uid)).map(|_| 1).sum()
        }
    }

    #[test]
    fn each_foreign_user_gets_its_part_of_what_the_others_left() {
        let mut server = Server::new(100);
        assert_eq!([1, 2, 3].map(|uid| server.greedy(uid)), [50, 16, 8]);
        // What one gives back is there for the others, and for newcomers.
        (0..50).for_each(|_| server.leave(1));
        assert!(server.admit(3) && server.admit(4));
        assert_eq!(server.greedy(OWN), 100 - 16 - 8 - 2);
    }

    #[test]
    fn own_users_take_what_is_free_and_foreign_ones_leave_some() {
        let mut server = Server::new(10);
        for uid in 100..300 {
            server.greedy(uid);
        }
        assert!(server.free > 0);
        assert!(server.greedy(OWN) > 0);
        assert!(!server.admit(OWN) && !server.admit(ROOT) && !server.admit(7));
        // One place is not for foreign users, even when they are alone.
        let mut server = Server::new(1);
        assert!(!server.admit(7) && server.admit(ROOT));
    }

    #[test]
    fn a_full_table_makes_strangers_share() {
        let mut server = Server::new(1_000_000);
        let foreign = u32::try_from(SHARED - QUOTA_OWN_UIDS).unwrap();
        assert!((1..=foreign).all(|uid| server.admit(uid)));
        assert!(server.admit(10_001) && server.admit(10_002) && server.admit(10_001));
        assert_eq!(server.quota.connections(10_002), 3);
        assert!((1..=foreign).all(|uid| server.quota.connections(uid) == 1));
        // Own users have places of their own.
        assert!(server.admit(OWN) && server.admit(ROOT));
        assert_eq!([OWN, ROOT].map(|uid| server.quota.connections(uid)), [1, 1]);
        // A place that becomes free is not given away while somebody shares.
        server.leave(5);
        assert!(server.admit(10_002) && server.admit(10_003));
        assert_eq!(server.quota.connections(10_003), 5);
        for uid in [10_001, 10_001, 10_002, 10_002, 10_003] {
            server.leave(uid);
        }
        assert!(server.admit(10_002));
        assert_eq!((server.quota.find(10_002).is_some(), server.quota.connections(5)), (true, 0));
        assert_eq!(server.quota.connections(10_002), 1);
    }

    #[test]
    fn a_third_own_user_is_foreign() {
        let mut quota = Quota::new(QuotaLimits::default());
        assert!(quota.admit(OWN, true, 1, 0) && quota.admit(ROOT, true, 1, 0));
        assert!(!quota.admit(7, true, 1, 0) && quota.admit(7, true, 2, 0));
    }

    #[test]
    fn connections_are_limited_for_everybody() {
        let limits = QuotaLimits { connections: Some(2), ..QuotaLimits::default() };
        let mut quota = Quota::new(limits);
        assert_eq!([1, 2, 3].map(|_| quota.admit(OWN, true, 100, 0)), [true, true, false]);
        assert_eq!([1, 2, 3].map(|_| quota.admit(7, false, 100, 0)), [true, true, false]);
        quota.leave(7);
        assert!(quota.admit(7, false, 100, 0));
        let mut none = Quota::new(QuotaLimits { connections: Some(0), ..limits });
        assert!(!none.admit(OWN, true, 100, 0));
    }

    #[test]
    fn other_limits_hold_at_once() {
        let mut quota = Quota::new(QuotaLimits { connections: Some(1), ..QuotaLimits::default() });
        assert!(quota.admit(7, false, 100, 0) && !quota.admit(7, false, 100, 0));
        quota.set_limits(QuotaLimits { connections: Some(2), ..QuotaLimits::default() });
        assert!(quota.admit(7, false, 100, 0) && !quota.admit(7, false, 100, 0));
        quota.set_limits(QuotaLimits { events_per_s: Some(0), ..QuotaLimits::default() });
        assert!(!quota.take_event(7, 0, 0));
    }

    fn events(rate: u64) -> Quota {
        let limits = QuotaLimits { events_per_s: Some(rate), ..QuotaLimits::default() };
        let mut quota = Quota::new(limits);
        assert!(quota.admit(7, false, 100, 0));
        quota
    }

    #[test]
    fn a_bucket_holds_a_second_and_refills_to_the_nanosecond() {
        let mut quota = events(3);
        assert_eq!([0; 4].map(|_| quota.take_event(7, 0, 0)), [true, true, true, false]);
        assert!(!quota.take_event(7, 0, 333_333_333));
        assert!(quota.take_event(7, 0, 333_333_334));
        // Nothing was lost to rounding: the next is due at two thirds, not later.
        assert!(!quota.take_event(7, 0, 666_666_666));
        assert!(quota.take_event(7, 0, 666_666_667));
        // More than a second is not saved up.
        let later = 100 * SECOND;
        assert_eq!([0; 4].map(|_| quota.take_event(7, 0, later)), [true, true, true, false]);
    }

    #[test]
    fn rates_and_times_at_the_ends_of_their_range() {
        let mut quota = events(0);
        assert!(!quota.take_event(7, 0, u64::MAX));
        let mut quota = events(1);
        assert!(quota.take_event(7, 0, u64::MAX));
        // A clock that steps back refills nothing, now or later.
        assert!(!quota.take_event(7, 0, 0) && !quota.take_event(7, 0, u64::MAX));
        let bytes_per_s = Some(u64::MAX);
        let mut quota = Quota::new(QuotaLimits { bytes_per_s, ..QuotaLimits::default() });
        assert!(quota.admit(7, false, 100, 0));
        assert!(quota.take_event(7, u64::MAX, 0) && !quota.take_event(7, 1, 0));
        assert!(quota.take_event(7, 18_446_744_073, 1) && !quota.take_event(7, u64::MAX, 1));
        assert!(quota.take_event(7, u64::MAX, u64::MAX));
    }

    #[test]
    fn an_event_takes_from_both_buckets_or_from_neither() {
        let limits =
            QuotaLimits { events_per_s: Some(2), bytes_per_s: Some(100), connections: None };
        let mut quota = Quota::new(limits);
        assert!(quota.admit(7, false, 100, 0));
        assert!(quota.take_event(7, 60, 0));
        assert!(!quota.take_event(7, 60, 0) && quota.take_event(7, 40, 0));
        assert!(!quota.take_event(7, 0, 0));
        // 250 bytes need a full bucket and cost two seconds and a half.
        assert!(!quota.take_event(7, 250, SECOND - 1) && quota.take_event(7, 250, SECOND));
        assert!(!quota.take_event(7, 1, 5 * SECOND / 2) && quota.take_event(7, 1, 3 * SECOND));
    }

    #[test]
    fn who_comes_again_has_still_spent_it() {
        let mut quota = events(1);
        assert!(quota.take_event(7, 0, 0));
        quota.leave(7);
        assert!(quota.admit(7, false, 100, 0));
        assert!(!quota.take_event(7, 0, 0));
        // Nor does one user's spending reach another.
        assert!(quota.admit(8, false, 100, 0) && quota.take_event(8, 0, 0));
    }

    #[test]
    fn the_place_of_who_left_first_is_given_away() {
        let mut server = Server::new(1_000_000);
        let foreign = u32::try_from(SHARED - QUOTA_OWN_UIDS).unwrap();
        assert!((1..=foreign).all(|uid| server.admit(uid)));
        server.leave(9);
        server.leave(4);
        assert!(server.admit(10_001));
        let is_known = |uid| server.quota.find(uid).is_some();
        assert_eq!([4, 9, 10_001].map(is_known), [true, false, true]);
    }

    proptest! {
        /// Whoever comes and goes: connections are counted where they are given back, own users get
        /// what is free, foreign ones leave some, and none holds more than half of what the own
        /// ones leave.
        #[test]
        fn nobody_starves_whoever_comes_and_goes(
            steps in prop::collection::vec((0u32..90, any::<bool>()), 1..600), places in 1u32..200,
        ) {
            let mut server = Server::new(places);
            let mut held: HashMap<u32, u32> = HashMap::new();
            for (who, is_coming) in steps {
                let uid = match who { 80..85 => OWN, 85.. => ROOT, foreign => foreign + 1 };
                if is_coming {
                    let free = server.free;
                    let is_admitted = server.admit(uid);
                    if uid == OWN || uid == ROOT {
                        prop_assert_eq!(is_admitted, free > 0);
                    } else if is_admitted {
                        prop_assert!(server.free > 0);
                        prop_assert!(held.get(&uid).unwrap_or(&0) < &places.div_ceil(2));
                    }
                    *held.entry(uid).or_default() += u32::from(is_admitted);
                } else if let Some(count) = held.get_mut(&uid).filter(|count| **count > 0) {
                    *count -= 1;
                    server.leave(uid);
                }
                let counted: u32 = server.quota.places.iter().map(|place| place.connections).sum();
                prop_assert_eq!(counted, held.values().sum::<u32>());
                prop_assert_eq!(counted + server.free, places);
                for (uid, count) in &held {
                    if server.quota.find(*uid).is_some() {
                        prop_assert_eq!(server.quota.connections(*uid), *count);
                    }
                }
            }
        }

        /// A greedy user gets a burst and its rate, exactly.
        #[test]
        fn a_bucket_lets_its_rate_pass(
            rate in 2u64..5000, steps in prop::collection::vec(0u64..20_000_000, 1..300),
        ) {
            let mut quota = events(rate);
            let (mut now, mut passed) = (0, 0u128);
            for step in [0].into_iter().chain(steps) {
                now += step;
                while quota.take_event(7, 0, now) {
                    passed += 1;
                }
                let due = u128::from(rate) * (UNITS + u128::from(now)) / UNITS;
                // Nothing overflows: the steps are short.
                prop_assert_eq!(passed, due);
            }
        }
    }
}
