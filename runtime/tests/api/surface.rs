//! What of a crate others can name: a line for each public item, from rustdoc's JSON.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::signature::{list, tagged};

/// Automatic traits that are promised. What else of them the compiler shows is not.
const AUTOMATIC: [&str; 2] = ["Send", "Sync"];
/// Crates whose traits on our types are private; see `docs/STABILITY.md`.
const PRIVATE: [&str; 1] = ["zerocopy"];

/// A crate, and the lines so far.
pub struct Surface {
    json: Value,
    lines: BTreeSet<String>,
    /// Types of this crate that a line names, by their ids.
    named: RefCell<BTreeMap<String, String>>,
}

/// Where an item lies, and how to get to it.
type Place = (String, String);

impl Surface {
    /// One line for each public item, in the order of their paths; and types that these name and
    /// others can't, since no path leads there.
    pub fn read(json: Value) -> (BTreeSet<String>, Vec<String>) {
        let (lines, named) = (BTreeSet::new(), RefCell::default());
        let mut surface = Self { json, lines, named };
        let seen = surface.walk();
        let named = surface.named.into_inner().into_iter();
        let unreachable = named.filter(|(id, _)| !seen.contains_key(id)).map(|(_, name)| name);
        (surface.lines, unreachable.collect())
    }

    fn item(&self, id: &Value) -> Option<&Value> {
        self.json["index"].get(id.to_string())
    }

    /// The name a type or trait goes by.
    pub fn name(&self, path: &Value) -> String {
        let written = path["path"].as_str().unwrap_or_default();
        let last = written.rsplit("::").next().unwrap_or_default();
        let Some(summary) = self.json["paths"].get(path["id"].to_string()) else {
            return last.to_owned();
        };
        if summary["crate_id"] == 0 {
            self.named.borrow_mut().insert(path["id"].to_string(), last.to_owned());
        }
        let owner = summary["path"][0].as_str().unwrap_or_default();
        let is_plain = summary["crate_id"] == 0 || ["core", "alloc", "std"].contains(&owner);
        match written.rsplit_once("::") {
            _ if !is_plain => format!("{owner}::{last}"),
            // Aliases of std's are no type of their own: `io::Result` is not `Result`.
            Some(("io" | "fmt", _)) => written.to_owned(),
            _ => last.to_owned(),
        }
    }

    /// Breadth first, so that an item is written at its shortest path.
    fn walk(&mut self) -> BTreeMap<String, String> {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut queue: VecDeque<Place> =
            VecDeque::from([(self.json["root"].to_string(), String::new())]);
        while let Some((id, path)) = queue.pop_front() {
            let Some(item) = self.json["index"].get(&id).cloned() else { continue };
            let (kind, inner) = tagged(&item["inner"]);
            if kind == "use" {
                // Before the modules beside it: the shorter path is the one people write.
                for place in self.follow(inner, &path).into_iter().rev() {
                    queue.push_front(place);
                }
                continue;
            }
            if let Some(first) = seen.get(&id) {
                self.lines.insert(format!("{path}: {first}"));
                continue;
            }
            seen.insert(id, path.clone());
            if kind == "module" {
                if !path.is_empty() {
                    self.lines.insert(format!("{path}: mod"));
                }
                for id in list(inner, "items") {
                    if let Some(child) = self.item(id).filter(|child| is_public(child)) {
                        queue.push_back((id.to_string(), self.below(&path, child)));
                    }
                }
                continue;
            }
            self.describe(&item, &path);
        }
        seen
    }

    /// The path of what a module has. A `use` has its name inside; one of everything has none.
    fn below(&self, path: &str, child: &Value) -> String {
        let (kind, inner) = tagged(&child["inner"]);
        let name = match kind {
            "use" if inner["is_glob"] == true => return path.to_owned(),
            "use" => &inner["name"],
            _ => &child["name"],
        };
        join(path, name.as_str().unwrap_or_default())
    }

    /// What a `use` makes public: items of this crate, else a line.
    fn follow(&mut self, inner: &Value, path: &str) -> Vec<Place> {
        let Some(target) = self.item(&inner["id"]).cloned() else {
            let source = inner["source"].as_str().unwrap_or_default();
            self.lines.insert(format!("{path}: use {source}"));
            return Vec::new();
        };
        if inner["is_glob"] != true {
            return vec![(inner["id"].to_string(), path.to_owned())];
        }
        let (_, module) = tagged(&target["inner"]);
        let public = list(module, "items").iter().filter_map(|id| {
            let child = self.item(id).filter(|child| is_public(child))?;
            Some((id.to_string(), self.below(path, child)))
        });
        public.collect()
    }

