//! Turns refusals and failures of AWS into the flow's error.
//!
//! Nothing of an answer but the error code gets into a message. AWS's own words stay in the cause, cut short; a body that
//! could not be read stays nowhere, because it may be half of a secret.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::error::Error as StdError;
use std::fmt;

/// One call of an AWS API: what it is for and how messages and metrics name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The step of the flow that it is part of.
    pub(crate) step: Step,
    /// The service, as in `secrets-manager`.
    pub(crate) service: &'static str,
    /// The region that is asked.
    pub(crate) region: &'a str,
    /// The IAM action that allows it, as in `secretsmanager:GetSecretValue`.
    pub(crate) action: &'static str,
    /// What it is about: a key, a role, a listing.
    pub(crate) subject: &'a str,
}

impl Call<'_> {
    /// Counts the call in `pawl_store_calls_total{provider,call,status}` and classifies its failure.
    pub(crate) fn counted<T, E>(&self, result: Result<T, SdkError<E, HttpResponse>>) -> Result<T, Error>
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        self.count(&result);
        result.map_err(|failure| self.failed(&failure))
    }

    /// Counts the call alone, for batches: each subject of theirs tells the failure with a call of its own.
    pub(crate) fn count<T, E>(&self, result: &Result<T, SdkError<E, HttpResponse>>)
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let status = result.as_ref().map_or_else(|failure| self.failed(failure).kind.as_str(), |_| "ok");
        let (_, call) = self.action.split_once(':').unwrap_or_default();
        metrics::counter!("pawl_store_calls_total", "provider" => self.service, "call" => call, "status" => status)
            .increment(1);
    }

    /// The failure of one item of a batch, which AWS tells by code and words.
    pub(crate) fn refused(&self, code: &str, words: &str) -> Error {
        self.error(Verdict::of(code, words, None), code).caused_by(self.cause(code, words))
    }

    /// What AWS said. Words about a write may quote what was written, so of them the code is all that is kept.
    fn cause(&self, code: &str, words: &str) -> Cause {
        match self.step {
            Step::Push => Cause(code.to_owned()),
            _ => Cause(format!("{code}: {}", words.chars().take(400).collect::<String>())),
        }
    }

    /// The store says that the subject, or the version of it that was asked for, does not exist.
    pub(crate) fn missing(&self) -> Error {
        self.error(Verdict::Missing, "")
    }

    /// The subject exists but is marked for deletion, which makes it unreadable until somebody restores it.
    pub(crate) fn deleted(&self) -> Error {
        self.error(Verdict::Deleted, "")
    }

    /// A failure of this call, in words that stand behind its name.
    pub(crate) fn complaint(&self, kind: Kind, what: impl fmt::Display) -> Error {
        Error::new(self.step, kind, format!("{self}: {what}"))
    }

    /// AWS answered, and the answer lacks what it promises.
    pub(crate) fn incomplete(&self, lacking: &str) -> Error {
        Error::new(self.step, Kind::Transient, format!("{self}: the answer lacks {lacking}"))
    }

    /// The failure of a call that is not one of a store's.
    pub(crate) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status();
                match answer.err().code() {
                    Some(code) => {
                        let words = answer.err().message().unwrap_or_default();
                        let verdict = Verdict::of(code, words, Some(status.as_u16()));
                        self.error(verdict, code).caused_by(self.cause(code, words))
                    }
                    // The SDK takes an answer that it cannot read for a failure of the service's.
                    None if status.is_success() => self.unreadable(),
                    None => {
                        let code = format!("HTTP {}", status.as_u16());
                        self.error(Verdict::of(&code, "", Some(status.as_u16())), &code)
                    }
                }
            }
            SdkError::ResponseError(_) => self.unreadable(),
            SdkError::TimeoutError(_) => {
                Error::new(self.step, Kind::Unreachable, format!("{self}: no answer in time"))
            }
            other => match find::<CredentialsError>(other) {
                Some(cause) => self.without_credentials(cause),
                None if matches!(other, SdkError::ConstructionFailure(_)) => {
                    let message = format!("{self}: the request cannot be made; check region and key");
                    Error::new(self.step, Kind::Invalid, message).caused_by(Cause::chain(other))
                }
                None => {
                    let message = format!("{self}: cannot be reached; check network, region and endpoint");
                    Error::new(self.step, Kind::Unreachable, message).caused_by(Cause::chain(other))
                }
            },
        }
    }

    fn unreadable(&self) -> Error {
        Error::new(self.step, Kind::Transient, format!("{self}: the answer is not in the known form"))
    }

    /// The SDK's default chain gave nothing to sign with.
    fn without_credentials(&self, cause: &CredentialsError) -> Error {
        let (kind, what) = match cause {
            CredentialsError::CredentialsNotLoaded(_) => (Kind::Denied, "there are no AWS credentials"),
            CredentialsError::InvalidConfiguration(_) => {
                (Kind::Invalid, "the AWS configuration is not usable")
            }
            CredentialsError::ProviderTimedOut(_) => {
                (Kind::Unreachable, "AWS credentials did not come in time")
            }
            _ => (Kind::Transient, "AWS credentials could not be had"),
        };
        let message = format!("{self}: {what}; check the identity that Pawl runs with");
        Error::new(Step::Authenticate, kind, message).caused_by(Cause::chain(cause))
    }

    fn error(&self, verdict: Verdict, code: &str) -> Error {
        let (step, kind, what) = match verdict {
            Verdict::BadCredentials => (
                Step::Authenticate,
                Kind::Denied,
                format!("the credentials were refused ({code}); check the store's auth"),
            ),
            Verdict::Denied => {
                (self.step, Kind::Denied, format!("access denied; allow {} on it", self.action))
            }
            Verdict::Undecipherable if self.step == Step::Push => (
                self.step,
                Kind::Denied,
                "its KMS key may not be used; allow kms:GenerateDataKey and kms:Decrypt on it".to_owned(),
            ),
            Verdict::Undecipherable => {
                (self.step, Kind::Denied, "cannot be decrypted; allow kms:Decrypt on its key".to_owned())
            }
            Verdict::Missing => (
                self.step,
                Kind::NotFound,
                "does not exist; create it, or correct the name or version".to_owned(),
            ),
            Verdict::Deleted => (
                self.step,
                Kind::NotFound,
                "marked for deletion; restore it or remove its declarations".to_owned(),
            ),
            Verdict::Vanishing => (
                self.step,
                Kind::Transient,
                "it was deleted a moment ago, and its name is not free yet; it is tried again".to_owned(),
            ),
            Verdict::Conflict => (self.step, Kind::Conflict, "somebody else wrote in between".to_owned()),
            Verdict::Throttled => (self.step, Kind::Throttled, format!("throttled ({code})")),
            Verdict::Invalid => (self.step, Kind::Invalid, format!("not accepted ({code})")),
            Verdict::Fault => (self.step, Kind::Transient, format!("AWS failed ({code})")),
        };
        Error::new(step, kind, format!("{self}: {what}"))
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.service, self.region, self.subject)
    }
}

