//! Keys: every key of a sample, and the proof that no two records share one.

use super::*;
use crate::domain::audit::EventKind;
use crate::domain::time::Span;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

fn event(account: Option<u8>, flow: Option<u8>, id: &str) -> Event {
    Event {
        id: id.to_owned(),
        kind: EventKind::SignedIn,
        at: NOW,
        request_id: "r".parse().unwrap(),
        account: account.map(|n| AccountId::from_bytes([n; 16])),
        flow: flow.map(|n| FlowId::from_bytes([n; 16])),
        client_id: None,
        address_hash: None,
        is_new_device: false,
    }
}

#[test]
fn every_record_has_its_documented_key() {
    let account = AccountId::from_bytes([1; 16]);
    let hash = IdentifierHash { key_version: 2, hash: [3; 32] };
    let subject = SubjectHash(hash);
    let client: ClientId = "demo-app".parse().unwrap();
    let flow = FlowId::from_bytes([4; 16]);
    let ulid = "01KAV0000000000000000000ZZ";
    let (of_account, of_flow, of_none) = (event(Some(1), Some(4), ulid), event(None, Some(4), ulid), event(None, None, ulid));
    let items = [
        ItemRef::Identifier(&hash),
        ItemRef::Authentication(account),
        ItemRef::Profile(account),
        ItemRef::Terms(account),
        ItemRef::Session(account, SessionId::from_bytes([5; 16])),
        ItemRef::Grant(account, GrantId::from_bytes([6; 16])),
        ItemRef::Consent(account, &client),
        ItemRef::LinkedIdentity(account, &subject),
        ItemRef::FederatedSubject(&subject),
        ItemRef::Password(account),
        ItemRef::Passkey(account, CredentialHash::of(b"id")),
        ItemRef::CredentialClaim(&CredentialHash::of(b"id")),
        ItemRef::Totp(account),
        ItemRef::RecoveryCodes(account),
        ItemRef::Flow(flow),
        ItemRef::AuthorizationRequest(flow),
        ItemRef::RevokedJti(Jti::from_bytes([7; 16])),
        ItemRef::UnknownFailures(&hash),
        ItemRef::ShortCodes(&hash, NOW),
        ItemRef::MailStarts(MailPurpose::Recovery, &hash, &Trigger::source("192.0.2.1"), NOW),
        ItemRef::Mails(MailPurpose::Recovery, &hash, NOW),
        ItemRef::Source(&[9; 32], NOW),
        ItemRef::DueErasure(account, NOW),
        ItemRef::RetentionJob,
        ItemRef::TenantName,
        ItemRef::TenantDocument(12),
        ItemRef::Key(KeySlot::Keyring { purpose: Purpose::Locator, version: 1 }),
        ItemRef::Key(KeySlot::Signing { algorithm: SigningAlgorithm::EdDSA, version: 3 }),
        ItemRef::DataKey(account),
        ItemRef::DeletionRecord(account, NOW),
        ItemRef::Tombstone(account, NOW),
        ItemRef::Audit(&of_account),
        ItemRef::Audit(&of_flow),
        ItemRef::Audit(&of_none),
    ];
    let printed: Vec<String> = items
        .map(|item| ItemKey::new(&TenantId::default_tenant(), item))
        .iter()
        .map(|key| format!("{:?} {} {}", key.table, key.pk, key.sk))
        .collect();
    let golden = "\
Identities I#default#2#AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM I
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ AUTHN
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ PROFILE
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ TERMS
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ SESSION#BQUFBQUFBQUFBQUFBQUFBQ
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ GRANT#BgYGBgYGBgYGBgYGBgYGBg
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ CONSENT#demo-app
Identities A#default#AQEBAQEBAQEBAQEBAQEBAQ LINK#2#AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM
Identities F#default#2#AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM F
Identities X#default#AQEBAQEBAQEBAQEBAQEBAQ PASSWORD
Identities P#default#AQEBAQEBAQEBAQEBAQEBAQ PASSKEY#pWFFJwzms769HdAStzlIZ33WGNSWSIvGCKPLQ841R90
Identities K#default#pWFFJwzms769HdAStzlIZ33WGNSWSIvGCKPLQ841R90 K
Identities X#default#AQEBAQEBAQEBAQEBAQEBAQ TOTP
Identities X#default#AQEBAQEBAQEBAQEBAQEBAQ RECOVERY
Identities W#default#FLOW.BAQEBAQEBAQEBAQEBAQEBA W
Identities W#default#REQUEST.BAQEBAQEBAQEBAQEBAQEBA W
Identities W#default#JTI.BwcHBwcHBwcHBwcHBwcHBw W
Identities W#default#FAILED.2.AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM W
Identities W#default#SHORT.2.AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM.20261118 W
Identities W#default#STARTS.recovery.2.AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM.SYyMQJFtZO1n_Fb-.20261118 W
Identities W#default#MAILS.recovery.2.AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM.20261118 W
Identities W#default#SOURCE.CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk.202611181100 W
Identities D#default#20261118#01 AQEBAQEBAQEBAQEBAQEBAQ
Identities T#default JOB#retention
Identities TENANTS default
Identities T#default CONFIG#0000000012
Identities T#default KEY#locator#0000000001
Identities T#default KEY#signing.EdDSA#0000000003
Keys D#default#AQEBAQEBAQEBAQEBAQEBAQ KEY
Keys R#default#20261118#01 AQEBAQEBAQEBAQEBAQEBAQ
Keys E#default#20261118#01 AQEBAQEBAQEBAQEBAQEBAQ
Audit A#default#AQEBAQEBAQEBAQEBAQEBAQ 01KAV0000000000000000000ZZ
Audit W#default#BAQEBAQEBAQEBAQEBAQEBA 01KAV0000000000000000000ZZ
Audit N#default#20261118#10 01KAV0000000000000000000ZZ";
    assert_eq!(printed.join("\n"), golden);
}

