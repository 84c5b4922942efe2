//! Colours by what they mean, for terminals that have more or fewer of them.
//!
//! No theme paints a background: what a terminal has there stays. Without colours, weight
//! tells some of it.

use ratatui::style::{Color, Modifier, Style};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None, or none are wanted.
    #[default]
    None,
    /// The sixteen whose looks the terminal's user chose.
    Sixteen,
    /// xterm's 256.
    Indexed,
    /// All of them.
    True,
}

/// What something on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Text,
    /// Labels, units, words in the place of values.
    Faint,
    Border,
    /// The border and the title of what keys go to.
    Focus,
    Title,
    Good,
    Raised,
    Bad,
    /// What comes in: bytes received, read.
    Inward,
    /// What goes out: bytes sent, written.
    Outward,
}

/// A set of colours, each as red, green and blue and as the nearest of sixteen.
#[derive(Debug)]
pub struct Theme {
    name: &'static str,
    faint: Hue,
    border: Hue,
    focus: Hue,
    title: Hue,
    good: Hue,
    raised: Hue,
    bad: Hue,
    inward: Hue,
    outward: Hue,
}

type Hue = (u32, Color);

static ALL: [Theme; 4] = [
    Theme {
        name: "drum",
        faint: (0x8a8f98, Color::DarkGray),
        border: (0x4a505a, Color::DarkGray),
        focus: (0xe6b450, Color::Yellow),
        title: (0xf0e6d2, Color::White),
        good: (0x59c2a8, Color::Green),
        raised: (0xe6b450, Color::Yellow),
        bad: (0xf26d6d, Color::Red),
        inward: (0x59a8e6, Color::Cyan),
        outward: (0xc792ea, Color::Magenta),
    },
    Theme {
        name: "paper",
        faint: (0x6a6f78, Color::DarkGray),
        border: (0xa8adb5, Color::Gray),
        focus: (0x9a5b00, Color::Blue),
        title: (0x20242a, Color::Black),
        good: (0x0f7a5a, Color::Green),
        raised: (0x9a6a00, Color::Yellow),
        bad: (0xb3202c, Color::Red),
        inward: (0x1f5fa8, Color::Blue),
        outward: (0x7a3fa0, Color::Magenta),
    },
    Theme {
        name: "ember",
        faint: (0x94857a, Color::DarkGray),
        border: (0x5a463c, Color::DarkGray),
        focus: (0xff9e4a, Color::LightYellow),
        title: (0xffe0c2, Color::White),
        good: (0xd9a35f, Color::Yellow),
        raised: (0xff8c42, Color::LightRed),
        bad: (0xff4d3d, Color::Red),
        inward: (0xe0c070, Color::LightYellow),
        outward: (0xd96c4f, Color::LightRed),
    },
    Theme {
        name: "ocean",
        faint: (0x7f93a8, Color::DarkGray),
        border: (0x3c5166, Color::DarkGray),
        focus: (0x7fdbff, Color::LightCyan),
        title: (0xe0f0ff, Color::White),
        good: (0x4fc1e9, Color::Cyan),
        raised: (0xa0d468, Color::LightGreen),
        bad: (0xfc6e8f, Color::LightRed),
        inward: (0x5d9cec, Color::LightBlue),
        outward: (0x48cfad, Color::LightGreen),
    },
];

/// Names of the themes, in the order of the key that goes on to the next.
pub const THEMES: [&str; ALL.len()] = ["drum", "paper", "ember", "ocean"];

/// A theme on a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ink {
    /// Which theme.
    pub theme: usize,
    /// Of how many colours.
    pub depth: Depth,
}

impl Ink {
    fn theme(self) -> &'static Theme {
        &ALL[self.theme % ALL.len()]
    }

    /// The next theme.
    pub const fn next(self) -> Self {
        Self { theme: (self.theme + 1) % ALL.len(), ..self }
    }

    /// The theme's name.
    pub fn name(self) -> &'static str {
        self.theme().name
    }

    /// How `role` looks.
    pub fn style(self, role: Role) -> Style {
        let theme = self.theme();
        let style = match role {
            Role::Title | Role::Focus => Style::new().add_modifier(Modifier::BOLD),
            Role::Bad => Style::new().add_modifier(Modifier::BOLD),
            Role::Faint | Role::Border if self.depth == Depth::None => {
                Style::new().add_modifier(Modifier::DIM)
            }
            _ => Style::new(),
        };
        let hue = match role {
            Role::Text => return style,
            Role::Faint => theme.faint,
            Role::Border => theme.border,
            Role::Focus => theme.focus,
            Role::Title => theme.title,
            Role::Good => theme.good,
            Role::Raised => theme.raised,
            Role::Bad => theme.bad,
            Role::Inward => theme.inward,
            Role::Outward => theme.outward,
        };
        match self.color(hue) {
            Some(color) => style.fg(color),
            None => style,
        }
    }

    /// How a share of something looks: the same thresholds as the system's state in the vitals.
    pub fn level(self, share: f64) -> Role {
        match share {
            share if share > 0.9 => Role::Bad,
            share if share > 0.6 => Role::Raised,
            _ => Role::Good,
        }
    }

    fn color(self, (rgb, nearest): Hue) -> Option<Color> {
        let [_, red, green, blue] = rgb.to_be_bytes();
        match self.depth {
            Depth::None => None,
            Depth::Sixteen => Some(nearest),
            Depth::Indexed => Some(Color::Indexed(indexed([red, green, blue]))),
            Depth::True => Some(Color::Rgb(red, green, blue)),
        }
    }
}

/// The nearest of xterm's cube of six levels: 0, 95, 135, 175, 215, 255.
fn indexed(rgb: [u8; 3]) -> u8 {
    let [red, green, blue] = rgb.map(|level| match level {
        0..48 => 0,
        48..115 => 1,
        _ => (level - 35) / 40,
    });
    16 + 36 * red + 6 * green + blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_themes() {
        assert!(ALL.iter().map(|theme| theme.name).eq(THEMES));
        let ink = Ink::default();
        assert_eq!((0..ALL.len()).fold(ink, |ink, _| ink.next()).name(), ink.name());
    }

    #[test]
    fn without_colours_there_are_none() {
        let roles = [Role::Faint, Role::Focus, Role::Bad, Role::Inward];
        for role in roles {
            assert_eq!(Ink::default().style(role).fg, None, "{role:?}");
        }
        assert_ne!(Ink::default().style(Role::Bad), Ink::default().style(Role::Good));
    }

    #[test]
    fn the_cube_has_six_levels() {
        assert_eq!(indexed([0, 0, 0]), 16);
        assert_eq!(indexed([255, 255, 255]), 231);
        assert_eq!(indexed([95, 135, 175]), 16 + 36 + 12 + 3);
    }

    #[test]
    fn shares_look_as_bad_as_they_are() {
        let levels = [0.6, 0.61, 0.91, f64::NAN].map(|share| Ink::default().level(share));
        assert_eq!(levels, [Role::Good, Role::Raised, Role::Bad, Role::Good]);
    }
}
