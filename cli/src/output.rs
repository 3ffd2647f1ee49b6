//! Results on standard output: columns for people, JSON, YAML or CSV for programs. The only place that prints.

mod columns;
mod documents;
mod tame;

pub(crate) use documents::printed;

use crate::args::Output;
use crate::error::Error;
use pawl_runtime::config::environment;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tame::{tame, tame_json, tame_lines};

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
    text(&match output {
        Output::Table => table(result, Screen::of_stdout()),
        Output::Wide => table(result, Screen { width: None, ..Screen::of_stdout() }),
        Output::Name => names(result),
        Output::Csv => csv(result),
        Output::Json => tame_json(&serde_json::to_string_pretty(result).unwrap_or_default()) + "\n",
        Output::Yaml => serde_saphyr::to_string(result).unwrap_or_default(),
    });
}

/// Prints why a command ended early, and what may help.
pub(crate) fn complain(error: &Error) {
    note(&format!("pawl: {error}"));
    if let Some(hint) = error.hint() {
        note(hint);
    }
}

/// The exit code of a command that has shown its result.
pub(crate) fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a text as it is. Who reads it may have read enough, as `head` has: that is no error.
pub(crate) fn text(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(problem) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        IS_READ.store(false, Ordering::Relaxed);
        if problem.kind() != ErrorKind::BrokenPipe {
            let _ = LOST.set(format!("the output could not be written: {problem}"));
        }
    }
}

/// Why not all was printed that somebody wanted to read, if so.
pub(crate) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

static LOST: OnceLock<String> = OnceLock::new();

/// Whether somebody still reads what is printed.
pub(crate) fn is_read() -> bool {
    IS_READ.load(Ordering::Relaxed)
}

static IS_READ: AtomicBool = AtomicBool::new(true);

/// Tells a person what goes on. Where nobody listens, the work goes on.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", tame_lines(text));
}

/// Wipes the screen, where there is one, before a result is shown anew.
pub(crate) fn wipe() {
    if std::io::stdout().is_terminal() {
        text("\x1b[2J\x1b[H");
    }
}

/// What a table is printed on.
#[derive(Clone, Copy, Debug)]
struct Screen {
    /// How many columns it has; `None` where it is no terminal.
    width: Option<usize>,
    /// Whether it shows bold letters, and nobody has said not to: see <https://no-color.org>.
    bold: bool,
}

impl Screen {
    fn of_stdout() -> Self {
        let width = terminal_size::terminal_size_of(std::io::stdout());
        let dumb = environment("TERM").is_some_and(|term| term == "dumb");
        let is_told_off = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: width.map(|(terminal_size::Width(width), _)| usize::from(width)),
            bold: std::io::stdout().is_terminal() && !is_told_off && !dumb,
        }
    }
}

fn table<T: Table>(result: &T, screen: Screen) -> String {
    let rows: Vec<_> =
        result.rows().into_iter().map(|row| row.iter().map(|cell| tame(cell)).collect()).collect();
    let mut lines = columns::lines(T::HEADINGS, &rows, screen.width);
    if let Some(heading) = lines.first_mut().filter(|_| screen.bold) {
        *heading = format!("\x1b[1m{heading}\x1b[0m");
    }
    lines.extend(result.summary().as_deref().map(tame_lines));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The first column, each name once.
fn names<T: Table>(result: &T) -> String {
    let rows = result.rows().into_iter();
    let mut names: Vec<String> = rows.filter_map(|row| row.first().map(|name| tame(name))).collect();
    names.dedup();
    names.into_iter().map(|name| name + "\n").collect()
}

/// As RFC 4180 has it, but for the ends of lines. A spreadsheet takes a cell that begins like a formula for one, so that an
/// apostrophe stands before it: names of keys are others' texts.
fn csv<T: Table>(result: &T) -> String {
    let quoted = |cell: &str| {
        let is_formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
        let cell = format!("{}{}", if is_formula { "'" } else { "" }, tame_lines(cell));
        match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell,
        }
    };
    let line =
        |cells: Vec<String>| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n";
    let headings = T::HEADINGS.iter().map(|heading| (*heading).to_owned()).collect();
    std::iter::once(headings).chain(result.rows()).map(line).collect()
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

    const PIPE: Screen = Screen { width: None, bold: false };

    #[test]
    fn a_table_ends_with_its_summary() {
        let shown = table(&Fruit(vec![("fig", 1)]), PIPE);
        assert_eq!(shown, "FRUIT  COUNT\nfig    1\n1 kinds\n");
        assert_eq!(table(&Fruit(vec![]), PIPE), "0 kinds\n");
    }

    #[test]
    fn names_of_others_do_not_move_the_cursor() {
        let hostile = Fruit(vec![("fig\x1b[2J\nplum \u{9b}1A\u{202e}", 1)]);
        assert_eq!(table(&hostile, PIPE).lines().count(), 3);
        for shown in [table(&hostile, PIPE), names(&hostile)] {
            assert!(shown.contains("fig\\u{1b}[2J\\nplum \\u{9b}1A\\u{202e}"), "{shown}");
        }
        let json = tame_json(&serde_json::to_string(&hostile).unwrap());
        assert_eq!(json, r#"[["fig\u001b[2J\nplum \u009b1A\u202e",1]]"#);
        assert_eq!(serde_json::from_str::<Vec<(String, usize)>>(&json).unwrap()[0].0, hostile.0[0].0);
    }

    #[test]
    fn headings_are_bold_on_a_terminal_only() {
        let shown = table(&Fruit(vec![("fig", 1)]), Screen { width: Some(80), bold: true });
        assert!(shown.starts_with("\x1b[1mFRUIT  COUNT\x1b[0m\n"), "{shown}");
        assert!(!table(&Fruit(vec![("fig", 1)]), PIPE).contains('\x1b'));
    }

    #[test]
    fn names_and_csv_are_for_programs() {
        let fruit = Fruit(vec![("fig", 1), ("fig", 2), ("a \"kind\", of pear", 3)]);
        assert_eq!(names(&fruit), "fig\na \"kind\", of pear\n");
        assert_eq!(csv(&fruit), "FRUIT,COUNT\nfig,1\nfig,2\n\"a \"\"kind\"\", of pear\",3\n");
        let hostile = Fruit(vec![("=HYPERLINK(1)", 1), ("@x,y", 2), ("-1", 3), ("fig\x1b[2J", 4)]);
        assert_eq!(csv(&hostile), "FRUIT,COUNT\n'=HYPERLINK(1),1\n\"'@x,y\",2\n-1,3\nfig\\u{1b}[2J,4\n");
    }
}
