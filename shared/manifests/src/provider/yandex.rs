//! What the specs of Yandex's stores have alike.
//!
//! Source of fields, defaults and rules: ESO's Yandex providers, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{SecretKeyRef, YandexStore};

/// Where the store is, and who reads it.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<YandexStore> {
    let references = References::Store(setting.own);
    let endpoint = endpoint(&mut fields);
    let key = fields.object("auth").and_then(|mut auth| {
        let key = within(&mut auth, "authorizedKeySecretRef", references);
        auth.close();
        key
    });
    if key.is_none() {
        let what = "names no authorized key: ESO would take the service account of the machine that it runs on, and Pawl runs on \
                    none of Yandex's; write authorizedKeySecretRef in it";
        fields.error("auth", what);
    }
    let ca = fields.has("caProvider").then(|| {
        let mut inner = fields.object("caProvider")?;
        let ca = references.required(&mut inner, "certSecretRef");
        inner.close();
        ca
    });
    let folder = fields.has("fetching").then(|| folder(&mut fields));
    fields.close();
    let ca = match ca {
        Some(ca) => Some(ca?),
        None => None,
    };
    let folder = match folder {
        Some(folder) => folder?,
        None => None,
    };
    Some(YandexStore { endpoint: endpoint?, key: key?, ca, folder })
}

fn endpoint(fields: &mut Fields<'_>) -> Option<String> {
    let host = fields.filled("apiEndpoint").unwrap_or("api.cloud.yandex.net:443");
    let otherwise = "is no address; write it as api.cloud.yandex.net:443";
    served::named(fields, "apiEndpoint", host, None, otherwise)
}

/// A Secret without a name is none.
fn within(auth: &mut Fields<'_>, field: &'static str, references: References<'_>) -> Option<SecretKeyRef> {
    let mut named = auth.object(field)?;
    named.filled("name")?;
    references.secret_key(named, None)
}

/// The folder that keys are names in, where they are none of them ids.
fn folder(fields: &mut Fields<'_>) -> Option<Option<String>> {
    let mut fetching = fields.object("fetching")?;
    let folder = match fetching.exactly_one(&["byID", "byName"])? {
        "byName" => {
            let mut inner = fetching.object("byName")?;
            let folder = inner.required("folderID", "the id of the folder").map(str::to_owned);
            inner.close();
            Some(folder?)
        }
        _ => {
            fetching.object("byID").into_iter().for_each(Fields::close);
            None
        }
    };
    fetching.close();
    Some(folder)
}
