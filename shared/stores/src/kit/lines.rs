//! Reads answers without an end, such as watches, line by line.

use super::link::append;
use super::{Ask, Call, Link, Reply};
use pawl_ports::Error;
use reqwest::Response;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What came of a question whose answer goes on.
pub enum Opened {
    /// It goes on, line by line.
    Lines(Lines),
    /// The server answered otherwise, and that is all of it.
    Reply(Reply),
}

/// Lines as they come. They are wiped when they are dropped, and there is no Debug.
pub struct Lines {
    response: Response,
    buffer: Zeroizing<Vec<u8>>,
    /// How much of the buffer has been looked through for an end of line.
    searched: usize,
    longest: usize,
}

/// Why there are no more lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Over {
    /// The server ended it in good order.
    Ended,
    /// The connection broke off, or it lasted longer than was asked for.
    Broken,
    /// Nothing came for too long.
    Silent,
    /// A line is longer than any should be.
    TooLong,
}

impl Link {
    /// Asks what is answered by lines of at most [`Ask::largest`] bytes, for `lasting` at the longest. The answer has to begin
    /// within the time of one attempt, and is not asked for again.
    ///
    /// # Errors
    /// When no answer began in time. What the server answers is no error, whatever it says.
    pub async fn lines(&self, call: &Call<'_>, ask: Ask<'_>, lasting: Duration) -> Result<Opened, Error> {
        let (mut request, longest) = self.request(call, ask)?;
        *request.timeout_mut() = Some(lasting);
        let patience = self.bounds().attempt_timeout;
        let begun = timeout(patience, self.client.execute(request)).await.map_err(|_| call.out_of_time())?;
        let response = begun.map_err(|failure| call.failed(failure))?;
        if response.status().is_success() {
            let buffer = Zeroizing::default();
            return Ok(Opened::Lines(Lines { response, buffer, searched: 0, longest }));
        }
        let read = timeout(patience, self.read(call, response, longest)).await;
        let reply = read.map_err(|_| call.out_of_time())??;
        reply.map(Opened::Reply).map_err(|failure| call.failed(failure))
    }
}

impl Lines {
    /// The next line, without its end. Dropping this loses nothing.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn next(&mut self, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Over> {
        loop {
            if let Some(found) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let end = self.searched + found;
                let rest = Zeroizing::new(self.buffer[end + 1..].to_vec());
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                self.searched = 0;
                return if end > self.longest { Err(Over::TooLong) } else { Ok(line) };
            }
            self.searched = self.buffer.len();
            if self.searched > self.longest {
                return Err(Over::TooLong);
            }
            match timeout(patience, self.response.chunk()).await {
                Err(_) => return Err(Over::Silent),
                Ok(Ok(None)) => return Err(Over::Ended),
                Ok(Ok(Some(chunk))) => append(&mut self.buffer, &chunk, usize::MAX),
                Ok(Err(_)) => return Err(Over::Broken),
            }
        }
    }
}
