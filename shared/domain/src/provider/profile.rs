//! What must be known of a provider.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, VersionSelector};

/// What is particular to one kind of store: constants and small pure functions.
#[derive(Debug)]
pub struct Profile {
    /// The name in index keys, metrics, documents and `pawl.dev` events. It is stored, so it never changes.
    pub name: &'static str,
    /// The name in index keys. Providers that share it are told of by the same senders, which cannot tell them apart: a
    /// change of a key of one concerns that key of the other. It is stored, so it never changes.
    pub indexed_as: &'static str,
    /// What `spec.provider` of a manifest calls it; AWS has one name for several.
    pub spec_names: &'static [SpecName],
    /// Where its keys live.
    pub place: Place,
    /// The service in ARNs of its keys, where they have any.
    pub arn_service: Option<&'static str>,

    /// Every plain name that a key may mean, however it is written; the likeliest reading first. Two texts name one key if
    /// they share a name: one too many costs a look, one too few loses a rotation.
    pub names: fn(&str) -> Vec<String>,
    /// The names of those secrets of Secrets Manager that reading this key gives out.
    pub shows_secrets: fn(&str) -> Vec<String>,

    /// Reads `remoteRef.version`, which is not empty, as ESO does.
    pub selector: fn(&str) -> VersionSelector,
    /// The version that stands in the key itself.
    pub selector_in_key: fn(&str) -> Option<&str>,
    /// Whether versions can be told apart by age.
    pub order: Order,
    /// Whether senders name no version, so that the times of an answer and of a change are compared.
    pub compared_by_time: bool,
    /// Labels that move with the version in force, without a change of their own.
    pub labels_that_follow: &'static [&'static str],
    /// Whether what `metadataPolicy: Fetch` reads changes with the value.
    pub metadata_follows_value: bool,

    /// What such a store can; the settings of one may leave less of it.
    pub capabilities: Capabilities,
    /// Whether a search takes the last version of each key in the order of text, and not the one in force.
    pub finds_last_version: bool,
    /// Whether a search's names are converted before they are rewritten, and not only where nothing is rewritten.
    pub converts_found_names: bool,

    /// Whether values are JSON objects that are written anew: with sorted keys and some letters escaped.
    pub writes_objects_anew: bool,
    /// How a property is looked up.
    pub lookup: Lookup,
    /// How a property is looked up in what `metadataPolicy: Fetch` reads.
    pub metadata_lookup: Lookup,
    /// How `extract` turns the members of an object into texts.
    pub extract: Extract,
    /// The error of a property that is not there; of property and key.
    pub missing_property: fn(&str, &str) -> String,
    /// Whether a missing property counts as a missing key, which `deletionPolicy` may tolerate.
    pub missing_property_is_missing_key: bool,

    /// Why no key can have this name, with what to write instead.
    pub impossible_key: fn(&str) -> Option<&'static str>,
    /// What this `version` is read as that it was hardly meant to be, with what to write instead.
    pub doubtful_version: fn(&str) -> Option<String>,
}

impl Profile {
    /// A store on a server of its own, by ESO's name of it: its keys are plain names without versions, only a value tells that
    /// it changed, and nothing is known of a key beside its value. A store that is otherwise says so.
    pub(super) const fn of_server(
        name: &'static str,
        spec_names: &'static [SpecName],
        lookup: Lookup,
        extract: Extract,
    ) -> Self {
        Self {
            name,
            indexed_as: name,
            spec_names,
            place: Place::Server,
            arn_service: None,
            names: |text| vec![text.to_owned()],
            shows_secrets: |_| Vec::new(),
            selector: |_| VersionSelector::Current,
            selector_in_key: |_| None,
            order: Order::Unordered { in_force: "" },
            compared_by_time: false,
            labels_that_follow: &[],
            // ESO passes over metadataPolicy, so it is the value.
            metadata_follows_value: true,
            capabilities: Capabilities {
                changes: Changes::Untold,
                lists_labels: false,
                versions: false,
                labels: false,
                reads_values: true,
                searches_lag: false,
            },
            finds_last_version: false,
            converts_found_names: false,
            writes_objects_anew: false,
            lookup,
            metadata_lookup: lookup,
            extract,
            missing_property,
            missing_property_is_missing_key: false,
            impossible_key: |_| None,
            doubtful_version: |_| {
                Some("has no effect: such a store gives the version in force only; leave it out".to_owned())
            },
        }
    }
}

/// One of ESO's names of a provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpecName {
    /// The field of `spec.provider`.
    pub name: &'static str,
    /// What ESO says in `status.capabilities`; whether Pawl pushes to it is another question.
    pub capabilities: &'static str,
    /// Whether somebody looks after it in ESO.
    pub is_maintained: bool,
}

