//! When a change needs no look at all, because its version is what was written last.

use crate::affected::change;
use crate::given::{part, read, reading, store, version};
use jiff::Timestamp;
use pawl_domain::Provider::SecretsManager;
use pawl_domain::record::State;
use pawl_domain::{Complaint, Failure, Kind, Moved, Outcome, Record, Step, Versions};

fn written(versions: &[Option<&str>], state: State) -> (pawl_domain::Declaration, Record) {
    let declaration = reading([read("app/db"), read("other"), read("app/db")]);
    let mut record = Record::pending(&declaration, Timestamp::UNIX_EPOCH);
    record.versions =
        versions.iter().map(|id| id.map_or(Versions::Missing, |id| Versions::One(version(id)))).collect();
    record.state = state;
    (declaration, record)
}

fn failed() -> State {
    let (step, kind, complaint) = (Step::Write, Kind::Transient, Complaint::Update);
    State::Failed(Failure { step, kind, message: "x".into(), complaint, attempts: 1 })
}

#[test]
fn a_change_is_old_news_only_when_every_concerned_read_was_written_in_its_version() {
    let settled = State::Settled(Outcome::Written);
    for (name, versions, state, says, moved, want) in [
        (
            "all in it",
            &[Some("v2"), Some("x"), Some("v2")][..],
            settled.clone(),
            Some("v2"),
            Moved::Current,
            true,
        ),
        (
            "nothing to write then",
            &[Some("v2"), None, Some("v2")],
            State::Settled(Outcome::Unchanged),
            Some("v2"),
            Moved::Current,
            true,
        ),
        (
            "one not in it",
            &[Some("v2"), Some("v2"), Some("v1")],
            settled.clone(),
            Some("v2"),
            Moved::Current,
            false,
        ),
        ("a newer one", &[Some("v1"), None, Some("v1")], settled.clone(), Some("v2"), Moved::Current, false),
        (
            "an older one, late",
            &[Some("v2"), None, Some("v2")],
            settled.clone(),
            Some("v1"),
            Moved::Current,
            false,
        ),
        ("no version said", &[Some("v2"), None, Some("v2")], settled.clone(), None, Moved::Current, false),
        ("it was missing", &[None, None, None], settled.clone(), Some("v2"), Moved::Current, false),
        ("versions too few", &[Some("v2")], settled.clone(), Some("v2"), Moved::Current, false),
        ("never written", &[], State::Pending, Some("v2"), Moved::Current, false),
        ("waiting", &[Some("v2"), None, Some("v2")], State::Pending, Some("v2"), Moved::Current, false),
        ("failed since", &[Some("v2"), None, Some("v2")], failed(), Some("v2"), Moved::Current, false),
        (
            "no read is concerned",
            &[Some("v2"), None, Some("v2")],
            settled,
            Some("v2"),
            Moved::Label("blue".into()),
            false,
        ),
    ] {
        let (declaration, record) = written(versions, state);
        let mut change = change(SecretsManager, &["app/db"], moved);
        change.version = says.map(str::to_owned);
        let store = store(SecretsManager);
        let got = record.is_current(&change, &declaration, |id| (*id == store.id).then_some(&store));
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn a_record_of_another_declaration_says_nothing() {
    let (mut declaration, record) =
        written(&[Some("v2"), None, Some("v2")], State::Settled(Outcome::Written));
    let mut change = change(SecretsManager, &["app/db"], Moved::Current);
    change.version = Some("v2".into());
    let store = store(SecretsManager);
    declaration.reads[0] = part("password", read("app/db"));
    assert!(!record.is_current(&change, &declaration, |id| (*id == store.id).then_some(&store)));
}
