//! The style sheet: its colours can be told apart (WCAG 2.2 AA), and nothing of it comes from elsewhere.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::collections::{BTreeMap, BTreeSet};

const STYLE: &str = include_str!("../src/style.css");

/// Text on what is behind it.
const TEXTS: [(&str, &str); 15] = [
    ("text", "page"),
    ("text", "panel"),
    ("quiet", "page"),
    ("quiet", "panel"),
    ("link", "page"),
    ("link", "panel"),
    ("well", "well-page"),
    ("waits", "waits-page"),
    ("ill", "ill-page"),
    ("well", "page"),
    ("waits", "page"),
    ("ill", "page"),
    ("link", "waits-page"),
    ("button-text", "button"),
    ("text", "waits-page"),
];
/// What must be seen and is no text: the focus, the bars of pictures, the edges of fields and buttons.
const SHAPES: [(&str, &str); 7] = [
    ("focus", "page"),
    ("focus", "panel"),
    ("bar", "page"),
    ("quiet", "page"),
    ("quiet", "panel"),
    ("button", "page"),
    ("button", "panel"),
];

/// The colours of a block of the sheet, by name.
fn colours(block: &str) -> BTreeMap<&str, [f64; 3]> {
    let lines =
        block.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"));
    let part = |text: &str, at: usize| f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    lines.map(|(name, text)| (name, [part(text, 0), part(text, 2), part(text, 4)])).collect()
}

/// The two blocks, light and dark.
fn schemes() -> [BTreeMap<&'static str, [f64; 3]>; 2] {
    let (light, rest) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
    [colours(light), colours(rest.split_once("\n}\n").unwrap().0)]
}

/// The contrast ratio that WCAG 2.2 defines.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = colour.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_ratio_is_that_of_the_standard() {
    let (black, white, grey) = ([0.0; 3], [255.0; 3], [118.0; 3]);
    assert!((contrast(black, white) - 21.0).abs() < 1e-9 && (contrast(white, white) - 1.0).abs() < 1e-9);
    // #767676 is the lightest grey that passes on white.
    assert!(contrast(grey, white) >= 4.5 && contrast([119.0; 3], white) < 4.5);
}

#[test]
fn text_has_a_contrast_of_4_5_and_shapes_of_3_in_both_schemes() {
    for (scheme, colours) in ["light", "dark"].into_iter().zip(schemes()) {
        for (pairs, least) in [(&TEXTS[..], 4.5), (&SHAPES[..], 3.0)] {
            for (over, under) in pairs {
                let ratio = contrast(colours[over], colours[under]);
                assert!(ratio >= least, "{over} on {under}, {scheme}: {ratio:.2}");
            }
        }
    }
}

#[test]
fn every_colour_is_of_both_schemes_and_all_that_text_has_are_compared() {
    let [light, dark] = schemes();
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>());
    let used = |property: &str| -> BTreeSet<&str> {
        let mark = format!("{property}: var(--");
        let behind = STYLE.match_indices(&mark).map(|(at, _)| (at, &STYLE[at + mark.len()..]));
        let own = behind.filter(|(at, _)| !STYLE[..*at].ends_with('-')).map(|(_, rest)| rest);
        own.map(|rest| rest.split(')').next().unwrap()).collect()
    };
    let compared: BTreeSet<&str> = TEXTS.iter().map(|(over, _)| *over).collect();
    assert!(used("color").is_subset(&compared), "{:?}", used("color"));
    assert!(used("color").len() > 4);
    let under: BTreeSet<&str> = TEXTS.iter().map(|(_, under)| *under).collect();
    assert!(used("background").is_subset(&under), "{:?}", used("background"));
    // Everywhere else a colour has a name.
    let rules = STYLE.split_once("* { box-sizing").unwrap().1;
    assert!(!rules.contains('#') && !rules.contains("rgb"), "name the colour");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for word in ["@import", "url(", "http", "expression"] {
        assert!(!STYLE.contains(word), "{word}");
    }
}
