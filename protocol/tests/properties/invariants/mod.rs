//! What must hold for any bytes whatever. The fuzz targets and the tests of this crate share these
//! files, so that a seed which once broke something is replayed by `cargo test`.

pub(crate) mod catalog;
pub(crate) mod control_request;
pub(crate) mod decoder_split;
pub(crate) mod event_line;
pub(crate) mod frame_parse;
pub(crate) mod json_escape;
pub(crate) mod json_reader;
pub(crate) mod opta1;
pub(crate) mod recording;
pub(crate) mod subscribe_line;
