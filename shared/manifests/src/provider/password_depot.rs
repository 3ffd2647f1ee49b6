//! `spec.provider.passworddepot` of a store.
//!
//! Source of fields, defaults and rules: ESO's Password Depot provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, PasswordDepotStore, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = url(&mut fields);
    let database = fields.required("database", "the name of the database").map(str::to_owned);
    // ESO reads two keys of the Secret, whatever key the manifest names.
    let user = served::auth(&mut fields, |inner| references.of_store(inner, "credentials", Some("username")));
    fields.close();
    let at = |key: &str, user: SecretKeyRef| SecretKeyRef { key: key.to_owned(), ..user };
    let user = user?;
    let (username, password) = (at("username", user.clone()), at("password", user));
    Some(PasswordDepotStore { url: url?, database: database?, username, password }.into())
}

/// ESO asks at this port.
fn url(fields: &mut Fields<'_>) -> Option<String> {
    let host = fields.required("host", "the server's name, such as depot.example.com")?;
    served::named(fields, "host", host, Some(8714), "is no name of a server; write it without port and path")
}
