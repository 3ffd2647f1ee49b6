//! The search for values where they have no business.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Whether a text shows a value: as it is, in base64 of it or of something around it, or in hexadecimal digits.
///
/// Values of letters and digits only look the same however they are quoted; [`crate::examples::password`] makes such.
pub fn shows(text: &str, value: &str) -> bool {
    // base64 takes three bytes at a time, so what stands before a value shifts it in one of three ways.
    let packed = (0..3).map(|skipped| {
        let bytes = &value.as_bytes()[skipped.min(value.len())..];
        STANDARD_NO_PAD.encode(&bytes[..bytes.len() / 3 * 3])
    });
    let mut forms = packed.chain([value.to_owned(), hex::encode(value)]);
    forms.any(|form| !form.is_empty() && text.contains(&form))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    #[test]
    fn a_value_is_found_in_every_form() {
        let value = "canary0123456789";
        for text in [
            format!("password={value}"),
            hex::encode(format!("password={value}")),
            STANDARD.encode(value),
            STANDARD.encode(format!("p{value}")),
            STANDARD.encode(format!("pa{value};")),
            URL_SAFE.encode(format!(r#"{{"password":"{value}"}}"#)),
        ] {
            assert!(shows(&text, value), "{text}");
        }
        assert!(!shows("password=canary012345678", value));
    }
}
