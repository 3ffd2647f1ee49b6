//! Signs a GetCallerIdentity request and does not send it, so that others can check the identity of a store of AWS.
//!
//! Source: Vault's `aws` auth method and its command line, which sign this request for logins of type `iam`.

use super::AwsSources;
use crate::credentials::aws_store;
use crate::identity::AwsIdentity;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use jiff::Timestamp;
use pawl_domain::store::AwsAuth;
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error, Question, SignedRequest};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::SystemTime;

impl<C: ClusterCredentials> CallerIdentity for AwsSources<C> {
    async fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        question: Question,
    ) -> Result<SignedRequest, Error> {
        let region = &aws_store(access)?.region;
        let failed =
            |kind, what: &str| Error::new(Step::Authenticate, kind, format!("sts in {region}: {what}"));
        let session = self.identities.session(access).await?;
        let credentials = match &session.credentials {
            Some(credentials) => credentials.clone(),
            None => {
                let what = "there are no AWS credentials; check the identity that Pawl runs with";
                let chain = self.clients.own_credentials().ok_or_else(|| failed(Kind::Denied, what))?;
                let own = chain.provide_credentials().await;
                own.map_err(|error| failed(Kind::Denied, what).caused_by(error))?
            }
        };
        signed(region, &credentials, headers, question, self.identities.now()).map_err(|error| {
            failed(Kind::Invalid, "the request cannot be signed; check region and headers").caused_by(error)
        })
    }
}

/// Of the identity that Pawl runs with alone.
impl CallerIdentity for AwsIdentity {
    async fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        question: Question,
    ) -> Result<SignedRequest, Error> {
        let store = aws_store(access)?;
        let failed = |what: &str| {
            Error::new(Step::Authenticate, Kind::Invalid, format!("sts in {}: {what}", store.region))
        };
        if store.auth != AwsAuth::Ambient || store.role.is_some() {
            return Err(failed("only the identity that Pawl runs with is shown here"));
        }
        let credentials = self.own_credentials().await?;
        signed(&store.region, &credentials, headers, question, self.now()).map_err(|error| {
            failed("the request cannot be signed; check region and headers").caused_by(error)
        })
    }
}

const QUESTION: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn signed(
    region: &str,
    credentials: &Credentials,
    headers: &BTreeMap<String, String>,
    question: Question,
    now: Timestamp,
) -> Result<SignedRequest, Box<dyn StdError + Send + Sync>> {
    let identity = Identity::from(credentials.clone());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let (url, body, plain) = match question {
        Question::Body => {
            let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
            (format!("https://{}/", host(region)), QUESTION, Some(form))
        }
        Question::Query => (format!("https://{}/?{QUESTION}", crate::identity::sts_host(region)), "", None),
    };
    let given = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut request = http::Request::post(&url);
    for (name, value) in plain.into_iter().chain(given) {
        request = request.header(name, value);
    }
    let mut request = request.body(())?;
    let shown: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| Ok((name.as_str(), value.to_str()?)))
        .collect::<Result<_, Box<dyn StdError + Send + Sync>>>()?;
    let signable =
        SignableRequest::new("POST", &url, shown.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let headers =
        request.headers().iter().map(|(name, value)| (name.to_string(), SecretValue::new(value.as_bytes())));
    Ok(SignedRequest { url, headers: headers.collect(), body: body.to_owned() })
}

/// Where receivers send the request unless they are told otherwise: the global name in `us-east-1`, the region's own else.
fn host(region: &str) -> String {
    match region {
        "us-east-1" => "sts.amazonaws.com".to_owned(),
        region => crate::identity::sts_host(region),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with botocore 1.44.5, `SigV4Auth(credentials, "sts", region)` over the same request, with its clock held at
    /// 2026-01-02T03:04:05Z.
    #[test]
    fn requests_are_signed_as_botocore_signs_them() {
        let server = ("X-Vault-AWS-IAM-Server-ID", "vault.example.com");
        for (region, token, headers, url, authorization) in [
            (
                "us-east-1",
                None,
                &[server][..],
                "https://sts.amazonaws.com/",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sts/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-vault-aws-iam-server-id, \
                 Signature=0ec19a210bc463367c136dd704ccfe59ada6bccb0453a68c94055d28f43b3a4b",
            ),
            (
                "eu-central-1",
                Some("IQoJb3JpZ2luX2VjEXAMPLE/+=="),
                &[],
                "https://sts.eu-central-1.amazonaws.com/",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-central-1/sts/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
                 Signature=c43289f2d454037946d1a51ef04b7f575632a70245e5b58703ee54b9b8214ff1",
            ),
        ] {
            let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
            let credentials = Credentials::new("AKIDEXAMPLE", secret, token.map(str::to_owned), None, "test");
            let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let now = "2026-01-02T03:04:05Z".parse().unwrap();
            let request = signed(region, &credentials, &headers, Question::Body, now).unwrap();
            let sent = |name: &str| request.headers.get(name).and_then(SecretValue::expose_str);
            assert_eq!((request.url.as_str(), sent("authorization")), (url, Some(authorization)), "{region}");
            assert_eq!((sent("x-amz-date"), sent("x-amz-security-token")), (Some("20260102T030405Z"), token));
        }
    }

    /// Made in the same way with botocore 1.43.11.
    #[test]
    fn the_question_may_stand_in_the_address() {
        let credentials =
            Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test");
        let headers =
            [("x-goog-cloud-target-resource".to_owned(), "//iam.googleapis.com/p".to_owned())].into();
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let request = signed("us-east-1", &credentials, &headers, Question::Query, now).unwrap();
        assert_eq!(
            request.headers.get("authorization").and_then(SecretValue::expose_str),
            Some(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sts/aws4_request, \
                 SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource, \
                 Signature=21dee42723f4ce903a8a3e9e5a1de05e6f95cd9fe017ccf507bbfe81cc59a5a2"
            )
        );
        let url = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
        assert_eq!((request.url.as_str(), request.body.as_str()), (url, ""));
    }
}
