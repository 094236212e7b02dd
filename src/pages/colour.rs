//! A brand's colour, and the readable colours that a page derives from it.

use std::fmt;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour {
    channels: [u8; 3],
}

const WHITE: Colour = Colour { channels: [0xff; 3] };
const BLACK: Colour = Colour { channels: [0x00; 3] };
/// Text on a light fill: the style's `--text` of the light scheme.
const INK: Colour = Colour { channels: [0x12, 0x16, 0x1f] };
/// Text on a dark page: the style's `--text` of the dark scheme.
const PAPER: Colour = Colour { channels: [0xec, 0xef, 0xf4] };
/// What pages are drawn on in the dark scheme: the style's `--raised`, the lightest of its surfaces.
const DARK_SURFACE: Colour = Colour { channels: [0x1e, 0x23, 0x2c] };

/// Contrast that text needs (WCAG 2.2, 1.4.3), with room for slightly tinted surfaces.
const TEXT: f64 = 4.8;
/// Contrast that large text and the parts of controls need (WCAG 2.2, 1.4.11).
const PARTS: f64 = 3.0;

impl Default for Colour {
    /// Understudy's own colour.
    fn default() -> Self {
        Self { channels: [0x2f, 0x4b, 0x8f] }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.channels;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// Reads `#rrggbb` or `#rgb`; anything else is `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        match digits.len() {
            6 => Some(Self { channels: [red, green, blue] }),
            3 => Some(Self { channels: [(green & 0x0f) * 0x11, (blue >> 4) * 0x11, (blue & 0x0f) * 0x11] }),
            _ => None,
        }
    }

    /// The custom properties of the style that depend on the colour: the brand's mark, filled buttons and coloured
    /// text, each readable on what it stands on, for the light and the dark scheme.
    pub(crate) fn properties(self) -> String {
        let mark_text = if self.contrast(WHITE) >= PARTS { WHITE } else { INK };
        let (light_fill, light_text) = self.filled();
        let (dark_fill, dark_text) = self.lit().filled();
        let light_ink = self.towards(BLACK, WHITE, TEXT);
        let dark_ink = self.lit().towards(WHITE, DARK_SURFACE, TEXT);
        format!(
            "--mark:{self};--mark-text:{mark_text};\
             --light-fill:{light_fill};--light-fill-text:{light_text};--light-ink:{light_ink};\
             --dark-fill:{dark_fill};--dark-fill-text:{dark_text};--dark-ink:{dark_ink}"
        )
    }

    /// A window icon of this colour, as a `data:` URL.
    pub(crate) fn icon(self) -> String {
        let [red, green, blue] = self.channels;
        format!(
            "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 8 8%22%3E\
             %3Crect width=%228%22 height=%228%22 rx=%222.2%22 fill=%22%23{red:02x}{green:02x}{blue:02x}%22/%3E%3C/svg%3E"
        )
    }

    /// As it shows on a dark page: lighter where it would sink in. A black has no hue to keep, and turned grey it would
    /// look like something disabled, so it becomes a white.
    fn lit(self) -> Self {
        let [red, green, blue] = self.channels;
        let hue = red.max(green).max(blue) - red.min(green).min(blue);
        if hue < 0x18 && self.contrast(DARK_SURFACE) < PARTS {
            return PAPER;
        }
        self.towards(WHITE, DARK_SURFACE, PARTS)
    }

    /// As the ground of a button, with the colour of the text on it: white where a little more depth makes it
    /// readable, dark otherwise.
    fn filled(self) -> (Self, Self) {
        if self.contrast(WHITE) >= PARTS { (self.towards(BLACK, WHITE, TEXT), WHITE) } else { (self, INK) }
    }

    /// This colour, mixed with as much of `target` as it takes to reach `contrast` on `ground`.
    fn towards(self, target: Self, ground: Self, contrast: f64) -> Self {
        (0..=100).map(|percent| self.mixed(target, percent)).find(|c| c.contrast(ground) >= contrast).unwrap_or(target)
    }

    /// This colour with `percent` of `other`.
    fn mixed(self, other: Self, percent: u16) -> Self {
        let [r, g, b] = self.channels;
        let [other_r, other_g, other_b] = other.channels;
        let mix = |from: u8, to: u8| {
            let sum = u16::from(from) * (100 - percent) + u16::from(to) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self { channels: [mix(r, other_r), mix(g, other_g), mix(b, other_b)] }
    }

    /// Contrast ratio with another colour, 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.channels.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::{BLACK, Colour, DARK_SURFACE, PARTS, WHITE};

    #[test]
    fn a_colour_is_six_or_three_hexadecimal_digits() {
        for (text, colour) in [
            ("#0d8dff", Some("#0d8dff")),
            ("#FC0", Some("#ffcc00")),
            (" #123456 ", Some("#123456")),
            ("0d8dff", None),
            ("#+d8dff", None),
            ("#12", None),
            ("#1234567", None),
            ("red;--mark:x", None),
            ("#é1", None),
        ] {
            assert_eq!(Colour::parse(text).map(|c| c.to_string()).as_deref(), colour, "{text}");
        }
    }

    #[test]
    fn whatever_the_brand_its_buttons_and_links_can_be_read() {
        for channels in [
            [0x00, 0x00, 0x00],
            [0xff, 0xff, 0xff],
            [0x0d, 0x8d, 0xff],
            [0xff, 0xd6, 0x0a],
            [0xf9, 0x73, 0x16],
            [0x7f, 0x7f, 0x7f],
            [0x00, 0xff, 0x00],
            [0x1b, 0x14, 0x64],
            [0xe1, 0x1d, 0x48],
        ] {
            let colour = Colour { channels };
            let (light, light_text) = colour.filled();
            assert!(light.contrast(light_text) >= 4.5, "{colour}: light fill");
            let (dark, dark_text) = colour.lit().filled();
            assert!(dark.contrast(dark_text) >= 4.5, "{colour}: dark fill");
            assert!(dark.contrast(DARK_SURFACE) >= PARTS, "{colour}: dark fill on the page");
            assert!(colour.towards(BLACK, WHITE, 4.5).contrast(WHITE) >= 4.5, "{colour}: light ink");
            assert!(colour.lit().towards(WHITE, DARK_SURFACE, 4.5).contrast(DARK_SURFACE) >= 4.5, "{colour}: dark ink");
        }
    }
}
