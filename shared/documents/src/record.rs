use crate::part::{Fault, Out, Part};
use pawl_domain::record::{
    Begun, Cause, Declared, FormerTarget, Generated, History, Made, MovedKey, Owed, State, TargetState, Told,
    Written,
};
use pawl_domain::{Complaint, Failure, Kind, Outcome, Record, Step, Version, Versions};

fields!(Record {
    "declaration" => must declaration,
    "versions" => may versions,
    "digest" => may digest,
    "inputs" => may inputs,
    "target" => may target,
    "at" => must at,
    "refreshed" => may refreshed,
    "state" => must state,
    "unsettled_since" => later unsettled_since,
    "not_before" => later not_before,
    "drifted" => later drifted,
    "owed" => later owed,
    "told" => later told,
    "begun" => later begun,
    "history" => later history,
    "generated" => later generated,
});

fields!(Generated {
    "made" => must made,
    "basis" => must basis,
    "data" => may data,
    "digest" => later digest,
    "labels" => may labels,
    "annotations" => may annotations,
});

fields!(Made {
    "by" => must by,
    "at" => must at,
    "expires" => may expires,
});

/// A list of writes, the oldest first.
impl Part for History {
    fn write(&self, out: &mut Out) {
        self.writes().to_vec().write(out);
    }

    fn read(value: serde_json::Value) -> Result<Self, Fault> {
        Vec::read(value).map(Self::of)
    }
}

fields!(Written {
    "at" => must at,
    "cause" => must cause,
    "seconds" => later seconds,
    "deleted" => later deleted,
    "keys" => later keys,
    "more" => later more,
});

fields!(MovedKey {
    "key" => must key,
    "version" => later version,
});

choices!(Cause {
    "edit" => Edit,
    "event" => Event,
    "sweep" => Sweep,
    "drift" => Drift,
    "hand" => Hand,
});

fields!(Begun {
    "declaration" => must declaration,
    "times" => must times,
});

choices!(Versions {
    "Missing" => Missing,
    "One" => One(version),
    "Many" => Many(found),
    "Uncounted" => Uncounted,
});

fields!(Version {
    "id" => must id,
    "since" => may since,
});

fields!(TargetState {
    "name" => must name,
    "manifest" => later manifest,
    "resource_version" => may resource_version,
    "declared" => later declared,
});

fields!(Owed {
    "declared" => later declared,
    "changes" => later changes,
    "targets" => later targets,
    "target" => later target,
    "removed" => later removed,
    "older_since" => later older_since,
});

fields!(Declared {
    "digest" => must digest,
    "at" => must at,
});

fields!(FormerTarget {
    "name" => must name,
    "manifest" => later manifest,
});

fields!(Told {
    "ready" => must ready,
    "digest" => must digest,
});

choices!(State {
    "Settled" => Settled(outcome),
    "Pending" => Pending,
    "Failed" => Failed(failure),
});

choices!(Outcome {
    "written" => Written,
    "unchanged" => Unchanged,
    "deleted" => Deleted,
    "retained" => Retained,
    "target-missing" => TargetMissing,
    "not-wanted" => NotWanted,
    "queued" => Queued,
});

fields!(Failure {
    "step" => must step,
    "kind" => must kind,
    "message" => may message,
    "complaint" => (Complaint::of(Step::Fetch)) complaint,
    "attempts" => may attempts,
});

choices!(Step {
    "lookup" => Lookup,
    "authenticate" => Authenticate,
    "fetch" => Fetch,
    "render" => Render,
    "read" => Read,
    "write" => Write,
    "record" => Record,
    "enqueue" => Enqueue,
    "push" => Push,
});

choices!(Kind {
    "conflict" => Conflict,
    "denied" => Denied,
    "invalid" => Invalid,
    "not-found" => NotFound,
    "refused" => Refused,
    "stale" => Stale,
    "throttled" => Throttled,
    "transient" => Transient,
    "unreachable" => Unreachable,
});

choices!(Complaint {
    "provider" => Provider,
    "delete" => Delete,
    "update" => Update,
    "immutable" => Immutable,
    "ownership" => Ownership,
    "owned-by-another" => OwnedByAnother,
    "generic-target" => GenericTarget,
    "refused" => Refused(rule),
});
