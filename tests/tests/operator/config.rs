//! `latchkey config` against a real local gateway: plan, apply, list, rollback, and refusals.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::Value;
use tempfile::TempDir;
use tests::gateway::{document_with, folder};
use tests::{Anonymous, Gateway, Operator};

/// A gateway with stored tables, and its operator.
fn start_gateway(arguments: &[&str]) -> (TempDir, Gateway, Operator) {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, arguments);
    let operator = Operator::new(&gateway, &data, folder.path());
    (folder, gateway, operator)
}

fn renamed(name: &str) -> String {
    DEFAULT_DOCUMENT.replacen("Latchkey Demo", name, 1)
}

fn versions(operator: &Operator) -> Vec<Value> {
    let listed = operator.run_ok(&["config", "history", "@", "--json"]);
    serde_json::from_str::<Value>(&listed).unwrap().as_array().unwrap().clone()
}

#[test]
fn validate_needs_no_gateway_and_names_every_error_by_path_and_line() {
    let folder = folder();
    std::fs::write(folder.path().join("good.toml"), DEFAULT_DOCUMENT).unwrap();
    std::fs::write(folder.path().join("bad.toml"), "nam = \"Shop\"\n[token]\naccess = \"PT11M\"\n").unwrap();
    std::fs::write(folder.path().join("torn.toml"), "name = \"Shop\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(tests::operator::binary());
        let output = command.current_dir(folder.path()).args(["config", "validate"]).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, words) = run(&["good.toml", "--origin", "https://id.example.com"]);
    assert!(code == 0 && words.starts_with("good.toml is valid (fields: 7,"), "{words}");
    let (code, words) = run(&["good.toml"]);
    assert!(code == 1 && words.contains("clients[0].redirect_uris[0]: has a placeholder"), "{words}");
    let (code, words) = run(&["bad.toml"]);
    assert!(code == 1 && words.lines().count() == 4, "{words}");
    for part in ["name: is missing", "nam: ", "token.access: ", "(line 3)"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let (code, words) = run(&["torn.toml"]);
    assert!(code == 1 && words.contains("line 1, column"), "{words}");
    assert_eq!(run(&["missing.toml"]).0, 1);
    assert_eq!(run(&[]).0, 2, "a wrong command line has another exit code than a refusal");
}

#[tokio::test]
async fn a_document_is_planned_applied_and_rolled_back_and_the_gateway_follows() {
    let (_folder, gateway, operator) = start_gateway(&[]);
    let api = Anonymous::new(&gateway);
    operator.write("shop.toml", &renamed("Blue Shop").replacen("name = \"newsletter\"", "name = \"nickname\"", 1));
    let plan = operator.run_ok(&["config", "plan", "shop.toml", "@"]);
    for words in ["version 1 is in force", "6 fields kept, 1 added, 1 retired", "remain stored", "users see \"Blue Shop\""] {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    assert_eq!(versions(&operator).len(), 1, "a plan writes nothing");
    let json: Value = serde_json::from_str(&operator.run_ok(&["config", "plan", "shop.toml", "@", "--json"])).unwrap();
    assert_eq!((&json["in_force"], &json["effects"][0]["severity"]), (&1.into(), &"notice".into()));

    let unanswered = operator.run(&["config", "apply", "shop.toml", "@"]);
    assert!(unanswered.code == Some(1) && unanswered.err.contains("--yes"), "{unanswered:?}");
    let no = operator.run_to_prompt(&["config", "apply", "shop.toml", "@"]).answer("no");
    assert!(no.code == Some(1) && no.err.contains("nothing was changed"), "{no:?}");
    assert_eq!(versions(&operator).len(), 1);
    let applied = operator.run_to_prompt(&["config", "apply", "shop.toml", "@", "-m", "we are blue now"]).answer("yes");
    assert!(
        applied.code == Some(0) && applied.out.contains("version 2 is in force; running instances pick it up within a minute"),
        "{applied:?}"
    );
    let again = operator.run_ok(&["config", "apply", "shop.toml", "@", "--yes"]);
    assert!(again.contains("no change: this text is in force"), "{again}");

    // The clock moves past the one-minute cache.
    api.post_json("/dev/clock", &serde_json::json!({ "advance": "PT2M" })).await;
    let form = api.get("/v1/registration/form").await.json();
    assert!(form["order"].to_string().contains("nickname"), "{form}");

    let back = operator.run_ok(&["config", "rollback", "1", "@", "--yes", "--as", "grace", "-m", "too blue"]);
    assert!(back.contains("version 3 is in force"), "{back}");
    let listed = versions(&operator);
    let listed_versions: Vec<_> =
        listed.iter().map(|one| (&one["version"], &one["source"], &one["by"], &one["comment"])).collect();
    let null = Value::Null;
    assert_eq!(
        listed_versions,
        [
            (&3.into(), &"operator".into(), &"grace".into(), &"back to 1: too blue".into()),
            (&2.into(), &"operator".into(), &"ada".into(), &"we are blue now".into()),
            (&1.into(), &"shipped".into(), &null, &null),
        ]
    );
    let shown = |version: &str| operator.run_ok(&["config", "show", version, "@"]);
    assert_eq!(shown("1"), shown("3"));
    assert_eq!(operator.run_ok(&["config", "show", "@"]), shown("3"));
    assert!(shown("2").contains("Blue Shop") && !shown("2").contains("{origin}"));
    for wrong in [&["config", "rollback", "9", "@", "--yes"][..], &["config", "show", "9", "@"]] {
        let refused = operator.run(wrong);
        assert!(refused.code == Some(1) && refused.err.contains("no version 9"), "{refused:?}");
    }
    api.post_json("/dev/clock", &serde_json::json!({ "advance": "PT2M" })).await;
    let form = api.get("/v1/registration/form").await.json();
    assert!(form["order"].to_string().contains("newsletter"), "{form}");
}

#[tokio::test]
async fn of_two_concurrent_applies_one_is_refused_and_nothing_is_lost() {
    let (_folder, _gateway, operator) = start_gateway(&[]);
    operator.write("one.toml", &renamed("One"));
    operator.write("two.toml", &renamed("Two"));
    // Both plans are based on version 1, before either of them writes.
    let one = operator.run_to_prompt(&["config", "apply", "one.toml", "@"]);
    let two = operator.run_to_prompt(&["config", "apply", "two.toml", "@"]);
    let first = two.answer("yes");
    assert!(first.code == Some(0) && first.out.contains("version 2 is in force"), "{first:?}");
    let late = one.answer("yes");
    assert!(late.code == Some(1) && late.err.contains("another version of tenant default was stored"), "{late:?}");
    assert_eq!(versions(&operator).len(), 2);
    assert!(operator.run_ok(&["config", "show", "@"]).contains("\"Two\""));
    // The same in a real race.
    operator.write("three.toml", &renamed("Three"));
    operator.write("four.toml", &renamed("Four"));
    let ended = std::thread::scope(|scope| {
        let run = |file: &'static str| scope.spawn(|| operator.run(&["config", "apply", file, "@", "--yes"]).code);
        [run("three.toml"), run("four.toml")].map(|thread| thread.join().unwrap())
    });
    let won = ended.iter().filter(|code| **code == Some(0)).count();
    assert!(won >= 1 && versions(&operator).len() == 2 + won, "{ended:?}");
}

#[tokio::test]
async fn a_new_tenant_is_created_after_a_question_and_is_served() {
    let (_folder, gateway, operator) = start_gateway(&[]);
    operator.write("acme.toml", &renamed("Acme"));
    let asked = operator.run_to_prompt(&["config", "apply", "acme.toml", "@", "--tenant", "acme"]).answer("yes");
    assert_eq!(asked.code, Some(0), "{asked:?}");
    for words in ["there is no tenant acme yet", "/t/acme", "a new tenant, \"Acme\"", "version 1 is in force"] {
        assert!(asked.out.contains(words), "{words}: {asked:?}");
    }
    let metadata = Anonymous::new(&gateway).get("/t/acme/.well-known/openid-configuration").await;
    assert_eq!(metadata.json()["issuer"], format!("{}/t/acme", gateway.origin()));
    let wrong = operator.run(&["config", "apply", "acme.toml", "@", "--tenant", "No Name"]);
    assert_eq!(wrong.code, Some(2));
}

#[test]
fn an_invalid_or_too_large_document_is_not_stored() {
    let (_folder, _gateway, operator) = start_gateway(&[]);
    operator.write("bad.toml", "name = 7\n");
    operator.write("large.toml", &format!("{}\n# {}", DEFAULT_DOCUMENT, "x".repeat(256 * 1024)));
    // The largest allowed document: it fits into an item and through the gateway.
    let room = 256 * 1024 - DEFAULT_DOCUMENT.len() - 1024;
    operator.write("full.toml", &format!("{}\n# {}", DEFAULT_DOCUMENT, "x".repeat(room)));
    for (file, words) in [("bad.toml", "name: "), ("large.toml", "at most 262144 can be stored")] {
        let refused = operator.run(&["config", "apply", file, "@", "--yes"]);
        assert!(refused.code == Some(1) && refused.err.contains(words), "{file}: {refused:?}");
    }
    assert_eq!(versions(&operator).len(), 1);
    assert!(operator.run_ok(&["config", "apply", "full.toml", "@", "--yes"]).contains("version 2"));
    let long = operator.run(&["config", "apply", "full.toml", "@", "--yes", "-m", &"x".repeat(501)]);
    assert_eq!(long.code, Some(2));
}

#[test]
fn a_document_that_the_local_gateway_can_not_serve_is_not_stored() {
    let (_folder, _gateway, operator) = start_gateway(&[]);
    for (section, words) in [
        ("[keys]\nsigner = \"kms\"\n", "no KMS"),
        ("[cognito]\nuser_pool_id = \"eu-central-1_AbC\"\nclient_id = \"1abc\"\n", "cannot reach a user pool"),
    ] {
        operator.write("far.toml", &format!("{}\n{section}", renamed("Far")));
        let listed_versions = operator.run(&["config", "apply", "@", "--yes", "far.toml"]);
        assert!(listed_versions.code == Some(1) && listed_versions.err.contains(words), "{listed_versions:?}");
        assert_eq!(versions(&operator).len(), 1, "{section}");
    }
}

#[test]
fn a_missing_or_foreign_operator_token_is_refused() {
    let (folder, gateway, operator) = start_gateway(&[]);
    let token = folder.path().join("data/operator-token");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let own = std::fs::read_to_string(&token).unwrap();
    std::fs::write(&token, "A".repeat(43)).unwrap();
    let refused = operator.run(&["config", "history", "@"]);
    assert!(refused.code == Some(1) && refused.err.contains("operator token is wrong"), "{refused:?}");
    std::fs::remove_file(&token).unwrap();
    let refused = operator.run(&["config", "history", "@"]);
    assert!(refused.code == Some(1) && refused.err.contains("--data") && !refused.err.contains(&own), "{refused:?}");
    drop(gateway);
    let refused = operator.run(&["config", "history", "@"]);
    assert!(refused.code == Some(1) && refused.err.contains("start the gateway"), "{refused:?}");
}

#[tokio::test]
async fn the_tables_are_open_only_to_the_operator_token_and_to_no_page() {
    let (folder, gateway, _operator) = start_gateway(&[]);
    let api = Anonymous::new(&gateway);
    let token = std::fs::read_to_string(folder.path().join("data/operator-token")).unwrap();
    let signed =
        |token: &str| format!("AWS4-HMAC-SHA256 Credential={token}/20260301/us-east-1/dynamodb/aws4_request, Signature=0");
    let target = ("x-amz-target", "DynamoDB_20120810.ListTables");
    let ask = async |headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([target]).collect();
        api.send(http::Method::POST, "/dev/tables/", &headers, "{}").await
    };
    let own = signed(&token);
    let listed = ask(&[("authorization", &own)]).await;
    assert!(listed.status() == 200 && listed.text().contains("identities"), "{}", listed.text());
    let foreign = format!("evil.test:{}", gateway.port());
    for (headers, status) in [
        (&[][..], 400),
        (&[("authorization", signed("").as_str())], 400),
        (&[("authorization", signed("local").as_str())], 400),
        (&[("authorization", &own), ("host", &foreign)], 403),
        (&[("authorization", &own), ("origin", "https://evil.test")], 403),
        (&[("authorization", &own), ("origin", gateway.origin())], 403),
        (&[("authorization", &own), ("sec-fetch-site", "cross-site"), ("origin", "null")], 403),
    ] {
        let refused = ask(headers).await;
        assert!(refused.status() == status && !refused.text().contains("identities"), "{headers:?}: {}", refused.text());
    }
    // No tenant has its own tables, and a gateway without stored data does not offer any.
    assert_eq!(api.send(http::Method::POST, "/t/acme/dev/tables/", &[target], "{}").await.status(), 404);
    let ephemeral = Gateway::ephemeral(&[]);
    assert_eq!(Anonymous::new(&ephemeral).send(http::Method::POST, "/dev/tables/", &[target], "{}").await.status(), 404);
}

/// An applied document survives restarts. A start with `--config` stores the file only if the file has changed.
#[test]
fn a_restart_keeps_what_was_applied_until_the_file_itself_changes() {
    let folder = folder();
    let (data, file) = (folder.path().join("data"), folder.path().join("shop.toml"));
    let name = |operator: &Operator| {
        let shown = operator.run_ok(&["config", "show", "@"]);
        shown.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().split('"').nth(1).unwrap().to_owned()
    };
    let start = |config: bool| {
        let with_file = ["--config", file.to_str().unwrap()];
        let gateway = Gateway::start(&data, if config { &with_file } else { &[] });
        let operator = Operator::new(&gateway, &data, folder.path());
        (gateway, operator)
    };
    let apply = |operator: &Operator, name: &str| {
        operator.write("applied.toml", &renamed(name));
        operator.run_ok(&["config", "apply", "applied.toml", "@", "--yes"])
    };
    // The shipped document replaces only itself (each start has another port, and so other URLs), never another document.
    let (gateway, operator) = start(false);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("Latchkey Demo", 1));
    drop(gateway);
    let (gateway, operator) = start(false);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("Latchkey Demo", 2));
    apply(&operator, "Applied");
    drop(gateway);
    let (gateway, operator) = start(false);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("Applied", 3));
    drop(gateway);
    // A file that was never stored is new.
    std::fs::write(&file, document_with("").replacen("Latchkey Demo", "File", 1)).unwrap();
    let (gateway, operator) = start(true);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("File", 4));
    apply(&operator, "Applied again");
    drop(gateway);
    let (gateway, operator) = start(true);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("Applied again", 5), "the file has not changed");
    drop(gateway);
    let (gateway, operator) = start(false);
    assert_eq!(name(&operator), "Applied again");
    drop(gateway);
    std::fs::write(&file, document_with("").replacen("Latchkey Demo", "File two", 1)).unwrap();
    let (gateway, operator) = start(true);
    assert_eq!((name(&operator).as_str(), versions(&operator).len()), ("File two", 6), "the file has changed");
    drop(gateway);
    // Without the flag the last document of the file stays in force.
    let (_gateway, operator) = start(false);
    assert_eq!(name(&operator), "File two");
}
