//! The one theme: colours by meaning, type sizes and spacing.
//!
//! A chart names an [`Ink`], never a colour. Static SVG refers to it as a CSS custom property with the literal as fallback, so that a
//! page re-themes it; Plotly JSON holds the literal, which [`Theme::literals`] lets a page translate.

/// What a mark means; the theme decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ink {
    /// A decided effect on the good side of the metric.
    Good,
    /// A decided effect on the bad side of the metric.
    Bad,
    /// An effect on which nothing is decided.
    Undecided,
    /// A warning.
    Caution,
    /// Text.
    Text,
    /// Secondary text and axes.
    Muted,
    /// Grid lines and separators.
    Grid,
    /// The ground on which everything is drawn.
    Surface,
    /// The arm at this place in the experiment's order, the control first. Past [`ARMS`] the colours repeat with another dash.
    Arm(usize),
}

/// How many arms have a colour of their own.
pub const ARMS: usize = 6;

/// Light or dark ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near black.
    Dark,
}

/// The pair of colours for good and bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Palette {
    /// Blue and orange: told apart with every kind of colour vision.
    #[default]
    Safe,
    /// Green and red.
    Classic,
}

/// Whether a static figure can be re-themed by the page around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// `var(--good,#0B5FA5)`: for figures inside a page.
    #[default]
    Variable,
    /// `#0B5FA5`: for files of their own, whose viewers may know no CSS.
    Literal,
}

/// Colours for one ground.
///
/// ```
/// use estimand_viz::theme::{Ink, Theme};
/// assert_eq!(Theme::LIGHT.colour(Ink::Good), "#0B5FA5");
/// assert_eq!(Theme::DARK.css(Ink::Good), "var(--good,#6CB6FF)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// Light or dark ground.
    pub scheme: Scheme,
    /// The pair for good and bad.
    pub palette: Palette,
    /// How static figures refer to colours.
    pub reference: Reference,
}

/// Font family of every figure; the page's own font when it sets one on the figure.
pub const FONT: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
/// Size of the title of a figure that stands alone, in px.
pub const TITLE_SIZE: f64 = 15.0;
/// Size of labels, in px.
pub const TEXT_SIZE: f64 = 13.0;
/// Size of ticks and notes, in px.
pub const SMALL_SIZE: f64 = 12.0;
/// Below this width, in px, labels stand above their rows and not beside them.
pub const NARROW: f64 = 480.0;
/// Space between text and what it belongs to, in px.
pub const GAP: f64 = 8.0;

const INKS: [Ink; 8] =
    [Ink::Good, Ink::Bad, Ink::Undecided, Ink::Caution, Ink::Text, Ink::Muted, Ink::Grid, Ink::Surface];

// Chosen so that any two are at least 0.07 apart in OKLab as seen with each kind of colour vision, and away from good and bad.
const ARM_LIGHT: [&str; ARMS] = ["#59636E", "#6A1FB0", "#0FA08C", "#A06A00", "#7A0C46", "#241A5E"];
const ARM_DARK: [&str; ARMS] = ["#C3CBD3", "#A678F5", "#0F9C8A", "#E8D06A", "#E58BC0", "#5B6BD6"];
const ARM_VARIABLES: [&str; ARMS] = ["--arm-0", "--arm-1", "--arm-2", "--arm-3", "--arm-4", "--arm-5"];

impl Theme {
    /// The default: light ground, safe palette, re-themed by the page.
    pub const LIGHT: Self = Self { scheme: Scheme::Light, palette: Palette::Safe, reference: Reference::Variable };
    /// The same on dark ground.
    pub const DARK: Self = Self { scheme: Scheme::Dark, palette: Palette::Safe, reference: Reference::Variable };

    /// This theme with another pair for good and bad.
    pub const fn with_palette(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// This theme for files that stand alone: colours are literals and the ground is painted.
    pub const fn standalone(self) -> Self {
        Self { reference: Reference::Literal, ..self }
    }

    /// The colour as `#RRGGBB`.
    pub fn colour(&self, ink: Ink) -> &'static str {
        use {Palette::*, Scheme::*};
        match (ink, self.scheme, self.palette) {
            (Ink::Good, Light, Safe) => "#0B5FA5",
            (Ink::Good, Light, Classic) => "#1A7F37",
            (Ink::Good, Dark, Safe) => "#6CB6FF",
            (Ink::Good, Dark, Classic) => "#3FB950",
            (Ink::Bad, Light, Safe) => "#B84A00",
            (Ink::Bad, Light, Classic) => "#C62828",
            (Ink::Bad, Dark, Safe) => "#F0883E",
            (Ink::Bad, Dark, Classic) => "#FF7B72",
            (Ink::Undecided, Light, _) => "#6B6B6B",
            (Ink::Undecided, Dark, _) => "#9AA4AE",
            (Ink::Caution, Light, _) => "#8A6100",
            (Ink::Caution, Dark, _) => "#E3B341",
            (Ink::Text, Light, _) => "#1A1A1A",
            (Ink::Text, Dark, _) => "#E6EDF3",
            (Ink::Muted, Light, _) => "#57606A",
            (Ink::Muted, Dark, _) => "#A3ADB8",
            (Ink::Grid, Light, _) => "#DDE1E6",
            (Ink::Grid, Dark, _) => "#2E353D",
            (Ink::Surface, Light, _) => "#FFFFFF",
            (Ink::Surface, Dark, _) => "#14171A",
            (Ink::Arm(place), Light, _) => ARM_LIGHT[place % ARMS],
            (Ink::Arm(place), Dark, _) => ARM_DARK[place % ARMS],
        }
    }

