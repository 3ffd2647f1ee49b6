//! From the bytes of a request to what they say, with the real server's complaints.

use serde_json::{Value, json};

use crate::convert;
use crate::kinds::Kind;
use crate::patch::Patch;
use crate::protobuf;
use crate::route::Query;
use crate::status::{Answer, Cause, Failure, quoted};
use crate::store::text;
use crate::validate::{self, Misfit};

/// The longest `fieldManager`.
const MANAGER_LIMIT: usize = 128;

/// The object of a POST or PUT, in its stored form.
///
/// # Errors
/// 400, 415 or 422.
pub(crate) fn object(
    kind: &Kind,
    version: &str,
    content_type: &str,
    query: &Query,
    bytes: &[u8],
) -> Answer<Value> {
    let body = parse(content_type, bytes).map_err(|why| match why {
        Some(why) => unrecognized(kind, &why, bytes),
        None => Failure::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf",
            None,
        ),
    })?;
    if !body.is_object() {
        let why = "json: cannot unmarshal into Go value of type struct { APIVersion string; Kind string }";
        return Err(unrecognized(kind, why, bytes));
    }
    let unknown = if kind.custom { Vec::new() } else { validate::unknown_fields(kind, &body) };
    if query.get("fieldValidation") == "Strict" && !unknown.is_empty() {
        let named: Vec<String> =
            unknown.iter().map(|field| format!("unknown field {}", quoted(field))).collect();
        return Err(unhandled(kind, version, &format!("strict decoding error: {}", named.join(", "))));
    }
    stored(kind, version, body, bytes)
}

/// The stored form of a parsed body; `bytes` is what it was parsed from, for the complaints.
///
/// # Errors
/// 400 or 422.
pub(crate) fn stored(kind: &Kind, version: &str, body: Value, bytes: &[u8]) -> Answer<Value> {
    check_type(kind, version, &body, bytes)?;
    let object = convert::to_stored(kind, body);
    validate::typed(kind, object).map_err(|misfit| misfit_of(kind, version, &misfit))
}

/// Any JSON or YAML object, for reviews and options; an empty body is an empty object.
///
/// # Errors
/// 400.
pub(crate) fn loose(content_type: &str, bytes: &[u8]) -> Answer<Value> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    parse(content_type, bytes).map_err(|why| Failure::bad_request(why.unwrap_or_default()))
}

/// The body of a PATCH.
///
/// # Errors
/// 400, 415 or 500.
pub(crate) fn patch(kind: &Kind, content_type: &str, bytes: &[u8]) -> Answer<Patch> {
    let invalid = || Failure::bad_request(format!("error decoding patch: {}", no_json(bytes)));
    match media_type(content_type) {
        "application/json-patch+json" => serde_json::from_slice(bytes).map(Patch::Json).map_err(|_| {
            let why = "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp";
            Failure::bad_request(format!("error decoding patch: {why}"))
        }),
        "application/merge-patch+json" => {
            serde_json::from_slice(bytes).map(Patch::Merge).map_err(|_| invalid())
        }
        "application/strategic-merge-patch+json" if !kind.custom => {
            serde_json::from_slice(bytes).map(Patch::Strategic).map_err(|_| invalid())
        }
        "application/apply-patch+yaml" => {
            let config = parse("application/yaml", bytes).map_err(|why| {
                Failure::bad_request(format!("error decoding YAML: {}", why.unwrap_or_default()))
            })?;
            Ok(Patch::Apply(config))
        }
        _ => Err(Failure::unsupported_media_type(Some(kind))),
    }
}

/// What Go says of bytes that are no JSON, as far as it concerns how an object begins.
fn no_json(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.trim_start().strip_prefix('{').map(|rest| rest.trim_start().chars().next()) {
        Some(Some(odd)) if !matches!(odd, '"' | '}') => {
            format!("invalid character '{odd}' looking for beginning of object key string")
        }
        _ => "unexpected end of JSON input".to_owned(),
    }
}

/// What `fieldValidation` may be.
const VALIDATIONS: [&str; 4] = ["", "Ignore", "Strict", "Warn"];

