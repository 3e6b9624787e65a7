use super::*;
use crate::domain::account::AccountStatus;
use crate::domain::amr::Amr;
use crate::domain::oauth::authorization_request::{Prompt, RequestedAcr};
use crate::domain::oauth::authorization_response::ReturnAddress;
use crate::domain::oauth::client::{Client, GrantType, PkcePolicy, ResponseMode, SigningAlgorithm, TokenEndpointAuthMethod};
use crate::domain::session::NewSession;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::methods::password::tests::authentication;
use crate::domain::tenant::{Localized, SecondFactorPolicy};

const SESSION: SessionPolicy = SessionPolicy { idle: Span::days(1), absolute: Span::days(30) };
const TOKEN: TokenPolicy =
    TokenPolicy { access: Span::minutes(10), refresh_idle: Span::days(30), refresh_absolute: Span::days(90) };
pub(super) const FACTORS: FactorRules =
    FactorRules { second_factor: SecondFactorPolicy::Optional, passkeys: true, remembered_devices: true };
pub(super) const POLICIES: Policies<'static> = Policies { session: &SESSION, token: &TOKEN, factors: FACTORS };
const T0: Timestamp = Timestamp::from_seconds(1_000_000);
/// A step at this time. A sign-in began when the session was proven.
pub(super) fn step(sid: SessionId, at: Timestamp) -> Interaction {
    Interaction { sid, at, since: T0 }
}
const NONE: Prompt = Prompt { none: true, login: false, consent: false, select_account: false };
const LOGIN: Prompt = Prompt { none: false, login: true, consent: false, select_account: false };
const CONSENT: Prompt = Prompt { none: false, login: false, consent: true, select_account: false };
const SELECT: Prompt = Prompt { none: false, login: false, consent: false, select_account: true };

pub(super) fn client() -> Client {
    Client {
        client_id: "shop".parse().unwrap(),
        client_name: Localized::default(),
        first_party: false,
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        secret_hashes: Vec::new(),
        secret_needs_encoding: false,
        redirect_uris: vec!["https://shop.example/cb".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode],
        scope: "openid email".parse().unwrap(),
        response_modes: vec![ResponseMode::Query],
        pkce: PkcePolicy::Required,
        id_token_signed_response_alg: SigningAlgorithm::ES256,
        access_token_signed_response_alg: SigningAlgorithm::ES256,
        allowed_origins: Vec::new(),
        resources: Vec::new(),
        introspection_resources: vec![],
        id_token_claims: vec![],
        refresh_retry: crate::domain::oauth::rotate::RETRY,
        min_acr: None,
        client_uri: None,
    }
}

fn request<'c>(client: &'c Client) -> AuthorizationRequest<'c> {
    AuthorizationRequest {
        client,
        return_to: ReturnAddress {
            redirect_uri: client.redirect_uris[0].clone(),
            response_mode: ResponseMode::Query,
            state: None,
        },
        redirect_uri_in_request: true,
        scope: "openid email".parse().unwrap(),
        resource: None,
        nonce: Some("nonce".to_owned()),
        code_challenge: Some("challenge".to_owned()),
        prompt: Prompt::default(),
        max_age: None,
        acr: RequestedAcr::default(),
        id_token_hint: None,
        login_hint: None,
        ui_locales: None,
    }
}

fn session() -> Session {
    let new = NewSession { id: SessionId::from_bytes([7; 16]), secret_hash: SecretHash::from_bytes([8; 32]), device: None };
    Session::open(new, &authentication(), Proofs::of_earlier(&[Amr::Pwd], T0), &SESSION, T0)
}

fn consent(scope: &str) -> Consent {
    Consent {
        account: authentication().account,
        client_id: "shop".parse().unwrap(),
        scope: scope.parse().unwrap(),
        granted_at: T0,
        withdrawn_at: None,
        version: 1,
    }
}

/// A request with its inputs. Everything is valid unless a test changes it.
pub(super) struct Case<'c> {
    pub(super) request: AuthorizationRequest<'c>,
    signed_in: bool,
    pub(super) session: Session,
    pub(super) authentication: AccountState,
    consent: Option<Consent>,
    hint: Option<Sub>,
    pub(super) interactions: Interactions,
    due: AccountDue,
    pub(super) policies: Policies<'static>,
    pub(super) now: Timestamp,
}

