//! The ledger in DynamoDB.
//!
//! A record is one item. A second one, in the listing of what is not settled, exists exactly while the record's state
//! is not settled: both are written in one transaction when that changes, and the record alone when it does not, which
//! is nearly always and costs half.

use crate::table::{
    BUCKETS, Bounds, Item, Key, Table, bucketed, declaration_id, decode, encode, number, text,
};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::operation::BuildError;
use jiff::Timestamp;
use pawl_domain::{DeclarationId, Kind, Record, Step};
use pawl_pipeline::Error;
use pawl_pipeline::ports::{Entry, Ledger, Revision};
use std::collections::BTreeMap;

impl Ledger for Table {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        let keys = ids.iter().map(Key::record).collect();
        let items = self.items(Step::Record, keys, None).await?;
        let mut entries = BTreeMap::new();
        for item in &items {
            // A record that cannot be read counts as none: the target is then looked at, and the record replaced.
            match entry(item) {
                Ok(entry) => drop(entries.insert(entry.id.clone(), entry)),
                Err(error) => tracing::warn!(kind = Kind::Invalid.as_str(), "{error}"),
            }
        }
        Ok(entries.into_values().collect())
    }

    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let revision = Revision(expected.map_or(1, |revision| revision.0 + 1));
        let unsettled = !record.state.is_settled();
        let mut item = encode(&Key::record(id), record)?;
        item.insert("rev".to_owned(), AttributeValue::N(revision.0.to_string()));
        item.insert("unsettled".to_owned(), AttributeValue::Bool(unsettled));
        let write = Write { id, item, expected, unsettled };
        // A record that is settled from the start is not in the listing either.
        if expected.is_some() || !unsettled {
            match self.put_alone(&write).await? {
                Alone::Written => return Ok(revision),
                Alone::ListingChanges => {}
            }
        }
        self.put_with_listing(write).await?;
        Ok(revision)
    }

    async fn remove(&self, id: &DeclarationId, expected: Option<Revision>) -> Result<(), Error> {
        let delete = |key: Key| Delete::builder().table_name(self.name()).set_key(Some(key.item()));
        let record = match expected {
            None => delete(Key::record(id)),
            Some(revision) => delete(Key::record(id))
                .condition_expression("attribute_not_exists(pk) OR rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(revision.0.to_string())),
        };
        let mut actions = Vec::new();
        for delete in [record, delete(Key::unsettled(id))] {
            actions.push(TransactWriteItem::builder().delete(delete.build().map_err(invalid)?).build());
        }
        match expected {
            None => crate::table::retrying(|| self.transact(Step::Record, actions.clone())).await,
            // Whoever wrote in between has the say.
            Some(_) => self.transact(Step::Record, actions).await,
        }
    }

    async fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<DeclarationId>, Error> {
        let partitions: Vec<String> = (0..BUCKETS).map(|bucket| bucketed("unsettled", bucket)).collect();
        let bounds = Bounds::default();
        let bounds = after.map_or(bounds.clone(), |after| bounds.after(&Key::unsettled(after).sk));
        let items = self.merged(&partitions, &bounds, limit, Some("sk")).await?;
        Ok(items.iter().filter_map(|item| declaration_id(text(item, "sk")?)).collect())
    }

    async fn mark(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let item = self.item(Step::Record, &Key::mark(name), "marked").await?;
        let nanoseconds = item.as_ref().and_then(|item| number(item, "marked"));
        Ok(nanoseconds.and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok()))
    }

    async fn set_mark(&self, name: &str, at: Timestamp) -> Result<(), Error> {
        let mut item = Key::mark(name).item();
        item.insert("marked".to_owned(), AttributeValue::N(at.as_nanosecond().to_string()));
        let request = self.client().put_item().table_name(self.name()).set_item(Some(item));
        self.call(Step::Record, "dynamodb:PutItem", request.send()).await.map(drop)
    }
}

