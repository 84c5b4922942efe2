//! The characters that graphs, bars and borders are made of, for terminals that know more or less.

/// A set of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symbols {
    /// Eight dots in each cell.
    #[default]
    Braille,
    /// Blocks of an eighth of a cell.
    Block,
    /// ASCII and nothing else, labels and others' text included.
    Ascii,
}

/// Corners and sides of a box.
#[derive(Clone, Copy, Debug)]
pub struct Border {
    /// Top left, top right, bottom left, bottom right.
    pub corners: [char; 4],
    /// The horizontal side.
    pub horizontal: char,
    /// The vertical side.
    pub vertical: char,
}

impl Symbols {
    /// Every set, in the order of the key that goes on to the next.
    pub const ALL: [Self; 3] = [Self::Braille, Self::Block, Self::Ascii];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Block => "block",
            Self::Ascii => "ascii",
        }
    }

    /// The set of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Braille => Self::Block,
            Self::Block => Self::Ascii,
            Self::Ascii => Self::Braille,
        }
    }

    pub(crate) const fn border(self) -> Border {
        match self {
            Self::Ascii => Border { corners: ['+'; 4], horizontal: '-', vertical: '|' },
            _ => {
                Border { corners: ['╭', '╮', '╰', '╯'], horizontal: '─', vertical: '│' }
            }
        }
    }

    /// A bar's full cell, its half one and its empty one.
    pub(crate) const fn bar(self) -> [char; 3] {
        match self {
            Self::Braille => ['━', '╸', '─'],
            Self::Block => ['█', '▌', '░'],
            Self::Ascii => ['=', '-', '.'],
        }
    }

    /// `char` in this set: one that can't be had is a question mark.
    pub(crate) const fn shown(self, char: char) -> char {
        match (self, char) {
            (Self::Ascii, '…') => '~',
            (Self::Ascii, 'µ') => 'u',
            (Self::Ascii, '·') => '-',
            (Self::Ascii, '●') => '*',
            (Self::Ascii, '≤') => '<',
            (Self::Ascii, '↓') => 'v',
            (Self::Ascii, '↑') => '^',
            (Self::Ascii, char) if !char.is_ascii() => '?',
            (_, char) => char,
        }
    }
}
