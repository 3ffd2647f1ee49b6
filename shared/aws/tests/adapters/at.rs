//! AWS for the tests of one binary: moto, started by whoever comes first.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use pawl_aws::Table;
use pawl_aws::table::create_table;
use pawl_servers::Moto;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

/// The region of everything.
pub(crate) const REGION: &str = "eu-central-1";

/// The binary's moto; it ends with the process.
pub(crate) async fn moto() -> &'static Moto {
    static MOTO: OnceCell<Moto> = OnceCell::const_new();
    MOTO.get_or_init(async || Moto::start().await.expect("moto starts")).await
}

/// A configuration for AWS at this endpoint.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build()
}

/// A table of its own, empty.
pub(crate) async fn fresh_table() -> Table {
    let table = Table::new(&config(moto().await.endpoint()), &fresh("pawl"));
    create_table(&table).await.expect("a table can be made");
    table
}

/// The variable that names another DynamoDB than moto, such as one that Amazon publishes for development. It is asked
/// with credentials that nobody checks, and its tables stay.
pub(crate) const ELSEWHERE: &str = "PAWL_TEST_DYNAMODB_ENDPOINT";

/// A table of its own, empty, in the DynamoDB that [`ELSEWHERE`] names.
pub(crate) async fn fresh_table_elsewhere() -> Table {
    let endpoint = std::env::var_os(ELSEWHERE).expect("PAWL_TEST_DYNAMODB_ENDPOINT names a DynamoDB");
    let endpoint = endpoint.into_string().expect("its address is text");
    // Tables of earlier runs may still be there.
    let table = Table::new(&config(&endpoint), &fresh(&format!("pawl-{}", std::process::id())));
    create_table(&table).await.expect("a table can be made");
    table
}

/// A name that no other test of this binary uses.
pub(crate) fn fresh(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
