//! The rules of `redeem`, case by case.

use super::*;
use crate::domain::account::AccountStatus;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::oauth::fixture::{
    CHALLENGE, NOW, ORDERS, POLICY, REDIRECT_URI, VERIFIER, active, authentication, client, client_id, code_issued, hash,
    resources, scope, session, sha256, token_rules,
};
use crate::domain::time::Span;

const PRESENTED: PresentedCode<'static> = PresentedCode {
    secret_hash: SecretHash::from_bytes([10; 32]),
    redirect_uri: Some(REDIRECT_URI),
    code_verifier: Some(VERIFIER),
    resource: &[],
    sha256,
};
const NEXT: NextRefresh = NextRefresh { secret_hash: SecretHash::from_bytes([21; 32]), key_version: 5 };

struct Case {
    grant: Grant,
    authentication: AccountState,
    session: Option<Session>,
    client: Client,
    presented: PresentedCode<'static>,
    now: Timestamp,
}
impl Case {
    fn of(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self {
            grant: code_issued(),
            authentication: authentication(),
            session: Some(session()),
            client: client(),
            presented: PRESENTED,
            now: NOW,
        };
        change(&mut case);
        case
    }
    fn decide(&self) -> Decision<Result<Issued, CodeRefused>> {
        let snapshot =
            CodeSnapshot { grant: &self.grant, authentication: &self.authentication, session: self.session.as_ref() };
        redeem(snapshot, &self.presented, NEXT, &self.client, token_rules(&resources()), self.now)
    }
}

#[test]
fn a_code_is_redeemed_with_a_write_that_requires_its_version() {
    let decision = Case::of(|_| {}).decide();
    let issued = decision.outcome.unwrap();
    assert!(issued.id_token.is_some());
    assert_eq!(issued.refresh_generation, Some(1));
    assert_eq!(issued.access.scope, scope("account email openid orders:read"));
    assert_eq!(issued.access.expires_at, NOW + Span::minutes(10));
    assert_eq!(issued.access.resource, None);
    let grant = decision.changes.only(Change::redeem_authorization_code);
    assert_eq!(grant.version, 2);
    assert_eq!(grant.expires_at, NOW + POLICY.refresh_absolute);
    let GrantState::Active { redeemed_at, refresh: Some(refresh) } = &grant.state else { panic!("active") };
    assert_eq!((*redeemed_at, refresh.generation, refresh.refresh_key_version), (NOW, 1, 5));
    assert_eq!((refresh.secret_hash, refresh.parent_hash), (hash(21), None));
    assert_eq!(refresh.idle_expires_at, NOW + POLICY.refresh_idle);
}

#[test]
fn a_refusal_changes_nothing() {
    use GrantEnded::{AccountNotActive, EpochPassed, Revoked, SessionEnded};
    let cases = [
        ("security 38: another secret", CodeRefused::NotTheCode, Case::of(|c| c.presented.secret_hash = hash(11))),
        ("security 21: another client", CodeRefused::ClientMismatch, Case::of(|c| c.client.client_id = client_id("other"))),
        (
            "security 23: another redirect_uri",
            CodeRefused::RedirectUriMismatch,
            Case::of(|c| c.presented.redirect_uri = Some("https://app.example/callback/")),
        ),
        (
            "another redirect_uri though the request named none",
            CodeRefused::RedirectUriMismatch,
            Case::of(|c| {
                c.grant.code.as_mut().unwrap().redirect_uri_in_request = false;
                c.presented.redirect_uri = Some("https://app.example/other");
            }),
        ),
        (
            "no redirect_uri and no challenge",
            CodeRefused::RedirectUriMismatch,
            Case::of(|c| {
                c.grant.code.as_mut().unwrap().code_challenge = None;
                c.presented.code_verifier = None;
                c.presented.redirect_uri = None;
            }),
        ),
        (
            "security 23: no verifier",
            CodeRefused::Verifier(VerifierError::Missing),
            Case::of(|c| c.presented.code_verifier = None),
        ),
        (
            "security 23: verifier without challenge",
            CodeRefused::Verifier(VerifierError::Unexpected),
            Case::of(|c| c.grant.code.as_mut().unwrap().code_challenge = None),
        ),
        (
            "security 23: another verifier",
            CodeRefused::Verifier(VerifierError::Mismatch),
            Case::of(|c| c.presented.code_verifier = Some(CHALLENGE)),
        ),
        (
            "security 13: at its last moment",
            CodeRefused::Expired,
            Case::of(|c| c.now = c.grant.code.as_ref().unwrap().expires_at),
        ),
        (
            "security 36: account disabled",
            CodeRefused::Ended(AccountNotActive),
            Case::of(|c| c.authentication.status = AccountStatus::Disabled { since: NOW }),
        ),
        ("security 36: epoch raised", CodeRefused::Ended(EpochPassed), Case::of(|c| c.authentication.epoch += 1)),
        ("session gone", CodeRefused::Ended(SessionEnded), Case::of(|c| c.session = None)),
        (
            "session ended, even for an offline grant",
            CodeRefused::Ended(SessionEnded),
            Case::of(|c| {
                c.grant.scope = scope("openid offline_access");
                c.session.as_mut().unwrap().ended_at = Some(NOW);
            }),
        ),
        (
            "another session",
            CodeRefused::Ended(SessionEnded),
            Case::of(|c| c.grant.sid = crate::domain::id::SessionId::from_bytes([5; 16])),
        ),
        (
            "revoked already",
            CodeRefused::Ended(Revoked),
            Case::of(|c| c.grant = active(Span::ZERO).revoked(RevocationReason::ClientRequest, NOW)),
        ),
        ("no scope left", CodeRefused::ScopeGone, Case::of(|c| c.client.scope = scope("phone"))),
        (
            "security 27: unknown resource",
            CodeRefused::Target(TargetError::Unknown),
            Case::of(|c| c.presented.resource = &["https://stock.example"]),
        ),
        (
            "two resources",
            CodeRefused::Target(TargetError::Several),
            Case::of(|c| c.presented.resource = &[ORDERS, "https://stock.example"]),
        ),
        (
            "another resource than granted",
            CodeRefused::Target(TargetError::NotGranted),
            Case::of(|c| {
                c.grant.resource = Some(ORDERS.to_owned());
                c.presented.resource = &["https://stock.example"];
            }),
        ),
    ];
    for (what, expected, case) in cases {
        let decision = case.decide();
        assert_eq!(decision.outcome.unwrap_err(), expected, "{what}");
        assert!(decision.changes.is_empty(), "{what}");
    }
}

