//! Logins with a token of another authority: jwt, kubernetes, gcp.

use super::{Answered, Login, Method, Result, claims::Claims, role::Role};
use crate::vault::{call::field, kv::Ask, reply::Refusal};
use std::collections::BTreeMap;

impl Method {
    /// A role of the `jwt` type.
    pub(super) fn jwt_login(&self, ask: &Ask<'_>) -> Result {
        let name = match field(ask.data, "role") {
            "" => field(&self.config, "default_role"),
            name => name,
        };
        if name.is_empty() {
            return Err(Refusal::said("missing role"));
        }
        let role =
            self.roles.get(name).ok_or_else(|| Refusal::said(format!("role {name:?} could not be found")))?;
        let token = field(ask.data, "jwt");
        if token.is_empty() {
            return Err(Refusal::said("missing token"));
        }
        let claims = Claims::read(token, ask.now)?;
        let bound = role.texts("bound_audiences");
        let audiences = claims.audiences();
        if bound.is_empty() && !audiences.is_empty() {
            return Err(Refusal::said("audience claim found in JWT but no audiences bound to the role"));
        }
        if !bound.is_empty() && !bound.iter().any(|bound| audiences.contains(bound)) {
            return Err(Refusal::said(
                "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience",
            ));
        }
        let subject = role.text("bound_subject");
        if !subject.is_empty() && subject != claims.text(&["sub"]) {
            return Err(Refusal::said("error validating token: invalid subject (sub) claim"));
        }
        let claim = role.text("user_claim");
        let user = claims.text(&[claim]);
        if user.is_empty() {
            return Err(Refusal::said(format!("claim {claim:?} not found in token")));
        }
        Ok(accepted(Some(user), role, user, &[("role", name)]))
    }

    /// A service account's token.
    pub(super) fn kubernetes_login(&self, ask: &Ask<'_>) -> Result {
        let (name, token) = (field(ask.data, "role"), field(ask.data, "jwt"));
        if name.is_empty() || token.is_empty() {
            let missing = if name.is_empty() { "missing role" } else { "missing jwt" };
            return Err(Refusal::said(missing));
        }
        let role =
            self.roles.get(name).ok_or_else(|| Refusal::said(format!("invalid role name {name:?}")))?;
        let denied = |why: &str| Refusal::login(403, why, why);
        let claims = Claims::read(token, ask.now).map_err(|_| denied("permission denied"))?;
        let subject: Vec<&str> = claims.text(&["sub"]).split(':').collect();
        let ["system", "serviceaccount", namespace, account] = subject[..] else {
            return Err(denied("permission denied"));
        };
        let audience = role.text("audience");
        if !audience.is_empty() && !claims.audiences().iter().any(|found| found == audience) {
            return Err(denied("permission denied"));
        }
        let bound =
            |list: &str, found: &str| role.texts(list).iter().any(|bound| bound == "*" || bound == found);
        if !bound("bound_service_account_names", account) {
            return Err(denied("service account name not authorized"));
        }
        if !bound("bound_service_account_namespaces", namespace) {
            return Err(denied("namespace not authorized"));
        }
        let uid = claims.text(&["kubernetes.io", "serviceaccount", "uid"]);
        let metadata = [
            ("role", name),
            ("service_account_name", account),
            ("service_account_namespace", namespace),
            ("service_account_secret_name", ""),
            ("service_account_uid", uid),
        ];
        Ok(accepted(
            Some(&format!("{namespace}-{account}")),
            role,
            &format!("{namespace}/{account}"),
            &metadata,
        ))
    }

    /// A Google service account's signed token.
    pub(super) fn gcp_login(&self, ask: &Ask<'_>) -> Result {
        let (name, token) = (field(ask.data, "role"), field(ask.data, "jwt"));
        let role = self.roles.get(name).ok_or_else(|| Refusal::said(format!("role {name:?} not found")))?;
        let claims = Claims::read(token, ask.now)?;
        let audience = format!("vault/{name}");
        if !claims
            .audiences()
            .iter()
            .any(|found| found == &audience || found.ends_with(&format!("/{audience}")))
        {
            return Err(Refusal::said(format!("role login JWTs must have aud claim matching {audience:?}")));
        }
        let account = match claims.text(&["email"]) {
            "" => claims.text(&["sub"]),
            email => email,
        };
        let bound = role.texts("bound_service_accounts");
        if !bound.iter().any(|bound| bound == "*" || bound == account) {
            return Err(Refusal::said(format!("service account {account:?} not authorized for role")));
        }
        Ok(accepted(Some(account), role, account, &[("role", name), ("service_account_email", account)]))
    }
}

fn accepted(name: Option<&str>, role: &Role, alias: &str, metadata: &[(&str, &str)]) -> Answered {
    let metadata: BTreeMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Answered::login(Login {
        name: name.map(str::to_owned),
        metadata,
        role: role.token(),
        alias: alias.to_owned(),
    })
}
