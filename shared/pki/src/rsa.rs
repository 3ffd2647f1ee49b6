//! Decryption with RSA.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::key::PrivateKey;
use crate::{Error, check_size, pem};

/// Decrypts with the first key of a PEM text.
///
/// The scheme `None` gives the ciphertext back, whatever the key. `RSA-OAEP` decrypts with an empty label; `SHA1` and
/// `SHA512` name the hash, anything else means SHA-256. The key is PKCS#1 or PKCS#8 and has 2048 to 8192 bits.
///
/// # Errors
/// [`Error::Scheme`] for another scheme; [`Error::NoPem`], [`Error::KeyForm`], [`Error::Key`] and [`Error::RsaSize`] for
/// the key; [`Error::Decrypt`] if key, hash and ciphertext do not fit; [`Error::TooLarge`].
pub fn decrypt(scheme: &str, hash: &str, ciphertext: &[u8], key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    match scheme {
        "None" => Ok(Zeroizing::new(ciphertext.to_vec())),
        "RSA-OAEP" => oaep(hash, ciphertext, key),
        _ => Err(Error::Scheme),
    }
}

fn oaep(hash: &str, ciphertext: &[u8], key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    check_size("the key", key)?;
    check_size("the ciphertext", ciphertext)?;
    let (block, _) = pem::decode(key).ok_or(Error::NoPem)?;
    let key = PrivateKey::from_any_form(&block.content)?;
    let PrivateKey::Rsa(numbers) = &key else { return Err(Error::Key("it is not an RSA key")) };
    let algorithm = match hash {
        "SHA1" => &OAEP_SHA1_MGF1SHA1,
        "SHA512" => &OAEP_SHA512_MGF1SHA512,
        _ => &OAEP_SHA256_MGF1SHA256,
    };
    // Go reads the ciphertext as a number: zeros in front may be missing.
    let missing = numbers.size().checked_sub(ciphertext.len()).ok_or(Error::Decrypt)?;
    let padded = [&vec![0; missing], ciphertext].concat();
    let key = PrivateDecryptingKey::from_pkcs8(&key.to_pkcs8()).map_err(|_| Error::RsaSize)?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| Error::RsaSize)?;
    let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key.decrypt(algorithm, &padded, &mut plain, None).map_err(|_| Error::Decrypt)?.len();
    plain.truncate(length);
    Ok(plain)
}
