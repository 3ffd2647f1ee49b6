//! Keeps the memory of this process from being read or dumped.

/// Keeps the memory of this process, which holds values, out of core dumps and from debuggers of the same user. A system that
/// refuses that is told of in the log; all else works without.
pub fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // A limit that is lower already, or nothing at all, is never raised by this.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        let limit = getrlimit(Resource::Core).current;
        tracing::warn!(
            "core dumps could not be switched off, and may be written up to {limit:?} bytes: {error}"
        );
    }
    // Core dumps that a program is given by the kernel know no limit.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!("this process could not be made one that is not dumped: {error}");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn no_core_is_dumped() {
        super::keep_memory_private();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
