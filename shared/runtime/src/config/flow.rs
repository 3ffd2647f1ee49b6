//! How much is done at once, and how patiently.

use super::{Error, Lookup, duration, number, switch};
use pawl_pipeline::Settings;

/// Reads the flow's settings; each variable has a default.
///
/// | variable | setting |
/// |---|---|
/// | `PAWL_INLINE_TARGETS` | targets written within a sync |
/// | `PAWL_CONCURRENCY` | declarations worked on at the same time |
/// | `PAWL_SWEEP_INTERVAL` | the time between two sweeps: by so much more than `refreshInterval` a target may be stale |
/// | `PAWL_SWEEP_OVERLAP` | by how much sweeps overlap |
/// | `PAWL_UNSAFE_GENERIC_TARGETS` | `true`: targets may be of other kinds than Secrets |
/// | `PAWL_DRIFT_INTERVAL` | how often clusters are compared; `0s` for never |
///
/// # Errors
/// The first variable that cannot be read.
pub fn flow(lookup: &dyn Lookup) -> Result<Settings, Error> {
    let defaults = Settings::default();
    Ok(Settings {
        inline_targets: number(lookup, "PAWL_INLINE_TARGETS", defaults.inline_targets)?,
        concurrency: number(lookup, "PAWL_CONCURRENCY", defaults.concurrency)?.max(1),
        sweep_period: duration(lookup, "PAWL_SWEEP_INTERVAL", defaults.sweep_period)?,
        sweep_overlap: duration(lookup, "PAWL_SWEEP_OVERLAP", defaults.sweep_overlap)?,
        drift_interval: duration(lookup, "PAWL_DRIFT_INTERVAL", defaults.drift_interval)?,
        generic_targets: switch(lookup, "PAWL_UNSAFE_GENERIC_TARGETS")?,
        ..defaults
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_than_secrets_are_off_unless_switched_on() {
        let read = |text: &'static str| {
            let lookup = move |name: &str| (name == "PAWL_UNSAFE_GENERIC_TARGETS").then(|| text.to_owned());
            flow(&lookup).map(|settings| settings.generic_targets).ok()
        };
        for (text, want) in [("", Some(false)), ("false", Some(false)), ("true", Some(true)), ("yes", None)] {
            assert_eq!(read(text), want, "{text}");
        }
    }
}
