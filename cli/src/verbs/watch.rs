//! `--watch`: a result that is shown again and again.

use crate::error::Error;
use crate::output;
use std::time::Duration;

/// Between two looks of `--watch`.
const AGAIN: Duration = Duration::from_secs(2);

/// Looks, and shows what it saw; with `--watch` again and again, until somebody stops it or nobody reads it any more.
pub(super) async fn watch<S: FnOnce()>(
    watching: bool,
    mut look: impl AsyncFnMut() -> Result<S, Error>,
) -> Result<(), Error> {
    loop {
        let show = look().await?;
        if watching {
            output::wipe();
        }
        show();
        if !watching || !output::is_read() {
            return Ok(());
        }
        tokio::time::sleep(AGAIN).await;
    }
}
