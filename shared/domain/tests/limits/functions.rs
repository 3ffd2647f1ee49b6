//! Every function that a template may call, in a loop, with arguments of each of several shapes.

use crate::case::Case;
use crate::{fewer, hold};
use pawl_golang::sprig::{self, Environment};
use pawl_golang::value::{Signature, Type};

/// What stands before the loop: values that are large, and values whose parts are shared many times, so that a few bytes
/// stand for a million items.
const VALUES: &str = "{{ $text := .text }}{{ $json := printf \"[%s1]\" (repeat 5000 \"1,\") }}\
    {{ $list := fromJson $json }}{{ $dict := dict }}{{ range $i := 500 }}{{ $_ := set $dict (toString $i) $i }}{{ end }}\
    {{ $shared := list 1 2 }}{{ range $i := 14 }}{{ $shared = list $shared $shared }}{{ end }}\
    {{ $sharing := dict \"a\" 1 }}{{ range $i := 14 }}{{ $sharing = dict \"a\" $sharing \"b\" $sharing }}{{ end }}";

/// How an argument of anything looks, and one of a text.
const SHAPES: [(&str, &str, &str); 7] = [
    ("small", "1", "\"a\""),
    ("text", "$text", "$text"),
    ("list", "$list", "$text"),
    ("dict", "$dict", "\"1\""),
    ("shared list", "$shared", "$text"),
    ("shared dict", "$sharing", "\"a\""),
    ("list of texts", "(list $text $text $text)", "$json"),
];

/// Go's own functions.
const BUILTINS: [(&str, &[Type], Option<Type>); 17] = [
    ("eq", &[Type::Any, Type::Any], None),
    ("ne", &[Type::Any, Type::Any], None),
    ("lt", &[Type::Any, Type::Any], None),
    ("ge", &[Type::Any, Type::Any], None),
    ("not", &[Type::Any], None),
    ("and", &[Type::Any], Some(Type::Any)),
    ("or", &[Type::Any], Some(Type::Any)),
    ("len", &[Type::Any], None),
    ("index", &[Type::Any, Type::Int], None),
    ("slice", &[Type::Any, Type::Int], None),
    ("print", &[], Some(Type::Any)),
    ("println", &[], Some(Type::Any)),
    ("printf", &[Type::Str], Some(Type::Any)),
    ("html", &[], Some(Type::Any)),
    ("js", &[], Some(Type::Any)),
    ("urlquery", &[], Some(Type::Any)),
    ("call", &[Type::Any], None),
];

/// ESO's own functions.
const OWN: [(&str, usize); 18] = [
    ("fromYaml", 1),
    ("pkcs12key", 1),
    ("pkcs12keyPass", 2),
    ("pkcs12cert", 1),
    ("pkcs12certPass", 2),
    ("pemToPkcs12", 2),
    ("pemToPkcs12Pass", 3),
    ("fullPemToPkcs12", 2),
    ("fullPemToPkcs12Pass", 3),
    ("pemTruststoreToPKCS12", 1),
    ("pemTruststoreToPKCS12Pass", 2),
    ("filterPEM", 2),
    ("filterCertChain", 2),
    ("certSANs", 1),
    ("jwkPublicKeyPem", 1),
    ("jwkPrivateKeyPem", 1),
    ("rsaDecrypt", 4),
    ("toYaml", 0),
];

/// The functions with their parameters.
fn signatures() -> Vec<(String, Signature)> {
    let table = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    let sprig =
        table.names().into_iter().map(|name| (name.to_owned(), table.get(name).unwrap().signature().clone()));
    let given =
        |name: &str, fixed: Vec<Type>, rest| (name.to_owned(), Signature { fixed: fixed.into(), rest });
    let builtins = BUILTINS.iter().map(|(name, fixed, rest)| given(name, fixed.to_vec(), *rest));
    let own = OWN.iter().map(|(name, texts)| match texts {
        0 => given(name, vec![Type::Any], None),
        texts => given(name, vec![Type::Str; *texts], None),
    });
    sprig.chain(builtins).chain(own).collect()
}

/// Calls of a function with arguments of a shape, a million times.
fn called(name: &str, signature: &Signature, (shape, any, text): (&str, &str, &str)) -> Case {
    let argument = |wanted: &Type| match wanted {
        Type::Any | Type::Raw => any.to_owned(),
        Type::Bool => "true".to_owned(),
        Type::Int | Type::Int64 | Type::Uint32 | Type::Float if shape == "small" => "3".to_owned(),
        Type::Int | Type::Int64 | Type::Uint32 | Type::Float => "1000".to_owned(),
        Type::Str => text.to_owned(),
        Type::Dict if shape == "shared dict" => "$sharing".to_owned(),
        Type::Dict => "$dict".to_owned(),
        Type::List if shape == "shared list" => "$shared".to_owned(),
        Type::List => "$list".to_owned(),
        Type::Named("sprig.HashAlgorithm") => "\"bcrypt\"".to_owned(),
        Type::Named("time.Time") => "now".to_owned(),
        Type::Named("sprig.certificate") => "$ca".to_owned(),
        Type::Named(_) => "nil".to_owned(),
    };
    let mut arguments: Vec<String> = signature.fixed.iter().map(argument).collect();
    arguments.extend(signature.rest.iter().flat_map(|rest| [argument(rest), argument(rest)]));
    match name {
        "fail" | "index" if shape != "small" => arguments.truncate(1),
        name if name.to_lowercase().contains("regex") && shape != "small" => {
            if let Some(pattern) = arguments.first_mut() {
                *pattern = "\"(a+)(b*)|[0-9]{1,20}\"".to_owned();
            }
        }
        _ => {}
    }
    let authority = if arguments.iter().any(|it| it == "$ca") { "{{ $ca := genCA \"a\" 1 }}" } else { "" };
    let call = format!("{name} {}", arguments.join(" "));
    let text = format!("{VALUES}{authority}{{{{ range $i := 1000000 }}}}{{{{ $_ := {call} }}}}{{{{ end }}}}");
    Case::template(format!("{name}, {shape}"), text)
}

fn cases(shapes: &[(&'static str, &'static str, &'static str)]) -> Vec<Case> {
    let signatures = signatures();
    let of = |shape| signatures.iter().map(move |(name, signature)| called(name, signature, shape));
    shapes.iter().flat_map(|shape| of(*shape)).collect()
}

/// The rest of these functions is in `make soak`; here are those shapes that cost most.
#[test]
fn no_function_takes_more_than_it_pays_for() {
    let shapes = if cfg!(debug_assertions) { &SHAPES[4..6] } else { &SHAPES[..] };
    hold(cases(shapes), fewer(10, 80));
}

#[test]
fn every_function_is_tried() {
    let tried: Vec<String> = signatures().into_iter().map(|(name, _)| name).collect();
    for name in ["env", "expandenv", "getHostByName"] {
        assert!(!tried.contains(&name.to_owned()));
    }
    assert!(tried.len() > 240, "{}", tried.len());
}
