//! Adjusts the colours of a tenant's brand to the contrast of WCAG 2.2, once for each page.

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

/// The colours of a page layout, each as `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Palette {
    /// The background of a button.
    pub(crate) accent: String,
    /// The text of a button.
    pub(crate) on_accent: String,
    /// Links, focus and marks on the light card.
    accent_light: String,
    /// Links, focus and marks on the dark card.
    accent_dark: String,
}

/// The minimum contrast of text and its background (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
const BLACK: Colour = Colour([0; 3]);
const WHITE: Colour = Colour([0xff; 3]);
/// The card in `style.css`, in the light and in the dark colour scheme.
const LIGHT_CARD: Colour = WHITE;
const DARK_CARD: Colour = Colour([0x1b, 0x1e, 0x25]);
/// The accent if the colour in the document is not valid.
const DEFAULT: Colour = Colour([0x1f, 0x4f, 0xd8]);

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self([channel(0)?, channel(2)?, channel(4)?]))
    }
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
    /// Mixes this colour with `goal` in small steps until it has enough contrast on `surface`.
    fn readable_on(self, surface: Self, goal: Self) -> Self {
        (0..=20u16).map(|step| self.mixed(goal, step)).find(|candidate| candidate.contrast(surface) >= READABLE).unwrap_or(goal)
    }
    fn mixed(self, goal: Self, twentieths: u16) -> Self {
        let mut mixed = self.0;
        for (channel, goal) in mixed.iter_mut().zip(goal.0) {
            let sum = u16::from(*channel) * (20 - twentieths) + u16::from(goal) * twentieths;
            *channel = u8::try_from(sum / 20).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }
    fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

impl Palette {
    /// The palette of an accent colour (`#rrggbb`).
    pub(crate) fn new(accent: &str) -> Self {
        let accent = Colour::parse(accent).unwrap_or(DEFAULT);
        // One of the two always has enough contrast: if white has not, black has.
        let on_accent = if accent.contrast(WHITE) >= READABLE { WHITE } else { BLACK };
        Self {
            accent: accent.hex(),
            on_accent: on_accent.hex(),
            accent_light: accent.readable_on(LIGHT_CARD, BLACK).hex(),
            accent_dark: accent.readable_on(DARK_CARD, WHITE).hex(),
        }
    }
    /// The icon of the browser tab: the first letter of the name on the accent colour, as a `data:` URL.
    pub(crate) fn icon(&self, name: &str) -> String {
        let letter = name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='{}'/>\
             <text x='16' y='22.5' font-family='system-ui,sans-serif' font-size='19' font-weight='600' text-anchor='middle' \
             fill='{}'>{letter}</text></svg>",
            self.accent, self.on_accent
        );
        let encoded: String = url::form_urlencoded::byte_serialize(svg.as_bytes()).collect();
        format!("data:image/svg+xml,{}", encoded.replace('+', "%20"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_gives_a_palette_with_enough_contrast() {
        for accent in ["#000000", "#ffffff", "#ffff00", "#1f4fd8", "#00ff88", "#777777", "#ff0000", "#0000ff", "#c0ffee"] {
            let palette = Palette::new(accent);
            let colour = |hex: &str| Colour::parse(hex).unwrap();
            assert!(colour(&palette.on_accent).contrast(colour(&palette.accent)) >= READABLE, "{accent} button");
            assert!(colour(&palette.accent_light).contrast(LIGHT_CARD) >= READABLE, "{accent} on the light card");
            assert!(colour(&palette.accent_dark).contrast(DARK_CARD) >= READABLE, "{accent} on the dark card");
        }
    }

    #[test]
    fn an_invalid_colour_becomes_the_default() {
        for text in ["", "red", "#12345", "#1234567", "#12345g", "#é1234", "#fff;}body{display:none"] {
            assert_eq!(Palette::new(text), Palette::new(&DEFAULT.hex()), "{text}");
        }
    }

    #[test]
    fn the_icon_contains_no_markup_for_any_name() {
        let icon = Palette::new("#1f4fd8").icon("<\"é'>");
        assert!(icon.is_ascii() && !icon.contains(['<', '"', '\'', '>', ' ']), "{icon}");
    }
}
