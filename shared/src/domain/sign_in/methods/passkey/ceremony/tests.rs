use super::super::fixture::{AT, Assertion, BE, BS, Creation, ED, SoftwarePasskey, UP, UV, bytes, map, number, text};
use super::*;
use crate::domain::sign_in::methods::passkey::public_key::Algorithm;
use crate::domain::sign_in::methods::passkey::refusal::PasskeyRefusal as R;
use crate::keys::passkey::PasskeyVerifier;
use serde_json::json;
use std::collections::HashSet;

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
    // Attestation is not asked for, and comes nevertheless: with certificates, or of a format that nobody here knows.
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

type CreationChange = (&'static str, fn(&mut Creation), R);

/// Replaces a member of the COSE key.
fn cose(creation: &mut Creation, key: i64, value: Option<Vec<u8>>) {
    let passkey = passkey();
    let mut members: Vec<_> = passkey.cose_members().into_iter().filter(|(name, _)| *name != number(key)).collect();
    members.extend(value.map(|value| (number(key), value)));
    creation.data.cose = map(&members);
}
fn rsa(creation: &mut Creation, modulus: &[u8], exponent: &[u8]) {
    creation.data.cose =
        map(&[(number(1), number(3)), (number(3), number(-257)), (number(-1), bytes(modulus)), (number(-2), bytes(exponent))]);
}
fn client(creation: &mut Creation, name: &str, value: serde_json::Value) {
    creation.client_data.insert(name.to_owned(), value);
}
fn truncated(creation: &mut Creation, length: usize) {
    let data = creation.data.encode();
    creation.raw_data = Some(data[..data.len().min(length)].to_vec());
}

const CREATIONS: &[CreationChange] = &[
    ("type of the credential", |c| c.of = "password".into(), R::CredentialType),
    ("id is not rawId", |c| c.raw_id = Some(vec![1; 32]), R::RawId),
    ("empty id", |c| c.id.clear(), R::CredentialIdLength),
    ("id of 1,024 bytes", |c| c.id = vec![1; 1024], R::CredentialIdLength),
    ("client data that is not JSON", |c| c.raw_client_data = Some(b"{".to_vec()), R::ClientDataMalformed),
    ("client data with a byte-order mark", |c| c.raw_client_data = Some("\u{feff}{}".into()), R::ClientDataMalformed),
    (
        "client data with trailing bytes",
        |c| c.raw_client_data = Some([&serde_json::to_vec(&c.client_data).unwrap()[..], b"{}"].concat()),
        R::ClientDataMalformed,
    ),
    ("client data that is too long", |c| client(c, "x", json!("x".repeat(5000))), R::ClientDataMalformed),
    (
        "a member twice",
        |c| {
            let once = serde_json::to_string(&c.client_data).unwrap();
            c.raw_client_data = Some(once.replacen('{', "{\"origin\":\"https://id.example.com\",", 1).into_bytes());
        },
        R::ClientDataMalformed,
    ),
    ("no challenge", |c| drop(c.client_data.remove("challenge")), R::ClientDataMalformed),
    ("crossOrigin that is no boolean", |c| client(c, "crossOrigin", json!("false")), R::ClientDataMalformed),
    ("type of a use", |c| client(c, "type", json!("webauthn.get")), R::Type),
    ("type of a payment", |c| client(c, "type", json!("payment.get")), R::Type),
    ("another challenge", |c| client(c, "challenge", json!(BASE64URL_NOPAD.encode(&[8; 32]))), R::Challenge),
    ("a prefix of the challenge", |c| client(c, "challenge", json!(BASE64URL_NOPAD.encode(&[7; 31]))), R::Challenge),
    ("the challenge with padding", |c| client(c, "challenge", json!(format!("{}=", challenge()))), R::Challenge),
    ("an empty challenge", |c| client(c, "challenge", json!("")), R::Challenge),
    ("another origin", |c| client(c, "origin", json!("https://id.example.com.evil.example")), R::Origin),
    ("another scheme", |c| client(c, "origin", json!("http://id.example.com")), R::Origin),
    ("another port", |c| client(c, "origin", json!("https://id.example.com:444")), R::Origin),
    ("a sibling of the host", |c| client(c, "origin", json!("https://shop.example.com")), R::Origin),
    ("the origin with a slash", |c| client(c, "origin", json!("https://id.example.com/")), R::Origin),
    ("crossOrigin", |c| client(c, "crossOrigin", json!(true)), R::CrossOrigin),
    ("topOrigin", |c| client(c, "topOrigin", json!("https://id.example.com")), R::TopOrigin),
    ("topOrigin null", |c| client(c, "topOrigin", json!(null)), R::TopOrigin),
    ("attestation that is no map", |c| c.format = vec![0xff], R::AttestationMalformed),
    ("format that is no text", |c| c.format = bytes(b"none"), R::AttestationMalformed),
    ("statement that is no map", |c| c.statement = vec![0x80], R::AttestationMalformed),
    ("bytes after the attestation", |c| c.after = vec![0], R::AttestationMalformed),
    ("a statement of the format none", |c| c.statement = map(&[(text("x"), number(1))]), R::AttestationStatement),
    (
        "authenticator data without its last byte",
        |c| {
            let length = c.data.encode().len() - 1;
            truncated(c, length);
        },
        R::KeyMalformed,
    ),
    ("authenticator data of 36 bytes", |c| truncated(c, 36), R::AuthenticatorDataMalformed),
    ("authenticator data of 37 bytes, with AT", |c| truncated(c, 37), R::AuthenticatorDataMalformed),
    ("authenticator data that ends in the id", |c| truncated(c, 60), R::AuthenticatorDataMalformed),
    ("empty authenticator data", |c| truncated(c, 0), R::AuthenticatorDataMalformed),
    ("authenticator data that is too long", |c| c.data.extensions = vec![0; 4096], R::AuthenticatorDataMalformed),
    ("hash of another relying party", |c| c.data.rp_id = "evil.example".into(), R::RelyingParty),
    ("hash of a child of the relying party", |c| c.data.rp_id = "id.example.com".into(), R::RelyingParty),
    ("no user presence", |c| c.data.flags &= !UP, R::UserPresence),
    ("no user verification", |c| c.data.flags &= !UV, R::UserVerification),
    ("backed up, not eligible", |c| c.data.flags &= !BE, R::BackupState),
    ("a reserved flag", |c| c.data.flags |= 0x02, R::ReservedFlags),
    ("another reserved flag", |c| c.data.flags |= 0x20, R::ReservedFlags),
    (
        "no AT, with a credential",
        |c| {
            let data = c.data.encode();
            let mut data = data;
            data[32] &= !AT;
            c.raw_data = Some(data);
        },
        R::Extensions,
    ),
    ("no AT, no credential", |c| c.data.flags &= !AT, R::AttestedCredential),
    ("ED without extensions", |c| c.data.flags |= ED, R::Extensions),
    ("extensions without ED", |c| c.data.extensions = map(&[]), R::Extensions),
    (
        "extensions with trailing bytes",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = [map(&[]), vec![0]].concat();
        },
        R::Extensions,
    ),
    (
        "extensions that are no map",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = number(1);
        },
        R::Extensions,
    ),
    (
        "extensions of indefinite length",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = vec![0xbf, 0xff];
        },
        R::Extensions,
    ),
    ("attested id of another length", |c| c.data.id.push(0), R::CredentialIdDiffers),
    ("attested id of another credential", |c| c.data.id = vec![3; 32], R::CredentialIdDiffers),
    ("attested id of 1,024 bytes", |c| c.data.id = vec![3; 1024], R::CredentialIdLength),
    ("attested id without bytes", |c| c.data.id.clear(), R::CredentialIdLength),
    ("key that is no CBOR", |c| c.data.cose = vec![0xff; 77], R::KeyMalformed),
    (
        "key of indefinite length",
        |c| {
            c.data.cose[0] = 0xbf;
            c.data.cose.push(0xff);
        },
        R::KeyMalformed,
    ),
    ("key without its algorithm", |c| cose(c, 3, None), R::KeyMalformed),
    (
        "key with a member twice",
        |c| {
            c.data.cose[0] += 1;
            c.data.cose.extend([number(1), number(2)].concat());
        },
        R::KeyMalformed,
    ),
    ("EdDSA", |c| cose(c, 3, Some(number(-8))), R::KeyAlgorithm),
    ("ES384", |c| cose(c, 3, Some(number(-35))), R::KeyAlgorithm),
    ("RS1", |c| cose(c, 3, Some(number(-65535))), R::KeyAlgorithm),
    ("an unknown algorithm", |c| cose(c, 3, Some(number(12345))), R::KeyAlgorithm),
    ("RS256 with the parameters of a point", |c| cose(c, 3, Some(number(-257))), R::KeyParameters),
    ("another type of key", |c| cose(c, 1, Some(number(1))), R::KeyParameters),
    ("another curve", |c| cose(c, -1, Some(number(2))), R::KeyParameters),
    ("a compressed point", |c| cose(c, -3, Some(vec![0xf5])), R::KeyParameters),
    ("a short x", |c| cose(c, -2, Some(bytes(&[1; 31]))), R::KeyParameters),
    ("a long y", |c| cose(c, -3, Some(bytes(&[1; 33]))), R::KeyParameters),
    ("a member too many", |c| cose(c, 2, Some(bytes(b"kid"))), R::KeyParameters),
    ("a point that is not on the curve", |c| cose(c, -2, Some(bytes(&[1; 32]))), R::KeyInvalid),
    (
        "the point at zero",
        |c| {
            cose(c, -2, Some(bytes(&[0; 32])));
        },
        R::KeyInvalid,
    ),
    ("RSA of 1024 bits", |c| rsa(c, &[0xff; 128], &[1, 0, 1]), R::KeyParameters),
    ("RSA of 2047 bits", |c| rsa(c, &[[0x7f].as_slice(), &[0xff; 255]].concat(), &[1, 0, 1]), R::KeyParameters),
    ("RSA of 4104 bits", |c| rsa(c, &[0xff; 513], &[1, 0, 1]), R::KeyParameters),
    ("an even modulus", |c| rsa(c, &[0xfe; 256], &[1, 0, 1]), R::KeyParameters),
    ("a modulus with a leading zero", |c| rsa(c, &[[0].as_slice(), &[0xff; 256]].concat(), &[1, 0, 1]), R::KeyParameters),
    ("exponent 1", |c| rsa(c, &[0xff; 256], &[1]), R::KeyParameters),
    ("an even exponent", |c| rsa(c, &[0xff; 256], &[1, 0, 0]), R::KeyParameters),
    ("no exponent", |c| rsa(c, &[0xff; 256], &[]), R::KeyParameters),
    ("an exponent of 40 bits", |c| rsa(c, &[0xff; 256], &[1, 0, 0, 0, 1]), R::KeyParameters),
];

