//! Single answers that no emulator gives, by a scripted server.

use crate::stores::support::{access, current, failure, id, label, sources, told, told_versions};
use pawl_domain::store::AwsService;
use pawl_domain::{Kind, Step};
use pawl_ports::{Error, Listing, Sources, Wanted};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::{body_partial_json, header};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

#[tokio::test]
async fn every_failure_of_a_secret_has_its_kind_and_a_remedy() {
    let deletion = "You can't perform this operation on the secret because it was marked for deletion.";
    for (status, code, words, step, kind, message) in [
        (
            400,
            "ResourceNotFoundException",
            "none",
            Step::Fetch,
            Kind::NotFound,
            "does not exist; create it, or correct the name or version",
        ),
        (
            400,
            "InvalidRequestException",
            deletion,
            Step::Fetch,
            Kind::NotFound,
            "marked for deletion; restore it or remove its declarations",
        ),
        (
            400,
            "AccessDeniedException",
            "no policy",
            Step::Fetch,
            Kind::Denied,
            "access denied; allow secretsmanager:GetSecretValue on it",
        ),
        (
            400,
            "AccessDeniedException",
            "Access to KMS is not allowed",
            Step::Fetch,
            Kind::Denied,
            "cannot be decrypted; allow kms:Decrypt on its key",
        ),
        (
            400,
            "DecryptionFailure",
            "",
            Step::Fetch,
            Kind::Denied,
            "cannot be decrypted; allow kms:Decrypt on its key",
        ),
        (
            400,
            "UnrecognizedClientException",
            "",
            Step::Authenticate,
            Kind::Denied,
            "the credentials were refused (UnrecognizedClientException); check the store's auth",
        ),
        (
            400,
            "InvalidParameterException",
            "",
            Step::Fetch,
            Kind::Invalid,
            "not accepted (InvalidParameterException)",
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            Step::Fetch,
            Kind::Throttled,
            "throttled (ThrottlingException)",
        ),
        (500, "InternalServiceError", "", Step::Fetch, Kind::Transient, "AWS failed (InternalServiceError)"),
        (503, "Anything", "", Step::Fetch, Kind::Transient, "AWS failed (Anything)"),
    ] {
        let aws = MockServer::start().await;
        secrets("GetSecretValue").respond_with(refusal(status, code, words)).mount(&aws).await;
        let error = fetch_failure(&aws, AwsService::SecretsManager, "app/db").await;
        let want = format!("secrets-manager in eu-central-1: app/db: {message}");
        assert_eq!((error.step, error.kind, error.message()), (step, kind, want.as_str()), "{code} {words}");
    }
}

