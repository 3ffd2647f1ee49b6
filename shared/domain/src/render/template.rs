//! `target.template`: the assembled map becomes data, labels and annotations.
//!
//! Every text is a template of its own, whose `.` is the assembled map as a `map[string]string`; a key that is not there
//! is an error. Order, later over earlier: the assembled map itself with `mergePolicy: Merge` or where nothing makes
//! data; `templateFrom` in order; `template.data`; `template.metadata`.

mod from;
mod placed;

use super::error::{TemplateProblem, TemplateStage};
use super::functions::{Functions, is_random};
use super::keys::Data;
use super::rendered::Rendered;
use crate::content::{Placement, Token};
use crate::declaration::{self, Manifest, Target, TemplateScope, TemplateSource};
use crate::secret::SecretValue;
use from::From;
use pawl_golang::budget::Budget;
use pawl_golang::template::{MissingKey, Options, Template};
use pawl_golang::value::Value;
use std::collections::BTreeMap;
use std::mem;

pub(super) use placed::whole as placed_whole;

/// What the objects that `templateFrom` names hold, by key. An object that does not exist is not in it.
///
/// Which ones are wanted, [`Template::sources`](crate::declaration::Template::sources) tells.
#[derive(Clone, Debug, Default)]
pub struct TemplateSources(pub BTreeMap<TemplateSource, BTreeMap<String, SecretValue>>);

/// The template of a target, compiled.
#[derive(Debug)]
pub(super) struct TemplateRecipe {
    /// The assembled map goes in as well.
    merges: bool,
    from: Vec<From>,
    data: Texts,
    labels: Texts,
    annotations: Texts,
    functions: Functions,
    random: bool,
    /// The target's kind, where it is no Secret. Labels and annotations are then taken as they stand.
    generic: Option<Manifest>,
    plain: (BTreeMap<String, String>, BTreeMap<String, String>),
}

/// What an entry takes beside its key and its value.
const ENTRY: usize = 128;

/// Compiled templates by the key that each makes.
type Texts = Vec<(String, Template)>;

impl TemplateRecipe {
    /// Compiles the template of a target that has one.
    pub(super) fn of(
        target: &Target,
        functions: &Functions,
        parts: &mut usize,
    ) -> Result<Self, TemplateProblem> {
        let template = target.template.clone().unwrap_or_default();
        Self::compiled(template, target.generic().cloned(), functions, parts)
    }

    /// Compiles the template of what stays a Secret.
    pub(super) fn of_secret(
        template: declaration::Template,
        functions: &Functions,
        parts: &mut usize,
    ) -> Result<Self, TemplateProblem> {
        Self::compiled(template, None, functions, parts)
    }

    fn compiled(
        mut template: declaration::Template,
        generic: Option<Manifest>,
        functions: &Functions,
        parts: &mut usize,
    ) -> Result<Self, TemplateProblem> {
        let mut plain = (BTreeMap::new(), BTreeMap::new());
        if generic.is_some() {
            plain = (mem::take(&mut template.labels), mem::take(&mut template.annotations));
        } else {
            allowed(&template)?;
        }
        let from = template.from.iter().enumerate();
        let recipe = Self {
            merges: template.merge || (template.data.is_empty() && template.from.is_empty()),
            from: from
                .map(|(index, from)| From::of(index, from, functions, generic.is_some(), parts))
                .collect::<Result<_, _>>()?,
            data: compiled(&template.data, functions, parts)?,
            labels: compiled(&template.labels, functions, parts)?,
            annotations: compiled(&template.annotations, functions, parts)?,
            functions: functions.clone(),
            random: false,
            generic,
            plain,
        };
        let texts = [&recipe.data, &recipe.labels, &recipe.annotations].into_iter().flatten();
        let literals = recipe.from.iter().filter_map(From::literal);
        let random = texts.map(|(_, template)| template).chain(literals).any(is_random);
        Ok(Self { random, ..recipe })
    }

    /// Whether a template of the manifest gives other bytes each time.
    pub(super) fn is_random(&self) -> bool {
        self.random
    }

