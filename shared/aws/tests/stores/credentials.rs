//! Identities: who signs which call, and when an identity is proven anew.

use crate::stores::support::{
    FakeCluster, HandClock, WallClock, access_of, config, current, failure, moto, name, sources_of, store,
    told,
};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use pawl_aws::AwsSources;
use pawl_domain::store::{AwsAuth, AwsService, AwsStore, SecretKeyRef, SessionTagsPolicy};
use pawl_domain::{Home, Kind, Step, StoreId};
use pawl_ports::Sources;
use serde_json::json;
use std::sync::Arc;
use wiremock::matchers::{body_string_contains, header_exists};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const MIDNIGHT: &str = "2030-01-01T00:00:00Z";

#[tokio::test]
async fn roles_are_assumed_one_with_the_other_and_kept_until_they_end() {
    let aws = aws().await;
    let mut store = store(AwsService::SecretsManager);
    store.additional_roles = vec![role("first"), role("second")];
    store.role = Some(role("last"));
    store.external_id = Some("outside".to_owned());
    store.session_tags = vec![("team".to_owned(), "shop".to_owned())];
    store.transitive_tag_keys = vec!["team".to_owned()];
    store.session_tags_policy = SessionTagsPolicy::Simple;
    let mut access = access_of(store);
    let id = StoreId { home: Home::Applied, namespace: None, name: name("vault"), generator: None };
    access.cluster = Some(name("blue"));
    access.tags = Some((name("shop"), id));
    let clock = HandClock::at(MIDNIGHT);
    let sources = sources_of(&aws.uri(), Arc::default(), clock.clone());

    assert_eq!(told(&sources.fetch(&access, &[current("a")]).await), ["v@1"]);
    let calls = calls(&aws).await;
    let signed: Vec<_> = calls.iter().map(|call| (call.signer.as_str(), call.what.as_str())).collect();
    assert_eq!(
        signed,
        [
            ("OWN", "first"),
            ("KEY-OF-first", "second"),
            ("KEY-OF-second", "last"),
            ("KEY-OF-last", "GetSecretValue")
        ]
    );
    let plain = |text: &str| calls[0].form.iter().all(|(name, value)| name != text && value != text);
    assert!(plain("ExternalId") && plain("team"), "only the last role gets them: {:?}", calls[0].form);
    let of_pawl = |call: &Call, first: usize| {
        for (place, (key, value)) in
            [("pawl:cluster", "blue"), ("pawl:namespace", "shop"), ("pawl:store", "vault")].iter().enumerate()
        {
            let member = format!("Tags.member.{}", first + place);
            for (name, text) in [("Key", key), ("Value", value)] {
                let pair = (format!("{member}.{name}"), (*text).to_owned());
                assert!(call.form.contains(&pair), "{pair:?} is not in {:?}", call.form);
            }
        }
    };
    of_pawl(&calls[0], 1);
    of_pawl(&calls[2], 5);
    for (key, value) in [
        ("Action", "AssumeRole"),
        ("RoleSessionName", "pawl-blue-shop"),
        ("ExternalId", "outside"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "shop"),
        ("Tags.member.2.Key", "esoNamespace"),
        ("Tags.member.2.Value", "shop"),
        ("Tags.member.3.Key", "esoStoreName"),
        ("Tags.member.3.Value", "vault"),
        ("Tags.member.4.Key", "esoStoreKind"),
        ("Tags.member.4.Value", "ClusterSecretStore"),
        ("TransitiveTagKeys.member.1", "team"),
    ] {
        assert!(
            calls[2].form.contains(&(key.to_owned(), value.to_owned())),
            "{key}={value} is not in {:?}",
            calls[2].form
        );
    }

    // The scripted credentials end at one o'clock, those of the second exchange as well.
    for (seconds, exchanges) in [(3_299, 0), (1, 3), (149, 0), (1, 3)] {
        let before = count(&aws).await;
        clock.move_by(seconds);
        assert_eq!(told(&sources.fetch(&access, &[current("a")]).await), ["v@1"]);
        assert_eq!(count(&aws).await - before, exchanges + 1, "after {seconds} s more");
    }
}

#[tokio::test]
async fn many_callers_share_one_exchange() {
    let aws = aws().await;
    let mut store = store(AwsService::SecretsManager);
    store.role = Some(role("reader"));
    let (sources, access) =
        (sources_of(&aws.uri(), Arc::default(), HandClock::at(MIDNIGHT)), access_of(store));
    let wanted = [current("a")];
    let answers = futures::future::join_all((0..20).map(|_| sources.fetch(&access, &wanted))).await;
    assert!(answers.iter().flatten().all(Result::is_ok));
    assert_eq!(count(&aws).await, 21);
}

