//! `make demo-clouds` is a test as well: the demonstration checks each of its steps, and fails where one does not happen as told.

use pawl_e2e::{Error, Result, binary};
use pawl_servers::process::clean_command;

#[tokio::test]
async fn the_demonstration_of_three_clouds_goes_as_it_tells() -> Result<()> {
    let command = clean_command(binary("demo-clouds")?);
    let ran = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let ran = ran.map_err(|source| Error::Io { action: "running the demonstration".to_owned(), source })?;
    let (told, problem) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}\n{problem}");
    Ok(())
}
