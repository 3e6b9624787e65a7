//! The template agrees with the sources: routes, variables, keys, tables. And each role may do no more than its function does
//! (security 139, 141, 142, 144). `deployed.rs` checks that it may do enough.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

mod address;
mod api;
mod api_gateway;
mod builds;
mod creation;
mod functions;
mod ids;
mod kept;
mod loops;
mod queues;
mod roles;
mod signing;
mod watched;

use std::collections::BTreeSet;
use tests::routes::root;
use tests::template::Template;

/// `token` → `Token`.
pub(crate) fn logical(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    first.to_uppercase() + rest
}

pub(crate) fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

/// The deployment guide.
pub(crate) fn guide() -> String {
    std::fs::read_to_string(root().join("docs/deployment.md")).unwrap()
}

#[test]
fn every_reference_resolves_and_there_is_no_cycle() {
    let template = Template::load();
    for part in ["Globals", "Resources", "Outputs"] {
        assert!(template.resolve(&template.root()[part]).is_object(), "{part}");
    }
    let mut waiting = template.dependencies();
    while !waiting.is_empty() {
        let made: BTreeSet<String> =
            waiting.iter().filter(|(_, needs)| needs.is_empty()).map(|(name, _)| (*name).to_owned()).collect();
        assert!(!made.is_empty(), "these depend on one another: {waiting:?}");
        waiting.retain(|name, _| !made.contains(*name));
        waiting.values_mut().for_each(|needs| needs.retain(|name| !made.contains(name)));
    }
}

#[test]
fn the_template_is_within_the_quotas_of_cloudformation() {
    // Its quotas. A template above 51,200 bytes goes through a bucket, as `sam deploy` does.
    let template = Template::load();
    let size = std::fs::metadata(root().join("template.yaml")).unwrap().len();
    assert!(size <= 1_000_000, "{size} bytes");
    // Not a quota of CloudFormation, but a size that a person can review.
    let lines = std::fs::read_to_string(root().join("template.yaml")).unwrap().lines().count();
    assert!(lines <= 1_540, "{lines} lines");
    let count = |part: &str| template.root()[part].as_object().unwrap().len();
    // SAM creates one resource for each function, since each has its role and no SAM event.
    assert!(count("Resources") <= 500, "{} resources", count("Resources"));
    assert!(count("Parameters") <= 200 && count("Outputs") <= 200);
    for (name, parameter) in template.root()["Parameters"].as_object().unwrap() {
        assert!(parameter["Description"].as_str().unwrap().len() <= 4_000, "{name}");
        let constrained = ["AllowedPattern", "AllowedValues", "MinValue"].iter().any(|rule| parameter.get(rule).is_some());
        assert!(constrained, "{name}: a mistake is refused before any change");
        assert!(guide().contains(&format!("| `{name}` |")), "{name} is not in the guide");
    }
    let groups = &template.root()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let shown: Vec<&str> = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let all: BTreeSet<&str> = template.root()["Parameters"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(shown.len(), all.len(), "each once");
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), all);
}
