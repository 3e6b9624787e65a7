//! Known answers: every label, every purpose and every order of parts in a key, a digest or associated data. If one changes, values
//! that an earlier version sealed or hashed become unreadable.

use super::account_link::AccountLink;
use super::data::{DataKeyring, SealedField};
use super::identifier::IdentifierKeyring;
use super::locator::{FlowLocator, GrantLocator, LocatorKeyring, SessionLocator};
use super::proof::ProofKeyring;
use super::refresh::RefreshKeyring;
use super::root::testing::roots;
use super::vault;
use crate::context::{Deadline, RequestContext};
use crate::domain::account::{DataKeyState, LinkSeed, WrappedDataKey};
use crate::domain::audit::EventKind;
use crate::domain::flow::{Flow, FlowPurpose, FlowState};
use crate::domain::id::{AccountId, FlowId, GrantId, Jti, SessionId, TenantId};
use crate::domain::identifier::EmailAddress;
use crate::domain::linked_identity::FederatedSubject;
use crate::domain::secret::Secret256;
use crate::domain::time::Timestamp;
use crate::goldens::compare;
use crate::purpose::Purpose;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use std::fmt::Write as _;
use std::path::Path;

const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const FIELDS: [SealedField; 7] = [
    SealedField::Profile,
    SealedField::PendingRegistration,
    SealedField::SessionDevice,
    SealedField::PendingEmail,
    SealedField::FormerEmail,
    SealedField::RecoveryAddress,
    SealedField::LinkedIdentity,
];
const PURPOSES: [Purpose; 6] =
    [Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator, Purpose::Refresh, Purpose::Signing];

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn flow(purpose: FlowPurpose) -> Flow {
    Flow {
        id: FlowId::from_bytes([2; 16]),
        purpose,
        account: ACCOUNT,
        identifier: identifiers().hash_email(&EmailAddress::parse("ada@example.com").unwrap()),
        seed: vec![3; 16],
        code_key_version: 1,
        completion: None,
        long_code: false,
        generation: 1,
        tries: 0,
        state: FlowState::Open,
        browser: None,
        client_id: "demo".parse().unwrap(),
        locale: "en".to_owned(),
        continue_to: None,
        payload: None,
        created_at: NOW,
        expires_at: NOW,
        version: 1,
    }
}

fn identifiers() -> IdentifierKeyring {
    IdentifierKeyring::new(&roots("acme", Purpose::Identifier, 1), 1, &[]).unwrap()
}

