//! Folders of manifests: prefixes of S3.
//!
//! S3 lists what stands there at that moment, and an object is read on the condition that it is the one that was listed.
//! So nothing that somebody writes meanwhile is taken half: it is among the unreadable, and the next look finds it.
//!
//! Buckets are those of the stack's region.

use crate::error::Call;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::{Kind, Step};
use pawl_ports::{Error, Folder, FolderListing, Folders};
use std::time::Duration;
use tracing::instrument;

/// The most objects of a folder that are read, and the most bytes of one and of all.
const MOST_OBJECTS: usize = 10_000;
const MOST_BYTES: i64 = 1024 * 1024;
const MOST_BYTES_OF_ALL: i64 = 64 * 1024 * 1024;
/// How many objects are read at a time.
const PARALLEL: usize = 16;

/// Prefixes of S3. Clones share the connection.
#[derive(Clone, Debug)]
pub struct S3Folders {
    client: Client,
    region: String,
}

impl S3Folders {
    /// Those that this configuration leads to.
    pub fn new(base: &SdkConfig) -> Self {
        let limits = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_secs(30));
        let config = aws_sdk_s3::config::Builder::from(base)
            .timeout_config(limits.build())
            // Another server than AWS's rarely has a host name for each bucket.
            .force_path_style(base.endpoint_url().is_some());
        let region = base.region().map(ToString::to_string).unwrap_or_default();
        Self { client: Client::from_conf(config.build()), region }
    }

    /// Every object in the folder that may hold manifests, in the order of their keys.
    async fn listed(&self, folder: &Folder) -> Result<Vec<Object>, Error> {
        let place = folder.place(&folder.prefix);
        let call = self.call("s3:ListBucket", &place);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&folder.bucket)
            .prefix(&folder.prefix)
            .into_paginator()
            .send();
        let (mut objects, mut bytes) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            let page = call.counted(page)?;
            let held = page.contents.unwrap_or_default();
            objects.extend(held.into_iter().filter(|object| folder.holds(&folder.bucket, key(object))));
            bytes = objects.iter().map(size).sum();
            if objects.len() > MOST_OBJECTS || bytes > MOST_BYTES_OF_ALL {
                break;
            }
        }
        if objects.len() > MOST_OBJECTS || bytes > MOST_BYTES_OF_ALL {
            let most = MOST_BYTES_OF_ALL / 1024 / 1024;
            let what = format!(
                "holds more than {MOST_OBJECTS} manifests or {most} MiB of them; make several folders of it"
            );
            return Err(call.complaint(Kind::Invalid, what));
        }
        Ok(objects)
    }

    async fn text(&self, folder: &Folder, object: &Object) -> Result<String, Error> {
        let place = folder.place(key(object));
        let call = self.call("s3:GetObject", &place);
        if size(object) > MOST_BYTES {
            return Err(call.complaint(Kind::Invalid, "is larger than 1 MiB; make several manifests of it"));
        }
        let get = self
            .client
            .get_object()
            .bucket(&folder.bucket)
            .key(key(object))
            .set_if_match(object.e_tag.clone());
        let answer = call.counted(get.send().await)?;
        // The SDK's own time limits end with the head of the answer.
        let body = tokio::time::timeout(Duration::from_secs(20), answer.body.collect()).await;
        let Ok(Ok(body)) = body else { return Err(call.incomplete("all of the object")) };
        String::from_utf8(body.to_vec()).map_err(|_| call.complaint(Kind::Invalid, "is no UTF-8 text"))
    }

    fn call<'a>(&'a self, action: &'static str, subject: &'a str) -> Call<'a> {
        Call { step: Step::Read, service: "s3", region: &self.region, action, subject }
    }
}

impl Folders for S3Folders {
    #[instrument(skip_all)]
    async fn read(&self, folder: &Folder) -> Result<FolderListing, Error> {
        let objects = self.listed(folder).await?;
        let newest = objects.iter().filter_map(|object| object.last_modified).map(|at| at.secs()).max();
        let newest = newest.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let mut listing = FolderListing { newest, ..FolderListing::default() };
        // Collected, for compilers take no closure over references for one that may be sent.
        let reading: Vec<_> = objects
            .iter()
            .map(|object| async move { (folder.place(key(object)), self.text(folder, object).await) })
            .collect();
        let mut read = stream::iter(reading).buffered(PARALLEL);
        while let Some((place, text)) = read.next().await {
            match text {
                Ok(text) => listing.texts.push((place, text)),
                Err(error) => listing.unreadable.push((place, error)),
            }
        }
        Ok(listing)
    }
}

fn key(object: &Object) -> &str {
    object.key.as_deref().unwrap_or_default()
}

fn size(object: &Object) -> i64 {
    object.size.unwrap_or_default()
}
