//! Pairs of keys for SSH: made, and written as OpenSSH and Go's `golang.org/x/crypto/ssh` write them.
//!
//! Source of the form: OpenSSH's `PROTOCOL.key`, and RFC 4251, 4253, 5656 and 8709. The private key is not encrypted.

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::key::elliptic::{Curve, EllipticKey};
use crate::key::{PrivateKey, ed25519_public};
use crate::{Error, pem};

/// A pair of keys, as text.
pub struct SshKeyPair {
    /// The private key: a PEM block `OPENSSH PRIVATE KEY`.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key: a line as in `authorized_keys`, with its end.
    pub public: Vec<u8>,
}

impl std::fmt::Debug for SshKeyPair {
    /// Without the private key.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SshKeyPair").field("public", &self.public.len()).finish_non_exhaustive()
    }
}

const FAILED: Error = Error::Key("none could be made");

/// A new pair of RSA. `bits` is 2048, 3072, 4096 or 8192; a large one takes seconds.
///
/// # Errors
/// [`Error::Key`] for any other number, or when the machine has no randomness.
pub fn rsa(bits: u32, comment: &str) -> Result<SshKeyPair, Error> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => return Err(Error::Key("RSA keys of 2048, 3072, 4096 and 8192 bits can be made")),
    };
    let pair = RsaKeyPair::generate(size).map_err(|_| FAILED)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| FAILED)?;
    let der = Zeroizing::new(der.as_ref().to_vec());
    written(&PrivateKey::from_pkcs8(&der)?, comment)
}

/// A new pair of ECDSA. `curve` is `P-256`, `P-384` or `P-521`.
///
/// # Errors
/// [`Error::Key`] for any other curve, or when the machine has no randomness.
pub fn ecdsa(curve: &str, comment: &str) -> Result<SshKeyPair, Error> {
    let unknown = Error::Key("the curve is not P-256, P-384 or P-521");
    let algorithm: &EcdsaSigningAlgorithm = match curve {
        "P-256" => &ECDSA_P256_SHA256_ASN1_SIGNING,
        "P-384" => &ECDSA_P384_SHA384_ASN1_SIGNING,
        "P-521" => &ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return Err(unknown),
    };
    let curve = Curve::from_name(curve).ok_or(unknown)?;
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| FAILED)?;
    let scalar: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| FAILED)?;
    let scalar = Zeroizing::new(scalar.as_ref().to_vec());
    written(&PrivateKey::Elliptic(EllipticKey::new(curve, &scalar)?), comment)
}

/// A new pair of Ed25519.
///
/// # Errors
/// [`Error::Key`] when the machine has no randomness.
pub fn ed25519(comment: &str) -> Result<SshKeyPair, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    rand::fill(seed.as_mut_slice()).map_err(|_| FAILED)?;
    written(&PrivateKey::Ed25519(seed), comment)
}

fn written(key: &PrivateKey, comment: &str) -> Result<SshKeyPair, Error> {
    let mut check = [0; 4];
    rand::fill(&mut check).map_err(|_| FAILED)?;
    write(key, comment, check)
}

/// `check` stands in the private key twice, so that whoever decrypts one sees whether the password was right.
fn write(key: &PrivateKey, comment: &str, check: [u8; 4]) -> Result<SshKeyPair, Error> {
    let (name, public, private) = parts(key)?;
    let mut inner = Wire::with(&check);
    inner.0.extend_from_slice(&check);
    inner.text(name.as_bytes());
    inner.0.extend_from_slice(&private.0);
    inner.text(comment.as_bytes());
    let mut pad = 1;
    while !inner.0.len().is_multiple_of(BLOCK) {
        inner.0.push(pad);
        pad += 1;
    }
    let mut whole = Wire::with(MAGIC);
    for text in [b"none".as_slice(), b"none", b""] {
        whole.text(text);
    }
    whole.0.extend_from_slice(&1_u32.to_be_bytes());
    whole.text(&public.0);
    whole.text(&inner.0);
    let line = [name, " ", &STANDARD.encode(&public.0)].concat();
    let line = if comment.is_empty() { line } else { [&line, " ", comment].concat() };
    Ok(SshKeyPair {
        private: pem::encode("OPENSSH PRIVATE KEY", &whole.0),
        public: (line + "\n").into_bytes(),
    })
}

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// What is not encrypted is filled up to a multiple of this.
const BLOCK: usize = 8;

