//! Levels: what counts for a request, what is asked for, and what the token says (security 11, 54, 78).

use super::tests::{Case, FACTORS, POLICIES, client, step};
use super::*;
use crate::domain::oauth::authorization_request::RequestedAcr;
use crate::domain::oauth::client::Client;
use crate::domain::sign_in::factors::Factors;
use crate::domain::sign_in::method::Method;
use crate::domain::tenant::SecondFactorPolicy;
use std::collections::BTreeMap;

const PASSKEY: Method = Method::SyncedPasskey;

/// Proofs by these methods, so many minutes ago.
fn proven(case: &mut Case<'_>, proofs: &[(Method, i64)]) {
    let at = |minutes: i64| case.now - Span::minutes(minutes);
    let stored: BTreeMap<Method, Timestamp> = proofs.iter().map(|(method, minutes)| (method.clone(), at(*minutes))).collect();
    case.session.proofs = stored.into();
}

fn granted(case: &Case<'_>) -> (Option<String>, i64) {
    let decision = case.decide();
    assert!(matches!(decision.outcome, Authorized::Code { .. }), "{:?}", decision.outcome);
    let grant = decision.changes.0.last().expect("a code").made_by(Change::issue_authorization_code);
    (grant.acr.map(|acr| acr.to_string()), case.now.since(grant.auth_time).as_seconds() / 60)
}

fn wishes(values: &[Acr]) -> RequestedAcr {
    RequestedAcr { values: values.to_vec(), is_essential: false }
}

#[test]
fn security_54_auth_time_is_that_of_the_proofs_on_which_the_told_acr_rests() {
    let client = client();
    let mut case = Case::new(&client);
    proven(&mut case, &[(PASSKEY, 60), (Method::Password, 1)]);
    assert_eq!(granted(&case), (Some("phr".to_owned()), 60));
    // With max_age the old passkey counts no more, and the answer is as recent as it was demanded.
    case.request.max_age = Some(Span::minutes(5));
    assert_eq!(granted(&case), (Some("urn:latchkey:acr:1".to_owned()), 1));
    case.request.max_age = None;
    case.request.acr = wishes(&[Acr::Aal1]);
    assert_eq!(granted(&case), (Some("urn:latchkey:acr:1".to_owned()), 1));
    proven(&mut case, &[(Method::Password, 9), (Method::Totp, 8), (PASSKEY, 60)]);
    case.request.acr = wishes(&[Acr::Aal2]);
    assert_eq!(granted(&case), (Some("urn:latchkey:acr:2".to_owned()), 9));
}

#[test]
fn security_11_a_forced_sign_in_counts_with_its_own_proofs_alone() {
    let client = Client { min_acr: Some(Acr::PhishingResistant), ..client() };
    let mut case = Case::new(&client);
    case.authentication.factors = Factors { passkeys: 1, totp: Some(1), ..Factors::default() };
    proven(&mut case, &[(PASSKEY, 60), (Method::Password, 1), (Method::Totp, 0)]);
    assert_eq!(granted(&case).0.as_deref(), Some("phr"));
    case.request.prompt.login = true;
    // The password and the code of this sign-in, which took a minute.
    let signed_in = Interaction { since: case.now - Span::minutes(1), ..step(case.session.id, case.now) };
    case.interactions.signed_in = Some(signed_in);
    assert_eq!(case.outcome(), Authorized::StepUp { level: Acr::PhishingResistant });
    case.interactions.signed_in = None;
    assert_eq!(case.outcome(), Authorized::SignIn);
    // A second step is no sign-in.
    case.interactions.stepped = Some(step(case.session.id, case.now));
    assert_eq!(case.outcome(), Authorized::SignIn);
}

/// The page of a second step may be read as long as a sign-in between its steps lives, and the request itself is no longer satisfied by then.
#[test]
fn security_11_a_forced_sign_in_counts_on_the_page_of_its_second_step_for_fifteen_minutes() {
    let client = client();
    let mut case = Case::new(&client);
    case.request.prompt.login = true;
    for (minutes, at_step, at_request) in [(1, true, true), (3, true, false), (15, true, false), (16, false, false)] {
        proven(&mut case, &[(Method::Password, minutes)]);
        let at = case.now - Span::minutes(minutes);
        let signed_in = Interaction { since: at, ..step(case.session.id, at) };
        let interactions = Interactions { signed_in: Some(signed_in), ..Interactions::default() };
        let counts = |counting: fn(&AuthorizationRequest<'_>, &Session, Interactions, Timestamp) -> Option<Proofs>| {
            counting(&case.request, &case.session, interactions, case.now).is_some()
        };
        assert_eq!((counts(counting_proofs_at_step), counts(counting_proofs)), (at_step, at_request), "{minutes}");
        let other = Interaction { sid: SessionId::from_bytes([77; 16]), ..signed_in };
        let others = Interactions { signed_in: Some(other), ..Interactions::default() };
        assert!(counting_proofs_at_step(&case.request, &case.session, others, case.now).is_none(), "of another session");
    }
    // A positive max_age limits the age of the sign-in itself.
    case.request.prompt.login = false;
    case.request.max_age = Some(Span::minutes(1));
    proven(&mut case, &[(Method::Password, 3)]);
    let signed_in = Some(step(case.session.id, case.now - Span::minutes(3)));
    let interactions = Interactions { signed_in, ..Interactions::default() };
    assert!(counting_proofs_at_step(&case.request, &case.session, interactions, case.now).is_none());
}

