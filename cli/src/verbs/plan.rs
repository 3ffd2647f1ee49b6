//! `pawl plan`: what applying manifests would do, to the registry and to the targets.

use super::offer::{read, rights};
use super::problems::line;
use super::targets::{Target, counts};
use crate::args::{Args, Plan};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_domain::Problem;
use pawl_pipeline::Pipeline;
use pawl_pipeline::rehearse::forecast::Forecast;
use pawl_ports::Put;
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, plan: &Plan) -> Result<ExitCode, Error> {
    let manifests = read(pipeline, args, &plan.offer).await?;
    let forecast = pipeline.forecast(manifests, &rights(&plan.offer)).await?;
    let whole = forecast.registry.is_complete();
    let planned = Planned::of(forecast, plan.all);
    let well = whole && !planned.targets.iter().any(Target::is_failed);
    output::show(&planned, args.output);
    Ok(code(well))
}

/// What would be done.
#[derive(Debug, Serialize)]
struct Planned {
    /// In the registry.
    objects: Vec<Object>,
    /// In the clusters.
    targets: Vec<Target>,
    problems: Vec<Problem>,
    #[serde(skip)]
    summary: String,
}

/// A document of the registry.
#[derive(Debug, Serialize)]
struct Object {
    object: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Planned {
    fn of(Forecast { registry, targets }: Forecast, all: bool) -> Self {
        let put = |object: String, put: Result<Put, pawl_ports::Error>| match put {
            Ok(put) => Object { object, change: word(put), message: None },
            Err(error) => Object { object, change: "refused", message: Some(error.to_string()) },
        };
        let gone = |object: String| Object { object, change: "delete", message: None };
        let declared = |id: &dyn std::fmt::Display| format!("ExternalSecret {id}");
        let objects = registry.objects.into_iter().map(|(object, result)| put(object, result));
        let declarations = registry.declarations.into_iter().map(|(id, result)| put(declared(&id), result));
        let removed = registry.removed.iter().map(|(id, _)| gone(declared(id)));
        let removed_stores = registry.removed_stores.iter().map(|id| gone(id.to_string()));
        let objects = objects.chain(declarations).chain(removed).chain(removed_stores);
        let objects: Vec<_> = objects.filter(|each| all || each.change != "none").collect();
        let targets: Vec<_> = targets.into_iter().map(Target::from).collect();
        let count = |change: &str| objects.iter().filter(|each| each.change == change).count();
        let summary = format!(
            "registry: {} create, {} change, {} delete\n{}",
            count("create"),
            count("change"),
            count("delete"),
            counts(&targets)
        );
        let targets = targets.into_iter().filter(|target| all || !target.is_left()).collect();
        Self { objects, targets, problems: registry.problems, summary }
    }
}

fn word(put: Put) -> &'static str {
    match put {
        Put::Created => "create",
        Put::Changed => "change",
        Put::Unchanged => "none",
    }
}

impl Table for Planned {
    const HEADINGS: &'static [&'static str] = Target::HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        let object = |each: &Object| {
            let message = each.message.clone().unwrap_or_default();
            let [key, stands, becomes] = [const { String::new() }; 3];
            vec![each.object.clone(), each.change.to_owned(), key, stands, becomes, message]
        };
        self.objects.iter().map(object).chain(self.targets.iter().flat_map(Target::rows)).collect()
    }

    fn summary(&self) -> Option<String> {
        let lines = self.problems.iter().map(line).chain([self.summary.clone()]);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}
