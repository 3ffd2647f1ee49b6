use pawl_domain::declaration::{
    CreationPolicy, DeletionPolicy, Engine, Manifest, Target, Template, TemplateAs, TemplateFrom,
    TemplateItem, TemplateObject, TemplateScope,
};

fields!(Target {
    "name" => must name,
    "creation" => may creation,
    "deletion" => may deletion,
    "immutable" => may immutable,
    "template" => may template,
    "manifest" => may manifest,
});

choices!(CreationPolicy {
    "Owner" => Owner,
    "Orphan" => Orphan,
    "Merge" => Merge,
    "None" => None,
    "CreateOrMerge" => CreateOrMerge,
});

choices!(DeletionPolicy {
    "Delete" => Delete,
    "Merge" => Merge,
    "Retain" => Retain,
});

fields!(Manifest {
    "api_version" => must api_version,
    "kind" => must kind,
});

fields!(Template {
    "engine" => may engine,
    "kind" => may kind,
    "merge" => may merge,
    "labels" => may labels,
    "annotations" => may annotations,
    "finalizers" => may finalizers,
    "data" => may data,
    "from" => may from,
});

choices!(Engine {
    "V2" => V2,
});

fields!(TemplateFrom {
    "config_map" => may config_map,
    "secret" => may secret,
    "literal" => may literal,
    "scope" => may scope,
    "decoding" => may decoding,
});

fields!(TemplateObject {
    "name" => must name,
    "items" => may items,
});

fields!(TemplateItem {
    "key" => must key,
    "as_what" => may as_what,
});

choices!(TemplateAs {
    "Values" => Values,
    "KeysAndValues" => KeysAndValues,
});

choices!(TemplateScope {
    "Data" => Data,
    "Labels" => Labels,
    "Annotations" => Annotations,
    "Path" => Path(path),
});