impl<'c> Case<'c> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self {
            request: request(client),
            signed_in: true,
            session: session(),
            authentication: authentication(),
            consent: Some(consent("openid email")),
            hint: None,
            interactions: Interactions::default(),
            due: AccountDue::Nothing,
            policies: POLICIES,
            now: T0 + Span::minutes(10),
        }
    }
    pub(super) fn decide(&self) -> Decision<Authorized> {
        let signed_in = self.signed_in.then_some(SignedIn {
            session: &self.session,
            authentication: &self.authentication,
            consent: self.consent.as_ref(),
            due: self.due,
        });
        let new = NewCode { grant: GrantId::from_bytes([1; 16]), secret_hash: SecretHash::from_bytes([2; 32]) };
        authorize(&self.request, signed_in, self.hint, self.interactions, self.policies, new, self.now)
    }
    pub(super) fn outcome(&self) -> Authorized {
        let decision = self.decide();
        let issues = decision.changes.0.last().is_some_and(|last| last.is(Change::issue_authorization_code));
        assert_eq!(
            issues,
            matches!(decision.outcome, Authorized::Code { .. }),
            "a code is written exactly when it is answered"
        );
        decision.outcome
    }
    pub(super) fn error(&self) -> OAuthErrorCode {
        match self.outcome() {
            Authorized::Refused { error, .. } => error,
            other => panic!("{other:?}"),
        }
    }
}

fn code() -> Authorized {
    Authorized::Code { account: session().account, sid: session().id }
}
fn just_now(case: &Case<'_>) -> Option<Interaction> {
    Some(step(case.session.id, case.now - Span::seconds(3)))
}

#[test]
fn security_13_a_code_is_bound_to_everything_that_the_token_endpoint_checks() {
    let client = client();
    let case = Case::new(&client);
    let grant = case.decide().changes.0.pop().expect("no code").made_by(Change::issue_authorization_code);
    assert_eq!((grant.client_id.as_str(), grant.sid, grant.account), ("shop", session().id, authentication().account));
    assert_eq!((grant.epoch, grant.auth_time, grant.sub), (4, T0, authentication().sub));
    assert_eq!(grant.nonce.as_deref(), Some("nonce"));
    assert_eq!(grant.code.as_ref().unwrap().code_challenge.as_deref(), Some("challenge"));
    assert_eq!(grant.code.as_ref().unwrap().redirect_uri, "https://shop.example/cb");
    assert_eq!(grant.code.as_ref().unwrap().expires_at, case.now + Span::seconds(60));
    assert_eq!((grant.state, grant.version), (GrantState::CodeIssued, 1));
}

#[test]
fn without_a_live_session_the_user_signs_in() {
    let client = client();
    let none = Case { signed_in: false, ..Case::new(&client) };
    let ended = Case { session: session().end(T0).unwrap(), ..Case::new(&client) };
    let expired = Case { now: T0 + Span::days(2), ..Case::new(&client) };
    let old_epoch = Case { authentication: AccountState { epoch: 5, ..authentication() }, ..Case::new(&client) };
    let closed = AccountStatus::Disabled { since: T0 };
    let disabled = Case { authentication: AccountState { status: closed, ..authentication() }, ..Case::new(&client) };
    for mut case in [none, ended, expired, old_epoch, disabled] {
        assert_eq!(case.outcome(), Authorized::SignIn);
        // security 10
        case.request.prompt = NONE;
        assert_eq!(case.error(), OAuthErrorCode::LoginRequired);
    }
}

