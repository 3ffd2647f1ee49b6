//! Renders values to the content of the target, and describes what it was made from.

use crate::deliver::catch::Catch;
use crate::deliver::making::Intended;
use crate::deliver::plan::Plan;
use crate::deliver::rendering::NotRendered;
use crate::deliver::templates::Templates;
use crate::deliver::values::Guard;
use crate::parts::Deliver;
use pawl_domain::render::EntryProblem;
use pawl_domain::secret::DigestParts;
use pawl_domain::{
    Complaint, Declaration, Found, Kind, RenderError, Rendered, Step, TemplateSources, Values,
};
use pawl_ports::{Clock, Error, Ports};

/// All that one declaration is rendered from.
#[derive(Debug)]
pub(crate) struct Ingredients {
    pub(crate) values: Values,
    sources: TemplateSources,
    /// The keyed digest of the above and of the declaration: while it stays the same, nothing new can come of it but
    /// chance.
    pub(crate) inputs: String,
    /// The same without what generators make.
    unmade: String,
    /// What generators make of it.
    pub(crate) intended: Intended,
}

impl Ingredients {
    /// Takes what generators make for what these marks tell.
    pub(crate) fn mark(&mut self, parts: DigestParts, marks: Vec<String>) {
        let parts = marks.into_iter().fold(parts.with(&self.unmade), DigestParts::with);
        self.inputs = parts.digest();
    }
}

impl<P: Ports> Deliver<P> {
    /// Picks out what one declaration is rendered from.
    ///
    /// # Errors
    /// The first read that failed, or an object with templates that could not be read.
    pub(crate) fn ingredients(
        &self,
        plan: &Plan,
        catch: &Catch,
        templates: &Templates,
    ) -> Result<Ingredients, Error> {
        let guard = Guard { accept_older: self.mode.accepts_older, now: self.base.ports.clock().now() };
        let values = catch.values(plan, guard)?;
        let sources = templates.of(&plan.declaration)?;
        let inputs = self.over(plan.declaration.target_digest(), &values, &sources);
        if !plan.declaration.generates() {
            let (unmade, intended) = (String::new(), Intended::default());
            return Ok(Ingredients { values, sources, inputs, unmade, intended });
        }
        let basis = self.over(plan.declaration.data_digest(), &values, &sources);
        let intended = self.intended(plan, basis, guard.now);
        let marks = self.marks(plan, &intended);
        let mut ingredients =
            Ingredients { values, sources, unmade: inputs, inputs: String::new(), intended };
        ingredients.mark(self.base.digest_key.parts(), marks);
        Ok(ingredients)
    }

    /// The keyed digest of what is declared and of what was read for it.
    fn over(&self, declared: String, values: &Values, sources: &TemplateSources) -> String {
        let mut parts = self.base.digest_key.parts().with(declared);
        for found in &values.0 {
            parts = with_found(parts, found);
        }
        for (source, data) in &sources.0 {
            parts = parts.with(source.to_string()).with(data.len().to_be_bytes());
            for (key, text) in data {
                parts = parts.with(key).with(text.expose());
            }
        }
        parts.digest()
    }

    /// Renders a declaration. `standing` says whether its target exists, which ESO's messages tell.
    pub(crate) async fn render(
        &self,
        declaration: &Declaration,
        ingredients: &Ingredients,
        standing: bool,
    ) -> Result<Rendered, Error> {
        let rendered = self.rendering.render(declaration, &ingredients.values, &ingredients.sources).await;
        rendered.map_err(|why| match why {
            NotRendered::Refused(error) => refused(declaration, &error, standing),
            NotRendered::Ended(error) => error,
        })
    }

    /// The keyed digest of what was rendered.
    pub(crate) fn digest_of(&self, rendered: &Rendered) -> String {
        let mut parts = self.base.digest_key.parts();
        for (key, value) in &rendered.data {
            parts = parts.with(key).with(value.expose());
        }
        for placement in &rendered.placed {
            parts = parts.with(placement.shown()).with(placement.expose().as_bytes());
        }
        for (what, texts) in [("labels", &rendered.labels), ("annotations", &rendered.annotations)] {
            for (key, text) in texts {
                parts = parts.with(what).with(key).with(text);
            }
        }
        parts.digest()
    }
}

fn with_found(parts: DigestParts, found: &Found) -> DigestParts {
    match found {
        Found::Missing => parts.with("missing"),
        Found::One(fetched) => parts.with("one").with(fetched.value.expose()),
        Found::Many(found) => {
            let parts = parts.with("many").with(found.len().to_be_bytes());
            found.iter().fold(parts, |parts, (name, fetched)| parts.with(name).with(fetched.value.expose()))
        }
    }
}

/// ESO counts a value that does not fit as the provider's fault and a template that does not work as the target's.
fn refused(declaration: &Declaration, error: &RenderError, standing: bool) -> Error {
    let name = &declaration.target.name;
    let (complaint, mutates) = match error {
        // ESO lets such a key pass, and the API server refuses it.
        RenderError::Entry { problem: EntryProblem::RefusedKey(_), .. } => (Complaint::Update, false),
        RenderError::Entry { .. } => (Complaint::Provider, false),
        RenderError::Template(_) | RenderError::Key(_) => (Complaint::Update, standing),
    };
    let kind = declaration.target.generic().map_or("secret", |kind| kind.kind.as_str());
    let words = if mutates { format!("unable to mutate {kind} {name}: ") } else { String::new() };
    Error::new(Step::Render, Kind::Invalid, error.to_string()).within(&words).complaining(complaint)
}
