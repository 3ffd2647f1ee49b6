use super::{Answered, Kind, Login, Method, Result};
use crate::vault::{call::field, kv::Ask, reply::Refusal};
use std::collections::BTreeMap;

impl Method {
    /// `login/<user>` of userpass and ldap. The directory that ldap would ask is the users' own `password` field here.
    pub(super) fn password_login(&self, ask: &Ask<'_>) -> Result {
        let name = ask.path.strip_prefix("login/").unwrap_or_default();
        let password = field(ask.data, "password");
        let complaint = match self.kind {
            Kind::Ldap => "ldap operation failed: failed to bind as user",
            _ => "invalid username or password",
        };
        if password.is_empty() {
            return Err(Refusal {
                login: false,
                ..Refusal::login(500, "missing password", "missing password")
            });
        }
        let user = self.roles.get(name).ok_or_else(|| Refusal::said(complaint))?;
        if user.text("password") != password {
            return Err(Refusal::login(400, complaint, "invalid credentials"));
        }
        Ok(Answered::login(Login {
            name: Some(name.to_owned()),
            metadata: BTreeMap::from([("username".to_owned(), name.to_owned())]),
            role: user.token(),
            alias: name.to_owned(),
        }))
    }
}
