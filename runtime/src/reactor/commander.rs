//! What a host does itself of what its owner asks for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kymo_protocol::Action;

use crate::hub::Handled;

type Handler = Box<dyn FnMut(Action) -> Handled + Send>;

/// Who is asked first.
#[derive(Default)]
pub struct Commander(Option<Handler>);

impl Commander {
    /// `handler` is.
    pub fn new(handler: impl FnMut(Action) -> Handled + Send + 'static) -> Self {
        Self(Some(Box::new(handler)))
    }

    /// What has become of `action`; of those that are the host's business, no other is asked for.
    pub fn handle(&mut self, action: Action) -> Handled {
        match (&mut self.0, action) {
            (Some(handler), Action::Toggle | Action::Reload | Action::Quit) => {
                // Whatever state it is in then is the host's business, and it is asked again.
                catch_unwind(AssertUnwindSafe(|| handler(action)))
                    .unwrap_or_else(|_| Handled::Refused("the host's handler panicked".into()))
            }
            _ => Handled::No,
        }
    }
}

impl fmt::Debug for Commander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commander")
    }
}
