//! The reader of loops expands them as CloudFormation does.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::loops::expanded;
use tests::routes::root;
use tests::template::{Template, as_written};

fn template(resources: Value) -> Value {
    json!({
        "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
        "Mappings": { "Functions": { "Login": { "Name": "login", "Tries": 3 }, "Token": { "Name": "token", "Tries": 1 } } },
        "Resources": resources,
    })
}

#[test]
fn a_loop_becomes_one_resource_for_each_item() {
    let looped = template(json!({
        "Topic": { "Type": "Topic" },
        "Fn::ForEach::Functions": ["Function", ["Login", "Token"], {
            "${Function}Alarm": {
                "Description": { "Fn::Sub": ["`${Name}` failed.", { "Name": { "Fn::FindInMap": ["Functions", { "Ref": "Function" }, "Name"] } }] },
                "Tries": { "Fn::FindInMap": ["Functions", { "Ref": "Function" }, "Tries"] },
                "Of": { "Ref": { "Fn::Sub": "${Function}" } },
                "Item": { "Ref": "Function" },
                "Arn": { "Fn::GetAtt": [{ "Fn::Sub": "${Function}" }, "Arn"] },
                "Later": { "Fn::Sub": "${Function} in ${AWS::Region}" },
                "Actions": { "Fn::If": ["HasTopic", [{ "Ref": "Topic" }], []] },
            },
            "Fn::ForEach::Metrics": ["Metric", ["Errors"], { "${Function}${Metric}": { "Of": { "Fn::Sub": "${Function} ${Metric}" } } }],
        }],
    }));
    let alarm = |function: &str, name: &str, tries: i64| {
        json!({
            "Description": format!("`{name}` failed."),
            "Tries": tries,
            "Of": { "Ref": function },
            "Item": function,
            "Arn": { "Fn::GetAtt": [function, "Arn"] },
            "Later": { "Fn::Sub": format!("{function} in ${{AWS::Region}}") },
            "Actions": { "Fn::If": ["HasTopic", [{ "Ref": "Topic" }], []] },
        })
    };
    let resources = json!({
        "Topic": { "Type": "Topic" },
        "LoginAlarm": alarm("Login", "login", 3),
        "TokenAlarm": alarm("Token", "token", 1),
        "LoginErrors": { "Of": "Login Errors" },
        "TokenErrors": { "Of": "Token Errors" },
    });
    assert_eq!(expanded(looped)["Resources"], resources);
}

#[test]
fn a_loop_that_cloudformation_would_refuse_is_refused() {
    let refused = |root: Value| std::panic::catch_unwind(|| expanded(root)).is_err();
    let with = |spec: Value| template(json!({ "Topic": {}, "Fn::ForEach::Functions": spec }));
    let good = || json!({ "${F}Alarm": {} });
    assert!(!refused(with(json!(["F", ["Login"], good()]))));
    for (why, spec) in [
        ("no identifier in the key", json!(["F", ["Login"], { "Alarm": {} }])),
        ("a resource that is there", json!(["F", ["Topic"], { "${F}": {} }])),
        ("no collection", json!(["F", { "Ref": "Functions" }, good()])),
        ("no logical id", json!(["F", ["a-b"], good()])),
        (
            "no such entry of the mapping",
            json!(["F", ["Export"], { "${F}": { "Fn::FindInMap": ["Functions", { "Ref": "F" }, "Name"] } }]),
        ),
        ("a placeholder that stays", json!(["F", ["Login"], { "${F}": "${F}" }])),
    ] {
        assert!(refused(with(spec)), "{why}");
    }
    let mut swapped = with(json!(["F", ["Login"], good()]));
    swapped["Transform"] = json!(["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"]);
    assert!(refused(swapped), "the order of the transforms");
    let mut outside = with(json!(["F", ["Login"], good()]));
    outside["Globals"] = json!({ "Fn::ForEach::More": ["G", ["Login"], { "${G}": {} }] });
    assert!(refused(outside), "a loop in another section");
    let same = template(json!({ "Functions": {}, "Fn::ForEach::Functions": ["F", ["Login"], good()] }));
    assert!(refused(same), "a loop with the name of a resource");
}

#[test]
fn resources_that_differ_in_names_only_are_a_loop() {
    let written = as_written(&std::fs::read_to_string(root().join("template.yaml")).unwrap());
    // The longest first: a name may be part of another.
    let mut names: Vec<String> = Template::load().resources().map(|(id, _)| id.to_owned()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut shapes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let resources = written["Resources"].as_object().unwrap();
    // A route is one line, and its path is what a reviewer searches for.
    for (id, resource) in resources.iter().filter(|(_, resource)| resource["Type"] != "AWS::ApiGatewayV2::Route") {
        let mut resource = resource.clone();
        if let Some(properties) = resource.get_mut("Properties").and_then(Value::as_object_mut) {
            properties.retain(|name, _| name != "Description" && name != "AlarmDescription");
        }
        let shape = names.iter().fold(resource.to_string(), |shape, name| shape.replace(&format!("\"{name}"), "\"_"));
        shapes.entry(shape).or_default().push(id);
    }
    assert!(shapes.len() > 40, "{} resources", shapes.len());
    let repeated: Vec<_> = shapes.into_values().filter(|ids| ids.len() > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}

/// What a stack holds is what this reader says. `tests/deploy/expansion.py` writes down what the stack was made of.
#[test]
#[ignore = "needs a deployed stack, which .ci/run deploy makes"]
#[expect(clippy::disallowed_methods, reason = "the drill names its file")]
fn the_local_aws_expands_the_loops_as_this_reader_does() {
    let file = std::env::var("LATCHKEY_EXPANSION").expect("LATCHKEY_EXPANSION names the file of tests/deploy/expansion.py");
    let said: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let given = said["parameters"].as_object().unwrap();
    let given = |template: Template| {
        given.iter().fold(template, |template, (name, value)| template.given(name, value.as_str().unwrap()))
    };
    let (ours, theirs) = (given(Template::load()), given(Template::read(&said["processed"].to_string())));
    let (mut compared, mut made) = (0, serde_json::Map::new());
    for (id, resource) in ours.resources() {
        let processed = &theirs.root()["Resources"][id];
        assert!(processed.is_object(), "{id} is missing");
        let kind = resource["Type"].as_str().unwrap();
        // SAM's transform writes functions anew: code, tags, the defaults of `Globals`.
        let (kind, is_function) = match kind {
            "AWS::Serverless::Function" => ("AWS::Lambda::Function", true),
            kind => (kind, false),
        };
        assert_eq!(processed["Type"], kind, "{id}");
        for part in ["Condition", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn", "Properties"] {
            if part != "Properties" || !is_function {
                assert_eq!(ours.resolve(&resource[part]), theirs.resolve(&processed[part]), "{id}: {part}");
                compared += 1;
            }
        }
        if ours.exists(resource) {
            made.insert(id.to_owned(), json!(kind));
        }
    }
    assert!(compared > 500, "{compared} parts");
    let more: Vec<_> = theirs.resources().map(|(id, _)| id).filter(|id| ours.root()["Resources"].get(id).is_none()).collect();
    assert_eq!(more, Vec::<&str>::new(), "the stack has more");
    assert_eq!(Value::Object(made), said["resources"], "what was made");
}
