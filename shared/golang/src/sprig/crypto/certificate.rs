//! X.509 certificates: authorities, self-signed and signed ones, with the extensions that sprig gives them.

use std::any::Any;
use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::rsa::KeySize;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::der::{self, Reader};
use super::key::PrivateKey;
use super::random::bytes;
use super::{Row, pem, row};
use crate::base64::{self, Encoding};
use crate::sprig::Environment;
use crate::sprig::args::{arg, int, text};
use crate::value::Type::{Int, List, Named, Str};
use crate::value::{FuncError, Object, Value};

const TYPE: &str = "sprig.certificate";

pub(super) const TABLE: &[Row] = &[
    row("genCA", &[Str, Int], 1_000_000, |env, a| Request::authority(env, a)?.self_signed(&new_key()?)),
    row("genCAWithKey", &[Str, Int, Str], 30_000, |env, a| {
        Request::authority(env, a)?.self_signed(&given_key(text(a, 2))?)
    }),
    row("genSelfSignedCert", &[Str, List, List, Int], 1_000_000, |env, a| {
        Request::leaf(env, a)?.self_signed(&new_key()?)
    }),
    row("genSelfSignedCertWithKey", &[Str, List, List, Int, Str], 30_000, |env, a| {
        Request::leaf(env, a)?.self_signed(&given_key(text(a, 4))?)
    }),
    row("genSignedCert", &[Str, List, List, Int, Named(TYPE)], 1_000_000, |env, a| {
        Request::leaf(env, a)?.signed_by(arg(a, 4), &new_key()?)
    }),
    row("genSignedCertWithKey", &[Str, List, List, Int, Named(TYPE), Str], 30_000, |env, a| {
        Request::leaf(env, a)?.signed_by(arg(a, 4), &given_key(text(a, 5))?)
    }),
    row("buildCustomCert", &[Str, Str], 0, |_, a| build_custom(text(a, 0), text(a, 1))),
];

/// A certificate and its key, both in PEM.
struct Certificate {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", self.cert.as_slice().into()), ("Key", self.key.as_slice().into())]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|other| self.cert == other.cert && self.key == other.key)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn new_key() -> Result<PrivateKey, FuncError> {
    PrivateKey::rsa(KeySize::Rsa2048)
}

fn given_key(text: &[u8]) -> Result<PrivateKey, FuncError> {
    PrivateKey::from_pem(text).map_err(|error| FuncError::new(format!("parsing private key: {error}")))
}

/// What is to be certified.
struct Request {
    subject: Vec<u8>,
    from: Timestamp,
    to: Timestamp,
    authority: bool,
    alternatives: Vec<u8>,
}

/// Who certifies it.
struct Issuer<'a> {
    name: &'a [u8],
    key_id: Option<&'a [u8]>,
    key: &'a PrivateKey,
}

impl Request {
    fn authority(env: &Environment, a: &[Value]) -> Result<Self, FuncError> {
        Self::new(env, text(a, 0), int(a, 1), Vec::new(), true)
    }

    fn leaf(env: &Environment, a: &[Value]) -> Result<Self, FuncError> {
        let mut alternatives = Vec::new();
        let addresses = strings(arg(a, 1)).ok_or_else(|| FuncError::new("error parsing ip: not a string"))?;
        for name in strings(arg(a, 2))
            .ok_or_else(|| FuncError::new("error processing alternate dns name: not a string"))?
        {
            if !name.is_ascii() {
                return Err(FuncError::new("x509: a DNS name cannot be encoded as an IA5String"));
            }
            alternatives.extend(der::value(0x82, &name));
        }
        for address in addresses {
            let parsed = std::str::from_utf8(&address).ok().and_then(|text| text.parse::<IpAddr>().ok());
            let bytes = match parsed.ok_or_else(|| FuncError::new("error parsing ip"))? {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => v6(address),
            };
            alternatives.extend(der::value(0x87, &bytes));
        }
        Self::new(env, text(a, 0), int(a, 3), alternatives, false)
    }

    fn new(
        env: &Environment,
        name: &[u8],
        days: i64,
        alternatives: Vec<u8>,
        authority: bool,
    ) -> Result<Self, FuncError> {
        let from = (env.now)();
        let length = days.checked_mul(86_400).map(SignedDuration::from_secs);
        let to = length.and_then(|length| from.checked_add(length).ok());
        let to = to.ok_or_else(|| FuncError::new("the certificate would be valid for too long"))?;
        Ok(Self { subject: common_name(name)?, from, to, authority, alternatives })
    }

    fn self_signed(self, key: &PrivateKey) -> Result<Value, FuncError> {
        let name = self.subject.clone();
        self.sign(key, &Issuer { name: &name, key_id: None, key })
    }

