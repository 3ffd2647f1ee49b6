//! The parts of an ExternalSecret that rendering looks at, spelled as in manifests.

use crate::given;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into as Becomes, KeyConversion, Merge, NullBytes, OnConflict,
    Rewrite, Template, TemplateAs, TemplateFrom, TemplateItem, TemplateObject, TemplateScope,
};
use pawl_domain::{Declaration, Find, Query, Read, Remote};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    #[serde(default)]
    data: Vec<DataForm>,
    #[serde(default)]
    data_from: Vec<FromForm>,
    #[serde(default)]
    target: TargetForm,
}

impl Spec {
    /// The declaration that this makes of the one that all tables start from.
    pub(super) fn declaration(&self) -> Declaration {
        let from = self.data_from.iter().enumerate().map(|(index, it)| it.read(index));
        let data = self.data.iter().enumerate().map(|(index, it)| it.read(index));
        let mut declaration = given::reading(from.chain(data));
        declaration.target.creation = self.target.creation_policy.unwrap_or_default();
        declaration.target.deletion = self.target.deletion_policy.unwrap_or_default();
        declaration.target.template = self.target.template.as_ref().map(TemplateForm::template);
        declaration
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TargetForm {
    creation_policy: Option<CreationPolicy>,
    deletion_policy: Option<DeletionPolicy>,
    template: Option<TemplateForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataForm {
    secret_key: String,
    remote_ref: RemoteForm,
}

impl DataForm {
    fn read(&self, index: usize) -> Read {
        self.remote_ref.read(format!("spec.data[{index}]"), Becomes::Key(self.secret_key.clone()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FromForm {
    extract: Option<RemoteForm>,
    find: Option<RemoteForm>,
    #[serde(default)]
    rewrite: Vec<RewriteForm>,
}

impl FromForm {
    fn read(&self, index: usize) -> Read {
        let form = self.extract.as_ref().or(self.find.as_ref()).expect("dataFrom has extract or find");
        let conversion = match form.conversion_strategy.as_deref() {
            None => None,
            Some("Unicode") => Some(KeyConversion::Unicode),
            Some(_) => Some(KeyConversion::Default),
        };
        let rewrite = self.rewrite.iter().map(RewriteForm::rewrite).collect();
        let read = form.read(format!("spec.dataFrom[{index}]"), Becomes::Every { conversion, rewrite });
        match self.find {
            Some(_) => Read { query: Query::Find(Find::default()), ..read },
            None => read,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RemoteForm {
    #[serde(default)]
    key: String,
    property: Option<String>,
    conversion_strategy: Option<String>,
    decoding_strategy: Option<String>,
    null_byte_policy: Option<NullBytes>,
    /// `Fetch` alone makes a difference.
    metadata_policy: Option<String>,
}

impl RemoteForm {
    fn read(&self, path: String, into: Becomes) -> Read {
        let remote = Remote {
            key: self.key.clone(),
            property: self.property.clone(),
            metadata: self.metadata_policy.as_deref() == Some("Fetch"),
            ..Remote::default()
        };
        Read {
            path,
            query: Query::Key(remote),
            into,
            decoding: decoding(self.decoding_strategy.as_deref()),
            null_bytes: self.null_byte_policy.unwrap_or_default(),
            ..given::read("")
        }
    }
}

fn decoding(name: Option<&str>) -> Decoding {
    match name {
        None | Some("None") => Decoding::None,
        Some("Base64") => Decoding::Base64,
        Some("Base64URL") => Decoding::Base64Url,
        Some("Auto") => Decoding::Auto,
        Some(other) => panic!("there is no decodingStrategy {other}"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum RewriteForm {
    Regexp {
        source: String,
        target: String,
    },
    Transform {
        template: String,
    },
    #[serde(rename_all = "camelCase")]
    Merge {
        strategy: Option<String>,
        into: Option<String>,
        #[serde(default)]
        priority: Vec<String>,
        priority_policy: Option<String>,
        conflict_policy: Option<OnConflict>,
    },
}

impl RewriteForm {
    fn rewrite(&self) -> Rewrite {
        match self {
            Self::Regexp { source, target } => {
                Rewrite::Regexp { source: source.clone(), target: target.clone() }
            }
            Self::Transform { template } => Rewrite::Transform { template: template.clone() },
            Self::Merge { strategy, into, priority, priority_policy, conflict_policy } => {
                Rewrite::Merge(Merge {
                    into: (strategy.as_deref() == Some("JSON")).then(|| into.clone().unwrap_or_default()),
                    priority: priority.clone(),
                    ignore_missing_priority: priority_policy.as_deref() == Some("IgnoreNotFound"),
                    on_conflict: conflict_policy.unwrap_or_default(),
                })
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TemplateForm {
    #[serde(rename = "type")]
    kind: Option<String>,
    merge_policy: Option<String>,
    #[serde(default)]
    metadata: MetadataForm,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    template_from: Vec<TemplateFromForm>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetadataForm {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl TemplateForm {
    fn template(&self) -> Template {
        let MetadataForm { labels, annotations } = self.metadata.clone();
        Template {
            kind: self.kind.clone(),
            merge: self.merge_policy.as_deref() == Some("Merge"),
            labels,
            annotations,
            data: self.data.clone(),
            from: self.template_from.iter().map(TemplateFromForm::from).collect(),
            ..Template::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TemplateFromForm {
    config_map: Option<ObjectForm>,
    secret: Option<ObjectForm>,
    literal: Option<String>,
    target: Option<String>,
    values_decoding_strategy: Option<String>,
}

impl TemplateFromForm {
    fn from(&self) -> TemplateFrom {
        let target = self.target.as_deref().unwrap_or("Data");
        TemplateFrom {
            config_map: self.config_map.as_ref().map(ObjectForm::object),
            secret: self.secret.as_ref().map(ObjectForm::object),
            literal: self.literal.clone(),
            scope: match target.to_lowercase().as_str() {
                "data" => TemplateScope::Data,
                "labels" => TemplateScope::Labels,
                "annotations" => TemplateScope::Annotations,
                _ => TemplateScope::Path(target.to_owned()),
            },
            decoding: decoding(self.values_decoding_strategy.as_deref()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectForm {
    name: String,
    items: Vec<ItemForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ItemForm {
    key: String,
    template_as: Option<TemplateAs>,
}

impl ObjectForm {
    fn object(&self) -> TemplateObject {
        let item = |item: &ItemForm| TemplateItem {
            key: item.key.clone(),
            as_what: item.template_as.unwrap_or_default(),
        };
        TemplateObject { name: self.name.parse().unwrap(), items: self.items.iter().map(item).collect() }
    }
}
