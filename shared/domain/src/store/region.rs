//! Names of regions.

/// Whether a text can name a region, or a location, of a cloud: 1 to 32 lower-case letters, digits and `-`, of which the
/// first is no `-`. Names of hosts are made of it, so a dot or a slash would lead elsewhere.
pub fn is_region(text: &str) -> bool {
    const LONGEST: usize = 32;
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_region_leads_to_no_other_host() {
        for (text, want) in [
            ("eu-west-1", true),
            ("cn-beijing-autodriving", true),
            ("", false),
            ("-eu", false),
            ("eu.west", false),
            ("eu/west", false),
            ("evil.example.com#", false),
            ("EU-WEST-1", false),
            ("eu west", false),
            (&"a".repeat(32), true),
            (&"a".repeat(33), false),
        ] {
            assert_eq!(super::is_region(text), want, "{text:?}");
        }
    }
}
