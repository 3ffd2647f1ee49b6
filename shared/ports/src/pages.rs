//! Registry and ledger, page by page.

use crate::{Error, Ledger, Registry, Scope};
use pawl_domain::{Declaration, DeclarationId};

/// How many declarations are loaded at a time.
pub const PAGE: usize = 500;

/// The declarations of a scope, in ascending order of ids.
#[derive(Debug)]
pub struct Pages<'a, R> {
    registry: &'a R,
    scope: Scope,
    position: Position,
}

impl<'a, R: Registry> Pages<'a, R> {
    pub(crate) fn new(registry: &'a R, scope: Scope) -> Self {
        Self { registry, scope, position: Position::default() }
    }

    /// The same from above this id on.
    #[must_use]
    pub fn after(self, id: DeclarationId) -> Self {
        Self { position: Position { after: Some(id), ..self.position }, ..self }
    }

    /// The next page, which is never empty; `None` after the last one.
    ///
    /// # Errors
    /// The registry could not be asked.
    pub async fn next(&mut self) -> Result<Option<Vec<Declaration>>, Error> {
        self.next_of(PAGE).await
    }

    /// The same of up to `size` declarations.
    ///
    /// # Errors
    /// As for [`Pages::next`].
    pub async fn next_of(&mut self, size: usize) -> Result<Option<Vec<Declaration>>, Error> {
        if self.position.ended {
            return Ok(None);
        }
        let page = self.registry.page(&self.scope, self.position.after.as_ref(), size).await?;
        self.position.pass(page.last().map(|last| &last.id), page.len() < size);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

/// The ids of declarations that are not settled, in ascending order.
#[derive(Debug)]
pub struct UnsettledPages<'a, L> {
    ledger: &'a L,
    position: Position,
}

impl<'a, L: Ledger> UnsettledPages<'a, L> {
    pub(crate) fn new(ledger: &'a L) -> Self {
        Self { ledger, position: Position::default() }
    }

    /// The next page, which is never empty; `None` after the last one.
    ///
    /// # Errors
    /// The ledger could not be asked.
    pub async fn next(&mut self) -> Result<Option<Vec<DeclarationId>>, Error> {
        if self.position.ended {
            return Ok(None);
        }
        let page = self.ledger.unsettled(self.position.after.as_ref(), PAGE).await?;
        self.position.pass(page.last(), page.len() < PAGE);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

/// How far was read.
#[derive(Debug, Default)]
struct Position {
    after: Option<DeclarationId>,
    ended: bool,
}

impl Position {
    fn pass(&mut self, last: Option<&DeclarationId>, ended: bool) {
        self.after = last.cloned();
        self.ended = ended;
    }
}