type UseChange = (&'static str, fn(&mut Assertion<'_>), R);

fn client_of_use(assertion: &mut Assertion<'_>, name: &str, value: serde_json::Value) {
    assertion.client_data.insert(name.to_owned(), value);
}
fn flip(assertion: &mut Assertion<'_>, at: usize) {
    let mut signature = assertion.signed();
    // Signatures of ECDSA differ in length.
    let at = at.min(signature.len() - 1);
    signature[at] ^= 1;
    assertion.signature = Some(signature);
}

/// Of a passkey with the counter 5, which is eligible for backup.
const USES: &[UseChange] = &[
    ("type of the credential", |a| a.of = "PUBLIC-KEY".into(), R::CredentialType),
    ("id is not rawId", |a| a.raw_id = Some(vec![1; 32]), R::RawId),
    ("id of 1,024 bytes", |a| a.id = vec![1; 1024], R::CredentialIdLength),
    ("another passkey", |a| a.id = vec![1; 32], R::CredentialUnknown),
    ("no user handle", |a| a.user_handle = None, R::UserHandle),
    ("an empty user handle", |a| a.user_handle = Some(vec![]), R::UserHandle),
    ("the user handle of another account", |a| a.user_handle = Some(vec![6; 16]), R::UserHandle),
    ("a longer user handle", |a| a.user_handle = Some(vec![5; 17]), R::UserHandle),
    ("client data that is not JSON", |a| a.raw_client_data = Some(b"[]".to_vec()), R::ClientDataMalformed),
    ("type of a creation", |a| client_of_use(a, "type", json!("webauthn.create")), R::Type),
    ("another challenge", |a| client_of_use(a, "challenge", json!("AAAA")), R::Challenge),
    ("another origin", |a| client_of_use(a, "origin", json!("https://evil.example")), R::Origin),
    ("an opaque origin", |a| client_of_use(a, "origin", json!("null")), R::Origin),
    ("an app that is not on the list", |a| client_of_use(a, "origin", json!("android:apk-key-hash:AAAA")), R::Origin),
    ("crossOrigin", |a| client_of_use(a, "crossOrigin", json!(true)), R::CrossOrigin),
    ("topOrigin", |a| client_of_use(a, "topOrigin", json!("https://evil.example")), R::TopOrigin),
    (
        "authenticator data of 36 bytes",
        |a| {
            let data = a.data.encode();
            a.raw_data = Some(data[..36].to_vec());
        },
        R::AuthenticatorDataMalformed,
    ),
    ("hash of another relying party", |a| a.data.rp_id = "evil.example".into(), R::RelyingParty),
    ("no user presence", |a| a.data.flags &= !UP, R::UserPresence),
    ("no user verification", |a| a.data.flags &= !UV, R::UserVerification),
    ("backed up, not eligible", |a| a.data.flags &= !BE, R::BackupState),
    ("no longer eligible", |a| a.data.flags &= !(BE | BS), R::BackupEligibilityChanged),
    ("a reserved flag", |a| a.data.flags |= 0x20, R::ReservedFlags),
    ("trailing bytes", |a| a.data.extensions = vec![0], R::Extensions),
    (
        "a credential",
        |a| {
            let other = passkey();
            a.data.flags |= AT;
            a.data.id = other.id.clone();
            a.data.cose = map(&other.cose_members());
        },
        R::AttestedCredential,
    ),
    (
        "signature of another message",
        |a| {
            let signature = a.signed();
            a.data.counter += 1;
            a.signature = Some(signature);
        },
        R::Signature,
    ),
    (
        "signature of other client data",
        |a| {
            let signature = a.signed();
            client_of_use(a, "more", json!(1));
            a.signature = Some(signature);
        },
        R::Signature,
    ),
    ("signature with another first byte", |a| flip(a, 0), R::Signature),
    (
        "signature with another last byte",
        |a| {
            let last = a.signed().len() - 1;
            flip(a, last);
        },
        R::Signature,
    ),
    ("no signature", |a| a.signature = Some(vec![]), R::Signature),
    (
        "signature with a trailing byte",
        |a| {
            let mut signature = a.signed();
            signature.push(0);
            a.signature = Some(signature);
        },
        R::Signature,
    ),
    ("signature of zeros", |a| a.signature = Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]), R::Signature),
    ("signature in fixed form", |a| a.signature = Some(vec![1; 64]), R::Signature),
    (
        "signature of another key",
        |a| {
            let data = a.data.encode();
            a.signature = Some(passkey().sign(&data));
        },
        R::Signature,
    ),
    ("the same counter", |a| a.data.counter = 5, R::Counter),
    ("a lower counter", |a| a.data.counter = 4, R::Counter),
    ("a counter that is zero again", |a| a.data.counter = 0, R::Counter),
];

#[test]
fn security_81_82_85_each_mutated_creation_is_refused_by_its_rule() {
    for (name, change, refusal) in CREATIONS {
        let passkey = passkey();
        let mut creation = passkey.creation(&challenge());
        change(&mut creation);
        assert_eq!(created(&creation.json()), Err(*refusal), "{name}");
    }
}

#[test]
fn security_81_83_84_85_each_mutated_use_is_refused_by_its_rule() {
    let mut passkey = passkey();
    passkey.counter = 5;
    let credential = create(&passkey);
    for (name, change, refusal) in USES {
        passkey.counter = 5;
        let mut assertion = passkey.assertion(&challenge());
        change(&mut assertion);
        assert_eq!(used(&assertion.json(), &credential), Err(*refusal), "{name}");
    }
    passkey.counter = 5;
    assert_eq!(used(&passkey.assertion(&challenge()).json(), &credential).map(|used| used.counter), Ok(6));
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
