//! Where the sockets of a server lie when nobody says so, the same for servers and for clients.
//!
//! | order | directory | when |
//! |---|---|---|
//! | 1 | `$KYMO_DIR` | set |
//! | 2 | `$XDG_RUNTIME_DIR/kymo` | set and absolute |
//! | 3 | `/run/kymo`, on macOS `/var/run/kymo` | root |
//! | 4 | `$HOME/.cache/kymo/run` | set and absolute |
//!
//! A server takes the first. A client tries them in turn, and that of root last. This crate has no
//! paths and no environment, so it holds the order alone; see [`Place`].
//!
//! The directory for a user's temporary files on macOS is not among them: what nobody has read for
//! three days is removed there, and with the lock's file its meaning.

/// The directory of the system's own server.
pub const SYSTEM_PLACE: &str = "/run/kymo";
/// The same on macOS, whose `/` can't be written to.
pub const SYSTEM_PLACE_ON_MAC: &str = "/var/run/kymo";

/// A directory that may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What this environment variable says, unless it is empty.
    Variable(&'static str),
    /// The second below what the first, a variable, says, if that is an absolute path.
    Below(&'static str, &'static str),
    /// That of the system, for root only.
    OfRoot,
}

/// Every directory that may be meant, the best first.
pub const PLACES: [Place; 4] = [
    Place::Variable("KYMO_DIR"),
    Place::Below("XDG_RUNTIME_DIR", "kymo"),
    Place::OfRoot,
    Place::Below("HOME", ".cache/kymo/run"),
];
