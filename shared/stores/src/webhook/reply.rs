//! What an answer means. Source: ESO's webhook provider, version 2.9.

use crate::kit::{Call, Reply};
use pawl_domain::render::{Budget, NoAnswer, answered, answered_members};
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use std::collections::BTreeMap;

/// What was answered, where the server took the request.
///
/// # Errors
/// What its status means. `NotFound` for 404, as in ESO, and for nothing else.
pub(super) fn body(call: &Call<'_>, mut reply: Reply) -> Result<SecretValue, Error> {
    match reply.status.is_success() {
        true => Ok(SecretValue::new(std::mem::take(&mut *reply.body))),
        false => Err(reply.failure(refused(call, &reply))),
    }
}

/// The value that a path leads to.
///
/// # Errors
/// Why there is none, in words that quote neither path nor answer.
pub(super) fn value(path: &SecretValue, body: &SecretValue) -> Result<SecretValue, (Kind, String)> {
    let Some(path) = path.expose_str() else {
        return Err((Kind::Invalid, "result.jsonPath: it is not text; correct it".to_owned()));
    };
    answered(path, body, &mut Budget::default()).map_err(wrong)
}

/// The values that a generator makes of an answer.
///
/// # Errors
/// As for [`value`].
pub(super) fn values(
    path: &str,
    body: &SecretValue,
) -> Result<BTreeMap<String, SecretValue>, (Kind, String)> {
    answered_members(path, body, &mut Budget::default()).map_err(wrong)
}

fn wrong(error: NoAnswer) -> (Kind, String) {
    // A proxy may have answered for a moment.
    let kind = if matches!(error, NoAnswer::NotJson(_)) { Kind::Transient } else { Kind::Invalid };
    (kind, format!("result.jsonPath: {error}; correct it, or what the server answers"))
}

/// Whether the server does not take the credentials.
pub(super) fn is_of_proof(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    match reply.status.as_u16() {
        401 => {
            let message =
                format!("{call}: the credentials were refused; check secrets and headers of the manifest");
            Error::new(Step::Authenticate, Kind::Denied, message)
        }
        403 => call.error(Kind::Denied, "access denied; check the rights of the credentials"),
        404 => call.missing(),
        408 | 425 => call.error(Kind::Transient, "the server asks to be asked again"),
        429 => call.error(Kind::Throttled, "throttled"),
        304 => call.error(Kind::Transient, "the server says that nothing changed, which was not asked"),
        300..=399 => call.redirected(),
        status @ 500.. => call.error(Kind::Transient, format_args!("the server failed with {status}")),
        status => call.error(Kind::Invalid, format_args!("not accepted with {status}")),
    }
}
