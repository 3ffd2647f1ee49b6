//! Reads the partitions of a listing as one sorted list.

use super::{Item, Table, text};
use pawl_domain::Step;
use pawl_ports::Error;
use std::collections::VecDeque;

/// The sort keys between which a listing is read, both included.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) low: String,
    pub(crate) high: String,
}

/// Sorts below every character that sort keys are made of.
const BELOW: char = ' ';
/// Sorts above every character that sort keys are made of.
const ABOVE: char = '~';

impl Default for Bounds {
    fn default() -> Self {
        Self { low: BELOW.into(), high: ABOVE.into() }
    }
}

impl Bounds {
    /// Everything that starts so.
    pub(crate) fn starting_with(prefix: &str) -> Self {
        Self { low: prefix.to_owned(), high: format!("{prefix}{ABOVE}") }
    }

    /// Of these, what comes after a sort key.
    pub(crate) fn after(self, sk: &str) -> Self {
        let low = format!("{sk}{BELOW}");
        Self { low: self.low.max(low), ..self }
    }

    fn are_empty(&self) -> bool {
        self.low > self.high
    }
}

impl Table {
    /// Up to `limit` items of several partitions, in the order of their sort keys as if they were one. Fewer than
    /// `limit` only when there are no more.
    pub(crate) async fn merged(
        &self,
        partitions: &[String],
        bounds: &Bounds,
        limit: usize,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>, Error> {
        let chunk = chunk(limit, partitions.len());
        let mut cursors: Vec<Cursor> = partitions.iter().map(|pk| Cursor::new(pk, bounds)).collect();
        let mut items = Vec::new();
        while items.len() < limit {
            let empty = cursors.iter_mut().filter(|cursor| cursor.is_starved());
            futures::future::try_join_all(empty.map(|cursor| cursor.fill(self, chunk, attributes))).await?;
            if cursors.iter().any(Cursor::is_starved) {
                continue;
            }
            let lowest = cursors
                .iter_mut()
                .filter(|cursor| !cursor.read.is_empty())
                .min_by(|a, b| a.next().cmp(b.next()));
            let Some(item) = lowest.and_then(|cursor| cursor.read.pop_front()) else { break };
            items.push(item);
        }
        Ok(items)
    }
}

/// How many items to ask of each partition: an even share and a little more, as hashing is not exactly even.
fn chunk(limit: usize, partitions: usize) -> i32 {
    let share = limit.div_ceil(partitions.max(1));
    i32::try_from(share + share / 4 + 1).unwrap_or(i32::MAX)
}

/// How far one partition has been read.
struct Cursor<'a> {
    pk: &'a str,
    bounds: &'a Bounds,
    /// Where DynamoDB goes on.
    start: Option<Item>,
    /// What has been read and not yet been taken.
    read: VecDeque<Item>,
    done: bool,
}

impl<'a> Cursor<'a> {
    fn new(pk: &'a str, bounds: &'a Bounds) -> Self {
        Self { pk, bounds, start: None, read: VecDeque::new(), done: bounds.are_empty() }
    }

    /// True when the partition's next item is not known.
    fn is_starved(&self) -> bool {
        self.read.is_empty() && !self.done
    }

    fn next(&self) -> &str {
        self.read.front().and_then(|item| text(item, "sk")).unwrap_or_default()
    }

    async fn fill(&mut self, table: &Table, chunk: i32, attributes: Option<&str>) -> Result<(), Error> {
        let request = table.query(self.pk, self.bounds, attributes).limit(chunk);
        let request = request.set_exclusive_start_key(self.start.take());
        let page = table.call(Step::Lookup, "dynamodb:Query", request.send()).await?;
        self.read.extend(page.items.unwrap_or_default());
        self.done = page.last_evaluated_key.is_none();
        self.start = page.last_evaluated_key;
        Ok(())
    }
}
