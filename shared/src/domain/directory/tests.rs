use super::decisions::{Brought, bring, keep_password, take_back, take_over};
use super::*;
use crate::domain::account::{AccountStatus, DataKeyState, PasswordHome};
use crate::domain::authentication::{Authenticated, NewSignIn};
use crate::domain::change::Change;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::id::{SessionId, TenantId};
use crate::domain::linked_identity::ClaimedSubject;
use crate::domain::secret::SecretHash;
use crate::domain::session::NewSession;
use crate::domain::tenant::TenantConfig;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn config() -> TenantConfig {
    let document = include_str!("../../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
    let cognito = "[cognito]\nuser_pool_id = \"eu-central-1_Abc\"\nclient_id = \"app\"\n\
                   attributes = { vat_number = \"custom:vat\" }\n";
    TenantConfig::parse(&TenantId::default_tenant(), &format!("{document}\n{cognito}")).unwrap()
}

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn user(pairs: &[(&str, &str)]) -> DirectoryUser {
    DirectoryUser {
        subject: "s".to_owned(),
        username: "s".to_owned(),
        groups: Vec::new(),
        enabled: true,
        has_second_factor: false,
        attributes: attributes(&[&[("email", "Ada@Example.com"), ("email_verified", "true")], pairs].concat()),
    }
}

#[test]
fn only_who_is_enabled_and_proven_under_the_typed_address_comes_and_nobody_leaves_a_second_factor_behind() {
    let typed = EmailAddress::parse("ada@example.com").unwrap();
    let disabled = DirectoryUser { enabled: false, ..user(&[]) };
    let protected = DirectoryUser { has_second_factor: true, ..user(&[]) };
    let table = [
        (user(&[]), Ok(())),
        (disabled, Err(NotAdmitted::Disabled)),
        (protected, Err(NotAdmitted::SecondFactor)),
        (user(&[("email", "bob@example.com")]), Err(NotAdmitted::OtherAddress)),
        (user(&[("email", "not an address")]), Err(NotAdmitted::OtherAddress)),
        (user(&[("email_verified", "false")]), Err(NotAdmitted::AddressNotProven)),
        (user(&[("email_verified", "True")]), Err(NotAdmitted::AddressNotProven)),
    ];
    for (user, expected) in table {
        assert_eq!(admit(&user, &typed), expected, "{:?}", user.attributes);
    }
}

#[test]
fn attributes_become_claims_by_name_by_rule_or_as_custom_ones_and_the_rest_is_named() {
    let config = config();
    let known = attributes(&[
        ("email", "ada@example.com"),
        ("email_verified", "true"),
        ("given_name", " Ada "),
        ("phone_number", "not a number"),
        ("custom:customer_type", "business"),
        ("custom:company", "Engines"),
        ("custom:vat", "DE123456789"),
        ("custom:tier", "gold"),
        ("birthdate", "1815-12-10"),
        ("cognito:user_status", "CONFIRMED"),
    ]);
    let mapped = map(config.cognito.as_ref().unwrap(), &config.registration.fields, &known, NOW);
    let expected = json!({"given_name": "Ada", "customer_type": "business", "company": "Engines", "vat_number": "DE123456789"});
    assert_eq!(Value::Object(mapped.claims.0), expected);
    assert_eq!(mapped.refused, [("phone_number".to_owned(), FieldFlaw::Phone)]);
    assert_eq!(mapped.unmapped, ["birthdate", "custom:tier"]);

    // A field that another one hides is not taken over behind its back.
    let hidden = attributes(&[("custom:customer_type", "private"), ("custom:company", "Engines")]);
    let mapped = map(config.cognito.as_ref().unwrap(), &config.registration.fields, &hidden, NOW);
    assert_eq!(Value::Object(mapped.claims.0), json!({"customer_type": "private"}));
    assert_eq!(mapped.refused, [("company".to_owned(), FieldFlaw::NotApplicable)]);
}

pub(crate) fn comer() -> NewComer {
    let account = AccountId::from_bytes([1; 16]);
    let identifier = IdentifierHash { key_version: 1, hash: [2; 32] };
    NewComer {
        account,
        sub: Sub::from_bytes([3; 16]),
        identifier,
        password: ComingPassword::Hash(PasswordHash::from_phc("hash".to_owned())),
        roles: ["gold".parse().unwrap()].into_iter().collect::<std::collections::BTreeSet<_>>().try_into().unwrap(),
        claims: Sealed(vec![4]),
        subject: SubjectHash(IdentifierHash { key_version: 1, hash: [5; 32] }),
        named: Sealed(vec![6]),
        data_key: WrappedDataKey { account, wrapped: vec![7], keyring_version: 1, state: DataKeyState::Account },
    }
}

fn sign_in(policy: &crate::domain::tenant::SessionPolicy) -> NewSignIn<'_> {
    let session = NewSession { id: SessionId::from_bytes([8; 16]), secret_hash: SecretHash::from_bytes([9; 32]), device: None };
    NewSignIn { session, device: 10, replaced: None, policy }
}

