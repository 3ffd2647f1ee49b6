use crate::part::{Fault, Out, Part, choice, unknown};
use pawl_domain::change::Extent;
use pawl_domain::{Change, Location, Moved, Provider};

fields!(Change {
    "id" => must id,
    "location" => must location,
    "names" => must names,
    "version" => may version,
    "moved" => must moved,
    "at" => must at,
    "extent" => later extent,
});

choices!(Extent {
    "key" => Key,
    "under" => Under,
});

fields!(Location {
    "provider" => must provider,
    "region" => may region,
    "account" => may account,
});

impl Part for Provider {
    fn write(&self, out: &mut Out) {
        out.text(self.as_str());
    }

    fn read(value: serde_json::Value) -> Result<Self, Fault> {
        let (name, _) = choice(value)?;
        Self::named(&name).ok_or_else(unknown)
    }
}

choices!(Moved {
    "current" => Current,
    "label" => Label(name),
    "someLabel" => SomeLabel,
    "existence" => Existence,
    "metadata" => Metadata,
});
