//! Tables of what stands in a document. A field or variant of the domain that is in no table does not compile.

/// The fields of a struct, in the order in which they are written: `"name in the document" => rule field`.
///
/// | rule | where the document lacks the field | written |
/// |---|---|---|
/// | `must` | the document cannot be read | always |
/// | `may` | the type's default stands in | always |
/// | `(value)` | the value stands in | always |
/// | `later` | the type's default stands in | where it is not the default: for fields that came after version 0 |
macro_rules! fields {
    ($type:ty { $($name:literal => $rule:tt $field:ident),* $(,)? }) => {
        impl crate::part::Part for $type {
            fn write(&self, out: &mut crate::part::Out) {
                let Self { $($field),* } = self;
                let mut object = out.object();
                $(write_field!(object, $name, $rule, $field);)*
                object.end();
            }

            fn read(value: serde_json::Value) -> Result<Self, crate::part::Fault> {
                let mut object = crate::part::Object::of(value)?;
                Ok(Self { $($field: read_field!(object, $name, $rule)),* })
            }
        }
    };
}

macro_rules! write_field {
    ($object:ident, $name:literal, later, $field:ident) => {
        if !crate::part::is_default($field) {
            $object.field($name, $field);
        }
    };
    ($object:ident, $name:literal, $rule:tt, $field:ident) => {
        $object.field($name, $field)
    };
}

macro_rules! read_field {
    ($object:ident, $name:literal, must) => {
        $object.must($name)?
    };
    ($object:ident, $name:literal, ($value:expr)) => {
        $object.found($name)?.unwrap_or($value)
    };
    ($object:ident, $name:literal, $rule:ident) => {
        $object.found($name)?.unwrap_or_default()
    };
}

/// The variants of an enum: `"name in the document" => Variant`, with `(inner)` or with `{ fields }` as above.
///
/// One without content is its name as text, any other an object with its name as the only field.
macro_rules! choices {
    ($type:ty { $(
        $name:literal => $variant:ident $(($inner:ident))? $({ $($key:literal => $rule:tt $field:ident),* $(,)? })?
    ),* $(,)? }) => {
        impl crate::part::Part for $type {
            fn write(&self, out: &mut crate::part::Out) {
                match self {
                    $(Self::$variant $(($inner))? $({ $($field),* })? => {
                        write_choice!(out, $name $(, ($inner))? $(, { $($key => $rule $field),* })?)
                    })*
                }
            }

            #[allow(unused_variables, reason = "where no variant has content")]
            fn read(value: serde_json::Value) -> Result<Self, crate::part::Fault> {
                let (name, content) = crate::part::choice(value)?;
                match name.as_str() {
                    $($name => {
                        read_choice!(content, $name, $variant $(, ($inner))? $(, { $($key => $rule $field),* })?)
                    })*
                    _ => Err(crate::part::unknown()),
                }
            }
        }
    };
}

macro_rules! write_choice {
    ($out:ident, $name:literal) => {
        $out.text($name)
    };
    ($out:ident, $name:literal, ($inner:ident)) => {{
        let mut object = $out.object();
        object.field($name, $inner);
        object.end();
    }};
    ($out:ident, $name:literal, { $($key:literal => $rule:tt $field:ident),* }) => {{
        $out.raw(concat!("{\"", $name, "\":"));
        let mut object = $out.object();
        $(write_field!(object, $key, $rule, $field);)*
        object.end();
        $out.raw("}");
    }};
}

macro_rules! read_choice {
    ($content:ident, $name:literal, $variant:ident) => {
        Ok(Self::$variant)
    };
    ($content:ident, $name:literal, $variant:ident, ($inner:ident)) => {
        crate::part::Part::read($content).map(Self::$variant).map_err(|fault| fault.under($name))
    };
    ($content:ident, $name:literal, $variant:ident, { $($key:literal => $rule:tt $field:ident),* }) => {{
        let read = || {
            let mut object = crate::part::Object::of($content)?;
            Ok(Self::$variant { $($field: read_field!(object, $key, $rule)),* })
        };
        read().map_err(|fault: crate::part::Fault| fault.under($name))
    }};
}
