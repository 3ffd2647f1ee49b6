//! `pawl migrate`: whether Pawl would write the Secrets of a cluster as they stand there.

use super::place::Place;
use super::problems::line;
use super::targets::{Target, counts};
use crate::args::{Args, Migrate};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_domain::{DeclarationId, Namespace, Problem, Severity};
use pawl_pipeline::Pipeline;
use pawl_ports::{Ports, Registry};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(
    pipeline: &Pipeline<World>,
    args: &Args,
    migrate: &Migrate,
) -> Result<ExitCode, Error> {
    let wanted: Place = migrate.what.parse()?;
    let known = pipeline.ports().registry().clusters().await?;
    let Some(cluster) = known.into_iter().find(|each| each.name == wanted.cluster) else {
        let what = "pawl apply --clusters declares one; leave index out of it until you have looked";
        return Err(Error::NotFound(format!("no cluster {} is registered; {what}", wanted.cluster)));
    };
    let mut survey = pipeline.survey(&cluster).await?;
    survey.targets.retain(|each| wanted.holds(&each.id));
    survey.problems.retain(|problem| concerns(problem, &wanted));
    let is_whole_cluster = wanted.namespace.is_none() && wanted.declaration.is_none();
    if !is_whole_cluster && survey.targets.is_empty() && survey.problems.is_empty() {
        let message = format!("{}: there is no ExternalSecret there", migrate.what);
        return Err(Error::NotFound(message));
    }
    let mut targets: Vec<_> = survey.targets.into_iter().map(Target::from).collect();
    let usable = !survey.problems.iter().any(|problem| problem.severity == Severity::Error);
    let same = usable && targets.iter().all(Target::is_left);
    let summary = counts(&targets);
    targets.retain(|target| migrate.all || !target.is_left());
    output::show(&Surveyed { targets, problems: survey.problems, summary }, args.output);
    Ok(code(same))
}

/// Whether a problem is of an object that this place may use: one of another namespace is not.
fn concerns(problem: &Problem, place: &Place) -> bool {
    let named = problem.object.split_once(' ').map_or("", |(_, name)| name).split_once('/');
    let Some((namespace, name)) = named else { return true };
    let of_namespace = |it: &Namespace| it.to_string() == namespace;
    let of_declaration = |it: &DeclarationId| {
        let is_other = problem.object.starts_with("ExternalSecret ") && it.name.to_string() != name;
        of_namespace(&it.namespace) && !is_other
    };
    place.namespace.as_ref().is_none_or(of_namespace) && place.declaration.as_ref().is_none_or(of_declaration)
}

/// What would not stay as it stands.
#[derive(Debug, Serialize)]
struct Surveyed {
    targets: Vec<Target>,
    /// What Pawl could not use of the manifests there.
    problems: Vec<Problem>,
    #[serde(skip)]
    summary: String,
}

impl Table for Surveyed {
    const HEADINGS: &'static [&'static str] = Target::HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        self.targets.iter().flat_map(Target::rows).collect()
    }

    fn summary(&self) -> Option<String> {
        let lines = self.problems.iter().map(line).chain([self.summary.clone()]);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_other_namespaces_and_declarations_do_not_concern_a_place() {
        let concerned = |object: &str, place: &str| {
            let problem = Problem {
                severity: Severity::Error,
                place: "cluster blue".to_owned(),
                object: object.to_owned(),
                field: String::new(),
                message: String::new(),
            };
            concerns(&problem, &place.parse().unwrap())
        };
        for (object, of_cluster, of_namespace, of_declaration) in [
            ("ExternalSecret shop/db", true, true, true),
            ("ExternalSecret shop/web", true, true, false),
            ("SecretStore shop/aws", true, true, true),
            ("ExternalSecret team/db", true, false, false),
            ("SecretStore team/aws", true, false, false),
            ("ClusterSecretStore aws", true, true, true),
            ("an object without a name", true, true, true),
        ] {
            let told = ["blue", "blue/shop", "blue/shop/db"].map(|place| concerned(object, place));
            assert_eq!(told, [of_cluster, of_namespace, of_declaration], "{object}");
        }
    }
}
