//! `latchkey doctor` against a real local gateway: well when it is, and clear about what is not.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use axum::Router;
use serde_json::{Value, json};
use tests::gateway::folder;
use tests::{Gateway, Operator, Told};

/// What it found, by what was looked at: verdict and words.
fn findings(told: &Told) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&told.out).unwrap();
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
fn a_gateway_that_runs_is_well() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::of(&gateway, &data, folder.path());
    // Its keys are made by the first request.
    let words = operator.done(&["doctor", "@"]);
    assert!(words.lines().last().is_some_and(|line| line.contains(" 0 to mend")), "{words}");
    let told = operator.run(&["doctor", "@", "--json"]);
    let found = findings(&told);
    assert!(told.code == Some(0) && !found.iter().any(|(_, verdict, _)| verdict == "fail"), "{told:?}");
    for what in ASKED_OVER_HTTP.into_iter().chain(["issuer", "clock", "tenant default: document", "tenant default: clients"]) {
        assert_eq!(verdict_of(&found, what), "ok", "{what}: {told:?}");
    }
    assert_eq!(verdict_of(&found, "tenant default: retention"), "skip", "what is not looked at is said");
}

/// Something answers there, but not Latchkey: each check sees it, and each says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_the_functions_and_answers_for_them_is_seen() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::of(&gateway, &data, folder.path());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    // An API that answers preflights itself, and everything else with its own idea of a status.
    let lying =
        Router::new().fallback(async || ([("access-control-allow-origin", "*")], axum::Json(json!({ "issuer": "other" }))));
    tokio::spawn(async move { axum::serve(listener, lying).await });
    let told = tokio::task::spawn_blocking(move || operator.run(&["doctor", "@", "--at", &at, "--json"])).await;
    let told = told.unwrap();
    let found = findings(&told);
    assert_eq!(told.code, Some(1), "{told:?}");
    for what in ASKED_OVER_HTTP {
        assert_eq!(verdict_of(&found, what), "fail", "{what}: {told:?}");
    }
    let failed = found.iter().filter(|(_, verdict, _)| verdict == "fail");
    assert!(failed.clone().all(|(_, _, mend)| !mend.is_empty()), "{told:?}");
}

#[test]
fn an_issuer_that_can_not_be_reached_is_said_with_what_to_do() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::of(&gateway, &data, folder.path());
    let told = operator.run(&["doctor", "@", "--at", "http://127.0.0.1:1"]);
    assert!(told.code == Some(1) && told.out.contains("can't be reached") && told.out.contains("Mend: "), "{told:?}");
    let local = operator.run(&["events", "redrive", "@"]);
    assert!(local.code == Some(1) && local.err.contains("gives nothing up"), "{local:?}");
}
