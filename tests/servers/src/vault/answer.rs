//! From what an engine says to HTTP.

use super::{
    call::{Call, Operation},
    json::{Json, Object, encode},
    reply::{Outcome, Refusal, Response},
};

/// An answer before it is HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What is answered without a token, a namespace and an audit record.
pub(crate) fn unaudited(call: &Call, now: jiff::Timestamp) -> Option<Answer> {
    let body = match call.path.as_str() {
        "sys/health" => Json::object([
            ("initialized", Json::from(true)),
            ("sealed", Json::from(false)),
            ("standby", Json::from(false)),
            ("replication_performance_mode", Json::from("disabled")),
            ("replication_dr_mode", Json::from("disabled")),
            ("server_time_utc", Json::Number(now.as_second().to_string())),
            ("version", Json::from("2.6.2")),
            ("cluster_name", Json::from("vault-cluster-double")),
            ("cluster_id", Json::from("00000000-0000-0000-0000-000000000000")),
        ]),
        "sys/seal-status" => Json::object([
            ("type", Json::from("shamir")),
            ("initialized", Json::from(true)),
            ("sealed", Json::from(false)),
            ("t", Json::from(1)),
            ("n", Json::from(1)),
            ("progress", Json::from(0)),
            ("version", Json::from("2.6.2")),
        ]),
        "sys/leader" => Json::object([("ha_enabled", Json::from(false))]),
        _ => return None,
    };
    Some(Answer { status: 200, body: encode(&body) })
}

pub(crate) fn answered(call: &Call, outcome: Outcome) -> Answer {
    let nothing =
        |status| Answer { status, body: encode(&Json::object([("errors", Json::Array(Vec::new()))])) };
    match outcome {
        Err(refusal) => refused(&refusal),
        Ok(None) if matches!(call.operation, Operation::Read | Operation::List) => nothing(404),
        Ok(None) => Answer { status: 204, body: String::new() },
        Ok(Some(response)) => {
            let empty = response.data.as_ref().and_then(Json::as_object).is_none_or(Object::is_empty);
            let listless =
                call.operation == Operation::List && response.status.is_none() && response.wrapped.is_none();
            if listless && empty {
                return nothing(404);
            }
            let status = response.status.unwrap_or(200);
            let body = if response.bodiless { String::new() } else { encode(&body(call, response)) };
            Answer { status, body }
        }
    }
}

/// The body of an answer that is no refusal.
pub(crate) fn body(call: &Call, response: Response) -> Json {
    let texts = |texts: &[String]| Json::Array(texts.iter().map(|text| Json::from(text.as_str())).collect());
    let auth = response.auth.map_or(Json::Null, |grant| {
        let metadata = grant.metadata.map_or(Json::Null, |metadata| {
            Json::Object(metadata.into_iter().map(|(key, value)| (key, Json::from(value))).collect())
        });
        Json::object([
            ("client_token", Json::from(grant.token)),
            ("accessor", Json::from(grant.accessor)),
            ("policies", texts(&grant.policies)),
            ("token_policies", texts(&grant.policies)),
            ("metadata", metadata),
            ("lease_duration", Json::from(grant.ttl)),
            ("renewable", Json::from(grant.renewable)),
            ("entity_id", Json::from(grant.entity)),
            ("token_type", Json::from(if grant.batch { "batch" } else { "service" })),
            ("orphan", Json::from(grant.orphan)),
            ("mfa_requirement", Json::Null),
            ("num_uses", Json::from(grant.uses)),
        ])
    });
    let wrapping = response.wrapped.is_some();
    let wrap_info = response.wrapped.map_or(Json::Null, |wrapped| {
        Json::object([
            ("token", Json::from(wrapped.token)),
            ("accessor", Json::from(wrapped.accessor)),
            ("ttl", Json::from(wrapped.ttl)),
            ("creation_time", Json::from(wrapped.created)),
            ("creation_path", Json::from(wrapped.path)),
        ])
    });
    let warnings = if response.warnings.is_empty() { Json::Null } else { texts(&response.warnings) };
    let mut whole = Object::new();
    if let Some(Json::Object(data)) = response.data.as_ref().filter(|_| response.injected) {
        whole.clone_from(data);
    }
    let usual = Json::object([
        ("request_id", Json::from(if wrapping { "" } else { call.id.as_str() })),
        ("lease_id", Json::from("")),
        ("renewable", Json::from(false)),
        ("lease_duration", Json::from(response.lease.unwrap_or_default())),
        ("data", response.data.unwrap_or(Json::Null)),
        ("wrap_info", wrap_info),
        ("warnings", warnings),
        ("auth", auth),
    ]);
    if let Json::Object(usual) = usual {
        whole.extend(usual);
    }
    Json::Object(whole)
}

pub(crate) fn refused(refusal: &Refusal) -> Answer {
    let errors = refusal.message.iter().map(|message| Json::from(message.as_str())).collect();
    let body = encode(&Json::object([("errors", Json::Array(errors))]));
    Answer { status: refusal.status, body }
}
