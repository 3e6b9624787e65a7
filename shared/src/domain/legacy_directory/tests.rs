use super::decisions::{
    Completion, ImportConflicts, ImportOutcome, complete_import, import_legacy_user, keep_password, take_over,
    undo_unknown_failure,
};
use super::*;
use crate::domain::account::{AccountStatus, DataKeyState, PasswordHome};
use crate::domain::change::Change;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::id::{SessionId, TenantId};
use crate::domain::known_device::KnownDevice;
use crate::domain::linked_identity::ClaimedSubject;
use crate::domain::secret::SecretHash;
use crate::domain::session::NewSession;
use crate::domain::sign_in::complete::{NewSignIn, Remembering};
use crate::domain::sign_in::methods::password::Authenticated;
use crate::domain::tenant::{SecondFactorPolicy, TenantConfig};
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

fn user(pairs: &[(&str, &str)]) -> LegacyUser {
    LegacyUser {
        subject: "s".to_owned(),
        username: "s".to_owned(),
        groups: Vec::new(),
        enabled: true,
        has_second_factor: false,
        attributes: attributes(&[&[("email", "Ada@Example.com"), ("email_verified", "true")], pairs].concat()),
    }
}

#[test]
fn only_an_enabled_user_without_second_factor_and_with_a_verified_matching_address_is_imported() {
    let typed = EmailAddress::parse("ada@example.com").unwrap();
    let disabled = LegacyUser { enabled: false, ..user(&[]) };
    let protected = LegacyUser { has_second_factor: true, ..user(&[]) };
    let table = [
        (user(&[]), Ok(())),
        (disabled, Err(ImportRefusal::Disabled)),
        (protected, Err(ImportRefusal::SecondFactor)),
        (user(&[("email", "bob@example.com")]), Err(ImportRefusal::OtherAddress)),
        (user(&[("email", "not an address")]), Err(ImportRefusal::OtherAddress)),
        (user(&[("email_verified", "false")]), Err(ImportRefusal::AddressNotProven)),
        (user(&[("email_verified", "True")]), Err(ImportRefusal::AddressNotProven)),
    ];
    for (user, expected) in table {
        assert_eq!(admit(&user, &typed), expected, "{:?}", user.attributes);
    }
}

#[test]
fn attributes_become_claims_by_name_by_rule_or_as_custom_ones_and_the_rest_is_reported() {
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
    let mapped = map_attributes(config.legacy_directory.as_ref().unwrap(), &config.registration.fields, &known, NOW);
    let expected = json!({"given_name": "Ada", "customer_type": "business", "company": "Engines", "vat_number": "DE123456789"});
    assert_eq!(Value::Object(mapped.claims.0), expected);
    assert_eq!(mapped.refused, [("phone_number".to_owned(), FieldFlaw::Phone)]);
    assert_eq!(mapped.unmapped, ["birthdate", "custom:tier"]);

    // A field that another one hides is not imported.
    let hidden = attributes(&[("custom:customer_type", "private"), ("custom:company", "Engines")]);
    let mapped = map_attributes(config.legacy_directory.as_ref().unwrap(), &config.registration.fields, &hidden, NOW);
    assert_eq!(Value::Object(mapped.claims.0), json!({"customer_type": "private"}));
    assert_eq!(mapped.refused, [("company".to_owned(), FieldFlaw::NotApplicable)]);
}

pub(crate) fn imported_user() -> ImportedUser {
    let account = AccountId::from_bytes([1; 16]);
    let identifier = IdentifierHash { key_version: 1, hash: [2; 32] };
    ImportedUser {
        account,
        sub: Sub::from_bytes([3; 16]),
        identifier,
        password: ImportedPassword::Hash(PasswordHash::from_phc("hash".to_owned())),
        totp: None,
        roles: ["gold".parse().unwrap()].into_iter().collect::<std::collections::BTreeSet<_>>().try_into().unwrap(),
        claims: Sealed(vec![4]),
        subject: SubjectHash(IdentifierHash { key_version: 1, hash: [5; 32] }),
        named: Sealed(vec![6]),
        data_key: WrappedDataKey { account, wrapped: vec![7], keyring_version: 1, state: DataKeyState::Account },
    }
}

fn sign_in(policy: &crate::domain::tenant::SessionPolicy) -> NewSignIn<'_> {
    let session = NewSession { id: SessionId::from_bytes([8; 16]), secret_hash: SecretHash::from_bytes([9; 32]), device: None };
    NewSignIn {
        session,
        device: 10,
        replaced: None,
        policy,
        second_factor: SecondFactorPolicy::Optional,
        keeps_expiry: false,
        attempt: None,
        remembering: Remembering::Off,
    }
}

