//! Pawl at work on this machine: from event to Secret in two clusters. Run it with `make demo`.
//!
//! Everything is real but AWS, which moto plays, and the two Kubernetes API servers, which are embedded. With `KEEP=1`
//! all stays up at the end, to be looked at with kubectl, until Ctrl-C. Anything that does not happen as it must ends
//! the demo with what went wrong and exit code 1.

mod acts;
mod keep;

use acts::Play;
use pawl_e2e::{Result, show};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match Play::begin().await {
        Ok(mut play) => match acts(&mut play).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => show::failure(&error, &play.server.log()),
        },
        Err(error) => show::failure(&error, ""),
    }
}

async fn acts(play: &mut Play) -> Result<()> {
    play.apply().await?;
    play.rotate().await?;
    play.repeat().await?;
    play.lose_an_event().await?;
    play.search_for_values()?;
    if std::env::var_os("KEEP").is_some_and(|keep| !keep.is_empty() && keep != "0") {
        keep::until_interrupted(play).await?;
    }
    Ok(())
}
