//! `pawl check`: whether manifests can be used, without asking anybody.

mod finding;
mod policies;

use super::problems::severity;
use super::{clusters, manifests};
use crate::args::{Args, Check};
use crate::error::Error;
use crate::output::{self, Table, code};
use finding::at;
use manifests::Source;
use pawl_domain::cluster::Allowed;
use pawl_domain::spread::Pattern;
use pawl_domain::{
    Declaration, DeclarationId, Home, Manifests, Problem, PushSecret, Query, Severity, Store, StoreId,
};
use pawl_manifests::ParseOptions;
use pawl_manifests::lint::{Finding, lint};
use pawl_runtime::config::{self, cluster_credentials};
use policies::{Policies, of_declarations};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

pub(super) fn run(args: &Args, check: &Check) -> Result<ExitCode, Error> {
    let sources = manifests::sources(&check.files)?;
    let allowed = cluster_credentials(&args.lookup()).map_err(pawl_runtime::Error::from)?;
    let fake_stores = config::fake_stores(&args.lookup()).map_err(pawl_runtime::Error::from)?;
    let pushes = config::flow(&args.lookup()).map_err(pawl_runtime::Error::from)?.pushes;
    let checked = checked(&sources, check, &allowed, fake_stores, pushes);
    let well = checked.problems.iter().all(|problem| problem.severity != Severity::Error);
    output::show(&checked, args.output);
    Ok(code(well))
}

fn checked(sources: &[Source], check: &Check, allowed: &Allowed, fake_stores: bool, pushes: bool) -> Checked {
    let mut options = ParseOptions::new(Home::Applied);
    options.default_clusters.clone_from(&check.clusters);
    options.default_namespace.clone_from(&check.namespace);
    let declares_clusters = |found: &[Manifests]| found.iter().any(|each| !each.clusters.is_empty());
    let mut found = manifests::read(sources, options.clone());
    // Where no cluster is declared, nobody can say here which ones there are.
    let any_cluster = !declares_clusters(&found);
    if any_cluster {
        options.any_cluster = true;
        found = manifests::read(sources, options);
    }
    let policies = Policies::of(&found, any_cluster && check.clusters.is_empty(), fake_stores);
    let declarations: Vec<Declaration> = found.iter().flat_map(|each| &each.declarations).cloned().collect();
    let stores: BTreeMap<StoreId, Store> =
        found.iter().flat_map(|each| &each.stores).map(|store| (store.id.clone(), store.clone())).collect();
    let mut seen = BTreeSet::new();
    for (source, each) in sources.iter().zip(&mut found) {
        let mut problems = Vec::new();
        for declaration in &each.declarations {
            problems.extend(twice(declaration, &mut seen).map(|it| at(it, source, declaration)));
            problems
                .extend(of_stores(declaration, &stores).into_iter().map(|it| at(it, source, declaration)));
            problems.extend(
                lint(declaration, |id| stores.get(id)).into_iter().map(|it| at(it, source, declaration)),
            );
            problems.extend(of_searches(declaration, &stores).map(|it| at(it, source, declaration)));
            problems.extend(of_declarations(&policies, source, declaration, &stores));
        }
        for push in &each.pushes {
            problems.extend(of_push(push, &stores, pushes).into_iter().map(|(severity, field, message)| {
                Problem {
                    severity,
                    place: source.place.clone(),
                    object: format!("PushSecret {}/{}", push.id.namespace, push.id.name),
                    field: field.to_owned(),
                    message,
                }
            }));
        }
        for pattern in &each.patterns {
            let found = lint(&pattern.declaration, |id| stores.get(id));
            let found = found.into_iter().chain(of_searches(&pattern.declaration, &stores));
            problems.extend(found.map(|finding| of_pattern(finding, source, pattern)));
        }
        problems.extend(policies.of_stores(source, each, &declarations));
        // One ExternalSecret may go to many clusters.
        problems.dedup();
        for cluster in &each.clusters {
            problems.extend(clusters::problems(allowed, cluster, &source.place));
            problems
                .extend((!check.with_clusters).then(|| clusters::for_administrators(cluster, &source.place)));
        }
        each.problems.extend(problems);
    }
    let all = manifests::together(found);
    Checked {
        declarations: all.declarations.len(),
        stores: all.stores.len(),
        clusters: all.clusters.len(),
        policies: all.policies.len(),
        problems: all.problems,
    }
}

