//! The API: its routes are those of the sources, and it hands requests over as they came.

use crate::template::logical;
use serde_json::json;
use std::collections::BTreeMap;
use tests::routes;
use tests::template::Template;

#[test]
fn the_routes_are_those_of_the_sources_for_the_default_tenant_and_for_others() {
    let template = Template::load();
    let mut expected = BTreeMap::from([("$default".to_owned(), "integrations/TokenIntegration".to_owned())]);
    for route in routes::in_the_sources() {
        let Some(function) = route.function else { continue };
        let target = format!("integrations/{}Integration", logical(&function));
        let of_tenant = match route.path.as_str() {
            // RFC 8414 §3.1: the well-known segment stands first.
            metadata @ "/.well-known/oauth-authorization-server" => format!("{metadata}/t/{{tenant}}"),
            path => format!("/t/{{tenant}}{path}"),
        };
        for path in [route.path, of_tenant] {
            // ANY: a wrong method, HEAD and a preflight reach the function that knows the path.
            let other = expected.insert(format!("ANY {path}"), target.clone());
            assert!(other.is_none_or(|other| other == target), "{path} is of two functions");
        }
    }
    let mut routed = BTreeMap::new();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let properties = template.resolve(&route["Properties"]);
        assert_eq!(properties["ApiId"], "Api", "{name}");
        assert!(properties["AuthorizationType"].is_null(), "{name}: the functions admit callers");
        let key = properties["RouteKey"].as_str().unwrap().to_owned();
        assert!(routed.insert(key, properties["Target"].as_str().unwrap().to_owned()).is_none(), "{name} stands twice");
    }
    let missing: Vec<_> = expected.iter().filter(|(key, _)| !routed.contains_key(*key)).collect();
    let gone: Vec<_> = routed.iter().filter(|(key, _)| !expected.contains_key(*key)).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the template: {missing:#?}; not in the sources: {gone:#?}");
    assert_eq!(routed, expected);
    assert!(routed.len() <= 300, "an API has at most 300 routes");
}

#[test]
fn the_api_hands_every_request_over_as_it_came() {
    let template = Template::load();
    let (_, api) = template.of_type("AWS::ApiGatewayV2::Api").next().unwrap();
    assert_eq!(api["Properties"]["ProtocolType"], "HTTP");
    assert!(api["Properties"].get("CorsConfiguration").is_none(), "a preflight is the function's to answer (security 119)");
    for (name, integration) in template.of_type("AWS::ApiGatewayV2::Integration") {
        let properties = template.resolve(&integration["Properties"]);
        let function = name.strip_suffix("Integration").unwrap();
        assert_eq!(properties["IntegrationUri"], format!("{function}.Arn"));
        assert_eq!(properties["PayloadFormatVersion"], "2.0");
        // security 141: the function ends before the gateway gives up.
        let timeout = properties["TimeoutInMillis"].as_i64().unwrap();
        assert_eq!(timeout, 29_000);
        assert!(template.function(function)["Timeout"].as_i64().unwrap() * 1000 < timeout, "{function}");
        let permission = &template.root()["Resources"][format!("{function}Permission")]["Properties"];
        let permission = template.resolve(permission);
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
        assert_eq!(permission["FunctionName"], function);
        let arn = "arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:Api/*";
        assert_eq!(permission["SourceArn"], arn, "{function}: this API and no other");
    }
}

#[test]
fn one_stage_takes_as_much_as_is_said_and_nothing_else_leads_in() {
    // security 143, 144: no second stage, no address of a function, no door without a limit.
    let template = Template::load().given("RequestsPerSecond", "7").given("BurstRequests", "9");
    let stages: Vec<_> = template.of_type("AWS::ApiGatewayV2::Stage").collect();
    assert_eq!(stages.len(), 1);
    let stage = template.resolve(&stages[0].1["Properties"]);
    assert_eq!((&stage["StageName"], &stage["AutoDeploy"]), (&json!("$default"), &json!(true)));
    let settings = json!({ "DetailedMetricsEnabled": false, "ThrottlingRateLimit": "7", "ThrottlingBurstLimit": "9" });
    assert_eq!(stage["DefaultRouteSettings"], settings);
    assert!(stage.get("RouteSettings").is_none(), "no route is let off");
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

/// While people come from a user pool, which only login may ask, registrations are proven there; nothing else moves.
#[test]
fn registrations_are_proven_at_login_while_people_come_from_a_user_pool() {
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
