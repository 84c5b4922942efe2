//! Frames of a machine that does not exist, and what the dashboard draws of them.
#![allow(dead_code)] // each test uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in any test
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers

pub mod machine;

use kymo_client::{Frame, Item};
use kymo_top::{Moment, Top};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A second.
pub const S: u64 = 1_000_000_000;

/// When the machine's clock stood still: 12:00:00 on some day.
pub const WALL_NS: u64 = 1_764_763_200 * S;

/// Gives `top` a frame at `wall_ns`.
pub fn feed(top: &mut Top, frame: &[u8], wall_ns: u64) {
    top.handle_item(&Item::Frame(Frame::parse(frame).unwrap()), wall_ns);
}

/// Draws it on a terminal of that size, two seconds after the machine's last frame.
pub fn drawn(top: &mut Top, width: u16, height: u16) -> Buffer {
    drawn_at(top, width, height, WALL_NS + 2 * S)
}

/// The same at another time.
pub fn drawn_at(top: &mut Top, width: u16, height: u16, wall_ns: u64) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let moment = Moment { wall_ns, time_of_day: &utc };
    terminal.draw(|frame| top.draw(frame.buffer_mut(), &moment)).unwrap();
    terminal.backend().buffer().clone()
}

/// Time of day in UTC, whatever the zone of who runs the tests.
pub fn utc(wall_ns: u64) -> [u8; 8] {
    let seconds = wall_ns / S;
    let [h, m, s] = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60];
    format!("{h:02}:{m:02}:{s:02}").into_bytes().try_into().unwrap()
}

/// What a terminal would show, without the spaces at the ends of rows.
pub fn text(buffer: &Buffer) -> String {
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    let rows = rows.map(|row| {
        let mut text = String::new();
        // A wide character stands in two cells, of which the second is empty.
        let mut hidden = 0;
        for cell in row {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            text.push_str(cell.symbol());
            hidden = ratatui::text::Span::raw(cell.symbol()).width().saturating_sub(1);
        }
        text.trim_end().to_string() + "\n"
    });
    rows.collect()
}
