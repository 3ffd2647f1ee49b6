//! The one DynamoDB table that holds registry and ledger.
//!
//! [`Table`] implements [`Registry`](pawl_ports::Registry) and [`Catalogue`](pawl_ports::Catalogue)
//! (in `registry`) and [`Ledger`](pawl_ports::Ledger) (in `ledger`). Everything is found by its primary
//! key or by a query of one partition, always strongly consistent: there is no scan, and no secondary index, which
//! could not be read consistently.
//!
//! | item | pk | sk | holds |
//! |---|---|---|---|
//! | declaration | `declarations#<00-15>` | id | the document, its digest, the addresses of its entries below |
//! | found in a home | `home#<home>#<0-3>` | id | |
//! | reads a store | `reads#<store>#<0-3>` | id | |
//! | interval | `every#<store>` | interval, id | ascending, so that the first item is the shortest interval |
//! | index key | `key#<index key>` | id | |
//! | store | `stores#<00-15>` | store id | the document and its digest |
//! | cluster | `clusters` | name | the document and its digest |
//! | record | `record#<id>` | `record` | the document, `rev`, whether it is unsettled |
//! | not settled | `unsettled#<00-15>` | id | |
//! | mark | `mark#<name>` | `mark` | `marked`: nanoseconds since 1970 |
//!
//! Numbers in a pk are hash buckets, so that no partition takes all writes; pages over buckets are merged. Ids are
//! written `<cluster>!<namespace>!<name>`: the mark sorts below every character of a name, so that the order of the
//! texts is the order of the ids. No item grows with the number of declarations.

mod batch;
mod create;
mod error;
mod item;
mod key;
mod merge;

pub use create::create_table;
pub(crate) use error::retrying;
pub(crate) use item::{decode, encode, flag, number, strings, text};
pub(crate) use key::{
    BUCKETS, Item, Key, LISTING_BUCKETS, bucket, bucketed, declaration_id, declaration_text, digest,
    home_listing, index_key, intervals, shown_store, store_listing,
};
pub(crate) use merge::Bounds;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_domain::Step;
use pawl_ports::Error;
use std::sync::Arc;
use std::time::Duration;

/// Registry and ledger in a DynamoDB table. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
}

impl Table {
    /// The table of this name, which [`create_table`] or the deployment's template has made.
    pub fn new(base: &SdkConfig, name: &str) -> Self {
        let limits = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(5));
        let retries = RetryConfig::standard()
            .with_max_attempts(5)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_secs(1));
        let config = aws_sdk_dynamodb::config::Builder::from(base)
            .timeout_config(limits.build())
            .retry_config(retries);
        Self::with_client(Client::from_conf(config.build()), name)
    }

    /// The same through a client whose limits and retries the caller has chosen. No call takes more than ten seconds.
    pub fn with_client(client: Client, name: &str) -> Self {
        Self { client, name: name.into() }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client that calls go through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// One item as it stands now, or `None`. `attributes` is a projection expression.
    pub(crate) async fn item(&self, step: Step, key: &Key, attributes: &str) -> Result<Option<Item>, Error> {
        let request = self
            .client
            .get_item()
            .table_name(self.name())
            .set_key(Some(key.item()))
            .consistent_read(true)
            .projection_expression(attributes);
        Ok(self.call(step, "dynamodb:GetItem", request.send()).await?.item)
    }

    /// Every item of a partition in the order of sort keys.
    pub(crate) async fn partition(&self, pk: &str, attributes: Option<&str>) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = self.query(pk, &Bounds::default(), attributes).set_exclusive_start_key(start);
            let page = self.call(Step::Lookup, "dynamodb:Query", request.send()).await?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The first item of a partition.
    pub(crate) async fn first(&self, pk: &str) -> Result<Option<Item>, Error> {
        let request = self.query(pk, &Bounds::default(), None).limit(1);
        let page = self.call(Step::Lookup, "dynamodb:Query", request.send()).await?;
        Ok(page.items.unwrap_or_default().into_iter().next())
    }

    /// A consistent query of one partition within bounds.
    fn query(&self, pk: &str, bounds: &Bounds, attributes: Option<&str>) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(self.name())
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":low", AttributeValue::S(bounds.low.clone()))
            .expression_attribute_values(":high", AttributeValue::S(bounds.high.clone()))
            .set_projection_expression(attributes.map(str::to_owned))
    }
}