#[tokio::test]
async fn a_service_account_is_traded_for_its_role() {
    for (annotations, audiences) in [
        (
            vec![("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/pod")],
            "sts.amazonaws.com,more",
        ),
        (
            vec![
                ("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/pod"),
                ("eks.amazonaws.com/audience", "own"),
            ],
            "own,more",
        ),
    ] {
        let aws = aws().await;
        let cluster = Arc::new(FakeCluster::default().with_account("shop/app", &annotations));
        let mut store = service_account();
        store.role = Some(role("last"));
        let sources = sources_of(&aws.uri(), cluster.clone(), HandClock::at(MIDNIGHT));
        assert_eq!(told(&sources.fetch(&access_of(store), &[current("a")]).await), ["v@1"]);

        assert_eq!(
            cluster.asked(),
            ["blue: shop/app".to_owned(), format!("blue: token of shop/app for {audiences}")]
        );
        let calls = calls(&aws).await;
        let signed: Vec<_> = calls.iter().map(|call| (call.signer.as_str(), call.what.as_str())).collect();
        assert_eq!(signed, [("nobody", "pod"), ("KEY-OF-pod", "last"), ("KEY-OF-last", "GetSecretValue")]);
        for (key, value) in [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("RoleSessionName", "external-secrets-provider-aws"),
            ("WebIdentityToken", "token-of-shop-app"),
        ] {
            assert!(calls[0].form.contains(&(key.to_owned(), value.to_owned())), "{key}={value}");
        }
    }
}

#[tokio::test]
async fn what_a_cluster_lacks_is_never_taken_for_a_missing_key() {
    let nowhere = "http://127.0.0.1:1";
    let without_role = FakeCluster::default().with_account("shop/app", &[]);
    let half = FakeCluster::default().with_secret("shop/aws/id", &["ID"]);
    let mut elsewhere = static_keys();
    if let AwsAuth::Static { secret_access_key, .. } = &mut elsewhere.auth {
        secret_access_key.namespace = Some(name("bank"));
    }
    for (cluster, store, message) in [
        (
            FakeCluster::default(),
            service_account(),
            "service account shop/app of cluster blue: no such service account",
        ),
        (
            without_role,
            service_account(),
            "cluster blue: service account shop/app: lacks the annotation eks.amazonaws.com/role-arn; name the role there",
        ),
        (FakeCluster::default(), static_keys(), "key \"id\" of Secret shop/aws of cluster blue: no such key"),
        (
            half,
            elsewhere,
            "cluster blue: key \"secret\" of Secret shop/aws: another namespace than the access key's; keep all keys in one namespace",
        ),
    ] {
        let sources = sources_of(nowhere, Arc::new(cluster), HandClock::at(MIDNIGHT));
        let access = access_of(store);
        let errors = [
            failure(sources.fetch(&access, &[current("a")]).await),
            failure(sources.versions(&access, &[current("a")]).await),
            sources.changed_since(&access, None).await.unwrap_err(),
        ];
        for error in errors {
            let want = format!("secrets-manager in eu-central-1: {message}");
            assert_eq!(
                (error.step, error.kind, error.message()),
                (Step::Authenticate, Kind::Invalid, want.as_str())
            );
        }
    }
}

#[tokio::test]
async fn static_keys_are_read_again_after_fifteen_seconds() {
    let aws = aws().await;
    let cluster = FakeCluster::default()
        .with_secret("shop/aws/id", &["ID-1", "ID-2"])
        .with_secret("shop/aws/secret", &["S"])
        .with_secret("shop/aws/token", &["T"]);
    let clock = HandClock::at(MIDNIGHT);
    let (sources, access) =
        (sources_of(&aws.uri(), Arc::new(cluster), clock.clone()), access_of(static_keys()));
    for (seconds, signer) in [(0, "ID-1"), (14, "ID-1"), (1, "ID-2")] {
        clock.move_by(seconds);
        assert_eq!(told(&sources.fetch(&access, &[current("a")]).await), ["v@1"]);
        let last = calls(&aws).await.pop().unwrap();
        assert_eq!(
            (last.signer.as_str(), last.token.as_deref()),
            (signer, Some("T")),
            "after {seconds} s more"
        );
    }
}

