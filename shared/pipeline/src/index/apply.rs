//! What an apply may do: which set the manifests belong to, and what they may change.

use pawl_domain::cluster::{Connection, TokenSource, is_same_url};
use pawl_domain::spread::Pattern;
use pawl_domain::{
    Cluster, Declaration, Home, Kind, Manifests, PushSecret, SetName, Step, Store, StorePolicy,
};
use pawl_ports::{Error, Put};
use std::collections::BTreeMap;

/// How manifests that are handed to Pawl are taken in.
#[derive(Clone, Debug, Default)]
pub struct Apply {
    /// Whose they are. What belongs to another set is neither changed nor removed.
    pub set: SetName,
    /// Whether what belongs to other sets may be changed, and belongs to this one from then on.
    pub take_over: bool,
    /// Whether what this set applied before and is not among the manifests is removed.
    pub prune: bool,
    /// Whether a prune may remove most of the set.
    pub prune_most: bool,
    /// Whether there was not one file where they should be: then nothing is removed.
    pub found_nothing: bool,
    /// What Clusters among the manifests may do.
    pub clusters: ClusterRights,
}

/// What Clusters among manifests may do. Whoever declares a Cluster says where Secrets are sent, and with whose credentials.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum ClusterRights {
    /// Nothing: one that is not known as it stands is refused.
    #[default]
    None,
    /// New ones are taken in. The connection of a known one stays as it is.
    Add,
    /// Connections of known ones may change.
    Change,
}

impl Apply {
    /// What putting this store would do, or why it may not be put.
    ///
    /// # Errors
    /// `Invalid` when it belongs to another set.
    pub(crate) fn store(&self, standing: Option<&Store>, given: &Store) -> Result<Taken, Error> {
        let Some(standing) = standing else { return Ok(Taken::New) };
        let same = standing.declares_as(given);
        let taken = self.taken(standing.set.as_ref(), &given.id.home, same)?;
        let relabelled = matches!(taken, Taken::Same) && standing.labels != given.labels;
        Ok(if relabelled { Taken::Adopted } else { taken })
    }

    /// The same of a declaration.
    ///
    /// # Errors
    /// As for stores.
    pub(crate) fn declaration(
        &self,
        standing: Option<&Declaration>,
        given: &Declaration,
    ) -> Result<Taken, Error> {
        let Some(standing) = standing else { return Ok(Taken::New) };
        let same = standing.declares_as(given);
        let taken = self.taken(standing.set.as_ref(), &given.home, same)?;
        let made_otherwise = matches!(taken, Taken::Same) && standing.pattern != given.pattern;
        Ok(if made_otherwise { Taken::Adopted } else { taken })
    }

    /// The same of a PushSecret.
    ///
    /// # Errors
    /// As for stores.
    pub(crate) fn push(&self, standing: Option<&PushSecret>, given: &PushSecret) -> Result<Taken, Error> {
        let Some(standing) = standing else { return Ok(Taken::New) };
        let same = *standing == PushSecret { set: standing.set.clone(), ..given.clone() };
        self.taken(standing.set.as_ref(), &given.home, same)
    }

    /// The same of an applied ClusterExternalSecret.
    ///
    /// # Errors
    /// As for stores.
    pub(crate) fn pattern(&self, standing: Option<&Pattern>, given: &Pattern) -> Result<Taken, Error> {
        let Some(standing) = standing else { return Ok(Taken::New) };
        self.taken(standing.set(), &Home::Applied, standing.declares_as(given))
    }

    fn taken(&self, owner: Option<&SetName>, home: &Home, same: bool) -> Result<Taken, Error> {
        match owner {
            // What lives in a cluster belongs to that.
            _ if *home != Home::Applied => Ok(if same { Taken::Same } else { Taken::Edited }),
            Some(owner) if *owner == self.set => Ok(if same { Taken::Same } else { Taken::Edited }),
            Some(owner) if !self.take_over => Err(belongs_to(owner)),
            _ => Ok(if same { Taken::Adopted } else { Taken::Edited }),
        }
    }

