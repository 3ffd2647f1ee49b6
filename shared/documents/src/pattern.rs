use pawl_domain::spread::{Pattern, Selection};

// Nothing may stand in for a field that is missing: a pattern would choose other namespaces, or forget where its
// declarations stand.
fields!(Pattern {
    "name" => must name,
    "selection" => must selection,
    "declaration" => must declaration,
    "placed" => must placed,
});

fields!(Selection {
    "selectors" => must selectors,
    "names" => must names,
});
