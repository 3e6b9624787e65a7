//! The API: its routes are those of the sources, and it passes requests on unchanged.

use crate::template::{guide, logical};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tests::api_gateway::Routes;
use tests::routes;
use tests::template::Template;

/// Everything below one of these paths is one route, and shares its limit.
const FAMILIES: [&str; 6] = ["/account", "/account/export", "/login", "/v1/me", "/v1/me/exports", "/v1/registrations"];

/// A route of its own below a family: with a user pool it leads to another function.
const SEPARATE_ROUTE: &str = "/v1/registrations/{id}/verification";

/// A path for the default tenant, and for others.
fn both(path: &str) -> [String; 2] {
    match path {
        // RFC 8414 §3.1: the well-known segment comes first.
        metadata @ "/.well-known/oauth-authorization-server" => [metadata.to_owned(), format!("{metadata}/t/{{tenant}}")],
        path => [path.to_owned(), format!("/t/{{tenant}}{path}")],
    }
}

/// The longest family that a path is below.
fn family(path: &str) -> Option<&'static str> {
    let below = FAMILIES.into_iter().filter(|family| path.strip_prefix(family).is_some_and(|rest| rest.starts_with('/')));
    below.max_by_key(|family| family.len())
}

/// The integration of each path of the sources.
fn routes_of_sources() -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    for route in routes::in_the_sources() {
        let Some(function) = route.function else { continue };
        let target = format!("integrations/{}Integration", logical(&function));
        let other = paths.insert(route.path.clone(), target.clone());
        assert!(other.is_none_or(|other| other == target), "{} has two functions", route.path);
    }
    paths
}

/// The integration of each route key of the template.
fn routes_of_template(template: &Template) -> BTreeMap<String, String> {
    let mut routed = BTreeMap::new();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let properties = template.resolve(&route["Properties"]);
        assert_eq!(properties["ApiId"], "Api", "{name}");
        assert!(properties["AuthorizationType"].is_null(), "{name}: the functions authorize callers");
        let key = properties["RouteKey"].as_str().unwrap().to_owned();
        assert!(routed.insert(key, properties["Target"].as_str().unwrap().to_owned()).is_none(), "{name} is there twice");
    }
    routed
}

