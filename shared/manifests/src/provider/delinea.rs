//! `spec.provider.delinea` of a store.
//!
//! Source of fields, defaults and rules: ESO's Delinea provider, version 2.9, and the SDK that it uses.

use super::{Setting, served};
use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, DelineaStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = url(&mut fields);
    let own: served::Reference<'_> = &|fields, field| served::credential(fields, field, references);
    let client_id = served::given(&mut fields, "clientId", own);
    let client_secret = served::secret(&mut fields, "clientSecret", own);
    fields.close();
    Some(DelineaStore { url: url?, client_id: client_id?, client_secret: client_secret? }.into())
}

const TEMPLATE: &str = "https://%s.secretsvaultcloud.%s/v1/%s%s";

/// The template has four places: tenant, domain, resource, path. The last two are what is asked for.
fn url(fields: &mut Fields<'_>) -> Option<String> {
    let tenant = fields.required("tenant", "the name of the tenant").map(str::to_owned);
    let domain = fields.filled("tld").unwrap_or("com").to_owned();
    let template = fields.filled("urlTemplate").unwrap_or(TEMPLATE);
    let base = template.strip_suffix("/%s%s").filter(|base| base.matches('%').count() == 2);
    let Some([first, second, third]) =
        base.and_then(|base| <[&str; 3]>::try_from(base.split("%s").collect::<Vec<_>>()).ok())
    else {
        let what = "must have %s four times, for tenant, domain, resource and path, and end with /%s%s";
        fields.error("urlTemplate", what);
        return None;
    };
    let url = format!("{first}{}{second}{domain}{third}", tenant.as_ref()?);
    match Way::to(&url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields.error(
                "urlTemplate",
                "is not encrypted, so others on the way could read secrets; write https",
            );
        }
        None => fields.error("tenant", "makes no URL with tld and urlTemplate; correct them"),
    }
    Some(url)
}
