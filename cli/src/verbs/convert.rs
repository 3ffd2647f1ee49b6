//! `pawl convert`: manifests of other tools as ExternalSecrets and SecretStores, without asking anybody.

use super::{manifests, problems};
use crate::args::{Args, Convert};
use crate::error::Error;
use crate::output::{self, code};
use pawl_domain::Severity;
use pawl_manifests::convert::{Converted, Settings, convert};
use std::process::ExitCode;

pub(super) fn run(args: &Args, told: &Convert) -> Result<ExitCode, Error> {
    let sources = manifests::sources(&told.files)?;
    let texts: Vec<(&str, &str)> =
        sources.iter().map(|source| (source.place.as_str(), source.text.as_str())).collect();
    let settings = Settings {
        region: told.region.clone(),
        vault: told.vault.clone(),
        service_account: told.service_account.clone(),
    };
    let Converted { manifests, problems } = convert(&texts, &settings);
    output::text(&output::printed(&manifests, args.output));
    problems.iter().for_each(|problem| output::note(&problems::line(problem)));
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    output::note(&format!(
        "{} manifests; {errors} errors; read them, then: pawl check -f <file>",
        manifests.len()
    ));
    Ok(code(errors == 0))
}
