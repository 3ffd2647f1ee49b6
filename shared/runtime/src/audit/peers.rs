//! Decides which users may send audit records through a Unix socket: those whom the operator trusts.

use std::collections::BTreeSet;
use std::str::FromStr;

/// Where the system keeps the names of its users.
const USERS: &str = "/etc/passwd";

/// A user of this machine, written as a uid or as a name of `/etc/passwd`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Peer(u32);

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(uid) = text.parse() {
            return Ok(Self(uid));
        }
        let users = std::fs::read_to_string(USERS).unwrap_or_default();
        uid_of(text, &users).map(Self).ok_or_else(|| format!("{text}: no user of {USERS}; write its uid"))
    }
}

/// The users whose connections are read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peers {
    uids: BTreeSet<u32>,
    named: bool,
}

impl Peers {
    /// The user of this process, root, and those whom the operator names.
    pub fn new(named: &[Peer]) -> Self {
        let own = [rustix::process::geteuid().as_raw(), 0];
        Self { uids: named.iter().map(|peer| peer.0).chain(own).collect(), named: !named.is_empty() }
    }

    /// Whether the operator named any. Only then are others let to the socket at all.
    pub(super) fn are_named(&self) -> bool {
        self.named
    }

    pub(super) fn have(&self, uid: u32) -> bool {
        self.uids.contains(&uid)
    }

    /// Nobody but this user, not even root or the user of this process.
    #[cfg(test)]
    pub(super) fn only(uid: u32) -> Self {
        Self { uids: BTreeSet::from([uid]), named: true }
    }
}

/// The third field of the line that begins with the name.
fn uid_of(name: &str, users: &str) -> Option<u32> {
    let mut fields = users.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name) && !name.is_empty();
        found.then_some(fields)
    })?;
    fields.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_uids_and_names_of_users() {
        const FILE: &str = "root:x:0:0:root:/root:/bin/sh\n\nvault:x:100:1000::/vault:\nodd\nodder:x:me:\n";
        assert_eq!(uid_of("vault", FILE), Some(100));
        for nobody in ["", "vaul", "odd", "odder", "x"] {
            assert_eq!(uid_of(nobody, FILE), None, "{nobody}");
        }
        assert_eq!("4294967295".parse(), Ok(Peer(u32::MAX)));
        let unknown = "no-such-user-here".parse::<Peer>().unwrap_err();
        assert!(unknown.contains("no-such-user-here") && unknown.contains("write its uid"), "{unknown}");
    }

    #[test]
    fn the_user_of_the_process_and_root_need_no_name() {
        let peers = Peers::new(&[Peer(4242)]);
        assert!(peers.are_named() && !Peers::new(&[]).are_named());
        for uid in [0, rustix::process::geteuid().as_raw(), 4242] {
            assert!(peers.have(uid), "{uid}");
        }
        assert!(!peers.have(4243) && !Peers::new(&[]).have(4242));
    }
}
