//! `pawl diff`: which keys differ between what stores give now and what stands in the clusters.

use super::code;
use super::selector::chosen;
use super::targets::{Target, counts};
use crate::args::{Args, Diff};
use crate::error::Error;
use crate::output::{self, Table};
use pawl_domain::{ClusterName, DeclarationId, Namespace};
use pawl_pipeline::Pipeline;
use pawl_ports::{Ports, Registry, Scope};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, diff: &Diff) -> Result<ExitCode, Error> {
    let wanted: Wanted = diff.what.parse()?;
    let meant = chosen(diff.selector.as_deref())?;
    let registry = pipeline.ports().registry();
    let mut targets: Vec<Target> = Vec::new();
    if let Some(id) = &wanted.declaration {
        let declared = registry.declarations(std::slice::from_ref(id)).await?;
        targets.extend(pipeline.rehearse(declared, &[]).await?.into_iter().map(Target::from));
    } else {
        let mut pages = registry.pages(Scope::Cluster(wanted.cluster.clone()));
        while let Some(mut page) = pages.next().await? {
            let namespace = wanted.namespace.as_ref();
            page.retain(|each| namespace.is_none_or(|it| *it == each.id.namespace) && meant(each));
            targets.extend(pipeline.rehearse(page, &[]).await?.into_iter().map(Target::from));
        }
    }
    if targets.is_empty() {
        return Err(Error::NotFound(format!(
            "{}: no declaration is registered there; see pawl get",
            diff.what
        )));
    }
    let same = targets.iter().all(Target::is_left);
    let summary = counts(&targets);
    targets.retain(|target| diff.all || !target.is_left());
    output::show(&Differing { targets, summary }, args.output);
    Ok(code(same))
}

/// Which declarations are compared.
struct Wanted {
    cluster: ClusterName,
    namespace: Option<Namespace>,
    declaration: Option<DeclarationId>,
}

impl std::str::FromStr for Wanted {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let usage = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "{text}: {why}; name a cluster, <cluster>/<namespace> or <cluster>/<namespace>/<name>"
            ))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let cluster = parts[0].parse().map_err(|why| usage(&why))?;
        match parts[1..] {
            [] => Ok(Self { cluster, namespace: None, declaration: None }),
            [namespace] => {
                let namespace = Some(namespace.parse().map_err(|why| usage(&why))?);
                Ok(Self { cluster, namespace, declaration: None })
            }
            _ => {
                let id: DeclarationId = text.parse().map_err(|why| usage(&why))?;
                Ok(Self { cluster, namespace: None, declaration: Some(id) })
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct Differing {
    targets: Vec<Target>,
    #[serde(skip)]
    summary: String,
}

impl Table for Differing {
    const HEADINGS: &'static [&'static str] = Target::HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        self.targets.iter().flat_map(Target::rows).collect()
    }

    fn summary(&self) -> Option<String> {
        Some(self.summary.clone())
    }
}
