//! What searches ask of AWS, and what they make of single answers that no emulator gives.

use crate::stores::answers::{answer, parameter, parameters, refusal, secrets, value};
use crate::stores::support::{access, access_of, sources, store};
use pawl_domain::grant::OwnSecrets;
use pawl_domain::store::{AwsService, AwsStore};
use pawl_domain::{Access, Find, Keep, Kind, Provider};
use pawl_ports::Sources;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use wiremock::MockServer;
use wiremock::matchers::{body_json, body_partial_json};

/// What was found, as `name=value@version`; or the kind of the failure.
async fn found(aws: &MockServer, access: &Access, find: &Find) -> Result<Vec<String>, Kind> {
    let found =
        sources(&aws.uri()).find(access, find, &everything(access)).await.map_err(|error| error.kind)?;
    let told = found.into_iter().map(|(name, fetched)| {
        format!("{name}={}@{}", fetched.value.expose_str().unwrap(), fetched.version.id)
    });
    Ok(told.collect())
}

fn everything(access: &Access) -> Keep {
    Keep::everything(access.backend.location().provider)
}

fn find(path: Option<&str>, name: Option<&str>, tags: &[(&str, &str)]) -> Find {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Find {
        path: path.map(str::to_owned),
        name: name.map(str::to_owned),
        tags: tags.collect::<BTreeMap<_, _>>(),
    }
}

/// A page of ListSecrets with these names.
fn listed(names: &[&str], next: Option<&str>) -> Value {
    let entries: Vec<_> = names.iter().map(|name| json!({ "Name": name })).collect();
    json!({ "SecretList": entries, "NextToken": next })
}

async fn has_value(aws: &MockServer, name: &str) {
    let asked = json!({ "SecretId": name, "VersionStage": "AWSCURRENT" });
    let given = secrets("GetSecretValue").and(body_partial_json(asked));
    given.respond_with(answer(value(name, "v", "1"))).mount(aws).await;
}

#[tokio::test]
async fn criteria_of_secrets_are_the_filters_of_eso() {
    let filter = |key: &str, value: &str| json!({ "Key": key, "Values": [value] });
    for (criteria, filters) in [
        (find(None, Some("."), &[]), None),
        (find(Some("app/"), Some("."), &[]), Some(json!([filter("name", "app/")]))),
        (
            find(Some("app/"), None, &[("stage", "live"), ("team", "shop")]),
            Some(json!([
                filter("tag-key", "stage"),
                filter("tag-value", "live"),
                filter("tag-key", "team"),
                filter("tag-value", "shop"),
                filter("name", "app/"),
            ])),
        ),
        (
            find(None, Some("."), &[("team", "shop")]),
            Some(json!([filter("tag-key", "team"), filter("tag-value", "shop")])),
        ),
    ] {
        let aws = MockServer::start().await;
        let mut asked = json!({ "MaxResults": 100 });
        if let Some(filters) = filters {
            asked["Filters"] = filters;
        }
        let list = secrets("ListSecrets").and(body_json(asked));
        list.respond_with(answer(listed(&["app/a"], None))).expect(1).mount(&aws).await;
        has_value(&aws, "app/a").await;
        let secrets = access(AwsService::SecretsManager);
        assert_eq!(found(&aws, &secrets, &criteria).await, Ok(vec!["app/a=v@1".to_owned()]), "{criteria:?}");
    }
}

#[tokio::test]
async fn pages_of_secrets_are_read_to_the_end_and_only_matching_values() {
    let aws = MockServer::start().await;
    let second = secrets("ListSecrets").and(body_partial_json(json!({ "NextToken": "2" })));
    second.respond_with(answer(listed(&["app/b"], None))).expect(1).mount(&aws).await;
    let first = secrets("ListSecrets");
    first.respond_with(answer(listed(&["app/a", "web/a"], Some("2")))).expect(1).mount(&aws).await;
    has_value(&aws, "app/a").await;
    has_value(&aws, "app/b").await;
    // The names are whole: the store's prefix is not put before them once more, as it is in ESO.
    let prefixed = AwsStore { prefix: Some("app/".to_owned()), ..store(AwsService::SecretsManager) };
    let got = found(&aws, &access_of(prefixed), &find(None, Some("^app/"), &[])).await;
    assert_eq!(got, Ok(vec!["app/a=v@1".to_owned(), "app/b=v@1".to_owned()]));

    let aws = MockServer::start().await;
    let endless = answer(listed(&[], Some("again")));
    secrets("ListSecrets").respond_with(endless).expect(2).mount(&aws).await;
    let got = found(&aws, &access(AwsService::SecretsManager), &find(None, Some("."), &[])).await;
    assert_eq!(got, Err(Kind::Transient));
}

