mod aws;
mod events;
mod parameters;
mod queues;
mod secrets;

pub use aws::{Aws, Service};
pub use queues::{Message, Queue};
pub use secrets::StoredSecret;

use crate::{
    Result,
    process::{Process, clean_command},
    tools_directory,
};
use std::{ops::Deref, time::Duration};

/// moto: AWS in one process, started empty. Its calls are those of [`Aws`].
///
/// DynamoDB's transactions are mended (`start.py`): as moto has them, one that is cancelled undoes what others wrote. So are the staging
/// labels of Secrets Manager: as moto has them, labels of users vanish when a version is written. So are the writes of parameters: as moto
/// has them, a parameter keeps its key when it is written over without one.
///
/// What it does not do as AWS does: it emits no event when a secret or parameter changes (the test sends one, [`Aws::put_events`]), checks no
/// signature and no policy, and keeps GetSecretValue without a stage at the old version after UpdateSecretVersionStage.
#[derive(Debug)]
pub struct Moto {
    aws: Aws,
    _process: Process,
}

impl Moto {
    /// The account that everything in moto belongs to.
    pub const ACCOUNT: &str = "123456789012";

    /// Starts a server of its own, about a second. A test that needs isolation only between runs may [`Moto::reset`] a shared one.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) without the tools, [`Error::Start`](crate::Error::Start) when it does not come up within a minute.
    pub async fn start() -> Result<Self> {
        let mut command = clean_command(tools_directory()?.join("bin/python"));
        command
            .args(["-c", include_str!("start.py"), "--host", "127.0.0.1", "--port", "0"])
            .env("PYTHONUNBUFFERED", "1");
        let mut process = Process::start("moto", &command)?;
        let address = process.ready(Duration::from_secs(60), async |log| address(log)).await?;
        Ok(Self { aws: Aws::at(address)?, _process: process })
    }

    /// The calls that a test makes in AWS's place, to keep beyond the borrow of the server.
    #[must_use]
    pub fn aws(&self) -> Aws {
        self.aws.clone()
    }

    /// Forgets everything, in all regions.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) or [`Error::Unreachable`](crate::Error::Unreachable).
    pub async fn reset(&self) -> Result<()> {
        self.aws.post_plain("/moto-api/reset").await
    }
}

impl Deref for Moto {
    type Target = Aws;

    fn deref(&self) -> &Aws {
        &self.aws
    }
}

/// The server announces its address before it takes the first connection on the socket that it has already bound.
fn address(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("Running on ")?;
    let (address, _) = rest.split_once(char::is_whitespace)?;
    Some(address.to_owned())
}
