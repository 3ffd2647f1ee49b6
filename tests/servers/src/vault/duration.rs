//! Durations as the API takes them: seconds as a number or a string, or Go's notation with units.

use super::json::Json;

/// Whole seconds. None when it is no duration, or a negative one.
pub(crate) fn seconds(value: &Json) -> Option<u64> {
    match value {
        Json::Number(text) => text.parse().ok(),
        Json::String(text) => text.parse().ok().or_else(|| with_units(text)),
        _ => None,
    }
}

/// Seconds as Go prints a duration: `768h0m0s`.
pub(crate) fn go(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

fn with_units(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let unit =
            rest[digits..].find(|letter: char| letter.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let number: f64 = rest[..digits].parse().ok()?;
        total += number
            * match &rest[digits..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of positive numbers; the cast saturates"
    )]
    Some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_or_have_units() {
        for (value, expected) in [
            (Json::Number("60".to_owned()), Some(60)),
            (Json::from("60"), Some(60)),
            (Json::from("1h30m"), Some(5400)),
            (Json::from("1.5m"), Some(90)),
            (Json::from("2d"), Some(172_800)),
            (Json::from("-1s"), None),
            (Json::from("soon"), None),
            (Json::from(""), None),
            (Json::Null, None),
        ] {
            assert_eq!(seconds(&value), expected, "{value:?}");
        }
        for (seconds, expected) in [(0, "0s"), (61, "1m1s"), (3600, "1h0m0s"), (2_764_800, "768h0m0s")] {
            assert_eq!(go(seconds), expected);
        }
    }
}