#[test]
fn the_routes_are_those_of_the_sources_for_every_tenant() {
    let template = Template::load();
    let sources = routes_of_sources();
    let mut expected = BTreeMap::from([("$default".to_owned(), "integrations/TokenIntegration".to_owned())]);
    for (path, target) in sources.iter().filter(|(path, _)| family(path).is_none() || *path == SEPARATE_ROUTE) {
        // ANY: a wrong method, HEAD and a preflight reach the function of the path.
        expected.extend(both(path).map(|path| (format!("ANY {path}"), target.clone())));
    }
    for family in FAMILIES {
        let target = sources.get(family).unwrap_or_else(|| panic!("{family} is not a path of the sources"));
        expected.extend(both(family).map(|path| (format!("ANY {path}"), target.clone())));
        expected.extend(both(family).map(|path| (format!("ANY {path}/{{proxy+}}"), target.clone())));
    }
    let routed = routes_of_template(&template);
    let missing: Vec<_> = expected.iter().filter(|(key, _)| !routed.contains_key(*key)).collect();
    let gone: Vec<_> = routed.iter().filter(|(key, _)| !expected.contains_key(*key)).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the template: {missing:#?}; not in the sources: {gone:#?}");
    assert_eq!(routed, expected);
    assert!(routed.len() <= 300, "an API has at most 300 routes");
}

#[test]
fn api_gateway_routes_each_path_to_its_function_and_every_route_is_needed() {
    let arn = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_AbC";
    let templates = [Template::load(), Template::load().given("UserPoolArn", arn)];
    let [without, with] = templates.map(|template| {
        let keys = routes_of_template(&template);
        Routes::new(keys.clone().into_iter().map(|(key, target)| (key.clone(), (key, target))))
    });
    let mut needed = BTreeSet::from(["$default".to_owned()]);
    for (pattern, target) in routes_of_sources() {
        for address in both(&pattern) {
            let parts = address.split('/').map(|part| if part.starts_with('{') { "AAAA" } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            let route = without.of(&path).unwrap_or_else(|| panic!("{path} has no route"));
            assert_eq!(route.target.1, target, "{path}");
            needed.insert(route.target.0.clone());
            // A path that the family leads to the same function needs no route of its own.
            if let Some(family) = without.greedy(&path).filter(|family| family.path != route.path) {
                let others = [&without, &with]
                    .map(|routes| (&routes.of(&path).unwrap().target.1, &routes.greedy(&path).unwrap().target.1));
                assert!(others.iter().any(|(own, of_family)| own != of_family), "{} is part of {}", route.path, family.path);
            }
        }
    }
    let keys: BTreeSet<String> = routes_of_template(&Template::load()).into_keys().collect();
    assert_eq!(keys.difference(&needed).collect::<Vec<_>>(), Vec::<&String>::new(), "no path needs these routes");
}

#[test]
fn a_family_of_paths_shares_its_limit_and_the_parameters_say_so() {
    let template = Template::load();
    for parameter in ["RequestsPerSecond", "BurstRequests"] {
        let said = template.root()["Parameters"][parameter]["Description"].as_str().unwrap();
        let in_the_guide = guide().lines().find(|line| line.starts_with(&format!("| `{parameter}` |"))).unwrap().to_owned();
        for text in [said, &in_the_guide] {
            let named: BTreeSet<&str> = text
                .split([' ', ',', '`'])
                .map(|word| word.trim_end_matches(['.', ';']))
                .filter(|word| word.starts_with('/'))
                .collect();
            assert_eq!(named, BTreeSet::from(FAMILIES), "{parameter}: {text}");
        }
    }
}

#[test]
fn the_api_passes_every_request_on_unchanged() {
    let template = Template::load();
    let (_, api) = template.of_type("AWS::ApiGatewayV2::Api").next().unwrap();
    assert_eq!(api["Properties"]["ProtocolType"], "HTTP");
    assert!(api["Properties"].get("CorsConfiguration").is_none(), "the function answers a preflight (security 119)");
    for (name, integration) in template.of_type("AWS::ApiGatewayV2::Integration") {
        let properties = template.resolve(&integration["Properties"]);
        let function = name.strip_suffix("Integration").unwrap();
        assert_eq!(properties["IntegrationUri"], format!("{function}.Arn"));
        assert_eq!(properties["PayloadFormatVersion"], "2.0");
        // security 141: the function ends before the gateway's timeout.
        let timeout = properties["TimeoutInMillis"].as_i64().unwrap();
        assert_eq!(timeout, 29_000);
        assert!(template.function(function)["Timeout"].as_i64().unwrap() * 1000 < timeout, "{function}");
        let permission = &template.root()["Resources"][format!("{function}Permission")]["Properties"];
        let permission = template.resolve(permission);
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
        assert_eq!(permission["FunctionName"], function);
        let arn = "arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:Api/*";
        assert_eq!(permission["SourceArn"], arn, "{function}: this API only");
    }
}

#[test]
fn one_stage_has_the_configured_limit_and_there_is_no_other_entry() {
    // security 143, 144: no second stage, no function URL, no entry without a limit.
    let template = Template::load().given("RequestsPerSecond", "7").given("BurstRequests", "9");
    let stages: Vec<_> = template.of_type("AWS::ApiGatewayV2::Stage").collect();
    assert_eq!(stages.len(), 1);
    let stage = template.resolve(&stages[0].1["Properties"]);
    assert_eq!((&stage["StageName"], &stage["AutoDeploy"]), (&json!("$default"), &json!(true)));
    let settings = json!({ "DetailedMetricsEnabled": false, "ThrottlingRateLimit": "7", "ThrottlingBurstLimit": "9" });
    assert_eq!(stage["DefaultRouteSettings"], settings);
    assert!(stage.get("RouteSettings").is_none(), "no route has its own limit");
    let metrics = Template::load().given("RouteMetrics", "true").resolve(&stages[0].1["Properties"]);
    assert_eq!(metrics["DefaultRouteSettings"]["DetailedMetricsEnabled"], true);
    let doors = ["AWS::Lambda::Url", "AWS::Serverless::HttpApi", "AWS::Serverless::Api", "AWS::ApiGateway::RestApi"];
    for door in doors {
        assert_eq!(template.of_type(door).count(), 0, "{door}");
    }
    assert_eq!(template.of_type("AWS::ApiGatewayV2::Api").count(), 1);
    for (name, permission) in template.of_type("AWS::Lambda::Permission") {
        assert_eq!(permission["Properties"]["Action"], "lambda:InvokeFunction", "{name}");
        assert!(permission["Properties"].get("FunctionUrlAuthType").is_none(), "{name}");
    }
}

/// With a user pool, which only login may call, login verifies registrations. Nothing else changes.
#[test]
fn login_verifies_registrations_with_a_user_pool() {
    let arn = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_AbC";
    let (without, with) = (Template::load(), Template::load().given("UserPoolArn", arn));
    let moved: Vec<_> = without
        .of_type("AWS::ApiGatewayV2::Route")
        .filter_map(|(name, route)| {
            let [before, after] = [&without, &with].map(|template| template.resolve(&route["Properties"]["Target"]));
            (before != after).then_some((name, before, after))
        })
        .collect();
    let names: Vec<_> = moved.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        names,
        [
            "RouteTTenantV1RegistrationsIdVerification",
            "RouteTTenantVerify",
            "RouteV1RegistrationsIdVerification",
            "RouteVerify",
        ]
    );
    for (name, before, after) in moved {
        let integrations = (json!("integrations/RegistrationIntegration"), json!("integrations/LoginIntegration"));
        assert_eq!((before, after), integrations, "{name}");
    }
}