#[test]
fn security_78_a_protected_account_needs_both_factors_within_max_age() {
    let client = client();
    let mut case = Case::new(&client);
    case.authentication.protected = true;
    case.authentication.factors = Factors { totp: Some(1), recovery_codes: 10, ..Factors::default() };
    proven(&mut case, &[(Method::Password, 60), (Method::Totp, 60)]);
    assert_eq!(granted(&case).0.as_deref(), Some("urn:latchkey:acr:2"));
    case.request.max_age = Some(Span::minutes(30));
    assert_eq!(case.outcome(), Authorized::SignIn);
    proven(&mut case, &[(Method::Password, 1), (Method::Totp, 60)]);
    assert_eq!(case.outcome(), Authorized::StepUp { level: Acr::Aal2 });
    case.request.prompt.none = true;
    assert_eq!(case.error(), OAuthErrorCode::LoginRequired);
}

#[test]
fn a_wish_is_asked_for_once_and_a_need_always() {
    let client = client();
    let mut case = Case::new(&client);
    case.authentication.factors = Factors { passkeys: 1, ..Factors::default() };
    proven(&mut case, &[(Method::Password, 1)]);
    case.request.acr = wishes(&[Acr::PhishingResistant, Acr::Aal1]);
    assert_eq!(case.outcome(), Authorized::StepUp { level: Acr::PhishingResistant });
    case.interactions.stepped = Some(step(case.session.id, case.now));
    assert_eq!(granted(&case).0.as_deref(), Some("urn:latchkey:acr:1"));
    case.request.acr.is_essential = true;
    case.request.acr.values = vec![Acr::PhishingResistant];
    assert_eq!(case.outcome(), Authorized::StepUp { level: Acr::PhishingResistant });
}

#[test]
fn security_78_a_missing_factor_is_asked_for_once_and_no_page_is_shown_to_a_silent_request() {
    let client = Client { min_acr: Some(Acr::Aal2), ..client() };
    let mut case = Case::new(&client);
    proven(&mut case, &[(Method::Password, 1)]);
    let enroll = |reason| Authorized::Enroll(Enrollment { level: Acr::Aal2, reason });
    assert_eq!(case.outcome(), enroll(EnrollmentReason::Client));
    case.request.prompt.none = true;
    assert_eq!(case.error(), OAuthErrorCode::InteractionRequired);
    // The user goes on without, and is not sent in circles. An answer in another session counts for nothing.
    case.request.prompt.none = false;
    case.interactions.enrolled = Some(step(SessionId::from_bytes([9; 16]), case.now));
    assert_eq!(case.outcome(), enroll(EnrollmentReason::Client));
    case.interactions.enrolled = Some(step(case.session.id, case.now));
    assert_eq!(case.error(), OAuthErrorCode::UnmetAuthenticationRequirements);
}

#[test]
fn security_158_a_factor_that_is_required_of_every_account_is_asked_for_after_each_sign_in_until_its_deadline_and_always_after_it()
 {
    let client = client();
    let mut case = Case::new(&client);
    proven(&mut case, &[(Method::Password, 0)]);
    case.authentication.created_at = case.now - Span::days(400);
    let until = case.now + Span::days(14);
    let of = |from| {
        let second_factor = SecondFactorPolicy::Required { from, grace: Span::days(14) };
        Policies { factors: FactorRules { second_factor, ..FACTORS }, ..POLICIES }
    };
    case.policies = of(case.now);
    let enroll = |reason| Authorized::Enroll(Enrollment { level: Acr::Aal2, reason });
    assert!(matches!(case.outcome(), Authorized::Code { .. }), "no sign-in just now");
    case.interactions.signed_in = Some(step(case.session.id, case.now));
    assert_eq!(case.outcome(), enroll(EnrollmentReason::Postponable { until }));
    case.request.prompt.none = true;
    assert!(matches!(case.outcome(), Authorized::Code { .. }), "nothing is overdue");
    case.request.prompt.none = false;
    case.interactions.enrolled = Some(step(case.session.id, case.now));
    assert!(matches!(case.outcome(), Authorized::Code { .. }), "postponed");
    case.policies = of(case.now - Span::days(15));
    assert_eq!(case.outcome(), enroll(EnrollmentReason::Overdue), "the answer counts no more");
    case.request.prompt.none = true;
    assert_eq!(case.error(), OAuthErrorCode::InteractionRequired);
    proven(&mut case, &[(Method::Password, 0), (Method::Totp, 0)]);
    assert!(matches!(case.outcome(), Authorized::Code { .. }));
}