/// The name of the kind of key, its public form, and what stands in the private one behind the name.
fn parts(key: &PrivateKey) -> Result<(&'static str, Wire, Wire), Error> {
    let (mut public, mut private) = (Wire::default(), Wire::default());
    let name = match key {
        PrivateKey::Rsa(key) => {
            let name = "ssh-rsa";
            let (n, e, d) = key.numbers();
            let ([p, q], inverse) = key.primes();
            public.text(name.as_bytes());
            public.number(e);
            public.number(n);
            for number in [n, e, d, inverse, p, q] {
                private.number(number);
            }
            name
        }
        PrivateKey::Elliptic(key) => {
            let (name, curve) = match key.curve_name() {
                "P-256" => ("ecdsa-sha2-nistp256", "nistp256"),
                "P-384" => ("ecdsa-sha2-nistp384", "nistp384"),
                _ => ("ecdsa-sha2-nistp521", "nistp521"),
            };
            public.text(name.as_bytes());
            for wire in [&mut public, &mut private] {
                wire.text(curve.as_bytes());
                wire.text(key.point());
            }
            private.number(key.scalar());
            name
        }
        PrivateKey::Ed25519(seed) => {
            let name = "ssh-ed25519";
            let point = ed25519_public(seed.as_slice()).ok_or(FAILED)?;
            public.text(name.as_bytes());
            public.text(&point);
            private.text(&point);
            let both = Zeroizing::new([seed.as_slice(), &point].concat());
            private.text(&both);
            name
        }
        PrivateKey::X25519(_) => return Err(Error::Key("X25519 signs nothing, so SSH does not know it")),
    };
    Ok((name, public, private))
}

/// Bytes as SSH sends them.
struct Wire(Zeroizing<Vec<u8>>);

/// Room for the largest key: a buffer that grows would leave its contents behind.
const ROOM: usize = 16 << 10;

impl Default for Wire {
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }
}

impl Wire {
    fn with(start: &[u8]) -> Self {
        let mut wire = Self::default();
        wire.0.extend_from_slice(start);
        wire
    }

    fn text(&mut self, text: &[u8]) {
        // Nothing here is near 4 GiB.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(text);
    }

    /// A number that is not negative: no zeros in front but the one that keeps it so.
    fn number(&mut self, number: &[u8]) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        let mut signed = Zeroizing::new(Vec::with_capacity(number.len() + 1));
        if number.first().is_some_and(|byte| byte & 0x80 != 0) {
            signed.push(0);
        }
        signed.extend_from_slice(number);
        self.text(&signed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that `ssh-keygen` made, in both forms: `<PKCS#8>`, `<OpenSSH>`, `<public>`, `<comment>`.
    const MADE: &str = include_str!("../tests/data/ssh.jsonl");

    #[test]
    fn keys_are_written_as_ssh_keygen_writes_them() {
        let mut kinds = Vec::new();
        for line in MADE.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            let der = pem::decode(text("pkcs8").as_bytes()).unwrap().0.content;
            let theirs = pem::decode(text("openssh").as_bytes()).unwrap().0.content;
            let key = PrivateKey::from_any_form(&der).unwrap();
            let public = parts(&key).unwrap().1;
            // The check stands behind the names of no cipher, the number of keys, and the public one.
            let at = MAGIC.len() + 8 + 8 + 4 + 4 + 4 + public.0.len() + 4;
            let check: [u8; 4] = theirs[at..at + 4].try_into().unwrap();
            let written = write(&key, &text("comment"), check).unwrap();
            let ours = pem::decode(&written.private).unwrap().0;
            assert_eq!(ours.label, b"OPENSSH PRIVATE KEY");
            assert_eq!(ours.content, theirs, "{}", text("public"));
            assert_eq!(String::from_utf8(written.public).unwrap(), text("public"));
            kinds.push(text("public").split(' ').next().unwrap().to_owned());
        }
        kinds.dedup();
        let all =
            ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519"];
        assert_eq!(kinds, all);
    }

    #[test]
    fn each_pair_is_another_one() {
        let made = [
            rsa(2048, "a b"),
            rsa(2048, "a b"),
            ecdsa("P-256", ""),
            ecdsa("P-384", ""),
            ecdsa("P-521", ""),
            ed25519(""),
            ed25519(""),
        ];
        let made: Vec<SshKeyPair> = made.into_iter().map(Result::unwrap).collect();
        for (at, one) in made.iter().enumerate() {
            assert!(!format!("{one:?}").contains("PRIVATE"));
            assert!(made[..at].iter().all(|other| other.public != one.public));
        }
        assert!(made[0].public.ends_with(b" a b\n") && made[6].public.starts_with(b"ssh-ed25519 "));
        assert!(rsa(1024, "").is_err() && ecdsa("P-224", "").is_err());
    }
}
