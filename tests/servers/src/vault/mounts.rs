//! Mounts: what stands at a path of a namespace.

use super::{
    CallClass,
    auth::Method,
    ids,
    json::Json,
    kv::{v1, v2},
};
use std::collections::BTreeMap;

/// The version that a builtin engine of OpenBao 2.6.2 reports.
pub(crate) const RUNNING: &str = "v2.6.2+builtin.bao";

/// A mount, of a namespace's own making or the server's.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) engine: Engine,
    pub(crate) kind: String,
    pub(crate) accessor: String,
    uuid: String,
    description: String,
    options: Option<BTreeMap<String, String>>,
    /// Keys of requests and responses whose strings the audit log does not hash.
    pub(crate) clear_requests: Vec<String>,
    pub(crate) clear_responses: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Engine {
    V1(v1::Store),
    V2(v2::Store),
    System,
    Token,
    Login(Method),
    /// Listed, but not served: cubbyhole and identity.
    Listed,
}

impl Mount {
    pub(crate) fn kv(version: u8, description: &str) -> Self {
        let engine =
            if version == 2 { Engine::V2(v2::Store::default()) } else { Engine::V1(v1::Store::default()) };
        let options = BTreeMap::from([("version".to_owned(), version.to_string())]);
        Self { options: Some(options), ..Self::new(engine, "kv", "kv", description) }
    }

    pub(crate) fn login(method: Method, kind: &str) -> Self {
        Self::new(Engine::Login(method), kind, &format!("auth_{kind}"), "")
    }

    /// What every namespace has from the beginning, by path. Below the root, the types have names of their own.
    pub(crate) fn standard(root: bool) -> BTreeMap<String, Self> {
        [
            (
                "sys/",
                Engine::System,
                "system",
                "system",
                "system endpoints used for control, policy and debugging",
            ),
            ("identity/", Engine::Listed, "identity", "identity", "identity store"),
            ("cubbyhole/", Engine::Listed, "cubbyhole", "cubbyhole", "per-token private secret storage"),
            ("auth/token/", Engine::Token, "token", "auth_token", "token based credentials"),
        ]
        .into_iter()
        .map(|(path, engine, kind, handle, description)| {
            let kind = if root { kind.to_owned() } else { format!("ns_{kind}") };
            (path.to_owned(), Self::new(engine, &kind, handle, description))
        })
        .collect()
    }

    fn new(engine: Engine, kind: &str, handle: &str, description: &str) -> Self {
        Self {
            engine,
            kind: kind.to_owned(),
            accessor: ids::accessor(handle),
            uuid: ids::uuid(),
            description: description.to_owned(),
            options: None,
            clear_requests: Vec::new(),
            clear_responses: Vec::new(),
        }
    }

    /// What `sys/mounts` and `sys/auth` say of it.
    pub(crate) fn describe(&self) -> Json {
        let mut config = vec![
            ("default_lease_ttl", Json::from(0)),
            ("force_no_cache", Json::from(false)),
            ("max_lease_ttl", Json::from(0)),
        ];
        if matches!(self.engine, Engine::Token | Engine::Login(_)) {
            config.push(("token_type", Json::from("default-service")));
        }
        for (name, keys) in [
            ("audit_non_hmac_request_keys", &self.clear_requests),
            ("audit_non_hmac_response_keys", &self.clear_responses),
        ] {
            if !keys.is_empty() {
                config.push((name, Json::Array(keys.iter().map(|key| Json::from(key.as_str())).collect())));
            }
        }
        let options = self.options.as_ref().map_or(Json::Null, |options| {
            Json::Object(
                options.iter().map(|(key, value)| (key.clone(), Json::from(value.as_str()))).collect(),
            )
        });
        let mut described = vec![
            ("accessor", Json::from(self.accessor.as_str())),
            ("config", Json::object(config)),
            ("description", Json::from(self.description.as_str())),
            ("external_entropy_access", Json::from(false)),
            ("local", Json::from(self.kind.ends_with("cubbyhole"))),
            ("options", options),
            ("plugin_version", Json::from("")),
            ("running_plugin_version", Json::from(RUNNING)),
            ("running_sha256", Json::from("")),
            ("seal_wrap", Json::from(matches!(self.engine, Engine::System))),
            ("type", Json::from(self.kind.as_str())),
            ("uuid", Json::from(self.uuid.as_str())),
        ];
        if matches!(self.engine, Engine::V1(_) | Engine::V2(_) | Engine::Login(_)) {
            described.push(("deprecation_status", Json::from("supported")));
        }
        Json::object(described)
    }

    /// What a path below the mount is for.
    pub(crate) fn class_of(&self, below: &str) -> CallClass {
        let folder = below.split('/').next().unwrap_or_default();
        match (&self.engine, folder) {
            (Engine::Login(_), "login") => CallClass::Login,
            (Engine::Token, _) => CallClass::Token,
            (Engine::System, _) => CallClass::System,
            (Engine::V1(_), _) => CallClass::V1,
            (Engine::V2(_), "data") => CallClass::Data,
            (Engine::V2(_), "metadata") => CallClass::Metadata,
            (Engine::V2(_), "delete" | "undelete" | "destroy") => CallClass::Versions,
            _ => CallClass::Other,
        }
    }

    /// `secret` or `auth`, as the audit log calls it.
    pub(crate) fn class(&self) -> &'static str {
        match self.engine {
            Engine::Token | Engine::Login(_) => "auth",
            _ => "secret",
        }
    }
}
