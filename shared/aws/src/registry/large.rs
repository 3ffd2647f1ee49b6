//! Writes changes with more entries than one transaction takes.
//!
//! First every entry that comes or goes is written as `unsure`, so that it counts only if the head lists it. Then the
//! head is replaced in one conditional write: at that moment what came counts and what went does not. Last, what went
//! is removed; the head lists it as `leaving` until then, and the next write of the declaration finishes what an
//! interruption left. Entries that were prepared for a head that never came stay behind, do not count, and are taken
//! over by the next attempt.
//!
//! Removals are conditional on the head, so that a late one cannot take away what somebody has put since: the digest
//! says which entries a head lists.

use super::catalogue::invalid;
use super::head::{Head, Ref};
use crate::table::{Key, Table};
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use pawl_domain::{Declaration, DeclarationId, Step};
use pawl_ports::Error;
use std::collections::BTreeSet;

/// Entries removed in one transaction, beside the look at the head.
const CHUNK: usize = 99;

impl Table {
    /// Replaces a declaration where too many entries come (`come`) and go (`gone`).
    pub(super) async fn replace_in_steps(
        &self,
        declaration: &Declaration,
        old: Option<&Head>,
        new: Head,
        come: BTreeSet<Ref>,
        gone: BTreeSet<Ref>,
    ) -> Result<(), Error> {
        let id = &declaration.id;
        let new = Head { leaving: gone, ..new };
        // Measured before anything is written.
        let item = new.item(declaration)?;
        self.doubt(id, come.iter().chain(&new.leaving)).await?;
        self.transact(Step::Lookup, vec![self.put_head(item, old).map_err(invalid)?]).await?;
        self.settle(id, &new).await
    }

    /// Removes a declaration with too many entries.
    pub(super) async fn remove_in_steps(&self, id: &DeclarationId, old: Head) -> Result<(), Error> {
        self.doubt(id, old.refs.iter()).await?;
        let tombstone = Head { leaving: old.refs.clone(), ..Head::default() };
        let item = Head::tombstone(id, old.refs.clone());
        self.transact(Step::Lookup, vec![self.put_head(item, Some(&old)).map_err(invalid)?]).await?;
        self.settle(id, &tombstone).await
    }

    /// Removes what is leaving, and then says so in the head, or removes the head if its declaration is gone.
    pub(super) async fn settle(&self, id: &DeclarationId, head: &Head) -> Result<(), Error> {
        if head.leaving.is_empty() {
            return Ok(());
        }
        let key = Key::declaration(id);
        let digest = AttributeValue::S(head.digest.clone());
        let leaving: Vec<&Ref> = head.leaving.iter().collect();
        for chunk in leaving.chunks(CHUNK) {
            let unchanged = ConditionCheck::builder()
                .table_name(self.name())
                .set_key(Some(key.item()))
                .condition_expression("digest = :digest")
                .expression_attribute_values(":digest", digest.clone())
                .build();
            let mut actions =
                vec![TransactWriteItem::builder().condition_check(unchanged.map_err(invalid)?).build()];
            for entry in chunk {
                actions.push(self.delete_entry(&entry.key(id)).map_err(invalid)?);
            }
            self.transact(Step::Lookup, actions).await?;
        }
        if head.digest.is_empty() {
            let request = self
                .client()
                .delete_item()
                .table_name(self.name())
                .set_key(Some(key.item()))
                .condition_expression("digest = :digest")
                .expression_attribute_values(":digest", digest);
            self.call(Step::Lookup, "dynamodb:DeleteItem", request.send()).await.map(drop)
        } else {
            let request = self
                .client()
                .update_item()
                .table_name(self.name())
                .set_key(Some(key.item()))
                .update_expression("REMOVE leaving")
                .condition_expression("digest = :digest")
                .expression_attribute_values(":digest", digest);
            self.call(Step::Lookup, "dynamodb:UpdateItem", request.send()).await.map(drop)
        }
    }

    /// Writes entries that count only if the head lists them.
    async fn doubt(&self, id: &DeclarationId, entries: impl Iterator<Item = &Ref>) -> Result<(), Error> {
        let unsure = |entry: &Ref| {
            let mut item = entry.key(id).item();
            item.insert("unsure".to_owned(), AttributeValue::Bool(true));
            item
        };
        self.write(Step::Lookup, entries.map(unsure).collect()).await
    }
}