#[tokio::test]
async fn every_failure_of_a_parameter_has_its_kind_and_a_remedy() {
    for (code, kind, message) in [
        ("ParameterNotFound", Kind::NotFound, "does not exist; create it, or correct the name or version"),
        (
            "ParameterVersionNotFound",
            Kind::NotFound,
            "does not exist; create it, or correct the name or version",
        ),
        ("AccessDeniedException", Kind::Denied, "access denied; allow ssm:GetParameter on it"),
        ("InvalidKeyId", Kind::Denied, "cannot be decrypted; allow kms:Decrypt on its key"),
        ("ValidationException", Kind::Invalid, "not accepted (ValidationException)"),
        ("ThrottlingException", Kind::Throttled, "throttled (ThrottlingException)"),
    ] {
        let aws = MockServer::start().await;
        parameters("GetParameter").respond_with(refusal(400, code, "")).mount(&aws).await;
        let error = fetch_failure(&aws, AwsService::ParameterStore, "/app/db").await;
        let want = format!("parameter-store in eu-central-1: /app/db: {message}");
        assert_eq!((error.step, error.kind, error.message()), (Step::Fetch, kind, want.as_str()), "{code}");
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_as_often_as_the_store_says() {
    for (retries, throttled, want) in
        [(None, 2, "v@1"), (None, 3, "throttled"), (Some(0), 1, "throttled"), (Some(4), 4, "v@1")]
    {
        let aws = MockServer::start().await;
        let throttle = secrets("GetSecretValue").respond_with(refusal(400, "ThrottlingException", ""));
        throttle.up_to_n_times(throttled).mount(&aws).await;
        secrets("GetSecretValue").respond_with(answer(value("app/db", "v", "1"))).mount(&aws).await;
        let mut store = crate::stores::support::store(AwsService::SecretsManager);
        store.max_retries = retries;
        let access = crate::stores::support::access_of(store);
        let answers = sources(&aws.uri()).fetch(&access, &[current("app/db")]).await;
        assert_eq!(told(&answers), [want], "{retries:?} retries, throttled {throttled} times");
    }
}

#[tokio::test]
async fn a_store_that_lags_is_quoted_and_asked_anew_each_time() {
    let aws = MockServer::start().await;
    secrets("GetSecretValue")
        .respond_with(answer(value("app/db", "old", "1")))
        .up_to_n_times(1)
        .mount(&aws)
        .await;
    secrets("GetSecretValue").respond_with(answer(value("app/db", "new", "2"))).mount(&aws).await;
    let (sources, access) = (sources(&aws.uri()), access(AwsService::SecretsManager));
    for want in ["old@1", "new@2", "new@2"] {
        assert_eq!(told(&sources.fetch(&access, &[current("app/db")]).await), [want]);
    }
}

#[tokio::test]
async fn servers_that_answer_nothing_useful_are_told_apart() {
    for (response, kind, message) in [
        (
            ResponseTemplate::new(200).set_body_string("{\"Name\": \"app/db\", \"SecretStr"),
            Kind::Transient,
            "the answer is not in the known form",
        ),
        (answer(json!({ "Name": "app/db", "VersionId": "1" })), Kind::Transient, "the answer lacks a value"),
        (
            answer(json!({ "Name": "app/db", "SecretString": "v" })),
            Kind::Transient,
            "the answer lacks a version",
        ),
        (
            answer(value("app/db", "v", "1")).set_delay(Duration::from_secs(60)),
            Kind::Unreachable,
            "no answer in time",
        ),
    ] {
        let aws = MockServer::start().await;
        secrets("GetSecretValue").respond_with(response).mount(&aws).await;
        let error = fetch_failure(&aws, AwsService::SecretsManager, "app/db").await;
        let want = format!("secrets-manager in eu-central-1: app/db: {message}");
        assert_eq!((error.kind, error.message()), (kind, want.as_str()));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_hangs_up_is_unreachable() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = format!("http://{}", rude.local_addr().unwrap());
    let cut = tokio::spawn(async move { while rude.accept().await.is_ok() {} });
    for endpoint in [gone, hangs_up] {
        let answers =
            sources(&endpoint).fetch(&access(AwsService::SecretsManager), &[current("app/db")]).await;
        let error = failure(answers);
        assert_eq!((error.step, error.kind), (Step::Fetch, Kind::Unreachable), "{error}");
    }
    cut.abort();
}

#[tokio::test]
async fn one_bad_key_of_a_batch_hurts_no_other() {
    let aws = MockServer::start().await;
    let errors = json!([
        { "SecretId": "b", "ErrorCode": "AccessDeniedException", "Message": "no policy" },
        { "SecretId": "c", "ErrorCode": "ResourceNotFoundException", "Message": "none" },
        { "SecretId": "d", "ErrorCode": "InvalidRequestException", "Message": "it was marked for deletion." },
        { "SecretId": "e", "ErrorCode": "InternalServiceError", "Message": "" },
    ]);
    let mut old = value("f", "old", "0");
    old["VersionStages"] = json!(["AWSPREVIOUS"]);
    let batch = json!({ "SecretValues": [value("a", "A", "1"), old], "Errors": errors });
    secrets("BatchGetSecretValue").respond_with(answer(batch)).expect(1).mount(&aws).await;
    // What the batch refuses, tells of an old version (f) or leaves out (g) is asked for alone, and that decides.
    for (key, response) in [
        ("b", refusal(400, "AccessDeniedException", "no policy")),
        ("c", refusal(400, "ResourceNotFoundException", "none")),
        ("d", answer(value("d", "restored", "3"))),
        ("f", answer(value("f", "alone", "2"))),
        ("g", answer(value("g", "alone", "2"))),
    ] {
        let asked = json!({ "SecretId": key, "VersionStage": "AWSCURRENT" });
        let alone = secrets("GetSecretValue").and(body_partial_json(asked));
        alone.respond_with(response).expect(1).mount(&aws).await;
    }
    let wanted = ["a", "b", "c", "d", "e", "f", "g"].map(current);
    let answers = sources(&aws.uri()).fetch(&access(AwsService::SecretsManager), &wanted).await;
    let want = ["A@1", "denied", "not-found", "restored@3", "transient", "alone@2", "alone@2"];
    assert_eq!(told(&answers), want);
}

#[tokio::test]
async fn an_identity_without_batches_reads_one_by_one_and_is_not_asked_again() {
    let aws = MockServer::start().await;
    for (batch, single, key) in [("BatchGetSecretValue", "GetSecretValue", "SecretId")] {
        secrets(batch).respond_with(refusal(400, "AccessDeniedException", "")).expect(1).mount(&aws).await;
        for name in ["a", "b", "c"] {
            let alone = secrets(single).and(body_partial_json(json!({ key: name })));
            alone.respond_with(answer(value(name, name, "1"))).expect(2).mount(&aws).await;
        }
    }
    let (sources, access) = (sources(&aws.uri()), access(AwsService::SecretsManager));
    for _ in 0..2 {
        assert_eq!(told(&sources.fetch(&access, &["a", "b", "c"].map(current)).await), ["a@1", "b@1", "c@1"]);
    }
}

#[tokio::test]
async fn a_batch_of_parameters_that_is_refused_is_read_one_by_one() {
    for (code, calls) in [("ValidationException", 2), ("AccessDeniedException", 1)] {
        let aws = MockServer::start().await;
        parameters("GetParameters").respond_with(refusal(400, code, "")).expect(calls).mount(&aws).await;
        let good = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/a" })));
        good.respond_with(answer(json!({ "Parameter": parameter("/a", 1) }))).mount(&aws).await;
        let bad = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/b!" })));
        bad.respond_with(refusal(400, "ValidationException", "")).mount(&aws).await;
        let (sources, access) = (sources(&aws.uri()), access(AwsService::ParameterStore));
        for _ in 0..2 {
            assert_eq!(
                told(&sources.fetch(&access, &["/a", "/b!"].map(current)).await),
                ["v@1", "invalid"],
                "{code}"
            );
        }
    }
}

#[tokio::test]
async fn a_throttled_batch_is_no_reason_for_more_calls() {
    let aws = MockServer::start().await;
    secrets("BatchGetSecretValue")
        .respond_with(refusal(400, "ThrottlingException", ""))
        .expect(3)
        .mount(&aws)
        .await;
    let answers =
        sources(&aws.uri()).fetch(&access(AwsService::SecretsManager), &["a", "b", "c"].map(current)).await;
    assert_eq!(told(&answers), ["throttled"; 3]);
    let error = answers[1].as_ref().unwrap_err();
    assert_eq!(error.message(), "secrets-manager in eu-central-1: b: throttled (ThrottlingException)");
}

#[tokio::test]
async fn parameters_are_known_by_name_or_arn_and_the_missing_by_what_was_asked() {
    let aws = MockServer::start().await;
    let arn = "arn:aws:ssm:eu-central-1:210987654321:parameter/shared";
    let shared = json!({ "Name": arn, "ARN": arn, "Value": "v", "Version": 7, "Type": "String" });
    let batch = json!({ "Parameters": [parameter("/b", 3), shared, parameter("/a", 2)], "InvalidParameters": ["/c:live"] });
    parameters("GetParameters").respond_with(answer(batch)).mount(&aws).await;
    // What the batch finds invalid or leaves out is asked for alone, and that decides.
    let none = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/c:live" })));
    none.respond_with(refusal(400, "ParameterVersionNotFound", "")).expect(1).mount(&aws).await;
    let alone = parameters("GetParameter").and(body_partial_json(json!({ "Name": "/d" })));
    alone.respond_with(answer(json!({ "Parameter": parameter("/d", 4) }))).expect(1).mount(&aws).await;
    let wanted = [current("/a"), id("/b", "3"), label("/c", "live"), current(arn), current("/d")];
    let answers = sources(&aws.uri()).fetch(&access(AwsService::ParameterStore), &wanted).await;
    assert_eq!(told(&answers), ["v@2", "v@3", "not-found", "v@7", "v@4"]);
}

#[tokio::test]
async fn a_sorted_listing_ends_at_the_first_page_of_old_changes() {
    let aws = MockServer::start().await;
    page(&aws, None, &[("new", 9_000), ("edge", 5_000)], Some("2")).await;
    page(&aws, Some("2"), &[("older", 4_999), ("oldest", 10)], Some("3")).await;
    let (sources, access) = (sources(&aws.uri()), access(AwsService::SecretsManager));
    let since = Some(jiff::Timestamp::from_second(5_000).unwrap());
    let listing = sources.changed_since(&access, since).await.unwrap();
    assert!(!listing.complete, "what comes after was not read");
    assert_eq!(names(listing), ["edge@1", "new@1"]);
    assert_eq!(aws.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_unsorted_listing_is_read_to_its_end() {
    let aws = MockServer::start().await;
    page(&aws, None, &[("old", 4_000), ("new", 9_000), ("older", 3_000)], Some("2")).await;
    page(&aws, Some("2"), &[("oldest", 10)], Some("3")).await;
    page(&aws, Some("3"), &[("late", 6_000)], None).await;
    let (sources, access) = (sources(&aws.uri()), access(AwsService::SecretsManager));
    let since = Some(jiff::Timestamp::from_second(5_000).unwrap());
    let all = ["late@1", "new@1", "old@1", "older@1", "oldest@1"];
    assert_eq!(listed(&sources, &access, since).await, all, "all that was read is told: it is complete");
}

#[tokio::test]
async fn a_listing_without_end_is_left() {
    let aws = MockServer::start().await;
    let endless = json!({ "SecretList": [], "NextToken": "again" });
    secrets("ListSecrets").respond_with(answer(endless)).expect(2).mount(&aws).await;
    let error =
        sources(&aws.uri()).changed_since(&access(AwsService::SecretsManager), None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient);

    let aws = MockServer::start().await;
    secrets("ListSecrets").respond_with(refusal(400, "AccessDeniedException", "")).mount(&aws).await;
    let error =
        sources(&aws.uri()).changed_since(&access(AwsService::SecretsManager), None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.message().ends_with("access denied; allow secretsmanager:ListSecrets on it"), "{error}");
}

#[tokio::test]
async fn versions_of_parameters_can_be_had_without_describing() {
    let aws = MockServer::start().await;
    parameters("DescribeParameters")
        .respond_with(refusal(400, "AccessDeniedException", ""))
        .mount(&aws)
        .await;
    let sealed = parameters("GetParameters").and(body_partial_json(json!({ "WithDecryption": false })));
    let batch = json!({ "Parameters": [parameter("/a", 2)], "InvalidParameters": ["/b"] });
    sealed.respond_with(answer(batch)).expect(1).mount(&aws).await;
    let none =
        parameters("GetParameter").and(body_partial_json(json!({ "Name": "/b", "WithDecryption": false })));
    none.respond_with(refusal(400, "ParameterNotFound", "")).expect(1).mount(&aws).await;
    let answers =
        sources(&aws.uri()).versions(&access(AwsService::ParameterStore), &["/a", "/b"].map(current)).await;
    assert_eq!(told_versions(&answers), ["2", "not-found"]);
}

async fn fetch_failure(aws: &MockServer, provider: AwsService, key: &str) -> Error {
    let wanted: [Wanted; 1] = [current(key)];
    failure(sources(&aws.uri()).fetch(&access(provider), &wanted).await)
}

async fn listed(
    sources: &impl Sources,
    access: &pawl_domain::Access,
    since: Option<jiff::Timestamp>,
) -> Vec<String> {
    names(sources.changed_since(access, since).await.unwrap())
}

fn names(listing: Listing) -> Vec<String> {
    let mut told: Vec<_> = listing
        .keys
        .into_iter()
        .map(|one| format!("{}@{}", one.names.last().unwrap(), one.version.unwrap_or_default()))
        .collect();
    told.sort();
    told
}

/// A page of ListSecrets: names with the second of their last change.
async fn page(aws: &MockServer, token: Option<&str>, entries: &[(&str, i64)], next: Option<&str>) {
    let entry = |&(name, second): &(&str, i64)| json!({ "Name": name, "LastChangedDate": second, "SecretVersionsToStages": { "1": ["AWSCURRENT"], "0": ["AWSPREVIOUS"] } });
    let entries: Vec<_> = entries.iter().map(entry).collect();
    let mut asked = json!({
        "MaxResults": 100,
        "SortBy": "last-changed-date",
        "SortOrder": "desc",
        "IncludePlannedDeletion": true,
    });
    if let Some(token) = token {
        asked["NextToken"] = token.into();
    }
    let page = json!({ "SecretList": entries, "NextToken": next });
    let first_only = if token.is_none() { 1 } else { 2 };
    secrets("ListSecrets")
        .and(body_partial_json(asked))
        .respond_with(answer(page))
        .up_to_n_times(first_only)
        .mount(aws)
        .await;
}

pub(crate) fn secrets(operation: &str) -> MockBuilder {
    Mock::given(header("x-amz-target", format!("secretsmanager.{operation}").as_str()))
}

pub(crate) fn parameters(operation: &str) -> MockBuilder {
    Mock::given(header("x-amz-target", format!("AmazonSSM.{operation}").as_str()))
}

pub(crate) fn answer(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_string(), "application/x-amz-json-1.1")
}

pub(crate) fn refusal(status: u16, code: &str, words: &str) -> ResponseTemplate {
    let body = json!({ "__type": code, "message": words, "Message": words });
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/x-amz-json-1.1")
}

pub(crate) fn value(name: &str, text: &str, version: &str) -> Value {
    json!({
        "Name": name,
        "ARN": format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-a1B2c3"),
        "SecretString": text,
        "VersionId": version,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_700_000_000.25,
    })
}

pub(crate) fn parameter(name: &str, version: i64) -> Value {
    json!({ "Name": name, "Value": "v", "Version": version, "Type": "String", "LastModifiedDate": 1_700_000_000.5 })
}
