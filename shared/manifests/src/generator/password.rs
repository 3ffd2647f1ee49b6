//! `spec` of a Password.

use crate::reader::Fields;
use pawl_domain::generator::{Encoding, PasswordGenerator};
use std::collections::BTreeSet;

pub(super) fn read(spec: &mut Fields<'_>) -> PasswordGenerator {
    // ESO counts 0 as absent.
    let length = spec.count("length").filter(|length| *length > 0).unwrap_or(PasswordGenerator::LENGTH);
    let too_long = length > PasswordGenerator::LONGEST;
    if too_long {
        spec.error("length", format!("must be {} at most", PasswordGenerator::LONGEST));
    }
    let encodings = [
        ("raw", Encoding::Raw),
        ("base64", Encoding::Base64),
        ("base64url", Encoding::Base64Url),
        ("base32", Encoding::Base32),
        ("hex", Encoding::Hex),
    ];
    let password = PasswordGenerator {
        length,
        digits: spec.count("digits"),
        symbols: spec.count("symbols"),
        symbol_characters: spec.text("symbolCharacters").map(str::to_owned),
        no_upper: spec.flag("noUpper"),
        allow_repeat: spec.flag("allowRepeat"),
        keys: keys(spec),
        encoding: spec.choice("encoding", &encodings).unwrap_or_default(),
    };
    let signs = password.keys.len().saturating_mul(length as usize);
    if !too_long && signs > PasswordGenerator::MOST_SIGNS {
        let what = format!(
            "makes passwords of {signs} signs together, and a Secret holds {} at most; write fewer keys or a smaller length",
            PasswordGenerator::MOST_SIGNS
        );
        spec.error("secretKeys", what);
    }
    if !too_long && let Err(why) = password.check() {
        spec.hopeless("length", why.to_string());
    }
    password
}

fn keys(spec: &mut Fields<'_>) -> Vec<String> {
    if !spec.has("secretKeys") {
        return vec![PasswordGenerator::KEY.to_owned()];
    }
    let keys = spec.texts("secretKeys");
    let each: BTreeSet<&String> = keys.iter().collect();
    if keys.is_empty() || each.len() < keys.len() || keys.iter().any(String::is_empty) {
        spec.error("secretKeys", "must be non-empty and unique; write each key once, or leave it out");
    }
    keys
}
