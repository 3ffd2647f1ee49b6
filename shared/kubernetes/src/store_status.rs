//! Writes to stores that live in a cluster how they were validated: the Ready condition, capabilities, Events.
//!
//! What a status says already is known from the listing that the store was found in, so nothing is read, and nothing is
//! written where nothing is new. Source of fields, reasons and messages: ESO's controller of stores, version 2.9.

use crate::call::{Call, Verb, sealed};
use crate::connect::Link;
use crate::eso::{EsoKind, api_version};
use crate::status::event::{self, About, COMPONENT, Note};
use crate::status::ready::word;
use crate::status::time;
use pawl_domain::provider::SpecName;
use pawl_domain::{Standing, Step, StoreId, Verdict};
use pawl_ports::{ClusterIdentity, Error, StoreStatus, Validity};
use serde_json::{Value, json};

pub(crate) async fn publish<I: ClusterIdentity>(
    link: &Link<I>,
    id: &StoreId,
    status: &StoreStatus,
) -> Result<(), Error> {
    let (standing, verdict) = (&status.standing, status.validity.verdict());
    let capabilities = capabilities(&standing.provider);
    let turned = standing.ready.as_ref() != Some(&verdict);
    let kind = if id.namespace.is_some() { EsoKind::SecretStore } else { EsoKind::ClusterSecretStore };
    let resource = kind.resource(link.served());
    if turned || standing.capabilities != capabilities {
        let patch = patch(status, &verdict, capabilities);
        let mut call = Call::new(Step::Record, Verb::Patch, &resource);
        if let Some(namespace) = &id.namespace {
            call = call.namespace(namespace.as_str());
        }
        let call = call
            .name(id.name.as_str())
            .subresource("status")
            .query("fieldManager", COMPONENT)
            .metadata_only()
            .body("application/merge-patch+json", sealed(&patch, 1024));
        // Whoever deleted it in between wants to hear nothing more.
        if link.send(&call).await?.or_missing(&call, link.name())?.is_none() {
            return Ok(());
        }
    }
    if !turned && !status.edited {
        return Ok(());
    }
    let about = About {
        api_version: api_version(link.served()),
        kind: resource.kind,
        namespace: id.namespace.as_ref().map(|namespace| namespace.as_str()),
        name: id.name.as_str(),
        uid: &standing.uid,
        resource_version: "",
    };
    for note in notes(status) {
        event::record(link, &about, &note, status.at, !turned).await?;
    }
    Ok(())
}

/// What an object of an API server says of itself.
pub(crate) fn standing(object: &Value) -> Standing {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let providers = object.pointer("/spec/provider").and_then(Value::as_object);
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let of = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    Standing {
        uid: text("/metadata/uid"),
        provider: providers.and_then(|fields| fields.keys().next()).cloned().unwrap_or_default(),
        capabilities: text("/status/capabilities"),
        ready: ready.map(|condition| Verdict {
            is_ready: condition["status"] == "True",
            reason: of(condition, "reason"),
            message: of(condition, "message"),
        }),
        since: ready.map(|condition| of(condition, "lastTransitionTime")).filter(|since| !since.is_empty()),
        ignores_maintenance: text(IGNORES_MAINTENANCE) == "true",
    }
}

const IGNORES_MAINTENANCE: &str = "/metadata/annotations/external-secrets.io~1ignore-maintenance-checks";

/// What ESO says that can be done with a store of this provider.
fn capabilities(provider: &str) -> &'static str {
    SpecName::of(provider).map_or("ReadWrite", |known| known.capabilities)
}

fn patch(status: &StoreStatus, verdict: &Verdict, capabilities: &str) -> Value {
    let standing = &status.standing;
    let stays = standing.ready.as_ref().is_some_and(|ready| ready.is_ready == verdict.is_ready);
    let since = standing.since.clone().filter(|_| stays).unwrap_or_else(|| time(status.at));
    json!({ "status": {
        "capabilities": capabilities,
        "conditions": [{
            "type": "Ready",
            "status": word(verdict.is_ready),
            "reason": verdict.reason,
            "message": verdict.message,
            "lastTransitionTime": since,
        }],
    } })
}

fn notes(status: &StoreStatus) -> Vec<Note> {
    let mut notes = match &status.validity {
        Validity::Valid => vec![Note::normal("Valid", "store validated")],
        Validity::Unknown => Vec::new(),
        Validity::NoClient(why) | Validity::Refused(why) | Validity::NotAllowed(_, why) => {
            vec![Note::warning("InvalidProviderConfig", why)]
        }
    };
    let unmaintained = SpecName::of(&status.standing.provider).is_some_and(|known| !known.is_maintained);
    if unmaintained && !status.standing.ignores_maintenance {
        notes.push(Note::warning("StoreUnmaintained", UNMAINTAINED));
    }
    notes
}

const UNMAINTAINED: &str = "store isn't currently maintained. Please plan and prepare accordingly.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_time_while_its_status_stays() {
        let object = json!({
            "metadata": { "uid": "u", "annotations": { "external-secrets.io/ignore-maintenance-checks": "true" } },
            "spec": { "provider": { "fake": {} } },
            "status": { "capabilities": "ReadWrite", "conditions": [
                { "type": "Ready", "status": "True", "reason": "Valid", "message": "store validated", "lastTransitionTime": "t" },
            ] },
        });
        let standing = standing(&object);
        assert_eq!(standing.ready, Some(Validity::Valid.verdict()));
        assert!(standing.ignores_maintenance);
        let status = |validity| StoreStatus {
            at: "2026-11-22T05:00:00Z".parse().unwrap(),
            standing: standing.clone(),
            validity,
            edited: true,
        };
        for (validity, since) in
            [(Validity::Unknown, "t"), (Validity::NoClient("why".to_owned()), "2026-11-22T05:00:00Z")]
        {
            let status = status(validity);
            let patch = patch(&status, &status.validity.verdict(), "ReadWrite");
            assert_eq!(patch["status"]["conditions"][0]["lastTransitionTime"], since);
        }
        assert_eq!(notes(&status(Validity::Valid)), [Note::normal("Valid", "store validated")]);
    }
}
