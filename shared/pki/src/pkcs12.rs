//! PKCS#12 files: a key with its chain, or certificates that are trusted.
//!
//! Read is what `go-pkcs12` reads: PBES2 with AES, the older 3DES and RC2, no encryption at all; a MAC of SHA-1,
//! SHA-256, SHA-512 or PBMAC1, or none if the password is empty. Written is its modern form: AES-256-CBC with
//! PBKDF2-HMAC-SHA-256 and a MAC of SHA-256, 2,048 rounds each. Files are binary; ESO's functions give Base64 of them.

mod cipher;
mod derive;
mod mac;
mod password;
mod read;
mod write;

use zeroize::Zeroizing;

use self::password::Password;
use self::write::Bag;
use crate::certificate::Certificate;
use crate::key::PrivateKey;
use crate::{Error, chain, check_size, pem};

/// Which certificates of a PEM text go beside the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    /// The first one.
    First,
    /// The first one as the key's, the others as those of authorities.
    All,
}

/// The key of a file as PEM `PRIVATE KEY`, which is PKCS#8.
///
/// A file without encryption has the empty password.
///
/// # Errors
/// [`Error::Password`] for a wrong password; [`Error::Pkcs12`], [`Error::Pkcs12Unsupported`] and
/// [`Error::Pkcs12Content`] for the file, which must hold exactly one key and a certificate; [`Error::Key`] and
/// [`Error::Certificate`] for what is in it; [`Error::Characters`], [`Error::Iterations`], [`Error::TooLarge`].
pub fn private_key(file: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let contents = open(file, password)?;
    Ok(pem::encode("PRIVATE KEY", &contents.key.to_pkcs8()))
}

/// The certificates of a file as PEM `CERTIFICATE`, from the leaf to the root.
///
/// If they are not one chain they stay in the order of the file, which begins with the key's own.
///
/// # Errors
/// As [`private_key`]: the key is read too.
pub fn certificates(file: &[u8], password: &[u8]) -> Result<Vec<u8>, Error> {
    let contents = open(file, password)?;
    let parsed: Vec<_> =
        contents.certificates.iter().map(|der| Certificate::parse(der)).collect::<Result<_, _>>()?;
    let ordered = chain::order(&parsed).unwrap_or_else(|_| parsed.iter().collect());
    Ok(chain::written(ordered.into_iter().map(|certificate| certificate.raw)))
}

/// A file of a key and its certificates, from PEM. Two files of the same input differ: salts are random.
///
/// The label of a PEM block does not matter. That the key belongs to the certificate is not checked.
///
/// # Errors
/// [`Error::NoPem`], [`Error::Certificate`], [`Error::KeyForm`] for the input; [`Error::TrailingText`] if something
/// other than PEM follows the certificates, an empty line included; [`Error::Characters`] for the password;
/// [`Error::Random`], [`Error::TooLarge`].
pub fn key_store(
    certificates: &[u8],
    include: Include,
    key: &[u8],
    password: &[u8],
) -> Result<Vec<u8>, Error> {
    check_size("the certificates", certificates)?;
    check_size("the key", key)?;
    let password = Password::new(password)?;
    let (first, rest) = pem::decode(certificates).ok_or(Error::NoPem)?;
    Certificate::parse(&first.content)?;
    let authorities = match include {
        Include::First => Vec::new(),
        Include::All => certificate_blocks(rest)?,
    };
    let (key, _) = pem::decode(key).ok_or(Error::NoPem)?;
    let key = PrivateKey::from_any_form(&key.content)?.to_pkcs8();
    let id = write::local_key_id(&first.content);
    let mut bags = vec![Bag::certificate(&first.content, &[&id])];
    bags.extend(authorities.iter().map(|block| Bag::certificate(&block.content, &[])));
    write::file(&bags, Some((&key, &id)), &password)
}

/// A file of certificates that Java trusts, from PEM; each goes by its subject. Two files of the same input differ.
///
/// # Errors
/// As [`key_store`]; [`Error::Characters`] also for a subject.
pub fn trust_store(certificates: &[u8], password: &[u8]) -> Result<Vec<u8>, Error> {
    check_size("the certificates", certificates)?;
    let blocks = certificate_blocks(certificates)?;
    let password = Password::new(password)?;
    let usage = write::trusted_for_all();
    let mut bags = Vec::with_capacity(blocks.len());
    for block in &blocks {
        let name = write::friendly_name(&Certificate::parse(&block.content)?.subject)?;
        bags.push(Bag::certificate(&block.content, &[&usage, &name]));
    }
    write::file(&bags, None, &password)
}