#[test]
fn an_import_creates_the_account_before_the_session() {
    let config = config();
    let decision = take_over(imported_user(), None, sign_in(&config.session), NOW);
    let [first, second] = decision.changes.all();
    let (account, session) = (first.made_by(Change::import_account), second.made_by(Change::open_session));
    assert_eq!((account.authentication.account, account.authentication.version), (session.account, 1));
    assert_eq!((account.link.account, account.link.subject), (session.account, imported_user().subject));
    assert!(session.is_live(&account.authentication, NOW));
    assert_eq!(
        decision.outcome,
        Authenticated::SignedIn { session: Box::new(session.clone()), new_device: true, satisfied: None, passkeys: 0 }
    );
}

/// security 111: an old password imports neither an erased user nor a user with another address here.
#[test]
fn security_111_a_known_or_erased_subject_creates_no_second_account() {
    let config = config();
    for account in [None, Some(AccountId::from_bytes([77; 16]))] {
        let standing = ClaimedSubject { account, at: NOW };
        let decision = take_over(imported_user(), Some(standing), sign_in(&config.session), NOW);
        assert!(decision.changes.is_empty());
        assert_eq!(decision.outcome, Authenticated::Refused);
    }
}

#[test]
fn an_operator_import_needs_an_unused_subject_and_address() {
    let at = |account| Some(ClaimedSubject { account, at: NOW });
    let (one, other) = (AccountId::from_bytes([77; 16]), AccountId::from_bytes([78; 16]));
    for (standing, owner, outcome) in [
        (None, None, ImportOutcome::Imported),
        (None, Some(one), ImportOutcome::AddressTaken),
        (at(Some(one)), Some(one), ImportOutcome::AlreadyHere),
        (at(Some(one)), Some(other), ImportOutcome::AlreadyHere),
        (at(Some(one)), None, ImportOutcome::AlreadyHere),
        (at(None), None, ImportOutcome::Erased),
        (at(None), Some(one), ImportOutcome::Erased),
    ] {
        let found = ImportConflicts { subject: standing, owner, is_sub_taken: false };
        let decision = import_legacy_user(imported_user(), found, NOW);
        assert_eq!((decision.outcome, decision.changes.is_empty()), (outcome, outcome != ImportOutcome::Imported));
    }
    let found = ImportConflicts { is_sub_taken: true, ..ImportConflicts::default() };
    let decision = import_legacy_user(imported_user(), found, NOW);
    assert!(decision.outcome == ImportOutcome::SubTaken && decision.changes.is_empty(), "a sub has one account");
    let bare = import_legacy_user(
        ImportedUser { password: ImportedPassword::None, ..imported_user() },
        ImportConflicts::default(),
        NOW,
    );
    let account = bare.changes.only(Change::import_account);
    assert!(account.password.is_none() && account.authentication.devices.is_empty());
}

#[test]
fn a_counted_failure_without_verdict_is_undone_only_over_its_own_version() {
    let identifier = imported_user().identifier;
    let window = |count| FailureWindow { count, last_at: Some(NOW) };
    let state = |count, version| UnknownIdentifierFailures { identifier, failures: window(count), version, expires_at: NOW };
    for (before, left) in [(Some(state(3, 7)), window(3)), (None, FailureWindow::default())] {
        let decision = undo_unknown_failure(&state(4, 8), before.as_ref());
        let restored = decision.changes.only(Change::uncount_unknown_sign_in);
        assert_eq!((restored.failures, restored.version), (left, 9));
        assert!(decision.changes.0.iter().all(|change| change.event().is_none()), "an undo has no event");
    }
}

