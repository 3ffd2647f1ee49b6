//! Keys and certificates as ESO's template functions read and write them.
//!
//! A template may turn a PKCS#12 file of a store into PEM, PEM into a PKCS#12 file, pick the leaf out of a chain, write
//! a JWK as PEM or decrypt a value with RSA. What Go's `encoding/pem`, `crypto/x509`, `go-pkcs12` and `jwx` do there is
//! what users see, so this crate does the same, down to what is refused.
//!
//! | ESO's function | here |
//! |---|---|
//! | `pkcs12key[Pass]`, `pkcs12cert[Pass]` | [`pkcs12::private_key`], [`pkcs12::certificates`] |
//! | `pemToPkcs12[Pass]`, `fullPemToPkcs12[Pass]` | [`pkcs12::key_store`] with [`pkcs12::Include`] |
//! | `pemTruststoreToPKCS12[Pass]` | [`pkcs12::trust_store`] |
//! | `filterPEM` | [`pem::filter`] |
//! | `filterCertChain`, `certSANs` | [`chain::filter`], [`chain::alternative_names`] |
//! | `jwkPublicKeyPem`, `jwkPrivateKeyPem` | [`jwk::public_key`], [`jwk::private_key`] |
//! | `rsaDecrypt` | [`rsa::decrypt`] |
//!
//! Beside these, [`ssh`] makes pairs of keys for SSH, as ESO's generator of them does.
//!
//! Everything is a pure function of bytes; only what is made or encrypted anew draws on randomness. Inputs come from users:
//! nothing panics, and [`LARGEST_INPUT`] and [`MOST_ITERATIONS`] bound the work. Nothing here decides about trust:
//! signatures, dates and usages of certificates are not looked at. Keys and decrypted contents live in buffers that are
//! wiped. The crate knows no other crate of the house; `pawl-domain` gives these functions their names in templates.
//!
//! Where this crate differs from ESO it refuses: keys of P-224 and of RSA with more than two primes, decryption with RSA
//! keys of less than 2048 bits, a JWK whose public part does not belong to its private one or that is not UTF-8, and
//! damaged DER that Go's reader lets pass.
//!
//! Start with [`pem`], then [`pkcs12`].

mod certificate;
pub mod chain;
mod der;
mod error;
pub mod jwk;
mod key;
mod oid;
pub mod pem;
pub mod pkcs12;
pub mod rsa;
pub mod ssh;

pub use error::Error;
pub use zeroize::Zeroizing;

/// The largest text or file that is looked at, in bytes: as much as a Secret of Kubernetes may hold.
pub const LARGEST_INPUT: usize = 1 << 20;

/// The most rounds of a password's derivation that a PKCS#12 file may ask for. Files in use ask for 2,048 to 600,000.
pub const MOST_ITERATIONS: u32 = 1_000_000;

fn check_size(what: &'static str, input: &[u8]) -> Result<(), Error> {
    if input.len() > LARGEST_INPUT { Err(Error::TooLarge(what)) } else { Ok(()) }
}
