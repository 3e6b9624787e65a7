use super::*;
use crate::domain::time::Span;
use crate::store::key::KeySlot;
use crate::store::keyring::{RetiredKey, StoredKeyState};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

fn tenant() -> TenantId {
    "a".parse().unwrap()
}
/// A key pair. The RSA pair is always the same, because it takes long to make.
fn pair(algorithm: SigningAlgorithm) -> (Zeroizing<Vec<u8>>, String) {
    static RSA: OnceLock<(Zeroizing<Vec<u8>>, String)> = OnceLock::new();
    match algorithm {
        SigningAlgorithm::RS256 => RSA.get_or_init(|| generate(algorithm).unwrap()).clone(),
        SigningAlgorithm::ES256 | SigningAlgorithm::EdDSA => generate(algorithm).unwrap(),
    }
}
async fn material(vault: &KeyVault, algorithm: SigningAlgorithm, active_from: Timestamp) -> KeyMaterial {
    let (pkcs8, public) = pair(algorithm);
    let wrapped = vault.wrap(&tenant(), Purpose::Signing, &pkcs8).await.unwrap();
    let public_jwk = Some(public);
    KeyMaterial {
        wrapped,
        public_jwk,
        created_at: NOW,
        active_from,
        kms_key: None,
        successor_ordered_at: None,
        dropped_at: None,
    }
}
fn in_slot(algorithm: SigningAlgorithm, version: u32, key: KeyMaterial) -> StoredKey {
    let slot = KeySlot::Signing { algorithm, version };
    StoredKey { slot, holder: "holder".to_owned(), state: StoredKeyState::Ready(key) }
}
async fn every_algorithm(vault: &KeyVault) -> Vec<StoredKey> {
    let mut stored = Vec::new();
    for algorithm in ALGORITHMS {
        stored.push(in_slot(algorithm, 1, material(vault, algorithm, NOW).await));
    }
    stored
}
pub(crate) async fn signing_keys() -> SigningKeys {
    let vault = KeyVault::ephemeral();
    SigningKeys::new(&tenant(), &vault, &every_algorithm(&vault).await, NOW, None).unwrap()
}
fn key(keys: &SigningKeys, algorithm: SigningAlgorithm) -> &Arc<SigningKey> {
    keys.published.iter().map(|(_, key)| key).find(|key| key.algorithm == algorithm).unwrap()
}
/// A token with exactly this header and payload and a valid signature of our own key: only its form can be wrong.
async fn signed(keys: &SigningKeys, algorithm: SigningAlgorithm, header: &str, payload: &str) -> String {
    let key = key(keys, algorithm);
    let message = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(payload.as_bytes()));
    let signature = key.sign(message.as_bytes()).await.unwrap();
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn a_signature_of_each_algorithm_is_verified_here_and_by_another_library() {
    let keys = signing_keys().await;
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys.jwks_of(&ALGORITHMS.into())).unwrap();
    let claims = json!({"iss": "https://id.example.com", "sub": "s", "n": [1, {"a": null}], "text": "ä\u{0}\"\\"});
    for algorithm in ALGORITHMS {
        let token = keys.sign(algorithm, "at+jwt", &claims).await.unwrap();
        assert_eq!(keys.verify("at+jwt", &token).map(Value::Object).as_ref(), Some(&claims));
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let jwk = jwks.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(header.alg);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(read.claims, claims, "{algorithm:?}");
    }
}

#[tokio::test]
async fn security_51_signatures_have_a_fixed_length_even_with_leading_zeros() {
    let keys = signing_keys().await;
    let mut leading_zeros = 0;
    for n in 0..2_000 {
        let token = keys.sign(SigningAlgorithm::ES256, "JWT", &n.to_string()).await;
        let token = token.unwrap();
        let signature = BASE64URL_NOPAD.decode(token.rsplit_once('.').unwrap().1.as_bytes()).unwrap();
        assert_eq!(signature.len(), 64);
        leading_zeros += u32::from(signature[0] == 0) + u32::from(signature[32] == 0);
        let compact = Compact::parse(&token).unwrap();
        let verifier = &key(&keys, SigningAlgorithm::ES256).verifier;
        assert!(verifier.verify_sig(compact.signed.as_bytes(), &compact.signature).is_ok());
    }
    assert!(leading_zeros > 0, "2,000 signatures without a leading zero: the case did not occur");
}

