//! Turns failures of DynamoDB into the flow's error.

use super::Table;
use crate::error::Call;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

/// The longest that one request may take, with the SDK's own retries.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a write starts again after somebody else wrote in between.
const ATTEMPTS: u32 = 8;
/// The longest pause before the first new attempt; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

impl Table {
    /// Awaits a request to this table, bounded in time.
    pub(crate) fn call<'c, T, E>(
        &'c self,
        step: Step,
        action: &'static str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'c,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'c
    where
        T: 'c,
        E: StdError + ProvideErrorMetadata + 'static,
    {
        // Boxed before it is held: requests of the SDK are large futures, and callers hold many calls side by side.
        let request = Box::pin(request);
        async move {
            let region = self.client().config().region().map_or_else(String::new, ToString::to_string);
            let call = Call { step, service: "dynamodb", region: &region, action, subject: self.name() };
            match tokio::time::timeout(TIMEOUT, request).await {
                Ok(answer) => answer.map_err(|error| call.failed(&error)),
                Err(_) => Err(self.refused(step, Kind::Transient)),
            }
        }
    }

    /// The error for what DynamoDB says in answers that are no failures of a call.
    pub(crate) fn refused(&self, step: Step, kind: Kind) -> Error {
        let reason = match kind {
            Kind::Conflict => "somebody else wrote in between",
            Kind::Denied | Kind::Refused => "access denied; allow it in the IAM policy",
            Kind::Invalid => "DynamoDB does not take the request",
            Kind::NotFound => "the table does not exist in this region and account",
            Kind::Throttled => "throttled",
            Kind::Stale | Kind::Transient | Kind::Unreachable => "no answer in time",
        };
        Error::new(step, kind, format!("dynamodb: {}: {reason}", self.name()))
    }
}

/// Starts again, with growing pauses, while attempts end in a conflict.
pub(crate) async fn retrying<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.kind == Kind::Conflict => {
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    attempt().await
}
