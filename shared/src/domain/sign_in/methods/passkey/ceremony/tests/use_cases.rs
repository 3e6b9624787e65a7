//! Changed uses, each with the rule that refuses it.

use super::*;

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
pub(super) const USES: &[UseChange] = &[
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
