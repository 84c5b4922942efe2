//! Topics that are the server's own: nobody else may publish under them.

/// What they begin with.
pub const OWN: &str = "kymo.";