/// A finding of what a ClusterExternalSecret declares in each namespace. Which stores are at hand there, only the cluster knows.
fn of_pattern(finding: Finding, source: &Source, pattern: &Pattern) -> Problem {
    let within = finding.field.strip_prefix("spec").map(|rest| format!("spec.externalSecretSpec{rest}"));
    Problem {
        severity: finding.severity,
        place: source.place.clone(),
        object: format!("ClusterExternalSecret {}", pattern.name),
        field: within.unwrap_or(finding.field),
        message: finding.message,
    }
}

fn twice(declaration: &Declaration, seen: &mut BTreeSet<DeclarationId>) -> Option<Finding> {
    let message = format!(
        "is declared in another file as well for cluster {}; remove one of the manifests",
        declaration.id.cluster
    );
    (!seen.insert(declaration.id.clone())).then(|| Finding {
        severity: Severity::Error,
        field: "metadata.name".to_owned(),
        message,
    })
}

/// Each store that is not at hand, or that is and will not let the declaration in.
fn of_stores(declaration: &Declaration, stores: &BTreeMap<StoreId, Store>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for read in declaration.reads.iter().filter(|read| seen.insert(&read.store)) {
        let namespace = &declaration.id.namespace;
        let (severity, message) = match stores.get(&read.store) {
            None => (Severity::Warning, format!("{} is not among these manifests", read.store)),
            // Which labels a namespace has, only its cluster knows.
            Some(store) if store.needs_namespace_labels() => continue,
            Some(store) => match store.allows(namespace, &BTreeMap::new()) {
                Ok(true) | Err(_) => continue,
                Ok(false) => {
                    let message = format!(
                        "{} may not be used from namespace {namespace}; add it to spec.conditions of the store",
                        read.store
                    );
                    (Severity::Error, message)
                }
            },
        };
        findings.push(Finding { severity, field: read.path.clone(), message });
    }
    findings
}

/// Each store of a PushSecret that is not at hand or will not let it in; and whether anybody here would carry it out.
fn of_push(
    push: &PushSecret,
    stores: &BTreeMap<StoreId, Store>,
    pushes: bool,
) -> Vec<(Severity, &'static str, String)> {
    let mut found = Vec::new();
    if !pushes {
        let message = "PushSecrets are carried out only where PAWL_PUSH is true".to_owned();
        found.push((Severity::Warning, "", message));
    }
    for id in push.named_stores() {
        let namespace = &push.id.namespace;
        match stores.get(&id) {
            None => found.push((
                Severity::Warning,
                "spec.secretStoreRefs",
                format!("{id} is not among these manifests"),
            )),
            Some(store)
                if !store.needs_namespace_labels()
                    && store.allows(namespace, &BTreeMap::new()).is_ok_and(|allowed| !allowed) =>
            {
                let message = format!(
                    "{id} may not be used from namespace {namespace}; add it to spec.conditions of the store"
                );
                found.push((Severity::Error, "spec.secretStoreRefs", message));
            }
            Some(_) => {}
        }
    }
    found
}

/// Each search that its store will refuse.
fn of_searches<'a>(
    declaration: &'a Declaration,
    stores: &'a BTreeMap<StoreId, Store>,
) -> impl Iterator<Item = Finding> + 'a {
    declaration.reads.iter().filter_map(|read| {
        let (Query::Find(find), Some(store)) = (&read.query, stores.get(&read.store)) else { return None };
        let refusal = store.backend.refuses(find)?;
        let message = format!("find: {refusal}");
        Some(Finding { severity: Severity::Error, field: read.path.clone(), message })
    })
}

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    declarations: usize,
    stores: usize,
    clusters: usize,
    policies: usize,
    problems: Vec<Problem>,
}

