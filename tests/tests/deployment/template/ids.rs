//! Logical ids and route keys that a deployment over an older stack must find again.
//!
//! A resource under another id is another resource: CloudFormation creates a new one beside the old one. It creates new resources before
//! it removes old ones, and API Gateway refuses a second route with the same key; so a key may not move to another id.
//!
//! `ids.golden` is taken from the template of the commit in `tests/deploy/previous`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use tests::routes::root;
use tests::template::Template;

const ROUTE: &str = "AWS::ApiGatewayV2::Route";
/// Resources that may never change their id.
const FIXED_TYPES: [&str; 7] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
];

fn golden() -> String {
    std::fs::read_to_string(root().join("tests/tests/deployment/template/ids.golden")).unwrap()
}

fn previous() -> String {
    std::fs::read_to_string(root().join("tests/deploy/previous")).unwrap().trim().to_owned()
}

/// Id and type of the resources that may not change.
fn kept(template: &Template) -> BTreeMap<String, String> {
    let of_type = |kind: &str| template.of_type(kind).map(|(id, _)| (id.to_owned(), kind.to_owned())).collect::<Vec<_>>();
    FIXED_TYPES.into_iter().flat_map(of_type).collect()
}

/// Id and key of each route.
fn routes(template: &Template) -> BTreeMap<String, String> {
    let key = |(id, route): (&str, &serde_json::Value)| {
        (id.to_owned(), template.resolve(&route["Properties"]["RouteKey"]).as_str().unwrap().to_owned())
    };
    template.of_type(ROUTE).map(key).collect()
}

fn listed(commit: &str, template: &Template) -> String {
    let mut list = format!("{commit}\n");
    for (id, what) in kept(template).into_iter().chain(routes(template)) {
        writeln!(list, "{id} {what}").unwrap();
    }
    list
}

#[test]
fn deployed_resources_keep_their_ids_and_no_route_key_moves() {
    let template = Template::load();
    let (kept, routes) = (kept(&template), routes(&template));
    let ids: BTreeMap<&str, &str> = routes.iter().map(|(id, key)| (key.as_str(), id.as_str())).collect();
    let golden = golden();
    let mut compared = [0, 0];
    for (id, was) in golden.lines().skip(1).map(|line| line.split_once(' ').unwrap()) {
        if FIXED_TYPES.contains(&was) {
            assert_eq!(kept.get(id).map(String::as_str), Some(was), "{id} is missing: its data would be left behind");
            compared[0] += 1;
            continue;
        }
        assert!(ids.get(was).is_none_or(|now| *now == id), "{was} moved from {id} to {}", ids[was]);
        assert!(routes.get(id).is_none_or(|now| now == was), "{id} had the key {was} and has another");
        compared[1] += 1;
    }
    assert!(compared[0] > 15 && compared[1] > 50, "{compared:?}: the list is not complete");
}

#[test]
fn the_list_of_ids_is_from_the_previous_version() {
    let (golden, commit) = (golden(), previous());
    assert_eq!(golden.lines().next(), Some(commit.as_str()), "ids.golden is from another commit than tests/deploy/previous");
    let shown = Command::new("git").args(["show", &format!("{commit}:template.yaml")]).current_dir(root()).output();
    // A shallow clone does not have this commit, and an archive has no git.
    let Some(shown) = shown.ok().filter(|shown| shown.status.success()) else { return };
    let list = listed(&commit, &Template::read(&String::from_utf8(shown.stdout).unwrap()));
    assert!(golden == list, "ids.golden should be:\n{list}");
}
