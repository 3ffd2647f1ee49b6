use super::{Answered, Login, Method, Result};
use crate::vault::{
    call::{Operation, field},
    ids,
    json::Json,
    kv::Ask,
    reply::{Refusal, Response},
};
use std::collections::{BTreeMap, BTreeSet};

/// The ids of roles and the secret ids that go with them, by the role's name.
#[derive(Debug, Default)]
pub(super) struct Ids {
    roles: BTreeMap<String, String>,
    secrets: BTreeMap<String, BTreeSet<String>>,
}

impl Method {
    /// `role/<name>/role-id` and `role/<name>/secret-id`.
    pub(super) fn approle_id(&mut self, name: &str, what: &str, ask: &Ask<'_>) -> Result {
        if !self.roles.contains_key(name) {
            return match ask.operation {
                Operation::Read => Ok(Answered::said(None)),
                _ => Err(Refusal::invalid(format!("role {name:?} does not exist"))),
            };
        }
        let id = self.approle.roles.entry(name.to_owned()).or_insert_with(ids::uuid);
        match (what, ask.operation) {
            ("role-id", Operation::Read) => {
                let data = Json::object([("role_id", Json::from(id.as_str()))]);
                Ok(Answered::said(Some(Response::data(data))))
            }
            ("role-id", operation) if operation.is_write() => {
                field(ask.data, "role_id").clone_into(id);
                Ok(Answered::said(None))
            }
            ("secret-id" | "custom-secret-id", operation) if operation.is_write() => {
                let secret = match field(ask.data, "secret_id") {
                    "" => ids::uuid(),
                    own => own.to_owned(),
                };
                self.approle.secrets.entry(name.to_owned()).or_default().insert(secret.clone());
                Ok(Answered::said(Some(Response::data(Json::object([
                    ("secret_id", Json::from(secret)),
                    ("secret_id_accessor", Json::from(ids::uuid())),
                    ("secret_id_num_uses", Json::from(0)),
                    ("secret_id_ttl", Json::from(0)),
                ])))))
            }
            _ => Err(Refusal::unsupported_path()),
        }
    }

    pub(super) fn approle_login(&self, ask: &Ask<'_>) -> Result {
        const COMPLAINT: &str = "invalid role or secret ID";
        let (role_id, secret_id) = (field(ask.data, "role_id"), field(ask.data, "secret_id"));
        if role_id.is_empty() {
            return Err(Refusal::login(500, "missing role_id", "missing role_id"));
        }
        let unknown = || Refusal::said(COMPLAINT);
        let (name, _) = self.approle.roles.iter().find(|(_, id)| *id == role_id).ok_or_else(unknown)?;
        let role = self.roles.get(name).ok_or_else(unknown)?;
        if role.data.get("bind_secret_id") != Some(&Json::Bool(false)) {
            if secret_id.is_empty() {
                return Err(Refusal::said("missing secret_id"));
            }
            if !self.approle.secrets.get(name).is_some_and(|secrets| secrets.contains(secret_id)) {
                return Err(Refusal::login(400, COMPLAINT, "invalid credentials"));
            }
        }
        Ok(Answered::login(Login {
            name: None,
            metadata: BTreeMap::from([("role_name".to_owned(), name.clone())]),
            role: role.token(),
            alias: role_id.to_owned(),
        }))
    }
}
