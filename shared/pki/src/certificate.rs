//! X.509 certificates: as much as ESO's functions look at, refused where Go's `crypto/x509` refuses them.

mod extensions;
mod name;
mod public_key;
mod time;
mod uri;

use std::collections::BTreeSet;

use crate::Error;
use crate::der::{self, Reader};

/// A certificate whose form is right. Says nothing about who signed it.
pub(crate) struct Certificate<'a> {
    pub(crate) raw: &'a [u8],
    /// The subject as Go prints it.
    pub(crate) subject: String,
    /// The identifier of the key that signed this certificate.
    pub(crate) authority_key: Option<&'a [u8]>,
    /// The identifier of the key that this certificate is about.
    pub(crate) subject_key: Option<&'a [u8]>,
    /// DNS names, IP addresses, e-mail addresses, URIs.
    pub(crate) alternative_names: Vec<String>,
}

impl<'a> Certificate<'a> {
    /// Reads exactly one certificate.
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let mut input = Reader(der);
        let outer = input.element(der::SEQUENCE).ok_or(Error::Certificate("malformed certificate"))?;
        let certificate = parse(outer).map_err(Error::Certificate)?;
        if input.is_empty() { Ok(certificate) } else { Err(Error::Certificate("trailing data")) }
    }

    /// Whether the key that signed is the one that the certificate is about, or is not named.
    pub(crate) fn signed_itself(&self) -> bool {
        self.authority_key.is_none() || self.authority_key == Some(self.subject_key.unwrap_or_default())
    }
}

fn parse(outer: der::Element<'_>) -> Result<Certificate<'_>, &'static str> {
    let mut input = Reader(outer.content);
    let mut body = input.sequence().ok_or("malformed tbs certificate")?;
    let version = version(&mut body).ok_or("malformed version")?;
    let serial = body.integer().ok_or("malformed serial number")?;
    if serial.first().is_some_and(|byte| *byte >= 0x80) {
        return Err("negative serial number");
    }
    let signed_with = body.take(der::SEQUENCE).ok_or("malformed signature algorithm identifier")?;
    if input.take(der::SEQUENCE) != Some(signed_with) {
        return Err("inner and outer signature algorithm identifiers don't match");
    }
    algorithm(Reader(signed_with)).ok_or("malformed algorithm identifier")?;
    name::parse(body.sequence().ok_or("malformed issuer")?)?;
    let mut validity = body.sequence().ok_or("malformed validity")?;
    time::check(&mut validity).ok_or("malformed time")?;
    time::check(&mut validity).ok_or("malformed time")?;
    let subject = name::parse(body.sequence().ok_or("malformed subject")?)?;
    public_key::check(body.sequence().ok_or("malformed spki")?)?;

    let mut extensions = extensions::Extensions::default();
    if version > 1 {
        body.optional(der::context(1)).ok_or("malformed issuerUniqueID")?;
        body.optional(der::context(2)).ok_or("malformed subjectUniqueID")?;
    }
    if version == 3
        && let Some(list) = body.optional(der::explicit(3)).ok_or("malformed extensions")?
    {
        let mut seen = BTreeSet::new();
        let mut list = Reader(list).sequence().ok_or("malformed extensions")?;
        while !list.is_empty() {
            let mut extension = list.sequence().ok_or("malformed extension")?;
            let oid = extension.oid().ok_or("malformed extension OID field")?;
            let mut critical = false;
            if extension.starts_with(der::BOOLEAN) {
                critical = extension.boolean().ok_or("malformed extension critical field")?;
            }
            let value = extension.take(der::OCTET_STRING).ok_or("malformed extension value field")?;
            if !seen.insert(oid) {
                return Err("certificate contains duplicate extension");
            }
            extensions.read(oid, critical, value)?;
        }
    }
    input.bit_string().ok_or("malformed signature")?;
    Ok(Certificate {
        raw: outer.whole,
        subject: subject.to_string(),
        authority_key: extensions.authority_key,
        subject_key: extensions.subject_key,
        alternative_names: extensions.alternative_names,
    })
}

/// From 1 to 3.
fn version(body: &mut Reader<'_>) -> Option<i64> {
    let number = match body.optional(der::explicit(0))? {
        None => 0,
        Some(inner) => {
            let mut inner = Reader(inner);
            inner.small().filter(|_| inner.is_empty())?
        }
    };
    (0..=2).contains(&number).then_some(number + 1)
}

/// The identifier of an algorithm and its parameters, whole.
fn algorithm(mut der: Reader<'_>) -> Option<(&[u8], &[u8])> {
    let oid = der.oid()?;
    let parameters = if der.is_empty() { &[] } else { der.next()?.whole };
    Some((oid, parameters))
}
