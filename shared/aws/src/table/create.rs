//! Creates the table, for tests and demonstrations.

use super::Table;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::time::Duration;

/// How long a new table may take to become active.
const PATIENCE: Duration = Duration::from_secs(60);

/// Creates the table as the deployment's template does, for tests and demonstrations: string keys `pk` (HASH) and
/// `sk` (RANGE), paid per request, nothing else. Returns when it can be used.
///
/// # Errors
/// Kind `Conflict` when there is a table of this name, else as DynamoDB says.
pub async fn create_table(table: &Table) -> Result<(), Error> {
    let invalid = |error| {
        Error::new(Step::Lookup, Kind::Invalid, "the table's definition is incomplete").caused_by(error)
    };
    let mut request =
        table.client().create_table().table_name(table.name()).billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let element = KeySchemaElement::builder().attribute_name(name).key_type(role).build();
        request =
            request.attribute_definitions(attribute.map_err(invalid)?).key_schema(element.map_err(invalid)?);
    }
    table.call(Step::Lookup, "dynamodb:CreateTable", request.send()).await?;
    let active = async {
        loop {
            let request = table.client().describe_table().table_name(table.name());
            let found = table.call(Step::Lookup, "dynamodb:DescribeTable", request.send()).await?;
            if found
                .table
                .and_then(|table| table.table_status)
                .is_some_and(|status| status.as_str() == "ACTIVE")
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(PATIENCE, active).await.unwrap_or_else(|_| {
        let message =
            format!("table {} was not active within a minute; look at it in DynamoDB", table.name());
        Err(Error::new(Step::Lookup, Kind::Transient, message))
    })
}