#[tokio::test]
async fn refused_keys_are_read_again_at_once_and_once_only() {
    for (ids, seconds, want, signers) in [
        (&["OLD", "NEW"][..], 5, "v@1", &["OLD", "OLD", "NEW"][..]),
        (&["OLD", "OLD", "NEW"], 5, "denied", &["OLD", "OLD", "OLD"]),
        (&["OLD", "NEW"], 4, "denied", &["OLD", "OLD"]),
    ] {
        let aws = MockServer::start().await;
        Mock::given(header_exists("x-amz-target")).respond_with(value()).up_to_n_times(1).mount(&aws).await;
        Mock::given(header_exists("x-amz-target")).respond_with(Only("NEW")).mount(&aws).await;
        let cluster = FakeCluster::default()
            .with_secret("shop/aws/id", ids)
            .with_secret("shop/aws/secret", &["S"])
            .with_secret("shop/aws/token", &["T"]);
        let clock = HandClock::at(MIDNIGHT);
        let sources = sources_of(&aws.uri(), Arc::new(cluster), clock.clone());
        let access = access_of(static_keys());
        assert_eq!(told(&sources.fetch(&access, &[current("a")]).await), ["v@1"]);

        clock.move_by(seconds);
        let answers = sources.fetch(&access, &[current("a")]).await;
        assert_eq!(told(&answers), [want], "{ids:?} after {seconds} s");
        if let Err(error) = &answers[0] {
            assert_eq!(error.step, Step::Authenticate);
        }
        let asked: Vec<_> = calls(&aws).await.into_iter().map(|call| call.signer).collect();
        assert_eq!(asked, signers, "{ids:?} after {seconds} s");
    }
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_says_so_once_for_all_who_ask() {
    let aws = MockServer::start().await;
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    Mock::given(body_string_contains("Action=AssumeRole"))
        .respond_with(ResponseTemplate::new(403).set_body_raw(denied, "text/xml"))
        .expect(2)
        .mount(&aws)
        .await;
    let mut store = store(AwsService::ParameterStore);
    store.role = Some(role("reader"));
    let clock = HandClock::at(MIDNIGHT);
    let (sources, access) = (sources_of(&aws.uri(), Arc::default(), clock.clone()), access_of(store));
    for seconds in [0, 4, 1] {
        clock.move_by(seconds);
        let error = failure(sources.fetch(&access, &[current("a")]).await);
        let want =
            format!("sts in eu-central-1: {}: access denied; allow sts:AssumeRole on it", role("reader"));
        assert_eq!(
            (error.step, error.kind, error.message()),
            (Step::Authenticate, Kind::Denied, want.as_str())
        );
    }
}

#[tokio::test]
async fn a_role_of_another_account_reads_that_accounts_secrets() {
    let (moto, region) = moto().await;
    moto.create_secret(region, "app/db", "home").await.unwrap();
    let far = "arn:aws:iam::222222222222:role/reader";
    let assumed = aws_sdk_sts::Client::new(&config(moto.endpoint()))
        .assume_role()
        .role_arn(far)
        .role_session_name("test");
    let given = assumed.send().await.unwrap().credentials.unwrap();
    let given = Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        None,
        "test",
    );
    let there = aws_sdk_secretsmanager::config::Builder::from(&config(moto.endpoint()))
        .region(aws_config::Region::new(region))
        .credentials_provider(given);
    let there = aws_sdk_secretsmanager::Client::from_conf(there.build());
    there.create_secret().name("app/db").secret_string("far").send().await.unwrap();

    let value = async |store: AwsStore, cluster: FakeCluster| {
        let store = AwsStore { region: region.to_owned(), ..store };
        let sources = sources_of(moto.endpoint(), Arc::new(cluster), Arc::new(WallClock));
        let answer = sources.fetch(&access_of(store), &[current("app/db")]).await.remove(0).unwrap();
        String::from_utf8(answer.value.expose().to_vec()).unwrap()
    };
    let mut by_role = store(AwsService::SecretsManager);
    by_role.role = Some(far.to_owned());
    let account = FakeCluster::default().with_account("shop/app", &[("eks.amazonaws.com/role-arn", far)]);
    let keys = FakeCluster::default()
        .with_secret("shop/aws/id", &["ID"])
        .with_secret("shop/aws/secret", &["S"])
        .with_secret("shop/aws/token", &["T"]);
    assert_eq!(value(store(AwsService::SecretsManager), FakeCluster::default()).await, "home");
    assert_eq!(value(by_role, FakeCluster::default()).await, "far");
    assert_eq!(value(service_account(), account).await, "far");
    assert_eq!(value(static_keys(), keys).await, "home");
}

