//! The loops of `template.yaml`, expanded as the transform `AWS::LanguageExtensions` expands them.
//!
//! 1. A loop, `Fn::ForEach::Name: [Identifier, [Item, …], {Key${Identifier}: …}]`, becomes one member for each item.
//! 2. The item replaces the identifier in the keys of the loop, in the text of `Fn::Sub`, and as `Ref`.
//! 3. `Fn::FindInMap` becomes its value. A name inside `Ref` or `Fn::GetAtt` becomes text.
//!
//! The reader panics at what it does not know. `the_local_aws_expands_the_loops_as_this_reader_does` compares it with another
//! implementation.
#![expect(clippy::expect_used, clippy::panic, reason = "a template that can't be read fails the test")]

use crate::template::intrinsic;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The sections in which loops may appear.
const SECTIONS: [&str; 3] = ["Conditions", "Resources", "Outputs"];
const LOOP: &str = "Fn::ForEach::";

/// The item of each identifier in scope.
type Items = BTreeMap<String, String>;

/// A template without its loops.
///
/// # Panics
/// If a loop is not written as CloudFormation demands, or in a way that this reader does not know.
#[must_use]
pub fn expanded(mut root: Value) -> Value {
    let mappings = root["Mappings"].clone();
    let mut names = Vec::new();
    for section in SECTIONS {
        loop_names(&root[section], &mut names);
        if root.get(section).is_some() {
            root[section] = value(&root[section], &Items::new(), &mappings);
        }
    }
    for (section, part) in root.as_object().expect("a template") {
        assert!(!part.to_string().contains(LOOP), "{section} may not have loops");
    }
    if !names.is_empty() {
        // CloudFormation applies them in this order; SAM's transform knows no loops.
        assert_eq!(root["Transform"], json!(["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]));
    }
    names.sort();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1], "two loops have one name");
    }
    for name in names {
        assert!(root["Resources"].get(&name).is_none(), "{name} is a loop and a resource");
    }
    root
}

fn loop_names(part: &Value, names: &mut Vec<String>) {
    match part {
        Value::Array(list) => list.iter().for_each(|part| loop_names(part, names)),
        Value::Object(map) => {
            names.extend(map.keys().filter_map(|key| key.strip_prefix(LOOP)).map(str::to_owned));
            map.values().for_each(|part| loop_names(part, names));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn value(part: &Value, items: &Items, mappings: &Value) -> Value {
    match part {
        Value::Array(list) => list.iter().map(|part| value(part, items, mappings)).collect(),
        Value::Object(map) => match intrinsic(map) {
            Some(("Ref", name)) => {
                let name = value(name, items, mappings);
                let name = name.as_str().expect("a name in Ref");
                items.get(name).map_or_else(|| json!({ "Ref": name }), |item| json!(item))
            }
            Some(("Fn::Sub", argument)) => substituted(argument, items, mappings),
            Some(("Fn::FindInMap", path)) => found(&value(path, items, mappings), mappings),
            Some(_) | None => members(map, items, mappings),
        },
        Value::String(text) => {
            // The transform leaves such a text as it is, so it is a mistake.
            assert!(!items.keys().any(|name| text.contains(&format!("${{{name}}}"))), "{text}: use Fn::Sub");
            part.clone()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => part.clone(),
    }
}

fn members(map: &Map<String, Value>, items: &Items, mappings: &Value) -> Value {
    let mut members = Map::new();
    for (key, part) in map {
        let made = match key.strip_prefix(LOOP) {
            Some(name) => repeated(name, part, items, mappings),
            None => vec![(key.clone(), value(part, items, mappings))],
        };
        for (key, part) in made {
            assert!(members.insert(key.clone(), part).is_none(), "{key} appears twice");
        }
    }
    Value::Object(members)
}

fn repeated(name: &str, parts: &Value, items: &Items, mappings: &Value) -> Vec<(String, Value)> {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    let [Value::String(identifier), Value::Array(collection), Value::Object(fragment)] = parts else {
        panic!("{name} is not an identifier, a list of items and a fragment");
    };
    let placeholder = format!("${{{identifier}}}");
    let mut made = Vec::new();
    for item in collection {
        let mut items = items.clone();
        let item = item.as_str().expect("an item is a text").to_owned();
        assert!(items.insert(identifier.clone(), item).is_none(), "{name}: {identifier} is in use");
        for (key, part) in fragment {
            if let Some(name) = key.strip_prefix(LOOP) {
                made.extend(repeated(name, part, &items, mappings));
                continue;
            }
            assert!(key.contains(&placeholder), "{name}: {key} is the same for each item");
            let key = filled(key, &items);
            assert!(key.chars().all(|c| c.is_ascii_alphanumeric()), "{name}: {key} is no logical id");
            made.push((key, value(part, &items, mappings)));
        }
    }
    made
}

fn filled(text: &str, items: &Items) -> String {
    items.iter().fold(text.to_owned(), |text, (name, item)| text.replace(&format!("${{{name}}}"), item))
}

/// `Fn::Sub`: text where nothing is left to be filled in, else what is left of it.
fn substituted(argument: &Value, items: &Items, mappings: &Value) -> Value {
    let Value::Array(parts) = argument else {
        let text = filled(argument.as_str().expect("a text"), items);
        return if text.contains("${") { json!({ "Fn::Sub": text }) } else { json!(text) };
    };
    let mut text = filled(parts[0].as_str().expect("a text"), items);
    let own = value(&parts[1], items, mappings);
    let own = own.as_object().expect("variables");
    if own.values().any(|part| !part.is_string()) {
        return json!({ "Fn::Sub": [text, own] });
    }
    for (name, part) in own {
        text = text.replace(&format!("${{{name}}}"), part.as_str().unwrap_or_default());
    }
    substituted(&json!(text), &Items::new(), mappings)
}

fn found(path: &Value, mappings: &Value) -> Value {
    let names: Vec<&str> = path.as_array().into_iter().flatten().map(|name| name.as_str().expect("a name")).collect();
    let [map, first, second] = names[..] else { panic!("this reader knows no {path}") };
    let entry = &mappings[map][first][second];
    assert!(!entry.is_null(), "there is no {map}.{first}.{second}");
    entry.clone()
}
