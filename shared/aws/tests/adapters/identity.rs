//! The identity towards clusters: tokens kept while they hold, endpoints and secrets as AWS has them.

use crate::adapters::at::{REGION, config, fresh, moto};
use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use pawl_aws::AwsIdentity;
use pawl_domain::{Kind, Step};
use pawl_ports::{BearerToken, Clock, ClusterIdentity, EksEndpoint};
use pawl_servers::Service;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ROLE: &str = "arn:aws:iam::123456789012:role/pawl-deployer";
/// An endpoint where nobody is.
const NOBODY: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_its_end() {
    let clock = Hands::at("2026-11-22T10:00:00Z");
    // No call to AWS is needed: there is nobody to answer one.
    let identity = AwsIdentity::new(config(NOBODY), clock.clone());
    let first = identity.eks_token(REGION, "shop", None).await.unwrap();
    assert_eq!(first.expires, "2026-11-22T10:15:00Z".parse::<Timestamp>().unwrap());

    clock.forward(SignedDuration::from_mins(13));
    let kept = identity.eks_token(REGION, "shop", None).await.unwrap();
    assert_eq!(url(&kept), url(&first), "it is still good for two minutes");
    let other = identity.eks_token(REGION, "other", None).await.unwrap();
    assert_ne!(url(&other), url(&first), "another cluster has its own");

    clock.forward(SignedDuration::from_mins(1));
    let second = identity.eks_token(REGION, "shop", None).await.unwrap();
    assert!(url(&second).contains("X-Amz-Date=20261122T101400Z"), "{}", url(&second));
    assert_eq!(second.expires, "2026-11-22T10:29:00Z".parse::<Timestamp>().unwrap());
}

#[tokio::test]
async fn a_token_of_a_role_ends_with_the_roles_session() {
    let clock = Hands::at("2026-11-22T10:00:00Z");
    let server = MockServer::start().await;
    let ends = "2026-11-22T10:05:00Z";
    Mock::given(method("POST")).respond_with(assumed(ends)).mount(&server).await;
    let identity = AwsIdentity::new(config(&server.uri()), clock.clone());
    let token = identity.eks_token(REGION, "shop", Some(ROLE)).await.unwrap();
    assert_eq!(token.expires, ends.parse::<Timestamp>().unwrap());
    assert!(url(&token).contains("ASIAROLE"), "it is signed by the role");
    assert!(url(&token).starts_with("https://sts.eu-central-1.amazonaws.com/?"), "at STS's public name");

    clock.forward(SignedDuration::from_mins(3));
    identity.eks_token(REGION, "shop", Some(ROLE)).await.unwrap();
    assert_eq!(
        server.received_requests().await.unwrap().len(),
        1,
        "one AssumeRole serves while the token holds"
    );
    clock.forward(SignedDuration::from_mins(1));
    identity.eks_token(REGION, "shop", Some(ROLE)).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 2, "then the role is assumed again");
    let own = identity.eks_token(REGION, "shop", None).await.unwrap();
    assert!(!url(&own).contains("ASIAROLE"), "a role's token serves nobody else");
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_denied() {
    let server = MockServer::start().await;
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                <RequestId>r</RequestId></ErrorResponse>";
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(403).set_body_string(body))
        .mount(&server)
        .await;
    let identity = AwsIdentity::new(config(&server.uri()), Hands::at("2026-11-22T10:00:00Z"));
    let error = identity.eks_token(REGION, "shop", Some(ROLE)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(error.message().contains(ROLE) && error.message().contains("sts:AssumeRole"), "{error}");
}

#[tokio::test]
async fn a_role_assumed_at_moto_signs_tokens() {
    let identity = AwsIdentity::new(config(moto().await.endpoint()), Hands::at("2026-11-22T10:00:00Z"));
    let token = identity.eks_token(REGION, "shop", Some(ROLE)).await.unwrap();
    assert!(url(&token).contains("X-Amz-Security-Token="));
}

