use super::declared::{PushDataTo, PushSecret};
use super::problem::PushProblem;
use crate::name::ObjectName;
use crate::render::{Budget, Functions, KeyRewrite, Overlay, TemplateSources};
use crate::secret::SecretValue;
use pawl_golang::regexp::Regexp;
use std::collections::BTreeMap;
use std::fmt;

/// The annotation in which `kubectl apply` keeps what was applied, with all values of a Secret.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Secret as it is pushed.
#[derive(Clone, PartialEq)]
pub struct SourceSecret {
    /// Its name.
    pub name: ObjectName,
    /// `type`.
    pub kind: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its data.
    pub data: BTreeMap<String, SecretValue>,
}

impl SourceSecret {
    /// The same without the copy of its data that `kubectl apply` leaves in the annotations.
    #[must_use]
    pub fn without_copies(mut self) -> Self {
        self.annotations.remove(LAST_APPLIED);
        self
    }
}

/// Of labels and annotations the keys only: tools keep copies of data in them.
impl fmt::Debug for SourceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSecret")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .field("data", &self.data)
            .finish()
    }
}

/// All of a PushSecret that can be prepared before there is a source: patterns and templates compiled.
#[derive(Debug)]
pub struct PushRecipe {
    template: Option<(Overlay, Option<String>)>,
    pub(super) data_to: Vec<Prepared>,
}

/// One of `dataTo`, compiled.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) declared: PushDataTo,
    pub(super) pattern: Option<Regexp>,
    pub(super) rewrite: KeyRewrite,
}

impl PushRecipe {
    /// Prepares a PushSecret.
    ///
    /// # Errors
    /// A pattern or template does not compile. The manifest must be mended.
    pub fn of(push: &PushSecret, functions: &Functions) -> Result<Self, PushProblem> {
        let template = push.template.as_ref().map(|template| {
            let overlay = Overlay::of(template, functions)?;
            Ok::<_, PushProblem>((overlay, template.kind.clone()))
        });
        let data_to = push.data_to.iter().enumerate();
        let prepare = |(index, declared): (usize, &PushDataTo)| {
            let pattern = declared.pattern.as_deref().map(Regexp::new).transpose();
            let pattern =
                pattern.map_err(|error| PushProblem::Pattern { index, reason: error.to_string() })?;
            let rewrite = KeyRewrite::of(&declared.rewrite, functions)
                .map_err(|problem| PushProblem::Rewrite { index, problem })?;
            Ok(Prepared { declared: declared.clone(), pattern, rewrite })
        };
        Ok(Self {
            template: template.transpose()?,
            data_to: data_to.map(prepare).collect::<Result<_, PushProblem>>()?,
        })
    }

    /// What is pushed of a source: the source itself, with what the template makes laid over it. The source in the cluster
    /// stays as it is.
    ///
    /// # Errors
    /// The template cannot be rendered with this data.
    pub fn templated(
        &self,
        mut source: SourceSecret,
        sources: &TemplateSources,
        budget: &mut Budget,
    ) -> Result<SourceSecret, PushProblem> {
        let Some((overlay, kind)) = &self.template else { return Ok(source) };
        let rendered = overlay.applied(source.data, sources, budget)?;
        source.data = rendered.data;
        source.labels.extend(rendered.labels);
        source.annotations.extend(rendered.annotations);
        source.kind = kind.clone().unwrap_or_default();
        Ok(source)
    }
}
