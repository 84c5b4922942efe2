//! What the owner of a hub asks for over its control socket, and how a program answers.

use kymo::Handled;
use kymo::protocol::Action;

use crate::callback::{Context, KymoCommand};
use crate::error::KymoWhy;

/// What the owner of a hub asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoAction {
    /// A session to begin, or the running one to end.
    Toggle = 5,
    /// The settings to be read again.
    Reload = 7,
    /// The loop to stop.
    Quit = 8,
}

/// What a program has done with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum KymoHandled {
    /// Nothing: kymo is to do what it does by itself.
    No = 0,
    /// It is done.
    Done = 1,
    /// It can't be done.
    Refused = 2,
}

/// Asks the program.
pub fn handler(
    command: KymoCommand,
    context: Context,
) -> Option<impl FnMut(Action) -> Handled + Send + 'static> {
    let command = command?;
    Some(move |action| {
        let action = match action {
            Action::Toggle => KymoAction::Toggle,
            Action::Reload => KymoAction::Reload,
            Action::Quit => KymoAction::Quit,
            _ => return Handled::No,
        };
        let mut answer = KymoWhy::EMPTY;
        let handled = command(context.get(), action, &mut answer);
        let words = answer.words();
        match handled {
            handled if handled == KymoHandled::Done as i32 => Handled::Done(words),
            handled if handled == KymoHandled::No as i32 => Handled::No,
            // What no later version can mean to be done is not.
            _ => Handled::Refused(words),
        }
    })
}
