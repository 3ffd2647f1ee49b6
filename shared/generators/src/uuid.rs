//! Random UUIDs, version 4 of RFC 9562.

use crate::random;
use pawl_domain::SecretValue;
use pawl_ports::{Error, Generation};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

pub(crate) fn made() -> Result<Generation, Error> {
    let mut bytes = Zeroizing::new([0; 16]);
    random::fill(bytes.as_mut_slice())?;
    let values = BTreeMap::from([("uuid".to_owned(), of_bytes(*bytes))]);
    Ok(Generation { values, expires: None })
}

fn of_bytes(mut bytes: [u8; 16]) -> SecretValue {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = Zeroizing::new(hex::encode(bytes));
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    SecretValue::new(Zeroizing::new(parts.join("-")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_told_and_the_rest_is_chance() {
        for (bytes, text) in [
            ([0; 16], "00000000-0000-4000-8000-000000000000"),
            ([0xff; 16], "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        ] {
            assert_eq!(of_bytes(bytes).expose_str(), Some(text));
        }
        let made = || made().unwrap().values["uuid"].clone();
        assert_ne!(made(), made());
    }
}