    fn signed_by(self, authority: &Value, key: &PrivateKey) -> Result<Value, FuncError> {
        let authority = match authority {
            Value::Object(object) => object.as_any().downcast_ref::<Certificate>(),
            _ => None,
        };
        let authority = authority.ok_or_else(|| FuncError::new("unable to decode certificate"))?;
        let (_, cert) =
            pem::decode(&authority.cert).ok_or_else(|| FuncError::new("unable to decode certificate"))?;
        let parsed = Parsed::new(&cert).ok_or_else(|| FuncError::new("error parsing certificate"))?;
        let signer = PrivateKey::from_pem(&authority.key)
            .map_err(|error| FuncError::new(format!("error parsing private key: {error}")))?;
        if signer.public_info() != parsed.public_info {
            return Err(FuncError::new("x509: provided PrivateKey doesn't match parent's PublicKey"));
        }
        let key_id = parsed.key_id.filter(|_| parsed.subject != self.subject);
        self.sign(key, &Issuer { name: parsed.subject, key_id, key: &signer })
    }

    fn sign(self, key: &PrivateKey, issuer: &Issuer<'_>) -> Result<Value, FuncError> {
        let algorithm = issuer.key.signature_algorithm();
        let validity = der::sequence(&[&time(self.from)?, &time(self.to)?]);
        let extensions = self.extensions(key, issuer);
        let body = der::sequence(&[
            &der::value(0xA0, &der::unsigned(&[2])),
            &der::unsigned(&bytes(16)),
            &algorithm,
            issuer.name,
            &validity,
            &self.subject,
            &key.public_info(),
            &der::value(0xA3, &der::value(der::SEQUENCE, &extensions)),
        ]);
        let signature = issuer.key.sign(&body)?;
        let cert = der::sequence(&[&body, &algorithm, &der::bits(&signature)]);
        let (cert, key) = (pem::encode("CERTIFICATE", &cert).into_bytes(), key.to_pem().into_bytes());
        Ok(Value::object(Certificate { cert, key }))
    }

    fn extensions(&self, key: &PrivateKey, issuer: &Issuer<'_>) -> Vec<u8> {
        // Digital signature and key encipherment; for an authority also certificate signing.
        let usage: &[u8] = if self.authority { &[2, 0xA4] } else { &[5, 0xA0] };
        let basic: &[u8] = if self.authority { &der::TRUE } else { &[] };
        let purposes =
            [1, 2].map(|purpose| der::value(der::OID, &[0x2B, 6, 1, 5, 5, 7, 3, purpose])).concat();
        let mut out = extension(15, true, &der::value(der::BIT_STRING, usage));
        out.extend(extension(37, false, &der::value(der::SEQUENCE, &purposes)));
        out.extend(extension(19, true, &der::value(der::SEQUENCE, basic)));
        if self.authority {
            let id = &Sha256::digest(key.public_bits())[..20];
            out.extend(extension(14, false, &der::value(der::OCTET_STRING, id)));
        }
        if let Some(id) = issuer.key_id {
            out.extend(extension(35, false, &der::sequence(&[&der::value(0x80, id)])));
        }
        if !self.alternatives.is_empty() {
            out.extend(extension(17, false, &der::value(der::SEQUENCE, &self.alternatives)));
        }
        out
    }
}

/// The parts of a certificate that a signer needs.
struct Parsed<'a> {
    subject: &'a [u8],
    public_info: &'a [u8],
    key_id: Option<&'a [u8]>,
}

impl<'a> Parsed<'a> {
    fn new(cert: &'a [u8]) -> Option<Self> {
        let mut outer = Reader(Reader(cert).take(der::SEQUENCE)?);
        let mut body = Reader(outer.take(der::SEQUENCE)?);
        outer.take(der::SEQUENCE)?;
        outer.take(der::BIT_STRING)?;
        body.take(0xA0);
        body.take(der::INTEGER)?;
        for _ in ["signature", "issuer", "validity"] {
            body.take(der::SEQUENCE)?;
        }
        let (_, _, subject) = body.next().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
        let (_, _, public_info) = body.next().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
        let mut key_id = None;
        while let Some((tag, content, _)) = body.next() {
            if tag == 0xA3 {
                key_id = subject_key_id(Reader(content).take(der::SEQUENCE)?);
            }
        }
        Some(Self { subject, public_info, key_id })
    }
}

fn subject_key_id(extensions: &[u8]) -> Option<&[u8]> {
    let mut extensions = Reader(extensions);
    while let Some(extension) = extensions.take(der::SEQUENCE) {
        let mut extension = Reader(extension);
        if extension.take(der::OID)? == [0x55, 0x1D, 14] {
            return Reader(extension.take(der::OCTET_STRING)?).take(der::OCTET_STRING);
        }
    }
    None
}

fn extension(number: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &der::TRUE } else { &[] };
    let oid = der::value(der::OID, &[0x55, 0x1D, number]);
    der::sequence(&[&oid, critical, &der::value(der::OCTET_STRING, content)])
}