/// Checks `dryRun`, `fieldValidation` and `fieldManager`; `options` is the type that the real server reads them into.
///
/// # Errors
/// 422.
pub(crate) fn check_options(options: &str, query: &Query, apply: bool) -> Answer<()> {
    let mut causes = Vec::new();
    if apply && query.get("fieldManager").is_empty() {
        causes.push(Cause::required("fieldManager", "is required for apply patch"));
    }
    if !apply && query.flag("force") {
        causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
    }
    if query.get("fieldManager").len() > MANAGER_LIMIT {
        causes.push(Cause::too_long("fieldManager", MANAGER_LIMIT));
    }
    let dry_run = query.all("dryRun");
    if dry_run.iter().any(|value| *value != "All") {
        let values: Vec<String> = dry_run.iter().map(|value| quoted(value)).collect();
        causes.push(Cause::not_supported("dryRun", &format!("[{}]", values.join(", ")), &["All"]));
    }
    let validation = query.get("fieldValidation");
    if !VALIDATIONS.contains(&validation) {
        causes.push(Cause::not_supported("fieldValidation", &quoted(validation), &VALIDATIONS));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", options, "", &causes)) }
}

/// The manager that a write is recorded under: `fieldManager`, or the user agent up to its first slash.
pub(crate) fn manager(query: &Query, user_agent: &str) -> String {
    let given = match query.get("fieldManager") {
        "" => user_agent.split('/').next().unwrap_or_default(),
        given => given,
    };
    let printable: String = given.chars().filter(|c| !c.is_control()).take(MANAGER_LIMIT).collect();
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}

fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// `Err(None)` is an unknown media type.
fn parse(content_type: &str, bytes: &[u8]) -> Result<Value, Option<String>> {
    match media_type(content_type) {
        "" | "application/json" => serde_json::from_slice(bytes).map_err(|why| Some(why.to_string())),
        "application/vnd.kubernetes.protobuf" => {
            protobuf::decode(bytes).ok_or_else(|| Some("the protobuf body cannot be read".to_owned()))
        }
        // Most YAML sent here is JSON.
        "application/yaml" => serde_json::from_slice(bytes).or_else(|_| {
            let text = str::from_utf8(bytes).map_err(|why| Some(why.to_string()))?;
            serde_saphyr::from_str(text).map_err(|why| Some(why.to_string()))
        }),
        _ => Err(None),
    }
}

fn unrecognized(kind: &Kind, why: &str, bytes: &[u8]) -> Failure {
    Failure::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {why} \
         ({})",
        kind.kind,
        excerpt(bytes, 0, 100),
    ))
}

fn check_type(kind: &Kind, version: &str, body: &Value, bytes: &[u8]) -> Answer<()> {
    let (given_version, given_kind) = (text(body, "/apiVersion"), text(body, "/kind"));
    let expected = kind.api_version(version);
    if kind.custom {
        if given_kind.is_empty() {
            return Err(Failure::bad_request(format!(
                "{0} in version {1} cannot be handled as a {0}: unmarshalerDecoder: Object 'Kind' is missing in '{2}'",
                kind.kind,
                quoted(version),
                excerpt(bytes, 0, 200),
            )));
        }
        if given_version != expected {
            return Err(wrong_version(given_version, &expected));
        }
        if given_kind != kind.kind {
            let why = format!("must be {}", kind.kind);
            let cause = Cause::invalid("kind", &quoted(given_kind), &why);
            return Err(Failure::invalid(kind.group, given_kind, text(body, "/metadata/name"), &[cause]));
        }
        return Ok(());
    }
    let version_fits = given_version.is_empty() || given_version == expected;
    if version_fits && (given_kind.is_empty() || given_kind == kind.kind) {
        return Ok(());
    }
    match Kind::of(given_version, given_kind) {
        Some(other) if other.kind == kind.kind => Err(wrong_version(given_version, &expected)),
        Some(_) => {
            let version = quoted(given_version);
            Err(Failure::bad_request(format!(
                "{given_kind} in version {version} cannot be handled as a {0}: converting (v1.{given_kind}) to \
                 (core.{0}): unknown conversion",
                kind.kind
            )))
        }
        None => Err(Failure::bad_request(format!(
            "{given_kind} in version {1} cannot be handled as a {0}: no kind {2} is registered for version {1} in \
             scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
            kind.kind,
            quoted(given_version),
            quoted(given_kind),
        ))),
    }
}

fn wrong_version(given: &str, expected: &str) -> Failure {
    Failure::bad_request(format!(
        "the API version in the data ({given}) does not match the expected API version ({expected})"
    ))
}

fn misfit_of(kind: &Kind, version: &str, misfit: &Misfit) -> Failure {
    unhandled(kind, version, &misfit.of_go())
}

fn unhandled(kind: &Kind, version: &str, why: &str) -> Failure {
    Failure::bad_request(format!(
        "{0} in version {1} cannot be handled as a {0}: {why}",
        kind.kind,
        quoted(version)
    ))
}

fn excerpt(bytes: &[u8], start: usize, len: usize) -> String {
    let end = bytes.len().min(start + len);
    String::from_utf8_lossy(&bytes[start.min(end)..end]).into_owned()
}
