//! `latchkey doctor` against a real local gateway: no findings if it is healthy, and clear findings if it is not.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use axum::Router;
use axum::http::StatusCode;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use tests::gateway::folder;
use tests::{CommandOutput, Gateway, Operator};

/// The findings: what was checked, verdict, remedy.
fn findings(output: &CommandOutput) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&output.out).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().map(|finding| (text(finding, "what"), text(finding, "verdict"), text(finding, "mend"))).collect()
}

fn verdict_of<'a>(findings: &'a [(String, String, String)], what: &str) -> &'a str {
    findings.iter().find(|(of, _, _)| of == what).map_or("missing", |(_, verdict, _)| verdict)
}

const ASKED_OVER_HTTP: [&str; 4] =
    ["tenant default: metadata", "tenant default: JWK Set", "401 and WWW-Authenticate", "CORS preflight"];

#[test]
fn a_running_gateway_has_no_findings() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    // The first request creates the keys.
    let words = operator.run_ok(&["doctor", "@"]);
    assert!(words.lines().last().is_some_and(|line| line.contains(" 0 to fix")), "{words}");
    let output = operator.run(&["doctor", "@", "--json"]);
    let found = findings(&output);
    assert!(output.code == Some(0) && !found.iter().any(|(_, verdict, _)| verdict == "fail"), "{output:?}");
    let deep = findings(&operator.run(&["doctor", "@", "--deep", "--json"]));
    assert_eq!((verdict_of(&deep, "deep: sign-in"), verdict_of(&deep, "deep: routes")), ("ok", "ok"), "{deep:?}");
    for what in ["deep: AWS resources", "deep: writes over several tables"] {
        assert_eq!(verdict_of(&deep, what), "skip", "{what}: what is not checked is listed");
    }
    for what in ASKED_OVER_HTTP.into_iter().chain(["issuer", "clock", "tenant default: document", "tenant default: clients"]) {
        assert_eq!(verdict_of(&found, what), "ok", "{what}: {output:?}");
    }
    assert_eq!(verdict_of(&found, "tenant default: retention"), "skip", "a skipped check is listed");
}

/// A library that does not form-encode sends such a secret as another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_http_basic_changes_is_reported() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    for (secret, verdict) in [("k+cUhdG9nDqYw0iYlOeQ/A==", "warn"), ("4f2b9d1e8c7a60534f2b9d1e8c7a6053", "missing")] {
        let document = DEFAULT_DOCUMENT.replace("demo-service-secret", secret);
        gateway.put_in_force(&data, &document).await;
        let operator = Operator::new(&gateway, &data, folder.path());
        let output = tokio::task::spawn_blocking(move || operator.run(&["doctor", "@", "--json"])).await.unwrap();
        assert_eq!(verdict_of(&findings(&output), "tenant default: client demo-service"), verdict, "{secret}: {output:?}");
        assert!(!output.out.contains(secret), "a secret is never printed");
    }
}

/// Another server answers instead of Latchkey: each check reports it and says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_answers_for_the_functions_is_reported() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    // An API that answers preflights itself, and every other request with its own status.
    let lying =
        Router::new().fallback(async || ([("access-control-allow-origin", "*")], axum::Json(json!({ "issuer": "other" }))));
    tokio::spawn(async move { axum::serve(listener, lying).await });
    let output = tokio::task::spawn_blocking(move || operator.run(&["doctor", "@", "--at", &at, "--deep", "--json"])).await;
    let output = output.unwrap();
    let found = findings(&output);
    assert_eq!(output.code, Some(1), "{output:?}");
    for what in ASKED_OVER_HTTP.into_iter().chain(["deep: sign-in"]) {
        assert_eq!(verdict_of(&found, what), "fail", "{what}: {output:?}");
    }
    let failed = found.iter().filter(|(_, verdict, _)| verdict == "fail");
    assert!(failed.clone().all(|(_, _, mend)| !mend.is_empty()), "{output:?}");
}