    /// What the template makes of the assembled map.
    pub(super) fn applied(
        &self,
        data: Data,
        sources: &TemplateSources,
        budget: &mut Budget,
    ) -> Result<Rendered, TemplateProblem> {
        budget.take(data.iter().map(|(key, value)| key.len() + value.len() + ENTRY).sum())?;
        let root = Value::string_map(data.iter().map(|(key, value)| (key, value.expose())));
        let mut rendered = Rendered { assembled_is_empty: data.is_empty(), ..Rendered::default() };
        (rendered.labels, rendered.annotations) = self.plain.clone();
        match &self.generic {
            Some(manifest) if self.merges => rendered.placed = placed::whole(manifest, &data),
            None if self.merges => rendered.data = data,
            _ => {}
        }
        for from in &self.from {
            from.apply(&root, sources, &self.functions, budget, &mut rendered)?;
        }
        let scopes = [
            (&self.data, TemplateScope::Data),
            (&self.labels, TemplateScope::Labels),
            (&self.annotations, TemplateScope::Annotations),
        ];
        for (texts, scope) in &scopes {
            for (key, template) in *texts {
                let text = executed(TemplateStage::Template, key, template, &root, budget)?;
                put(&mut rendered, scope, key.clone(), SecretValue::new(text), self.generic.is_some());
            }
        }
        Ok(rendered)
    }
}

fn compiled(
    texts: &BTreeMap<String, String>,
    functions: &Functions,
    parts: &mut usize,
) -> Result<Texts, TemplateProblem> {
    let compile = |(key, text): (&String, &String)| {
        Ok((key.clone(), parsed(TemplateStage::Template, key, text.as_bytes(), functions, parts)?))
    };
    texts.iter().map(compile).collect()
}

/// A template of no more than so many parts, which are taken.
fn parsed(
    stage: TemplateStage,
    key: &str,
    text: &[u8],
    functions: &Functions,
    parts: &mut usize,
) -> Result<Template, TemplateProblem> {
    let mut options = Options { missing_key: MissingKey::Error, ..Options::new(functions.table()) };
    options.limits.parts = *parts;
    let template = Template::parse(key, text, &options).map_err(|error| TemplateProblem::Parse {
        stage,
        key: key.to_owned(),
        error: error.into(),
    })?;
    *parts = parts.saturating_sub(template.parts());
    Ok(template)
}

fn executed(
    stage: TemplateStage,
    key: &str,
    template: &Template,
    root: &Value,
    budget: &mut Budget,
) -> Result<Vec<u8>, TemplateProblem> {
    template.execute_within(budget, root).map_err(|error| TemplateProblem::Execute {
        stage,
        key: key.to_owned(),
        error: error.into(),
    })
}

/// Lays one rendered entry over what is there. Of [`TemplateScope::Path`] nothing comes here.
fn put(rendered: &mut Rendered, scope: &TemplateScope, key: String, value: SecretValue, generic: bool) {
    match scope {
        TemplateScope::Data if generic => {
            let path = [Token::Key("data".to_owned()), Token::Key(key)];
            rendered.placed.push(Placement::replacing(path, text(&value).into()));
        }
        TemplateScope::Data => {
            rendered.data.insert(key, value);
        }
        TemplateScope::Labels => {
            rendered.labels.insert(key, text(&value));
        }
        TemplateScope::Annotations => {
            rendered.annotations.insert(key, text(&value));
        }
        TemplateScope::Path(_) => {}
    }
}

/// The text as Go's JSON carries it to the API server: each byte that is no UTF-8 becomes U+FFFD.
fn text(value: &SecretValue) -> String {
    let mut text = String::with_capacity(value.len());
    for chunk in value.expose().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// Refuses templates that would make Kubernetes hand out tokens. Source: ESO's admission, which its controller repeats
/// before each write.
fn allowed(template: &declaration::Template) -> Result<(), TemplateProblem> {
    const BOOTSTRAP: &str = "bootstrap.kubernetes.io/token";
    const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account-token";
    const ANNOTATION: &str = "kubernetes.io/service-account.name";
    let annotated = template.annotations.contains_key(ANNOTATION)
        || template.from.iter().any(|from| from.scope == TemplateScope::Annotations);
    match template.kind.as_deref() {
        Some(BOOTSTRAP) => Err(TemplateProblem::Kind { kind: BOOTSTRAP.to_owned(), annotation: None }),
        Some(SERVICE_ACCOUNT) if annotated => {
            Err(TemplateProblem::Kind { kind: SERVICE_ACCOUNT.to_owned(), annotation: Some(ANNOTATION) })
        }
        _ => Ok(()),
    }
}
