//! Settings of the flow: concurrency, intervals, pauses.

use super::{Error, Lookup, duration, number, switch};
use pawl_pipeline::Settings;
use std::collections::BTreeSet;
use std::time::Duration;

/// Whether stores whose values stand in their manifests may be used.
const FAKE_STORES: &str = "PAWL_UNSAFE_FAKE_STORES";

/// How often sweeps validate the stores that live in clusters.
const STORE_STATUS: &str = "PAWL_STORE_STATUS_INTERVAL";

/// Reads the flow's settings; each variable has a default.
///
/// | variable | setting |
/// |---|---|
/// | `PAWL_INLINE_TARGETS` | targets written within a sync |
/// | `PAWL_CONCURRENCY` | declarations worked on at the same time |
/// | `PAWL_SWEEP_INTERVAL` | the time between two sweeps: by so much more than `refreshInterval` a target may be stale |
/// | `PAWL_SWEEP_OVERLAP` | by how much sweeps overlap |
/// | `PAWL_UNSAFE_GENERIC_TARGETS` | `true`: targets may be of other kinds than Secrets |
/// | `PAWL_UNSAFE_FAKE_STORES` | `true`: stores whose values stand in their manifests may be used |
/// | `PAWL_PUSH` | `true`: PushSecrets are carried out |
/// | `PAWL_CLUSTER_EXTERNAL_SECRETS` | `true`: ExternalSecrets are made of the ClusterExternalSecrets in clusters |
/// | `PAWL_LEDGER_KEY_SECRET`, `PAWL_AUDIT_TOKEN_SECRET`, `PAWL_AZURE_EVENT_TOKEN_SECRET`, `PAWL_OWN_SECRETS` | secrets that no declaration may read; the last by commas |
/// | `PAWL_DRIFT_INTERVAL` | how often clusters are compared; `0s` for never |
/// | `PAWL_STORE_STATUS_INTERVAL` | how often sweeps validate stores; without it the index does |
///
/// # Errors
/// The first variable that cannot be read.
pub fn flow(lookup: &dyn Lookup) -> Result<Settings, Error> {
    let defaults = Settings::default();
    Ok(Settings {
        inline_targets: number(lookup, "PAWL_INLINE_TARGETS", defaults.inline_targets)?,
        concurrency: number(lookup, "PAWL_CONCURRENCY", defaults.concurrency)?.max(1),
        sweep_period: duration(lookup, "PAWL_SWEEP_INTERVAL", defaults.sweep_period)?,
        sweep_overlap: duration(lookup, "PAWL_SWEEP_OVERLAP", defaults.sweep_overlap)?,
        drift_interval: duration(lookup, "PAWL_DRIFT_INTERVAL", defaults.drift_interval)?,
        store_status_interval: match lookup.get(STORE_STATUS) {
            Some(_) => Some(duration(lookup, STORE_STATUS, Duration::ZERO)?),
            None => None,
        },
        generic_targets: switch(lookup, "PAWL_UNSAFE_GENERIC_TARGETS")?,
        fake_stores: switch(lookup, FAKE_STORES)?,
        pushes: switch(lookup, "PAWL_PUSH")?,
        cluster_external_secrets: switch(lookup, "PAWL_CLUSTER_EXTERNAL_SECRETS")?,
        own_secrets: own_secrets(lookup),
        ..defaults
    })
}

/// Whether stores whose values stand in their manifests may be used, for who reads manifests and nothing else.
///
/// # Errors
/// When it is neither said nor denied.
pub fn fake_stores(lookup: &dyn Lookup) -> Result<bool, Error> {
    switch(lookup, FAKE_STORES)
}

/// Every secret that the configuration names, wherever it is used.
fn own_secrets(lookup: &dyn Lookup) -> BTreeSet<String> {
    let named = [
        "PAWL_LEDGER_KEY_SECRET",
        "PAWL_AUDIT_TOKEN_SECRET",
        "PAWL_AZURE_EVENT_TOKEN_SECRET",
        "PAWL_OWN_SECRETS",
    ];
    let texts = named.into_iter().filter_map(|name| lookup.get(name));
    let split = |text: String| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
    texts.flat_map(split).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pawls_own_secrets_are_all_that_the_configuration_names() {
        let lookup = |name: &str| match name {
            "PAWL_LEDGER_KEY_SECRET" => Some("pawl/ledger".to_owned()),
            "PAWL_AZURE_EVENT_TOKEN_SECRET" => Some("pawl/azure".to_owned()),
            "PAWL_OWN_SECRETS" => Some("a, arn:aws:secretsmanager:eu:1:secret:b,".to_owned()),
            _ => None,
        };
        let settings = flow(&lookup).unwrap();
        let own: Vec<_> = settings.own_secrets.iter().map(String::as_str).collect();
        assert_eq!(own, ["a", "arn:aws:secretsmanager:eu:1:secret:b", "pawl/azure", "pawl/ledger"]);
        assert!(!settings.fake_stores, "off unless it is switched on");
        assert!(flow(&|name: &str| (name == FAKE_STORES).then(|| "1".to_owned())).unwrap().fake_stores);
    }

    #[test]
    fn stores_are_told_by_the_index_unless_sweeps_are_to() {
        let read = |text: &'static str| {
            let lookup = move |name: &str| (name == STORE_STATUS).then(|| text.to_owned());
            flow(&lookup).map(|settings| settings.store_status_interval)
        };
        assert_eq!(flow(&|_: &str| None).unwrap().store_status_interval, None);
        assert_eq!(read("5m").unwrap(), Some(Duration::from_secs(300)));
        assert!(read("often").unwrap_err().to_string().contains(STORE_STATUS));
    }

    #[test]
    fn cluster_external_secrets_are_off_unless_switched_on() {
        assert!(!flow(&|_: &str| None).unwrap().cluster_external_secrets);
        let on = |name: &str| (name == "PAWL_CLUSTER_EXTERNAL_SECRETS").then(|| "true".to_owned());
        assert!(flow(&on).unwrap().cluster_external_secrets);
    }

    #[test]
    fn other_kinds_than_secrets_are_off_unless_switched_on() {
        let read = |text: &'static str| {
            let lookup = move |name: &str| (name == "PAWL_UNSAFE_GENERIC_TARGETS").then(|| text.to_owned());
            flow(&lookup).map(|settings| settings.generic_targets).ok()
        };
        for (text, want) in [("", Some(false)), ("false", Some(false)), ("true", Some(true)), ("yes", None)] {
            assert_eq!(read(text), want, "{text}");
        }
    }
}