#[tokio::test]
async fn what_cannot_be_read_of_found_secrets_is_left_out_where_eso_does() {
    let deletion = "You can't perform this operation on the secret because it was marked for deletion.";
    let all = Some(".");
    for (criteria, code, words, want) in [
        (find(None, all, &[]), "ResourceNotFoundException", "", Ok(vec!["a=v@1".to_owned()])),
        (find(None, all, &[]), "InvalidRequestException", deletion, Ok(vec!["a=v@1".to_owned()])),
        (find(None, all, &[]), "AccessDeniedException", "", Err(Kind::Denied)),
        (find(Some("x"), all, &[]), "AccessDeniedException", "", Ok(vec!["a=v@1".to_owned()])),
        (find(None, None, &[("t", "x")]), "AccessDeniedException", "", Ok(vec!["a=v@1".to_owned()])),
        (find(None, None, &[("t", "x")]), "UnrecognizedClientException", "", Err(Kind::Denied)),
        (find(None, None, &[("t", "x")]), "ThrottlingException", "", Err(Kind::Throttled)),
        (find(Some("x"), all, &[]), "InternalServiceError", "", Err(Kind::Invalid)),
    ] {
        let aws = MockServer::start().await;
        secrets("ListSecrets").respond_with(answer(listed(&["a", "b"], None))).mount(&aws).await;
        has_value(&aws, "a").await;
        let other = secrets("GetSecretValue").and(body_partial_json(json!({ "SecretId": "b" })));
        other.respond_with(refusal(400, code, words)).mount(&aws).await;
        let got = found(&aws, &access(AwsService::SecretsManager), &criteria).await;
        assert_eq!(got, want, "{code} {criteria:?}");
    }
}

#[tokio::test]
async fn searches_that_are_refused_say_what_to_allow() {
    for (code, kind, words) in [
        ("AccessDeniedException", Kind::Denied, "access denied; allow secretsmanager:ListSecrets on it"),
        ("ThrottlingException", Kind::Throttled, "throttled (ThrottlingException)"),
    ] {
        let aws = MockServer::start().await;
        secrets("ListSecrets").respond_with(refusal(400, code, "")).mount(&aws).await;
        let (sources, access) = (sources(&aws.uri()), access(AwsService::SecretsManager));
        let error =
            sources.find(&access, &find(None, Some("."), &[]), &everything(&access)).await.unwrap_err();
        let want = format!("secrets-manager in eu-central-1: find: {words}");
        assert_eq!((error.kind, error.message()), (kind, want.as_str()));
    }
}

#[tokio::test]
async fn parameters_are_searched_by_path_and_without_regard_to_tags() {
    for (path, asked) in [(None, "/"), (Some("/app"), "/app")] {
        let aws = MockServer::start().await;
        let mut body = json!({ "Path": asked, "Recursive": true, "WithDecryption": true, "MaxResults": 10 });
        body["NextToken"] = "2".into();
        let second = parameters("GetParametersByPath").and(body_json(&body));
        let page = json!({ "Parameters": [parameter("/app/b", 3)] });
        second.respond_with(answer(page)).expect(1).mount(&aws).await;
        body.as_object_mut().unwrap().remove("NextToken");
        let first = parameters("GetParametersByPath").and(body_json(&body));
        let page =
            json!({ "Parameters": [parameter("/app/a", 2), parameter("/web/a", 1)], "NextToken": "2" });
        first.respond_with(answer(page)).expect(1).mount(&aws).await;
        let criteria = find(path, Some("^/app/"), &[("team", "shop")]);
        let got = found(&aws, &access(AwsService::ParameterStore), &criteria).await;
        assert_eq!(got, Ok(vec!["/app/a=v@2".to_owned(), "/app/b=v@3".to_owned()]), "{path:?}");
    }
}

