//! Writes the registry.

use super::head::{Head, LARGEST, Ref, too_large};
use crate::table::{Item, Key, Table, decode, digest, encode, retrying, shown_store};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnValue, TransactWriteItem};
use aws_smithy_types::error::operation::BuildError;
use pawl_documents::Document;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, IndexKey, Kind, ObjectName, Step, Store, StoreId,
    StorePolicy,
};
use pawl_ports::{Catalogue, DocumentKind, Error, Put};
use std::collections::{BTreeSet, HashMap};

/// The most entries that can change in one transaction with their declaration: DynamoDB takes 100 actions.
const MOST_CHANGES: usize = 99;

impl Catalogue for Table {
    async fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> Result<Put, Error> {
        let put = retrying(|| async {
            let old = self.settled_head(&declaration.id).await?;
            if !may_replace(old.as_ref(), declaration, standing) {
                return Ok(None);
            }
            self.try_put(declaration, keys, old).await.map(Some)
        });
        put.await?.ok_or_else(|| Error::another_stands(&format_args!("declaration {}", declaration.id)))
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, Error> {
        retrying(|| async {
            match self.settled_head(id).await? {
                Some(old) => self.try_remove(id, old).await.map(|()| true),
                None => Ok(false),
            }
        })
        .await
    }

    async fn remove_this(&self, declaration: &Declaration) -> Result<bool, Error> {
        retrying(|| async {
            match self.settled_head(&declaration.id).await? {
                Some(old) if old.is_of(declaration) => {
                    self.try_remove(&declaration.id, old).await.map(|()| true)
                }
                _ => Ok(false),
            }
        })
        .await
    }

    async fn put_store(&self, store: &Store) -> Result<Put, Error> {
        self.put_document(&Key::store(&store.id), store).await
    }

    async fn remove_store(&self, id: &StoreId) -> Result<bool, Error> {
        self.remove_document(&Key::store(id)).await
    }

    async fn put_cluster(&self, cluster: &Cluster) -> Result<Put, Error> {
        self.put_document(&Key::cluster(cluster.name.as_str()), cluster).await
    }

    async fn put_policy(&self, policy: &StorePolicy) -> Result<Put, Error> {
        self.put_document(&Key::policy(policy.name.as_str()), policy).await
    }

    async fn remove_policy(&self, name: &ObjectName) -> Result<bool, Error> {
        self.remove_document(&Key::policy(name.as_str())).await
    }

    async fn put_pattern(&self, pattern: &Pattern, standing: Option<&Pattern>) -> Result<Put, Error> {
        let id = pattern.id();
        let put = self.replace_document(&Key::pattern(&id), pattern, standing).await?;
        put.ok_or_else(|| Error::another_stands(&id))
    }

    async fn remove_pattern(&self, id: &PatternId) -> Result<bool, Error> {
        self.remove_document(&Key::pattern(id)).await
    }

    async fn remove_this_pattern(&self, pattern: &Pattern) -> Result<bool, Error> {
        self.remove_this_document(&Key::pattern(&pattern.id()), pattern).await
    }

    async fn remove_cluster(&self, name: &ClusterName) -> Result<bool, Error> {
        self.remove_document(&Key::cluster(name.as_str())).await
    }
}

impl Table {
    /// Puts a declaration in place of the one whose head was read.
    async fn try_put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        old: Option<Head>,
    ) -> Result<Put, Error> {
        let id = &declaration.id;
        let new = Head::of(declaration, keys);
        if old.as_ref().is_some_and(|old| old.digest == new.digest && old.own.is_some()) {
            return Ok(Put::Unchanged);
        }
        let listed = old.as_ref().map(|old| old.refs.clone()).unwrap_or_default();
        let come: BTreeSet<Ref> = new.refs.difference(&listed).cloned().collect();
        let gone: BTreeSet<Ref> = listed.difference(&new.refs).cloned().collect();
        if come.len() + gone.len() > MOST_CHANGES {
            self.replace_in_steps(declaration, old.as_ref(), new, come, gone).await?;
        } else {
            let mut actions = vec![self.put_head(new.item(declaration)?, old.as_ref()).map_err(invalid)?];
            for entry in &come {
                actions.push(self.put_entry(entry.key(id)).map_err(invalid)?);
            }
            for entry in &gone {
                actions.push(self.delete_entry(&entry.key(id)).map_err(invalid)?);
            }
            self.transact(Step::Lookup, actions).await?;
        }
        Ok(if old.is_some() { Put::Changed } else { Put::Created })
    }

