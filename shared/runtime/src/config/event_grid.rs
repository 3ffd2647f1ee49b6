//! Settings of who may hand in events of Event Grid.

use super::{Error, Lookup, key};
use crate::event_grid::Entra;
use pawl_domain::SecretValue;
use pawl_domain::grant::Origin;

/// Who may hand in events of Event Grid; nobody without a word.
#[derive(Clone, Debug, Default)]
pub struct EventGrid {
    /// What is shown in `x-pawl-token`.
    pub token: Option<SecretValue>,
    /// Which tokens of Entra ID let in.
    pub entra: Option<Entra>,
}

const TENANT: &str = "PAWL_AZURE_EVENT_TENANT";
const AUDIENCE: &str = "PAWL_AZURE_EVENT_AUDIENCE";
const AUTHORITY: &str = "PAWL_AZURE_EVENT_AUTHORITY";
const SENDERS: &str = "PAWL_AZURE_EVENT_SENDERS";

/// Where tokens come from, and as whom Event Grid delivers there. Source: "Secure WebHook delivery with Microsoft Entra
/// Application in Azure Event Grid"; Microsoft names none for China.
const CLOUDS: [(&str, &str); 2] = [
    ("https://login.microsoftonline.com", "4962773b-9cdb-44cf-a8bf-237846a00ab7"),
    ("https://login.microsoftonline.us", "54316b56-3481-47f9-8f30-0300f5542a7b"),
];

impl EventGrid {
    /// Reads the variables. Tenant and audience go together.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `PAWL_AZURE_EVENT_TOKEN` | what Event Grid shows in `x-pawl-token`: 32 bytes or more |
    /// | `PAWL_AZURE_EVENT_TENANT` | the id of the tenant whose tokens let in |
    /// | `PAWL_AZURE_EVENT_AUDIENCE` | the application that the event subscription names: its id, or its URI |
    /// | `PAWL_AZURE_EVENT_AUTHORITY` | where tokens come from; `https://login.microsoftonline.com` |
    /// | `PAWL_AZURE_EVENT_SENDERS` | client ids by commas; that of Event Grid, which is known for the public and the US government's cloud |
    ///
    /// # Errors
    /// When one is missing or cannot be what it is for.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        let token = key(lookup, "PAWL_AZURE_EVENT_TOKEN")?;
        let missing = |name, purpose| Err(Error::Missing { name, purpose });
        let others = [AUTHORITY, SENDERS].into_iter().any(|name| lookup.get(name).is_some());
        let entra = match (lookup.get(TENANT), lookup.get(AUDIENCE)) {
            (None, None) if !others => None,
            (Some(tenant), Some(audience)) => Some(entra(lookup, &tenant, audience)?),
            (Some(_), None) => {
                return missing(AUDIENCE, "it is the application that tokens of Entra ID are for");
            }
            (None, _) => return missing(TENANT, "it is the tenant whose tokens let Event Grid in"),
        };
        Ok(Self { token, entra })
    }
}

fn entra(lookup: &dyn Lookup, tenant: &str, audience: String) -> Result<Entra, Error> {
    let invalid = |name, rule: &str| Error::Invalid { name, rule: rule.to_owned() };
    // Issuers name it by its id, and tenants have many names.
    let tenant = id(tenant).ok_or_else(|| invalid(TENANT, "write the tenant's id, a GUID"))?;
    let authority = lookup.get(AUTHORITY).unwrap_or_else(|| CLOUDS[0].0.to_owned());
    let authority = authority.trim_end_matches('/').to_owned();
    let is_safe = Origin::of(&authority).is_some_and(|origin| {
        authority.starts_with("https://") || origin.address.is_some_and(|address| address.is_loopback())
    });
    if !is_safe {
        return Err(invalid(AUTHORITY, "write it as https://<host>"));
    }
    let known = CLOUDS.iter().find(|(cloud, _)| *cloud == authority).map(|(_, sender)| *sender);
    let senders = match (lookup.get(SENDERS), known) {
        (Some(senders), _) => {
            let ids: Option<_> = senders.split(',').map(|sender| id(sender.trim())).collect();
            ids.ok_or_else(|| invalid(SENDERS, "write client ids, which are GUIDs, by commas"))?
        }
        (None, Some(known)) => vec![known.to_owned()],
        (None, None) => {
            let purpose =
                "it is the client id that Event Grid has in the cloud of PAWL_AZURE_EVENT_AUTHORITY";
            return Err(Error::Missing { name: SENDERS, purpose });
        }
    };
    Ok(Entra { authority, tenant, audience, senders })
}