#[tokio::test]
async fn security_52_the_jwk_set_has_public_members_only_and_thumbprints_as_key_ids() {
    let keys = signing_keys().await;
    let set: Value = serde_json::from_str(&keys.jwks_of(&ALGORITHMS.into())).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names(&set), ["keys".to_owned()].into());
    let expected = [
        ("EC", "ES256", vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        ("RSA", "RS256", vec!["alg", "e", "kid", "kty", "n", "use"]),
        ("OKP", "EdDSA", vec!["alg", "crv", "kid", "kty", "use", "x"]),
    ];
    let listed = set["keys"].as_array().unwrap();
    assert_eq!(listed.len(), expected.len());
    for (key, (kty, alg, members)) in listed.iter().zip(expected) {
        assert_eq!(names(key), members.into_iter().map(str::to_owned).collect());
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!(kty), &json!(alg), &json!("sig")));
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
        assert_eq!(key["kid"], jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap());
    }
    let rsa = &listed[1];
    assert_eq!(BASE64URL_NOPAD.decode(rsa["n"].as_str().unwrap().as_bytes()).unwrap().len(), 256, "2048 bits, no leading zero");
    assert_eq!(rsa["e"], "AQAB");
}

#[tokio::test]
async fn security_44_to_48_a_token_with_a_wrong_header_is_refused_even_if_its_signature_is_valid() {
    let keys = signing_keys().await;
    for algorithm in ALGORITHMS {
        let (alg, kid) = (algorithm_name(algorithm), key(&keys, algorithm).kid.to_string());
        let good = json!({"alg": alg, "kid": kid, "typ": "at+jwt"});
        let token = signed(&keys, algorithm, &good.to_string(), "{}").await;
        assert_eq!(keys.verify("at+jwt", &token), Some(Map::new()), "the valid token");

        let others =
            ["none", "None", "nOnE", "", "HS256", "ES256", "RS256", "EdDSA", "Ed25519", "PS256", "ES384", "es256", "rs256"];
        for other in others.into_iter().filter(|other| *other != alg) {
            let mut header = good.clone();
            header["alg"] = json!(other);
            let token = signed(&keys, algorithm, &header.to_string(), "{}").await;
            assert!(keys.verify("at+jwt", &token).is_none(), "{alg} key, alg {other}");
        }
        let jwk = json!({"kty": "oct", "k": "AAAA"});
        let extra = [
            ("crit", json!([])),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("jku", json!("https://evil.example/jwks")),
            ("x5u", json!("https://evil.example/cert")),
            ("x5c", json!(["AAAA"])),
            ("jwk", jwk),
            ("cty", json!("JWT")),
            ("enc", json!("A128GCM")),
            ("ALG", json!(alg)),
        ];
        for (name, value) in extra {
            let mut header = good.clone();
            header[name] = value;
            let token = signed(&keys, algorithm, &header.to_string(), "{}").await;
            assert!(keys.verify("at+jwt", &token).is_none(), "{alg} with {name} (security 45)");
        }
        for name in ["alg", "kid", "typ"] {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(name);
            let mut variants = vec![without];
            for wrong in [json!(null), json!(1), json!([good[name]]), json!({}), json!(true)] {
                let mut header = good.clone();
                header[name] = wrong;
                variants.push(header);
            }
            for header in variants {
                let token = signed(&keys, algorithm, &header.to_string(), "{}").await;
                assert!(keys.verify("at+jwt", &token).is_none(), "{header}");
            }
        }
        for (kid_now, typ) in [
            (&*kid, "AT+JWT"),
            (&*kid, "application/at+jwt"),
            (&*kid, "JWT"),
            (&*kid, "at+jwt "),
            (&*kid, ""),
            ("", "at+jwt"),
            ("../../dev/null", "at+jwt"),
            (&*kid.to_lowercase(), "at+jwt"),
            (&kid[..42], "at+jwt"),
        ] {
            let header = json!({"alg": alg, "kid": kid_now, "typ": typ}).to_string();
            let token = signed(&keys, algorithm, &header, "{}").await;
            assert!(keys.verify("at+jwt", &token).is_none(), "{header}");
        }
        let twice = [
            format!(r#"{{"alg":"none","alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#),
            format!(r#"{{"alg":"{alg}","alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#),
            format!(r#"{{"\u0061lg":"none","alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#),
            format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"JWT","typ":"at+jwt"}}"#),
        ];
        for header in twice {
            let token = signed(&keys, algorithm, &header, "{}").await;
            assert!(keys.verify("at+jwt", &token).is_none(), "{header} (security 47)");
        }
        for payload in [
            "",
            "[]",
            "null",
            "\"x\"",
            "1",
            "{",
            "{}{}",
            "\u{feff}{}",
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"exp":1e400}"#,
            r#"{"exp":NaN}"#,
        ] {
            let token = signed(&keys, algorithm, &good.to_string(), payload).await;
            assert!(keys.verify("at+jwt", &token).is_none(), "{payload} (security 46, 47)");
        }
    }
}

