//! Reads an answer without an end, such as a watch, line by line.

use super::bytes::append;
use crate::refusal::Refusal;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// An object of an API server is at most 1.5 MiB; as JSON it may take more.
const LONGEST: usize = 8 << 20;

/// What came of a request whose answer has no end.
pub(crate) enum Opened {
    /// It goes on line by line.
    Lines(Lines),
    /// The server did not do as asked.
    Refused(Refusal),
}

/// Lines as they come.
pub(crate) struct Lines {
    body: Incoming,
    buffer: Zeroizing<Vec<u8>>,
    /// How much of the buffer has been looked through for an end of line.
    searched: usize,
}

/// Why there are no more lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Over {
    /// The server ended it in good order.
    Ended,
    /// The connection broke off, or a line is longer than any should be.
    Broken,
    /// Nothing came for too long.
    Silent,
}

impl Lines {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, buffer: Zeroizing::default(), searched: 0 }
    }

    /// The next line, without its end. Dropping this loses nothing.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Over> {
        loop {
            if let Some(found) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let end = self.searched + found;
                let rest = Zeroizing::new(self.buffer[end + 1..].to_vec());
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                self.searched = 0;
                return Ok(line);
            }
            self.searched = self.buffer.len();
            if self.searched > LONGEST {
                return Err(Over::Broken);
            }
            let frame = timeout(patience, self.body.frame()).await.map_err(|_| Over::Silent)?;
            match frame {
                None => return Err(Over::Ended),
                Some(Err(_)) => return Err(Over::Broken),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        append(&mut self.buffer, &data);
                    }
                }
            }
        }
    }
}
