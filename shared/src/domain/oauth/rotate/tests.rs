//! The rules of `rotate`, case by case.

use super::*;
use crate::domain::account::{AccountStatus, LinkSeed};
use crate::domain::oauth::fixture::{
    NOW, ORDERS, POLICY, active, authentication, client, client_id, code_issued, hash, resources, scope, session, token_rules,
};
use crate::domain::oauth::grant::RevokedJti;

const NEXT: NextRefresh = NextRefresh { secret_hash: SecretHash::from_bytes([24; 32]), key_version: 6 };

struct Case {
    grant: Grant,
    authentication: AccountState,
    session: Option<Session>,
    client: Client,
    generation: u32,
    secret_hash: SecretHash,
    scope: Option<ScopeSet>,
    resource: &'static [&'static str],
    now: Timestamp,
}
impl Case {
    /// Generation 3 has been live for a minute, and is presented.
    fn of(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self {
            grant: active(Span::minutes(1)),
            authentication: authentication(),
            session: Some(session()),
            client: client(),
            generation: 3,
            secret_hash: hash(23),
            scope: None,
            resource: &[],
            now: NOW,
        };
        change(&mut case);
        case
    }
    fn decide(&self) -> Decision<Result<Issued, RefreshRefused>> {
        let snapshot =
            RefreshSnapshot { grant: &self.grant, authentication: &self.authentication, session: self.session.as_ref() };
        let presented = PresentedRefresh {
            generation: self.generation,
            secret_hash: self.secret_hash,
            scope: self.scope.as_ref(),
            resource: self.resource,
        };
        rotate(snapshot, &presented, NEXT, &self.client, token_rules(&resources()), self.now)
    }
}
fn live(grant: &Grant) -> &RefreshToken {
    match &grant.state {
        GrantState::Active { refresh: Some(live), .. } => live,
        other => panic!("{other:?}"),
    }
}
fn revoked(decision: &Decision<Result<Issued, RefreshRefused>>) -> bool {
    matches!(&decision.changes.0[..], [change] if change.is(Change::revoke_grant)
        && matches!(change.first::<Grant>().state, GrantState::Revoked { reason: RevocationReason::RefreshReuse, .. })
        && change.first::<Grant>().version == 5)
}

#[test]
fn security_32_the_live_token_is_rotated_with_a_write_that_requires_its_version() {
    let decision = Case::of(|_| {}).decide();
    let issued = decision.outcome.unwrap();
    let grant = decision.changes.only(Change::rotate_refresh_token);
    assert_eq!(grant.version, 5);
    assert_eq!(issued.refresh_generation, Some(4));
    let refresh = live(&grant);
    assert_eq!((refresh.generation, refresh.secret_hash, refresh.parent_hash), (4, hash(24), Some(hash(23))));
    assert_eq!((refresh.rotated_at, refresh.refresh_key_version), (NOW, 6));
    assert_eq!(refresh.idle_expires_at, NOW + POLICY.refresh_idle);
    assert_eq!(grant.expires_at, Case::of(|_| {}).grant.expires_at, "the absolute expiry does not change");
}

#[test]
fn the_parent_gets_the_same_child_for_ten_seconds_without_a_write() {
    for millis in [0, 5_000, 9_900, 10_000] {
        let decision = Case::of(|c| {
            c.grant = active(Span::millis(millis));
            (c.generation, c.secret_hash) = (2, hash(22));
        })
        .decide();
        assert!(decision.changes.is_empty(), "{millis}");
        let issued = decision.outcome.unwrap();
        assert_eq!(issued.refresh_generation, Some(3), "{millis}");
        assert_eq!(live(&issued.grant).refresh_key_version, 1, "derived again with the key version of the rotation");
    }
}

