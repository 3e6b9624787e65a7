//! What an authorization request asks for, for every kind of account and document (security 11, 78, 158).

use super::*;
use crate::domain::oauth::fixture::{NOW, authentication};
use crate::domain::sign_in::factors::Factors;
use crate::domain::time::Span;

const PASSWORD: &str = "pwd";
const CODE: &str = "totp";
const PASSKEY: &str = "swk";

fn proofs(methods: &[&str]) -> Proofs {
    let stored: serde_json::Map<_, _> = methods.iter().map(|method| ((*method).to_owned(), NOW.millis().into())).collect();
    serde_json::from_value(stored.into()).unwrap()
}

fn account(factors: Factors, protected: bool, created_at: Timestamp) -> AccountState {
    AccountState { factors, protected, created_at, ..authentication() }
}

fn rules(second_factor: SecondFactorPolicy) -> FactorRules {
    FactorRules { second_factor, passkeys: true, remembered_devices: true }
}

fn required(from: Timestamp, grace: Span) -> FactorRules {
    rules(SecondFactorPolicy::Required { from, grace })
}

const NONE: Factors = Factors {
    totp: None,
    recovery_codes: 0,
    passkeys: 0,
    failures: crate::domain::failure_window::FailureWindow { count: 0, last_at: None },
    removal: None,
};

#[test]
fn security_158_a_required_factor_is_asked_for_from_its_day_and_can_be_postponed_until_its_deadline() {
    let old = account(NONE, false, NOW - Span::days(400));
    let young = account(NONE, false, NOW - Span::days(1));
    let grace = Span::days(14);
    let postponable = |until| Gap::Enroll(Enrollment { level: Acr::Aal2, reason: EnrollmentReason::Postponable { until } });
    let overdue = Gap::Enroll(Enrollment { level: Acr::Aal2, reason: EnrollmentReason::Overdue });
    for (account, from, gap) in [
        (&old, NOW + Span::days(1), Gap::None),
        (&old, NOW, postponable(NOW + grace)),
        (&old, NOW - Span::days(13), postponable(NOW + Span::days(1))),
        (&old, NOW - grace, overdue),
        // A young account counts from its creation.
        (&young, NOW - Span::days(300), postponable(NOW + Span::days(13))),
    ] {
        let rules = required(from, grace);
        assert_eq!(Demand::default().gap(account, &proofs(&[PASSWORD]), false, rules, NOW), gap, "{from}");
        for enough in [&[PASSWORD, CODE][..], &[PASSKEY]] {
            assert_eq!(Demand::default().gap(account, &proofs(enough), false, rules, NOW), Gap::None, "{enough:?}");
        }
    }
}

#[test]
fn security_158_a_required_factor_is_used_by_who_has_one_even_within_the_grace_period() {
    let rules = required(NOW, Span::days(14));
    for factors in [Factors { passkeys: 1, ..NONE }, Factors { totp: Some(1), ..NONE }] {
        let account = account(factors, false, NOW - Span::days(400));
        let gap = Demand::default().gap(&account, &proofs(&[PASSWORD]), false, rules, NOW);
        assert_eq!(gap, Gap::StepUp { level: Acr::Aal2, is_required: true }, "{factors:?}");
    }
    // Passkeys that the tenant has switched off are none.
    let account = account(Factors { passkeys: 1, ..NONE }, false, NOW - Span::days(400));
    let gap = Demand::default().gap(&account, &proofs(&[PASSWORD]), false, FactorRules { passkeys: false, ..rules }, NOW);
    assert!(matches!(gap, Gap::Enroll(_)), "{gap:?}");
}

#[test]
fn security_78_a_level_that_a_client_needs_is_set_up_only_if_nothing_protects_the_account() {
    let demand = |level| Demand { required: Some(level), wished: vec![] };
    let plain = account(NONE, false, NOW);
    let client = |level| Gap::Enroll(Enrollment { level, reason: EnrollmentReason::Client });
    let optional = rules(SecondFactorPolicy::Optional);
    for (rules, level, gap) in [
        (optional, Acr::Aal2, client(Acr::Aal2)),
        (optional, Acr::PhishingResistant, client(Acr::PhishingResistant)),
        (FactorRules { passkeys: false, ..optional }, Acr::Aal2, client(Acr::Aal2)),
        (FactorRules { passkeys: false, ..optional }, Acr::PhishingResistant, Gap::Unreachable),
        (rules(SecondFactorPolicy::Off), Acr::Aal2, client(Acr::Aal2)),
        (FactorRules { passkeys: false, ..rules(SecondFactorPolicy::Off) }, Acr::Aal2, Gap::Unreachable),
    ] {
        assert_eq!(demand(level).gap(&plain, &proofs(&[PASSWORD]), false, rules, NOW), gap, "{rules:?} {level:?}");
    }
    // A protected account with a factor that is not accepted any more gets no other one by its password.
    let protected = account(Factors { passkeys: 1, ..NONE }, true, NOW);
    let no_passkeys = FactorRules { passkeys: false, ..required(NOW, Span::ZERO) };
    for rules in [no_passkeys, FactorRules { passkeys: false, ..optional }] {
        assert_eq!(Demand::default().gap(&protected, &proofs(&[PASSWORD]), false, rules, NOW), Gap::Unreachable, "{rules:?}");
    }
}

