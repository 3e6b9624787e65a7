use super::*;
use crate::domain::account::AccountStatus;
use crate::domain::id::SessionId;
use crate::domain::oauth::fixture::{
    NOW, ORDERS, POLICY, SESSION_POLICY, authentication, client, hash, resources, scope, token_rules,
};
use crate::domain::sign_in::assurance::Acr;
use crate::domain::time::Span;

fn token() -> LegacyToken {
    let subject = FederatedSubject { issuer: "https://pool.example".to_owned(), subject: "8f14e45f".to_owned() };
    LegacyToken { subject, auth_time: NOW - Span::hours(5), expires_at: NOW + Span::minutes(50) }
}

fn decide(
    account: Option<&AccountState>,
    asked: Option<&str>,
    resource: &[&str],
    client: &Client,
) -> Decision<Result<Issued, ExchangeRefused>> {
    decide_with(account, None, asked, resource, client)
}

fn decide_with(
    account: Option<&AccountState>,
    claim: Option<TokenClaim>,
    asked: Option<&str>,
    resource: &[&str],
    client: &Client,
) -> Decision<Result<Issued, ExchangeRefused>> {
    let new = NewExchange {
        session: NewSession { id: SessionId::from_bytes([6; 16]), secret_hash: hash(31), device: None },
        grant: GrantId::from_bytes([7; 16]),
        refresh: NextRefresh { secret_hash: hash(32), key_version: 2 },
        claim,
    };
    let resources = resources();
    let rules = token_rules(&resources);
    let asked = asked.map(scope);
    exchange(&token(), account, Asked { scope: asked.as_ref(), resource }, new, client, rules, NOW)
}

#[test]
fn an_exchange_creates_a_session_and_a_grant_with_its_first_refresh_token() {
    let decision = decide(Some(&authentication()), Some("openid offline_access"), &[], &client());
    let issued = decision.outcome.unwrap();
    let [first, second] = decision.changes.all();
    let (session, grant) = (first.made_by(Change::open_session), second.made_by(Change::exchange_token));
    assert_eq!(grant, issued.grant);
    assert_eq!((session.auth_time, session.created_at, session.amr.len()), (NOW - Span::hours(5), NOW, 0));
    assert_eq!((session.epoch, session.expires_at, session.version), (3, NOW + SESSION_POLICY.absolute, 1));
    assert_eq!((grant.sid, grant.epoch, grant.version, &grant.code), (session.id, 3, 1, &None));
    assert_eq!((grant.auth_time, grant.nonce.as_ref()), (NOW - Span::hours(5), None));
    assert_eq!((&grant.scope, grant.expires_at), (&scope("openid offline_access"), NOW + POLICY.refresh_absolute));
    assert!(matches!(&grant.state, GrantState::Active { refresh: Some(first), .. }
        if first.generation == 1 && first.secret_hash == hash(32) && first.refresh_key_version == 2 && first.parent_hash.is_none()));
    assert_eq!(grant.check_live(&authentication(), Some(&session), NOW), Ok(()));
    assert_eq!(
        (issued.id_token.is_some(), issued.refresh_generation, issued.access.expires_at),
        (true, Some(1), NOW + POLICY.access)
    );
}

#[test]
fn a_client_without_refresh_tokens_gets_an_access_token_and_a_grant_that_ends_with_it() {
    let without = Client { grant_types: vec![GrantType::AuthorizationCode, GrantType::TokenExchange], ..client() };
    let issued = decide(Some(&authentication()), Some("orders:read"), &[], &without).outcome.unwrap();
    assert_eq!(
        (issued.refresh_generation, issued.id_token.is_some(), issued.grant.expires_at),
        (None, false, NOW + POLICY.access)
    );
    let issued = decide(Some(&authentication()), Some("openid orders:read"), &[ORDERS], &without).outcome.unwrap();
    assert_eq!((issued.access.scope, issued.access.resource.as_deref()), (scope("orders:read"), Some(ORDERS)));
}

