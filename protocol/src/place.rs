//! Where the sockets of a server lie when nobody says so, the same for servers and for clients.
//!
//! | order | directory | when |
//! |---|---|---|
//! | 1 | `$KYMO_DIR` | set |
//! | 2 | `$XDG_RUNTIME_DIR/kymo` | set and absolute |
//! | 3 | `/run/kymo` | root |
//! | 4 | `$TMPDIR/kymo` | set and absolute, on macOS, where it is the user's own |
//! | 5 | `$HOME/.cache/kymo/run` | set and absolute |
//!
//! A server takes the first. A client tries them in turn, and [`SYSTEM_PLACE`] last. This crate has
//! no paths and no environment, so it holds the order alone; see [`Place`].

/// The directory of the system's own server.
pub const SYSTEM_PLACE: &str = "/run/kymo";

/// A directory that may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What this environment variable says, unless it is empty.
    Variable(&'static str),
    /// The second below what the first, a variable, says, if that is an absolute path.
    Below(&'static str, &'static str),
    /// The same, on macOS only.
    BelowOnMac(&'static str, &'static str),
    /// This one, for root only.
    OfRoot(&'static str),
}

/// Every directory that may be meant, the best first.
pub const PLACES: [Place; 5] = [
    Place::Variable("KYMO_DIR"),
    Place::Below("XDG_RUNTIME_DIR", "kymo"),
    Place::OfRoot(SYSTEM_PLACE),
    Place::BelowOnMac("TMPDIR", "kymo"),
    Place::Below("HOME", ".cache/kymo/run"),
];
