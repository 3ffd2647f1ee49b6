//! The table of functions in the README is what the recorded cases and the code say.

use std::collections::BTreeMap;

use pawl_golang::sprig::{self, Environment};

const README: &str = include_str!("../README.md");
const CASES: [&str; 2] =
    [include_str!("data/sprig-cases.jsonl"), include_str!("data/go-template-cases.jsonl")];

#[derive(serde::Deserialize)]
struct Case {
    tpl: String,
}

#[test]
fn the_table_counts_the_cases_of_every_function() {
    let functions = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    let mut counts: BTreeMap<&str, usize> = functions.names().into_iter().map(|name| (name, 0)).collect();
    for case in CASES.iter().flat_map(|cases| cases.lines()) {
        let case: Case = serde_json::from_str(case).unwrap();
        let mut words: Vec<&str> = case.tpl.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            if let Some(count) = counts.get_mut(word) {
                *count += 1;
            }
        }
    }
    assert_eq!(counts.len(), 209);
    let without: Vec<&&str> = counts.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
    assert!(without.is_empty(), "no case has {without:?}");
    let table = table(&counts);
    let start = README.find("<!-- cases -->\n").unwrap() + "<!-- cases -->\n".len();
    let end = README.find("<!-- end of cases -->").unwrap();
    assert!(README[start..end] == table, "the table should be:\n{table}");
}

/// Four functions to a line.
fn table(counts: &BTreeMap<&str, usize>) -> String {
    let mut table =
        "| function | cases | function | cases | function | cases | function | cases |\n".to_owned();
    table += "|---|--:|---|--:|---|--:|---|--:|\n";
    let cells: Vec<String> = counts.iter().map(|(name, count)| format!("`{name}` | {count}")).collect();
    for row in cells.chunks(4) {
        let empty = " | ".to_owned();
        let row: Vec<&String> = row.iter().chain(std::iter::repeat(&empty)).take(4).collect();
        table += &format!("| {} | {} | {} | {} |\n", row[0], row[1], row[2], row[3]);
    }
    table
}
