//! Columns for people: as wide as their widest cell, and no wider together than the terminal.

/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower than this.
const NARROWEST: usize = 12;

/// The lines of a table. Where it is wider than `width`, the widest columns become narrower and their cells go on in the
/// next line; nothing is cut off.
pub(super) fn lines(headings: &[&str], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let widest = |column: usize| all.iter().map(|row| length(&row[column])).max().unwrap_or_default();
    let mut widths: Vec<usize> = (0..headings.len()).map(widest).collect();
    if let Some(width) = width {
        fit(&mut widths, width);
    }
    all.into_iter().flat_map(|row| of_row(row, &widths)).collect()
}

/// Takes from the widest columns until all fit, or none can give more.
fn fit(widths: &mut [usize], width: usize) {
    let room = width.saturating_sub(GAP * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max_by_key(|width| **width) {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn of_row(row: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts = cells.iter().zip(widths).map(|(cell, width)| {
            let part = cell.get(at).map_or("", String::as_str);
            format!("{part}{}", " ".repeat(width.saturating_sub(length(part))))
        });
        parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// A cell in lines of at most this width, broken at spaces where there are some.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let last = lines.last().map_or(0, |line| length(line));
        let spaced = if last == 0 { 0 } else { last + 1 };
        if last > 0 && spaced + word.len() > width {
            lines.push(String::new());
        }
        // What is longer than a line, such as a digest, is broken anywhere.
        while word.len() > width {
            let rest = word.split_off(width);
            push(&mut lines, &word);
            lines.push(String::new());
            word = rest;
        }
        push(&mut lines, &word);
    }
    lines
}

fn push(lines: &mut [String], word: &[char]) {
    let Some(line) = lines.last_mut() else { return };
    if !line.is_empty() {
        line.push(' ');
    }
    line.extend(word);
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 2]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let shown = lines(&["FRUIT", "COUNT"], &rows(&[["fig", "1"], ["pomegranate", "20"]]), None);
        assert_eq!(shown, ["FRUIT        COUNT", "fig          1", "pomegranate  20"]);
        assert!(lines(&["FRUIT", "COUNT"], &[], Some(80)).is_empty());
    }

    #[test]
    fn what_is_too_wide_goes_on_in_the_next_line() {
        let long = rows(&[["short", "a sentence that is wider than the terminal"], ["b", ""]]);
        let shown = lines(&["WHAT", "IS"], &long, Some(30));
        assert_eq!(shown, ["WHAT   IS", "short  a sentence that is", "       wider than the terminal", "b",]);
        assert!(shown.iter().all(|line| length(line) <= 30));
        let unbroken = rows(&[["a", &"x".repeat(40)]]);
        let shown = lines(&["A", "B"], &unbroken, Some(20));
        assert_eq!(
            shown[1..],
            [format!("a  {}", "x".repeat(17)), format!("   {}", "x".repeat(17)), "   xxxxxx".to_owned()]
        );
    }

    #[test]
    fn a_terminal_of_a_few_columns_gets_what_it_can() {
        let shown = lines(&["A", "B"], &rows(&[["one two three four", "five six seven eight"]]), Some(4));
        assert!(shown.iter().all(|line| length(line) <= 2 * NARROWEST + GAP), "{shown:?}");
    }
}