impl SpecName {
    /// What is known of the provider that a manifest calls so.
    pub fn of(name: &str) -> Option<Self> {
        let all = super::Provider::ALL.into_iter().flat_map(|provider| provider.profile().spec_names);
        all.copied().find(|known| known.name == name)
    }
}

/// Where keys live, which decides what a [`Location`](crate::Location) of them has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the store's own manifest: neither region nor account.
    Manifest,
    /// In a region of a cloud; the account is a number.
    Region,
    /// On a server, whose address stands for the account.
    Server,
    /// In a project of a cloud, which stands for the account, and perhaps in one region of it alone.
    Project,
}

/// Whether two versions of a key can be told apart by age.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Numbers that only grow while a key lives: an older one is never written over a newer one by accident.
    Number,
    /// By the time of their making, which the store tells with each answer: the youngest is in force.
    Time,
    /// They cannot be compared. Which of them is in force, a label tells.
    Unordered {
        /// The label of the version in force; empty where versions carry none.
        in_force: &'static str,
    },
}

/// How a property is looked up in a value. Source: ESO's providers, which differ in the order of what they try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// As a path.
    Path,
    /// A property with dots is one name first, then a path.
    NameWithDotsFirst,
    /// The member of exactly this name first, then a path.
    MemberFirst,
    /// The member of exactly this name, and nothing else.
    Member,
    /// A property with a dot behind its first letter is one name first, then a path; and only in valid JSON.
    NameWithInnerDotsFirst,
    /// `<member>.<name>` is the member of exactly this name in a member, dots included; `<member>` the whole of it.
    MemberOfMember,
    /// A tag of this name, or a path within the tag whose name stands before the first dot, then one name with dots there.
    Tag,
    /// As a path first, then as one name with dots.
    PathFirst {
        /// Keys that begin so have no properties: their values are taken whole.
        whole: &'static str,
    },
    /// As a path; what it names is taken as the JSON that stands there, unless it is a text.
    RawPath,
    /// As a path; what it names is taken as the JSON that stands there, unless it is a text or null, which is an empty one.
    RawPathOrEmpty,
    /// As a path to a text; anything else that it names is an empty one.
    TextPath,
    /// The member of exactly this name as the JSON that stands there: texts keep their quotes.
    QuotedMember,
    /// The member of exactly this name; null is the text `null`.
    MemberWithNull,
    /// The first member of exactly this name in a list of objects.
    MemberOfItems,
    /// The member of exactly this name, where all members are texts.
    MemberOfTexts,
    /// The member of exactly this name; the one that is named here where nothing is declared.
    MainMember {
        /// Its name.
        main: &'static str,
    },
    /// Not at all: what is declared is passed over.
    Ignored,
    /// Values are [entries](crate::entries). The entry of exactly this name first, then a path in the one before the dot.
    Entries,
    /// Values are [parts](crate::parts), which say what a property is.
    Parts,
    /// Values are [items](crate::item): the one field, or the first file, that is called so. The store is told the property,
    /// and gives no files but those that it names.
    Item,
    /// Not here: the store is told the property and the version ([`Told`](crate::query::Told)), and all that it gives is the
    /// answer.
    Told,
}

/// How `extract` turns the members of an object into texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extract {
    /// Texts as they are, anything else as the JSON that stands there.
    Raw,
    /// Read and printed anew, every number as a float.
    Printed,
    /// Texts alone: with anything else among them, nothing is taken.
    Texts,
    /// As the JSON that stands there: texts keep their quotes.
    Quoted,
    /// Members are objects, of which `value` is printed anew.
    Wrapped,
    /// As `Raw`; null is the text `null`.
    RawWithNull,
    /// The members of all objects in a list, which are texts; of equal names the last counts.
    Items,
    /// One entry, by the key's name: the whole value.
    ByKey,
    /// As `Raw`. Of metadata, each tag by the names of key and tag; a tag that holds an object of texts becomes one entry for
    /// each of these.
    RawOrTags,
    /// As [`Extract::Raw`]; what is no object is one entry, `value`.
    RawOrValue,
    /// Values are [entries](crate::entries), each of which is taken as it is; of one that a property names, the members of
    /// its object as JSON.
    Entries,
    /// Values are [parts](crate::parts), which say what there is.
    Parts,
    /// Of YAML, and so of JSON: texts as they are, objects written anew as YAML, anything else as Go prints it.
    Yaml,
    /// Values are [items](crate::item), each of whose fields or files is an entry; or those that a property names.
    Item,
    /// As `Printed`, and also of an object that stands in a JSON text. `null` is no object.
    Packed,
}
