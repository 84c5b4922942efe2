//! The terminal, taken for the dashboard and given back as it was.
//!
//! Guarantees: only whole frames are written, each with one call and between the marks of a
//! synchronized update; whatever ends the program but SIGKILL gives the terminal back.

use std::io::{self, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// The alternate screen, emptied; no cursor; clicks and the wheel in SGR's form (xterm, "Control
/// Sequences").
const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?1000h\x1b[?1006h";

/// All of that taken back, and a synchronized update ended in case one was begun. The screen is
/// emptied before: tmux leaves what was on it below the old one when its size has changed.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[0m\x1b[2J\x1b[?1049l\x1b[?25h";

/// What a terminal may keep back until it is whole.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Whether the terminal is ours. What a panic needs to know, which has no other way to it.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The terminal; see the module. It is given back when this is dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Whole>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// When it can't be had.
    pub fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                before(info);
            }));
        });
        // Whether there are colours is decided elsewhere.
        force_color_output(true);
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(Whole::default()));
        terminal.map(|terminal| Self { terminal }).inspect_err(|_| give_back())
    }

    /// Draws a frame.
    ///
    /// # Errors
    ///
    /// When the terminal takes no more.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.terminal.backend_mut().write_all(BEGIN)?;
        self.terminal.draw(|frame| draw(frame.buffer_mut()))?;
        self.terminal.backend_mut().write_all(END)?;
        Write::flush(self.terminal.backend_mut())
    }

    /// Forgets what is on the screen, so that everything is drawn anew.
    ///
    /// # Errors
    ///
    /// When the terminal takes no more.
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal back while `meanwhile` runs.
    ///
    /// # Errors
    ///
    /// When it can't be had again.
    pub fn without(&mut self, meanwhile: impl FnOnce()) -> io::Result<()> {
        give_back();
        meanwhile();
        take()?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    let mut output = io::stdout();
    output.write_all(ENTER).and_then(|()| output.flush()).inspect_err(|_| give_back())
}

/// Gives the terminal back, if it is ours. Nothing can be done when that fails.
fn give_back() {
    if IS_OURS.swap(false, Ordering::SeqCst) {
        let mut output = io::stdout();
        let _ = output.write_all(LEAVE).and_then(|()| output.flush());
        let _ = disable_raw_mode();
    }
}

/// Bytes that are written when a frame is whole.
#[derive(Debug, Default)]
struct Whole {
    bytes: Vec<u8>,
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.bytes.ends_with(END) {
            return Ok(());
        }
        let mut output = io::stdout().lock();
        // Past the line buffer of std, which would cut it into pieces.
        let written = output.write_all(&self.bytes).and_then(|()| output.flush());
        self.bytes.clear();
        written
    }
}
