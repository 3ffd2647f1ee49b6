//! What is known of a call on its way.

use super::{audit, call::Call, clock, json::Json, mounts::RUNNING, tokens::Token};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// What is known of a call, for the engines and for the audit log.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// With a slash at its end, or empty.
    pub(crate) namespace: String,
    pub(crate) namespace_id: String,
    /// The mount's path in its namespace, empty when there is none.
    pub(crate) mount: String,
    pub(crate) kind: String,
    pub(super) accessor: String,
    pub(crate) class: &'static str,
    pub(super) clear_requests: Vec<String>,
    pub(super) clear_responses: Vec<String>,
    /// Whether the path needs no token.
    pub(super) open: bool,
    /// Whether the mount was asked anything: from then on records show its accessor.
    pub(super) reached: bool,
    pub(crate) auth: audit::Auth,
    pub(super) client_id: String,
    pub(super) token_accessor: String,
    /// Whether the token is gone when the call is done.
    pub(super) last_use: bool,
}

impl Visit {
    /// The request's part of a record.
    pub(crate) fn request(&self, call: &Call) -> audit::Request {
        let mounted = !self.mount.is_empty();
        audit::Request {
            id: call.id.clone(),
            client_id: self.client_id.clone(),
            operation: call.operation.name(),
            mount_point: if mounted { format!("{}{}", self.namespace, self.mount) } else { String::new() },
            mount_type: self.kind.clone(),
            mount_accessor: if self.reached { self.accessor.clone() } else { String::new() },
            mount_running_version: if mounted { RUNNING } else { "" },
            mount_class: self.class,
            client_token: call.token.clone(),
            client_token_accessor: self.token_accessor.clone(),
            namespace: audit::Namespace { id: self.namespace_id.clone(), path: self.namespace.clone() },
            path: call.path.clone(),
            data: (!call.data.is_empty()).then(|| Json::Object(call.data.clone())),
            remote_address: call.peer.address.ip().to_string(),
            remote_port: call.peer.address.port(),
            wrap_ttl: call.wrap_ttl,
            clear_keys: self.clear_requests.clone(),
        }
    }

    /// The response's part of a record, still without an answer.
    pub(crate) fn response(&self, request: &audit::Request) -> audit::Response {
        audit::Response {
            mount_point: request.mount_point.clone(),
            mount_type: request.mount_type.clone(),
            mount_accessor: request.mount_accessor.clone(),
            mount_running_plugin_version: request.mount_running_version,
            mount_class: request.mount_class,
            clear_keys: self.clear_responses.clone(),
            ..audit::Response::default()
        }
    }
}

/// The record of a caller without a token that holds.
pub(super) fn nobody() -> audit::Auth {
    audit::Auth { token_type: "default", ..audit::Auth::default() }
}

/// The record of a token's owner.
pub(super) fn described(token: &Token) -> audit::Auth {
    audit::Auth {
        client_token: token.id.clone(),
        accessor: token.accessor.clone(),
        display_name: token.made.display_name.clone(),
        policies: token.made.policies.clone(),
        token_policies: token.made.policies.clone(),
        metadata: token.made.metadata.clone().unwrap_or_default(),
        remaining_uses: token.made.uses,
        entity_id: token.made.entity.clone(),
        token_type: token.kind(),
        token_ttl: token.made.ttl,
        token_issue_time: clock::whole_seconds(token.created).to_string(),
        ..audit::Auth::default()
    }
}

/// The entity, or for tokens without one something that tokens with the same policies share.
pub(super) fn client_id(token: &Token) -> String {
    match token.made.entity.as_str() {
        "" => {
            use sha2::Digest as _;
            BASE64_STANDARD.encode(sha2::Sha256::digest(token.made.policies.join(",")))
        }
        entity => entity.to_owned(),
    }
}
