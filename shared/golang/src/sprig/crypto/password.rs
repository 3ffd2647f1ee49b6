//! Password hashes, derived passwords, and AES with a password.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::random::bytes;
use super::{Row, row};
use crate::base64::{self, Encoding};
use crate::sprig::args::{arg, out_of_range, text};
use crate::value::Type::{Named, Str, Uint32};
use crate::value::{FuncError, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    row("bcrypt", &[Str], 800_000, |_, a| Ok(bcrypt_hash(text(a, 0)).into())),
    row("htpasswd", &[Str, Str, Named("sprig.HashAlgorithm")], 800_000, |_, a| Ok(htpasswd(a).into())),
    row("derivePassword", &[Uint32, Str, Str, Str, Str], 2_600_000, |_, a| derive_password(a)),
    row("encryptAES", &[Str, Str], 0, |_, a| encrypt(text(a, 0), text(a, 1))),
    row("decryptAES", &[Str, Str], 0, |_, a| decrypt(text(a, 0), text(a, 1))),
];

/// Failures are texts, not errors, as in sprig.
fn bcrypt_hash(password: &[u8]) -> String {
    const COST: u32 = 10;
    if password.len() > 72 {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned();
    }
    match bcrypt::hash_with_result(password, COST) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(_) => "failed to encrypt string with bcrypt".to_owned(),
    }
}

fn htpasswd(a: &[Value]) -> Vec<u8> {
    let (user, password) = (text(a, 0), text(a, 1));
    if user.contains(&b':') {
        return [b"invalid username: ", user].concat();
    }
    let hash = match text(a, 2) {
        b"sha" => format!("{{SHA}}{}", base64::encode(Encoding::Standard, Sha1::digest(password))),
        _ => bcrypt_hash(password),
    };
    [user, b":", hash.as_bytes()].concat()
}

/// The patterns of Master Password: each letter stands for a class of characters.
fn patterns(kind: &[u8]) -> &'static [&'static [u8]] {
    match kind {
        b"maximum" => &[b"anoxxxxxxxxxxxxxxxxx", b"axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            b"CvcvnoCvcvCvcv",
            b"CvcvCvcvnoCvcv",
            b"CvcvCvcvCvcvno",
            b"CvccnoCvcvCvcv",
            b"CvccCvcvnoCvcv",
            b"CvccCvcvCvcvno",
            b"CvcvnoCvccCvcv",
            b"CvcvCvccnoCvcv",
            b"CvcvCvccCvcvno",
            b"CvcvnoCvcvCvcc",
            b"CvcvCvcvnoCvcc",
            b"CvcvCvcvCvccno",
            b"CvccnoCvccCvcv",
            b"CvccCvccnoCvcv",
            b"CvccCvccCvcvno",
            b"CvcvnoCvccCvcc",
            b"CvcvCvccnoCvcc",
            b"CvcvCvccCvccno",
            b"CvccnoCvcvCvcc",
            b"CvccCvcvnoCvcc",
            b"CvccCvcvCvccno",
        ],
        b"medium" => &[b"CvcnoCvc", b"CvcCvcno"],
        b"short" => &[b"Cvcn"],
        b"basic" => &[b"aaanaaan", b"aannaaan", b"aaannaaa"],
        b"pin" => &[b"nnnn"],
        _ => &[],
    }
}

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive_password(a: &[Value]) -> Result<Value, FuncError> {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let counter = match arg(a, 0) {
        Value::Uint(counter) => *counter as u32,
        _ => 0,
    };
    let (kind, password, user, site) = (text(a, 1), text(a, 2), text(a, 3), text(a, 4));
    let patterns = patterns(kind);
    if patterns.is_empty() {
        return Ok([b"cannot find password template ", kind].concat().into());
    }
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let failed = || FuncError::new("failed to derive password");
    let mut key = [0; 64];
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|_| failed())?;
    let salt = [SEED, &length(user), user].concat();
    scrypt::scrypt(password, &salt, &parameters, &mut key).map_err(|_| failed())?;
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).map_err(|_| failed())?;
    mac.update(&[SEED, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let pattern = patterns[usize::from(seed[0]) % patterns.len()];
    let password: Vec<u8> = pattern
        .iter()
        .zip(&seed[1..])
        .map(|(letter, number)| class(*letter)[usize::from(*number) % class(*letter).len()])
        .collect();
    Ok(password.into())
}

const BLOCK: usize = 16;

/// The password is the key: cut, or filled with zeros, to 32 bytes.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&Array::from(key))
}

fn encrypt(password: &[u8], text: &[u8]) -> Result<Value, FuncError> {
    if text.is_empty() {
        return Ok("".into());
    }
    if text.len() > MAX_TEXT / 2 {
        return Err(FuncError::too_large());
    }
    let cipher = cipher(password);
    let padding = BLOCK - text.len() % BLOCK;
    let padded = [text, &vec![padding as u8; padding]].concat();
    let mut out = bytes(BLOCK);
    for block in padded.chunks(BLOCK) {
        let mut mixed = [0; BLOCK];
        let previous = &out[out.len() - BLOCK..];
        for (mixed, (byte, previous)) in mixed.iter_mut().zip(block.iter().zip(previous)) {
            *mixed = byte ^ previous;
        }
        let mut mixed = Array::from(mixed);
        cipher.encrypt_block(&mut mixed);
        out.extend_from_slice(&mixed);
    }
    Ok(base64::encode(Encoding::Standard, out).into())
}

fn decrypt(password: &[u8], text: &[u8]) -> Result<Value, FuncError> {
    if text.is_empty() {
        return Ok("".into());
    }
    let encrypted =
        base64::decode(Encoding::Standard, text).map_err(|error| FuncError::new(error.to_string()))?;
    if encrypted.len() < BLOCK {
        return Err(out_of_range());
    }
    if encrypted.len() % BLOCK != 0 {
        return Err(FuncError::new("crypto/cipher: input not full blocks"));
    }
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(encrypted.len());
    let (previous, blocks) = (encrypted.chunks_exact(BLOCK), encrypted[BLOCK..].chunks_exact(BLOCK));
    for (previous, block) in previous.zip(blocks) {
        let mut block: Array<u8, _> = Array::try_from(block).map_err(|_| out_of_range())?;
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().zip(previous).map(|(byte, previous)| byte ^ previous));
    }
    let padding = usize::from(*out.last().ok_or_else(out_of_range)?);
    let length = out.len().checked_sub(padding).ok_or_else(out_of_range)?;
    out.truncate(length);
    Ok(out.into())
}