#[test]
fn security_11_prompt_and_max_age_force_a_sign_in_that_only_this_request_and_session_satisfies() {
    let client = client();
    // The session is 10 minutes old.
    let cases = [
        ("nothing", Prompt::default(), None, false),
        ("prompt=login", LOGIN, None, true),
        ("prompt=select_account", SELECT, None, true),
        ("max_age=0", Prompt::default(), Some(0), true),
        ("max_age=1", Prompt::default(), Some(1), true),
        ("max_age=599", Prompt::default(), Some(599), true),
        ("max_age=600", Prompt::default(), Some(600), false),
        ("max_age=10000", Prompt::default(), Some(10_000), false),
    ];
    for (what, prompt, max_age, forced) in cases {
        let mut case = Case::new(&client);
        case.request.prompt = prompt;
        case.request.max_age = max_age.map(Span::seconds);
        assert_eq!(case.outcome(), if forced { Authorized::SignIn } else { code() }, "{what}");

        case.interactions.signed_in = just_now(&case);
        assert_eq!(case.outcome(), code(), "{what}, after signing in");

        let expected = if forced { Authorized::SignIn } else { code() };
        case.interactions.signed_in = Some(step(SessionId::from_bytes([9; 16]), case.now));
        assert_eq!(case.outcome(), expected, "{what}, after signing in in another session");
        case.interactions.signed_in = Some(step(case.session.id, case.now - Span::minutes(3)));
        assert_eq!(case.outcome(), expected, "{what}, after signing in long ago");
        case.interactions.signed_in = Some(step(case.session.id, case.now + Span::minutes(1)));
        assert_eq!(case.outcome(), expected, "{what}, after signing in tomorrow");
    }
}

#[test]
fn security_11_max_age_zero_forces_a_sign_in_even_within_the_same_millisecond() {
    let client = client();
    let mut case = Case { now: T0, ..Case::new(&client) };
    case.request.max_age = Some(Span::ZERO);
    assert_eq!(case.outcome(), Authorized::SignIn);
    case.request.prompt = NONE;
    assert_eq!(case.error(), OAuthErrorCode::LoginRequired);
}

#[test]
fn security_12_another_user_than_the_hint_names_is_login_required() {
    let client = client();
    let hinted = Case { hint: Some(authentication().sub), ..Case::new(&client) };
    assert_eq!(hinted.outcome(), code());
    for prompt in [Prompt::default(), NONE] {
        let mut other = Case { hint: Some(Sub::from_bytes([9; 16])), ..Case::new(&client) };
        other.request.prompt = prompt;
        assert_eq!(other.error(), OAuthErrorCode::LoginRequired);
    }
    // No user is signed in yet. The user is compared with the hint after the sign-in.
    let signed_out = Case { signed_in: false, hint: Some(Sub::from_bytes([9; 16])), ..Case::new(&client) };
    assert_eq!(signed_out.outcome(), Authorized::SignIn);
}

#[test]
fn security_18_wider_or_withdrawn_consent_is_asked_for_again() {
    let client = client();
    let withdrawn = Consent { withdrawn_at: Some(T0), ..consent("openid email") };
    for missing in [None, Some(consent("openid")), Some(withdrawn)] {
        let mut case = Case { consent: missing, ..Case::new(&client) };
        assert_eq!(case.outcome(), Authorized::AskConsent);
        // Only the recorded consent counts, not the submission of the consent page.
        case.interactions.consented = just_now(&case);
        assert_eq!(case.outcome(), Authorized::AskConsent);
        case.request.prompt = NONE;
        assert_eq!(case.error(), OAuthErrorCode::ConsentRequired);
    }
}

#[test]
fn prompt_consent_asks_once_even_with_stored_consent() {
    let first_party = Client { first_party: true, ..client() };
    for client in [client(), first_party] {
        let mut case = Case::new(&client);
        case.request.prompt = CONSENT;
        assert_eq!(case.outcome(), Authorized::AskConsent);
        case.interactions.consented = just_now(&case);
        assert_eq!(case.outcome(), code());
    }
}

