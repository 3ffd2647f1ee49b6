//! What the cluster holds: objects by kind, namespace and name, and the recent changes for those who watch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::delete::has_finalizers;

/// Namespace (empty for cluster-scoped kinds) and name.
pub(crate) type Key = (String, String);

/// A stored object, in its kind's preferred version.
pub(crate) type Object = Arc<Value>;

/// The current time, injected by the options.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Changes kept for watches that resume; older ones are answered with 410.
const LOG_LIMIT: usize = 20_000;

/// What happened to an object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) storage: &'static str,
    pub(crate) namespace: String,
    /// The object before; none for a creation.
    pub(crate) before: Option<Object>,
    /// The object after; for a deletion its last state.
    pub(crate) object: Object,
    pub(crate) deleted: bool,
}

/// The store behind its lock. Sections under the lock are short and never await.
pub(crate) struct Store {
    state: Mutex<State>,
    newest: watch::Sender<u64>,
    clock: Clock,
    /// Whether the garbage collector and the namespace controller are played too.
    pub(crate) controllers: bool,
}

/// The content of the store.
#[derive(Debug)]
pub(crate) struct State {
    version: u64,
    /// The oldest version that a watch may resume from.
    floor: u64,
    objects: HashMap<&'static str, BTreeMap<Key, Object>>,
    /// Owner's uid → what it owns.
    owned: HashMap<String, BTreeSet<(&'static str, Key)>>,
    /// The uids of objects that are gone, where the garbage collector is played.
    gone: Option<HashSet<String>>,
    log: VecDeque<Change>,
}

impl Store {
    pub(crate) fn new(clock: Clock, controllers: bool) -> Self {
        let state = State {
            version: 1,
            floor: 1,
            objects: HashMap::new(),
            owned: HashMap::new(),
            gone: controllers.then(HashSet::new),
            log: VecDeque::new(),
        };
        Self { state: Mutex::new(state), newest: watch::Sender::new(1), clock, controllers }
    }

    /// Runs `section` under the lock, then wakes the watches if it changed something.
    pub(crate) fn with<T>(&self, section: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let out = section(&mut state);
        let version = state.version;
        drop(state);
        self.newest.send_if_modified(|newest| std::mem::replace(newest, version) != version);
        out
    }

    /// Wakes whenever the version grows.
    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The current time as `metadata` carries it: RFC 3339 to the second.
    pub(crate) fn now_text(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    // A panic under the lock is a failed test's; what is stored is whole, since objects are replaced at once.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn get(&self, storage: &str, namespace: &str, name: &str) -> Option<Object> {
        let key = (namespace.to_owned(), name.to_owned());
        self.objects.get(storage)?.get(&key).cloned()
    }

    /// The objects of one namespace, or of all when it is empty, in the order of their keys.
    pub(crate) fn list(&self, storage: &str, namespace: &str) -> impl Iterator<Item = (&Key, &Object)> {
        let start = (namespace.to_owned(), String::new());
        self.objects
            .get(storage)
            .into_iter()
            .flat_map(move |objects| objects.range(start.clone()..))
            .take_while(move |(key, _)| namespace.is_empty() || key.0 == namespace)
    }

    /// Stores an object under the next version and returns it as stored.
    pub(crate) fn put(&mut self, storage: &'static str, mut object: Value) -> Object {
        self.version += 1;
        let key = key_of(&object);
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let before = self.objects.entry(storage).or_default().insert(key.clone(), Arc::clone(&object));
        if let Some(before) = &before {
            self.disown(storage, &key, before);
        }
        for uid in owners(&object) {
            self.owned.entry(uid.to_owned()).or_default().insert((storage, key.clone()));
        }
        self.record(storage, key.0.clone(), before, Arc::clone(&object), false);
        if self.is_orphan(&object) {
            self.remove(storage, &key, (*object).clone());
        }
        object
    }

    /// Whether the garbage collector takes an object at once: it names owners, and all of them are gone.
    fn is_orphan(&self, object: &Value) -> bool {
        let Some(gone) = self.gone.as_ref().filter(|_| !has_finalizers(object)) else { return false };
        let mut owners = owners(object).peekable();
        owners.peek().is_some() && owners.all(|uid| gone.contains(uid))
    }

    /// Removes an object; `last` is its last state, which the watches are told.
    pub(crate) fn remove(&mut self, storage: &'static str, key: &Key, mut last: Value) {
        let Some(before) = self.objects.get_mut(storage).and_then(|objects| objects.remove(key)) else {
            return;
        };
        self.version += 1;
        self.disown(storage, key, &before);
        if let Some(gone) = &mut self.gone {
            gone.insert(text(&last, "/metadata/uid").to_owned());
        }
        last["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.record(storage, key.0.clone(), Some(before), Arc::new(last), true);
    }

    /// What the object with this uid owns.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<(&'static str, Key)> {
        self.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Everything in a namespace.
    pub(crate) fn content_of(&self, namespace: &str) -> Vec<(&'static str, Key)> {
        let storages: Vec<&'static str> = self.objects.keys().copied().collect();
        storages
            .into_iter()
            .flat_map(|storage| self.list(storage, namespace).map(move |(key, _)| (storage, key.clone())))
            .filter(|(_, key)| key.0 == namespace)
            .collect()
    }

    /// The changes after a version, oldest first.
    pub(crate) fn changes_after(&self, version: u64) -> impl Iterator<Item = &Change> {
        let start = self.log.partition_point(|change| change.version <= version);
        self.log.range(start..)
    }

    /// Forgets all changes, as etcd's compaction does.
    pub(crate) fn compact(&mut self) {
        self.log.clear();
        self.version += 1;
        self.floor = self.version;
    }

    fn record(
        &mut self,
        storage: &'static str,
        namespace: String,
        before: Option<Object>,
        object: Object,
        deleted: bool,
    ) {
        self.log.push_back(Change { version: self.version, storage, namespace, before, object, deleted });
        if self.log.len() > LOG_LIMIT
            && let Some(forgotten) = self.log.pop_front()
        {
            self.floor = forgotten.version;
        }
    }

    fn disown(&mut self, storage: &'static str, key: &Key, object: &Value) {
        for uid in owners(object) {
            if let Some(owned) = self.owned.get_mut(uid) {
                owned.remove(&(storage, key.clone()));
                if owned.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
    }
}

/// Access by a JSON pointer whose names need no escapes: much cheaper than serde_json's own, and it is used often.
pub(crate) trait At {
    /// The value at the pointer.
    fn at(&self, pointer: &str) -> Option<&Value>;
}

impl At for Value {
    fn at(&self, pointer: &str) -> Option<&Value> {
        pointer.split('/').skip(1).try_fold(self, |value, name| match value {
            Self::Object(map) => map.get(name),
            Self::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text<'a>(object: &'a Value, at: &str) -> &'a str {
    object.at(at).and_then(Value::as_str).unwrap_or_default()
}

/// Namespace and name of an object.
pub(crate) fn key_of(object: &Value) -> Key {
    (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    let owners = object.at("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str())
}
