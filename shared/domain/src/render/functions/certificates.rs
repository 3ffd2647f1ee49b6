//! ESO's functions for keys and certificates, by the names that templates know.

use pawl_golang::base64::{Encoding, encode};
use pawl_golang::template::Functions;
use pawl_golang::value::Type::{self, Str};
use pawl_golang::value::{Func, FuncError, Signature, Value};
use pawl_pki::chain::{self, Part};
use pawl_pki::pkcs12::{self, Include};
use pawl_pki::{Error, jwk, pem, rsa};
use std::borrow::Cow;

pub(super) fn add_to(functions: &mut Functions) {
    for Row(name, parameters, body) in TABLE {
        // Only files that are read choose how often their key is derived anew.
        let cost = if name.starts_with("pkcs12") { DERIVING } else { COST };
        let func = move |args: &[Value]| body(args).map_err(|error| failed(name, error));
        functions.insert(*name, Func::new(Signature::exactly(parameters), func).with_cost(cost));
    }
}

/// Each call does as much work as some ten thousand steps of a template.
const COST: u64 = 10_000;

/// A file with as many rounds as are let pass takes half a second, so a few of them end a template.
const DERIVING: u64 = 1_600_000;

/// A name, its parameters, and what it does.
struct Row(&'static str, &'static [Type], fn(&[Value]) -> Result<Value, Error>);

const TABLE: &[Row] = &[
    Row("pkcs12key", &[Str], |a| Ok(text(&pkcs12::private_key(arg(a, 0), b"")?))),
    Row("pkcs12keyPass", &[Str, Str], |a| Ok(text(&pkcs12::private_key(arg(a, 1), arg(a, 0))?))),
    Row("pkcs12cert", &[Str], |a| Ok(text(&pkcs12::certificates(arg(a, 0), b"")?))),
    Row("pkcs12certPass", &[Str, Str], |a| Ok(text(&pkcs12::certificates(arg(a, 1), arg(a, 0))?))),
    Row("pemToPkcs12", &[Str, Str], |a| key_store(a, Include::First, b"")),
    Row("pemToPkcs12Pass", &[Str, Str, Str], |a| key_store(a, Include::First, arg(a, 2))),
    Row("fullPemToPkcs12", &[Str, Str], |a| key_store(a, Include::All, b"")),
    Row("fullPemToPkcs12Pass", &[Str, Str, Str], |a| key_store(a, Include::All, arg(a, 2))),
    Row("pemTruststoreToPKCS12", &[Str], |a| Ok(base64(pkcs12::trust_store(arg(a, 0), b"")?))),
    Row("pemTruststoreToPKCS12Pass", &[Str, Str], |a| Ok(base64(pkcs12::trust_store(arg(a, 0), arg(a, 1))?))),
    Row("filterPEM", &[Str, Str], |a| Ok(text(&pem::filter(&word(a, 0), arg(a, 1))?))),
    Row("filterCertChain", &[Str, Str], |a| {
        Ok(text(&chain::filter(Part::from_name(&word(a, 0)), arg(a, 1))?))
    }),
    Row("certSANs", &[Str], |a| Ok(Value::strings(chain::alternative_names(arg(a, 0))?))),
    Row("jwkPublicKeyPem", &[Str], |a| Ok(Value::from(jwk::public_key(arg(a, 0))?))),
    Row("jwkPrivateKeyPem", &[Str], |a| Ok(text(&jwk::private_key(arg(a, 0))?))),
    Row("rsaDecrypt", &[Str, Str, Str, Str], |a| {
        Ok(text(&rsa::decrypt(&word(a, 0), &word(a, 1), arg(a, 2), arg(a, 3))?))
    }),
];

fn key_store(args: &[Value], include: Include, password: &[u8]) -> Result<Value, Error> {
    pkcs12::key_store(arg(args, 0), include, arg(args, 1), password).map(base64)
}

fn base64(file: Vec<u8>) -> Value {
    Value::from(encode(Encoding::Standard, file))
}

fn text(bytes: &[u8]) -> Value {
    Value::text(bytes)
}

/// The engine has checked that there are as many texts as the function has parameters.
fn arg(args: &[Value], index: usize) -> &[u8] {
    args.get(index).and_then(Value::as_text).unwrap_or_default()
}

fn word(args: &[Value], index: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(arg(args, index))
}

/// With the words that ESO puts before it.
fn failed(name: &str, error: Error) -> FuncError {
    let doing = match name {
        "pkcs12cert" | "pkcs12certPass" => "unable to decode pkcs12 certificate with password: ",
        "pkcs12key" | "pkcs12keyPass" => "unable to decode pkcs12 with password: ",
        _ => "",
    };
    FuncError::new(format!("{doing}{error}"))
}
