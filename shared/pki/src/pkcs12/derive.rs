//! Keys from passwords: PKCS#12's own derivation (RFC 7292, appendix B) and PBKDF2.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{self, Algorithm, Context};
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use crate::der::{self, Reader};
use crate::{Error, MOST_ITERATIONS, oid};

/// What a derived value is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Encryption = 1,
    Vector = 2,
    Mac = 3,
}

/// A number of rounds that a file asks for.
pub(super) fn iterations(number: i64) -> Result<NonZeroU32, Error> {
    let number =
        u32::try_from(number).ok().filter(|number| *number <= MOST_ITERATIONS).ok_or(Error::Iterations)?;
    NonZeroU32::new(number).ok_or(Error::Pkcs12("no rounds of key derivation"))
}

/// PKCS#12's own derivation.
pub(super) fn pkcs12(
    hash: &'static Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    size: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block_len();
    let blocks = |text: &[u8]| block * text.len().div_ceil(block);
    let repeated = |text: &[u8], length| text.iter().copied().cycle().take(length).collect::<Vec<u8>>();
    let mut input = Zeroizing::new(Vec::with_capacity(blocks(salt) + blocks(password)));
    for text in [salt, password] {
        input.extend_from_slice(&Zeroizing::new(repeated(text, blocks(text))));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(size + hash.output_len()));
    while out.len() < size {
        let mut context = Context::new(hash);
        context.update(&vec![purpose as u8; block]);
        context.update(&input);
        let mut sum = context.finish();
        for _ in 1..iterations.get() {
            sum = digest::digest(hash, sum.as_ref());
        }
        out.extend_from_slice(sum.as_ref());
        let addend = Zeroizing::new(repeated(sum.as_ref(), block));
        for part in input.chunks_mut(block) {
            add_and_one(part, &addend);
        }
    }
    out.truncate(size);
    out
}

/// Adds a number of the same length, and one, dropping what does not fit.
fn add_and_one(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (digit, other) in number.iter_mut().zip(addend).rev() {
        let sum = u16::from(*digit) + u16::from(*other) + carry;
        *digit = sum as u8;
        carry = sum >> 8;
    }
}

/// PBKDF2 as a file describes it.
pub(super) struct Pbkdf2<'a> {
    algorithm: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    /// The length of the key, if the file says it.
    pub(super) size: Option<i64>,
}

impl<'a> Pbkdf2<'a> {
    /// Reads an identifier of an algorithm with its parameters.
    pub(super) fn parse(mut algorithm: Reader<'a>) -> Result<Self, Error> {
        const FORM: Error = Error::Pkcs12("malformed parameters of the key derivation");
        if algorithm.oid().ok_or(FORM)? != oid::PBKDF2 {
            return Err(Error::Pkcs12Unsupported("a key derivation other than PBKDF2"));
        }
        let mut parameters = algorithm.sequence().ok_or(FORM)?;
        if !parameters.starts_with(der::OCTET_STRING) {
            return Err(Error::Pkcs12Unsupported("a salt from elsewhere"));
        }
        let salt = parameters.take(der::OCTET_STRING).ok_or(FORM)?;
        let rounds = parameters.small().ok_or(FORM)?;
        let size =
            if parameters.starts_with(der::INTEGER) { Some(parameters.small().ok_or(FORM)?) } else { None };
        let function = match parameters.is_empty() {
            true => oid::HMAC_SHA1,
            false => parameters.sequence().and_then(|mut function| function.oid()).ok_or(FORM)?,
        };
        let algorithm = match function {
            oid::HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
            oid::HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
            oid::HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => {
                return Err(Error::Pkcs12Unsupported(
                    "PBKDF2 with a hash other than SHA-1, SHA-256 and SHA-512",
                ));
            }
        };
        Ok(Self { algorithm, salt, iterations: iterations(rounds)?, size })
    }

    pub(super) fn derive(&self, password: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; size]);
        pbkdf2::derive(self.algorithm, self.iterations, self.salt, password, &mut key);
        key
    }
}

/// PBKDF2-HMAC-SHA-256 of the length that AES-256 needs.
pub(super) fn pbkdf2_sha256(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, password, &mut *key);
    key
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;

    use super::*;

    #[test]
    fn rounds_have_bounds() {
        assert_eq!(iterations(2_048).map(NonZeroU32::get), Ok(2_048));
        assert_eq!(iterations(i64::from(MOST_ITERATIONS)).map(NonZeroU32::get), Ok(MOST_ITERATIONS));
        assert_eq!(iterations(i64::from(MOST_ITERATIONS) + 1), Err(Error::Iterations));
        assert_eq!(iterations(i64::MAX), Err(Error::Iterations));
        assert_eq!(iterations(-1), Err(Error::Iterations));
        assert!(matches!(iterations(0), Err(Error::Pkcs12(_))));
    }

    #[test]
    fn a_carry_goes_through_all_digits_and_is_dropped() {
        let mut number = [0xFF, 0xFF, 0xFF];
        add_and_one(&mut number, &[0, 0, 0]);
        assert_eq!(number, [0, 0, 0]);
        add_and_one(&mut number, &[0, 0xFF, 0xFF]);
        assert_eq!(number, [1, 0, 0]);
    }

    #[test]
    fn nothing_to_derive_from_is_no_trouble() {
        let one = NonZeroU32::MIN;
        let key = pkcs12(&SHA1_FOR_LEGACY_USE_ONLY, Purpose::Mac, &[], &[], one, 50);
        assert_eq!(key.len(), 50);
        assert_eq!(key[..20], key[20..40], "there is nothing that could change between blocks");
        let salted = pkcs12(&SHA1_FOR_LEGACY_USE_ONLY, Purpose::Mac, &[], b"salt", one, 50);
        assert_ne!(salted[..20], salted[20..40]);
        assert_ne!(*pbkdf2_sha256(&[], &[], one), [0; 32]);
    }
}
