//! A world with the five functions over it, and the queue between them.
#![allow(dead_code, reason = "each story needs another part of it")]
#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use pawl_domain::{Change, DigestKey, Kind, SecretValue, Step};
use pawl_index::Watched;
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Error, Folder, FolderListing, Folders, Ports};
use pawl_world::{Canary, World, cluster, secrets_manager};

/// A world with one store and two clusters, seen through the functions' handlers.
pub(crate) struct Told {
    pub(crate) world: World,
    pub(crate) canary: Canary,
    pub(crate) pipeline: Pipeline<World>,
}

impl Told {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let world = World::new();
        world.add_store(secrets_manager("aws"));
        for name in ["blue", "green"] {
            world.add_cluster(cluster(name));
        }
        let key = DigestKey::new(SecretValue::new("a key of sixteen bytes or more")).unwrap();
        let pipeline = Pipeline::new(world.clone(), settings, key);
        Self { world, canary: Canary::new(), pipeline }
    }

    /// The `sync` function gets these bodies in one batch. Returns the positions of those that come again.
    pub(crate) async fn hear(&self, bodies: &[&str]) -> Vec<usize> {
        let response = pawl_sync::handle(&self.pipeline, batch(bodies)).await;
        let mut again: Vec<usize> =
            response.batch_item_failures.iter().map(|it| it.item_identifier.parse().unwrap()).collect();
        again.sort_unstable();
        again
    }

    /// The `sync` function gets one change as an event of Pawl's own.
    pub(crate) async fn hear_of(&self, change: &Change) -> Vec<usize> {
        self.hear(&[&pawl_events::to_json(change)]).await
    }

    /// The `deliver` function gets every job that waits. Returns how many come again; they wait once more.
    pub(crate) async fn work_off(&self) -> usize {
        use pawl_ports::Jobs;
        let jobs = self.world.jobs().take();
        let bodies: Vec<String> = jobs.iter().map(pawl_ports::Job::to_wire).collect();
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        let response = pawl_deliver::handle(&self.pipeline, batch(&bodies)).await;
        let again: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|failure| jobs[failure.item_identifier.parse::<usize>().unwrap()].clone())
            .collect();
        self.world.jobs().enqueue(&again).await.unwrap();
        again.len()
    }

    /// A canary value with a number.
    pub(crate) fn value(&self, number: usize) -> String {
        format!("{}-{number}", self.canary.value())
    }

    /// Ends the story: no value is where none belongs.
    pub(crate) fn end(&self) {
        self.world.assert_free_of(&self.canary);
    }
}

/// `index` without folders of manifests.
pub(crate) fn nothing_watched() -> Watched<NoFolders> {
    Watched { reader: NoFolders, folders: Vec::new() }
}

/// `index` with one folder, which cannot be read.
pub(crate) fn out_of_reach() -> Watched<NoFolders> {
    let (bucket, set) = ("acme".to_owned(), "shop".parse().unwrap());
    Watched {
        reader: NoFolders,
        folders: vec![Folder { bucket, prefix: String::new(), set, clusters: Vec::new() }],
    }
}

/// Reads no folder.
pub(crate) struct NoFolders;

impl Folders for NoFolders {
    async fn read(&self, folder: &Folder) -> Result<FolderListing, Error> {
        Err(Error::new(Step::Read, Kind::Denied, format!("s3:ListBucket on {} is denied", folder.bucket)))
    }
}

/// A batch as SQS hands it to a function; message ids are the positions.
pub(crate) fn batch(bodies: &[&str]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for (position, body) in bodies.iter().enumerate() {
        let mut message = SqsMessage::default();
        message.message_id = Some(position.to_string());
        message.body = Some((*body).to_owned());
        event.records.push(message);
    }
    event
}
