//! What a run is told.

use crate::faults::Kind;
use pawl_e2e::{Error, Result};
use std::collections::BTreeSet;

/// Changes a second, where their number is not said.
const PACE: u64 = 20;

/// Which processes of Pawl run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// Two `pawl serve` and the functions, on one table and the same queues.
    Table,
    /// One `pawl serve` with everything in a local file.
    File,
}

/// Which clusters there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Clusters {
    /// Embedded ones.
    Embedded,
    /// Real API servers, of `KUBEBUILDER_ASSETS`.
    Real,
}

/// What a run is told. Seed, seconds and changes decide what happens; the same three make the same plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the random numbers begin.
    pub seed: u64,
    /// How long changes and faults go on. Building up, healing and checking come on top.
    pub seconds: u64,
    /// How many changes are made in that time, if the machine is fast enough.
    pub changes: usize,
    /// Which processes run.
    pub setting: Setting,
    /// Which clusters there are.
    pub clusters: Clusters,
    /// What may go wrong.
    pub(crate) faults: BTreeSet<Kind>,
}

impl Options {
    /// Everything may go wrong, with 20 changes a second.
    pub fn new(seed: u64, seconds: u64) -> Self {
        Self {
            seed,
            seconds,
            changes: usize::try_from(seconds * PACE).unwrap_or(usize::MAX),
            setting: Setting::Table,
            clusters: Clusters::Embedded,
            faults: Kind::ALL.into_iter().collect(),
        }
    }

    /// The same with another setting.
    #[must_use]
    pub fn on(self, setting: Setting) -> Self {
        Self { setting, ..self }
    }

    /// Reads arguments such as `seed=7 seconds=3600 changes=100000 faults=kill,drop setting=file clusters=real`.
    /// `faults=none` switches all off.
    ///
    /// # Errors
    /// An argument that is not known, or whose value is not.
    pub fn read(arguments: impl Iterator<Item = String>, seed: u64) -> Result<Self> {
        let mut options = Self::new(seed, 120);
        let mut changes = None;
        for argument in arguments {
            let unknown = || Error::Otherwise(format!("{argument} is not known; see tests/chaos/README.md"));
            let number = |text: &str| text.parse::<u64>().map_err(|_| unknown());
            match argument.split_once('=').ok_or_else(unknown)? {
                ("seed", text) => options.seed = number(text)?,
                ("seconds", text) => options.seconds = number(text)?,
                ("changes", text) => changes = Some(number(text)?),
                ("setting", "table") => options.setting = Setting::Table,
                ("setting", "file") => options.setting = Setting::File,
                ("clusters", "embedded") => options.clusters = Clusters::Embedded,
                ("clusters", "real") => options.clusters = Clusters::Real,
                ("faults", "none") => options.faults.clear(),
                ("faults", text) => {
                    let kinds = text.split(',').map(|word| Kind::named(word).ok_or_else(unknown));
                    options.faults = kinds.collect::<Result<_>>()?;
                }
                _ => return Err(unknown()),
            }
        }
        let changes = changes.unwrap_or(options.seconds * PACE);
        options.changes = usize::try_from(changes).unwrap_or(usize::MAX);
        Ok(options)
    }

    /// The command that plays this run again.
    pub fn replay(&self) -> String {
        let setting = match self.setting {
            Setting::Table => "table",
            Setting::File => "file",
        };
        let kinds: Vec<&str> = self.faults.iter().map(|kind| kind.name()).collect();
        let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(",") };
        let clusters = match self.clusters {
            Clusters::Embedded => "",
            Clusters::Real => " CLUSTERS=real",
        };
        let Self { seed, seconds, changes, .. } = self;
        format!(
            "make chaos SEED={seed} SECONDS={seconds} CHANGES={changes} SETTING={setting} FAULTS={kinds}{clusters}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_shown_again() {
        let read = |text: &str| Options::read(text.split_whitespace().map(str::to_owned), 1);
        let options = read("seed=7 seconds=30 faults=kill,drop setting=file").unwrap();
        assert_eq!(
            options.replay(),
            "make chaos SEED=7 SECONDS=30 CHANGES=600 SETTING=file FAULTS=kill,drop"
        );
        assert!(
            read("faults=none changes=5").unwrap().replay().ends_with("CHANGES=5 SETTING=table FAULTS=none")
        );
        for wrong in ["seed", "seed=x", "faults=flood", "setting=cloud", "speed=9"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