    /// Writes into manifests whose they are.
    pub(crate) fn sign(&self, manifests: &mut Manifests) {
        let set = |home: &Home| (*home == Home::Applied).then(|| self.set.clone());
        for each in &mut manifests.declarations {
            each.set = set(&each.home);
        }
        for each in &mut manifests.patterns {
            each.declaration.set = Some(self.set.clone());
        }
        for each in &mut manifests.stores {
            each.set = set(&each.id.home);
        }
        for each in &mut manifests.pushes {
            each.set = set(&each.home);
        }
    }

    /// What putting this Cluster would do, or why it may not be put. `known` are the clusters that stand.
    ///
    /// # Errors
    /// `Denied` when these rights do not allow it.
    pub(crate) fn cluster(&self, known: &BTreeMap<String, Cluster>, given: &Cluster) -> Result<Put, Error> {
        let denied = |message: String| Err(Error::new(Step::Lookup, Kind::Denied, message));
        let standing = known.get(given.name.as_str());
        if standing == Some(given) {
            return Ok(Put::Unchanged);
        }
        if self.clusters == ClusterRights::None {
            let message =
                "is new or changed, and Clusters are an administrator's: apply it with pawl apply --clusters";
            return denied(message.to_owned());
        }
        if let Some(standing) = standing
            && standing.connection != given.connection
            && self.clusters < ClusterRights::Change
        {
            return denied(format!(
                "would lead elsewhere: it is {} and would be {}; if that is meant, apply it with \
                 --allow-cluster-changes",
                standing.connection.shown(),
                given.connection.shown()
            ));
        }
        let others = known.values().filter(|other| other.name != given.name);
        if let Some((token, at)) = others.filter_map(|other| sent_elsewhere(given, other)).next()
            && self.clusters < ClusterRights::Change
        {
            return denied(format!(
                "would send the token in {} to another server than {at}, which it is used for; give each cluster a \
                 token of its own, or apply it with --allow-cluster-changes",
                token.shown()
            ));
        }
        Ok(if standing.is_some() { Put::Changed } else { Put::Created })
    }

    /// What putting these policies would do, or why they may not be put: as a whole, for a policy may limit another.
    ///
    /// # Errors
    /// `Denied` when one of them is new or changed and these rights do not allow it.
    pub(crate) fn policies(&self, known: &[StorePolicy], given: &[StorePolicy]) -> Result<(), Error> {
        if self.clusters != ClusterRights::None || given.iter().all(|policy| known.contains(policy)) {
            return Ok(());
        }
        let message = "is new or changed, and StorePolicies are an administrator's: apply it with pawl apply --clusters";
        Err(Error::new(Step::Lookup, Kind::Denied, message))
    }
}

/// What is found in the place of a manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    /// Nothing.
    New,
    /// Something else.
    Edited,
    /// The same, of another set or of none, or made of something else.
    Adopted,
    /// The same.
    Same,
}

impl Taken {
    /// How it is reported.
    pub(crate) fn put(self) -> Put {
        match self {
            Self::New => Put::Created,
            Self::Edited | Self::Adopted => Put::Changed,
            Self::Same => Put::Unchanged,
        }
    }
}

/// The token that two clusters share although they are not the same server, and the other's server.
fn sent_elsewhere<'a>(given: &'a Cluster, other: &'a Cluster) -> Option<(&'a TokenSource, &'a str)> {
    match (&given.connection, &other.connection) {
        (Connection::Url { url, token, .. }, Connection::Url { url: at, token: same, .. })
            if token == same && !is_same_url(url, at) =>
        {
            Some((token, at))
        }
        _ => None,
    }
}

fn belongs_to(owner: &SetName) -> Error {
    let message = format!(
        "it belongs to set {owner}; apply it with --set {owner}, or make it this set's with --take-over"
    );
    Error::new(Step::Lookup, Kind::Invalid, message)
}
