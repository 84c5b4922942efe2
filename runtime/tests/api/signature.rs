//! Types and generics as rustdoc's JSON has them, as text.

use serde_json::Value;

use super::surface::Surface;

/// An array, or nothing.
pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The only key of an object that is one of several things, and what stands there. A thing without
/// contents is a word.
pub fn tagged(value: &Value) -> (&str, &Value) {
    match value {
        Value::String(word) => (word, &Value::Null),
        Value::Object(map) if map.len() == 1 => {
            map.iter().next().map(|(key, value)| (key.as_str(), value)).unwrap()
        }
        other => panic!("rustdoc writes {other}, which this test does not know"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn joined<'v>(values: &'v [Value], between: &str, each: impl FnMut(&'v Value) -> String) -> String {
    values.iter().map(each).collect::<Vec<_>>().join(between)
}

fn lifetime(value: &Value) -> String {
    value.as_str().map(|name| format!("{name} ")).unwrap_or_default()
}

impl Surface {
    pub fn typ(&self, value: &Value) -> String {
        let (kind, inner) = tagged(value);
        match kind {
            "primitive" | "generic" => text(inner).to_owned(),
            "resolved_path" => self.path(inner),
            "borrowed_ref" => {
                let mutable = if inner["is_mutable"] == true { "mut " } else { "" };
                format!("&{}{mutable}{}", lifetime(&inner["lifetime"]), self.typ(&inner["type"]))
            }
            "raw_pointer" => {
                let kind = if inner["is_mutable"] == true { "mut" } else { "const" };
                format!("*{kind} {}", self.typ(&inner["type"]))
            }
            "slice" => format!("[{}]", self.typ(inner)),
            "array" => format!("[{}; {}]", self.typ(&inner["type"]), text(&inner["len"])),
            "tuple" => {
                let types = inner.as_array().map_or(&[][..], Vec::as_slice);
                format!("({})", joined(types, ", ", |inner| self.typ(inner)))
            }
            "dyn_trait" => {
                let traits =
                    joined(list(inner, "traits"), " + ", |bound| self.path(&bound["trait"]));
                let lifetime = inner["lifetime"].as_str();
                lifetime.map_or(format!("dyn {traits}"), |name| format!("dyn {traits} + {name}"))
            }
            "impl_trait" => {
                format!("impl {}", self.bounds(inner.as_array().map_or(&[], Vec::as_slice)))
            }
            "qualified_path" => {
                let base = self.typ(&inner["self_type"]);
                let of = if inner["trait"].is_null() || inner["trait"]["path"] == "" {
                    base
                } else {
                    format!("<{base} as {}>", self.path(&inner["trait"]))
                };
                format!("{of}::{}", text(&inner["name"]))
            }
            "function_pointer" => format!("fn{}", self.call(&inner["sig"])),
            other => panic!("rustdoc writes a type {other}, which this test does not know"),
        }
    }

    /// A type or trait with its arguments, by its last name; if it is another crate's but std's,
    /// with that crate's.
    pub fn path(&self, value: &Value) -> String {
        format!("{}{}", self.name(value), self.arguments(&value["args"]))
    }

    fn arguments(&self, value: &Value) -> String {
        if value.is_null() {
            return String::new();
        }
        let (kind, inner) = tagged(value);
        if kind == "parenthesized" {
            return self.call(inner);
        }
        let mut parts: Vec<String> =
            list(inner, "args").iter().map(|argument| self.argument(argument)).collect();
        parts.extend(list(inner, "constraints").iter().map(|constraint| {
            let name = text(&constraint["name"]);
            match tagged(&constraint["binding"]) {
                ("equality", term) => format!("{name} = {}", self.argument(term)),
                (_, bounds) => {
                    format!("{name}: {}", self.bounds(bounds.as_array().map_or(&[], Vec::as_slice)))
                }
            }
        }));
        if parts.is_empty() { String::new() } else { format!("<{}>", parts.join(", ")) }
    }

    fn argument(&self, value: &Value) -> String {
        match tagged(value) {
            ("lifetime", name) => text(name).to_owned(),
            ("type", inner) => self.typ(inner),
            ("const" | "constant", inner) => text(&inner["expr"]).to_owned(),
            (other, _) => panic!("rustdoc writes an argument {other}"),
        }
    }

    pub fn bounds(&self, bounds: &[Value]) -> String {
        joined(bounds, " + ", |bound| match tagged(bound) {
            ("trait_bound", inner) => {
                let maybe = if inner["modifier"] == "maybe" { "?" } else { "" };
                format!("{maybe}{}", self.path(&inner["trait"]))
            }
            ("outlives", name) => text(name).to_owned(),
            ("use", _) => "use<..>".to_owned(),
            (other, _) => panic!("rustdoc writes a bound {other}"),
        })
    }

    /// Parameters between `<` and `>`, and what they must be.
    pub fn generics(&self, generics: &Value) -> (String, String) {
        let mut parameters = Vec::new();
        for parameter in list(generics, "params") {
            let name = text(&parameter["name"]);
            match tagged(&parameter["kind"]) {
                ("lifetime", _) => parameters.push(name.to_owned()),
                // That of an `impl Trait` among arguments has no name.
                ("type", kind) if kind["is_synthetic"] == true => {}
                ("type", kind) if list(kind, "bounds").is_empty() => {
                    parameters.push(name.to_owned());
                }
                ("type", kind) => {
                    parameters.push(format!("{name}: {}", self.bounds(list(kind, "bounds"))));
                }
                (_, kind) => parameters.push(format!("const {name}: {}", self.typ(&kind["type"]))),
            }
        }
        let wheres =
            joined(list(generics, "where_predicates"), ", ", |predicate| match tagged(predicate) {
                ("bound_predicate", inner) => {
                    let bounds = self.bounds(list(inner, "bounds"));
                    format!("{}: {bounds}", self.typ(&inner["type"]))
                }
                ("lifetime_predicate", inner) => {
                    let outlives = joined(list(inner, "outlives"), " + ", |to| text(to).to_owned());
                    format!("{}: {outlives}", text(&inner["lifetime"]))
                }
                (other, _) => panic!("rustdoc writes a condition {other}"),
            });
        let parameters = if parameters.is_empty() {
            String::new()
        } else {
            format!("<{}>", parameters.join(", "))
        };
        (parameters, if wheres.is_empty() { wheres } else { format!(" where {wheres}") })
    }

    /// Arguments and what comes back.
    pub fn call(&self, signature: &Value) -> String {
        let inputs = joined(list(signature, "inputs"), ", ", |input| {
            // A closure's have no names.
            let (Some(name), Some(kind)) = (input[0].as_str(), input.get(1)) else {
                return self.typ(input);
            };
            match (name, self.typ(kind)) {
                ("self", kind) if kind.ends_with("Self") && !kind.contains('<') => {
                    format!("{}self", &kind[..kind.len() - "Self".len()])
                }
                ("_" | "", kind) => kind,
                (name, kind) => format!("{name}: {kind}"),
            }
        });
        match &signature["output"] {
            Value::Null => format!("({inputs})"),
            output => format!("({inputs}) -> {}", self.typ(output)),
        }
    }
}
