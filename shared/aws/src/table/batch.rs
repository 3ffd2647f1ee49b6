//! Writes several items in one transaction, and deletes or reads many, as many at once as DynamoDB takes.

use super::{Item, Key, Table};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, TransactWriteItem, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The most keys that one BatchGetItem takes.
const KEYS: usize = 100;
/// The most items that one BatchWriteItem takes.
const WRITES: usize = 25;
/// How many batches are under way at a time.
const PARALLEL: usize = 8;
/// How often what DynamoDB left undone is asked for again.
const ATTEMPTS: u32 = 6;
/// The pause before the first of these; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Table {
    /// The items of these keys, in no order; keys without an item are left out. `attributes` is a projection
    /// expression that names pk and sk.
    pub(crate) async fn items(
        &self,
        step: Step,
        keys: BTreeSet<Key>,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>, Error> {
        let keys: Vec<Item> = keys.iter().map(Key::item).collect();
        let batches: Vec<_> =
            keys.chunks(KEYS).map(|batch| self.read(step, batch.to_vec(), attributes)).collect();
        let found: Vec<Vec<Item>> = stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await?;
        Ok(found.concat())
    }

    /// Writes items whatever stands there, one by one in no order: not a transaction.
    pub(crate) async fn write(&self, step: Step, items: Vec<Item>) -> Result<(), Error> {
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let put = PutRequest::builder().set_item(Some(item)).build();
            let put = put.map_err(|error| self.refused(step, Kind::Invalid).caused_by(error))?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        let batches: Vec<_> =
            requests.chunks(WRITES).map(|batch| self.write_batch(step, batch.to_vec())).collect();
        stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await
    }

    /// Does all of these, or nothing.
    ///
    /// # Errors
    /// Kind `Conflict` when a condition does not hold or another transaction is under way.
    pub(crate) async fn transact(&self, step: Step, actions: Vec<TransactWriteItem>) -> Result<(), Error> {
        let request = self.client().transact_write_items().set_transact_items(Some(actions));
        let outcome = async {
            // A cancelled transaction is an answer, not a failure: its kind stands in the reasons.
            match request.send().await {
                Ok(_) => Ok(None),
                Err(error) => cancelled(&error).map(Some).ok_or(error),
            }
        };
        match self
            .call(step, "dynamodb:PutItem, DeleteItem, UpdateItem and ConditionCheckItem", outcome)
            .await?
        {
            None => Ok(()),
            Some(kind) => Err(self.refused(step, kind)),
        }
    }

    async fn read(&self, step: Step, keys: Vec<Item>, attributes: Option<&str>) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        let mut left = keys;
        for attempt in 0..ATTEMPTS {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .set_projection_expression(attributes.map(str::to_owned))
                .build()
                .map_err(|error| self.refused(step, Kind::Invalid).caused_by(error))?;
            let request = self.client().batch_get_item().request_items(self.name(), wanted);
            let answer = self.call(step, "dynamodb:BatchGetItem", request.send()).await?;
            found.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
            let unprocessed = answer.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
            left = unprocessed.flat_map(|keys| keys.keys).collect();
            if left.is_empty() {
                return Ok(found);
            }
            pause(attempt).await;
        }
        Err(self.refused(step, Kind::Throttled))
    }

    async fn write_batch(&self, step: Step, requests: Vec<WriteRequest>) -> Result<(), Error> {
        let mut left = requests;
        for attempt in 0..ATTEMPTS {
            let request = self.client().batch_write_item().request_items(self.name(), left);
            let answer = self.call(step, "dynamodb:BatchWriteItem", request.send()).await?;
            left = answer.unprocessed_items.into_iter().flat_map(HashMap::into_values).flatten().collect();
            if left.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(self.refused(step, Kind::Throttled))
    }
}

async fn pause(attempt: u32) {
    tokio::time::sleep((FIRST_PAUSE * 2_u32.pow(attempt)).mul_f64(rand::random_range(0.5..1.0))).await;
}

/// Why a transaction was cancelled, if it was: what nobody can wait for counts before what passes.
fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Kind> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.as_service_error()? else {
        return None;
    };
    let kinds = cancelled.cancellation_reasons().iter().filter_map(|reason| match reason.code()? {
        "None" => None,
        "ConditionalCheckFailed" | "TransactionConflict" => Some(Kind::Conflict),
        "ProvisionedThroughputExceeded" | "ThrottlingError" => Some(Kind::Throttled),
        "AccessDenied" => Some(Kind::Denied),
        "ItemCollectionSizeLimitExceeded" | "ValidationError" => Some(Kind::Invalid),
        _ => Some(Kind::Transient),
    });
    Some(kinds.min().unwrap_or(Kind::Transient))
}
