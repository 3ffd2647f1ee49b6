//! Pairs of keys for SSH.

use serde::{Deserialize, Serialize};

/// `spec` of an SSHKey.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SshKeyGenerator {
    /// `keyType`, with `keySize` where it counts.
    pub kind: SshKeyType,
    /// `comment`; empty for none.
    pub comment: String,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum SshKeyType {
    /// RSA, of so many bits: one of [`SshKeyType::RSA_BITS`].
    Rsa(u32),
    /// ECDSA on a curve.
    Ecdsa(Curve),
    /// Ed25519.
    Ed25519,
}

/// The curves of ECDSA.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

impl SshKeyType {
    /// The sizes of RSA keys that are made: those that are as strong as their length says, and are made in a moment.
    pub const RSA_BITS: [u32; 4] = [2048, 3072, 4096, 8192];
}

impl Curve {
    /// The curve of keys of this size; P-256 of any that has none, as in ESO.
    pub fn of_size(bits: u32) -> Self {
        match bits {
            384 => Self::P384,
            521 => Self::P521,
            _ => Self::P256,
        }
    }
}