impl Table for Checked {
    const HEADINGS: &'static [&'static str] = &["SEVERITY", "PLACE", "OBJECT", "FIELD", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |problem: &Problem| {
            vec![
                severity(problem).to_owned(),
                problem.place.clone(),
                problem.object.clone(),
                problem.field.clone(),
                problem.message.clone(),
            ]
        };
        self.problems.iter().map(row).collect()
    }

    fn summary(&self) -> Option<String> {
        let of = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        Some(format!(
            "{} declarations, {} stores, {} clusters, {} policies: {} errors, {} warnings",
            self.declarations,
            self.stores,
            self.clusters,
            self.policies,
            of(Severity::Error),
            of(Severity::Warning)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: { name: wide }\n\
                         spec: { conditions: [{ namespaces: [shop] }], provider: { vault: { server: 'https://vault:8200', \
                         path: secret, auth: { tokenSecretRef: { name: vault, key: token, namespace: infra } } } } }\n";

    fn secret(name: &str, namespace: &str, store: &str) -> String {
        format!(
            "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
             metadata: {{ name: {name}, namespace: {namespace} }}\n\
             spec: {{ secretStoreRef: {{ name: {store}, kind: ClusterSecretStore }}, \
             data: [{{ secretKey: a, remoteRef: {{ key: k }} }}] }}\n"
        )
    }

    fn of(texts: &[&str]) -> (String, Vec<String>) {
        let source = |(index, text): (usize, &&str)| Source {
            place: format!("{index}.yaml"),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = texts.iter().enumerate().map(source).collect();
        let check = Check { files: Vec::new(), clusters: Vec::new(), namespace: None, with_clusters: true };
        let checked = checked(&sources, &check, &Allowed::default(), false, true);
        let problem = |problem: &Problem| format!("{:?} {problem}", problem.severity);
        (checked.summary().unwrap(), checked.problems.iter().map(problem).collect())
    }

    #[test]
    fn files_are_looked_at_together() {
        let (summary, problems) = of(&[&secret("db", "shop", "wide"), STORE]);
        assert_eq!(
            (summary.as_str(), problems.len()),
            ("1 declarations, 1 stores, 0 clusters, 0 policies: 0 errors, 0 warnings", 0)
        );
        let (_, problems) = of(&[
            &(secret("db", "shop", "wide") + &secret("cart", "till", "wide")),
            STORE,
            &(secret("db", "shop", "wide") + &secret("gone", "shop", "nowhere")),
        ]);
        assert_eq!(
            problems,
            [
                "Error 0.yaml: ExternalSecret till/cart: spec.data[0]: ClusterSecretStore wide may not be used from \
                 namespace till; add it to spec.conditions of the store",
                "Error 2.yaml: ExternalSecret shop/db: metadata.name: is declared in another file as well for cluster \
                 any; remove one of the manifests",
                "Warning 2.yaml: ExternalSecret shop/gone: spec.data[0]: ClusterSecretStore nowhere is not among \
                 these manifests",
            ]
        );
    }

    #[test]
    fn what_is_declared_in_each_namespace_is_looked_at() {
        let of_spec = |spec: &str| {
            format!(
                "---\napiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret\nmetadata: {{ name: everywhere }}\n\
                 spec: {{ namespaceSelectors: [{{}}], externalSecretSpec: {{ secretStoreRef: {{ name: wide, kind: ClusterSecretStore }}, \
                 {spec} }} }}\n"
            )
        };
        let well = "data: [{ secretKey: a, remoteRef: { key: k } }]";
        assert_eq!(of(&[&of_spec(well), STORE]).1, [] as [&str; 0]);
        let (_, problems) = of(&[&of_spec("data: [{ secretKey: '!', remoteRef: { key: k } }]"), STORE]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let want = "ClusterExternalSecret everywhere: spec.externalSecretSpec.data[0].secretKey: ";
        assert!(problems[0].contains(want), "{problems:?}");
        let rendered = "data: [{ secretKey: a, remoteRef: { key: k } }], target: { template: { data: { b: '{{ .c }}' } } }";
        let (_, problems) = of(&[&of_spec(rendered), STORE]);
        assert!(
            problems[0].contains("ClusterExternalSecret everywhere: spec.externalSecretSpec.target"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_search_that_its_store_refuses_is_an_error() {
        let store = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: { name: wide }\n\
                     spec: { provider: { vault: { server: 'https://vault:8200', \
                     auth: { tokenSecretRef: { name: vault, key: token, namespace: infra } } } } }\n";
        let search = |path: &str| {
            secret("db", "shop", "wide").replace(
                "data: [{ secretKey: a, remoteRef: { key: k } }]",
                &format!("dataFrom: [{{ find: {{ path: {path}, name: {{ regexp: .* }} }} }}]"),
            )
        };
        assert_eq!(of(&[&search("my_data/data/apps"), store]).1, [] as [&str; 0]);
        assert_eq!(
            of(&[&search("apps"), store]).1,
            [
                "Error 0.yaml: ExternalSecret shop/db: spec.dataFrom[0]: find: the store names no mount; write find.path as \
              <mount>/data/<folder>, or set the store's path"
            ]
        );
    }

    const AMBIENT: &str = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: { name: wide }\n\
                           spec: { provider: { aws: { service: SecretsManager, region: eu-central-1 } } }\n";

    fn policy(spec: &str) -> String {
        format!(
            "---\napiVersion: pawl.dev/v1alpha1\nkind: StorePolicy\nmetadata: {{ name: payments }}\nspec: {{ {spec} }}\n"
        )
    }

    #[test]
    fn what_today_is_allowed_in_a_cluster_and_will_not_be_is_told() {
        let secret = secret("db", "shop", "wide");
        let (_, problems) = of(&[&secret, AMBIENT]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(
                "Warning 1.yaml: ClusterSecretStore wide: where this lives in a cluster that is indexed, it is refused: \
                 PAWL-POLICY-IDENTITY"
            ),
            "{problems:?}"
        );
        for (spec, want) in [
            ("allow: { ownIdentity: true, keys: [k] }", None),
            ("clusters: [prod], allow: { ownIdentity: true, keys: [k] }", None),
            (
                "namespaces: [shop], allow: { ownIdentity: true, keys: [x] }",
                Some("Warning 0.yaml: ExternalSecret shop/db"),
            ),
            (
                "stores: { applied: true }, allow: { ownIdentity: true, keys: [x] }",
                Some("Error 0.yaml: ExternalSecret shop/db"),
            ),
            (
                "stores: { applied: true }, namespaces: [bank], allow: { ownIdentity: true, keys: [k] }",
                Some("Error 0.yaml"),
            ),
        ] {
            let (_, problems) = of(&[&secret, AMBIENT, &policy(spec)]);
            match want {
                None => assert_eq!(problems, [] as [&str; 0], "{spec}"),
                Some(want) => assert!(problems[0].starts_with(want), "{spec}: {problems:?}"),
            }
        }
    }

    #[test]
    fn fake_stores_are_told_to_be_refused() {
        let fake =
            AMBIENT.replace("aws: { service: SecretsManager, region: eu-central-1 }", "fake: { data: [] }");
        let (_, problems) = of(&[&secret("db", "shop", "wide"), &fake]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with("Warning 1.yaml: ClusterSecretStore wide: PAWL-FAKE-STORE"),
            "{problems:?}"
        );
    }

    #[test]
    fn placement_is_checked_where_clusters_are_declared() {
        let cluster = "apiVersion: pawl.dev/v1alpha1\nkind: Cluster\nmetadata: { name: blue }\n\
                       spec: { kubeconfig: { path: k } }\n";
        let placed = secret("db", "shop", "wide")
            .replace("namespace: shop }", "namespace: shop, annotations: { pawl.dev/clusters: green } }");
        assert_eq!(of(&[&placed, STORE]).1, [] as [&str; 0]);
        let (_, problems) = of(&[&placed, STORE, cluster]);
        assert!(problems[0].contains("cluster green is not known"), "{problems:?}");
    }
}