    /// Removes the declaration whose head was read.
    async fn try_remove(&self, id: &DeclarationId, old: Head) -> Result<(), Error> {
        if old.refs.len() > MOST_CHANGES {
            return self.remove_in_steps(id, old).await;
        }
        let head = Delete::builder()
            .table_name(self.name())
            .set_key(Some(Key::declaration(id).item()))
            .condition_expression("digest = :old")
            .expression_attribute_values(":old", AttributeValue::S(old.digest))
            .build();
        let mut actions = vec![TransactWriteItem::builder().delete(head.map_err(invalid)?).build()];
        for entry in &old.refs {
            actions.push(self.delete_entry(&entry.key(id)).map_err(invalid)?);
        }
        self.transact(Step::Lookup, actions).await
    }

    /// The head of a declaration, after what an interrupted large change left has been finished.
    async fn settled_head(&self, id: &DeclarationId) -> Result<Option<Head>, Error> {
        let item = self.item(Step::Lookup, &Key::declaration(id), Head::ATTRIBUTES).await?;
        let Some(head) = item.as_ref().map(Head::read) else { return Ok(None) };
        self.settle(id, &head).await?;
        Ok(if head.digest.is_empty() { None } else { Some(head) })
    }

    /// Puts a head in place of the one that was read.
    pub(super) fn put_head(&self, item: Item, old: Option<&Head>) -> Result<TransactWriteItem, BuildError> {
        let put = aws_sdk_dynamodb::types::Put::builder().table_name(self.name()).set_item(Some(item));
        let put = match old {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(old) => put
                .condition_expression("digest = :old")
                .expression_attribute_values(":old", AttributeValue::S(old.digest.clone())),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    pub(super) fn delete_entry(&self, key: &Key) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder().table_name(self.name()).set_key(Some(key.item())).build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn put_entry(&self, key: Key) -> Result<TransactWriteItem, BuildError> {
        let put = aws_sdk_dynamodb::types::Put::builder().table_name(self.name()).set_item(Some(key.item()));
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    /// Puts a document that has no entries.
    ///
    /// # Errors
    /// Kind `Invalid` when it is larger than DynamoDB takes.
    pub(crate) async fn put_document<D: Document>(&self, key: &Key, noun: &D) -> Result<Put, Error> {
        let body = pawl_documents::body(noun);
        if body.len() > LARGEST {
            return Err(too_large(&shown(D::KIND, key), body.len()));
        }
        let mut item = encode(key, noun);
        let new = AttributeValue::S(digest([body.as_str()]));
        item.insert("digest".to_owned(), new.clone());
        let request = self
            .client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(pk) OR digest <> :new")
            .expression_attribute_values(":new", new)
            .return_values(ReturnValue::AllOld);
        match self.call(Step::Lookup, "dynamodb:PutItem", request.send()).await {
            Ok(answer) => {
                let stood = answer.attributes.is_some_and(|old| !old.is_empty());
                Ok(if stood { Put::Changed } else { Put::Created })
            }
            Err(error) if error.kind == Kind::Conflict => self.mend::<D>(key, item).await,
            Err(error) => Err(error),
        }
    }

    /// Puts a document that has no entries in place of the one that is `known` to stand. `None` when another one stands that can
    /// be read, or none.
    ///
    /// # Errors
    /// As for [`Table::put_document`].
    async fn replace_document<D: Document + PartialEq>(
        &self,
        key: &Key,
        noun: &D,
        known: Option<&D>,
    ) -> Result<Option<Put>, Error> {
        let body = pawl_documents::body(noun);
        if body.len() > LARGEST {
            return Err(too_large(&shown(D::KIND, key), body.len()));
        }
        let stands = self.item(Step::Lookup, key, "layout, doc, digest").await?;
        let request = self.client().put_item().table_name(self.name());
        let (request, put) = match &stands {
            None if known.is_some() => return Ok(None),
            None => (request.condition_expression("attribute_not_exists(pk)"), Put::Created),
            Some(item) => {
                match decode::<D>("", item) {
                    Ok(standing) if standing == *noun => return Ok(Some(Put::Unchanged)),
                    Ok(standing) if known != Some(&standing) => return Ok(None),
                    Ok(_) | Err(_) => {}
                }
                let old = item.get("digest").cloned().unwrap_or(AttributeValue::S(String::new()));
                let request = request.condition_expression("digest = :old");
                (request.expression_attribute_values(":old", old), Put::Changed)
            }
        };
        let mut item = encode(key, noun);
        item.insert("digest".to_owned(), AttributeValue::S(digest([body.as_str()])));
        match self.call(Step::Lookup, "dynamodb:PutItem", request.set_item(Some(item)).send()).await {
            Ok(_) => Ok(Some(put)),
            Err(error) if error.kind == Kind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a document of the same digest, unless it can be read: then it is the same.
    async fn mend<D: Document>(&self, key: &Key, item: Item) -> Result<Put, Error> {
        let stands = self.item(Step::Lookup, key, "layout, doc").await?;
        if stands.as_ref().is_some_and(|stands| decode::<D>("", stands).is_ok()) {
            return Ok(Put::Unchanged);
        }
        let request = self
            .client()
            .put_item()
            .table_name(self.name())
            .condition_expression("digest = :digest")
            .set_expression_attribute_values(
                item.get("digest").map(|digest| HashMap::from([(":digest".to_owned(), digest.clone())])),
            )
            .set_item(Some(item));
        self.call(Step::Lookup, "dynamodb:PutItem", request.send()).await?;
        Ok(Put::Changed)
    }

    async fn remove_document(&self, key: &Key) -> Result<bool, Error> {
        let request = self
            .client()
            .delete_item()
            .table_name(self.name())
            .set_key(Some(key.item()))
            .return_values(ReturnValue::AllOld);
        let answer = self.call(Step::Lookup, "dynamodb:DeleteItem", request.send()).await?;
        Ok(answer.attributes.is_some_and(|old| !old.is_empty()))
    }

    /// Removes a document that has no entries, if it is this one. `false` when another one stands there by now, or none.
    async fn remove_this_document<D: Document + PartialEq>(
        &self,
        key: &Key,
        noun: &D,
    ) -> Result<bool, Error> {
        let stands = self.item(Step::Lookup, key, "layout, doc, digest").await?;
        let Some(item) = stands.filter(|item| decode::<D>("", item).is_ok_and(|stands| stands == *noun))
        else {
            return Ok(false);
        };
        let old = item.get("digest").cloned().unwrap_or(AttributeValue::S(String::new()));
        let request = self
            .client()
            .delete_item()
            .table_name(self.name())
            .set_key(Some(key.item()))
            .condition_expression("digest = :old")
            .expression_attribute_values(":old", old);
        match self.call(Step::Lookup, "dynamodb:DeleteItem", request.send()).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn shown(kind: DocumentKind, key: &Key) -> String {
    if kind == DocumentKind::Store { shown_store(&key.sk) } else { format!("{kind} {}", key.sk) }
}

/// A request lacks a field that DynamoDB demands.
pub(super) fn invalid(error: BuildError) -> Error {
    Error::new(Step::Lookup, Kind::Invalid, "the request to DynamoDB is incomplete").caused_by(error)
}

/// Whether a declaration may be put where this one is known to stand, and this head was read.
fn may_replace(old: Option<&Head>, declaration: &Declaration, standing: Option<&Declaration>) -> bool {
    match old {
        None => standing.is_none(),
        Some(old) => {
            old.own.is_none()
                || old.is_of(declaration)
                || standing.is_some_and(|standing| old.is_of(standing))
        }
    }
}
