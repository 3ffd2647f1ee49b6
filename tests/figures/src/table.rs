use std::fmt;

/// What was measured, beside what was promised.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    rows: Vec<[String; 4]>,
}

impl Table {
    /// An empty table.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new() }
    }

    /// A measurement that must not be larger than its goal, in some unit.
    pub fn at_most(&mut self, figure: &str, goal: f64, measured: f64, unit: &str) {
        let verdict = if measured <= goal { "reached" } else { "missed" };
        self.push(
            figure,
            &format!("<= {}{unit}", short(goal)),
            &format!("{}{unit}", short(measured)),
            verdict,
        );
    }

    /// A count that must be exactly this.
    pub fn exactly(&mut self, figure: &str, goal: usize, measured: usize) {
        let verdict = if measured == goal { "reached" } else { "missed" };
        self.push(figure, &goal.to_string(), &measured.to_string(), verdict);
    }

    /// What helps to judge the others.
    pub fn beside(&mut self, figure: &str, measured: impl fmt::Display) {
        self.push(figure, "", &measured.to_string(), "");
    }

    /// Writes the table to standard output.
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub fn print(&self) {
        println!("{self}");
    }

    fn push(&mut self, figure: &str, goal: &str, measured: &str, verdict: &str) {
        self.rows.push([figure, goal, measured, verdict].map(str::to_owned));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        let head = ["figure", "goal", "measured", ""].map(str::to_owned);
        for [figure, goal, measured, verdict] in std::iter::once(&head).chain(&self.rows) {
            let line = format!("  {figure:<62}{goal:>14}{measured:>16}  {verdict}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The median; NaN of nothing.
pub fn middle(measured: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = measured.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let upper = all.get(all.len() / 2).copied().unwrap_or(f64::NAN);
    if all.len() % 2 == 1 {
        upper
    } else {
        all.get((all.len() / 2).wrapping_sub(1)).map_or(upper, |lower| lower.midpoint(upper))
    }
}

/// What so large a share of the measurements does not exceed; NaN of nothing.
pub fn part(measured: &[f64], share: f64) -> f64 {
    let mut all = measured.to_vec();
    all.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and their number")]
    let rank = (all.len() as f64 * share).ceil() as usize;
    all.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// Whole numbers as they are, others with two digits.
fn short(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_median() {
        assert_eq!(middle([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(middle([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(middle([]).is_nan());
    }

    #[test]
    fn a_part_is_the_nearest_rank() {
        let all: Vec<f64> = (1..=1_000).rev().map(f64::from).collect();
        assert_eq!([0.5, 0.99, 0.999, 1.0].map(|share| part(&all, share)), [500.0, 990.0, 999.0, 1_000.0]);
        assert_eq!(part(&[7.0], 0.5), 7.0);
        assert!(part(&[], 0.5).is_nan());
    }

    #[test]
    fn a_goal_that_is_missed_is_called_so() {
        let mut table = Table::new("title");
        table.at_most("ratio", 1.25, 1.5, " x");
        table.at_most("calls", 1.0, 1.0, "");
        table.exactly("values", 1, 2);
        let text = table.to_string();
        let verdicts: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(verdicts, ["title", "measured", "missed", "reached", "missed"], "{text}");
    }
}
