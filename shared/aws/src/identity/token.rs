//! Makes the token that EKS takes: a presigned GetCallerIdentity request to STS, which the cluster sends in our place.
//!
//! Source: aws-iam-authenticator, `pkg/token`. The cluster only follows https URLs of STS's public names, so an
//! endpoint that the configuration overrides plays no part here.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

/// What EKS tokens begin with.
const PREFIX: &str = "k8s-aws-v1.";
/// The signed header that binds the token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// Demanded by convention; the cluster counts fifteen minutes from the date instead.
const EXPIRES: Duration = Duration::from_secs(60);

/// A token for this cluster, signed at this moment.
pub(super) fn presigned(
    region: &str,
    cluster: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<SecretValue, Error> {
    let url = presigned_url(region, cluster, credentials, now).map_err(|error| {
        let message = format!("no token can be signed for cluster {cluster} in {region}; check both names");
        Error::new(Step::Authenticate, Kind::Invalid, message).caused_by(error)
    })?;
    Ok(SecretValue::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url))))
}

fn presigned_url(
    region: &str,
    cluster: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<String, Box<dyn StdError + Send + Sync>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = Identity::from(credentials.clone());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()?
        .into();
    let url = format!("https://{}/?Action=GetCallerIdentity&Version=2011-06-15", host(region));
    let headers = std::iter::once((CLUSTER_HEADER, cluster));
    let request = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// The public name of a region's STS.
pub(crate) fn host(region: &str) -> String {
    format!("sts.{region}.{}", domain(region))
}

/// The domain of the services of a region. Source: the SDKs' partition metadata.
pub(crate) fn domain(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        _ if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Made with botocore 1.44.5, `SigV4QueryAuth(credentials, "sts", region, expires=60)` over the same request, with
    /// its clock held at 2026-01-02T03:04:05Z.
    const EUROPE: &str = "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Fsts%2Faws4_request\
        &X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
        &X-Amz-Signature=241e36c61143ca87ab1fb677ca558f6f1460dba21ed7c39a7c5e38144a8c07b7";
    /// The same with a session token, in China.
    const CHINA: &str = "https://sts.cn-north-1.amazonaws.com.cn/?Action=GetCallerIdentity&Version=2011-06-15\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fcn-north-1%2Fsts%2Faws4_request\
        &X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
        &X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%2F%2B%3D%3D\
        &X-Amz-Signature=55a45d52d37be7b9e28872760dfef2e0bb3080b7d38aca45b5fc6b1299d16376";

    fn url(region: &str, session: Option<&str>) -> String {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, session.map(str::to_owned), None, "test");
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let token = presigned(region, "shop-prod", &credentials, now).unwrap();
        let encoded = token.expose_str().unwrap().strip_prefix("k8s-aws-v1.").unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    /// Base and parameters: their order plays no part.
    fn parts(url: &str) -> (&str, BTreeSet<&str>) {
        let (base, query) = url.split_once('?').unwrap();
        (base, query.split('&').collect())
    }

    #[test]
    fn tokens_are_those_of_botocore() {
        assert_eq!(parts(&url("eu-central-1", None)), parts(EUROPE));
        assert_eq!(parts(&url("cn-north-1", Some("IQoJb3JpZ2luX2VjEXAMPLE/+=="))), parts(CHINA));
    }

    #[test]
    fn every_partition_has_its_own_sts() {
        for (region, want) in [
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"),
            ("eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(host(region), want);
        }
    }
}