#[test]
fn no_rename_changes_a_derived_key_a_digest_or_a_sealed_locator() {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| lines.push((name.to_owned(), value));
    for purpose in PURPOSES {
        add(&format!("purpose {}", purpose.name()), HEXLOWER.encode(&vault::associated(&tenant(), purpose)));
        let key = roots("acme", purpose, 1)[0].1.derive("label", &[b"context"]).unwrap();
        add("  a derived key", HEXLOWER.encode(key.as_slice()));
    }
    let email = EmailAddress::parse("ada@example.com").unwrap();
    add("identifier, e-mail", HEXLOWER.encode(&identifiers().hash_email(&email).hash));
    let subject = FederatedSubject { issuer: "https://issuer.example".to_owned(), subject: "a subject".to_owned() };
    add("identifier, subject", HEXLOWER.encode(&identifiers().hash_subject(&subject).0.hash));
    add("address, version 4", identifiers().hash_address("192.0.2.1".parse().unwrap()));
    add("address, version 6", identifiers().hash_address("2001:db8::1".parse().unwrap()));

    let proof = ProofKeyring::new(&roots("acme", Purpose::Proof, 1), 1).unwrap();
    for purpose in [FlowPurpose::Registration, FlowPurpose::Recovery, FlowPurpose::SignIn] {
        add(&format!("code, {purpose:?}"), proof.code(&flow(purpose)).unwrap().expose().to_owned());
        add(&format!("link, {purpose:?}"), proof.link(&flow(purpose)).unwrap().expose().to_owned());
    }
    let locators = LocatorKeyring::new(&tenant(), &roots("acme", Purpose::Locator, 1), 1).unwrap();
    for link in [AccountLink::Restoration, AccountLink::EmailChange, AccountLink::EmailUndo] {
        let seed = LinkSeed { key_version: 1, bytes: [4; 16] };
        add(&format!("code, {link:?}"), proof.account_code(link, ACCOUNT, &seed).unwrap().expose().to_owned());
        let tag = proof.account_tag("link", link, ACCOUNT, &seed).unwrap();
        add("  its link's tag", HEXLOWER.encode(tag.as_slice()));
        add("  its link", locators.seal(link.sealed_as(), b"", tag.as_slice()).unwrap());
    }
    let refresh = RefreshKeyring::new(&roots("acme", Purpose::Refresh, 1), 1).unwrap();
    let secret = Secret256::from_bytes([5; 32]);
    let child = refresh.child(1, GrantId::from_bytes([6; 16]), 7, &secret).unwrap();
    add("a refresh token's child", HEXLOWER.encode(child.expose()));

    let (grant, sid) = (GrantId::from_bytes([6; 16]), SessionId::from_bytes([8; 16]));
    let of_grant = |session| GrantLocator { account: ACCOUNT, grant, session, generation: 1 };
    add("authorization code", locators.authorization_code(&of_grant(Some(sid)), &secret).expose().to_owned());
    add("refresh token", locators.refresh_token(&of_grant(None), &secret).expose().to_owned());
    let of_session = SessionLocator { account: ACCOUNT, session: sid };
    add("session cookie", locators.session_cookie(&of_session, &secret).expose().to_owned());
    add("access token claim", locators.access_token_claim(&of_grant(None), &Jti::from_bytes([9; 16])));
    add("flow id", locators.flow_id(&FlowLocator { account: ACCOUNT, flow: FlowId::from_bytes([2; 16]) }));
    add("a seal", locators.seal("purpose", b"context", b"plain").unwrap());
    add("a mac", locators.mac("purpose", b"message"));

    let request = RequestContext {
        request_id: "a-request".parse().unwrap(),
        now: NOW,
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    let event = crate::store::audit::event_of(EventKind::DataExported, ACCOUNT, None, &request);
    add("the event of an export", event.id);

    let mut text = String::new();
    for (name, value) in lines {
        writeln!(text, "{name}: {value}").unwrap();
    }
    compare("src/goldens/keys.golden", &text);
}

/// Values that were sealed earlier still open: a wrapped data key, and a value of each field under it.
#[test]
fn no_rename_keeps_a_sealed_value_from_opening() {
    const FILE: &str = "src/goldens/sealed.golden";
    let keyring = || DataKeyring::new(&tenant(), roots("acme", Purpose::Data, 1), 1).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if !path.exists() {
        // Only if the file was removed on purpose: its values were sealed by an earlier version.
        let (key, wrapped, _) = keyring().generate(ACCOUNT).unwrap();
        let sealed = FIELDS.map(|field| BASE64URL_NOPAD.encode(&key.seal(field, b"a value").unwrap().0));
        compare(FILE, &format!("{}\n{}\n", BASE64URL_NOPAD.encode(&wrapped), sealed.join("\n")));
    }
    let golden = std::fs::read_to_string(path).unwrap();
    let mut lines = golden.lines().map(|line| BASE64URL_NOPAD.decode(line.as_bytes()).unwrap());
    let wrapped = lines.next().unwrap();
    let stored = WrappedDataKey { account: ACCOUNT, wrapped, keyring_version: 1, state: DataKeyState::Account };
    let key = keyring().unwrap(&stored).unwrap();
    for field in FIELDS {
        let sealed = crate::domain::account::Sealed(lines.next().expect("a value of each field"));
        assert_eq!(key.open(field, &sealed).unwrap(), b"a value", "{field:?}");
    }
}
