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
use pawl_ports::{DocumentKind, Entry, Error, Ledger, Revision, Unreadable, readable};
use std::collections::BTreeMap;

impl Ledger for Table {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        let items = self.records(ids).await?;
        let found: BTreeMap<_, _> = items
            .iter()
            .filter_map(|item| readable(entry(item)))
            .map(|entry| (entry.id.clone(), entry))
            .collect();
        Ok(found.into_values().collect())
    }

    async fn unreadable_records(&self, ids: &[DeclarationId]) -> Result<Vec<Unreadable>, Error> {
        let items = self.records(ids).await?;
        let mut found: Vec<Unreadable> = items.iter().filter_map(|item| entry(item).err()).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let expected = expected.map_or(Expected::None, Expected::Revision);
        match self.put_expecting(id, record, &expected).await {
            Err(error) if error.kind == Kind::Conflict && matches!(expected, Expected::None) => {
                // What cannot be read counts as none.
                let stands = self.item(Step::Record, &Key::record(id), RECORD).await?;
                match stands {
                    Some(stands) if entry(&stands).is_err() => {
                        self.put_expecting(id, record, &Expected::Damaged(stands)).await
                    }
                    _ => Err(error),
                }
            }
            done => done,
        }
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

/// What must be read of a record's item.
const RECORD: &str = "pk, sk, layout, doc, rev";

/// What a write replaces.
enum Expected {
    None,
    Revision(Revision),
    /// Exactly this item, which cannot be read.
    Damaged(Item),
}

impl Expected {
    fn next(&self) -> Revision {
        match self {
            Self::None => Revision(1),
            Self::Revision(revision) => Revision(revision.0 + 1),
            Self::Damaged(item) => Revision(number::<u64>(item, "rev").unwrap_or_default().saturating_add(1)),
        }
    }

    /// The condition, and the values in it.
    fn condition(&self) -> (String, Item) {
        match self {
            Self::None => ("attribute_not_exists(pk)".to_owned(), Item::new()),
            Self::Revision(revision) => {
                let value = AttributeValue::N(revision.0.to_string());
                ("rev = :rev".to_owned(), Item::from([(":rev".to_owned(), value)]))
            }
            Self::Damaged(item) => {
                let part = |name: &str| match item.get(name) {
                    Some(_) => format!("{name} = :{name}"),
                    None => format!("attribute_not_exists({name})"),
                };
                let parts = ["rev", "layout", "doc"];
                let value = |name: &&str| Some((format!(":{name}"), item.get(*name)?.clone()));
                (parts.map(part).join(" AND "), parts.iter().filter_map(value).collect())
            }
        }
    }
}

/// A record on its way.
struct Write<'a> {
    id: &'a DeclarationId,
    item: Item,
    expected: &'a Expected,
    unsettled: bool,
}

/// How a write of the record alone ended.
enum Alone {
    Written,
    /// The write is wanted, but the listing may have to change with it; nothing is written.
    ListingChanges,
}

impl Table {
    async fn records(&self, ids: &[DeclarationId]) -> Result<Vec<Item>, Error> {
        self.items(Step::Record, ids.iter().map(Key::record).collect(), None).await
    }

    async fn put_expecting(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: &Expected,
    ) -> Result<Revision, Error> {
        let revision = expected.next();
        let unsettled = !record.state.is_settled();
        let mut item = encode(&Key::record(id), record);
        item.insert("rev".to_owned(), AttributeValue::N(revision.0.to_string()));
        item.insert("unsettled".to_owned(), AttributeValue::Bool(unsettled));
        let write = Write { id, item, expected, unsettled };
        // A record that is settled from the start is not in the listing either.
        let alone = match expected {
            Expected::None => !unsettled,
            Expected::Revision(_) => true,
            Expected::Damaged(_) => false,
        };
        if alone && let Alone::Written = self.put_alone(&write).await? {
            return Ok(revision);
        }
        self.put_with_listing(write).await?;
        Ok(revision)
    }

    /// Writes the record if it is expected and the listing can stay as it is.
    async fn put_alone(&self, write: &Write<'_>) -> Result<Alone, Error> {
        let (mut condition, mut values) = write.expected.condition();
        if let Expected::Revision(_) = write.expected {
            condition.push_str(" AND unsettled = :unsettled");
            values.insert(":unsettled".to_owned(), AttributeValue::Bool(write.unsettled));
        }
        let request = self
            .client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(write.item.clone()))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
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
        match write.expected {
            Expected::Revision(Revision(expected)) if number(&found, "rev") == Some(*expected) => {
                Ok(Alone::ListingChanges)
            }
            _ => Err(error),
        }
    }

    /// Writes the record if it is expected, and the listing with it.
    async fn put_with_listing(&self, write: Write<'_>) -> Result<(), Error> {
        let (condition, values) = write.expected.condition();
        let record = Put::builder()
            .table_name(self.name())
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()));
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

/// The item that made a condition fail.
fn standing<R>(error: &SdkError<PutItemError, R>) -> Option<Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failed) => failed.item().cloned(),
        _ => None,
    }
}

fn entry(item: &Item) -> Result<Entry, Unreadable> {
    let key = Key::of(item).map(|key| key.pk).unwrap_or_default();
    let named = key.strip_prefix("record#").unwrap_or(&key);
    let shown = named.replace('!', "/");
    let record = decode(&shown, item)?;
    let (id, revision) = declaration_id(named).zip(number(item, "rev")).ok_or_else(|| Unreadable {
        kind: DocumentKind::Record,
        id: shown,
        reason: "it has no owner or revision".to_owned(),
    })?;
    Ok(Entry { id, record, revision: Revision(revision) })
}

fn invalid(error: BuildError) -> Error {
    Error::new(Step::Record, Kind::Invalid, "the request to DynamoDB is incomplete").caused_by(error)
}