/// A fake CloudFormation stack with these parameters over the gateway's tables. Returns its URL.
async fn stack(origin: &str, parameters: &[(&str, &str)]) -> String {
    let member = |kind: &str, (key, value): &(&str, &str)| {
        format!("<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>")
    };
    let members = |kind: &str, all: &[(&str, &str)]| all.iter().map(|one| member(kind, one)).collect::<String>();
    let outputs = [("IdentitiesTable", "identities"), ("KeysTable", "keys"), ("AuditTable", "audit"), ("Issuer", origin)];
    let (parameters, outputs) = (members("Parameter", parameters), members("Output", &outputs));
    let described = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>shop</StackName>\
         <CreationTime>2026-11-25T12:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
         <Parameters>{parameters}</Parameters><Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    );
    let resources = "<ListStackResourcesResponse><ListStackResourcesResult/></ListStackResourcesResponse>";
    let answer = move |body: String| async move {
        match body {
            body if body.contains("Action=DescribeStacks") => (StatusCode::OK, described),
            body if body.contains("Action=ListStackResources") => (StatusCode::OK, resources.to_owned()),
            _ => (StatusCode::FORBIDDEN, String::new()),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    at
}

/// For a reverse migration the document, the stack and the tenant must name the same pool.
#[tokio::test(flavor = "multi_thread")]
async fn the_return_pool_is_compared_with_the_parameters_of_the_stack() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let token = std::fs::read_to_string(data.join("operator-token")).unwrap().trim().to_owned();
    let arn = |pool: &str| format!("arn:aws:cognito-idp:eu-central-1:111122223333:userpool/{pool}");
    let (next, other) = (arn("eu-central-1_Next"), arn("eu-central-1_Other"));
    let reverse_migration = format!("{DEFAULT_DOCUMENT}\n[handover]\nuser_pool_id = \"eu-central-1_Next\"\n");
    let (reverse_migration, next, other) = (reverse_migration.as_str(), next.as_str(), other.as_str());
    for (document, pool, tenant, verdict, mend) in [
        (reverse_migration, "", "default", "fail", "deploy with the pool's ARN as ReturnPoolArn and default as ReturnTenant"),
        (reverse_migration, next, "default", "ok", ""),
        (reverse_migration, other, "default", "fail", "name that pool in [handover]"),
        (reverse_migration, next, "acme", "fail", "deploy with the pool's ARN as ReturnPoolArn and default as ReturnTenant"),
        (DEFAULT_DOCUMENT, next, "default", "warn", "apply a document with [handover]"),
        (DEFAULT_DOCUMENT, "", "default", "missing", ""),
    ] {
        gateway.put_in_force(&data, document).await;
        let operator = Operator::new(&gateway, &data, folder.path()).with_env(vec![
            ("AWS_ENDPOINT_URL", stack(gateway.origin(), &[("ReturnPoolArn", pool), ("ReturnTenant", tenant)]).await),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("{}/dev/tables", gateway.origin())),
            ("AWS_ACCESS_KEY_ID", token.clone()),
            ("AWS_SECRET_ACCESS_KEY", "not-checked".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]);
        let output = operator.run(&["doctor", "--stack", "shop", "--json"]);
        let found = findings(&output);
        assert_eq!(verdict_of(&found, "tenant default: return pool"), verdict, "{pool} {tenant}: {output:?}");
        let remedy = found.iter().find(|(what, ..)| what == "tenant default: return pool").map_or("", |(_, _, mend)| mend);
        assert!(remedy.starts_with(mend), "{remedy}");
        let expected = if tenant == "acme" { "fail" } else { "missing" };
        assert_eq!(verdict_of(&found, "tenant acme: return pool"), expected, "an unknown tenant: {output:?}");
    }
}

#[test]
fn an_unreachable_issuer_is_reported_with_a_remedy() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    let output = operator.run(&["doctor", "@", "--at", "http://127.0.0.1:1"]);
    assert!(output.code == Some(1) && output.out.contains("cannot be reached") && output.out.contains("Fix: "), "{output:?}");
    let local = operator.run(&["events", "redrive", "@"]);
    assert!(local.code == Some(1) && local.err.contains("has no dead letters"), "{local:?}");
}