#[tokio::test]
async fn who_may_not_read_by_path_describes_and_reads_one_by_one() {
    let aws = MockServer::start().await;
    let refused = refusal(400, "AccessDeniedException", "");
    parameters("GetParametersByPath").respond_with(refused).expect(1).mount(&aws).await;
    let path = json!([{ "Key": "Path", "Option": "Recursive", "Values": ["/app"] }]);
    let described =
        parameters("DescribeParameters").and(body_partial_json(json!({ "ParameterFilters": path })));
    let names = ["/app/a", "/app/b", "/app/gone", "/app/web"].map(|name| json!({ "Name": name }));
    described.respond_with(answer(json!({ "Parameters": names }))).expect(1).mount(&aws).await;
    let batch = json!({ "Parameters": [parameter("/app/a", 2), parameter("/app/b", 3)], "InvalidParameters": ["/app/gone"] });
    parameters("GetParameters").respond_with(answer(batch)).expect(1).mount(&aws).await;
    let gone = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/app/gone" })));
    gone.respond_with(refusal(400, "ParameterNotFound", "")).expect(1).mount(&aws).await;
    let criteria = find(Some("/app"), Some("/(a|b|gone)$"), &[]);
    let got = found(&aws, &access(AwsService::ParameterStore), &criteria).await;
    assert_eq!(got, Ok(vec!["/app/a=v@2".to_owned(), "/app/b=v@3".to_owned()]));
}

#[tokio::test]
async fn tags_of_parameters_are_filters_that_must_be_equal() {
    let aws = MockServer::start().await;
    let filters = json!([
        { "Key": "tag:stage", "Option": "Equals", "Values": ["live"] },
        { "Key": "tag:team", "Option": "Equals", "Values": ["shop"] },
        { "Key": "Path", "Option": "Recursive", "Values": ["/app"] },
    ]);
    let described =
        parameters("DescribeParameters").and(body_partial_json(json!({ "ParameterFilters": filters })));
    described
        .respond_with(answer(json!({ "Parameters": [{ "Name": "/app/a" }] })))
        .expect(1)
        .mount(&aws)
        .await;
    let given = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/app/a" })));
    given.respond_with(answer(json!({ "Parameter": parameter("/app/a", 2) }))).expect(1).mount(&aws).await;
    let criteria = find(Some("/app"), None, &[("team", "shop"), ("stage", "live")]);
    let got = found(&aws, &access(AwsService::ParameterStore), &criteria).await;
    assert_eq!(got, Ok(vec!["/app/a=v@2".to_owned()]));

    let aws = MockServer::start().await;
    parameters("DescribeParameters").respond_with(refusal(400, "ThrottlingException", "")).mount(&aws).await;
    let got = found(&aws, &access(AwsService::ParameterStore), &criteria).await;
    assert_eq!(got, Err(Kind::Throttled));
}

#[tokio::test]
async fn what_may_not_be_read_is_not_asked_for() {
    let aws = MockServer::start().await;
    secrets("ListSecrets")
        .respond_with(answer(listed(&["payments/a", "bank/a", "payments/own"], None)))
        .mount(&aws)
        .await;
    has_value(&aws, "payments/a").await;
    let keep = keep(Provider::SecretsManager, "payments/*", &["payments/own"]);
    let access = access(AwsService::SecretsManager);
    let found = sources(&aws.uri()).find(&access, &find(None, Some("."), &[]), &keep).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["payments/a"]);
    let asked = aws.received_requests().await.unwrap();
    let named = |name: &str| asked.iter().any(|one| String::from_utf8_lossy(&one.body).contains(name));
    assert!(!named("bank/a") && !named("payments/own"));
}

#[tokio::test]
async fn parameters_that_may_not_be_read_do_not_come_with_others() {
    let aws = MockServer::start().await;
    let described = json!({ "Parameters": [{ "Name": "/payments/a" }, { "Name": "/bank/a" }] });
    parameters("DescribeParameters").respond_with(answer(described)).mount(&aws).await;
    let value = json!({ "Parameter": parameter("/payments/a", 1) });
    parameters("GetParameter").respond_with(answer(value)).mount(&aws).await;
    let keep = keep(Provider::ParameterStore, "/payments/*", &[]);
    let access = access(AwsService::ParameterStore);
    let found = sources(&aws.uri()).find(&access, &find(None, Some("."), &[]), &keep).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["/payments/a"]);
    let asked = aws.received_requests().await.unwrap();
    let by_path = |one: &&wiremock::Request| {
        one.headers.get("x-amz-target").is_some_and(|target| target == "AmazonSSM.GetParametersByPath")
    };
    assert_eq!(asked.iter().filter(by_path).count(), 0, "values would come with names");
}

fn keep(provider: Provider, pattern: &str, own: &[&str]) -> Keep {
    let own = Arc::new(OwnSecrets::new(own.iter().copied()));
    Keep::new(provider, Some([pattern.parse().unwrap()].into()), own)
}
