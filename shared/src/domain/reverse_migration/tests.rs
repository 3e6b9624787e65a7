use super::*;
use crate::domain::account::AccountStatus;
use crate::domain::credential::PasswordCredential;
use crate::domain::id::TenantId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::secret::PasswordHash;
use crate::domain::sign_in::methods::password::tests::authentication;
use crate::domain::sign_in::throttle::UNKNOWN_KEPT;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Span;
use serde_json::json;

const T0: Timestamp = Timestamp::from_seconds(1_000_000);

fn password() -> PasswordCredential {
    let hash = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo".to_owned());
    PasswordCredential { account: authentication().account, hash, changed_at: T0, version: 1 }
}

fn decide(authentication: &AccountState, has_password: bool, verdict: PasswordVerdict) -> Decision<ReverseMigrationOutcome> {
    let password = password();
    let subject = Subject::Known { authentication, password: has_password.then_some(&password), device: None };
    check_forwarded_password(subject, &verdict, SecondFactorPolicy::Optional, T0)
}

/// security 112, 113: the trigger is another way to guess, but has no window of its own.
#[test]
fn security_113_a_right_password_is_written_before_it_is_answered_and_a_wrong_one_is_counted() {
    let failed = AccountState { failures: FailureWindow::default().failed(T0 - Span::hours(1)), ..authentication() };
    let decision = decide(&failed, true, PasswordVerdict::Right);
    let state = decision.changes.only(Change::record_sign_in);
    assert_eq!(
        (decision.outcome, state.failures, state.version),
        (ReverseMigrationOutcome::Right, FailureWindow::default(), failed.version + 1)
    );
    assert_eq!(state.devices, failed.devices, "the trigger adds no known device");

    let decision = decide(&failed, true, PasswordVerdict::Wrong);
    let state = decision.changes.only(Change::count_failed_sign_in);
    assert_eq!((decision.outcome, state.failures), (ReverseMigrationOutcome::Refused, failed.failures.failed(T0)));

    let blocked = (0..9).fold(authentication(), |state, _| count_failure(&state, None, T0));
    let decision = decide(&blocked, true, PasswordVerdict::Right);
    assert!(decision.changes.is_empty() && decision.outcome == ReverseMigrationOutcome::Blocked);
}

#[test]
fn a_closed_account_and_one_without_a_password_are_refused_like_a_wrong_password() {
    let disabled = AccountState { status: AccountStatus::Disabled { since: T0 }, ..authentication() };
    for (state, has_password) in [(disabled, true), (authentication(), false)] {
        let decision = decide(&state, has_password, PasswordVerdict::Right);
        decision.changes.only(Change::count_failed_sign_in);
        assert!(decision.outcome == ReverseMigrationOutcome::Refused);
    }
    let identifier = IdentifierHash { key_version: 1, hash: [9; 32] };
    let decision = check_forwarded_password(
        Subject::Unknown { identifier, failures: None },
        &PasswordVerdict::Wrong,
        SecondFactorPolicy::Optional,
        T0,
    );
    let counted = decision.changes.only(Change::count_unknown_sign_in);
    assert_eq!(
        (counted.version, counted.expires_at, decision.outcome),
        (1, T0 + UNKNOWN_KEPT, ReverseMigrationOutcome::Refused)
    );
}

#[test]
fn claims_become_attributes_by_name_or_rule_and_only_those_that_a_pool_accepts() {
    let document = "name = \"Shop\"\n[handover]\nuser_pool_id = \"eu-central-1_Next\"\nsub = \"custom:former_sub\"\n\
        attributes = { tier = \"custom:level\", newsletter = \"custom:newsletter\" }\n\
        [[registration.fields]]\nname = \"given_name\"\n[[registration.fields]]\nname = \"tier\"\n\
        [[registration.fields]]\nname = \"shoe\"\n[[registration.fields]]\nname = \"newsletter\"\ntype = \"boolean\"\n";
    let config = TenantConfig::parse(&TenantId::default_tenant(), document).expect("valid");
    let claims = json!({
        "email": "other@example.com", "given_name": "Ada", "family_name": "no field", "tier": "gold", "shoe": "40", "newsletter": true,
        "locale": "de",
    });
    let claims = Claims(claims.as_object().expect("an object").clone());
    let email = EmailAddress::parse("ada@example.com").expect("an address");
    let sub = authentication().sub;
    let mut pool = config.reverse_migration.expect("a pool");
    let made = attributes(&pool, &config.registration.fields, &email, sub, &claims);
    pool.username = Username::Sub;
    let of_an_alias = attributes(&pool, &config.registration.fields, &email, sub, &claims);
    let sub = sub.to_string();
    let username = of_an_alias.iter().filter(|(name, _)| !made.contains_key(*name)).collect::<Vec<_>>();
    assert_eq!(username, [(&"username".to_owned(), &sub)], "the username must not look like an address");
    let expected = [
        ("custom:former_sub", sub.as_str()),
        ("custom:level", "gold"),
        ("custom:newsletter", "true"),
        ("email", "ada@example.com"),
        ("email_verified", "true"),
        ("given_name", "Ada"),
    ];
    let made: Vec<(&str, &str)> = made.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(made, expected);
}

#[test]
fn security_158_where_a_second_factor_is_required_a_password_takes_no_user_to_a_pool_after_the_grace_period() {
    let account = AccountState { created_at: T0 - Span::days(400), ..authentication() };
    let password = password();
    let forwarded = |from| {
        let subject = Subject::Known { authentication: &account, password: Some(&password), device: None };
        let policy = SecondFactorPolicy::Required { from, grace: Span::days(14) };
        check_forwarded_password(subject, &PasswordVerdict::Right, policy, T0)
    };
    assert_eq!(forwarded(T0 - Span::days(13)).outcome, ReverseMigrationOutcome::Right);
    let refused = forwarded(T0 - Span::days(14));
    assert_eq!(refused.outcome, ReverseMigrationOutcome::Refused);
    // A right password resets no window.
    assert_eq!(refused.changes.only(Change::record_first_step).failures, account.failures);
}
