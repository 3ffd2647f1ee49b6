//! Where registry, ledger and job queue are kept.

use super::{Error, Lookup, key};
use pawl_domain::SecretValue;

/// Where registry, ledger and job queue are kept.
#[derive(Clone, Debug)]
pub enum State {
    /// One DynamoDB table, and an SQS queue for jobs.
    Aws {
        /// The table's name.
        table: String,
        /// The URL of the job queue.
        jobs: String,
    },
    /// One local file.
    Local {
        /// The file's path.
        path: String,
    },
}

impl State {
    /// Reads `PAWL_TABLE` with `PAWL_JOB_QUEUE_URL`, or else `PAWL_DB`, whose default is `pawl.db`.
    ///
    /// # Errors
    /// A table without a queue.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        let Some(table) = lookup.get("PAWL_TABLE") else {
            return Ok(Self::Local { path: lookup.get("PAWL_DB").unwrap_or_else(|| "pawl.db".to_owned()) });
        };
        let jobs = lookup.get("PAWL_JOB_QUEUE_URL").ok_or(Error::Missing {
            name: "PAWL_JOB_QUEUE_URL",
            purpose: "with PAWL_TABLE it names the SQS queue that takes what cannot be written at once",
        })?;
        Ok(Self::Aws { table, jobs })
    }

    /// Whether state is in AWS.
    pub fn is_aws(&self) -> bool {
        matches!(self, Self::Aws { .. })
    }
}

/// Where the key of the ledger's digests is.
#[derive(Clone, Debug)]
pub enum LedgerKey {
    /// Given as it is.
    Given(SecretValue),
    /// In a Secrets Manager secret, by name or ARN.
    Secret(String),
    /// In a file beside the local state, made when it is not there yet.
    File(String),
}

impl LedgerKey {
    /// Reads `PAWL_LEDGER_KEY`, or else `PAWL_LEDGER_KEY_SECRET`, or else names a file beside the local state.
    ///
    /// # Errors
    /// State in AWS without either; a key of fewer than 32 bytes.
    pub fn read(lookup: &dyn Lookup, state: &State) -> Result<Self, Error> {
        if let Some(key) = key(lookup, "PAWL_LEDGER_KEY")? {
            return Ok(Self::Given(key));
        }
        if let Some(name) = lookup.get("PAWL_LEDGER_KEY_SECRET") {
            return Ok(Self::Secret(name));
        }
        match state {
            State::Local { path } => Ok(Self::File(format!("{path}.key"))),
            State::Aws { .. } => Err(Error::Missing {
                name: "PAWL_LEDGER_KEY_SECRET",
                purpose: "it names the secret with the key of the ledger's digests (or set PAWL_LEDGER_KEY)",
            }),
        }
    }
}