#[test]
fn consent_is_skipped_and_remembered_only_for_clients_that_cannot_be_impersonated() {
    use TokenEndpointAuthMethod::{ClientSecretBasic, None as Public};
    let (https, localhost) = ("https://shop.example/cb", "http://localhost:8080/cb");
    let (loopback, app) = ("http://127.0.0.1/cb", "com.example.shop:/cb");
    // (first party, method, redirect URI) → skipped, remembered
    let cases = [
        (true, Public, https, true, true),
        (true, Public, localhost, false, true),
        (true, Public, loopback, false, false),
        (true, Public, app, false, false),
        (true, ClientSecretBasic, loopback, true, true),
        (false, Public, https, false, true),
        (false, ClientSecretBasic, https, false, true),
        (false, Public, app, false, false),
    ];
    for (first_party, method, redirect_uri, skipped, remembered) in cases {
        let client = Client {
            first_party,
            token_endpoint_auth_method: method,
            redirect_uris: vec![redirect_uri.to_owned()],
            ..client()
        };
        let what = format!("{redirect_uri}, first party {first_party}, {method:?}");
        let asked = |asked: bool| if asked { Authorized::AskConsent } else { code() };
        let mut case = Case { consent: None, ..Case::new(&client) };
        assert_eq!(case.outcome(), asked(!skipped), "{what}: skipped");
        case.consent = Some(consent("openid email"));
        assert_eq!(case.outcome(), asked(!(skipped || remembered)), "{what}: remembered");
        case.interactions.consented = just_now(&case);
        assert_eq!(case.outcome(), code(), "{what}: just given");
    }
}

#[test]
fn the_last_use_of_a_session_is_written_at_most_once_an_hour() {
    let client = client();
    assert_eq!(Case::new(&client).decide().changes.0.len(), 1);
    let later = Case { now: T0 + Span::hours(2), ..Case::new(&client) };
    let changes = later.decide().changes;
    let [touched, issued] = changes.all();
    assert!(touched.is(Change::touch_session) && issued.is(Change::issue_authorization_code));
}

#[test]
fn what_is_due_is_asked_after_a_sign_in_and_overdue_terms_always() {
    let client = client();
    let postponable = Case { due: AccountDue::Postponable, ..Case::new(&client) };
    let overdue = Case { due: AccountDue::Overdue, ..Case::new(&client) };
    assert_eq!((postponable.outcome(), overdue.outcome()), (code(), Authorized::AskDue), "with a session");
    let at = |case: &Case<'_>, seconds| Some(step(case.session.id, case.now - Span::seconds(seconds)));
    for (completed, asks) in [(None, true), (at(&postponable, 9), true), (at(&postponable, 2), false)] {
        for (case, asks) in [(&postponable, asks), (&overdue, true)] {
            let interactions = Interactions { signed_in: at(case, 5), completed, ..Interactions::default() };
            let case = Case { request: request(&client), interactions, due: case.due, ..Case::new(&client) };
            assert_eq!(case.outcome() == Authorized::AskDue, asks, "{completed:?} {:?}", case.due);
        }
    }
    // Without a page: within the grace period the request goes on.
    for (due, expected) in [(AccountDue::Postponable, None), (AccountDue::Overdue, Some(OAuthErrorCode::InteractionRequired))] {
        let mut case = Case { due, ..Case::new(&client) };
        case.request.prompt = NONE;
        match expected {
            None => assert_eq!(case.outcome(), code()),
            Some(error) => assert_eq!(case.error(), error),
        }
    }
    // Nothing is due, and the state learns it before the code is written.
    let new = AccountDue::NotRecorded(Requirements(7));
    let mut decision = Case { due: new, ..Case::new(&client) }.decide();
    let recorded = decision.changes.0.remove(0).made_by(Change::record_requirements);
    assert_eq!((recorded.satisfied, recorded.version), (Some(Requirements(7)), authentication().version + 1));
}

#[test]
fn security_10_a_sign_in_that_was_demanded_counts_while_new_terms_are_read() {
    let client = client();
    let mut case = Case { now: T0 + Span::minutes(31), ..Case::new(&client) };
    case.request.prompt = LOGIN;
    let at = |minutes| Some(step(session().id, T0 + Span::minutes(minutes)));
    case.interactions = Interactions { signed_in: at(1), completed: at(30), ..Interactions::default() };
    assert_eq!(case.outcome(), code());
    case.now = T0 + Span::minutes(33);
    assert_eq!(case.outcome(), Authorized::SignIn);
}
