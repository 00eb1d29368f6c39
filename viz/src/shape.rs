//! Forms of dots: they say what colour says, for those who do not see colours.

/// The form of a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Shape {
    /// ▲: good.
    Up,
    /// ▼: bad.
    Down,
    /// ●: undecided.
    #[default]
    Circle,
    /// ◆: too small to matter.
    Diamond,
    /// !: check the data.
    Alert,
    /// ◀: the value is further left than the axis shows.
    Left,
    /// ▶: the value is further right than the axis shows.
    Right,
}

impl Shape {
    /// The character that shows the shape in text.
    pub fn glyph(self) -> char {
        match self {
            Self::Up => '▲',
            Self::Down => '▼',
            Self::Circle => '●',
            Self::Diamond => '◆',
            Self::Alert => '!',
            Self::Left => '◀',
            Self::Right => '▶',
        }
    }
}
