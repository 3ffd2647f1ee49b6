//! Encryption with a password: PBES2 with AES, and the two older ways with 3DES and RC2, which are only read.

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
use des::TdesEde3;
use rc2::Rc2;
use zeroize::Zeroizing;

use super::derive::{Pbkdf2, Purpose, iterations, pkcs12};
use super::password::Password;
use crate::der::{self, Reader};
use crate::{Error, oid};

const FORM: Error = Error::Pkcs12("malformed parameters of the encryption");
const PADDING: Error = Error::Pkcs12Content("decryption error, incorrect padding");

type KeyAndVector = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

/// Decrypts what an identifier of an algorithm with its parameters describes.
pub(super) fn decrypt(
    mut algorithm: Reader<'_>,
    data: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if data.is_empty() {
        return Err(Error::Pkcs12("empty encrypted data"));
    }
    match algorithm.oid().ok_or(FORM)? {
        oid::PBES2 => pbes2(algorithm.sequence().ok_or(FORM)?, data, password),
        oid::PBE_SHA_3DES => {
            let (key, vector) = older(algorithm, 24, password)?;
            plain(&TdesEde3::new_from_slice(&key).map_err(|_| FORM)?, &vector, data)
        }
        oid::PBE_SHA_RC2_128 => {
            let (key, vector) = older(algorithm, 16, password)?;
            plain(&Rc2::new_with_eff_key_len(&key, 128), &vector, data)
        }
        oid::PBE_SHA_RC2_40 => {
            let (key, vector) = older(algorithm, 5, password)?;
            plain(&Rc2::new_with_eff_key_len(&key, 40), &vector, data)
        }
        _ => Err(Error::Pkcs12Unsupported("an encryption other than AES, 3DES and RC2")),
    }
}

/// AES-256-CBC with padding.
pub(super) fn encrypt(key: &[u8; 32], vector: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&Array::from(*key));
    let padding = 16 - plain.len() % 16;
    let mut data = Zeroizing::new(Vec::with_capacity(plain.len() + padding));
    data.extend_from_slice(plain);
    data.extend(std::iter::repeat_n(padding as u8, padding));
    let mut previous = Array::from(*vector);
    let (blocks, _) = Array::slice_as_chunks_mut(&mut data);
    for block in blocks {
        mix(block, &previous);
        cipher.encrypt_block(block);
        previous = *block;
    }
    data.to_vec()
}

fn pbes2(mut parameters: Reader<'_>, data: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Error> {
    let derivation = Pbkdf2::parse(parameters.sequence().ok_or(FORM)?)?;
    let mut scheme = parameters.sequence().ok_or(FORM)?;
    let algorithm = scheme.oid().ok_or(FORM)?;
    let vector = scheme.take(der::OCTET_STRING).ok_or(FORM)?;
    let key = |size| derivation.derive(password.text(), size);
    match algorithm {
        oid::AES128_CBC => plain(&Aes128::new_from_slice(&key(16)).map_err(|_| FORM)?, vector, data),
        oid::AES192_CBC => plain(&Aes192::new_from_slice(&key(24)).map_err(|_| FORM)?, vector, data),
        oid::AES256_CBC => plain(&Aes256::new_from_slice(&key(32)).map_err(|_| FORM)?, vector, data),
        _ => Err(Error::Pkcs12Unsupported("PBES2 with a cipher other than AES-CBC")),
    }
}

/// The key and the vector of one of the older ways.
fn older(mut algorithm: Reader<'_>, size: usize, password: &Password) -> Result<KeyAndVector, Error> {
    let mut parameters = algorithm.sequence().ok_or(FORM)?;
    let salt = parameters.take(der::OCTET_STRING).ok_or(FORM)?;
    let rounds = iterations(parameters.small().ok_or(FORM)?)?;
    let derive =
        |purpose, size| pkcs12(&SHA1_FOR_LEGACY_USE_ONLY, purpose, password.wide(), salt, rounds, size);
    Ok((derive(Purpose::Encryption, size), derive(Purpose::Vector, 8)))
}

/// Decrypts blocks in CBC and takes the padding off.
fn plain<C: BlockCipherDecrypt>(cipher: &C, vector: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut plain = Zeroizing::new(data.to_vec());
    let mut previous = Array::<u8, C::BlockSize>::try_from(vector).map_err(|_| FORM)?;
    let (blocks, rest) = Array::<u8, C::BlockSize>::slice_as_chunks_mut(&mut plain);
    if !rest.is_empty() {
        return Err(Error::Pkcs12("input is not a multiple of the block size"));
    }
    for block in blocks {
        let sealed = block.clone();
        cipher.decrypt_block(block);
        mix(block, &previous);
        previous = sealed;
    }
    let padding = *plain.last().ok_or(PADDING)?;
    let length = plain.len().checked_sub(usize::from(padding)).ok_or(PADDING)?;
    let fits = (1..=C::block_size()).contains(&usize::from(padding));
    if !fits || plain.get(length..).is_none_or(|end| end.iter().any(|byte| *byte != padding)) {
        return Err(PADDING);
    }
    plain.truncate(length);
    Ok(plain)
}

fn mix(block: &mut [u8], other: &[u8]) {
    for (byte, other) in block.iter_mut().zip(other) {
        *byte ^= other;
    }
}
