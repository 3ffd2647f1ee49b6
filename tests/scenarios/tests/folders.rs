//! `index` with folders of manifests: by events of S3 and by the schedule.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::told::Told;
use jiff::SignedDuration;
use pawl_domain::{Kind, Severity, Step};
use pawl_index::{Request, Summary, Watched};
use pawl_ports::{Clock, Error, Folder, FolderListing, Folders, Ports};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SCHEDULED: &str =
    r#"{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}"#;

/// A bucket: texts by key; `None` for what cannot be read.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
    reads: Arc<Mutex<usize>>,
    is_down: Arc<Mutex<bool>>,
}

impl Folders for Bucket {
    async fn read(&self, folder: &Folder) -> Result<FolderListing, Error> {
        *self.reads.lock().unwrap() += 1;
        if *self.is_down.lock().unwrap() {
            return Err(Error::new(Step::Read, Kind::Denied, "s3:ListBucket is denied"));
        }
        let mut listing = FolderListing::default();
        for (key, text) in &*self.objects.lock().unwrap() {
            let place = folder.place(key);
            match text {
                Some(text) if folder.holds("acme", key) => listing.texts.push((place, text.clone())),
                None => listing
                    .unreadable
                    .push((place, Error::new(Step::Read, Kind::Denied, "s3:GetObject is denied"))),
                Some(_) => {}
            }
        }
        Ok(listing)
    }
}

/// A story with one folder, of the set `shop`.
struct Story {
    told: Told,
    watched: Watched<Bucket>,
}

impl Story {
    fn new() -> Self {
        let told = Told::new();
        told.world.rotate("app/db", told.value(1));
        for namespace in ["shop", "till"] {
            told.world.clusters().ensure_namespace(&"blue".parse().unwrap(), &namespace.parse().unwrap());
        }
        let clusters = vec!["blue".parse().unwrap()];
        let set = "shop".parse().unwrap();
        let folder = Folder { bucket: "acme".to_owned(), prefix: "shop/".to_owned(), set, clusters };
        Self { told, watched: Watched { reader: Bucket::default(), folders: vec![folder] } }
    }

    fn put(&self, key: &'static str, text: Option<String>) {
        self.watched.reader.objects.lock().unwrap().insert(key, text);
    }

    fn delete(&self, key: &str) {
        self.watched.reader.objects.lock().unwrap().remove(key);
    }

    /// What EventBridge says of an object that was written or deleted so many seconds ago.
    async fn hear(&self, what: &str, bucket: &str, key: &str, ago: i64) -> Summary {
        let at = self.told.pipeline.ports().clock().now() - SignedDuration::from_secs(ago);
        let event = format!(
            r#"{{"version":"0","id":"1","detail-type":"Object {what}","source":"aws.s3","account":"123456789012",
                "time":"{at}","region":"eu-central-1","resources":["arn:aws:s3:::{bucket}"],
                "detail":{{"version":"0","bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}","sequencer":"1"}},
                "request-id":"1","requester":"123456789012","reason":"PutObject"}}}}"#
        );
        self.call(&event).await
    }

    async fn call(&self, event: &str) -> Summary {
        let request: Request = serde_json::from_str(event).unwrap();
        pawl_index::handle(&self.told.pipeline, &self.watched, request).await.unwrap()
    }

    fn pass(&self, seconds: u64) {
        self.told.world.advance(Duration::from_secs(seconds));
    }

    fn reads(&self) -> usize {
        *self.watched.reader.reads.lock().unwrap()
    }
}

fn errors(summary: &Summary) -> Vec<&str> {
    let errors = summary.problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| problem.message.as_str()).collect()
}

fn secret(namespace: &str, name: &str) -> Option<String> {
    Some(format!(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{ name: {name}, namespace: {namespace} }}\n\
         spec:\n  secretStoreRef: {{ name: aws, kind: ClusterSecretStore }}\n  \
         data: [{{ secretKey: password, remoteRef: {{ key: app/db }} }}]\n"
    ))
}