#[test]
fn security_33_any_other_genuine_token_revokes_the_grant() {
    let cases = [
        (
            "the parent after ten seconds",
            Case::of(|c| {
                c.grant = active(Span::millis(10_001));
                (c.generation, c.secret_hash) = (2, hash(22));
            }),
        ),
        (
            "the grandparent: the child was used",
            Case::of(|c| {
                c.grant = active(Span::ZERO);
                (c.generation, c.secret_hash) = (1, hash(21));
            }),
        ),
        ("security 35: the live one by another client", Case::of(|c| c.client.client_id = client_id("other"))),
        (
            "the parent by another client",
            Case::of(|c| {
                c.grant = active(Span::ZERO);
                (c.generation, c.secret_hash) = (2, hash(22));
                c.client.client_id = client_id("other");
            }),
        ),
        ("the live generation with another secret", Case::of(|c| c.secret_hash = hash(99))),
        (
            "the parent's generation with another secret",
            Case::of(|c| {
                c.grant = active(Span::ZERO);
                (c.generation, c.secret_hash) = (2, hash(99));
            }),
        ),
        ("the last generation there can be", Case::of(|c| c.generation = u32::MAX)),
        ("reuse with a scope that would be refused", {
            Case::of(|c| {
                (c.generation, c.secret_hash) = (1, hash(21));
                c.scope = Some(scope("admin"));
            })
        }),
    ];
    for (what, case) in cases {
        let decision = case.decide();
        assert!(revoked(&decision), "{what}");
        assert_eq!(decision.outcome.unwrap_err(), RefreshRefused::Reused, "{what}");
    }
}

#[test]
fn a_refusal_changes_nothing() {
    use GrantEnded::{AccountNotActive, EpochPassed, Expired, Revoked, SessionEnded};
    let cases = [
        ("security 34: absolute end", RefreshRefused::Ended(Expired), Case::of(|c| c.grant.expires_at = NOW)),
        ("security 34: idle end", RefreshRefused::Idle, Case::of(|c| c.now = live(&c.grant).idle_expires_at)),
        (
            "security 36: account disabled",
            RefreshRefused::Ended(AccountNotActive),
            Case::of(|c| c.authentication.status = AccountStatus::Disabled { since: NOW }),
        ),
        (
            "security 36: account to be erased",
            RefreshRefused::Ended(AccountNotActive),
            Case::of(|c| {
                c.authentication.status =
                    AccountStatus::ErasureDue { since: NOW, due: NOW, seed: LinkSeed { key_version: 1, bytes: [1; 16] } }
            }),
        ),
        ("security 36: password reset", RefreshRefused::Ended(EpochPassed), Case::of(|c| c.authentication.epoch += 1)),
        ("signed out", RefreshRefused::Ended(SessionEnded), Case::of(|c| c.session.as_mut().unwrap().ended_at = Some(NOW))),
        ("session not even read", RefreshRefused::Ended(SessionEnded), Case::of(|c| c.session = None)),
        ("revoked", RefreshRefused::Ended(Revoked), Case::of(|c| c.grant = c.grant.revoked(RevocationReason::Withdrawn, NOW))),
        ("not redeemed", RefreshRefused::NotARefreshGrant, Case::of(|c| c.grant = code_issued())),
        (
            "security 36: offline_access removed from the client",
            RefreshRefused::OfflineAccessGone,
            Case::of(|c| {
                c.grant.scope = scope("openid offline_access");
                c.client.scope = scope("openid email");
            }),
        ),
        ("every scope removed from the client", RefreshRefused::ScopeGone, Case::of(|c| c.client.scope = scope("phone"))),
        ("security 35: a wider scope", RefreshRefused::ScopeExceeded, Case::of(|c| c.scope = Some(scope("openid profile")))),
        (
            "an unknown resource",
            RefreshRefused::Target(TargetError::Unknown),
            Case::of(|c| c.resource = &["https://stock.example"]),
        ),
    ];
    for (what, expected, case) in cases {
        let decision = case.decide();
        assert_eq!(decision.outcome.unwrap_err(), expected, "{what}");
        assert!(decision.changes.is_empty(), "{what}");
    }
}

#[test]
fn an_offline_grant_is_valid_after_the_end_of_its_session() {
    let decision = Case::of(|c| {
        c.grant.scope = scope("openid offline_access");
        c.session = None;
    })
    .decide();
    assert!(decision.outcome.is_ok());
}

#[test]
fn security_35_a_narrowed_scope_applies_to_one_token_and_the_next_may_have_the_full_scope() {
    let decision = Case::of(|c| c.scope = Some(scope("email"))).decide();
    let issued = decision.outcome.unwrap();
    assert_eq!(issued.access.scope, scope("email"));
    assert_eq!(issued.grant.scope, Case::of(|_| {}).grant.scope);
    assert!(issued.id_token.is_none(), "narrowed to less than openid");
    let issued = Case::of(|c| c.scope = Some(scope("openid email"))).decide().outcome.unwrap();
    assert!(issued.id_token.is_some());
}

