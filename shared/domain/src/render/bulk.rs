//! What PushSecrets share with declarations: a template laid over data, and rewritten keys.

use super::error::{EntryProblem, RenderError};
use super::functions::Functions;
use super::keys::Data;
use super::rendered::Rendered;
use super::rewrite::{self, Operation};
use super::room::{PARTS, Room};
use super::template::{TemplateRecipe, TemplateSources};
use crate::declaration::{Rewrite, Template};
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;

/// A template whose texts are laid over the data that they are rendered with.
#[derive(Debug)]
pub struct Overlay(TemplateRecipe);

impl Overlay {
    /// Compiles a template.
    ///
    /// # Errors
    /// It does not compile, or may not be used.
    pub fn of(template: &Template, functions: &Functions) -> Result<Self, RenderError> {
        let template = Template { merge: true, ..template.clone() };
        Ok(Self(TemplateRecipe::of_secret(template, functions, &mut { PARTS })?))
    }

    /// The data with what the template makes of it laid over it, and the template's labels and annotations.
    ///
    /// # Errors
    /// A text asks for what is not there, or takes more than the budget.
    pub fn applied(
        &self,
        data: Data,
        sources: &TemplateSources,
        budget: &mut Budget,
    ) -> Result<Rendered, RenderError> {
        Ok(self.0.applied(data, sources, budget)?)
    }
}

/// The `rewrite` of a `dataTo`: each key by itself.
#[derive(Debug)]
pub struct KeyRewrite(Vec<Operation>);

impl KeyRewrite {
    /// Compiles the operations.
    ///
    /// # Errors
    /// A pattern or template does not compile.
    pub fn of(operations: &[Rewrite], functions: &Functions) -> Result<Self, EntryProblem> {
        Ok(Self(rewrite::compile(operations, functions, &mut Room::default())?))
    }

    /// What becomes of a key; nothing may be left of it.
    ///
    /// # Errors
    /// A template fails, or the key becomes too long.
    pub fn apply(&self, key: &str, budget: &mut Budget) -> Result<String, EntryProblem> {
        let one = Data::from([(key.to_owned(), SecretValue::new(""))]);
        let rewritten = rewrite::apply(&self.0, one, budget)?;
        Ok(rewritten.into_keys().next().unwrap_or_default())
    }
}