#[tokio::test]
async fn security_44_a_public_key_is_not_accepted_as_an_hmac_secret() {
    let keys = signing_keys().await;
    for algorithm in ALGORITHMS {
        let key = key(&keys, algorithm);
        let jwk = serde_json::to_string(&key.jwk).unwrap();
        let secrets: [&[u8]; 4] = [b"", jwk.as_bytes(), key.verifier.as_ref(), key.kid.as_str().as_bytes()];
        for secret in secrets {
            for alg in ["HS256", "none", algorithm_name(algorithm)] {
                let header = json!({"alg": alg, "kid": key.kid, "typ": "at+jwt"}).to_string();
                let message = format!("{}.e30", BASE64URL_NOPAD.encode(header.as_bytes()));
                let mac =
                    aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret), message.as_bytes());
                for signature in [mac.as_ref(), b"", &[0; 64], &[0; 256]] {
                    let token = format!("{message}.{}", BASE64URL_NOPAD.encode(signature));
                    assert!(keys.verify("at+jwt", &token).is_none(), "{token}");
                }
            }
        }
    }
}

#[tokio::test]
async fn security_47_only_the_canonical_encoding_of_a_token_is_accepted() {
    let keys = signing_keys().await;
    for algorithm in ALGORITHMS {
        let token = keys.sign(algorithm, "JWT", &json!({"sub": "someone"})).await.unwrap();
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let mut bent = vec![
            format!("{header}.{payload}"),
            format!("{header}.{payload}."),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{header}.{payload}.{signature}.{signature}.{signature}"),
            format!("Bearer {token}"),
            token.replace('.', ".."),
            json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
            String::new(),
            "..".to_owned(),
            "a".repeat(1 << 20),
        ];
        for part in [header, payload, signature] {
            for with in ["=", "==", " ", "\n", "\r\n", "\t", "\0", "A", "AA", "+", "/"] {
                bent.push(token.replacen(part, &format!("{part}{with}"), 1));
                bent.push(token.replacen(part, &format!("{with}{part}"), 1));
            }
        }
        for at in 0..token.len() {
            bent.push(token[..at].to_owned());
            bent.push(token[at + 1..].to_owned());
            let c = token.as_bytes()[at];
            let other_case = if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            // In the alphabet, the neighbour of a part's last character often differs only in the unused bits.
            for other in [other_case, c.wrapping_add(1)] {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = other;
                bent.extend(String::from_utf8(bytes).ok().filter(|changed| *changed != token));
            }
        }
        for bent in bent {
            assert!(keys.verify("JWT", &bent).is_none(), "{bent}");
        }
        assert!(keys.verify("JWT", &token).is_some());
    }
}

