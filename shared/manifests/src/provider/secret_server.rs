//! `spec.provider.secretserver` of a store.
//!
//! Source of fields, defaults and rules: ESO's Secret Server provider, version 2.9. Passwords and tokens that stand in the
//! manifest are refused: the registry would hold them unencrypted.

use super::{Setting, served};
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, SecretServerAuth, SecretServerStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let own: served::Reference<'_> = &|fields, field| served::credential(fields, field, references);
    let url = url(&mut fields);
    let token = fields.has("token").then(|| served::secret(&mut fields, "token", own));
    let domain = fields.filled("domain").unwrap_or_default().to_owned();
    let auth = match token {
        Some(token) => {
            fields.without_effect(&["username", "password"]);
            token.map(SecretServerAuth::Token)
        }
        None => {
            let user = served::given(&mut fields, "username", own);
            let password = served::secret(&mut fields, "password", own);
            user.zip(password).map(|(user, password)| SecretServerAuth::Password { user, password, domain })
        }
    };
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    Some(SecretServerStore { url: url?, auth: auth?, ca_bundle, ca_provider }.into())
}

fn url(fields: &mut Fields<'_>) -> Option<String> {
    let url = fields
        .required("serverURL", "the server's address, such as https://example.secretservercloud.com")?;
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields
                .error("serverURL", "is not encrypted, so others on the way could read secrets; write https");
        }
        None => fields.error("serverURL", "is not a URL; write it as https://<host>"),
    }
    Some(url.to_owned())
}
