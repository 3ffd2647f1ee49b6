//! Reading a PKCS#12 file.

use zeroize::Zeroizing;

use super::mac::Mac;
use super::password::Password;
use super::{Contents, cipher};
use crate::certificate::Certificate;
use crate::der::{self, Reader};
use crate::key::PrivateKey;
use crate::{Error, oid};

const FORM: Error = Error::Pkcs12("malformed file");

pub(super) fn file(file: &[u8], password: Password) -> Result<Contents, Error> {
    let (contents, mac) = outer(file)?;
    let password = verified(contents, mac, password)?;
    let mut found = Found::default();
    for safe in safes(contents)? {
        found.add_bags(&open_safe(safe, &password)?, &password)?;
    }
    if found.certificates.is_empty() {
        return Err(Error::Pkcs12Content("certificate missing"));
    }
    let key = found.key.ok_or(Error::Pkcs12Content("private key missing"))?;
    Ok(Contents { key, certificates: found.certificates })
}

/// What the MAC is over, and the MAC if there is one.
fn outer(file: &[u8]) -> Result<(&[u8], Option<Mac<'_>>), Error> {
    let mut file = only(file, der::SEQUENCE)?;
    if file.small().ok_or(FORM)? != 3 {
        return Err(Error::Pkcs12Unsupported("a version other than 3"));
    }
    let mut info = file.sequence().ok_or(FORM)?;
    if info.oid().ok_or(FORM)? != oid::DATA {
        return Err(Error::Pkcs12Unsupported("a file that is signed instead of protected by a password"));
    }
    let contents = only(info.take(der::explicit(0)).ok_or(FORM)?, der::OCTET_STRING)?;
    let mac = if file.starts_with(der::SEQUENCE) { Some(file.sequence().ok_or(FORM)?) } else { None };
    Ok((contents.0, mac.map(Mac::parse).transpose()?))
}

/// The password in the form that made the MAC: of the empty one there are two.
fn verified(contents: &[u8], mac: Option<Mac<'_>>, password: Password) -> Result<Password, Error> {
    let Some(mac) = mac else {
        let none = password.is_empty().then_some(password);
        return none.ok_or(Error::Pkcs12Content("no MAC in data: the file has no password"));
    };
    match (mac.verify(contents, &password), password.without_end()) {
        (Ok(()), _) => Ok(password),
        (Err(Error::Password), Some(other)) => mac.verify(contents, &other).map(|()| other),
        (Err(error), _) => Err(error),
    }
}

/// A safe as its kind and content.
type Safe<'a> = (&'a [u8], &'a [u8]);

fn safes(contents: &[u8]) -> Result<Vec<Safe<'_>>, Error> {
    let mut list = only(contents, der::SEQUENCE)?;
    let mut safes = Vec::new();
    while !list.is_empty() {
        let mut info = list.sequence().ok_or(FORM)?;
        let kind = info.oid().ok_or(FORM)?;
        safes.push((kind, info.take(der::explicit(0)).ok_or(FORM)?));
        if safes.len() > 2 {
            return Err(Error::Pkcs12Unsupported("a file of more than two safes"));
        }
    }
    if safes.is_empty() { Err(Error::Pkcs12Unsupported("a file without a safe")) } else { Ok(safes) }
}

/// The bags of a safe, decrypted.
fn open_safe((kind, content): Safe<'_>, password: &Password) -> Result<Zeroizing<Vec<u8>>, Error> {
    match kind {
        oid::DATA => Ok(Zeroizing::new(only(content, der::OCTET_STRING)?.0.to_vec())),
        oid::ENCRYPTED_DATA => {
            let mut data = only(content, der::SEQUENCE)?;
            if data.small().ok_or(FORM)? != 0 {
                return Err(Error::Pkcs12Unsupported("a version of encrypted data other than 0"));
            }
            let mut info = data.sequence().ok_or(FORM)?;
            info.oid().ok_or(FORM)?;
            let algorithm = info.sequence().ok_or(FORM)?;
            cipher::decrypt(
                algorithm,
                info.optional(der::context(0)).ok_or(FORM)?.unwrap_or_default(),
                password,
            )
        }
        _ => Err(Error::Pkcs12Unsupported("a safe that is neither plain nor encrypted with a password")),
    }
}

/// The bags of each safe.
#[cfg(test)]
pub(super) fn safes_of(file: &[u8], password: Password) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let (contents, mac) = outer(file)?;
    let password = verified(contents, mac, password)?;
    safes(contents)?.into_iter().map(|safe| open_safe(safe, &password)).collect()
}

#[derive(Default)]
struct Found {
    key: Option<PrivateKey>,
    certificates: Vec<Vec<u8>>,
}

impl Found {
    /// Keeps keys and certificates; other bags do not matter.
    fn add_bags(&mut self, bags: &[u8], password: &Password) -> Result<(), Error> {
        let mut bags = only(bags, der::SEQUENCE)?;
        while !bags.is_empty() {
            let mut bag = bags.sequence().ok_or(FORM)?;
            let kind = bag.oid().ok_or(FORM)?;
            let value = bag.take(der::explicit(0)).ok_or(FORM)?;
            check_attributes(bag).ok_or(FORM)?;
            match kind {
                oid::CERTIFICATE_BAG => self.certificates.push(certificate(value)?.to_vec()),
                oid::KEY_BAG => self.add_key(|| PrivateKey::from_pkcs8(value))?,
                oid::SHROUDED_KEY_BAG => self.add_key(|| shrouded_key(value, password))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_key(&mut self, read: impl FnOnce() -> Result<PrivateKey, Error>) -> Result<(), Error> {
        if self.key.is_some() {
            return Err(Error::Pkcs12Content("expected exactly one key bag"));
        }
        self.key = Some(read()?);
        Ok(())
    }
}

/// Names and the like do not matter, but are attributes by their form.
fn check_attributes(mut bag: Reader<'_>) -> Option<()> {
    let mut attributes = Reader(bag.optional(der::SET)?.unwrap_or_default());
    while !attributes.is_empty() {
        let mut attribute = attributes.sequence()?;
        attribute.oid()?;
        attribute.take(der::SET)?;
    }
    Some(())
}

fn certificate(value: &[u8]) -> Result<&[u8], Error> {
    let mut bag = only(value, der::SEQUENCE)?;
    if bag.oid().ok_or(FORM)? != oid::X509_CERTIFICATE {
        return Err(Error::Pkcs12Unsupported("a certificate other than X.509"));
    }
    let certificate = only(bag.take(der::explicit(0)).ok_or(FORM)?, der::OCTET_STRING)?.0;
    Certificate::parse(certificate)?;
    Ok(certificate)
}

fn shrouded_key(value: &[u8], password: &Password) -> Result<PrivateKey, Error> {
    let mut info = only(value, der::SEQUENCE)?;
    let algorithm = info.sequence().ok_or(FORM)?;
    let sealed = info.take(der::OCTET_STRING).ok_or(FORM)?;
    let key = cipher::decrypt(algorithm, sealed, password)?;
    only(&key, der::SEQUENCE)?;
    PrivateKey::from_pkcs8(&key)
}

/// The content of the only value there is.
fn only(text: &[u8], tag: u8) -> Result<Reader<'_>, Error> {
    let mut reader = Reader(text);
    let content = reader.take(tag).ok_or(FORM)?;
    if reader.is_empty() { Ok(Reader(content)) } else { Err(Error::Pkcs12("trailing data")) }
}