/// A record on its way.
struct Write<'a> {
    id: &'a DeclarationId,
    item: Item,
    expected: Option<Revision>,
    unsettled: bool,
}

/// How a write of the record alone ended.
enum Alone {
    Written,
    /// The write is wanted, but the listing may have to change with it; nothing is written.
    ListingChanges,
}

impl Table {
    /// Writes the record if its revision is the expected one and the listing can stay as it is.
    async fn put_alone(&self, write: &Write<'_>) -> Result<Alone, Error> {
        let request = self
            .client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(write.item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match write.expected {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(revision) => request
                .condition_expression("rev = :rev AND unsettled = :unsettled")
                .expression_attribute_values(":rev", AttributeValue::N(revision.0.to_string()))
                .expression_attribute_values(":unsettled", AttributeValue::Bool(write.unsettled)),
        };
        let mut found = None;
        let answer = async {
            let answer = request.send().await;
            found = answer.as_ref().err().and_then(standing);
            answer
        };
        let Err(error) = self.call(Step::Record, "dynamodb:PutItem", answer).await else {
            return Ok(Alone::Written);
        };
        let Some(found) = found else { return Err(error) };
        if text(&found, "doc") == text(&write.item, "doc") && found.get("rev") == write.item.get("rev") {
            // Written by this very call: the SDK sent it again because the first answer was lost.
            return Ok(Alone::Written);
        }
        let replaceable = match write.expected {
            None => found.get("layout") != write.item.get("layout"),
            Some(Revision(expected)) => number(&found, "rev") == Some(expected),
        };
        if replaceable {
            return Ok(Alone::ListingChanges);
        }
        Err(error)
    }

    /// Writes the record if its revision is the expected one, and the listing with it.
    async fn put_with_listing(&self, write: Write<'_>) -> Result<(), Error> {
        let record = Put::builder().table_name(self.name());
        let record = match write.expected {
            None => record
                .condition_expression(ABSENT)
                .expression_attribute_values(":layout", layout(&write.item)),
            Some(revision) => record
                .condition_expression("rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(revision.0.to_string())),
        };
        let record = record.set_item(Some(write.item)).build().map_err(invalid)?;
        let listed = Key::unsettled(write.id).item();
        let listing = TransactWriteItem::builder();
        let listing = if write.unsettled {
            let put = Put::builder().table_name(self.name()).set_item(Some(listed)).build();
            listing.put(put.map_err(invalid)?)
        } else {
            let delete = Delete::builder().table_name(self.name()).set_key(Some(listed)).build();
            listing.delete(delete.map_err(invalid)?)
        };
        self.transact(Step::Record, vec![TransactWriteItem::builder().put(record).build(), listing.build()])
            .await
    }
}

/// There is no record, or one that this version cannot read and that therefore counts as none.
const ABSENT: &str = "attribute_not_exists(pk) OR layout <> :layout";

fn layout(item: &Item) -> AttributeValue {
    item.get("layout").cloned().unwrap_or(AttributeValue::Null(true))
}

/// The item that made a condition fail.
fn standing<R>(error: &SdkError<PutItemError, R>) -> Option<Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failed) => failed.item().cloned(),
        _ => None,
    }
}

fn entry(item: &Item) -> Result<Entry, Error> {
    let key = Key::of(item).map(|key| key.pk).unwrap_or_default();
    let named = key.strip_prefix("record#").unwrap_or(&key);
    let what = format!("the record of {}", named.replace('!', "/"));
    let record = decode(Step::Record, &what, item)?;
    let (id, revision) = declaration_id(named).zip(number(item, "rev")).ok_or_else(|| {
        Error::new(
            Step::Record,
            Kind::Invalid,
            format!("{what} has no owner or revision; remove it from the table"),
        )
    })?;
    Ok(Entry { id, record, revision: Revision(revision) })
}

fn invalid(error: BuildError) -> Error {
    Error::new(Step::Record, Kind::Invalid, "the request to DynamoDB is incomplete").caused_by(error)
}