struct Contents {
    key: PrivateKey,
    /// DER; the first one is the key's.
    certificates: Vec<Vec<u8>>,
}

fn open(file: &[u8], password: &[u8]) -> Result<Contents, Error> {
    check_size("the PKCS#12 file", file)?;
    read::file(file, Password::new(password)?)
}

/// All blocks, each of which must be a certificate; nothing may follow them.
fn certificate_blocks(text: &[u8]) -> Result<Vec<pem::Block>, Error> {
    let mut rest = text;
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let (block, behind) = pem::decode(rest).ok_or(Error::TrailingText)?;
        Certificate::parse(&block.content)?;
        blocks.push(block);
        rest = behind;
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::{self, Reader};
    use crate::oid;

    fn certificate(line: usize) -> String {
        let lines: Vec<&str> = include_str!("../tests/data/subjects.jsonl").lines().collect();
        let case: serde_json::Value = serde_json::from_str(lines[line]).unwrap();
        case["certificate"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_trust_store_has_what_java_looks_for() {
        let chain = certificate(0) + &certificate(2);
        let file = trust_store(chain.as_bytes(), b"changeit").unwrap();
        let bags = read::safes_of(&file, Password::new(b"changeit").unwrap()).unwrap();
        assert_eq!(bags.len(), 1, "one safe");
        let mut bags = Reader(&bags[0]).sequence().unwrap();
        for block in pem::blocks(chain.as_bytes()) {
            let mut bag = bags.sequence().unwrap();
            assert_eq!(bag.oid(), Some(oid::CERTIFICATE_BAG));
            let value = bag.take(der::explicit(0)).unwrap();
            assert!(value.windows(block.content.len()).any(|window| window == *block.content));
            let subject = Certificate::parse(&block.content).unwrap().subject;
            let attributes = bag.take(der::SET).unwrap();
            let mut expected =
                [write::friendly_name(&subject).unwrap().to_vec(), write::trusted_for_all().to_vec()];
            expected.sort();
            assert_eq!(attributes, expected.concat());
        }
        assert!(bags.is_empty());
        assert!(matches!(certificates(&file, b"changeit"), Err(Error::Pkcs12Content("private key missing"))));
        assert_eq!(certificates(&file, b"other"), Err(Error::Password));
    }

    /// By this Java and others find the certificate of a key.
    #[test]
    fn a_key_and_its_certificate_have_one_identifier() {
        let case: serde_json::Value =
            serde_json::from_str(include_str!("../tests/data/to-pkcs12.jsonl").lines().next().unwrap())
                .unwrap();
        let arg = |index: usize| case["args"][index].as_str().unwrap().as_bytes();
        let file = key_store(arg(0), Include::All, arg(1), b"x").unwrap();
        let safes = read::safes_of(&file, Password::new(b"x").unwrap()).unwrap();
        let attributes = |safe: &[u8]| {
            let mut bags = Reader(safe).sequence().unwrap();
            let mut all = Vec::new();
            while let Some(mut bag) = bags.sequence() {
                let kind = bag.oid().unwrap().to_vec();
                bag.take(der::explicit(0)).unwrap();
                all.push((kind, bag.0.to_vec()));
            }
            all
        };
        let first = pem::decode(arg(0)).unwrap().0;
        let id = der::value(der::SET, &[&write::local_key_id(&first.content)]).to_vec();
        let other = || (oid::CERTIFICATE_BAG.to_vec(), Vec::new());
        let own = (oid::CERTIFICATE_BAG.to_vec(), id.clone());
        assert_eq!(attributes(&safes[0]), [own, other(), other(), other()]);
        assert_eq!(attributes(&safes[1]), [(oid::SHROUDED_KEY_BAG.to_vec(), id)]);
    }

    #[test]
    fn an_empty_trust_store_is_one() {
        let file = trust_store(b"", b"x").unwrap();
        let bags = read::safes_of(&file, Password::new(b"x").unwrap()).unwrap();
        assert_eq!(*bags[0], [0x30, 0]);
    }

    #[test]
    fn two_files_of_one_input_differ() {
        let text = certificate(0);
        assert_ne!(trust_store(text.as_bytes(), b""), trust_store(text.as_bytes(), b""));
    }
}
