//! `pawl rbac`: the rights that Pawl needs in a cluster, as manifests. Asks nobody.

use crate::args::{Profile, Rbac};
use crate::error::Error;
use crate::output;
use pawl_domain::{Namespace, ObjectName};
use pawl_kubernetes::rbac;
use std::process::ExitCode;

pub(super) fn run(asked: &Rbac) -> Result<ExitCode, Error> {
    if asked.push && matches!(asked.profile, Profile::Write) {
        return Err(Error::Usage("--push wants --profile index".to_owned()));
    }
    let accounts: Result<_, Error> = asked.tokens.iter().map(|account| self::account(account)).collect();
    let rights = rbac::Rights {
        profile: match asked.profile {
            Profile::Write => rbac::Profile::Write,
            Profile::Index => rbac::Profile::Index,
        },
        pushes: asked.push,
        families: asked.cluster_external_secrets,
        namespaces: asked.namespaces.iter().cloned().collect(),
        accounts: accounts?,
        group: asked.group.clone(),
    };
    let documents: Vec<String> = rights
        .manifests()
        .iter()
        .map(|manifest| serde_saphyr::to_string(manifest).unwrap_or_default())
        .collect();
    output::text(&documents.join("---\n"));
    Ok(ExitCode::SUCCESS)
}

fn account(text: &str) -> Result<(Namespace, ObjectName), Error> {
    let read = |(namespace, name): (&str, &str)| Some((namespace.parse().ok()?, name.parse().ok()?));
    let unusable = || Error::Usage(format!("{text:?} is no service account; write it as <namespace>/<name>"));
    text.split_once('/').and_then(read).ok_or_else(unusable)
}