#[test]
fn security_78_an_exchange_gives_nothing_unasked_never_the_account_and_proves_no_sign_in() {
    let issued = decide(Some(&authentication()), None, &[], &client()).outcome.unwrap();
    assert_eq!(issued.grant.scope, scope("openid"), "the client may have more");
    for asked in ["account", "openid account"] {
        let refused = decide(Some(&authentication()), Some(asked), &[], &client()).outcome.unwrap_err();
        assert_eq!(refused, ExchangeRefused::ScopeExceeded, "{asked}");
    }
    assert!(!issued.grant.proofs().satisfies(Acr::Aal1, None, NOW), "a sign-in at the pool a moment ago");
}

#[test]
fn a_public_client_exchanges_a_token_once_and_the_claim_is_the_guard() {
    let claim = |spent| Some(TokenClaim { id: Jti::from_bytes([9; 16]), spent });
    let decision = decide_with(Some(&authentication()), claim(false), None, &[], &client());
    assert!(decision.outcome.is_ok());
    let [guard, session, grant] = decision.changes.all();
    let end = NOW + Span::minutes(50);
    assert_eq!(guard, &Change::claim_exchanged_token(Jti::from_bytes([9; 16]), client().client_id, end));
    session.made_by(Change::open_session);
    grant.made_by(Change::exchange_token);
    let again = decide_with(Some(&authentication()), claim(true), None, &[], &client());
    assert!(again.changes.is_empty());
    assert_eq!(again.outcome.unwrap_err(), ExchangeRefused::Spent);
}

#[test]
fn a_refused_exchange_changes_nothing() {
    let of = |status| AccountState { status, ..authentication() };
    let disabled = of(AccountStatus::Disabled { since: NOW });
    let erased = of(AccountStatus::Erased { at: NOW });
    let own = authentication();
    let secured = AccountState { epoch_began_at: Some(NOW - Span::hours(4)), ..authentication() };
    type Case<'a> = (Option<&'a AccountState>, Option<&'a str>, &'a [&'a str], ExchangeRefused);
    let cases: [Case<'_>; 7] = [
        (None, None, &[], ExchangeRefused::NotHere),
        (Some(&disabled), None, &[], ExchangeRefused::AccountNotActive),
        (Some(&erased), None, &[], ExchangeRefused::AccountNotActive),
        (Some(&secured), None, &[], ExchangeRefused::SignedInBefore),
        (Some(&own), Some("openid orders:write"), &[], ExchangeRefused::ScopeExceeded),
        (Some(&own), None, &["https://unknown.example"], ExchangeRefused::Target(TargetError::Unknown)),
        (Some(&own), None, &[ORDERS, ORDERS], ExchangeRefused::Target(TargetError::Several)),
    ];
    for (account, asked, resource, expected) in cases {
        let decision = decide(account, asked, resource, &client());
        assert!(decision.changes.is_empty());
        assert_eq!(decision.outcome.unwrap_err(), expected);
    }
}

#[test]
fn security_158_where_a_second_factor_is_required_an_exchange_ends_with_the_grace_period() {
    let resources = resources();
    let rules = |from| {
        let second_factor = crate::domain::tenant::SecondFactorPolicy::Required { from, grace: Span::days(14) };
        TokenRules { second_factor, ..token_rules(&resources) }
    };
    let account = AccountState { created_at: NOW - Span::days(400), ..authentication() };
    let exchanged = |from| {
        let new = NewExchange {
            session: NewSession { id: SessionId::from_bytes([6; 16]), secret_hash: hash(31), device: None },
            grant: GrantId::from_bytes([7; 16]),
            refresh: NextRefresh { secret_hash: hash(32), key_version: 2 },
            claim: None,
        };
        exchange(&token(), Some(&account), Asked { scope: None, resource: &[] }, new, &client(), rules(from), NOW)
    };
    assert!(exchanged(NOW - Span::days(13)).outcome.is_ok());
    let refused = exchanged(NOW - Span::days(14));
    assert!(refused.changes.is_empty());
    assert!(matches!(refused.outcome, Err(ExchangeRefused::Protected)), "{:?}", refused.outcome.err());
}
