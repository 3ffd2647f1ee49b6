//! A value as Secret Manager writes it: base64, and a sum that tells whether it arrived whole.

use super::api::Payload;
use crate::kit::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;

/// The value.
///
/// # Errors
/// `Transient` when it is not base64, or not what its sum is of.
pub(super) fn read(payload: &Payload<'_>, call: &Call<'_>) -> Result<SecretValue, Error> {
    let value = STANDARD.decode(payload.data.as_bytes()).map(SecretValue::new);
    let value = value.map_err(|_| call.unreadable())?;
    let sum: Option<u32> = match &payload.data_crc32c {
        None => None,
        Some(sum) => Some(sum.parse().map_err(|_| call.unreadable())?),
    };
    match sum {
        Some(sum) if sum != crc32c(value.expose()) => {
            Err(call.error(Kind::Transient, "the value did not arrive as it was sent"))
        }
        _ => Ok(value),
    }
}

/// CRC-32C (RFC 3720, appendix B.4). Bit by bit: a value has 64 KiB at most.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let step = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
    let each = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !bytes.iter().fold(!0, each)
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    /// The examples of RFC 3720, B.4, and the usual check of the algorithm.
    #[test]
    fn sums_are_those_of_the_standard() {
        let rising: Vec<u8> = (0..32).collect();
        for (bytes, want) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
            (b"123456789", 0xe306_9283),
            (b"", 0),
        ] {
            assert_eq!(crc32c(bytes), want);
        }
    }
}