#[test]
fn security_22_a_code_redeemed_twice_revokes_its_grant() {
    for later in [Span::ZERO, Span::seconds(61), Span::days(3)] {
        let decision = Case::of(|c| {
            c.grant = active(Span::ZERO);
            c.now = NOW + later;
        })
        .decide();
        assert_eq!(decision.outcome.unwrap_err(), CodeRefused::Replayed);
        let grant = decision.changes.only(Change::revoke_grant);
        assert_eq!(grant.state, GrantState::Revoked { at: NOW + later, reason: RevocationReason::CodeReplayed });
        assert_eq!(grant.version, 5);
    }
}

#[test]
fn security_22_a_bad_replay_revokes_nothing() {
    type Mutation = fn(&mut Case);
    let cases: [(&str, Mutation); 4] = [
        ("another client", |c| c.client.client_id = client_id("other")),
        ("another redirect_uri", |c| c.presented.redirect_uri = Some("https://evil.example")),
        ("no verifier", |c| c.presented.code_verifier = None),
        ("another verifier", |c| c.presented.code_verifier = Some(CHALLENGE)),
    ];
    for (what, change) in cases {
        let decision = Case::of(|c| {
            c.grant = active(Span::ZERO);
            change(c);
        })
        .decide();
        assert!(decision.outcome.is_err(), "{what}");
        assert!(decision.changes.is_empty(), "{what}");
    }
}

#[test]
fn redirect_uri_may_be_omitted_if_a_challenge_binds_the_code() {
    assert!(Case::of(|c| c.presented.redirect_uri = None).decide().outcome.is_ok());
    let unnamed = Case::of(|c| {
        c.grant.code.as_mut().unwrap().redirect_uri_in_request = false;
        c.grant.code.as_mut().unwrap().code_challenge = None;
        c.presented.code_verifier = None;
        c.presented.redirect_uri = None;
    });
    assert!(unnamed.decide().outcome.is_ok());
}

#[test]
fn without_the_refresh_grant_there_is_no_refresh_token_and_the_grant_ends_with_its_access_token() {
    let decision = Case::of(|c| c.client.grant_types = vec![GrantType::AuthorizationCode]).decide();
    let issued = decision.outcome.unwrap();
    assert_eq!(issued.refresh_generation, None);
    assert!(matches!(issued.grant.state, GrantState::Active { refresh: None, .. }));
    assert_eq!(issued.grant.expires_at, NOW + POLICY.access);
}

#[test]
fn security_27_a_resource_narrows_audience_and_scope_and_never_includes_account() {
    let issued = Case::of(|c| c.presented.resource = &[ORDERS]).decide().outcome.unwrap();
    assert_eq!(issued.access.resource.as_deref(), Some(ORDERS));
    assert_eq!(issued.access.scope, scope("orders:read"));
    assert_eq!(issued.access.algorithm, SigningAlgorithm::RS256);
    assert!(issued.id_token.is_some(), "the ID token depends on the scope of the grant");
    assert_eq!(issued.grant.resource, None, "the next token may be for the issuer again");
}

#[test]
fn a_scope_that_was_removed_from_the_client_is_not_issued() {
    let issued = Case::of(|c| c.client.scope = scope("email")).decide().outcome.unwrap();
    assert_eq!(issued.access.scope, scope("email"));
    assert_eq!(issued.id_token, None);
}
