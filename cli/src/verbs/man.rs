//! `pawl man`: man pages, made of what `--help` shows.

use crate::args::Args;
use crate::error::Error;
use clap::CommandFactory;
use std::path::Path;
use std::process::ExitCode;

/// Writes `pawl.1`, and a page for each command and for each of its own: `pawl-jobs-list.1`.
pub(super) fn run(folder: &Path) -> Result<ExitCode, Error> {
    let failed = |source| Error::File { path: folder.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), folder).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The pages of a command that people are shown, and of those below it.
    fn pages(command: &clap::Command, name: &str, found: &mut BTreeSet<(String, String)>) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        found.insert((format!("{name}.1"), about));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            pages(below, &format!("{name}-{}", below.get_name()), found);
        }
    }

    #[test]
    fn each_command_has_a_page_that_says_what_it_does() {
        let folder = tempfile::tempdir().unwrap();
        run(&folder.path().join("man1")).unwrap();
        let mut wanted = BTreeSet::new();
        pages(&Args::command(), "pawl", &mut wanted);
        let made = std::fs::read_dir(folder.path().join("man1")).unwrap();
        let made: BTreeSet<String> =
            made.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(made, wanted.iter().map(|(page, _)| page.clone()).collect());
        assert!(made.contains("pawl-jobs-list.1") && !made.contains("pawl-man.1"), "{made:?}");
        // Without the marks that roff has for hyphens, apostrophes and the beginnings of lines.
        let plain =
            |text: &str| text.replace("\\*(Aq", "'").replace("\\&", "").replace(['\\', '\n', ' '], "");
        for (page, about) in &wanted {
            let text = std::fs::read_to_string(folder.path().join("man1").join(page)).unwrap();
            assert!(!about.is_empty() && plain(&text).contains(&plain(about)), "{page}: {text}");
        }
        let text = std::fs::read_to_string(folder.path().join("man1/pawl.1")).unwrap();
        assert!(text.contains("Exit codes"), "{text}");
    }
}
