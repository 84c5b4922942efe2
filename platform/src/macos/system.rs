//! What a Mac and its system are called.

use std::ffi::CStr;

use super::edges::sysctl_text;
use crate::roots::Roots;

/// The system and the model, such as `MacBookPro18,3`.
pub(crate) fn system(_roots: &Roots) -> (Option<String>, Option<String>) {
    let name = said(c"kern.osproductversion").map(|version| format!("macOS {version}"));
    (name, said(c"hw.model"))
}

fn said(name: &CStr) -> Option<String> {
    let mut buffer = [0; 128];
    let text = sysctl_text(name, &mut buffer)?;
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}
