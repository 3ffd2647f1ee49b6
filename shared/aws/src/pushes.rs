//! PushSecrets and their records in DynamoDB. There are few of them: one partition holds them all.

use crate::table::{Bounds, Item, Key, Table, declaration_id, decode, encode, number, text};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_smithy_types::error::operation::BuildError;
use pawl_domain::{DeclarationId, Kind, PushRecord, PushSecret, Step};
use pawl_ports::{Error, PushPage, PushScope, Pushes, Put, Revision, Unreadable, readable};

impl Pushes for Table {
    async fn pushes(
        &self,
        scope: &PushScope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<PushPage, Error> {
        let bounds = match scope {
            PushScope::All => Bounds::default(),
            PushScope::Cluster(cluster) => Bounds::starting_with(&format!("{cluster}!")),
            PushScope::Namespace(cluster, namespace) => {
                Bounds::starting_with(&format!("{cluster}!{namespace}!"))
            }
        };
        let bounds = after.map_or(bounds.clone(), |after| bounds.after(&Key::push(after).sk));
        let partition = [Key::PUSHES.to_owned()];
        let items = self.merged(&partition, &bounds, limit, Some("pk, sk, layout, doc")).await?;
        let last = items.last().filter(|_| items.len() == limit);
        let next = last.and_then(|item| declaration_id(text(item, "sk")?));
        let pushes = items.iter().filter_map(|item| readable(push(item))).collect();
        Ok(PushPage { pushes, next })
    }

    async fn push(&self, id: &DeclarationId) -> Result<Option<PushSecret>, Error> {
        let item = self.item(Step::Lookup, &Key::push(id), "pk, sk, layout, doc").await?;
        Ok(item.as_ref().and_then(|item| readable(push(item))))
    }

    async fn put_push(&self, push: &PushSecret) -> Result<Put, Error> {
        self.put_document(&Key::push(&push.id), push).await
    }

    async fn remove_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        let stood = self.item(Step::Lookup, &Key::push(id), "pk").await?.is_some();
        let both = [self.deleting(&Key::push(id)).build(), self.deleting(&Key::push_record(id)).build()];
        let both = deletions(both)?;
        crate::table::retrying(|| self.transact(Step::Lookup, both.clone())).await?;
        Ok(stood)
    }

    async fn let_go_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        crate::table::retrying(|| self.let_go(id)).await
    }

    async fn push_record(&self, id: &DeclarationId) -> Result<Option<(PushRecord, Revision)>, Error> {
        let item = self.item(Step::Record, &Key::push_record(id), RECORD).await?;
        let standing = item.as_ref().and_then(|item| Some((readable(record(id, item))?, revision(item))));
        Ok(standing)
    }

    async fn put_push_record(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        match self.put_expecting_revision(id, record, expected).await {
            Err(error) if error.kind == Kind::Conflict && expected.is_none() => {
                // What cannot be read counts as none.
                let stands = self.item(Step::Record, &Key::push_record(id), RECORD).await?;
                match stands.filter(|item| self::record(id, item).is_err()) {
                    Some(damaged) => self.put_expecting_revision(id, record, Some(revision(&damaged))).await,
                    None => Err(error),
                }
            }
            done => done,
        }
    }
}

/// What must be read of a record's item.
const RECORD: &str = "pk, sk, layout, doc, rev";

impl Table {
    fn deleting(&self, key: &Key) -> DeleteBuilder {
        Delete::builder().table_name(self.name()).set_key(Some(key.item()))
    }

    /// Removes what is on its way out, on condition that it is still as it was read.
    async fn let_go(&self, id: &DeclarationId) -> Result<bool, Error> {
        let key = Key::push(id);
        let stands = self.item(Step::Lookup, &key, "pk, sk, layout, doc, digest").await?;
        let one = match &stands {
            None => self.deleting(&key).condition_expression("attribute_not_exists(pk)"),
            Some(item) if !push(item).is_ok_and(|push| push.deleting) => return Ok(false),
            Some(item) => {
                let digest = item.get("digest").cloned().unwrap_or(AttributeValue::Null(true));
                let one = self.deleting(&key).condition_expression("digest = :digest");
                one.expression_attribute_values(":digest", digest)
            }
        };
        let both = deletions([one.build(), self.deleting(&Key::push_record(id)).build()])?;
        self.transact(Step::Lookup, both).await.map(|()| true)
    }

    async fn put_expecting_revision(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let next = Revision(expected.map_or(1, |expected| expected.0 + 1));
        let mut item = encode(&Key::push_record(id), record);
        item.insert("rev".to_owned(), AttributeValue::N(next.0.to_string()));
        let request = self
            .client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match expected {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(expected) => request
                .condition_expression("rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(expected.0.to_string())),
        };
        let mut found = None;
        let answer = async {
            let answer = request.send().await;
            if let Some(PutItemError::ConditionalCheckFailedException(failed)) =
                answer.as_ref().err().and_then(|error| error.as_service_error())
            {
                found = failed.item().cloned();
            }
            answer
        };
        match self.call(Step::Record, "dynamodb:PutItem", answer).await {
            Ok(_) => Ok(next),
            // Written by this very call: the SDK sent it again because the first answer was lost.
            Err(_) if found.is_some_and(|found| is_same(&found, &item)) => Ok(next),
            Err(error) => Err(error),
        }
    }
}

fn is_same(found: &Item, written: &Item) -> bool {
    text(found, "doc") == text(written, "doc") && found.get("rev") == written.get("rev")
}

fn push(item: &Item) -> Result<PushSecret, Unreadable> {
    decode(&text(item, "sk").unwrap_or_default().replace('!', "/"), item)
}

fn record(id: &DeclarationId, item: &Item) -> Result<PushRecord, Unreadable> {
    decode(&id.to_string(), item)
}

fn revision(item: &Item) -> Revision {
    Revision(number(item, "rev").unwrap_or_default())
}

/// These deletions as parts of a transaction.
fn deletions(each: [Result<Delete, BuildError>; 2]) -> Result<Vec<TransactWriteItem>, Error> {
    let part = |delete: Result<Delete, BuildError>| Ok(TransactWriteItem::builder().delete(delete?).build());
    each.into_iter().map(part).collect::<Result<_, _>>().map_err(invalid)
}

fn invalid(error: BuildError) -> Error {
    Error::new(Step::Lookup, Kind::Invalid, "the request to DynamoDB is incomplete").caused_by(error)
}
