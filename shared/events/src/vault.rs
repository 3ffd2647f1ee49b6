//! Audit records of HashiCorp Vault (1.12 and newer) and OpenBao (2.0 and newer): what was written successfully.
//!
//! One JSON object a line, perhaps with a prefix before it. [`records`] and [`Frames`] get the lines out of what they
//! travel in, [`AuditReader`] reads them. Source of shapes: the audit formats of both projects, and
//! records captured from OpenBao 2.6.

mod engine;
mod kv;
mod record;
mod seen;
mod shipment;
mod written;

pub use shipment::{Frames, MAX_SHIPMENT, records};

use crate::Error;
use crate::eventbridge::checked;
use crate::kubernetes;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Location, Provider};
use record::Record;
use seen::Seen;
use std::collections::{BTreeMap, BTreeSet};
use written::Touched;

/// The largest record that is read: Vault's socket device writes whole records, however large, and CloudWatch Logs
/// takes no larger ones.
pub const MAX_RECORD: usize = 1024 * 1024;

/// The KV engine's version at a mount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kv {
    /// Unversioned.
    V1,
    /// Versioned.
    V2,
}

/// Reads audit records of one server, one after the other.
///
/// The same write is told many times: by a request and a response record, by each audit device, by a standby that
/// passed it on. Those that a reader has seen lately bring no second change.
#[derive(Debug)]
pub struct AuditReader {
    location: Location,
    mounts: BTreeMap<String, Kv>,
    seen: Seen,
}

impl AuditReader {
    /// A reader for the server at this address, as stores name it. Without an address its changes concern stores of
    /// every server.
    pub fn new(server: Option<&str>) -> Self {
        let account = server.map(|server| server.trim_end_matches('/').to_ascii_lowercase());
        let location = Location { provider: Provider::Vault, region: String::new(), account };
        Self { location, mounts: BTreeMap::new(), seen: Seen::default() }
    }

    /// Tells the KV version of a mount, written `<namespace>/<mount>`. Records do not say it: those of a mount that is
    /// not told are understood in both ways, which costs a needless lookup and loses nothing.
    #[must_use]
    pub fn mount(mut self, path: &str, version: Kv) -> Self {
        self.learn(path, Some(version));
        self
    }

    /// The same for a reader at work; without a version the mount is understood in both ways again.
    pub fn learn(&mut self, path: &str, version: Option<Kv>) {
        let path = path.trim_matches('/');
        match version {
            Some(version) => self.mounts.insert(path.to_owned(), version),
            None => self.mounts.remove(path),
        };
    }

    /// Takes a record that was read for one that never came, by the id of its changes: what became of them was lost, and
    /// its next copy must bring them again.
    pub fn forget(&mut self, id: &str) {
        self.seen.forget(id);
    }

    /// The changes that a record tells of; none for everything but a successful write. Records of Kubernetes are read as well:
    /// they come the same ways, and name no server.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what is no audit record, or hides its path behind an HMAC; [`Error::TooLarge`] above
    /// [`MAX_RECORD`]. Neither gets better by trying again.
    pub fn read(&mut self, line: &[u8]) -> Result<Vec<Change>, Error> {
        if line.len() > MAX_RECORD {
            return Err(Error::TooLarge { bytes: line.len() });
        }
        if kubernetes::is_record(line) {
            let change = kubernetes::change(line)?;
            return Ok(change.into_iter().filter(|change| self.seen.is_new(&change.id)).collect());
        }
        let Some(record) = Record::of_write(line)? else { return Ok(Vec::new()) };
        let Some(written) = record.written()? else { return Ok(Vec::new()) };
        if !self.seen.is_new(&record.request.id) {
            return Ok(Vec::new());
        }
        let known = self.mounts.get(&written.full_mount()).copied();
        engine::touched(&written, known).into_iter().map(|touched| self.change(&record, touched)).collect()
    }

    fn change(&self, record: &Record<'_>, touched: Touched) -> Result<Change, Error> {
        Ok(Change {
            id: record.request.id.to_string(),
            location: self.location.clone(),
            names: checked(BTreeSet::from([touched.name]))?,
            extent: Extent::Key,
            version: touched.version.map(|version| version.to_string()),
            moved: touched.moved,
            at: record.at(),
        })
    }
}