#[tokio::test]
async fn endpoints_are_as_eks_describes_them() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let whole = json!({ "endpoint": "https://A1.eks.example", "certificateAuthority": { "data": STANDARD.encode(pem) } });
    let want = EksEndpoint { url: "https://A1.eks.example".to_owned(), ca: pem.to_owned() };
    assert_eq!(described(whole).await.unwrap(), want);
    for (cluster, kind) in [
        (json!({ "status": "CREATING" }), Kind::Transient),
        (json!({ "endpoint": "https://A1.eks.example" }), Kind::Transient),
        (json!({ "endpoint": "https://a", "certificateAuthority": { "data": "%%" } }), Kind::Invalid),
    ] {
        assert_eq!(described(cluster.clone()).await.unwrap_err().kind, kind, "{cluster}");
    }
}

#[tokio::test]
async fn a_cluster_that_eks_does_not_know_is_not_found() {
    let identity = AwsIdentity::new(config(moto().await.endpoint()), Hands::at("2026-11-22T10:00:00Z"));
    let error = identity.eks_endpoint(REGION, "missing", None).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::NotFound), "{error}");
    assert!(error.message().contains("missing"), "{error}");
}

#[tokio::test]
async fn clusters_are_listed_page_by_page_and_described() {
    let server = MockServer::start().await;
    let page = |token: Option<&str>, names: &[&str]| {
        ResponseTemplate::new(200).set_body_json(json!({ "clusters": names, "nextToken": token }))
    };
    let list = || Mock::given(method("GET")).and(path("/clusters"));
    list().and(query_param("nextToken", "2")).respond_with(page(None, &["a"])).mount(&server).await;
    list()
        .and(query_param_is_missing("nextToken"))
        .respond_with(page(Some("2"), &["b"]))
        .mount(&server)
        .await;
    let described = |name: &str, status: &str, mode: &str| {
        let body = json!({ "cluster": {
            "name": name, "status": status, "tags": { "tier": "prod" }, "accessConfig": { "authenticationMode": mode },
        } });
        Mock::given(method("GET"))
            .and(path(format!("/clusters/{name}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
    };
    described("a", "ACTIVE", "API_AND_CONFIG_MAP").mount(&server).await;
    described("b", "CREATING", "CONFIG_MAP").mount(&server).await;
    let identity = AwsIdentity::new(config(&server.uri()), Hands::at("2026-11-22T10:00:00Z"));
    let found = identity.eks_clusters(REGION, None).await.unwrap();
    let told: Vec<_> =
        found.iter().map(|it| (it.name.as_str(), it.is_active, it.takes_access_entries)).collect();
    assert_eq!(told, [("a", true, true), ("b", false, false)]);
    assert_eq!(found[0].tags["tier"], "prod");
}

#[tokio::test]
async fn half_a_list_of_clusters_is_none() {
    let server = MockServer::start().await;
    let names = ResponseTemplate::new(200).set_body_json(json!({ "clusters": ["a"] }));
    Mock::given(method("GET")).and(path("/clusters")).respond_with(names).mount(&server).await;
    let denied = ResponseTemplate::new(403)
        .insert_header("x-amzn-errortype", "AccessDeniedException")
        .set_body_json(json!({ "message": "hunter2" }));
    Mock::given(method("GET")).and(path("/clusters/a")).respond_with(denied).mount(&server).await;
    let identity = AwsIdentity::new(config(&server.uri()), Hands::at("2026-11-22T10:00:00Z"));
    let error = identity.eks_clusters(REGION, None).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(
        error.message().contains("eks:DescribeCluster") && !error.message().contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn token_secrets_are_read_in_their_current_version() {
    let moto = moto().await;
    let name = fresh("token");
    let region = "eu-west-1";
    let call = async |operation: &str, body: Value| {
        moto.call(region, Service::SECRETS_MANAGER, operation, &body).await.unwrap()
    };
    let created = call("CreateSecret", json!({ "Name": name, "SecretString": "old" })).await;
    call("PutSecretValue", json!({ "SecretId": name, "SecretString": "new" })).await;
    let identity = AwsIdentity::new(config(moto.endpoint()), Hands::at("2026-11-22T10:00:00Z"));
    let arn = created["ARN"].as_str().unwrap();
    let value = identity.token_secret(arn).await.unwrap();
    assert_eq!(value.expose_str(), Some("new"), "an ARN names its region");
    let error = identity.token_secret(&name).await.unwrap_err();
    assert_eq!(
        (error.step, error.kind),
        (Step::Authenticate, Kind::NotFound),
        "a name is looked up at home: {error}"
    );
}

#[tokio::test]
async fn own_secrets_are_read_with_a_role_of_their_own() {
    let clock = Hands::at("2026-11-22T10:00:00Z");
    let server = MockServer::start().await;
    // STS takes forms, Secrets Manager names its operation.
    let secret = json!({ "ARN": "a", "Name": "pawl/ledger", "SecretString": "the key" });
    Mock::given(method("POST"))
        .and(header("x-amz-target", "secretsmanager.GetSecretValue"))
        .respond_with(ResponseTemplate::new(200).set_body_json(secret))
        .mount(&server)
        .await;
    Mock::given(method("POST")).respond_with(assumed("2026-11-22T11:00:00Z")).mount(&server).await;
    let asked = async |from: usize| -> Vec<(String, bool)> {
        let requests = server.received_requests().await.unwrap();
        let told = |request: &wiremock::Request| {
            let target =
                request.headers.get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
            let signed = request.headers["authorization"].to_str().unwrap().contains("Credential=ASIAROLE/");
            let form = || String::from_utf8_lossy(&request.body).into_owned();
            (target.unwrap_or_else(form), signed)
        };
        requests[from..].iter().map(told).collect()
    };
    let read = ("secretsmanager.GetSecretValue".to_owned(), true);

    let own =
        AwsIdentity::new(config(&server.uri()), clock.clone()).with_own_secrets_role(Some(ROLE.to_owned()));
    for _ in 0..2 {
        assert_eq!(own.token_secret("pawl/ledger").await.unwrap().expose_str(), Some("the key"));
    }
    let first = asked(0).await;
    let (assumed, signed) = &first[0];
    assert!(
        !signed && assumed.contains("Action=AssumeRole"),
        "the process's own identity asks for it: {assumed}"
    );
    assert!(assumed.contains("role%2Fpawl-deployer") && assumed.contains("RoleSessionName=pawl.own-secrets"));
    assert!(
        !assumed.contains("Tags.member"),
        "a trust policy can tell it from sessions of stores: {assumed}"
    );
    assert_eq!(first[1..], [read.clone(), read.clone()], "one session serves both");

    clock.forward(SignedDuration::from_mins(56));
    own.token_secret("pawl/ledger").await.unwrap();
    let later = asked(3).await;
    assert_eq!((later.len(), &later[1]), (2, &read), "a session that is about to end is begun anew");

    // Nothing else is done with that role, and without one Pawl's own identity reads.
    own.eks_token(REGION, "shop", None).await.unwrap();
    assert!(asked(5).await.is_empty());
    let without = AwsIdentity::new(config(&server.uri()), clock.clone()).with_own_secrets_role(None);
    without.token_secret("pawl/ledger").await.unwrap();
    assert_eq!(asked(5).await, [("secretsmanager.GetSecretValue".to_owned(), false)]);
}

#[tokio::test]
async fn without_the_role_of_own_secrets_none_is_read() {
    let server = MockServer::start().await;
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                <RequestId>r</RequestId></ErrorResponse>";
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(403).set_body_string(body))
        .mount(&server)
        .await;
    let identity = AwsIdentity::new(config(&server.uri()), Hands::at("2026-11-22T10:00:00Z"));
    let identity = identity.with_own_secrets_role(Some(ROLE.to_owned()));
    let error = identity.token_secret("pawl/ledger").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(error.message().contains(ROLE), "{error}");
    let targets = server.received_requests().await.unwrap();
    assert!(
        targets.iter().all(|request| !request.headers.contains_key("x-amz-target")),
        "the secret is not asked for"
    );
}

async fn described(cluster: Value) -> Result<EksEndpoint, pawl_ports::Error> {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "cluster": cluster }));
    Mock::given(method("GET")).and(path("/clusters/shop")).respond_with(answer).mount(&server).await;
    let base: SdkConfig = config(&server.uri());
    AwsIdentity::new(base, Hands::at("2026-11-22T10:00:00Z")).eks_endpoint(REGION, "shop", None).await
}

fn assumed(ends: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>\
         <Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ))
}

fn url(token: &BearerToken) -> String {
    let encoded = token.token.expose_str().unwrap().strip_prefix("k8s-aws-v1.").unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

/// A clock that moves when it is told to.
struct Hands(Mutex<Timestamp>);

impl Hands {
    fn at(time: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(time.parse().unwrap())))
    }

    fn forward(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}
