//! From what an engine says to the audit log.

use super::{
    answer::body,
    audit,
    call::Call,
    clock,
    json::{Json, encode},
    reply::{Grant, Outcome, Response, ignored},
    visit::Visit,
};

/// The response's part of the record, and its error. A login's record shows the token that was made as the caller's own.
pub(crate) fn logged(call: &Call, visit: &mut Visit, outcome: &Outcome) -> (audit::Response, Option<String>) {
    let mut logged = visit.response(&visit.request(call));
    match outcome {
        Ok(None) => (logged, None),
        Ok(Some(response)) => {
            logged.warnings.clone_from(&response.warnings);
            logged.secret = response.lease.map(|_| audit::Lease {});
            logged.data = match response.status {
                None => {
                    response.data.clone().filter(|data| data.as_object().is_none_or(|data| !data.is_empty()))
                }
                Some(status) => Some(raw(call, response, status)),
            };
            logged.wrap_info = response.wrapped.as_ref().map(|wrapped| audit::WrapInfo {
                ttl: wrapped.ttl,
                token: wrapped.token.clone(),
                accessor: wrapped.accessor.clone(),
                creation_time: wrapped.created.clone(),
                creation_path: wrapped.path.clone(),
            });
            if let Some(grant) = &response.auth {
                let auth = granted(grant);
                if visit.class == "auth" && call.token.is_empty() {
                    visit.auth = audit::Auth { entity_created: grant.entity_created, ..auth.clone() };
                }
                logged.auth = Some(auth);
            }
            if response.status.is_some() {
                logged.warnings.clear();
            }
            if response.ignores_data {
                logged.warnings.extend(ignored(call.data.keys()));
            }
            (logged, None)
        }
        Err(refusal) => {
            if refusal.in_data {
                let message = refusal.message.as_deref().unwrap_or_default();
                logged.data = Some(Json::object([("error", Json::from(message))]));
            }
            if refusal.login {
                visit.auth.policy_results = None;
            }
            if refusal.ignores_data {
                logged.warnings.extend(ignored(call.data.keys()));
            }
            (logged, refusal.error.clone())
        }
    }
}

/// An answer with a status of its own is recorded as one string.
fn raw(call: &Call, response: &Response, status: u16) -> Json {
    let mut data = vec![
        ("http_content_type", Json::from("application/json")),
        ("http_status_code", Json::from(u64::from(status))),
    ];
    if !response.bodiless {
        data.push(("http_raw_body", Json::from(encode(&body(call, response.clone())))));
    }
    Json::object(data)
}

fn granted(grant: &Grant) -> audit::Auth {
    audit::Auth {
        client_token: grant.token.clone(),
        accessor: grant.accessor.clone(),
        display_name: grant.display_name.clone(),
        policies: grant.policies.clone(),
        token_policies: grant.policies.clone(),
        policy_results: None,
        metadata: grant.metadata.clone().unwrap_or_default(),
        entity_id: grant.entity.clone(),
        token_type: if grant.batch { "batch" } else { "service" },
        num_uses: grant.uses,
        token_ttl: grant.ttl,
        token_issue_time: grant.issued.map(|time| clock::whole_seconds(time).to_string()).unwrap_or_default(),
        ..audit::Auth::default()
    }
}
