//! Sends changes that AWS does not know of to Pawl's event bus, from where they reach `sync`.

use crate::error::Call;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures::{StreamExt, stream};
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::sync::Arc;
use std::time::Duration;

/// The source of every event of Pawl's own, which the rule of the bus lets through.
const SOURCE: &str = "pawl.dev";
/// The longest detail-type of these.
const LONGEST_DETAIL_TYPE: usize = "Change Partly Delivered".len();
/// The most entries in one request. Source: EventBridge quotas.
const MOST_ENTRIES: usize = 10;
/// The most bytes in one request. Source: EventBridge's user guide, "Calculating PutEvents event entry size".
const MOST_BYTES: usize = 256 * 1024;
/// What an entry counts besides its detail: 14 bytes of time, the source and the detail-type.
const ENTRY_BYTES: usize = 14 + SOURCE.len() + LONGEST_DETAIL_TYPE;
/// How many requests are under way at a time.
const PARALLEL: usize = 4;
/// How often entries that EventBridge did not take are put again.
const ATTEMPTS: u32 = 6;
/// The pause before the first of these; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// An event bus by its name or ARN. Clones share the connection.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: Arc<str>,
}

impl EventBus {
    /// The bus of this name or ARN.
    pub fn new(base: &SdkConfig, name: &str) -> Self {
        // The SDK's first pause is a second, which is all the time that a secret may take to its targets.
        let retries = base.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let retries = retries.with_initial_backoff(2 * FIRST_PAUSE).with_max_backoff(Duration::from_secs(2));
        let limits = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(5))
            .operation_timeout(Duration::from_secs(20));
        let config = aws_sdk_eventbridge::config::Builder::from(base)
            .retry_config(retries)
            .timeout_config(limits.build());
        Self { client: Client::from_conf(config.build()), name: name.into() }
    }

    /// Puts one event of this detail-type on the bus for each of these details, which are JSON, in no particular order.
    ///
    /// # Errors
    /// Of step `Enqueue`, when one was not taken; all others were still tried. What the details came of must then come
    /// again as a whole: a change that is told twice does no harm. `Denied` when the identity may not put events,
    /// `Invalid` for what EventBridge will never take, `Throttled`, `Transient` or `Unreachable` for what it did not
    /// take in six attempts.
    pub async fn put(&self, detail_type: &str, details: &[String]) -> Result<(), Error> {
        let requests: Vec<_> =
            self.batches(details)?.into_iter().map(|batch| self.send(detail_type, batch)).collect();
        let results: Vec<_> = stream::iter(requests).buffer_unordered(PARALLEL).collect().await;
        results.into_iter().collect()
    }

    /// Puts one request's worth, and again what EventBridge did not take of it.
    async fn send(&self, detail_type: &str, details: Vec<&str>) -> Result<(), Error> {
        let mut left = details;
        let mut refused = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            }
            let entries = left.iter().map(|detail| self.entry(detail_type, detail)).collect();
            let answer = self.client.put_events().set_entries(Some(entries)).send().await;
            let call = self.call();
            let answer = answer.map_err(|error| call.failed(&error))?;
            // The results stand in the order of the entries.
            if answer.entries().len() != left.len() {
                return Err(call.incomplete("a result for each entry"));
            }
            let mut again = Vec::new();
            let mut throttled = None;
            for (detail, result) in left.into_iter().zip(answer.entries()) {
                let Some(code) = result.error_code() else { continue };
                let error = call.refused(code, result.error_message().unwrap_or_default());
                if error.is_retryable() {
                    again.push(detail);
                    throttled = Some(error);
                } else {
                    refused = Some(error);
                }
            }
            left = again;
            if left.is_empty() {
                return refused.map_or(Ok(()), Err);
            }
            if attempt + 1 == ATTEMPTS {
                refused = refused.or(throttled);
            }
        }
        // Something is left, so the last attempt said why.
        refused.map_or(Ok(()), Err)
    }

    fn entry(&self, detail_type: &str, detail: &str) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&*self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .build()
    }

    /// Packs details into requests, in order, within the limits of EventBridge.
    fn batches<'d>(&self, details: &'d [String]) -> Result<Vec<Vec<&'d str>>, Error> {
        let mut batches: Vec<Vec<&str>> = Vec::new();
        let mut bytes = 0;
        for detail in details {
            let size = ENTRY_BYTES + detail.len();
            if size > MOST_BYTES {
                let message = format!(
                    "{}: an event has {size} bytes, and a bus takes {MOST_BYTES}; shorten its keys",
                    self.call()
                );
                return Err(Error::new(Step::Enqueue, Kind::Invalid, message));
            }
            match batches.last_mut() {
                Some(batch) if batch.len() < MOST_ENTRIES && bytes + size <= MOST_BYTES => {
                    bytes += size;
                    batch.push(detail);
                }
                _ => {
                    bytes = size;
                    batches.push(vec![detail]);
                }
            }
        }
        Ok(batches)
    }

    fn call(&self) -> Call<'_> {
        let region = self.client.config().region().map_or("", |region| region.as_ref());
        Call {
            step: Step::Enqueue,
            service: "eventbridge",
            region,
            action: "events:PutEvents",
            subject: &self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::BehaviorVersion;

    fn sizes(details: &[usize]) -> Result<Vec<Vec<usize>>, Error> {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let details: Vec<String> = details.iter().map(|size| "x".repeat(*size)).collect();
        let batches = EventBus::new(&config, "pawl").batches(&details)?;
        Ok(batches.iter().map(|batch| batch.iter().map(|detail| detail.len()).collect()).collect())
    }

    #[test]
    fn requests_hold_what_eventbridge_takes() {
        const HALF: usize = MOST_BYTES / 2 - ENTRY_BYTES;
        assert_eq!(sizes(&[]).unwrap(), Vec::<Vec<usize>>::new());
        assert_eq!(sizes(&[1; 21]).unwrap(), [vec![1; 10], vec![1; 10], vec![1]]);
        assert_eq!(sizes(&[HALF, HALF, 1]).unwrap(), [vec![HALF, HALF], vec![1]]);
        assert_eq!(sizes(&[HALF, HALF + 1, 1]).unwrap(), [vec![HALF], vec![HALF + 1, 1]][..]);
        assert_eq!(sizes(&[MOST_BYTES - ENTRY_BYTES]).unwrap().len(), 1);
        let refused = sizes(&[MOST_BYTES - ENTRY_BYTES + 1]).unwrap_err();
        assert_eq!((refused.step, refused.kind), (Step::Enqueue, Kind::Invalid), "{refused}");
    }
}