#[test]
fn who_comes_has_an_account_before_a_session() {
    let config = config();
    let decision = take_over(comer(), None, sign_in(&config.session), NOW);
    let [first, second] = decision.changes.all();
    let (account, session) = (first.made_by(Change::import_account), second.made_by(Change::open_session));
    assert_eq!((account.authentication.account, account.authentication.version), (session.account, 1));
    assert_eq!((account.link.account, account.link.subject), (session.account, comer().subject));
    assert!(session.is_live(&account.authentication, NOW));
    assert_eq!(decision.outcome, Authenticated::SignedIn { session: session.clone(), new_device: true });
}

/// security 111: neither an erased person nor one who has another address by now comes back by an old password.
#[test]
fn security_111_a_subject_that_is_known_or_erased_makes_no_second_account() {
    let config = config();
    for account in [None, Some(AccountId::from_bytes([77; 16]))] {
        let standing = ClaimedSubject { account, at: NOW };
        let decision = take_over(comer(), Some(standing), sign_in(&config.session), NOW);
        assert!(decision.changes.is_empty());
        assert_eq!(decision.outcome, Authenticated::Refused);
    }
}

#[test]
fn who_is_brought_over_is_new_under_subject_and_address_or_stays_away() {
    let at = |account| Some(ClaimedSubject { account, at: NOW });
    let (one, other) = (AccountId::from_bytes([77; 16]), AccountId::from_bytes([78; 16]));
    for (standing, owner, outcome) in [
        (None, None, Brought::Imported),
        (None, Some(one), Brought::AddressTaken),
        (at(Some(one)), Some(one), Brought::AlreadyHere),
        (at(Some(one)), Some(other), Brought::AlreadyHere),
        (at(Some(one)), None, Brought::AlreadyHere),
        (at(None), None, Brought::Erased),
        (at(None), Some(one), Brought::Erased),
    ] {
        let decision = bring(comer(), standing, owner, NOW);
        assert_eq!((decision.outcome, decision.changes.is_empty()), (outcome, outcome != Brought::Imported));
    }
    let bare = bring(NewComer { password: ComingPassword::None, ..comer() }, None, None, NOW);
    let account = bare.changes.only(Change::import_account);
    assert!(account.password.is_none() && account.authentication.devices.is_empty());
}

#[test]
fn a_failure_that_was_none_is_taken_back_over_its_own_version() {
    let identifier = comer().identifier;
    let window = |count| FailureWindow { count, last_at: Some(NOW) };
    let state = |count, version| UnknownIdentifierFailures { identifier, failures: window(count), version, expires_at: NOW };
    for (before, left) in [(Some(state(3, 7)), window(3)), (None, FailureWindow::default())] {
        let decision = take_back(&state(4, 8), before.as_ref());
        let restored = decision.changes.only(Change::uncount_unknown_sign_in);
        assert_eq!((restored.failures, restored.version), (left, 9));
        assert!(decision.changes.0.iter().all(|change| change.event().is_none()), "nothing happened to anybody");
    }
}

#[test]
fn a_password_that_stays_there_is_kept_once_by_whom_it_belongs_to() {
    let brought = bring(NewComer { password: ComingPassword::StaysThere, ..comer() }, None, None, NOW);
    let account = brought.changes.only(Change::import_account);
    let state = &account.authentication;
    assert!(account.password.is_none() && state.password_home == PasswordHome::Directory);

    let (config, hash) = (config(), PasswordHash::from_phc("hash".to_owned()));
    let silver: Roles = serde_json::from_str(r#"["silver"]"#).expect("roles");
    let keep = |state: &Authentication, standing| {
        keep_password(state, standing, (hash.clone(), &silver), None, sign_in(&config.session), NOW)
    };
    let at = |account| Some(ClaimedSubject { account, at: NOW });
    let decision = keep(state, at(Some(state.account)));
    let [kept, opened] = decision.changes.all();
    let (authentication, password): (Authentication, PasswordCredential) = (kept.first(), kept.first());
    assert_eq!(*kept, Change::keep_password(authentication.clone(), password.clone()));
    assert!(opened.is(Change::open_session));
    assert_eq!((authentication.version, authentication.password_home), (state.version + 1, PasswordHome::Here));
    assert_eq!((password.version, &password.hash, authentication.devices.len()), (1, &hash, 1));
    assert_eq!((authentication.roles.to_string().as_str(), authentication.epoch_began_at), ("gold, silver", None));
    // What is too many is left.
    let eight: Roles = serde_json::from_str(r#"["1","2","3","4","5","6","7","8"]"#).expect("roles");
    let full = Authentication { roles: eight.clone(), ..state.clone() };
    let decision = keep(&full, at(Some(state.account)));
    let kept = &decision.changes.0[0];
    assert_eq!(*kept, Change::keep_password(kept.first(), kept.first()));
    assert!(kept.first::<Authentication>().roles == eight);

    let closed = Authentication { status: AccountStatus::Disabled { since: NOW }, ..state.clone() };
    let here = Authentication { password_home: PasswordHome::Here, ..state.clone() };
    let other = AccountId::from_bytes([77; 16]);
    for (state, standing) in [
        (state, None),
        (state, at(None)),
        (state, at(Some(other))),
        (&closed, at(Some(state.account))),
        (&here, at(Some(state.account))),
    ] {
        let decision = keep(state, standing);
        assert!(decision.outcome == Authenticated::Refused && decision.changes.is_empty(), "{standing:?}");
    }
}
