//! `spec.provider` of a store: one file for each provider's spec.

pub(crate) mod aws;
mod azurekv;
mod barbican;
mod beyondtrust;
mod beyondtrust_workload_credentials;
mod bitwarden;
mod chef;
mod conjur;
mod crd;
mod delinea;
mod doppler;
mod dvls;
mod fake;
mod fortanix;
pub(crate) mod gcpsm;
mod gitlab;
mod ibm;
mod infisical;
mod kubernetes;
mod one_password;
mod open_bao;
mod oracle;
mod ovh;
mod password_depot;
mod previder;
mod pulumi;
mod scaleway;
mod secret_server;
mod senhasegura;
mod served;
pub(crate) mod vault;
mod volcengine;
pub(crate) mod webhook;
mod yandex;
mod yandex_certificate_manager;
mod yandex_lockbox;

use crate::reader::{Fields, shortened};
use pawl_domain::Namespace;
use pawl_domain::store::Backend;

/// What of the store around it a spec is read with.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    /// The store's own namespace; `None` for a ClusterSecretStore.
    pub(super) own: Option<&'a Namespace>,
    /// `retrySettings.maxRetries`.
    pub(super) max_retries: Option<u32>,
}

type Reader = fn(Fields<'_>, Setting<'_>) -> Option<Backend>;

/// The providers that are served, by ESO's names.
const SERVED: &[(&str, Reader)] = &[
    ("aws", aws::read),
    ("azurekv", azurekv::read),
    ("barbican", barbican::read),
    ("beyondtrust", beyondtrust::read),
    ("beyondtrustworkloadcredentials", beyondtrust_workload_credentials::read),
    ("bitwardensecretsmanager", bitwarden::read),
    ("chef", chef::read),
    ("conjur", conjur::read),
    ("crd", crd::read),
    ("delinea", delinea::read),
    ("doppler", doppler::read),
    ("dvls", dvls::read),
    ("fake", fake::read),
    ("fortanix", fortanix::read),
    ("gcpsm", gcpsm::read),
    ("gitlab", gitlab::read),
    ("ibm", ibm::read),
    ("infisical", infisical::read),
    ("kubernetes", kubernetes::read),
    ("onepassword", one_password::read),
    ("openBao", open_bao::read),
    ("oracle", oracle::read),
    ("ovh", ovh::read),
    ("passworddepot", password_depot::read),
    ("previder", previder::read),
    ("pulumi", pulumi::read),
    ("scaleway", scaleway::read),
    ("secretserver", secret_server::read),
    ("senhasegura", senhasegura::read),
    ("vault", vault::read),
    ("volcengine", volcengine::read),
    ("webhook", webhook::read),
    ("yandexcertificatemanager", yandex_certificate_manager::read),
    ("yandexlockbox", yandex_lockbox::read),
];

/// The providers of ESO that cannot be served, with why, and what to write instead.
const REFUSED: &[(&str, &str)] = &[
    ("alibaba", "is no provider any more: ESO has removed it; move its secrets to another store"),
    ("device42", "is no provider any more: ESO has removed it; move its secrets to another store"),
    (
        "onepasswordSDK",
        "cannot be served: 1Password's service accounts work in its own programs alone, which have no API; run a 1Password \
         Connect server, and write onepassword with connectHost, vaults and auth.secretRef.connectTokenSecretRef",
    ),
];

/// The backend of the one provider; one that is not served is noted.
pub(super) fn read(spec: &mut Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    if !spec.has("provider") {
        spec.error("provider", format!("is missing; write one of {}", served()));
        return None;
    }
    let mut fields = spec.object("provider")?;
    let names: Vec<&str> = fields.names().collect();
    let [name] = names[..] else {
        let message =
            format!("must have exactly one provider, found {}; write one of {}", names.len(), served());
        fields.notes().error(fields.path(), message);
        return None;
    };
    if let Some((name, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        fields.error(name, *why);
        return None;
    }
    let Some((name, reader)) = SERVED.iter().find(|(served, _)| *served == name) else {
        let message = format!("is not a provider that is supported yet; supported are {}", served());
        fields.error(&shortened(name), message);
        return None;
    };
    fields.object(name).and_then(|fields| reader(fields, setting))
}

fn served() -> String {
    SERVED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::SERVED;
    use pawl_domain::Provider;
    use std::collections::BTreeSet;

    #[test]
    fn every_provider_has_a_spec_that_is_read() {
        let profiles = Provider::ALL.into_iter().map(Provider::profile);
        let known: BTreeSet<&str> =
            profiles.flat_map(|profile| profile.spec_names).map(|known| known.name).collect();
        assert_eq!(known, SERVED.iter().map(|(name, _)| *name).collect());
    }
}
