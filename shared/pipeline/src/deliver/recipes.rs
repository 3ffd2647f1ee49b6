//! Recipes: declarations prepared for rendering, cached for the next time.

use pawl_domain::declaration::Into as Becomes;
use pawl_domain::{Declaration, Functions, Recipe, RenderError};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How many bytes of recipes are kept. One takes a few kilobytes, but a tenant can make it take some megabytes.
const KEPT: usize = 12 << 20;
/// What a recipe takes beside what it says of itself.
const LEAST: usize = 4 << 10;

/// Makes recipes, and keeps those that cost something to make.
pub(crate) struct Recipes {
    functions: Functions,
    kept: Mutex<Kept>,
}

/// Recipes by the digest of their declaration, the digests in the order in which they came, and how many bytes that is.
#[derive(Default)]
struct Kept {
    recipes: HashMap<String, Arc<Recipe>>,
    order: VecDeque<String>,
    size: usize,
}

impl Kept {
    /// Keeps one more, in place of the oldest where there is no room. One alone that is too large is not kept.
    fn keep(&mut self, digest: String, recipe: Arc<Recipe>) {
        let size = |recipe: &Recipe| LEAST + recipe.size();
        if size(&recipe) > KEPT / 4 || self.recipes.contains_key(&digest) {
            return;
        }
        self.size += size(&recipe);
        self.recipes.insert(digest.clone(), recipe);
        self.order.push_back(digest);
        while self.size > KEPT
            && let Some(oldest) = self.order.pop_front()
            && let Some(recipe) = self.recipes.remove(&oldest)
        {
            self.size -= size(&recipe);
        }
    }
}

impl Recipes {
    /// None yet; templates may call these functions.
    pub(crate) fn new(functions: Functions) -> Self {
        Self { functions, kept: Mutex::default() }
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
        self.kept().keep(digest, Arc::clone(&recipe));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_kept_as_long_as_there_is_room() {
        let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
        let declaration = |pattern: String| {
            let mut declaration = pawl_world::declaration("blue/shop/app").reads("shop/db").build();
            for read in &mut declaration.reads {
                let rewrite =
                    pawl_domain::declaration::Rewrite::Regexp { source: pattern.clone(), target: "x".into() };
                read.into = Becomes::Every { conversion: None, rewrite: vec![rewrite] };
            }
            declaration
        };
        let recipe =
            |pattern: &str| Arc::new(Recipe::of(&declaration(pattern.to_owned()), &functions).unwrap());
        let (small, large) = (recipe("a"), recipe("[a-z]{1,1000}x{1000}"));
        assert!(large.size() > small.size() && small.size() > 0);
        let mut kept = Kept::default();
        for number in 0..10_000 {
            let (digest, it) = (number.to_string(), if number % 2 == 0 { &small } else { &large });
            kept.keep(digest.clone(), Arc::clone(it));
            kept.keep(digest, Arc::clone(it));
            assert!(kept.size <= KEPT && kept.order.len() == kept.recipes.len());
        }
        assert!(kept.recipes.contains_key("9999") && !kept.recipes.contains_key("0"), "the oldest went");
        assert!(kept.recipes.len() > 20);
    }
}