/// An erasure reads the items of an account in order, and must find the state first.
#[test]
fn the_state_of_an_account_sorts_before_its_other_items() {
    let subject = SubjectHash(IdentifierHash { key_version: 0, hash: [0; 32] });
    let (account, client) = (AccountId::from_bytes([0; 16]), "-".parse::<ClientId>().unwrap());
    let others = [
        ItemRef::Profile(account),
        ItemRef::Terms(account),
        ItemRef::Session(account, SessionId::from_bytes([0; 16])),
        ItemRef::Grant(account, GrantId::from_bytes([0; 16])),
        ItemRef::Consent(account, &client),
        ItemRef::LinkedIdentity(account, &subject),
    ];
    let key = |item| ItemKey::new(&TenantId::default_tenant(), item);
    let state = key(ItemRef::Authentication(account));
    for other in others.map(key) {
        assert!(other.pk == state.pk && state.sk < other.sk, "{}", other.sk);
    }
}

/// An erasure finds the sentinel of a passkey by its key.
#[test]
fn the_credential_of_a_passkey_reads_back() {
    let credential = CredentialHash::of(b"id");
    let key = ItemKey::new(&TenantId::default_tenant(), ItemRef::Passkey(AccountId::from_bytes([1; 16]), credential));
    assert_eq!(credential_of(&key.sk), Some(credential));
    for other in ["PASSKEY#", "PASSKEY#AwMD", "PROFILE", ""] {
        assert_eq!(credential_of(other), None, "{other}");
    }
}

/// An erasure finds the sentinel of a linked identity by the key of the link.
#[test]
fn the_subject_of_a_linked_identity_reads_back() {
    let subject = SubjectHash(IdentifierHash { key_version: 7, hash: [3; 32] });
    let key = ItemKey::new(&TenantId::default_tenant(), ItemRef::LinkedIdentity(AccountId::from_bytes([1; 16]), &subject));
    assert_eq!(linked_subject(&key.sk), Some(subject));
    for other in ["LINK#7", "LINK##AwMD", "LINK#7#AwMD", "SESSION#7#x", "PROFILE", ""] {
        assert_eq!(linked_subject(other), None, "{other}");
    }
}

#[test]
fn the_tenant_of_a_key_reads_back() {
    let tenant: TenantId = "shop-2".parse().unwrap();
    let key = ItemKey::new(&tenant, ItemRef::Flow(FlowId::from_bytes([4; 16])));
    assert_eq!(tenant_of(&key.pk), Some(tenant));
    for other in ["", "W", "W#", "W#UPPER#x"] {
        assert_eq!(tenant_of(other), None, "{other}");
    }
}

/// What distinguishes two records, apart from how their keys are built.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    tenant: String,
    which: usize,
    bytes: [u8; 2],
    text: String,
    number: u32,
    day: u8,
}

fn samples() -> impl Strategy<Value = Sample> {
    // Few values, so that near-collisions are common. The texts use the common alphabet of ids and keys.
    let word = |alphabet: &'static str| {
        prop::collection::vec(prop::sample::select(alphabet.chars().collect::<Vec<_>>()), 1..6)
            .prop_map(|chars| chars.into_iter().collect::<String>())
    };
    (word("a1-"), 0..26_usize, any::<[bool; 2]>(), word("aAUW1-_."), 0..3_u32, 0..2_u8).prop_map(
        |(tenant, which, bytes, text, number, day)| Sample { tenant, which, bytes: bytes.map(u8::from), text, number, day },
    )
}

