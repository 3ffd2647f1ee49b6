//! One element of `templateFrom`: all that it names is rendered, ConfigMap first, then Secret, then literal.

use super::{ENTRY, TemplateSources, executed, parsed, placed, put};
use crate::content::{Token, path_of};
use crate::declaration::{
    Decoding, TemplateAs, TemplateFrom, TemplateItem, TemplateObject, TemplateScope, TemplateSource,
};
use crate::render::decode::decoded;
use crate::render::error::{TemplateProblem, TemplateStage};
use crate::render::functions::{Functions, is_random};
use crate::render::keys::key_of;
use crate::render::rendered::Rendered;
use crate::render::room::PARTS;
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;
use pawl_golang::prices;
use pawl_golang::template::{ExecError, ParseError, Template};
use pawl_golang::value::Value;
use pawl_golang::yaml;

/// An element of `templateFrom`, with its literal compiled.
#[derive(Debug)]
pub(super) struct From {
    objects: Vec<(TemplateSource, Vec<TemplateItem>)>,
    literal: Option<(String, Template)>,
    scope: TemplateScope,
    /// The steps of the scope, where it is a path.
    path: Option<Vec<Token>>,
    generic: bool,
    decoding: Decoding,
}

impl From {
    pub(super) fn of(
        index: usize,
        from: &TemplateFrom,
        functions: &Functions,
        generic: bool,
        parts: &mut usize,
    ) -> Result<Self, TemplateProblem> {
        let path = match &from.scope {
            TemplateScope::Path(path) => {
                let tokens = path_of(path).filter(|_| generic);
                let tokens = tokens.ok_or_else(|| TemplateProblem::Scope(path.clone()))?;
                if placed::is_reserved(&tokens) {
                    return Err(TemplateProblem::Reserved(path.clone()));
                }
                Some(tokens)
            }
            TemplateScope::Data | TemplateScope::Labels | TemplateScope::Annotations => None,
        };
        let object = |source: fn(_) -> TemplateSource, object: &Option<TemplateObject>| {
            object.as_ref().map(|object| (source(object.name.clone()), object.items.clone()))
        };
        let config_map = object(TemplateSource::ConfigMap, &from.config_map);
        let secret = object(TemplateSource::Secret, &from.secret);
        let literal = from.literal.as_ref().map(|text| {
            let key = format!("templateFrom[{index}].literal");
            let template = parsed(TemplateStage::From, &key, text.as_bytes(), functions, parts);
            template.map(|template| (key, template))
        });
        Ok(Self {
            objects: config_map.into_iter().chain(secret).collect(),
            literal: literal.transpose()?,
            scope: from.scope.clone(),
            path,
            generic,
            decoding: from.decoding,
        })
    }

    /// The template that stands in the manifest.
    pub(super) fn literal(&self) -> Option<&Template> {
        self.literal.as_ref().map(|(_, template)| template)
    }

    /// Lays what this element makes over what is there.
    pub(super) fn apply(
        &self,
        root: &Value,
        sources: &TemplateSources,
        functions: &Functions,
        budget: &mut Budget,
        rendered: &mut Rendered,
    ) -> Result<(), TemplateProblem> {
        for (source, items) in &self.objects {
            let object = sources.0.get(source).ok_or_else(|| TemplateProblem::NoSource(source.clone()))?;
            for item in items {
                let text = object.get(&item.key).ok_or_else(|| TemplateProblem::NoItem {
                    object: source.clone(),
                    key: item.key.clone(),
                })?;
                // Parsing takes some ten times the steps of reading.
                budget.read(text.len().saturating_mul(10))?;
                let template =
                    parsed(TemplateStage::From, &item.key, text.expose(), functions, &mut { PARTS })
                        .map_err(|problem| sealed(source, problem))?;
                rendered.random |= is_random(&template);
                let text = executed(TemplateStage::From, &item.key, &template, root, budget)
                    .map_err(|problem| sealed(source, problem))?;
                match item.as_what {
                    TemplateAs::Values => self.put(rendered, item.key.clone(), text)?,
                    TemplateAs::KeysAndValues => self.put_all(rendered, &item.key, &text, budget)?,
                }
            }
        }
        if let Some((key, template)) = &self.literal {
            let text = executed(TemplateStage::From, key, template, root, budget)?;
            self.put_all(rendered, key, &text, budget)?;
        }
        Ok(())
    }

    /// Every key and value of a rendered YAML document.
    fn put_all(
        &self,
        rendered: &mut Rendered,
        key: &str,
        text: &[u8],
        budget: &mut Budget,
    ) -> Result<(), TemplateProblem> {
        budget.step(prices::of_yaml(text))?;
        let not_yaml = |error| TemplateProblem::NotKeysAndValues { key: key.to_owned(), error };
        if let Some(path) = &self.path {
            rendered.placed.push(placed::document(path, text).map_err(not_yaml)?);
            return Ok(());
        }
        let entries = yaml::read_strings(text).map_err(not_yaml)?;
        budget.take(entries.iter().map(|(key, value)| key.len() + value.len() + ENTRY).sum())?;
        entries.into_iter().try_for_each(|(key, value)| self.put(rendered, key_of(key), value))
    }

    fn put(&self, rendered: &mut Rendered, key: String, value: Vec<u8>) -> Result<(), TemplateProblem> {
        match decoded(self.decoding, SecretValue::new(value)) {
            Ok(value) => match &self.path {
                Some(path) => rendered.placed.push(placed::value(path, &key, &value)),
                None => put(rendered, &self.scope, key, value, self.generic),
            },
            Err(problem) => return Err(TemplateProblem::Encoding { decoding: self.decoding, key, problem }),
        }
        Ok(())
    }
}

/// A template that stands in a Secret is a secret itself: of what is wrong with it only the place is shown.
fn sealed(source: &TemplateSource, problem: TemplateProblem) -> TemplateProblem {
    const HIDDEN: &str = "what is wrong is not shown, because the template stands in a Secret";
    if matches!(source, TemplateSource::ConfigMap(_)) {
        return problem;
    }
    match problem {
        TemplateProblem::Parse { stage, key, error } => {
            let error = ParseError { message: HIDDEN.to_owned(), ..*error };
            TemplateProblem::Parse { stage, key, error: error.into() }
        }
        TemplateProblem::Execute { stage, key, error } => {
            let (template, context) = (format!("{:?}", error.name), "...".to_owned());
            let error = ExecError { template, context, message: HIDDEN.to_owned(), ..*error };
            TemplateProblem::Execute { stage, key, error: error.into() }
        }
        other => other,
    }
}