#[tokio::test]
async fn security_44_signatures_in_another_form_are_refused() {
    let keys = signing_keys().await;
    let token = keys.sign(SigningAlgorithm::ES256, "JWT", &json!({})).await.unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let (r, s) = signature.split_at(32);
    let integer = |bytes: &[u8]| {
        let plain: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = if plain[0] & 0x80 == 0 { vec![] } else { vec![0] };
        [vec![2, u8::try_from(sign.len() + plain.len()).unwrap()], sign, plain].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let forms = [
        ("DER", [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()),
        ("swapped", [s, r].concat()),
        ("r alone", r.to_vec()),
        ("65 bytes", [&signature[..], &[0]].concat()),
        ("63 bytes", signature[..63].to_vec()),
        ("r = 0", [&[0; 32], s].concat()),
        ("s = 0", [r, &[0; 32]].concat()),
        ("r, s = 0", vec![0; 64]),
        ("padded to 96 bytes", [&[0; 16], r, &[0; 16], s].concat()),
    ];
    for (form, signature) in forms {
        let token = format!("{message}.{}", BASE64URL_NOPAD.encode(&signature));
        assert!(keys.verify("JWT", &token).is_none(), "{form}");
    }
}

#[tokio::test]
async fn a_private_key_is_unwrapped_once_and_never_for_verification() {
    let vault = KeyVault::ephemeral();
    let stored = every_algorithm(&vault).await;
    let first = SigningKeys::new(&tenant(), &vault, &stored, NOW, None).unwrap();
    let made = vault.calls();
    let token = first.sign(SigningAlgorithm::ES256, "JWT", &()).await.unwrap();
    for _ in 0..10 {
        first.sign(SigningAlgorithm::ES256, "JWT", &()).await.unwrap();
    }
    assert_eq!(vault.calls() - made, 1);
    let later = SigningKeys::new(&tenant(), &vault, &stored, NOW + Span::minutes(1), Some(&first)).unwrap();
    later.sign(SigningAlgorithm::ES256, "JWT", &()).await.unwrap();
    assert_eq!(vault.calls() - made, 1, "a reload keeps the unwrapped key");
    let verifier = SigningKeys::new(&tenant(), &vault, &stored, NOW, None).unwrap();
    assert!(verifier.verify("JWT", &token).is_none(), "the payload is not an object");
    let token = first.sign(SigningAlgorithm::EdDSA, "JWT", &json!({})).await.unwrap();
    assert!(verifier.verify("JWT", &token).is_some());
    assert_eq!(vault.calls() - made, 2, "verification does not call the vault");
}

#[tokio::test]
async fn security_137_a_vault_failure_fails_the_signature_and_is_retried() {
    let vault = KeyVault::ephemeral();
    let stored = every_algorithm(&vault).await;
    let keys = SigningKeys::new(&tenant(), &KeyVault::ephemeral(), &stored, NOW, None).unwrap();
    for _ in 0..2 {
        let result = keys.sign(SigningAlgorithm::ES256, "JWT", &()).await;
        assert!(matches!(result, Err(KeyError::VaultRefused(_))));
    }
    assert!(!keys.jwks_of(&ALGORITHMS.into()).is_empty(), "the JWK Set is still served (T8)");
}

#[tokio::test]
async fn a_stored_key_with_mismatched_halves_is_refused() {
    let vault = KeyVault::ephemeral();
    let (one, other) =
        (material(&vault, SigningAlgorithm::ES256, NOW).await, material(&vault, SigningAlgorithm::ES256, NOW).await);
    let crossed = KeyMaterial { wrapped: other.wrapped, ..one.clone() };
    let keys = SigningKeys::new(&tenant(), &vault, &[in_slot(SigningAlgorithm::ES256, 1, crossed)], NOW, None).unwrap();
    let result = keys.sign(SigningAlgorithm::ES256, "JWT", &()).await;
    assert!(matches!(result, Err(KeyError::DoesNotOpen(_))));
    for (algorithm, public_jwk) in [
        (SigningAlgorithm::RS256, one.public_jwk.clone()),
        (SigningAlgorithm::ES256, None),
        (SigningAlgorithm::ES256, Some("{}".to_owned())),
    ] {
        let stored = [in_slot(algorithm, 1, KeyMaterial { public_jwk, ..one.clone() })];
        let result = SigningKeys::new(&tenant(), &vault, &stored, NOW, None);
        assert!(matches!(result.err(), Some(KeyError::DoesNotOpen(_))));
    }
}

#[tokio::test]
async fn an_algorithm_without_a_key_does_not_sign() {
    let vault = KeyVault::ephemeral();
    let stored = [in_slot(SigningAlgorithm::ES256, 1, material(&vault, SigningAlgorithm::ES256, NOW).await)];
    let keys = SigningKeys::new(&tenant(), &vault, &stored, NOW, None).unwrap();
    assert!(matches!(keys.sign(SigningAlgorithm::RS256, "JWT", &()).await, Err(KeyError::NoActiveKey("RS256"))));
}

#[tokio::test]
async fn security_138_a_retired_key_signs_nothing_verifies_nothing_and_is_not_listed() {
    let vault = KeyVault::ephemeral();
    let mut stored = every_algorithm(&vault).await;
    let before = SigningKeys::new(&tenant(), &vault, &stored, NOW, None).unwrap();
    let token = before.sign(SigningAlgorithm::ES256, "JWT", &json!({})).await.unwrap();
    let StoredKeyState::Ready(key) = stored[0].state.clone() else { panic!("no key") };
    let KeyMaterial { public_jwk, created_at, active_from, kms_key, .. } = key;
    let retired = RetiredKey { public_jwk, created_at, active_from, kms_key, retired_at: NOW };
    stored[0].state = StoredKeyState::Retired(retired);
    let after = SigningKeys::new(&tenant(), &vault, &stored, NOW, Some(&before)).unwrap();
    assert!(matches!(after.sign(SigningAlgorithm::ES256, "JWT", &()).await, Err(KeyError::NoActiveKey("ES256"))));
    assert!(before.verify("JWT", &token).is_some() && after.verify("JWT", &token).is_none());
    assert!(
        before.jwks_of(&ALGORITHMS.into()).contains("\"ES256\"") && !after.jwks_of(&ALGORITHMS.into()).contains("\"ES256\"")
    );
    assert!(!after.is_complete(&stored, &ALGORITHMS, NOW), "the next reload is soon");
    assert!(after.sign(SigningAlgorithm::RS256, "JWT", &()).await.is_ok(), "the other keys still sign");
}

#[tokio::test]
async fn security_138_a_retired_key_is_retired_in_every_slot() {
    let vault = KeyVault::ephemeral();
    let key = material(&vault, SigningAlgorithm::ES256, NOW).await;
    let KeyMaterial { public_jwk, created_at, active_from, kms_key, .. } = key.clone();
    let mut stored = vec![in_slot(SigningAlgorithm::ES256, 1, key.clone()), in_slot(SigningAlgorithm::ES256, 2, key)];
    let before = SigningKeys::new(&tenant(), &vault, &stored, NOW, None).unwrap();
    let token = before.sign(SigningAlgorithm::ES256, "JWT", &()).await.unwrap();
    stored[0].state = StoredKeyState::Retired(RetiredKey { public_jwk, created_at, active_from, kms_key, retired_at: NOW });
    let after = SigningKeys::new(&tenant(), &vault, &stored, NOW, Some(&before)).unwrap();
    assert!(after.verify("JWT", &token).is_none() && !after.jwks_of(&ALGORITHMS.into()).contains("ES256"));
}
