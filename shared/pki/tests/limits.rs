//! No input makes this crate panic, and none makes it work without bound.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_pki::chain::{self, Part};
use pawl_pki::pkcs12::{self, Include};
use pawl_pki::{Error, LARGEST_INPUT, jwk, pem, rsa};
use proptest::collection::vec;
use proptest::prelude::*;

/// Calls every function; what they answer does not matter.
fn call_all(input: &[u8]) {
    let _ = pkcs12::private_key(input, b"");
    let _ = pkcs12::certificates(input, b"x");
    let _ = pkcs12::key_store(input, Include::All, input, input);
    let _ = pkcs12::trust_store(input, input);
    let _ = pem::decode(input);
    let _ = pem::filter("CERTIFICATE", input);
    let _ = pem::filter(&String::from_utf8_lossy(input), input);
    for part in [Part::Leaf, Part::Intermediate, Part::Root] {
        let _ = chain::filter(Some(part), input);
    }
    let _ = chain::alternative_names(input);
    let _ = jwk::public_key(input);
    let _ = jwk::private_key(input);
    let _ = rsa::decrypt("RSA-OAEP", "SHA256", input, input);
}

/// The same, with the bytes as what is within PEM, where they are read as a certificate or a key.
fn call_all_within_pem(input: &[u8]) {
    let mut text = pem::encode("CERTIFICATE", input).to_vec();
    text.extend_from_slice(&pem::encode("PRIVATE KEY", input));
    call_all(&text);
}

/// Real inputs: files without encryption, certificates, keys, JWKs. Nothing that would take long to derive.
static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut real = Vec::new();
    for name in ["pkcs12", "chains", "alternative-names", "jwk", "to-pkcs12"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.jsonl"));
        for line in fs::read_to_string(path).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            if name == "pkcs12" && !case["name"].as_str().unwrap().starts_with("without encryption") {
                continue;
            }
            for arg in case["args"].as_array().unwrap() {
                let binary = arg["base64"].as_str().map(|text| STANDARD.decode(text).unwrap());
                let bytes = binary.or_else(|| Some(arg.as_str()?.as_bytes().to_vec())).unwrap();
                real.extend(pem::decode(&bytes).map(|(block, _)| block.content.to_vec()));
                real.push(bytes);
            }
        }
    }
    assert!(real.len() > 300);
    real
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn arbitrary_bytes_never_panic(input in vec(any::<u8>(), 0..200)) {
        call_all(&input);
        call_all_within_pem(&input);
    }

    #[test]
    fn pem_like_text_never_panics(
        parts in vec(
            prop::sample::select(vec![
                "-----BEGIN ", "-----END ", "-----", "\n", "\r\n", "A", "CERTIFICATE", ":", " ", "\t", "AAAA", "=",
                "A: b\n", "\u{a0}", "-----BEGIN A-----\n", "\n-----END A-----\n",
            ]),
            0..25,
        ),
    ) {
        call_all(parts.concat().as_bytes());
    }

    #[test]
    fn damaged_inputs_never_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        what in 0..4,
    ) {
        let mut input = which.get(&REAL).clone();
        if !input.is_empty() {
            let at = at.index(input.len());
            match what {
                0 => input.truncate(at),
                1 => input[at] = byte,
                2 => input.insert(at, byte),
                _ => drop(input.remove(at)),
            }
        }
        call_all(&input);
        call_all_within_pem(&input);
    }
}

#[test]
fn inputs_have_a_largest_size() {
    let large = vec![b'-'; LARGEST_INPUT + 1];
    let too_large =
        |result: Result<Vec<u8>, Error>| assert!(matches!(result, Err(Error::TooLarge(_))), "{result:?}");
    too_large(pkcs12::private_key(&large, b"").map(|bytes| bytes.to_vec()));
    too_large(pkcs12::certificates(&large, b""));
    too_large(pkcs12::key_store(&large, Include::First, b"", b""));
    too_large(pkcs12::key_store(b"", Include::First, &large, b""));
    too_large(pkcs12::key_store(b"", Include::First, b"", &large));
    too_large(pkcs12::trust_store(&large, b""));
    too_large(pem::filter("X", &large).map(|bytes| bytes.to_vec()));
    too_large(chain::filter(None, &large));
    too_large(chain::alternative_names(&large).map(|names| names.concat().into_bytes()));
    too_large(jwk::public_key(&large).map(String::into_bytes));
    too_large(jwk::private_key(&large).map(|bytes| bytes.to_vec()));
    too_large(rsa::decrypt("RSA-OAEP", "", &large, b"").map(|bytes| bytes.to_vec()));
    too_large(rsa::decrypt("RSA-OAEP", "", b"", &large).map(|bytes| bytes.to_vec()));
}

/// Texts that would take a careless search quadratic time.
#[test]
fn the_largest_texts_are_read_soon() {
    let started = std::time::Instant::now();
    for part in [
        "-----BEGIN A-----\n",
        "\n-----END A-----",
        "-----BEGIN A-----\nx:y\n",
        "-----BEGIN A-----\n-----END A-----\n",
    ] {
        let text = part.repeat(LARGEST_INPUT / part.len());
        let _ = pem::filter("A", text.as_bytes());
        let _ = chain::alternative_names(text.as_bytes());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