#[tokio::test]
async fn without_any_credentials_the_step_is_authentication() {
    let aws = aws().await;
    let bare = config(&aws.uri())
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(Nobody))
        .build();
    let sources = AwsSources::new(bare, Arc::new(FakeCluster::default()), Arc::new(WallClock));
    let error = failure(sources.fetch(&access_of(store(AwsService::SecretsManager)), &[current("a")]).await);
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(
        error.message().ends_with("there are no AWS credentials; check the identity that Pawl runs with"),
        "{error}"
    );
}

#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody")))
    }
}

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

pub(crate) fn service_account() -> AwsStore {
    let auth =
        AwsAuth::ServiceAccount { name: name("app"), namespace: None, audiences: vec!["more".to_owned()] };
    AwsStore { auth, ..store(AwsService::SecretsManager) }
}

fn static_keys() -> AwsStore {
    let key = |key: &str| SecretKeyRef { name: name("aws"), key: key.to_owned(), namespace: None };
    let auth = AwsAuth::Static {
        access_key_id: key("id"),
        secret_access_key: key("secret"),
        session_token: Some(key("token")),
    };
    AwsStore { auth, ..store(AwsService::SecretsManager) }
}

/// A server whose STS hands out `KEY-OF-<role>` for an hour and whose Secrets Manager has one value for everybody.
pub(crate) async fn aws() -> MockServer {
    let aws = MockServer::start().await;
    Mock::given(body_string_contains("Action=AssumeRole")).respond_with(Sts).mount(&aws).await;
    Mock::given(header_exists("x-amz-target")).respond_with(value()).mount(&aws).await;
    aws
}

fn value() -> ResponseTemplate {
    let value =
        json!({ "Name": "a", "SecretString": "v", "VersionId": "1", "VersionStages": ["AWSCURRENT"] });
    ResponseTemplate::new(200).set_body_raw(value.to_string(), "application/x-amz-json-1.1")
}

struct Sts;

impl Respond for Sts {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let call = Call::of(request);
        let (_, action) = call.form.iter().find(|(key, _)| key == "Action").unwrap();
        let body = format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
             <AccessKeyId>KEY-OF-{}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>{}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>x</AssumedRoleId>\
             <Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser></{action}Result></{action}Response>",
            call.what, "2030-01-01T01:00:00Z"
        );
        ResponseTemplate::new(200).set_body_raw(body, "text/xml")
    }
}

/// Takes one access key only.
struct Only(&'static str);

impl Respond for Only {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if Call::of(request).signer == self.0 {
            return value();
        }
        let refusal =
            json!({ "__type": "UnrecognizedClientException", "message": "The security token is invalid." });
        ResponseTemplate::new(400).set_body_raw(refusal.to_string(), "application/x-amz-json-1.1")
    }
}

/// A call that the server saw: which access key signed it, and which role or operation it was about.
pub(crate) struct Call {
    signer: String,
    token: Option<String>,
    pub(crate) what: String,
    pub(crate) form: Vec<(String, String)>,
}

impl Call {
    fn of(request: &Request) -> Self {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let signer = header("authorization").and_then(|text| {
            let (_, credential) = text.split_once("Credential=")?;
            Some(credential.split('/').next()?.to_owned())
        });
        let mut url = request.url.clone();
        url.set_query(std::str::from_utf8(&request.body).ok());
        let form: Vec<_> = url.query_pairs().into_owned().collect();
        let role = form
            .iter()
            .find(|(key, _)| key == "RoleArn")
            .map(|(_, arn)| arn.rsplit('/').next().unwrap().to_owned());
        let operation = header("x-amz-target").map(|target| target.rsplit('.').next().unwrap().to_owned());
        Self {
            signer: signer.unwrap_or_else(|| "nobody".to_owned()),
            token: header("x-amz-security-token"),
            what: operation.or(role).unwrap(),
            form,
        }
    }
}

pub(crate) async fn calls(aws: &MockServer) -> Vec<Call> {
    aws.received_requests().await.unwrap().iter().map(Call::of).collect()
}

pub(crate) async fn count(aws: &MockServer) -> usize {
    aws.received_requests().await.unwrap().len()
}
