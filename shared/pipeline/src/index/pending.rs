//! Marks in the ledger, before the registry changes, what is about to be declared.

use crate::base::stores::Stores;
use crate::parts::Index;
use crate::queue::GRACE;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::record::{Declared, FormerTarget, Owed};
use pawl_domain::{Declaration, Record};
use pawl_ports::{Clock, Error, Ledger, Ports};

/// Why a declaration must be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Because<'a> {
    /// It is new, or was edited; what stood before.
    Declared(Option<&'a Declaration>),
    /// A store that it reads is another one now.
    Store,
}

impl<P: Ports> Index<P> {
    /// Notes in the ledger what is about to be declared and must be delivered; what was written last is kept. `false` if
    /// there is nothing to do, because it is read only once and was.
    pub(crate) async fn mark_pending(
        &self,
        declaration: &Declaration,
        stores: &Stores,
        because: Because<'_>,
    ) -> Result<bool, Error> {
        let basis = self.base.basis(declaration, stores);
        let pending = |last: Option<Record>| {
            let at = self.base.ports.clock().now();
            let mut record = match last {
                // It was removed, so it is a new one; what is left of the former one still has to go.
                Some(record) if record.owed.removed.is_some() => {
                    let owed = Owed { targets: record.owed.targets, ..Owed::default() };
                    Record { owed, ..Record::pending(declaration, at) }
                }
                Some(record) if record.refreshed.is_some() && is_left_alone(declaration, because) => {
                    return None;
                }
                Some(record) => record.reopened(at),
                None => Record::pending(declaration, at),
            };
            if let Because::Declared(Some(standing)) = because {
                leave_no_target(&mut record, standing, declaration);
            }
            record.owed.declared = Some(Declared { digest: basis.clone(), at });
            record.not_before = at.checked_add(GRACE).ok();
            // What is declared now may end well.
            record.begun = None;
            Some(record)
        };
        let otherwise = "it is tried again at the next index";
        let put = self.base.ports.ledger().update(&declaration.id, otherwise, pending).await?;
        Ok(put.is_some())
    }
}

/// Notes the target that the declaration names no longer. The record need not know it: whoever wrote it may have ended before
/// that was recorded. Deletion looks whose it is.
fn leave_no_target(record: &mut Record, standing: &Declaration, declaration: &Declaration) {
    let (former, target) = (&standing.target, &declaration.target);
    let moved = former.name != target.name || former.generic() != target.generic();
    if moved && former.creation == CreationPolicy::Owner {
        record.owed.owe(FormerTarget::from(former));
    }
}

/// Whether the declaration is not read again for this reason. Source: ESO, whose refreshPolicy OnChange looks at the
/// ExternalSecret alone.
fn is_left_alone(declaration: &Declaration, because: Because<'_>) -> bool {
    match because {
        Because::Declared(_) => !declaration.follows_manifest(),
        Because::Store => declaration.refresh.reads_once(),
    }
}