/// A GUID, in lower case.
fn id(text: &str) -> Option<String> {
    let lengths = text.split('-').map(str::len);
    let is_hex = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    (is_hex && lengths.eq([8, 4, 4, 4, 12])).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "11111111-2222-3333-4444-55555555555A";

    fn read(variables: &[(&str, &str)]) -> Result<EventGrid, String> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        EventGrid::read(&move |name: &str| variables.get(name).cloned()).map_err(|error| error.to_string())
    }

    #[test]
    fn tenant_and_audience_go_together() {
        let nobody = read(&[]).unwrap();
        assert!(nobody.token.is_none() && nobody.entra.is_none());
        let entra = read(&[(TENANT, ID), (AUDIENCE, "api://pawl")]).unwrap().entra.unwrap();
        let want = Entra {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: ID.to_lowercase(),
            audience: "api://pawl".to_owned(),
            senders: vec!["4962773b-9cdb-44cf-a8bf-237846a00ab7".to_owned()],
        };
        assert_eq!(entra, want);
        let government = [(TENANT, ID), (AUDIENCE, "a"), (AUTHORITY, "https://login.microsoftonline.us/")];
        let government = read(&government).unwrap().entra.unwrap();
        assert_eq!(government.senders, ["54316b56-3481-47f9-8f30-0300f5542a7b"]);
        let named =
            [(TENANT, ID), (AUDIENCE, "a"), (AUTHORITY, "https://login.chinacloudapi.cn"), (SENDERS, ID)];
        assert_eq!(read(&named).unwrap().entra.unwrap().senders, [ID.to_lowercase()]);
        let two = format!("{ID}, 4962773b-9cdb-44cf-a8bf-237846a00ab7");
        let two = read(&[(TENANT, ID), (AUDIENCE, "a"), (SENDERS, &two)]).unwrap().entra.unwrap();
        assert_eq!(two.senders.len(), 2);
        let token = read(&[("PAWL_AZURE_EVENT_TOKEN", "0123456789abcdef0123456789abcdef")]).unwrap();
        assert!(token.token.is_some() && token.entra.is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (variables, wants) in [
            (&[(TENANT, ID)][..], AUDIENCE),
            (&[(AUDIENCE, "a")], TENANT),
            (&[(SENDERS, ID)], TENANT),
            (&[(TENANT, "contoso.com"), (AUDIENCE, "a")], "PAWL_AZURE_EVENT_TENANT is not valid"),
            (
                &[(TENANT, ID), (AUDIENCE, "a"), (SENDERS, "eventgrid")],
                "PAWL_AZURE_EVENT_SENDERS is not valid",
            ),
            (
                &[(TENANT, ID), (AUDIENCE, "a"), (AUTHORITY, "http://login.example.com")],
                "write it as https://<host>",
            ),
            (
                &[(TENANT, ID), (AUDIENCE, "a"), (AUTHORITY, "login.example.com")],
                "write it as https://<host>",
            ),
            (&[(TENANT, ID), (AUDIENCE, "a"), (AUTHORITY, "https://login.example.com")], SENDERS),
            (&[("PAWL_AZURE_EVENT_TOKEN", "short")], "32 bytes or more"),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.contains(wants), "{variables:?}: {error}");
        }
    }
}
