//! A property, a template, a text of keys and values, and a document: what they make is the same each time, and only
//! has keys that a Secret can have.

#![no_main]

mod given;

use libfuzzer_sys::fuzz_target;
use pawl_domain::declaration::{Decoding, Into as Becomes, Template, TemplateFrom, TemplateScope};

fuzz_target!(|input: &str| {
    let [property, text, literal, document] = given::parts(input);
    let from = TemplateFrom {
        config_map: None,
        secret: None,
        literal: Some(literal.into()),
        scope: TemplateScope::Data,
        decoding: Decoding::Auto,
    };
    let data = [("k".to_owned(), text.to_owned())].into();
    let template = Template { merge: true, data, from: vec![from], ..Template::default() };
    let every = Becomes::Every { conversion: None, rewrite: Vec::new() };
    for (into, template) in
        [(Becomes::Key("v".into()), None), (every.clone(), None), (every, Some(template))]
    {
        if let Ok(rendered) = given::rendered(into, property, template, document.as_bytes()) {
            assert!(rendered.data.keys().all(|key| !key.is_empty() && key.is_ascii()));
        }
    }
});
