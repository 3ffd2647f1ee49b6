//! `pawl render`: the Secrets that ExternalSecrets make of given values, without asking anybody.
//!
//! The only verb whose output holds values: they were given to it, and are shown to who gave them.

mod document;
mod lookup;
mod values;

use super::problems::line;
use super::{input, manifests};
use crate::args::{Args, Output, Render};
use crate::error::Error;
use crate::output::{self, code};
use lookup::Lookup;
use manifests::Source;
use pawl_domain::declaration::{CreationPolicy, Template};
use pawl_domain::reconcile::{Action, Desired, decide};
use pawl_domain::{
    Declaration, DeclarationId, Functions, Home, Outcome, Problem, Recipe, Severity, Store, StoreId,
    TemplateSources, Values,
};
use pawl_manifests::{Held, ParseOptions, held};
use pawl_ports::Clock;
use pawl_runtime::clock::SystemClock;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use values::Given;

pub(super) fn run(args: &Args, render: &Render) -> Result<ExitCode, Error> {
    let given = match &render.values {
        Some(path) => Given::read(&path.display().to_string(), &input::text(path)?)?,
        None => Given::default(),
    };
    let sources = manifests::sources(&render.files)?;
    let rendered = Rendered::of(&sources, render, &given);
    for note in &rendered.notes {
        output::note(note);
    }
    output::text(&match args.output {
        Output::Json => document::list(&rendered.documents),
        // Secrets have no rows.
        Output::Table | Output::Wide | Output::Name | Output::Csv | Output::Yaml => {
            document::stream(&rendered.documents)
        }
    });
    Ok(code(rendered.well))
}

/// What came of it.
struct Rendered {
    documents: Vec<document::Secret>,
    /// What a person should know beside it.
    notes: Vec<String>,
    well: bool,
}

impl Rendered {
    fn of(sources: &[Source], render: &Render, given: &Given) -> Self {
        let mut options = ParseOptions::new(Home::Applied);
        options.any_cluster = true;
        options.default_namespace = Some(render.namespace.clone());
        let found = manifests::together(manifests::read(sources, options));
        let mut rendered = Self { documents: Vec::new(), notes: Vec::new(), well: true };
        let mut objects = Vec::new();
        for source in sources {
            let (found, problems) = held(&source.text, &source.place, &render.namespace);
            objects.extend(found);
            rendered.note_all(&problems);
        }
        rendered.note_all(&found.problems);
        let stores: BTreeMap<StoreId, Store> =
            found.stores.into_iter().map(|store| (store.id.clone(), store)).collect();
        let functions = Functions::new(|| SystemClock.now());
        // Where it goes changes nothing, so one of all clusters is enough.
        let mut seen = BTreeSet::new();
        for declaration in &found.declarations {
            let DeclarationId { namespace, name, .. } = &declaration.id;
            if !seen.insert((namespace, name)) {
                continue;
            }
            let title = format!("ExternalSecret {namespace}/{name}");
            for id in declaration.stores().iter().filter(|id| !stores.contains_key(id)) {
                let instead = match id.generator {
                    Some(_) => "what it makes is left out, unless values are given for its name",
                    None => "its values are read as those of Secrets Manager",
                };
                rendered.note(format!("{title}: {id} is not among the files; {instead}"));
            }
            let lookup = Lookup { given, stores: &stores };
            for id in lookup.of_unknown_keys(declaration) {
                rendered.note(format!(
                    "{title}: only the server of {id} knows what it makes; it is left out, unless values are given for its name"
                ));
            }
            match secret(declaration, &lookup, &objects, &functions) {
                Ok(Ok(desired)) => {
                    rendered.documents.push(document::Secret::new(declaration, desired, render.decode));
                }
                Ok(Err(nothing)) => rendered.note(format!("{title}: {nothing}")),
                Err(error) => {
                    rendered.well = false;
                    rendered.note(format!("error: {title}: {error}"));
                }
            }
        }
        rendered
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn note_all(&mut self, problems: &[Problem]) {
        for problem in problems {
            self.well &= problem.severity != Severity::Error;
            self.note(line(problem));
        }
    }
}

/// The Secret as it would be created, or why there is none.
fn secret(
    declaration: &Declaration,
    lookup: &Lookup<'_>,
    objects: &[Held],
    functions: &Functions,
) -> Result<Result<Desired, &'static str>, String> {
    let recipe = Recipe::of(declaration, functions).map_err(|error| error.to_string())?;
    let values = Values(declaration.reads.iter().map(|read| lookup.found(read)).collect());
    let templates = declaration.target.template.as_ref();
    let rendered = recipe
        .render(&values, &sources(templates, declaration, objects))
        .map_err(|error| error.to_string())?;
    let mut alone = declaration.clone();
    // There is no Secret here that it could be merged into: what would be added is what is shown.
    if alone.target.creation == CreationPolicy::Merge {
        alone.target.creation = CreationPolicy::CreateOrMerge;
    }
    let decision = decide(&alone, &rendered, None);
    let outcome = decision.outcome.map_err(|refused| refused.to_string())?;
    Ok(match (decision.action, outcome) {
        (Action::Create(desired), _) => Ok(desired),
        (_, Outcome::NotWanted) => Err("creationPolicy None: no Secret is written"),
        (_, Outcome::Deleted) => {
            Err("nothing is left to write, so the Secret is deleted (deletionPolicy Delete)")
        }
        _ => Err("there is nothing to write, so no Secret is touched (deletionPolicy Retain)"),
    })
}

/// The objects that a template names, of the declaration's namespace.
fn sources(template: Option<&Template>, declaration: &Declaration, objects: &[Held]) -> TemplateSources {
    let wanted = template.map(Template::sources).unwrap_or_default();
    let of_namespace = objects.iter().filter(|held| held.namespace == declaration.id.namespace);
    let named = of_namespace.filter(|held| wanted.contains(&held.source));
    TemplateSources(named.map(|held| (held.source.clone(), held.data.clone())).collect())
}
