//! Processes under measurement: where their binaries are, and how much memory they take.

use pawl_runtime::config::environment;
use std::path::PathBuf;

/// A binary of the workspace: in `PAWL_BINARIES`, or beside this program, which cargo built in the same profile.
/// `None` when it is not built.
pub fn binary(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.parent().filter(|parent| parent.ends_with("deps")).and_then(|deps| deps.parent());
    let directory = environment("PAWL_BINARIES").map(PathBuf::from).or_else(|| beside.map(PathBuf::from))?;
    Some(directory.join(name)).filter(|path| path.is_file())
}

/// Resident memory of a process in MB (10^6 bytes), now and at most so far. `None` where the system does not say, or
/// when the process is gone.
pub fn memory(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}