/// What an error code means for the flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    BadCredentials,
    Conflict,
    Deleted,
    Denied,
    Fault,
    Invalid,
    Missing,
    Throttled,
    Undecipherable,
    Vanishing,
}

impl Verdict {
    /// Source: the error sections of the API references of Secrets Manager, Systems Manager, STS and the common errors.
    fn of(code: &str, words: &str, status: Option<u16>) -> Self {
        match code {
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "InvalidToken"
            | "InvalidIdentityToken"
            | "IDPRejectedClaim"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => Self::BadCredentials,
            "AccessDeniedException" | "AccessDenied" if names_kms(words) => Self::Undecipherable,
            "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => Self::Denied,
            "DecryptionFailure" | "InvalidKeyId" => Self::Undecipherable,
            "ResourceNotFoundException"
            | "InvalidResourceId"
            | "ParameterNotFound"
            | "ParameterVersionNotFound"
            | "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue" => Self::Missing,
            "ConditionalCheckFailedException"
            | "TransactionConflictException"
            | "ResourceInUseException"
            | "ResourceExistsException"
            | "ParameterAlreadyExists" => Self::Conflict,
            // AWS tells a secret that is marked for deletion by words alone.
            "InvalidRequestException" | "InvalidParameterException"
                if words.contains("marked for deletion") || words.contains("marked deleted") =>
            {
                Self::Deleted
            }
            // A forced deletion takes a moment, in which there is neither the secret nor its name.
            "InvalidRequestException" | "InvalidParameterException"
                if words.contains("scheduled for deletion") || words.contains("was deleted") =>
            {
                Self::Vanishing
            }
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestThrottled"
            | "OverLimit"
            | "TooManyUpdates"
            | "SlowDown" => Self::Throttled,
            "IDPCommunicationError" => Self::Fault,
            _ => match status {
                Some(429) => Self::Throttled,
                Some(500..) => Self::Fault,
                None if code.starts_with("Internal") || code.starts_with("ServiceUnavailable") => Self::Fault,
                _ => Self::Invalid,
            },
        }
    }
}

