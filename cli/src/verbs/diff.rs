//! `pawl diff`: which keys differ between what stores give now and what stands in the clusters.

use super::place::Place;
use super::selector::chosen;
use super::targets::{Target, counts};
use crate::args::{Args, Diff};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_pipeline::Pipeline;
use pawl_ports::{DocumentKind, Ports, Registry, Scope};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, diff: &Diff) -> Result<ExitCode, Error> {
    let wanted: Place = diff.what.parse()?;
    let meant = chosen(diff.selector.as_deref())?;
    let registry = pipeline.ports().registry();
    let mut targets: Vec<Target> = Vec::new();
    if let Some(id) = &wanted.declaration {
        let mut declared = registry.declarations(std::slice::from_ref(id)).await?;
        declared.retain(&meant);
        targets.extend(pipeline.rehearse(declared, &[]).await?.into_iter().map(Target::from));
    } else {
        let mut pages = registry.pages(Scope::Cluster(wanted.cluster.clone()));
        while let Some(mut page) = pages.next().await? {
            page.retain(|each| wanted.holds(&each.id) && meant(each));
            targets.extend(pipeline.rehearse(page, &[]).await?.into_iter().map(Target::from));
        }
    }
    // Which labels they had, nobody can read.
    if diff.selector.is_none() {
        let mut unreadable = registry.unreadable().await?;
        unreadable.retain(|each| {
            each.kind == DocumentKind::Declaration && each.id.parse().is_ok_and(|id| wanted.holds(&id))
        });
        targets.extend(unreadable.iter().map(Target::unreadable));
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
