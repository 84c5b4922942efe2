//! What inputs do: the only place that knows which key is which.

use crate::input::Input;
use crate::model::Sort;

/// What the program around the dashboard is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End.
    Quit,
    /// Give the terminal back and stop, until somebody wants it to go on.
    Suspend,
    /// Draw every cell anew: somebody else has written on the terminal.
    Redraw,
}

/// What an input does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Act(Action),
    Help,
    Pause,
    ZoomIn,
    ZoomOut,
    NextPanel,
    PreviousPanel,
    Alone,
    /// Moves the list by so many rows.
    Move(isize),
    /// By so many pages.
    Pages(isize),
    NextSort,
    SortBy(Sort),
    Reverse,
    Type,
    /// A letter of the filter.
    Letter(char),
    Erase,
    Keep,
    /// The nearest way back.
    Back,
    NextSymbols,
    NextTheme,
    Click(u16, u16),
    Wheel(u16, u16, isize),
}

/// Rows that one turn of a wheel moves.
const WHEEL: isize = 3;

/// Farther than any list goes.
const FAR: isize = isize::MAX / 2;

/// What `input` does; `is_typing` when letters go into the filter.
pub fn command(input: Input, is_typing: bool) -> Option<Command> {
    match input {
        Input::Control('c') => return Some(Command::Act(Action::Quit)),
        Input::Control('z') => return Some(Command::Act(Action::Suspend)),
        Input::Control('l') => return Some(Command::Act(Action::Redraw)),
        _ => {}
    }
    if is_typing {
        return match input {
            Input::Char(letter) => Some(Command::Letter(letter)),
            Input::Backspace => Some(Command::Erase),
            Input::Enter => Some(Command::Keep),
            Input::Escape => Some(Command::Back),
            _ => moved(input),
        };
    }
    let command = match input {
        Input::Char('q') => Command::Act(Action::Quit),
        Input::Char('?' | 'h') => Command::Help,
        Input::Char(' ') => Command::Pause,
        Input::Char('+' | '=') => Command::ZoomIn,
        Input::Char('-' | '_') => Command::ZoomOut,
        Input::Char('j') => Command::Move(1),
        Input::Char('k') => Command::Move(-1),
        Input::Char('s') => Command::NextSort,
        Input::Char('c') => Command::SortBy(Sort::Cpu),
        Input::Char('m') => Command::SortBy(Sort::Memory),
        Input::Char('p') => Command::SortBy(Sort::Pid),
        Input::Char('n') => Command::SortBy(Sort::Name),
        Input::Char('r') => Command::Reverse,
        Input::Char('/') => Command::Type,
        Input::Char('g') => Command::NextSymbols,
        Input::Char('t') => Command::NextTheme,
        Input::Enter => Command::Alone,
        Input::Escape => Command::Back,
        _ => return moved(input),
    };
    Some(command)
}

fn moved(input: Input) -> Option<Command> {
    Some(match input {
        Input::Tab | Input::Right => Command::NextPanel,
        Input::BackTab | Input::Left => Command::PreviousPanel,
        Input::Up => Command::Move(-1),
        Input::Down => Command::Move(1),
        Input::PageUp => Command::Pages(-1),
        Input::PageDown => Command::Pages(1),
        Input::Home => Command::Move(-FAR),
        Input::End => Command::Move(FAR),
        Input::Click(x, y) => Command::Click(x, y),
        Input::WheelUp(x, y) => Command::Wheel(x, y, -WHEEL),
        Input::WheelDown(x, y) => Command::Wheel(x, y, WHEEL),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_letters_while_somebody_types() {
        assert_eq!(command(Input::Char('q'), false), Some(Command::Act(Action::Quit)));
        assert_eq!(command(Input::Char('q'), true), Some(Command::Letter('q')));
        assert_eq!(command(Input::Char('x'), false), None);
        assert_eq!(command(Input::Down, true), Some(Command::Move(1)));
        for is_typing in [false, true] {
            let quit = command(Input::Control('c'), is_typing);
            assert_eq!(quit, Some(Command::Act(Action::Quit)));
        }
    }
}