    /// The colour as a static figure writes it, by [`Theme::reference`].
    pub fn css(&self, ink: Ink) -> String {
        match self.reference {
            Reference::Variable => format!("var({},{})", variable(ink), self.colour(ink)),
            Reference::Literal => self.colour(ink).to_owned(),
        }
    }

    /// The colour with an opacity in [0, 1], as `#RRGGBBAA`, for Plotly.
    pub fn translucent(&self, ink: Ink, opacity: f64) -> String {
        if opacity >= 1.0 {
            return self.colour(ink).to_owned();
        }
        format!("{}{:02X}", self.colour(ink), (opacity.max(0.0) * 255.0).round() as u8)
    }

    /// Every custom property with its literal, in a fixed order.
    ///
    /// A page re-themes Plotly JSON by replacing each string that begins with a literal by the value of its property, keeping the two
    /// digits of opacity that may follow: within one theme no literal stands for two properties.
    pub fn literals(&self) -> Vec<(&'static str, &'static str)> {
        INKS.into_iter().chain((0..ARMS).map(Ink::Arm)).map(|ink| (variable(ink), self.colour(ink))).collect()
    }

    /// The custom properties as CSS declarations, `--good:#0B5FA5;…`, for the page's `:root`.
    pub fn declarations(&self) -> String {
        self.literals().iter().map(|(name, literal)| format!("{name}:{literal};")).collect()
    }
}

/// The CSS custom property of an ink.
pub fn variable(ink: Ink) -> &'static str {
    match ink {
        Ink::Good => "--good",
        Ink::Bad => "--bad",
        Ink::Undecided => "--undecided",
        Ink::Caution => "--caution",
        Ink::Text => "--text",
        Ink::Muted => "--muted",
        Ink::Grid => "--grid",
        Ink::Surface => "--surface",
        Ink::Arm(place) => ARM_VARIABLES[place % ARMS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEMES: [Theme; 4] = [
        Theme::LIGHT,
        Theme::DARK,
        Theme::LIGHT.with_palette(Palette::Classic),
        Theme::DARK.with_palette(Palette::Classic),
    ];

    fn linear(hex: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let channel = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// WCAG 2.2 contrast ratio.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |hex| {
            let [r, g, b] = linear(hex);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Linear RGB as seen with full protanopia, deuteranopia, tritanopia: Machado, Oliveira & Fernandes (2009), severity 1.
    const VISION: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ];

    /// Ottosson's OKLab.
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).max(0.0).cbrt();
        let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).max(0.0).cbrt();
        let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).max(0.0).cbrt();
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ]
    }

    fn least_distance(one: &str, other: &str) -> f64 {
        VISION
            .iter()
            .map(|vision| {
                let seen = |hex| {
                    let rgb: [f64; 3] = linear(hex);
                    oklab(vision.map(|row| row.iter().zip(rgb).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0)))
                };
                let (a, b) = (seen(one), seen(other));
                a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
            })
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn text_and_status_colours_have_the_contrast_of_wcag_aa() {
        for theme in THEMES {
            let ground = theme.colour(Ink::Surface);
            for ink in [Ink::Good, Ink::Bad, Ink::Undecided, Ink::Caution, Ink::Text, Ink::Muted] {
                let ratio = contrast(theme.colour(ink), ground);
                assert!(ratio >= 4.5, "{ink:?} of {theme:?} has {ratio:.2}:1");
            }
            for place in 0..ARMS {
                assert!(contrast(theme.colour(Ink::Arm(place)), ground) >= 3.0, "arm {place} of {theme:?}");
            }
        }
    }

    #[test]
    fn arms_are_told_apart_with_every_kind_of_colour_vision() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            for one in 0..ARMS {
                for other in 0..one {
                    let distance = least_distance(theme.colour(Ink::Arm(one)), theme.colour(Ink::Arm(other)));
                    assert!(distance >= 0.07, "arms {other} and {one} of {:?} are {distance:.3} apart", theme.scheme);
                }
            }
        }
    }

    #[test]
    fn good_and_bad_of_the_safe_palette_are_told_apart_with_every_kind_of_colour_vision() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            assert!(least_distance(theme.colour(Ink::Good), theme.colour(Ink::Bad)) >= 0.12);
        }
    }

    #[test]
    fn no_literal_stands_for_two_properties() {
        for theme in THEMES {
            let mut literals: Vec<_> = theme.literals().into_iter().map(|(_, literal)| literal).collect();
            literals.sort_unstable();
            literals.dedup();
            assert_eq!(literals.len(), INKS.len() + ARMS);
        }
    }

    #[test]
    fn opacity_is_two_hex_digits() {
        assert_eq!(Theme::LIGHT.translucent(Ink::Good, 0.2), "#0B5FA533");
        assert_eq!(Theme::LIGHT.translucent(Ink::Good, 1.0), "#0B5FA5");
    }
}
