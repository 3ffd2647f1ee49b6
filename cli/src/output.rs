//! Results on standard output: columns for people, JSON or YAML for programs. The only place that prints.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints, and does so only here"
)]

use crate::args::Output;
use crate::error::Error;
use serde::Serialize;

/// A result that has rows.
pub(crate) trait Table: Serialize {
    /// The columns' headings.
    const HEADINGS: &'static [&'static str];

    /// The rows, with as many cells as there are headings.
    fn rows(&self) -> Vec<Vec<String>>;

    /// A line below the rows.
    fn summary(&self) -> Option<String> {
        None
    }
}

/// Prints a result in the form asked for.
pub(crate) fn show<T: Table>(result: &T, output: Output) {
    match output {
        Output::Table => print!("{}", columns(result)),
        Output::Json => println!("{}", serde_json::to_string_pretty(result).unwrap_or_default()),
        Output::Yaml => print!("{}", serde_saphyr::to_string(result).unwrap_or_default()),
    }
}

/// Prints why a command ended early.
pub(crate) fn complain(error: &Error) {
    eprintln!("pawl: {error}");
}

/// Prints a text as it is.
pub(crate) fn text(text: &str) {
    print!("{text}");
}

/// Tells a person what goes on.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

fn columns<T: Table>(result: &T) -> String {
    let rows = result.rows();
    let headings = T::HEADINGS.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>();
    let mut lines = Vec::new();
    if !rows.is_empty() {
        let all: Vec<&Vec<String>> = std::iter::once(&headings).chain(&rows).collect();
        let width =
            |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        for row in all {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
    }
    lines.extend(result.summary());
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Fruit(Vec<(&'static str, usize)>);

    impl Table for Fruit {
        const HEADINGS: &'static [&'static str] = &["FRUIT", "COUNT"];

        fn rows(&self) -> Vec<Vec<String>> {
            self.0.iter().map(|(name, count)| vec![(*name).to_owned(), count.to_string()]).collect()
        }

        fn summary(&self) -> Option<String> {
            Some(format!("{} kinds", self.0.len()))
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let shown = columns(&Fruit(vec![("fig", 1), ("pomegranate", 20)]));
        assert_eq!(shown, "FRUIT        COUNT\nfig          1\npomegranate  20\n2 kinds\n");
        assert_eq!(columns(&Fruit(vec![])), "0 kinds\n");
    }
}