#[test]
fn a_narrowed_scope_of_one_resource_decides_the_audience() {
    let issued = Case::of(|c| c.scope = Some(scope("orders:read"))).decide().outcome.unwrap();
    assert_eq!((issued.access.resource.as_deref(), issued.access.scope), (Some(ORDERS), scope("orders:read")));
    let issued = Case::of(|c| c.scope = Some(scope("openid orders:read"))).decide().outcome.unwrap();
    assert_eq!(issued.access.resource, None, "a scope about the user is for the issuer");
    let issued = Case::of(|c| {
        c.scope = Some(scope("orders:read"));
        c.client.resources.clear();
    });
    assert_eq!(issued.decide().outcome.unwrap().access.resource, None, "in doubt for the issuer, as before");
}

#[test]
fn a_scope_that_was_removed_from_the_client_is_left_out_without_refusing_the_rest() {
    let issued = Case::of(|c| c.client.scope = scope("openid email")).decide().outcome.unwrap();
    assert_eq!(issued.access.scope, scope("email openid"));
}

#[test]
fn a_resource_narrows_one_token() {
    let issued = Case::of(|c| c.resource = &[ORDERS]).decide().outcome.unwrap();
    assert_eq!(issued.access.resource.as_deref(), Some(ORDERS));
    assert_eq!(issued.access.scope, scope("orders:read"));
}

#[test]
fn an_access_token_never_outlives_its_grant() {
    let end = NOW + Span::minutes(2);
    let issued = Case::of(|c| c.grant.expires_at = end).decide().outcome.unwrap();
    assert_eq!(issued.access.expires_at, end);
}

#[test]
fn rotation_prunes_revoked_tokens_that_have_expired() {
    let jti = |byte| crate::domain::id::Jti::from_bytes([byte; 16]);
    let kept = RevokedJti { jti: jti(2), expires_at: NOW + Span::seconds(1) };
    let issued = Case::of(|c| c.grant.revoked_jtis = vec![RevokedJti { jti: jti(1), expires_at: NOW }, kept]).decide();
    assert_eq!(issued.outcome.unwrap().grant.revoked_jtis, vec![kept]);
}

/// For every order of presentations: there are never two live children, and a revoked grant issues no token.
#[test]
fn one_token_has_one_child_in_every_order_of_ten_presentations() {
    use proptest::prelude::*;
    // A simple derivation is enough here: the child of generation n is hash(20 + n + 1).
    proptest!(|(steps in proptest::collection::vec((1u32..6, 0i64..12_000), 1..10))| {
        let mut case = Case::of(|c| c.grant.scope = scope("openid offline_access"));
        let mut live_generation = 3;
        let mut dead = false;
        for (generation, wait) in steps {
            case.now = case.now + Span::millis(wait);
            case.generation = generation;
            case.secret_hash = hash(20 + u8::try_from(generation).unwrap());
            let next = NextRefresh { secret_hash: hash(21 + u8::try_from(generation).unwrap()), key_version: 1 };
            let snapshot = RefreshSnapshot { grant: &case.grant, authentication: &case.authentication, session: None };
            let presented = PresentedRefresh {
                generation, secret_hash: case.secret_hash, scope: None, resource: &[],
            };
            let decision = rotate(snapshot, &presented, next, &case.client, token_rules(&resources()), case.now);
            match decision.outcome {
                Ok(issued) => {
                    prop_assert!(!dead);
                    let child = issued.refresh_generation.unwrap();
                    prop_assert_eq!(child, generation + 1);
                    prop_assert!(child == live_generation || child == live_generation + 1);
                    live_generation = child;
                    case.grant = issued.grant;
                }
                Err(RefreshRefused::Reused) => {
                    prop_assert!(!dead);
                    let grant = decision.changes.only(Change::revoke_grant);
                    case.grant = grant.clone();
                    dead = true;
                }
                Err(_) => prop_assert!(dead),
            }
        }
    });
}
