//! Renders outside the async runtime. Templates are programs of tenants, and a slow one must delay neither events,
//! nor health checks, nor other tenants' templates.
//!
//! A declaration without a template, a rewrite, or a search in a document renders in place, in about a microsecond.
//! Everything else runs on a thread: one at a time per namespace, as many in all as there are cores, within a budget
//! of steps and bytes, and within [`LONGEST`].

use crate::base::lanes::Lanes;
use crate::base::panicked::panicked;
use crate::deliver::recipes::{Recipes, is_plain};
use pawl_domain::{
    Budget, ClusterName, Declaration, Kind, Namespace, Read, RenderError, Rendered, Step, TemplateSources,
    Values,
};
use pawl_ports::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long one rendering may take by the clock. Its budget ends it after about a second; this is for a machine that is
/// too busy, and for what a budget misjudges.
const LONGEST: Duration = Duration::from_secs(10);

/// Up to so many reads are rendered where they stand.
const QUICK_READS: usize = 100;

/// Renders declarations, and keeps what was compiled for them.
#[derive(Debug)]
pub(crate) struct Rendering {
    recipes: Arc<Recipes>,
    namespaces: Lanes<(ClusterName, Namespace)>,
    threads: Lanes<()>,
}

/// Why nothing was rendered.
pub(crate) enum NotRendered {
    /// The manifest and its values give nothing usable.
    Refused(RenderError),
    /// The rendering itself ended.
    Ended(Error),
}

impl Rendering {
    pub(crate) fn new(recipes: Recipes) -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { recipes: Arc::new(recipes), namespaces: Lanes::new(1), threads: Lanes::new(cores) }
    }

    /// Renders one declaration.
    ///
    /// # Errors
    /// [`NotRendered`].
    pub(crate) async fn render(
        &self,
        declaration: &Declaration,
        values: &Values,
        sources: &TemplateSources,
    ) -> Result<Rendered, NotRendered> {
        if is_plain(declaration) && is_quick(declaration) {
            let recipe = self.recipes.of(declaration);
            return recipe.and_then(|it| it.render(values, sources)).map_err(NotRendered::Refused);
        }
        let lane = (declaration.id.cluster.clone(), declaration.id.namespace.clone());
        let _own = self.namespaces.enter(&lane).await;
        let thread = self.threads.enter(&()).await;
        let stop = Stop::default();
        let budget = Budget::default().stopped_by(Arc::clone(&stop.0));
        let recipes = Arc::clone(&self.recipes);
        let (declaration, values, sources) = (declaration.clone(), values.clone(), sources.clone());
        let rendering = tokio::task::spawn_blocking(move || {
            // The turn ends with the thread, not with who waits for it.
            let (_thread, mut budget) = (thread, budget);
            recipes.of(&declaration)?.render_within(&mut budget, &values, &sources)
        });
        match tokio::time::timeout(LONGEST, rendering).await {
            Ok(Ok(rendered)) => rendered.map_err(NotRendered::Refused),
            Ok(Err(_)) => Err(NotRendered::Ended(panicked(Step::Render))),
            Err(_) => Err(NotRendered::Ended(Error::new(
                Step::Render,
                Kind::Invalid,
                "the template takes longer than allowed; let it make less",
            ))),
        }
    }
}

/// Whether no property asks for more than a member by its name, and there are not many of them.
fn is_quick<'a>(declaration: &'a Declaration) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_./".contains(sign);
    let property = |read: &'a Read| read.remote().and_then(|remote| remote.property.as_ref());
    let mut properties = declaration.reads.iter().filter_map(property);
    declaration.reads.len() <= QUICK_READS && properties.all(|property| property.chars().all(plain))
}

/// Ends a rendering when nobody waits for it any more.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
