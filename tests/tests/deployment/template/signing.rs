//! KMS keys that sign and never leave KMS.

use crate::template::roles::roles;
use crate::template::{logical, set};
use serde_json::json;
use std::collections::BTreeSet;
use tests::deployed::PURPOSES;
use tests::routes::root;
use tests::template::{Statement, Template};

const KEYS: [(&str, &str, &str); 2] =
    [("SigningKeyEs256", "ECC_NIST_P256", "ECDSA_SHA_256"), ("SigningKeyRs256", "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256")];

#[test]
fn signing_keys_exist_if_switched_on_and_are_kept() {
    let (off, on) = (Template::load(), Template::load().given("RemoteSigning", "true"));
    let variable = |template: &Template| {
        template.resolve(&template.root()["Globals"]["Function"]["Environment"]["Variables"]["LATCHKEY_KMS_SIGNING_KEYS"])
    };
    assert_eq!(variable(&off), "");
    assert_eq!(variable(&on), "ES256=SigningKeyEs256.Arn,RS256=SigningKeyRs256.Arn");
    for (name, spec, algorithm) in KEYS {
        let key = &on.root()["Resources"][name];
        assert!(!off.exists(key) && on.exists(key), "{name}");
        assert_eq!(
            (&key["DeletionPolicy"], &key["UpdateReplacePolicy"]),
            (&json!("RetainExceptOnCreate"), &json!("Retain")),
            "{name}"
        );
        let properties = on.resolve(&key["Properties"]);
        assert_eq!((&properties["KeySpec"], &properties["KeyUsage"]), (&json!(spec), &json!("SIGN_VERIFY")), "{name}");
        let usage = &properties["KeyPolicy"]["Statement"][1];
        assert_eq!(usage["Action"], "kms:Sign", "{name}");
        assert_eq!(usage["Condition"], json!({ "StringEquals": { "kms:SigningAlgorithm": algorithm } }), "{name}");
    }
    for policy in ["RemoteSigningPublicKeys", "RemoteSigningOfTokens", "RemoteSigningOfExports"] {
        let policy = &on.root()["Resources"][policy];
        assert!(!off.exists(policy) && on.exists(policy));
    }
}

/// Whether the sources of a function sign, and whether they can sign with RS256 (a detached signature uses ES256).
fn signs(function: &str) -> [bool; 2] {
    let mut folders = vec![root().join("functions").join(function).join("src")];
    let mut found = [false; 2];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            found[0] |= text.contains(".sign(") || text.contains(".sign_detached(SigningAlgorithm::ES256");
            found[1] |= text.contains(".sign(");
        }
    }
    found
}

#[test]
fn signing_functions_may_sign_and_verifying_functions_may_read_the_keys() {
    // security 144: kms:Sign on one key
    let template = Template::load();
    let reads = set(["login", "token", "profile", "export"]);
    let declared: BTreeSet<String> = PURPOSES
        .iter()
        .filter(|(_, purposes)| purposes.iter().any(|purpose| purpose.name() == "signing"))
        .map(|(function, _)| (*function).to_owned())
        .collect();
    assert_eq!(declared, reads);
    for role in roles(&template) {
        let function = role.trim_end_matches("Role").to_lowercase();
        let of_keys: Vec<Statement> = template
            .statements(&role)
            .into_iter()
            .filter(|statement| statement.resources.iter().any(|resource| resource.starts_with("SigningKey")))
            .collect();
        let mut signing = [false; 2];
        let mut public = BTreeSet::new();
        for statement in &of_keys {
            if statement.actions == set(["kms:GetPublicKey"]) {
                public.extend(statement.resources.clone());
                continue;
            }
            assert_eq!(statement.actions, set(["kms:Sign"]), "{role}");
            let at = KEYS.iter().position(|(key, ..)| statement.resources == set([&format!("{key}.Arn")])).unwrap();
            let fence = json!({ "StringEquals": { "kms:SigningAlgorithm": KEYS[at].2, "kms:MessageType": "DIGEST" } });
            assert_eq!(statement.condition, fence, "{role}");
            signing[at] = true;
        }
        if role == "RetentionScheduleRole" {
            assert!(of_keys.is_empty());
            continue;
        }
        assert_eq!(role, format!("{}Role", logical(&function)));
        assert_eq!(signing, signs(&function), "{role}");
        let both = set(["SigningKeyEs256.Arn", "SigningKeyRs256.Arn"]);
        assert_eq!(public, if reads.contains(&function) { both } else { BTreeSet::new() }, "{role}");
    }
    assert_eq!([signs("token"), signs("export"), signs("login")], [[true; 2], [true, false], [false; 2]]);
}