/// Whether it is the key under which the secret lies that may not be used. Names of roles and secrets stand in these words
/// too, so only AWS's own phrases count.
fn names_kms(words: &str) -> bool {
    ["Access to KMS", "kms:Decrypt", "AWSKMS"].iter().any(|phrase| words.contains(phrase))
}

/// What AWS or the network said, for whoever debugs; never part of a message.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn chain(error: &(dyn StdError + 'static)) -> Self {
        let said: Vec<_> = chain(error).map(ToString::to_string).collect();
        Self(said.join(": "))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref::<T>())
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_aws_has_a_step_a_kind_and_a_remedy() {
        let call = Call {
            step: Step::Fetch,
            service: "secrets-manager",
            region: "eu-central-1",
            action: "secretsmanager:GetSecretValue",
            subject: "app/db",
        };
        let deletion = "You can't perform this operation on the secret because it was marked for deletion.";
        for (code, words, step, kind, message) in [
            (
                "AccessDeniedException",
                "no policy allows it",
                Step::Fetch,
                Kind::Denied,
                "access denied; allow secretsmanager:GetSecretValue on it",
            ),
            (
                "AccessDeniedException",
                "role/kms-reader is not authorized",
                Step::Fetch,
                Kind::Denied,
                "access denied; allow secretsmanager:GetSecretValue on it",
            ),
            (
                "AccessDeniedException",
                "Access to KMS is not allowed",
                Step::Fetch,
                Kind::Denied,
                "cannot be decrypted; allow kms:Decrypt on its key",
            ),
            (
                "DecryptionFailure",
                "",
                Step::Fetch,
                Kind::Denied,
                "cannot be decrypted; allow kms:Decrypt on its key",
            ),
            (
                "ExpiredTokenException",
                "",
                Step::Authenticate,
                Kind::Denied,
                "the credentials were refused (ExpiredTokenException); check the store's auth",
            ),
            (
                "InvalidClientTokenId",
                "",
                Step::Authenticate,
                Kind::Denied,
                "the credentials were refused (InvalidClientTokenId); check the store's auth",
            ),
            (
                "ResourceNotFoundException",
                "",
                Step::Fetch,
                Kind::NotFound,
                "does not exist; create it, or correct the name or version",
            ),
            (
                "ParameterVersionNotFound",
                "",
                Step::Fetch,
                Kind::NotFound,
                "does not exist; create it, or correct the name or version",
            ),
            (
                "InvalidRequestException",
                deletion,
                Step::Fetch,
                Kind::NotFound,
                "marked for deletion; restore it or remove its declarations",
            ),
            (
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
                Step::Fetch,
                Kind::Transient,
                "it was deleted a moment ago, and its name is not free yet; it is tried again",
            ),
            (
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was deleted.",
                Step::Fetch,
                Kind::Transient,
                "it was deleted a moment ago, and its name is not free yet; it is tried again",
            ),
            (
                "InvalidRequestException",
                "something else",
                Step::Fetch,
                Kind::Invalid,
                "not accepted (InvalidRequestException)",
            ),
            ("ValidationException", "", Step::Fetch, Kind::Invalid, "not accepted (ValidationException)"),
            ("ThrottlingException", "", Step::Fetch, Kind::Throttled, "throttled (ThrottlingException)"),
            ("InternalServiceError", "", Step::Fetch, Kind::Transient, "AWS failed (InternalServiceError)"),
            (
                "ConditionalCheckFailedException",
                "",
                Step::Fetch,
                Kind::Conflict,
                "somebody else wrote in between",
            ),
            (
                "ProvisionedThroughputExceededException",
                "",
                Step::Fetch,
                Kind::Throttled,
                "throttled (ProvisionedThroughputExceededException)",
            ),
            (
                "AWS.SimpleQueueService.NonExistentQueue",
                "",
                Step::Fetch,
                Kind::NotFound,
                "does not exist; create it, or correct the name or version",
            ),
        ] {
            let error = call.refused(code, words);
            let want = format!("secrets-manager in eu-central-1: app/db: {message}");
            assert_eq!((error.step, error.kind, error.message()), (step, kind, want.as_str()), "{code}");
        }
    }

    #[test]
    fn the_status_decides_where_the_code_is_unknown() {
        for (status, verdict) in
            [(429, Verdict::Throttled), (500, Verdict::Fault), (503, Verdict::Fault), (400, Verdict::Invalid)]
        {
            assert_eq!(Verdict::of("Novelty", "", Some(status)), verdict, "{status}");
        }
    }
}
