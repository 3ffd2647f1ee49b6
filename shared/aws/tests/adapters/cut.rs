//! A process that dies between two requests.

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets so many requests through and no further one.
#[derive(Debug)]
pub(crate) struct CutAfter(AtomicUsize);

impl CutAfter {
    pub(crate) fn new(requests: usize) -> Self {
        Self(AtomicUsize::new(requests))
    }
}

impl Intercept for CutAfter {
    fn name(&self) -> &'static str {
        "CutAfter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| "the process is gone".into())
    }
}
