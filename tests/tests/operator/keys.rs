//! `latchkey keys` against a real local gateway: what is listed, ordered, and retired once it was confirmed (security 138).
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use std::collections::BTreeSet;
use tests::gateway::folder;
use tests::jwks::kids_in;
use tests::{Anonymous, Gateway, Operator};

/// The kid of the key of this algorithm that is so.
fn kid(list: &str, algorithm: &str, state: &str) -> String {
    let line = list.lines().find(|line| line.starts_with(algorithm) && line.contains(state)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn security_138_keys_are_listed_rotated_and_retired_by_an_operator() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::of(&gateway, &data, folder.path());
    let api = Anonymous::new(&gateway);
    let listed = async || kids_in(api.get("/.well-known/jwks.json").await.text());
    let wait = async |span: &str| {
        let moved = api.post_json("/dev/clock", &serde_json::json!({ "advance": span })).await;
        assert!(moved.status() < 300, "{}", moved.text());
    };
    assert_eq!(listed().await.len(), 3);
    let list = operator.done(&["keys", "list", "@"]);
    assert_eq!((list.lines().count(), list.matches("active since").count()), (3, 3), "{list}");

    let ordered = operator.done(&["keys", "rotate", "--alg", "ES256", "@"]);
    assert!(ordered.contains("is requested") && ordered.lines().count() == 1, "{ordered}");
    assert!(operator.done(&["keys", "list", "@"]).contains("rotation requested"));
    wait("PT61S").await;
    assert_eq!(listed().await.len(), 4, "the gateway made it at its next look");
    let list = operator.done(&["keys", "list", "@"]);
    let (old, new) = (kid(&list, "ES256", "active"), kid(&list, "ES256", "pending"));
    assert!(operator.done(&["keys", "rotate", "--alg", "ES256", "@"]).contains("is published already"));

    let nobody = operator.run(&["keys", "retire", &old, "@"]);
    assert!(nobody.code == Some(1) && nobody.err.contains("--yes"), "{nobody:?}");
    let no = operator.ask(&["keys", "retire", &old, "@"]).answer("no");
    assert!(no.code == Some(1) && no.out.contains("signs now") && no.out.contains(&new), "{no:?}");
    assert_eq!(kid(&operator.done(&["keys", "list", "@"]), "ES256", "active"), old, "nothing was changed");
    let yes = operator.ask(&["keys", "retire", &old, "@"]).answer("yes");
    assert!(yes.code == Some(0) && yes.out.contains(&format!("Retired {old}")), "{yes:?}");
    wait("PT61S").await;
    let left: BTreeSet<_> = listed().await;
    assert!(!left.contains(&old) && left.contains(&new) && left.len() == 3, "{left:?}");

    let rs256 = kid(&operator.done(&["keys", "list", "@"]), "RS256", "active");
    let alone = operator.done(&["keys", "retire", &rs256, "@", "--yes"]);
    assert!(alone.contains("503") && alone.contains("latchkey keys rotate"), "it says what it interrupts: {alone}");
    let again = operator.run(&["keys", "retire", &rs256, "@", "--yes"]);
    assert!(again.code == Some(1) && again.err.contains("retired already"), "{again:?}");
    let unknown = operator.run(&["keys", "retire", "no-such-key", "@", "--yes"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("latchkey keys list"), "{unknown:?}");
    assert_eq!(operator.run(&["keys", "rotate", "--alg", "HS256", "@"]).code, Some(2));
    let nobodys = operator.done(&["keys", "list", "--tenant", "other", "@"]);
    assert!(nobodys.contains("no signing keys yet"), "{nobodys}");
}
