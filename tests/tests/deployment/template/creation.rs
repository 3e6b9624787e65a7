//! What decides whether a first creation, a second stack or a second region succeeds.

use serde_json::json;
use std::collections::BTreeSet;
use tests::template::{Template, texts};

/// API Gateway deploys a stage at each new route below it, and 57 deployments at once collide.
#[test]
fn a_new_stack_has_its_routes_before_its_stage() {
    let template = Template::load();
    let routes: BTreeSet<String> = template.of_type("AWS::ApiGatewayV2::Route").map(|(name, _)| name.to_owned()).collect();
    let stage = &template.root()["Resources"]["Stage"];
    assert_eq!(stage["Properties"]["AutoDeploy"], true);
    assert_eq!(texts(&stage["DependsOn"]), routes);
}

/// These names are of the whole account: a stack of the same name in a second region would fail to create.
#[test]
fn names_of_the_whole_account_contain_the_region() {
    let template = Template::load();
    let name = |resource: &str, path: &str| template.root()["Resources"][resource]["Properties"].pointer(path).cloned();
    let names = [name("Dashboard", "/DashboardName"), name("ViewerRequest", "/OriginRequestPolicyConfig/Name")];
    for name in names {
        let name = name.unwrap()["Fn::Sub"].as_str().unwrap().to_owned();
        assert!(name.contains("${AWS::StackName}") && name.contains("${AWS::Region}"), "{name}");
    }
}

/// Two stacks of one account count apart: every metric, alarm and graph of our own names the stack.
#[test]
fn our_own_metrics_name_the_stack() {
    let template = Template::load();
    let text = std::fs::read_to_string(tests::routes::root().join("template.yaml")).unwrap();
    assert!(!text.contains("Namespace: Latchkey") && !text.contains("{Latchkey,"), "a metric without the stack");
    let variables = &template.root()["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(variables["LATCHKEY_METRICS"], json!({ "Fn::Sub": "Latchkey/${AWS::StackName}" }));
}

/// A key's `MultiRegion` cannot be changed later (decision 34). A fresh account has ten concurrent executions: reserving some leaves none.
#[test]
fn keys_are_of_one_region_and_no_concurrency_is_reserved() {
    let template = Template::load();
    for (name, key) in template.of_type("AWS::KMS::Key") {
        assert!(key["Properties"].get("MultiRegion").is_none_or(|multi| *multi == false), "{name}");
    }
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        assert!(function["Properties"].get("ReservedConcurrentExecutions").is_none(), "{name}");
    }
}