    fn describe(&mut self, item: &Value, path: &str) {
        let (kind, inner) = tagged(&item["inner"]);
        let (parameters, wheres) = self.generics(&inner["generics"]);
        let rest = if has(item, "non_exhaustive") { ", non_exhaustive" } else { "" };
        let what = match kind {
            "struct" => {
                self.fields(inner, path);
                let (_, plain) = tagged(&inner["kind"]);
                let hidden = plain["has_stripped_fields"] == true
                    || plain.as_array().is_some_and(|fields| fields.contains(&Value::Null));
                let hidden = if hidden { ", private fields" } else { "" };
                format!("struct{parameters}{wheres}{hidden}{rest}")
            }
            "enum" => {
                for id in list(inner, "variants") {
                    self.variant(id, path);
                }
                format!("enum{parameters}{wheres}{rest}")
            }
            "trait" => {
                self.members(list(inner, "items"), path);
                self.strangers(inner, path);
                let above = self.bounds(list(inner, "bounds"));
                let above = if above.is_empty() { above } else { format!(": {above}") };
                let mark = if inner["is_unsafe"] == true { "unsafe " } else { "" };
                format!("{mark}trait{parameters}{above}{wheres}")
            }
            "function" => self.function(inner),
            "constant" => format!("const {}", self.typ(&inner["type"])),
            "static" => format!("static {}", self.typ(&inner["type"])),
            "type_alias" => format!("type{parameters} = {}", self.typ(&inner["type"])),
            "assoc_const" => format!("const {}", self.typ(&inner["type"])),
            "assoc_type" => format!("type {}", self.bounds(list(inner, "bounds"))),
            "struct_field" => self.typ(inner),
            "macro" | "proc_macro" => kind.to_owned(),
            other => panic!("rustdoc writes an item {other}, which this test does not know"),
        };
        self.lines.insert(format!("{path}: {what}"));
        if matches!(kind, "struct" | "enum") {
            self.implementations(list(inner, "impls"), path);
        }
    }

    fn function(&self, inner: &Value) -> String {
        let (parameters, wheres) = self.generics(&inner["generics"]);
        let marks: String = ["const", "async", "unsafe"]
            .iter()
            .filter(|mark| inner["header"][format!("is_{mark}")] == true)
            .map(|mark| format!("{mark} "))
            .collect();
        format!("{marks}fn{parameters}{}{wheres}", self.call(&inner["sig"]))
    }

    fn fields(&mut self, inner: &Value, path: &str) {
        let (kind, fields) = tagged(&inner["kind"]);
        let fields = if kind == "plain" { list(fields, "fields") } else { as_list(fields) };
        self.members(fields, path);
    }

    fn variant(&mut self, id: &Value, path: &str) {
        let Some(item) = self.item(id).cloned() else { return };
        let inner = &item["inner"]["variant"];
        let path = join(path, item["name"].as_str().unwrap_or_default());
        let number = inner["discriminant"]["value"].as_str();
        let number = number.map(|value| format!(" = {value}")).unwrap_or_default();
        let parts = match tagged(&inner["kind"]) {
            ("tuple", fields) => {
                let types = as_list(fields).iter().map(|id| {
                    self.item(id).map_or("_".into(), |f| self.typ(&f["inner"]["struct_field"]))
                });
                format!("({})", types.collect::<Vec<_>>().join(", "))
            }
            ("struct", fields) => {
                self.members(list(fields, "fields"), &path);
                " { .. }".to_owned()
            }
            _ => String::new(),
        };
        self.lines.insert(format!("{path}: variant{parts}{number}"));
    }

    /// Fields of a struct; methods and constants of a type or a trait.
    fn members(&mut self, ids: &[Value], path: &str) {
        for id in ids {
            let Some(member) = self.item(id).cloned() else { continue };
            let path = join(path, member["name"].as_str().unwrap_or_default());
            self.describe(&member, &path);
            let inner = &member["inner"]["function"];
            if member["visibility"] == "default" && inner["has_body"] == true {
                self.lines.insert(format!("{path}: has a default"));
            }
        }
    }

    /// Methods of a type's own, and which traits it has.
    fn implementations(&mut self, ids: &[Value], path: &str) {
        let mut traits = BTreeSet::new();
        for id in ids {
            let Some(item) = self.item(id).cloned() else { continue };
            let inner = &item["inner"]["impl"];
            if !inner["blanket_impl"].is_null() {
                continue;
            }
            if inner["trait"].is_null() {
                let items = list(inner, "items").iter();
                let public = items.filter(|id| self.item(id).is_some_and(is_public));
                self.members(&public.cloned().collect::<Vec<_>>(), path);
                continue;
            }
            let name = self.name(&inner["trait"]);
            let is_private = PRIVATE.iter().any(|owner| name.starts_with(owner))
                || name.starts_with("Structural");
            let is_other = inner["is_synthetic"] == true && !AUTOMATIC.contains(&name.as_str());
            if is_private || is_other || inner["is_negative"] == true {
                continue;
            }
            let of = self.path(&inner["trait"]);
            let (_, wheres) = self.generics(&inner["generics"]);
            let (kind, _) = tagged(&inner["for"]);
            let on = if kind == "resolved_path" {
                String::new()
            } else {
                format!(" for {}", self.typ(&inner["for"]))
            };
            traits.insert(format!("{of}{on}{wheres}"));
        }
        let traits = traits.into_iter().collect::<Vec<_>>().join(" + ");
        self.lines.insert(format!("{path} is {traits}"));
    }

    /// Types that are not of this crate and have a trait of it.
    fn strangers(&mut self, inner: &Value, path: &str) {
        for id in list(inner, "implementations") {
            let Some(item) = self.item(id).cloned() else { continue };
            let on = &item["inner"]["impl"]["for"];
            let (_, target) = tagged(on);
            if self.item(&target["id"]).is_none() {
                let (parameters, wheres) = self.generics(&item["inner"]["impl"]["generics"]);
                let on = self.typ(on);
                self.lines.insert(format!("{path} is had{parameters} by {on}{wheres}"));
            }
        }
    }
}

fn as_list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
}

fn is_public(item: &Value) -> bool {
    item["visibility"] == "public"
}

fn has(item: &Value, attribute: &str) -> bool {
    list(item, "attrs").iter().any(|found| found.to_string().contains(attribute))
}