#[tokio::test(start_paused = true)]
async fn what_is_put_into_a_folder_is_taken_in_and_delivered() {
    let story = Story::new();
    story.put("shop/db.yaml", secret("shop", "db"));
    story.put("elsewhere/db.yaml", secret("shop", "other"));
    let summary = story.hear("Created", "acme", "shop/db.yaml", 0).await;
    assert_eq!((summary.changed, summary.removed, summary.failed.len()), (1, 0, 0), "{summary:?}");
    assert_eq!(story.told.work_off().await, 0);
    assert_eq!(story.told.world.value("blue/shop/db", "password"), Some(story.told.value(1)));
    for (bucket, key) in
        [("acme", "elsewhere/db.yaml"), ("acme", "shop/README.md"), ("other", "shop/db.yaml")]
    {
        let reads = story.reads();
        assert_eq!(story.hear("Created", bucket, key, 0).await, Summary::default());
        assert_eq!(story.reads(), reads, "{bucket}/{key} is of no folder");
    }
    story.told.end();
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_many_objects_is_not_as_many_looks() {
    let story = Story::new();
    story.put("shop/a.yaml", secret("shop", "a"));
    story.put("shop/b.yaml", secret("shop", "b"));
    assert_eq!(story.hear("Created", "acme", "shop/a.yaml", 10).await.changed, 2);
    // Told late: what it tells of was seen.
    assert_eq!(story.hear("Created", "acme", "shop/b.yaml", 9).await, Summary::default());
    assert_eq!(story.reads(), 1);
    // It may have come after the look.
    assert_eq!(story.hear("Created", "acme", "shop/b.yaml", 1).await.unchanged, 2);
    assert_eq!(story.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_goes_by_the_schedule_once_the_folder_is_left_alone() {
    let story = Story::new();
    for (key, name) in [("shop/a.yaml", "a"), ("shop/b.yaml", "b"), ("shop/c.yaml", "c")] {
        story.put(key, secret("shop", name));
    }
    assert_eq!(story.call(SCHEDULED).await.changed, 3);
    story.pass(600);
    story.delete("shop/b.yaml");
    let summary = story.hear("Deleted", "acme", "shop/b.yaml", 0).await;
    assert_eq!((summary.unchanged, summary.removed), (2, 0), "an upload may be under way: {summary:?}");
    story.pass(59);
    assert_eq!(story.call(SCHEDULED).await.removed, 0);
    story.pass(2);
    let summary = story.call(SCHEDULED).await;
    assert_eq!((summary.unchanged, summary.removed, summary.failed.len()), (2, 1, 0), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_removes_nothing() {
    let story = Story::new();
    story.put("shop/a.yaml", secret("shop", "a"));
    story.put("shop/b.yaml", secret("shop", "b"));
    assert_eq!(story.call(SCHEDULED).await.changed, 2);
    story.pass(600);
    story.delete("shop/a.yaml");
    story.put("shop/b.yaml", None);
    let summary = story.call(SCHEDULED).await;
    assert_eq!(summary.removed, 0, "{summary:?}");
    assert_eq!(summary.problems[0].place, "s3://acme/shop/b.yaml");
    // Whatever the key is: what the object holds is not known.
    story.delete("shop/b.yaml");
    story.put("shop/b of shop.yaml", None);
    let summary = story.call(SCHEDULED).await;
    assert_eq!(summary.removed, 0, "{summary:?}");
    assert_eq!(summary.problems[0].place, "s3://acme/shop/b of shop.yaml");
    story.delete("shop/b of shop.yaml");
    story.put("shop/b.yaml", Some("kind: [".to_owned()));
    let summary = story.call(SCHEDULED).await;
    assert_eq!(summary.removed, 0, "{summary:?}");
    assert!(summary.problems[0].place.starts_with("s3://acme/shop/b.yaml"), "{summary:?}");
    *story.watched.reader.is_down.lock().unwrap() = true;
    let summary = story.call(SCHEDULED).await;
    assert_eq!((summary.removed, summary.failed.len()), (0, 1), "{summary:?}");
    assert!(summary.failed[0].starts_with("folder s3://acme/shop/: "), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_folder_in_which_nothing_is_found_removes_nothing() {
    let story = Story::new();
    // One that is not used yet is no failure.
    assert!(errors(&story.call(SCHEDULED).await).is_empty());
    story.put("shop/a.yaml", secret("shop", "a"));
    assert_eq!(story.call(SCHEDULED).await.changed, 1);
    story.pass(600);
    story.delete("shop/a.yaml");
    let summary = story.call(SCHEDULED).await;
    assert_eq!((summary.removed, errors(&summary).len()), (0, 1), "{summary:?}");
    assert!(errors(&summary)[0].contains("set shop"), "{summary:?}");
    story.put("shop/empty.yaml", Some("# Nothing is declared.\n".to_owned()));
    assert_eq!(story.call(SCHEDULED).await.removed, 1);
}

#[tokio::test(start_paused = true)]
async fn who_writes_a_bucket_declares_no_clusters_and_takes_nothing_of_another_set() {
    let story = Story::new();
    let theirs = Request {
        manifests: secret("shop", "theirs"),
        set: Some("bank".parse().unwrap()),
        clusters: vec!["blue".parse().unwrap()],
        ..Request::default()
    };
    pawl_index::handle(&story.told.pipeline, &story.watched, theirs).await.unwrap();
    let evil = "apiVersion: pawl.dev/v1alpha1\nkind: Cluster\nmetadata: { name: blue }\n\
                spec: { url: { url: 'https://evil', tokenSecret: pawl/clusters/blue } }\n";
    story.put("shop/a.yaml", Some(evil.to_owned()));
    story.put("shop/b.yaml", secret("shop", "theirs"));
    let summary = story.call(SCHEDULED).await;
    assert_eq!((summary.changed, summary.failed.len()), (0, 2), "{summary:?}");
    assert!(summary.failed[0].starts_with("Cluster blue: "), "{summary:?}");
    assert!(summary.failed[1].contains("bank"), "{summary:?}");
}
