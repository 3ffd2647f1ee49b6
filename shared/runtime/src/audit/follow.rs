//! Follows the file that Vault's `file` audit device writes, as `tail -F` does.

use super::Feed;
use pawl_events::vault::Frames;
use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;
use tracing::{info, warn};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(200);
const CHUNK: usize = 64 * 1024;

/// Takes in every line that is added to a file, until told to stop.
///
/// What stands in it at the beginning is passed over: the sweep sees to what happened before. A file that is renamed
/// is read to its end, then the one that took its place from the start; a file that was cut short is read from its start
/// again. It may be missing, and come later.
pub async fn follow(path: PathBuf, feed: Feed, mut stopped: watch::Receiver<bool>) {
    let mut follower = Follower::new(path, feed);
    let mut told = false;
    loop {
        match follower.look().await {
            Ok(()) => told = false,
            Err(problem) if !told => {
                warn!("{}: {problem}", follower.path.display());
                told = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

struct Follower {
    path: PathBuf,
    feed: Feed,
    open: Option<Open>,
    /// Whether the file that is opened next was there before anybody looked.
    first: bool,
}

struct Open {
    file: File,
    identity: (u64, u64),
    position: u64,
    frames: Frames,
    dropped: u64,
}

impl Follower {
    fn new(path: PathBuf, feed: Feed) -> Self {
        Self { path, feed, open: None, first: true }
    }

    /// Reads what was added since the last look.
    async fn look(&mut self) -> io::Result<()> {
        // Who stands at the path is asked first: what was written to the open file before it was replaced is then
        // surely in it.
        let standing = identity(&self.path).await?;
        if let Some(open) = &mut self.open {
            open.read(&self.feed).await?;
            if standing == Some(open.identity) || standing.is_none() {
                return Ok(());
            }
            open.end(&self.feed);
            self.open = None;
            info!("{}: another file took its place", self.path.display());
        }
        let first = std::mem::take(&mut self.first);
        if standing.is_none() {
            return Ok(());
        }
        let mut open = Open::at(&self.path, first).await?;
        open.read(&self.feed).await?;
        self.open = Some(open);
        Ok(())
    }
}

impl Open {
    async fn at(path: &Path, at_end: bool) -> io::Result<Self> {
        let mut file = File::open(path).await?;
        let metadata = file.metadata().await?;
        let position = if at_end { file.seek(SeekFrom::End(0)).await? } else { 0 };
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { file, identity, position, frames: Frames::default(), dropped: 0 })
    }

    async fn read(&mut self, feed: &Feed) -> io::Result<()> {
        if self.file.metadata().await?.len() < self.position {
            self.end(feed);
            self.position = self.file.seek(SeekFrom::Start(0)).await?;
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = self.file.read(&mut chunk).await?;
            if count == 0 {
                return Ok(());
            }
            self.position += count as u64;
            self.frames.push(chunk.get(..count).unwrap_or_default(), |line| feed.line(line));
            let more = self.frames.dropped() - self.dropped;
            if more > 0 {
                self.dropped = self.frames.dropped();
                feed.too_long(more);
            }
        }
    }

    /// What the file ended with without a line feed is a line if it is a record.
    fn end(&mut self, feed: &Feed) {
        self.frames.finish(|line| feed.line(line));
    }
}

/// Device and number of the file at a path; `None` if there is none.
async fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
