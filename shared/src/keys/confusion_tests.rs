//! security 48: every text that the keys produce is accepted in its own slot and refused in every other.

use super::locator::tests as locators;
use super::signing::tests as signing;
use crate::domain::oauth::client::SigningAlgorithm;
use serde_json::json;

/// The `typ`s in use or planned: ID token, access token, logout token, mailed action, client assertion, PAR.
const TYPES: [&str; 6] = ["JWT", "at+jwt", "logout+jwt", "action+jwt", "client-authentication+jwt", "oauth-authz-req+jwt"];

#[tokio::test]
async fn security_48_a_token_or_cookie_is_refused_in_every_slot_except_its_own() {
    let locator = locators::keyring("a", 1);
    let signing = signing::signing_keys().await;
    let mut values: Vec<(&str, String)> = locators::made(&locator);
    for typ in TYPES {
        // All tokens have the same claims, so the claims are not what separates them.
        for algorithm in [SigningAlgorithm::ES256, SigningAlgorithm::EdDSA, SigningAlgorithm::RS256] {
            values.push((typ, signing.sign(algorithm, typ, &json!({"sub": "s", "exp": 2_000_000_000})).await.unwrap()));
        }
    }
    let slots: Vec<&str> = locators::made(&locator).into_iter().map(|(kind, _)| kind).chain(TYPES).collect();
    let mut opened = 0;
    for (kind, value) in &values {
        for slot in &slots {
            let taken = match TYPES.iter().find(|typ| *typ == slot) {
                Some(typ) => signing.verify(typ, value).is_some(),
                None => locators::taken(&locator, slot, value),
            };
            assert_eq!(taken, kind == slot, "{kind} in the slot of {slot}");
            opened += usize::from(taken);
        }
    }
    assert_eq!(opened, values.len(), "each value opens once, in its own slot");
}
