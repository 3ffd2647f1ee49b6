//! What an apply would do, and what it would be refused.

use crate::index::apply::{Apply, Taken};
use crate::index::declarations::check;
use crate::index::patterns;
use crate::index::prune::Given;
use crate::index::refuse_duplicates;
use crate::index::report::IndexReport;
use crate::parts::Index;
use pawl_domain::spread::Pattern;
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Home, Manifests, Problem, Refusal, Rules, Severity,
    Store, StoreId, StorePolicy,
};
use pawl_ports::{Error, PAGE, Ports, Put, Registry, Scope};
use std::collections::{BTreeMap, BTreeSet};

impl<P: Ports> Index<P> {
    pub(crate) async fn preview(
        &self,
        mut manifests: Manifests,
        apply: &Apply,
    ) -> Result<IndexReport, Error> {
        apply.sign(&mut manifests);
        refuse_duplicates(&mut manifests);
        let mut report =
            IndexReport { problems: std::mem::take(&mut manifests.problems), ..IndexReport::default() };
        let registry = self.base.ports.registry();
        let clusters = registry.clusters().await?;
        let mut known: BTreeMap<String, Cluster> =
            clusters.into_iter().map(|each| (each.name.to_string(), each)).collect();
        for given in &manifests.clusters {
            let put = apply.cluster(&known, given);
            if put.is_ok() {
                known.insert(given.name.to_string(), given.clone());
            }
            report.objects.push((format!("Cluster {}", given.name), put));
        }
        let former = self.base.rules().await?;
        let rules = previewed(&manifests.policies, apply, &former, &mut report);
        let ids = manifests.stores.iter().map(|store| store.id.clone());
        let ids = ids.chain(manifests.declarations.iter().flat_map(Declaration::stores)).collect();
        let mut stores: BTreeMap<_, _> =
            registry.stores(&ids).await?.into_iter().map(|store| (store.id.clone(), store)).collect();
        let mut taken_in = Vec::new();
        for given in &manifests.stores {
            let taken = apply.store(stores.get(&given.id), given);
            taken_in.extend(taken.is_ok().then_some(given));
            report.objects.push((given.id.to_string(), taken.map(Taken::put)));
        }
        stores.extend(taken_in.iter().map(|store| (store.id.clone(), (*store).clone())));
        self.refuse_placed(Some(apply), &mut manifests.declarations, &mut report).await?;
        let names: BTreeSet<_> = known.into_values().map(|cluster| cluster.name).collect();
        let patterns = self.patterns().await?;
        for given in &manifests.patterns {
            let id = given.id();
            let standing = self.standing_pattern(&patterns, given).await?;
            let taken = patterns::taken(apply, &names, standing.as_ref(), given);
            report.objects.push((id.to_string(), taken.map(Taken::put)));
        }
        for page in manifests.declarations.chunks(PAGE) {
            let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
            let standing = registry.declarations(&ids).await?;
            let standing: BTreeMap<_, _> = standing.into_iter().map(|each| (each.id.clone(), each)).collect();
            for given in page {
                let taken = check(given, standing.get(&given.id), &names, Some(apply));
                if taken.is_ok() {
                    report.problems.extend(of_declaration(&rules, given, &stores));
                }
                report.declarations.push((given.id.clone(), taken.map(Taken::put)));
            }
        }
        self.preview_pushes(&manifests.pushes, &names, apply, &mut report).await?;
        for store in taken_in {
            report.problems.extend(of_store(&rules, store, &manifests.declarations, &names));
        }
        if rules != *former {
            let given = manifests.declarations.iter().map(|each| &each.id).collect();
            report.problems.extend(self.newly_refused(&former, &rules, &given).await?);
        }
        if apply.prune {
            let declarations = manifests.declarations.iter().map(|each| each.id.clone()).collect();
            let stores = manifests.stores.iter().map(|store| store.id.clone()).collect();
            let given = Given {
                declarations,
                patterns: manifests.patterns.iter().map(Pattern::id).collect(),
                stores,
            };
            let gone = self.gone(&Home::Applied, Some(apply), &given, &mut report.problems).await?;
            let removed = gone.patterns.iter().flat_map(Pattern::ids).map(|id| (id, Ok(())));
            report.removed.extend(removed);
            report.removed_patterns = gone.patterns.iter().map(Pattern::id).collect();
            report.removed.extend(gone.declarations.into_iter().map(|id| (id, Ok(()))));
            report.removed_stores = gone.stores;
        }
        Ok(report)
    }

