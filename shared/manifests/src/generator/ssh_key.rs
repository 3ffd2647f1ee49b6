//! `spec` of an SSHKey.

use crate::reader::Fields;
use pawl_domain::generator::{Curve, SshKeyGenerator, SshKeyType};

/// What ESO's schema lets through.
const SIZES: std::ops::RangeInclusive<u32> = 256..=8192;

#[derive(Clone, Copy)]
enum Type {
    Rsa,
    Ecdsa,
    Ed25519,
}

pub(super) fn read(spec: &mut Fields<'_>) -> Option<SshKeyGenerator> {
    let types = [("rsa", Type::Rsa), ("ecdsa", Type::Ecdsa), ("ed25519", Type::Ed25519)];
    let of_type = spec.choice("keyType", &types).unwrap_or(Type::Rsa);
    let size = spec.count("keySize");
    if size.is_some_and(|size| !SIZES.contains(&size)) {
        spec.error("keySize", "must be 256 to 8192");
        return None;
    }
    let kind = match of_type {
        Type::Ed25519 => SshKeyType::Ed25519,
        Type::Ecdsa => {
            let size = size.unwrap_or(256);
            if !matches!(size, 256 | 384 | 521) {
                let message =
                    "has no effect: ECDSA has keys of 256, 384 and 521 bits, and this makes one of 256";
                spec.notes().warning(spec.path_of("keySize"), message);
            }
            SshKeyType::Ecdsa(Curve::of_size(size))
        }
        Type::Rsa => {
            let size = size.unwrap_or(2048);
            if !SshKeyType::RSA_BITS.contains(&size) {
                let message = format!("{size} is not supported; write 2048, 3072, 4096 or 8192");
                spec.error("keySize", message);
                return None;
            }
            SshKeyType::Rsa(size)
        }
    };
    let comment = spec.text("comment").unwrap_or_default().to_owned();
    if comment.contains(['\n', '\r']) {
        spec.error("comment", "must be one line");
    }
    Some(SshKeyGenerator { kind, comment })
}