/// The key of a sample, and the sample without the parts that its record does not have.
fn key_of(sample: &Sample) -> (ItemKey, Sample) {
    let Sample { tenant, which, bytes: [a, b], text, number, day } = sample.clone();
    let account = AccountId::from_bytes([a; 16]);
    let hash = IdentifierHash { key_version: number, hash: [a; 32] };
    let linked = if which == 19 { b } else { a };
    let subject = SubjectHash(IdentifierHash { key_version: number, hash: [linked; 32] });
    let credential = CredentialHash::of(&[b]);
    let client: ClientId = text.parse().unwrap();
    let at = NOW + Span::days(i64::from(day));
    let purposes = [Purpose::Data, Purpose::Locator, Purpose::Signing];
    let trigger = Trigger::source(if b == 0 { "192.0.2.1" } else { "192.0.2.2" });
    let algorithms = [SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];
    let mails = [MailPurpose::Registration, MailPurpose::Recovery, MailPurpose::WayBack];
    let event = Event { at, ..event((b == 0).then_some(a), (day == 0).then_some(a), &text) };
    let some = |bytes: [u8; 2], text: &str, number, day| Sample { bytes, text: text.to_owned(), number, day, ..sample.clone() };
    let (item, held) = match which {
        0 => (ItemRef::Identifier(&hash), some([a, 0], "", number, 0)),
        1 => (ItemRef::Authentication(account), some([a, 0], "", 0, 0)),
        2 => (ItemRef::Profile(account), some([a, 0], "", 0, 0)),
        3 => (ItemRef::Terms(account), some([a, 0], "", 0, 0)),
        4 => (ItemRef::Session(account, SessionId::from_bytes([b; 16])), some([a, b], "", 0, 0)),
        5 => (ItemRef::Grant(account, GrantId::from_bytes([b; 16])), some([a, b], "", 0, 0)),
        6 => (ItemRef::Consent(account, &client), some([a, 0], &text, 0, 0)),
        7 => (ItemRef::Password(account), some([a, 0], "", 0, 0)),
        8 => (ItemRef::Flow(FlowId::from_bytes([a; 16])), some([a, 0], "", 0, 0)),
        9 => (ItemRef::AuthorizationRequest(FlowId::from_bytes([a; 16])), some([a, 0], "", 0, 0)),
        10 => (ItemRef::RevokedJti(Jti::from_bytes([a; 16])), some([a, 0], "", 0, 0)),
        11 => (ItemRef::UnknownFailures(&hash), some([a, 0], "", number, 0)),
        12 => (ItemRef::ShortCodes(&hash, at), some([a, 0], "", number, day)),
        13 => (ItemRef::Mails(mails[usize::from(b)], &hash, at), some([a, b], "", number, day)),
        14 => (ItemRef::TenantDocument(number.into()), some([0, 0], "", number, 0)),
        15 => {
            (ItemRef::Key(KeySlot::Keyring { purpose: purposes[usize::from(b)], version: number }), some([0, b], "", number, 0))
        }
        16 => (
            ItemRef::Key(KeySlot::Signing { algorithm: algorithms[usize::from(b)], version: number }),
            some([0, b], "", number, 0),
        ),
        17 => (ItemRef::DataKey(account), some([a, 0], "", 0, 0)),
        18 => (ItemRef::FederatedSubject(&subject), some([a, 0], "", number, 0)),
        19 => (ItemRef::LinkedIdentity(account, &subject), some([a, b], "", number, 0)),
        20 => {
            let purpose = mails[usize::from(day)];
            (ItemRef::MailStarts(purpose, &hash, &trigger, at), some([a, b], "", number, day))
        }
        24 => (ItemRef::Passkey(account, credential), some([a, b], "", 0, 0)),
        25 => (ItemRef::CredentialClaim(&credential), some([0, b], "", 0, 0)),
        21 => (ItemRef::Totp(account), some([a, 0], "", 0, 0)),
        22 => (ItemRef::RecoveryCodes(account), some([a, 0], "", 0, 0)),
        // Event ids are unique on their own. The location of their record follows from the event.
        _ => (ItemRef::Audit(&event), some([a, b], &text, 0, day)),
    };
    (ItemKey::new(&tenant.parse().unwrap(), item), held)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    /// security 123: key(a) = key(b) ⇒ a = b. No separator in an id can forge the key of another record.
    #[test]
    fn two_records_never_share_a_key(a in samples(), b in samples()) {
        let ((key_a, a), (key_b, b)) = (key_of(&a), key_of(&b));
        if a.which != 23 || b.which != 23 {
            prop_assert_eq!(key_a == key_b, a == b, "{:?} {:?}", key_a, key_b);
        }
    }

    /// No accepted id contains a separator.
    #[test]
    fn no_id_contains_a_separator(text in "\\PC{0,40}") {
        let ids = [
            text.parse::<TenantId>().map(|id| id.to_string()),
            text.parse::<ClientId>().map(|id| id.to_string()),
            text.parse::<AccountId>().map(|id| id.to_string()),
        ];
        for id in ids.into_iter().flatten() {
            prop_assert!(!id.contains('#'));
            prop_assert_eq!(&id, &text, "an id has one text form");
        }
    }
}

/// Days are calendar days in UTC.
#[test]
fn a_day_is_the_utc_day() {
    for (seconds, expected) in [
        (0, "19700101"),
        (86_399, "19700101"),
        (86_400, "19700102"),
        (951_782_400, "20000229"),
        (1_709_164_800, "20240229"),
        (4_102_444_799, "20991231"),
        (-1, "19691231"),
    ] {
        assert_eq!(day(Timestamp::from_seconds(seconds)), expected);
    }
    // Outside the calendar a key is still valid.
    assert_eq!(day(Timestamp::from_millis(i64::MAX)), (i64::MAX / 86_400_000).to_string());
}
