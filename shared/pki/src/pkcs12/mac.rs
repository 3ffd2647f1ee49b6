//! The MAC over the contents of a file, which also tells a wrong password.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use aws_lc_rs::hmac;

use super::derive::{Pbkdf2, Purpose, iterations, pkcs12};
use super::password::Password;
use crate::der::{self, Reader};
use crate::{Error, oid};

const FORM: Error = Error::Pkcs12("malformed MAC");

/// The MAC as a file describes it.
pub(super) struct Mac<'a> {
    algorithm: &'a [u8],
    /// What PBMAC1 says about itself.
    parameters: Reader<'a>,
    digest: &'a [u8],
    salt: &'a [u8],
    iterations: i64,
}

impl<'a> Mac<'a> {
    pub(super) fn parse(mut der: Reader<'a>) -> Result<Self, Error> {
        let mut info = der.sequence().ok_or(FORM)?;
        let mut algorithm = info.sequence().ok_or(FORM)?;
        let name = algorithm.oid().ok_or(FORM)?;
        let digest = info.take(der::OCTET_STRING).ok_or(FORM)?;
        let salt = der.take(der::OCTET_STRING).ok_or(FORM)?;
        let iterations = if der.starts_with(der::INTEGER) { der.small().ok_or(FORM)? } else { 1 };
        Ok(Self { algorithm: name, parameters: algorithm, digest, salt, iterations })
    }

    /// Whether the password made this MAC over the contents.
    pub(super) fn verify(&self, contents: &[u8], password: &Password) -> Result<(), Error> {
        let key = match self.algorithm {
            oid::PBMAC1 => self.pbmac1(password)?,
            oid::SHA1 | oid::SHA256 | oid::SHA512 => {
                let rounds = iterations(self.iterations)?;
                key(self.algorithm, self.salt, rounds, password)
            }
            _ => {
                return Err(Error::Pkcs12Unsupported(
                    "a MAC of a hash other than SHA-1, SHA-256 and SHA-512",
                ));
            }
        };
        hmac::verify(&key, contents, self.digest).map_err(|_| Error::Password)
    }

    /// The key of RFC 9579. Its length bounds as there: a short one could be guessed, a long one only costs time.
    fn pbmac1(&self, password: &Password) -> Result<hmac::Key, Error> {
        let mut algorithm = self.parameters;
        let mut parameters = algorithm.sequence().ok_or(FORM)?;
        let derivation = Pbkdf2::parse(parameters.sequence().ok_or(FORM)?)?;
        let algorithm = match parameters.sequence().and_then(|mut algorithm| algorithm.oid()).ok_or(FORM)? {
            oid::HMAC_SHA1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            oid::HMAC_SHA256 => hmac::HMAC_SHA256,
            oid::HMAC_SHA512 => hmac::HMAC_SHA512,
            _ => {
                return Err(Error::Pkcs12Unsupported(
                    "PBMAC1 with a hash other than SHA-1, SHA-256 and SHA-512",
                ));
            }
        };
        let size = derivation
            .size
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| (20..=64).contains(size));
        let size = size.ok_or(Error::Pkcs12("the length of the key of PBMAC1 is not from 20 to 64"))?;
        Ok(hmac::Key::new(algorithm, &derivation.derive(password.text(), size)))
    }
}

/// The MAC of SHA-256 that is written.
pub(super) fn sha256(contents: &[u8], salt: &[u8], iterations: NonZeroU32, password: &Password) -> Vec<u8> {
    hmac::sign(&key(oid::SHA256, salt, iterations, password), contents).as_ref().to_vec()
}

fn key(hash: &[u8], salt: &[u8], iterations: NonZeroU32, password: &Password) -> hmac::Key {
    let (hash, algorithm) = match hash {
        oid::SHA1 => (&SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        oid::SHA512 => (&SHA512, hmac::HMAC_SHA512),
        _ => (&SHA256, hmac::HMAC_SHA256),
    };
    let key = pkcs12(hash, Purpose::Mac, password.wide(), salt, iterations, hash.output_len());
    hmac::Key::new(algorithm, &key)
}
