//! Recipes: declarations made ready to render, kept for the next time.

use pawl_domain::declaration::Into as Becomes;
use pawl_domain::{Declaration, Functions, Recipe, RenderError};
use pawl_ports::{Clock, Ports};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How many recipes are kept. One takes a few kilobytes, so that all of them stay below ten megabytes.
const KEPT: usize = 2_000;

/// Makes recipes, and keeps those that cost something to make.
pub(crate) struct Recipes {
    functions: Functions,
    kept: Mutex<Kept>,
}

/// Recipes by the digest of their declaration, and the digests in the order in which they came.
#[derive(Default)]
struct Kept {
    recipes: HashMap<String, Arc<Recipe>>,
    order: VecDeque<String>,
}

impl Recipes {
    /// None yet; templates are told the time by the clock of these ports.
    pub(crate) fn new<P: Ports>(ports: &Arc<P>) -> Self {
        let ports = Arc::clone(ports);
        Self { functions: Functions::new(move || ports.clock().now()), kept: Mutex::default() }
    }

    /// The recipe of a declaration.
    ///
    /// # Errors
    /// The manifest has an expression or a template that cannot be used.
    pub(crate) fn of(&self, declaration: &Declaration) -> Result<Arc<Recipe>, RenderError> {
        if is_plain(declaration) {
            return Recipe::of(declaration, &self.functions).map(Arc::new);
        }
        let digest = declaration.digest();
        if let Some(recipe) = self.kept().recipes.get(&digest) {
            return Ok(Arc::clone(recipe));
        }
        let recipe = Arc::new(Recipe::of(declaration, &self.functions)?);
        let mut kept = self.kept();
        if kept.recipes.insert(digest.clone(), Arc::clone(&recipe)).is_none() {
            kept.order.push_back(digest);
        }
        if kept.order.len() > KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.recipes.remove(&oldest);
        }
        Ok(recipe)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Whoever panicked left whole entries behind.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recipes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipes").field("kept", &self.kept().order.len()).finish_non_exhaustive()
    }
}

/// Whether there is nothing to compile, so that a recipe is made as fast as it is found.
pub(crate) fn is_plain(declaration: &Declaration) -> bool {
    let rewrites = |into: &Becomes| matches!(into, Becomes::Every { rewrite, .. } if !rewrite.is_empty());
    declaration.target.template.is_none() && !declaration.reads.iter().any(|read| rewrites(&read.into))
}
