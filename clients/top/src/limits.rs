//! Every bound of the dashboard, with its reason.

/// Lines of events and notices that are kept: more than a screen shows, few enough to copy.
pub const LOG_MAX: usize = 500;

/// Characters of an event that are kept: the widest terminal shows no more of them.
pub const DETAIL_MAX: usize = 500;

/// Characters that a filter may have.
pub const FILTER_MAX: usize = 64;

/// Cells that the widest graph may have.
pub const CELLS_MAX: usize = 512;

/// Bytes of one key: a sequence that is longer is none.
pub const SEQUENCE_MAX: usize = 32;
