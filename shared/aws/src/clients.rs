//! SDK clients of stores: one for each service, region and retry setting, whoever's credentials a call is made with.
//!
//! A client owns connections and retry tokens, which are worth sharing; credentials are put over it call by call. The
//! endpoint is the SDK's own choice, so `AWS_ENDPOINT_URL` and its variants for `SECRETS_MANAGER`, `SSM` and `STS` hold in
//! every region.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_secretsmanager as secretsmanager;
use aws_sdk_ssm as ssm;
use aws_sdk_sts as sts;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Makes clients of a base configuration, and keeps them.
#[derive(Debug)]
pub(crate) struct Clients {
    base: SdkConfig,
    secrets_manager: Kept<secretsmanager::Client>,
    parameter_store: Kept<ssm::Client>,
    sts: Kept<sts::Client>,
}

/// What makes one client another one: its region, and how often it tries again where the store says so.
type Kept<C> = Mutex<HashMap<(String, Option<u32>), C>>;

impl Clients {
    /// Clients that differ from `base` in region, in retries and, where it says nothing, in time limits.
    pub(crate) fn new(base: SdkConfig) -> Self {
        Self {
            base: bounded(base),
            secrets_manager: Kept::default(),
            parameter_store: Kept::default(),
            sts: Kept::default(),
        }
    }

    /// A client of Secrets Manager.
    pub(crate) fn secrets_manager(&self, region: &str, retries: Option<u32>) -> secretsmanager::Client {
        kept(&self.secrets_manager, (region.to_owned(), retries), || {
            let config = secretsmanager::config::Builder::from(&self.base)
                .region(Region::new(region.to_owned()))
                .retry_config(self.retries(retries));
            secretsmanager::Client::from_conf(config.build())
        })
    }

    /// A client of Systems Manager.
    pub(crate) fn parameter_store(&self, region: &str, retries: Option<u32>) -> ssm::Client {
        kept(&self.parameter_store, (region.to_owned(), retries), || {
            let config = ssm::config::Builder::from(&self.base)
                .region(Region::new(region.to_owned()))
                .retry_config(self.retries(retries));
            ssm::Client::from_conf(config.build())
        })
    }

    /// A client of the region's own STS.
    pub(crate) fn sts(&self, region: &str) -> sts::Client {
        kept(&self.sts, (region.to_owned(), None), || {
            let config = sts::config::Builder::from(&self.base)
                .region(Region::new(region.to_owned()))
                .retry_config(self.retries(None));
            sts::Client::from_conf(config.build())
        })
    }

    /// The address of every service, where the environment names one.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.base.endpoint_url().map(str::to_owned)
    }

    /// What the SDK's default chain gives, if there is one.
    pub(crate) fn own_credentials(&self) -> Option<SharedCredentialsProvider> {
        self.base.credentials_provider()
    }

    fn retries(&self, retries: Option<u32>) -> RetryConfig {
        let base = self.base.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let attempts = retries.map_or(base.max_attempts(), |retries| retries.min(MOST_RETRIES) + 1);
        base.clone()
            .with_max_attempts(attempts)
            .with_initial_backoff(base.initial_backoff().min(FIRST_BACKOFF))
            .with_max_backoff(base.max_backoff().min(LAST_BACKOFF))
    }
}

/// More would not end within the time limit of one operation.
const MOST_RETRIES: u32 = 10;

/// The SDK starts at a second, which is all the time that a secret may take to its targets.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(2);

/// The base with every time limit set: an answer of these services takes milliseconds, and a caller waits for it.
fn bounded(base: SdkConfig) -> SdkConfig {
    let limits = base.timeout_config().map_or_else(TimeoutConfig::builder, |set| set.clone().into_builder());
    let limits = limits.take_unset_from(
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .read_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(5))
            .operation_timeout(Duration::from_secs(20)),
    );
    base.into_builder().timeout_config(limits.build()).build()
}

fn kept<K: Eq + Hash, C: Clone>(clients: &Mutex<HashMap<K, C>>, key: K, make: impl FnOnce() -> C) -> C {
    // A panic of another caller leaves the map whole: it only ever gains finished clients.
    clients.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(make).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::BehaviorVersion;

    fn base() -> SdkConfig {
        SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build()
    }

    #[test]
    fn the_store_says_how_often_to_try_again() {
        let clients = Clients::new(base());
        for (retries, attempts) in [(None, 3), (Some(0), 1), (Some(5), 6), (Some(1_000), 11)] {
            assert_eq!(clients.retries(retries).max_attempts(), attempts, "{retries:?}");
        }
        assert!(clients.retries(None).initial_backoff() <= FIRST_BACKOFF);
    }

    #[test]
    fn limits_that_are_set_stay() {
        let connect = Duration::from_millis(7);
        let limits = TimeoutConfig::builder().connect_timeout(connect).build();
        let clients = Clients::new(base().into_builder().timeout_config(limits).build());
        let limits = clients.base.timeout_config().unwrap();
        assert_eq!(limits.connect_timeout(), Some(connect));
        assert_eq!(limits.operation_timeout(), Some(Duration::from_secs(20)));
    }
}
