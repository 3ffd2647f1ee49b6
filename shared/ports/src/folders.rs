//! The contract of folders: manifests that stand neither in a cluster nor in a request.

use crate::Error;
use jiff::Timestamp;
use pawl_domain::{ClusterName, SetName};

/// A folder of manifests: a bucket and what the keys in it begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folder {
    /// The bucket.
    pub bucket: String,
    /// What keys begin with; empty, or with a slash at its end.
    pub prefix: String,
    /// Whose its manifests are. No two folders have the same.
    pub set: SetName,
    /// The clusters of declarations that name none.
    pub clusters: Vec<ClusterName>,
}

impl Folder {
    /// Whether an object is in it that may hold manifests: its name ends with `.yaml`, `.yml` or `.json`.
    pub fn holds(&self, bucket: &str, key: &str) -> bool {
        let endings = [".yaml", ".yml", ".json"];
        self.bucket == bucket
            && key.starts_with(&self.prefix)
            && endings.iter().any(|ending| key.ends_with(ending))
    }

    /// How messages name an object in it.
    pub fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct FolderListing {
    /// The texts of its objects, by [`Folder::place`], in the order of their keys.
    pub texts: Vec<(String, String)>,
    /// Objects that could not be read, by place, and why. Nothing is known of what they hold.
    pub unreadable: Vec<(String, Error)>,
    /// When the youngest of its objects was written.
    pub newest: Option<Timestamp>,
}

/// Reads folders of manifests.
pub trait Folders: Send + Sync {
    /// All of a folder as it stands: each object whole and as it was listed, or among the unreadable ones.
    ///
    /// # Errors
    /// When it cannot be listed, or holds more than is taken; a part MUST NOT pass for the whole.
    fn read(&self, folder: &Folder) -> impl Future<Output = Result<FolderListing, Error>> + Send;
}