#[test]
fn security_158_tokens_and_hand_overs_rest_on_one_factor_only_until_the_deadline() {
    let account = account(NONE, false, NOW - Span::days(400));
    let policy = SecondFactorPolicy::Required { from: NOW, grace: Span::days(14) };
    for (at, level, is_enough) in [
        (NOW, Acr::None, true),
        (NOW + Span::days(14) - Span::millis(1), Acr::Aal1, true),
        (NOW + Span::days(14), Acr::Aal1, false),
        (NOW + Span::days(14), Acr::None, false),
        (NOW + Span::days(14), Acr::Aal2, true),
    ] {
        assert_eq!(is_enough_for_applications(policy, &account, level, at), is_enough, "{at} {level:?}");
    }
    for policy in [SecondFactorPolicy::Off, SecondFactorPolicy::Optional] {
        assert!(is_enough_for_applications(policy, &account, Acr::None, NOW));
    }
}

const REMEMBERED: bool = true;

#[test]
fn security_160_a_remembered_device_takes_the_place_of_the_second_factor_and_of_no_first_one() {
    let account = account(Factors { totp: Some(1), ..NONE }, true, NOW);
    for first in [PASSWORD, "mail"] {
        assert_eq!(require(&account, &proofs(&[first]), REMEMBERED), Requirement::Complete, "{first}");
        assert_eq!(require(&account, &proofs(&[first]), false), Requirement::SecondStep, "{first}");
    }
    for too_little in [&[][..], &[CODE], &["code"], &["dev"], &["later"]] {
        assert_eq!(require(&account, &proofs(too_little), REMEMBERED), Requirement::SecondStep, "{too_little:?}");
    }
}

#[test]
fn security_160_a_remembered_device_reaches_no_level_that_a_client_demands() {
    let protected = account(Factors { totp: Some(1), ..NONE }, true, NOW);
    let optional = rules(SecondFactorPolicy::Optional);
    let gap =
        |demand: &Demand, account: &AccountState, rules| demand.gap(account, &proofs(&[PASSWORD]), REMEMBERED, rules, NOW);
    assert_eq!(gap(&Demand::default(), &protected, optional), Gap::None);
    // What the tenant document requires is satisfied, too.
    assert_eq!(gap(&Demand::default(), &protected, required(NOW, Span::ZERO)), Gap::None);
    let needed = Demand { required: Some(Acr::Aal2), wished: vec![] };
    assert_eq!(gap(&needed, &protected, optional), Gap::StepUp { level: Acr::Aal2, is_required: true });
    let wished = Demand { required: None, wished: vec![Acr::Aal2] };
    assert_eq!(gap(&wished, &protected, optional), Gap::StepUp { level: Acr::Aal2, is_required: false });
    // Without it the account's own demand comes back. A token exchange proves nothing, on whatever device.
    let forgotten = Gap::StepUp { level: Acr::Aal2, is_required: true };
    for rules in [optional, required(NOW, Span::ZERO)] {
        assert_eq!(Demand::default().gap(&protected, &proofs(&[PASSWORD]), false, rules, NOW), forgotten);
        assert_eq!(Demand::default().gap(&protected, &Proofs::none(), REMEMBERED, rules, NOW), forgotten);
    }
    // The mark of a grant is no proof.
    let marked = proofs(&[PASSWORD, "dev"]);
    assert!(marked.rest_on_remembered_device() && marked.level() == Acr::Aal1 && marked.amr().len() == 1);
    assert!(!marked.satisfies(Acr::Aal2, None, NOW) && !proofs(&["dev"]).satisfies(Acr::Aal1, None, NOW));
}