fn common_name(name: &[u8]) -> Result<Vec<u8>, FuncError> {
    if name.is_empty() {
        return Ok(der::sequence(&[]));
    }
    if std::str::from_utf8(name).is_err() {
        return Err(FuncError::new("error creating certificate: the common name is not UTF-8"));
    }
    let printable = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte));
    let tag = if printable { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let attribute = der::sequence(&[&der::value(der::OID, &[0x55, 4, 3]), &der::value(tag, name)]);
    Ok(der::sequence(&[&der::value(der::SET, &attribute)]))
}

fn time(at: Timestamp) -> Result<Vec<u8>, FuncError> {
    let civil = jiff::tz::TimeZone::UTC.to_datetime(at);
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    );
    match civil.year() {
        year @ 1950..2050 => Ok(der::value(der::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes())),
        year @ 0..=9999 => Ok(der::value(der::GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())),
        _ => Err(FuncError::new("error creating certificate: cannot represent time as GeneralizedTime")),
    }
}

fn v6(address: Ipv6Addr) -> Vec<u8> {
    address.to_ipv4_mapped().map_or_else(|| address.octets().to_vec(), |address| address.octets().to_vec())
}

/// The texts of a list; `None` if an item is none.
fn strings(value: &Value) -> Option<Vec<Vec<u8>>> {
    match value {
        Value::List(list) => list.items().iter().map(|item| item.as_text().map(<[u8]>::to_vec)).collect(),
        _ => Some(Vec::new()),
    }
}

fn build_custom(cert: &[u8], key: &[u8]) -> Result<Value, FuncError> {
    let unpack = |text: &[u8], what: &'static str| {
        base64::decode(Encoding::Standard, text)
            .map_err(|_| FuncError::new(format!("unable to decode base64 {what}")))
    };
    let (cert, key) = (unpack(cert, "certificate")?, unpack(key, "private key")?);
    let (_, parsed) = pem::decode(&cert).ok_or_else(|| FuncError::new("unable to decode certificate"))?;
    Parsed::new(&parsed).ok_or_else(|| FuncError::new("error parsing certificate"))?;
    PrivateKey::from_pem(&key)
        .map_err(|error| FuncError::new(format!("error parsing private key: {error}")))?;
    Ok(Value::object(Certificate { cert, key }))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn env() -> Environment {
        Environment::new(|| Timestamp::UNIX_EPOCH)
    }

    fn field(value: &Value, name: &str) -> Vec<u8> {
        let Value::Object(object) = value else { panic!("not a certificate") };
        let fields = object.fields();
        fields.into_iter().find(|(known, _)| *known == name).unwrap().1.as_text().unwrap().to_vec()
    }

    #[test]
    fn a_signed_certificate_names_its_authority_and_carries_its_signature() {
        let ca = Request::authority(&env(), &["my ca".into(), Value::Int(2)])
            .unwrap()
            .self_signed(&new_key().unwrap());
        let ca = ca.unwrap();
        let names = Value::list(vec!["a.b".into()]);
        let args = ["leaf".into(), Value::list(vec!["10.0.0.1".into()]), names, Value::Int(1)];
        let leaf = Request::leaf(&env(), &args).unwrap().signed_by(&ca, &new_key().unwrap()).unwrap();
        let (label, leaf) = pem::decode(&field(&leaf, "Cert")).unwrap();
        assert_eq!(label, "CERTIFICATE");
        let key = PrivateKey::from_pem(&field(&ca, "Key")).unwrap();

        let mut outer = Reader(Reader(&leaf).take(der::SEQUENCE).unwrap());
        let (_, _, body) = outer.next().unwrap();
        outer.take(der::SEQUENCE).unwrap();
        let signature = outer.take(der::BIT_STRING).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_bits());
        public.verify(body, &signature[1..]).unwrap();
        let (_, ca) = pem::decode(&field(&ca, "Cert")).unwrap();
        let subject = Parsed::new(&ca).unwrap().subject.to_vec();
        assert!(leaf.windows(subject.len()).any(|window| window == subject));
        assert!(leaf.windows(6).any(|window| window == [0x87, 4, 10, 0, 0, 1]));
    }

    #[test]
    fn a_foreign_key_cannot_sign_for_an_authority() {
        let ca = Request::authority(&env(), &["ca".into(), Value::Int(1)])
            .unwrap()
            .self_signed(&new_key().unwrap());
        let other = new_key().unwrap().to_pem().into_bytes();
        let mixed = Value::object(Certificate { cert: field(&ca.unwrap(), "Cert"), key: other });
        let args = ["leaf".into(), Value::Nil, Value::Nil, Value::Int(1)];
        assert!(Request::leaf(&env(), &args).unwrap().signed_by(&mixed, &new_key().unwrap()).is_err());
    }

    #[test]
    fn every_kind_of_key_is_read_back_as_it_was_written() {
        for kind in ["ecdsa", "ed25519"] {
            let body = super::super::key::TABLE[0].body;
            let pem = body(&env(), &[kind.into()]).unwrap();
            assert_eq!(
                PrivateKey::from_pem(pem.as_text().unwrap()).unwrap().to_pem().as_bytes(),
                pem.as_text().unwrap()
            );
        }
    }
}
