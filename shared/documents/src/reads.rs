use pawl_domain::declaration::{
    Decoding, Find, Into, KeyConversion, Merge, NullBytes, OnConflict, Query, Read, Remote, Rewrite,
};

fields!(Read {
    "path" => may path,
    "store" => must store,
    "query" => must query,
    "into" => must into,
    "decoding" => may decoding,
    "null_bytes" => may null_bytes,
});

choices!(Query {
    "Key" => Key(remote),
    "Find" => Find(find),
    "Generate" => Generate,
});

fields!(Remote {
    "key" => must key,
    "property" => may property,
    "version" => may version,
    "metadata" => may metadata,
});

fields!(Find {
    "path" => may path,
    "name" => may name,
    "tags" => may tags,
});

choices!(Into {
    "Key" => Key(name),
    "Every" => Every {
        "conversion" => may conversion,
        "rewrite" => may rewrite,
    },
});

choices!(KeyConversion {
    "Default" => Default,
    "Unicode" => Unicode,
});

choices!(Decoding {
    "None" => None,
    "Base64" => Base64,
    "Base64Url" => Base64Url,
    "Auto" => Auto,
});

choices!(NullBytes {
    "Ignore" => Ignore,
    "Fail" => Fail,
});

choices!(Rewrite {
    "Regexp" => Regexp {
        "source" => must source,
        "target" => must target,
    },
    "Transform" => Transform {
        "template" => must template,
    },
    "Merge" => Merge(merge),
});

fields!(Merge {
    "into" => may into,
    "priority" => may priority,
    "ignore_missing_priority" => may ignore_missing_priority,
    "on_conflict" => may on_conflict,
});

choices!(OnConflict {
    "Error" => Error,
    "Ignore" => Ignore,
});
