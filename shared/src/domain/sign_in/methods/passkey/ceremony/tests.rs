use super::super::fixture::{AT, Assertion, BE, BS, Creation, ED, SoftwarePasskey, UP, UV, bytes, map, number, text};
use super::*;
use crate::domain::sign_in::methods::passkey::public_key::Algorithm;
use crate::domain::sign_in::methods::passkey::refusal::PasskeyRefusal as R;
use crate::keys::passkey::PasskeyVerifier;
use serde_json::json;
use std::collections::HashSet;

mod creation_cases;
mod use_cases;

use creation_cases::CREATIONS;
use use_cases::USES;

const CHALLENGE: [u8; 32] = [7; 32];
const RP: &str = "example.com";
const ORIGIN: &str = "https://id.example.com";
const HANDLE: [u8; 16] = [5; 16];

fn origins() -> Vec<String> {
    vec![ORIGIN.to_owned(), "https://app.example.org".to_owned()]
}
fn with_ceremony<T>(check: impl FnOnce(&Ceremony<'_>) -> T) -> T {
    check(&Ceremony { challenge: &CHALLENGE, rp_id: RP, origins: &origins() })
}
fn challenge() -> String {
    BASE64URL_NOPAD.encode(&CHALLENGE)
}
fn passkey() -> SoftwarePasskey {
    SoftwarePasskey::es256(RP, ORIGIN, &HANDLE)
}
fn created(json: &str) -> Result<CreatedCredential, R> {
    with_ceremony(|ceremony| check_creation(json, ceremony, &PasskeyVerifier))
}
fn create(passkey: &SoftwarePasskey) -> CreatedCredential {
    created(&passkey.creation(&challenge()).json()).unwrap()
}
fn used(json: &str, credential: &CreatedCredential) -> Result<UsedCredential, R> {
    let posted = PostedUse::read(json)?;
    let stored = StoredCredential {
        id: &credential.id,
        handle: &HANDLE,
        cose: &credential.cose,
        backup_eligible: credential.backup_eligible,
        counter: credential.counter,
    };
    with_ceremony(|ceremony| posted.check(ceremony, &stored, &PasskeyVerifier))
}

#[test]
fn a_passkey_of_each_algorithm_is_created_and_used() {
    for (mut passkey, algorithm) in
        [(passkey(), Algorithm::Es256), (SoftwarePasskey::rs256(RP, ORIGIN, &HANDLE), Algorithm::Rs256)]
    {
        let credential = create(&passkey);
        assert_eq!(PublicKey::from_cose(&credential.cose).map(|key| key.algorithm()), Some(algorithm));
        assert_eq!(credential.transports.names().collect::<Vec<_>>(), ["hybrid", "internal"]);
        assert!(credential.backup_eligible && credential.backed_up);
        let used = used(&passkey.assertion(&challenge()).json(), &credential);
        assert_eq!(used, Ok(UsedCredential { counter: 0, backed_up: true }));
    }
}

#[test]
fn what_authenticators_may_do_is_accepted() {
    let credential_with = |change: fn(&mut Creation)| {
        let passkey = passkey();
        let mut creation = passkey.creation(&challenge());
        change(&mut creation);
        created(&creation.json())
    };
    // Attestation is not asked for, and comes nevertheless: with certificates, or in an unknown format.
    let statement = |creation: &mut Creation| {
        creation.format = text("packed");
        creation.statement =
            map(&[(text("alg"), number(-7)), (text("sig"), bytes(&[1; 70])), (text("x5c"), vec![0x81, 0x41, 0])]);
    };
    assert!(credential_with(statement).is_ok());
    assert!(credential_with(|creation| creation.format = text("fido-future")).is_ok());
    // An extension, another of our origins, members that browsers add, no `crossOrigin`, an id of the maximum length.
    assert!(
        credential_with(|creation| {
            creation.data.flags |= ED;
            creation.data.extensions = map(&[(text("credProtect"), number(3))]);
        })
        .is_ok()
    );
    assert!(
        credential_with(|creation| drop(creation.client_data.insert("origin".into(), json!("https://app.example.org"))))
            .is_ok()
    );
    assert!(credential_with(|creation| drop(creation.client_data.insert("other_keys".into(), json!({ "a": [1] })))).is_ok());
    assert!(credential_with(|creation| drop(creation.client_data.remove("crossOrigin"))).is_ok());
    assert!(
        credential_with(|creation| {
            creation.id = vec![9; MAX_CREDENTIAL_ID];
            creation.data.id = vec![9; MAX_CREDENTIAL_ID];
        })
        .is_ok()
    );
}

#[test]
fn the_tables_are_large_and_break_every_rule() {
    assert!(CREATIONS.len() + USES.len() >= 60);
    let broken: HashSet<R> = CREATIONS.iter().map(|case| case.2).chain(USES.iter().map(|case| case.2)).collect();
    // The others are rules of the challenge and of the posted text, which have their own tests.
    assert_eq!(broken.len(), 29, "{broken:?}");
}

/// security 85
#[test]
fn a_posted_text_that_is_no_credential_is_refused() {
    for json in ["", "{}", "null", "[]", r#"{"id":"AA","rawId":"AA","type":"public-key"}"#, "\0"] {
        assert_eq!(created(json), Err(R::CredentialMalformed), "{json}");
        assert_eq!(PostedUse::read(json).err(), Some(R::CredentialMalformed), "{json}");
    }
    let mut passkey = passkey();
    let json = passkey.assertion(&challenge()).json();
    assert_eq!(PostedUse::read(&json.replace("\"rawId\":\"", "\"rawId\":\"=")).err(), Some(R::CredentialMalformed), "padding");
    assert_eq!(PostedUse::read(&format!("{json} {{}}")).err(), Some(R::CredentialMalformed), "trailing text");
    let long = json.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(MAX_CREDENTIAL_JSON)), 1);
    assert_eq!(PostedUse::read(&long).err(), Some(R::CredentialMalformed), "too long");
}

/// Every proper prefix of each binary part, and each single flipped bit of what is signed (security 38, 85).
#[test]
fn no_truncated_or_flipped_part_is_accepted() {
    let mut passkey = passkey();
    let credential = create(&passkey);
    let object = passkey.creation(&challenge()).attestation();
    for length in 0..object.len() {
        let data = of_attestation(&object[..length]).and_then(AuthenticatorData::read);
        assert!(data.is_err(), "{length}");
    }
    let signature = passkey.assertion(&challenge()).signed();
    let data = passkey.assertion(&challenge()).data.encode();
    for bit in 0..data.len() * 8 {
        let mut assertion = passkey.assertion(&challenge());
        let mut flipped = data.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (assertion.raw_data, assertion.signature) = (Some(flipped), Some(signature.clone()));
        assert!(used(&assertion.json(), &credential).is_err(), "{bit}");
    }
}

#[test]
fn zero_counters_are_accepted_and_a_counter_may_begin() {
    let mut passkey = passkey();
    let credential = create(&passkey);
    assert_eq!(used(&passkey.assertion(&challenge()).json(), &credential).map(|used| used.counter), Ok(0));
    let mut assertion = passkey.assertion(&challenge());
    assertion.data.counter = 1;
    assert_eq!(used(&assertion.json(), &credential).map(|used| used.counter), Ok(1));
}
