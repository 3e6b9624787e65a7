//! `latchkey keys` against a real local gateway: list, rotate, and retire after a confirmation (security 138).
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use std::collections::BTreeSet;
use tests::gateway::folder;
use tests::jwks::kids_in;
use tests::{Anonymous, Gateway, Operator};

/// The kid of the key with this algorithm and state.
fn kid(list: &str, algorithm: &str, state: &str) -> String {
    let line = list.lines().find(|line| line.starts_with(algorithm) && line.contains(state)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn security_138_keys_are_listed_rotated_and_retired_by_an_operator() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    let api = Anonymous::new(&gateway);
    let published_kids = async || kids_in(api.get("/.well-known/jwks.json").await.text());
    let wait = async |span: &str| {
        let moved = api.post_json("/dev/clock", &serde_json::json!({ "advance": span })).await;
        assert!(moved.status() < 300, "{}", moved.text());
    };
    assert_eq!(published_kids().await.len(), 2, "no client of the document uses EdDSA");
    let list = operator.run_ok(&["keys", "list", "@"]);
    assert_eq!((list.lines().count(), list.matches("active since").count()), (3, 3), "{list}");

    let rotation = operator.run_ok(&["keys", "rotate", "--alg", "ES256", "@"]);
    assert!(rotation.contains("is requested") && rotation.lines().count() == 1, "{rotation}");
    assert!(operator.run_ok(&["keys", "list", "@"]).contains("rotation requested"));
    wait("PT61S").await;
    assert_eq!(published_kids().await.len(), 3, "the gateway created the key");
    let list = operator.run_ok(&["keys", "list", "@"]);
    let (old, new) = (kid(&list, "ES256", "active"), kid(&list, "ES256", "pending"));
    assert!(operator.run_ok(&["keys", "rotate", "--alg", "ES256", "@"]).contains("is published already"));

    let unconfirmed = operator.run(&["keys", "retire", &old, "@"]);
    assert!(unconfirmed.code == Some(1) && unconfirmed.err.contains("--yes"), "{unconfirmed:?}");
    let no = operator.run_to_prompt(&["keys", "retire", &old, "@"]).answer("no");
    assert!(no.code == Some(1) && no.out.contains("signs now") && no.out.contains(&new), "{no:?}");
    assert_eq!(kid(&operator.run_ok(&["keys", "list", "@"]), "ES256", "active"), old, "a refused confirmation changes nothing");
    let yes = operator.run_to_prompt(&["keys", "retire", &old, "@"]).answer("yes");
    assert!(yes.code == Some(0) && yes.out.contains(&format!("Retired {old}")), "{yes:?}");
    wait("PT61S").await;
    let left: BTreeSet<_> = published_kids().await;
    assert!(!left.contains(&old) && left.contains(&new) && left.len() == 2, "{left:?}");

    let rs256 = kid(&operator.run_ok(&["keys", "list", "@"]), "RS256", "active");
    let alone = operator.run_ok(&["keys", "retire", &rs256, "@", "--yes"]);
    assert!(alone.contains("503") && alone.contains("latchkey keys rotate"), "the output names the interruption: {alone}");
    let again = operator.run(&["keys", "retire", &rs256, "@", "--yes"]);
    assert!(again.code == Some(1) && again.err.contains("retired already"), "{again:?}");
    let unknown = operator.run(&["keys", "retire", "no-such-key", "@", "--yes"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("latchkey keys list"), "{unknown:?}");
    assert_eq!(operator.run(&["keys", "rotate", "--alg", "HS256", "@"]).code, Some(2));
    let other_tenant = operator.run_ok(&["keys", "list", "--tenant", "other", "@"]);
    assert!(other_tenant.contains("no signing keys yet"), "{other_tenant}");
}
