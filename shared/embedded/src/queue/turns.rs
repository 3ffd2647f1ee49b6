//! Takes jobs of each namespace in turn, however many of them one namespace has in the queue.

use crate::error::Error;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// The numbers of up to `limit` jobs that are due, in the order in which they are to be leased. Costs a look for each
/// namespace that has jobs, and none for each job.
pub(super) fn next(
    connection: &Connection,
    due: i64,
    limit: usize,
    free: Option<usize>,
) -> Result<Vec<i64>, Error> {
    let mut leased = leased(connection, due)?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let text = "SELECT due, number FROM jobs
        WHERE dead IS NULL AND tenant = ?1 AND due <= ?2 ORDER BY due, number LIMIT ?3";
    let mut statement = connection.prepare_cached(text)?;
    let mut lines = Vec::new();
    for tenant in tenants(connection)? {
        let rows = statement.query_map(params![tenant, due, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let waiting: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
        lines.push(Line { has: leased.remove(&tenant).unwrap_or_default(), waiting });
    }
    Ok(in_turn(lines, limit, free))
}

/// The jobs of one namespace that are due, the longest due first, and how many of it are leased.
struct Line {
    has: usize,
    /// When each is due, and its number.
    waiting: Vec<(i64, i64)>,
}

fn in_turn(lines: Vec<Line>, limit: usize, free: Option<usize>) -> Vec<i64> {
    // A namespace's first job stands in its line behind as many as it has leased, the second behind one more.
    let mut all: Vec<(usize, i64, i64)> = lines
        .into_iter()
        .flat_map(|Line { has, waiting }| {
            waiting.into_iter().enumerate().map(move |(place, (due, number))| (has + place, due, number))
        })
        .collect();
    all.sort_unstable();
    let taken = all.into_iter().take(limit).enumerate();
    let has_room = |(taken, (place, _, _)): &(usize, (usize, i64, i64))| {
        free.is_none_or(|free| *place < free.saturating_sub(*taken).saturating_mul(2))
    };
    // Who stands behind one whose namespace has its share has no fewer leased, and less remains free.
    taken.take_while(has_room).map(|(_, (_, _, number))| number).collect()
}

/// Whoever has jobs that are not dead, one step in the index for each.
fn tenants(connection: &Connection) -> Result<Vec<String>, Error> {
    let text = "WITH RECURSIVE tenants (tenant) AS (
            SELECT min(tenant) FROM jobs WHERE dead IS NULL
            UNION ALL
            SELECT (SELECT min(tenant) FROM jobs WHERE dead IS NULL AND tenant > tenants.tenant)
            FROM tenants WHERE tenants.tenant IS NOT NULL
        ) SELECT tenant FROM tenants WHERE tenant IS NOT NULL";
    let mut statement = connection.prepare_cached(text)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many jobs of whom are leased. A lease that has ended counts no more.
fn leased(connection: &Connection, due: i64) -> Result<BTreeMap<String, usize>, Error> {
    let text = "SELECT tenant, count(*) FROM jobs
        WHERE leased = 1 AND dead IS NULL AND due > ?1 GROUP BY tenant";
    let mut statement = connection.prepare_cached(text)?;
    let rows = statement.query_map([due], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let mut counts = BTreeMap::new();
    for row in rows {
        let (tenant, count) = row?;
        counts.insert(tenant, usize::try_from(count).unwrap_or(usize::MAX));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(has: usize, numbers: impl IntoIterator<Item = i64>) -> Line {
        Line { has, waiting: numbers.into_iter().map(|number| (0, number)).collect() }
    }

    #[test]
    fn each_namespace_has_its_turn_and_the_one_with_fewest_leased_comes_first() {
        let lines = || vec![line(0, 0..100), line(0, 100..102), line(0, 102..103)];
        assert_eq!(in_turn(lines(), 7, None), [0, 100, 102, 1, 101, 2, 3]);
        assert_eq!(in_turn(vec![line(3, 0..100), line(0, 100..105)], 5, None), [100, 101, 102, 0, 103]);
        assert_eq!(in_turn(vec![line(9, 0..100)], 3, None), [0, 1, 2], "alone it has all");
        assert!(in_turn(Vec::new(), 3, None).is_empty());
        let longest = Line { has: 0, waiting: vec![(5, 1), (9, 2)] };
        assert_eq!(in_turn(vec![line(0, [7]), longest], 9, None), [7, 1, 2], "the longest due is first");
    }

    #[test]
    fn a_namespace_leaves_room_for_others() {
        // Of sixteen places, as they become free.
        let (mut has, mut free) = (0, 16);
        loop {
            let taken = in_turn(vec![line(has, 0..1000)], free, Some(free)).len();
            if taken == 0 {
                break;
            }
            (has, free) = (has + taken, free - taken);
        }
        assert_eq!((has, free), (11, 5), "two thirds");
        assert_eq!(in_turn(vec![line(has, 0..1000), line(0, 1000..1001)], free, Some(free)), [1000]);
        // The second one that has many gets two thirds of what is left, and there is still room.
        assert_eq!(in_turn(vec![line(11, 0..9), line(0, 100..199)], 5, Some(5)).len(), 4);
        assert_eq!(in_turn(vec![line(0, 0..9)], 1, Some(1)), [0], "the last place is for who has none");
        assert!(in_turn(vec![line(2, 0..9)], 1, Some(1)).is_empty());
    }
}