#[test]
fn a_legacy_password_is_stored_once_and_only_for_its_own_account() {
    let brought = import_legacy_user(
        ImportedUser { password: ImportedPassword::StaysThere, ..imported_user() },
        ImportConflicts::default(),
        NOW,
    );
    let account = brought.changes.only(Change::import_account);
    let state = &account.authentication;
    assert!(account.password.is_none() && state.password_home == PasswordHome::Directory);

    let (config, hash) = (config(), PasswordHash::from_phc("hash".to_owned()));
    let silver: Roles = serde_json::from_str(r#"["silver"]"#).expect("roles");
    let keep = |state: &AccountState, standing| {
        keep_password(state, standing, (hash.clone(), &silver), None, sign_in(&config.session), NOW)
    };
    let at = |account| Some(ClaimedSubject { account, at: NOW });
    let decision = keep(state, at(Some(state.account)));
    let [kept, opened] = decision.changes.all();
    let (authentication, password): (AccountState, PasswordCredential) = (kept.first(), kept.first());
    assert_eq!(*kept, Change::keep_password(authentication.clone(), password.clone()));
    assert!(opened.is(Change::open_session));
    assert_eq!((authentication.version, authentication.password_home), (state.version + 1, PasswordHome::Here));
    assert_eq!((password.version, &password.hash, authentication.devices.len()), (1, &hash, 1));
    assert_eq!((authentication.roles.to_string().as_str(), authentication.epoch_began_at), ("gold, silver", None));
    // Roles beyond the maximum are ignored.
    let eight: Roles = serde_json::from_str(r#"["1","2","3","4","5","6","7","8"]"#).expect("roles");
    let full = AccountState { roles: eight.clone(), ..state.clone() };
    let decision = keep(&full, at(Some(state.account)));
    let kept = &decision.changes.0[0];
    assert_eq!(*kept, Change::keep_password(kept.first(), kept.first()));
    assert!(kept.first::<AccountState>().roles == eight);

    let closed = AccountState { status: AccountStatus::Disabled { since: NOW }, ..state.clone() };
    let here = AccountState { password_home: PasswordHome::Here, ..state.clone() };
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

#[test]
fn a_second_import_fills_only_what_is_empty_and_only_before_the_first_sign_in() {
    let bare = ImportedUser { password: ImportedPassword::None, ..imported_user() };
    let account = import_legacy_user(bare, ImportConflicts::default(), NOW).changes.only(Change::import_account);
    let (state, profile) = (account.authentication, account.profile);
    let (hash, claims) = (|| Some(PasswordHash::from_phc("hash".to_owned())), || Some(Sealed(vec![9])));
    let with = |has_same_address, password, claims| Completion { has_same_address, password, claims, totp: None };
    let decision = complete_import(&state, &profile, false, with(true, hash(), claims()), NOW);
    assert_eq!(decision.outcome, ImportOutcome::Completed);
    let [change] = decision.changes.all();
    let (after, password, completed): (AccountState, PasswordCredential, Profile) =
        (change.first(), change.first(), change.first());
    assert_eq!(*change, Change::complete_import(after.clone(), Some(password.clone()), Some(completed.clone()), None));
    assert_eq!((after.version, password.version, completed.version, completed.claims), (2, 1, 2, Sealed(vec![9])));

    let signed_in = AccountState { devices: vec![KnownDevice::new(1)], ..state.clone() };
    let renewed = AccountState { epoch: 2, ..state.clone() };
    let there = AccountState { password_home: PasswordHome::Directory, ..state.clone() };
    let disabled = AccountState { status: AccountStatus::Disabled { since: NOW }, ..state.clone() };
    for (state, has_password, hash, claims) in [
        (&state, true, hash(), None),
        (&state, false, None, None),
        (&signed_in, false, hash(), claims()),
        (&renewed, false, hash(), claims()),
        (&there, false, hash(), claims()),
        (&disabled, false, hash(), claims()),
    ] {
        let decision = complete_import(state, &profile, has_password, with(true, hash, claims), NOW);
        assert!(decision.outcome == ImportOutcome::AlreadyHere && decision.changes.is_empty(), "{state:?}");
    }
    // Of another address than that of the account: a conflict, whatever would be filled in.
    for (hash, claims) in [(hash(), claims()), (hash(), None), (None, claims())] {
        let decision = complete_import(&state, &profile, false, with(false, hash, claims), NOW);
        assert!(decision.outcome == ImportOutcome::OtherAddress && decision.changes.is_empty());
    }
}

/// security 78: an app of another system protects the account from its first sign-in here.
#[test]
fn security_78_an_imported_app_protects_the_account_and_a_second_import_adds_it_only_before_the_first_sign_in() {
    let with_app = ImportedUser { totp: Some(Sealed(vec![8])), ..imported_user() };
    let account = import_legacy_user(with_app, ImportConflicts::default(), NOW).changes.only(Change::import_account);
    assert!(account.authentication.protected && account.authentication.factors.totp == Some(0));
    assert!(account.totp.is_some_and(|totp| totp.active.is_some_and(|app| app.seed == Sealed(vec![8])) && totp.version == 1));

    let account = import_legacy_user(imported_user(), ImportConflicts::default(), NOW).changes.only(Change::import_account);
    let (state, profile) = (account.authentication, account.profile);
    assert!(!state.protected && account.totp.is_none());
    let completion =
        |has_same_address| Completion { has_same_address, password: None, claims: None, totp: Some(Sealed(vec![8])) };
    let added = complete_import(&state, &profile, true, completion(true), NOW);
    assert_eq!(added.outcome, ImportOutcome::Completed);
    let [change] = added.changes.all();
    let after: AccountState = change.first();
    assert!(after.protected && after.factors.totp == Some(0) && after.version == state.version + 1);

    let signed_in = AccountState { devices: vec![KnownDevice::new(1)], ..state.clone() };
    let other_app = AccountState { protected: true, factors: after.factors, ..state.clone() };
    for (state, has_same_address, outcome) in [
        (&signed_in, true, ImportOutcome::FactorNotAdded),
        (&other_app, true, ImportOutcome::AlreadyHere),
        (&state, false, ImportOutcome::OtherAddress),
    ] {
        let decision = complete_import(state, &profile, true, completion(has_same_address), NOW);
        assert_eq!((decision.outcome, decision.changes.is_empty()), (outcome, true));
    }
}
