//! What ESO's functions answer, against what this crate answers: every case of `tests/data`.
//!
//! `recorded.jsonl` holds what a running operator wrote into Secrets; the other files hold what the same Go code
//! answers to cases made for this crate. Bytes that are not text stand as `{"base64": ..}`.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_pki::chain::{self, Part};
use pawl_pki::pkcs12::{self, Include};
use pawl_pki::{Error, jwk, pem, rsa};
use serde::Deserialize;

/// What ESO's Go code does and this crate does not, and why.
const LEFT_OUT: &[(&str, Error)] = &[
    ("key P-224, which is left out here", Error::KeyForm),
    ("key RSA of three primes", Error::KeyForm),
    ("1024 bits, which are left out here", Error::RsaSize),
];

/// Refusals whose text is the same as ESO's, up to what to do about them.
const SAME_TEXT: &[&str] = &[
    "error filtering pem: found junk",
    "found multiple leaf or disjunct certificates",
    "no leaf certificate found",
    "pkcs12: certificate missing",
    "pkcs12: decryption password incorrect",
    "pkcs12: error reading P12 data",
    "pkcs12: expected exactly one key bag",
    "pkcs12: no MAC in data",
    "pkcs12: private key missing",
    "pkcs12: string contains characters that cannot be encoded in UCS-2",
    "unable to parse private key type",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    function: String,
    args: Vec<Bytes>,
    output: Option<Bytes>,
    names: Option<Vec<String>>,
    outputs: Option<BTreeMap<String, Bytes>>,
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Binary { base64: String },
}

impl Bytes {
    fn get(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Binary { base64 } => STANDARD.decode(base64).unwrap(),
        }
    }
}

/// What a function answers: one output, several by name, or names of a certificate.
#[derive(Debug, PartialEq)]
enum Answer {
    Output(Vec<u8>),
    Outputs(BTreeMap<String, Vec<u8>>),
    Names(Vec<String>),
    /// A file whose contents this crate does not read back.
    Done,
}

#[test]
fn every_function_answers_as_in_the_operator() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for file in files() {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            cases += 1;
            if let Err(difference) = check(&case) {
                wrong.push(format!("{}: {}: {difference}", file.file_name().unwrap().display(), case.name));
            }
        }
    }
    assert!(cases > 450, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // These have forms of their own, and tests beside what they are of.
    let others = ["ssh.jsonl", "subjects.jsonl"];
    files.retain(|path| !others.iter().any(|other| path.file_name().unwrap() == *other));
    files.sort();
    files
}

fn check(case: &Case) -> Result<(), String> {
    let args: Vec<Vec<u8>> = case.args.iter().map(Bytes::get).collect();
    let answer = answer(&case.function, &args);
    if let Some((_, error)) = LEFT_OUT.iter().find(|(name, _)| *name == case.name) {
        return if answer == Err(*error) { Ok(()) } else { Err(format!("left out, but {answer:?}")) };
    }
    match (answer, expected(case)) {
        (Ok(answer), Some(expected)) if answer == expected => Ok(()),
        (Ok(answer), Some(expected)) => Err(format!("{} instead of {}", shown(&answer), shown(&expected))),
        (Ok(answer), None) => Err(format!("{} instead of {:?}", shown(&answer), case.refused)),
        (Err(error), Some(_)) => Err(format!("refused: {error}")),
        (Err(error), None) => same_text(&error.to_string(), case.refused.as_deref().unwrap_or_default()),
    }
}

fn expected(case: &Case) -> Option<Answer> {
    if let Some(outputs) = &case.outputs {
        return Some(Answer::Outputs(
            outputs.iter().map(|(name, bytes)| (name.clone(), bytes.get())).collect(),
        ));
    }
    if let Some(names) = &case.names {
        return Some(Answer::Names(names.clone()));
    }
    if let Some(output) = &case.output {
        return Some(Answer::Output(output.get()));
    }
    case.refused.is_none().then_some(Answer::Done)
}

fn same_text(ours: &str, theirs: &str) -> Result<(), String> {
    match SAME_TEXT.iter().find(|text| theirs.contains(**text)) {
        Some(text) if !ours.starts_with(text) => Err(format!("{ours:?} instead of {theirs:?}")),
        _ => Ok(()),
    }
}

fn answer(function: &str, args: &[Vec<u8>]) -> Result<Answer, Error> {
    let text = |index: usize| std::str::from_utf8(&args[index]).unwrap();
    let output = |bytes: &[u8]| Answer::Output(bytes.to_vec());
    let part = |name: &str, text: &[u8]| chain::filter(Part::from_name(name), text);
    Ok(match function {
        "pkcs12key" => output(&pkcs12::private_key(&args[1], &args[0])?),
        "pkcs12cert" => output(&pkcs12::certificates(&args[1], &args[0])?),
        "pkcs12" => contents(&args[1], &args[0])?,
        "pemToPkcs12" => {
            contents(&pkcs12::key_store(&args[0], Include::First, &args[1], &args[2])?, &args[2])?
        }
        "fullPemToPkcs12" => {
            contents(&pkcs12::key_store(&args[0], Include::All, &args[1], &args[2])?, &args[2])?
        }
        "pemTruststoreToPKCS12" => pkcs12::trust_store(&args[0], &args[1]).map(|_| Answer::Done)?,
        "filterPEM" => output(&pem::filter(text(0), &args[1])?),
        "filterCertChain" if args.len() == 2 => output(&part(text(0), &args[1])?),
        "filterCertChain" => several(["leaf", "intermediate", "root"], |name| part(name, &args[0]))?,
        "certSANs" => Answer::Names(chain::alternative_names(&args[0])?),
        "jwkPublicKeyPem" => output(jwk::public_key(&args[0])?.as_bytes()),
        "jwkPrivateKeyPem" => output(&jwk::private_key(&args[0])?),
        "jwk" => either_key(&args[0])?,
        "rsaDecrypt" => output(&rsa::decrypt(text(0), text(1), &args[2], &args[3])?),
        _ => panic!("no function {function}"),
    })
}

/// The key and the certificates of a file.
fn contents(file: &[u8], password: &[u8]) -> Result<Answer, Error> {
    several(["key", "certificates"], |name| {
        if name == "key" {
            return pkcs12::private_key(file, password).map(|pem| pem.to_vec());
        }
        pkcs12::certificates(file, password)
    })
}

/// A JWK has at most one of the two forms.
fn either_key(json: &[u8]) -> Result<Answer, Error> {
    let (public, private) = (jwk::public_key(json), jwk::private_key(json));
    match (public, private) {
        (Ok(_), Ok(_)) => panic!("a key that is both public and private"),
        (Ok(key), Err(_)) => Ok(Answer::Outputs([("public".to_owned(), key.into_bytes())].into())),
        (Err(_), Ok(key)) => Ok(Answer::Outputs([("private".to_owned(), key.to_vec())].into())),
        (Err(error), Err(_)) => Err(error),
    }
}

fn several<const N: usize>(
    names: [&str; N],
    answer: impl Fn(&str) -> Result<Vec<u8>, Error>,
) -> Result<Answer, Error> {
    let outputs = names.into_iter().map(|name| Ok((name.to_owned(), answer(name)?)));
    outputs.collect::<Result<_, _>>().map(Answer::Outputs)
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Output(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Answer::Outputs(outputs) => outputs
            .iter()
            .map(|(name, bytes)| format!("{name}: {} ", String::from_utf8_lossy(bytes)))
            .collect(),
        other => format!("{other:?}"),
    }
}