    /// What of the registry other rules would refuse, though today's do not. Reads the whole registry, a page at a time.
    async fn newly_refused(
        &self,
        former: &Rules,
        future: &Rules,
        given: &BTreeSet<&DeclarationId>,
    ) -> Result<Vec<Problem>, Error> {
        let (mut told, mut more) = (Vec::new(), 0_usize);
        let registry = self.base.ports.registry();
        let mut pages = registry.pages(Scope::All);
        while let Some(page) = pages.next().await? {
            let ids = page.iter().flat_map(Declaration::stores).collect();
            let stores = registry.stores(&ids).await?;
            let stores: BTreeMap<_, _> = stores.into_iter().map(|store| (store.id.clone(), store)).collect();
            for each in page.iter().filter(|each| !given.contains(&each.id)) {
                let today = of_declaration(former, each, &stores);
                let then = of_declaration(future, each, &stores).into_iter();
                let new = then.filter(|one| !today.iter().any(|other| other.field == one.field));
                for one in new {
                    if told.len() < NAMED { told.push(one) } else { more += 1 }
                }
            }
        }
        if more > 0 {
            let message = format!("{more} more reads of declarations in the registry would be refused");
            told.push(warning("the registry".to_owned(), String::new(), message));
        }
        Ok(told)
    }
}

/// So many reads of the registry that policies would newly refuse are named; the rest is counted.
const NAMED: usize = 100;

/// The rules as they would be, once the policies are applied that may be.
fn previewed(given: &[StorePolicy], apply: &Apply, rules: &Rules, report: &mut IndexReport) -> Rules {
    let allowed = apply.policies(&rules.policies, given);
    for policy in given {
        let put = match (&allowed, rules.policies.iter().find(|known| known.name == policy.name)) {
            (_, Some(known)) if known == policy => Ok(Put::Unchanged),
            (Err(error), _) => Err(error.shared()),
            (Ok(()), Some(_)) => Ok(Put::Changed),
            (Ok(()), None) => Ok(Put::Created),
        };
        report.objects.push((format!("StorePolicy {}", policy.name), put));
    }
    if allowed.is_ok() { rules.with(given) } else { rules.clone() }
}

/// What of a declaration would be refused, read by read.
fn of_declaration(
    rules: &Rules,
    declaration: &Declaration,
    stores: &BTreeMap<StoreId, Store>,
) -> Vec<Problem> {
    let (cluster, namespace) = (&declaration.id.cluster, &declaration.id.namespace);
    let refused = |read: &pawl_domain::Read| {
        let refusal = rules.permit(stores.get(&read.store)?, &read.query, cluster, namespace).err()?;
        Some(problem(declaration.id.to_string(), read.path.clone(), &refusal))
    };
    declaration.reads.iter().filter_map(refused).collect()
}

/// In which clusters a store would be refused, whoever reads it there: those where a declaration beside it does, or all.
fn of_store(
    rules: &Rules,
    store: &Store,
    declarations: &[Declaration],
    clusters: &BTreeSet<ClusterName>,
) -> Vec<Problem> {
    let readers = declarations.iter().filter(|each| each.stores().contains(&store.id));
    let read: BTreeSet<_> = readers.map(|each| each.id.cluster.clone()).collect();
    let clusters = if read.is_empty() { clusters } else { &read };
    let refused = |cluster: &ClusterName| {
        let refusal = rules.admit(store, cluster).err()?;
        Some(problem(store.id.to_string(), format!("in cluster {cluster}"), &refusal))
    };
    clusters.iter().filter_map(refused).collect()
}

fn problem(object: String, field: String, refusal: &Refusal) -> Problem {
    warning(object, field, refusal.to_string())
}

fn warning(object: String, field: String, message: String) -> Problem {
    Problem { severity: Severity::Warning, place: "would be refused".to_owned(), object, field, message }
}
