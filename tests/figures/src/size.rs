use pawl_runtime::config::environment;

/// How large a measurement is, as a part of its full size.
///
/// `PAWL_BENCH_SCALE` says it, from `0.001` to `1`. Without it a program is of full size under `cargo bench`, and
/// small otherwise: then it only shows that it works.
#[derive(Clone, Copy, Debug)]
pub struct Size(f64);

impl Size {
    /// As the environment and the command line say.
    pub fn read() -> Self {
        let given = environment("PAWL_BENCH_SCALE").and_then(|text| text.parse::<f64>().ok());
        let measured = std::env::args().any(|argument| argument == "--bench");
        Self(given.unwrap_or(if measured { 1.0 } else { 0.01 }).clamp(0.001, 1.0))
    }

    /// So many of something of which there are `full` in full size; never fewer than `least`.
    pub fn of(self, full: usize, least: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and full")]
        let part = (full as f64 * self.0) as usize;
        part.clamp(least.min(full), full)
    }
}
