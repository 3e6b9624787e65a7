//! The acting user of an account: the bearer of an access token (JSON calls), or a signed-in browser (account pages).
//!
//! 1. The presented credential is checked on its own: signature, lifetime, audience and scope of a token; the seal of a cookie.
//! 2. It is loaded together with the data of the call, in one request, and checked against the stored state. A decision with a write
//!    conflict loads it again, so a user who was signed out in the meantime decides nothing.
//! 3. A call that changes a credential or exports the data needs a sign-in in the last five minutes (RFC 9470).

use super::bearer::{header_token, log_refusal, read_own};
use super::browser::Browser;
use super::cors::CallingClient;
use super::extract::TenantHandle;
use super::oauth_error::OAuthError;
use super::problem::{Problem, ProblemKind};
use crate::domain::account::{AccountState, PasswordHome, WrappedDataKey};
use crate::domain::id::{AccountId, ClientId, GrantId, SessionId};
use crate::domain::oauth::access_token::check_grant;
use crate::domain::oauth::claims::AccessTokenClaims;
use crate::domain::oauth::error::OAuthErrorCode;
use crate::domain::oauth::scope::ACCOUNT;
use crate::domain::profile::{Claims, Profile};
use crate::domain::secret::{SecretHash, hash_secret};
use crate::domain::sign_in::assurance::{Acr, RECENT};
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::time::Timestamp;
use crate::keys::{DataKey, SealedField};
use crate::services::Services;
use crate::store::principal::{PrincipalQuery, PrincipalSnapshot};
use axum::Extension;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

/// A presented credential of an account: checked on its own, but not yet against the stored state.
pub struct AccountCredential {
    account: AccountId,
    session: Option<SessionId>,
    grant: Option<GrantId>,
    credential: Credential,
}

enum Credential {
    Token(Box<AccessTokenClaims>),
    Cookie(SecretHash),
}

/// The data to load with the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalParts {
    /// Nothing else.
    Nothing,
    /// Profile and data key.
    Profile,
    /// Profile, data key and password.
    ProfileAndPassword,
    /// Profile, data key, authenticator app and recovery codes.
    SecondFactors,
    /// All of these.
    Everything,
}

/// The acting user of an account, checked against the stored state.
pub struct Principal {
    /// The loaded items.
    pub snapshot: PrincipalSnapshot,
    /// What was proven for this token or session. None after a token exchange.
    pub proofs: Proofs,
}

impl AccountCredential {
    /// The session cookie of a browser, if it sent one.
    #[must_use]
    pub fn of_browser(browser: &Browser) -> Option<Self> {
        let (locator, secret) = browser.session.as_ref()?;
        let credential = Credential::Cookie(hash_secret(secret));
        Some(Self { account: locator.account, session: Some(locator.session), grant: None, credential })
    }
    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }
    /// Loads the principal. `None` if the presented credential is no longer valid.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn load(&self, handle: &TenantHandle, parts: PrincipalParts) -> Result<Option<Principal>, Problem> {
        let query = PrincipalQuery {
            account: self.account,
            session: self.session,
            grant: self.grant,
            profile: parts != PrincipalParts::Nothing,
            password: matches!(parts, PrincipalParts::ProfileAndPassword | PrincipalParts::Everything),
            second_factors: matches!(parts, PrincipalParts::SecondFactors | PrincipalParts::Everything),
        };
        let snapshot = handle.tenant.store.find_principal(query).await?;
        Ok(snapshot.and_then(|snapshot| self.admit(snapshot, handle.now())))
    }
    /// The principal, from items that were loaded by other means: the account with the presented session and grant.
    #[must_use]
    pub fn admit(&self, snapshot: PrincipalSnapshot, now: Timestamp) -> Option<Principal> {
        let proofs = self.judge(&snapshot, now)?;
        Some(Principal { snapshot, proofs })
    }
    /// The presented session, or the one that the presented grant depends on.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }
    /// The grant of the presented token.
    #[must_use]
    pub fn grant(&self) -> Option<GrantId> {
        self.grant
    }
    /// What was proven, if the presented credential is still valid.
    fn judge(&self, snapshot: &PrincipalSnapshot, now: Timestamp) -> Option<Proofs> {
        let PrincipalSnapshot { authentication, session, grant, .. } = snapshot;
        match &self.credential {
            Credential::Cookie(secret) => session
                .as_ref()
                .filter(|session| session.is_presented_by(secret) && session.is_live(authentication, now))
                .map(|session| session.proofs().into_owned()),
            Credential::Token(claims) => {
                let grant = grant.as_ref()?;
                match check_grant(claims, grant, authentication, session.as_ref(), now) {
                    Ok(()) => Some(grant.proofs().into_owned()),
                    Err(refused) => {
                        log_refusal(&claims.client_id, grant.id, refused);
                        None
                    }
                }
            }
        }
    }
}

impl Principal {
    /// The account.
    #[must_use]
    pub fn authentication(&self) -> &AccountState {
        &self.snapshot.authentication
    }
    /// The profile and its data key.
    ///
    /// # Errors
    /// If they were not loaded, or the account has none: our fault.
    pub fn profile(&self) -> Result<(&Profile, &WrappedDataKey), Problem> {
        self.snapshot.profile.as_ref().zip(self.snapshot.data_key.as_ref()).ok_or_else(|| {
            tracing::error!("an account without profile or data key");
            Problem::internal()
        })
    }
    /// The profile's claims in plain text, and the key that seals them.
    ///
    /// # Errors
    /// If they do not open.
    pub fn claims(&self, handle: &TenantHandle) -> Result<(Claims, DataKey), Problem> {
        let (profile, wrapped) = self.profile()?;
        let key = handle.tenant.keys.data()?.unwrap(wrapped)?;
        let plain = key.open(SealedField::Profile, &profile.claims)?;
        let claims = serde_json::from_slice(&plain).map_err(|_| {
            tracing::error!("a stored profile is malformed");
            Problem::internal()
        })?;
        Ok((claims, key))
    }
    /// Whether the sign-in is recent enough, and strong enough for the account, to change a credential or to export the data. A user with a
    /// password that is still in a legacy directory has authenticated only there. After a sign-in here the password is stored here.
    #[must_use]
    pub fn is_recent(&self, now: Timestamp) -> bool {
        let state = self.authentication();
        self.proofs.satisfies(state.required_level(), Some(RECENT), now) && state.password_home == PasswordHome::Here
    }
    /// Refuses unless [`Self::is_recent`].
    ///
    /// # Errors
    /// What to sign in with.
    pub fn require_recent(&self, now: Timestamp) -> Result<(), NotRecent> {
        if self.is_recent(now) { Ok(()) } else { Err(NotRecent { level: self.authentication().required_level() }) }
    }
}

/// A JSON call on the account, by an access token with scope `account`.
pub struct SelfService {
    /// The tenant.
    pub handle: TenantHandle,
    /// The token.
    pub presented: AccountCredential,
    client_id: ClientId,
    sub: String,
}

impl FromRequestParts<Services> for SelfService {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Response> {
        let handle = TenantHandle::from_request_parts(parts, services).await.map_err(IntoResponse::into_response)?;
        let token = header_token(&parts.headers).map_err(|error| refusal(&error).into_response())?;
        // Without a token there is nothing to say about one: no problem, only the challenge (RFC 6750 §3.1).
        let token = token.ok_or_else(|| OAuthError::no_credentials().into_response())?;
        let read = read_own(&handle.tenant, token, ACCOUNT, false, handle.now());
        let (claims, query) = read.map_err(|error| refusal(&error).into_response())?;
        let (client_id, sub) = (claims.client_id.clone(), claims.sub.clone());
        let credential = Credential::Token(Box::new(claims));
        let presented =
            AccountCredential { account: query.account, session: query.session, grant: Some(query.grant), credential };
        Ok(Self { handle, presented, client_id, sub })
    }
}

impl SelfService {
    /// The client that calls.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }
    /// The subject identifier of the account.
    #[must_use]
    pub fn sub(&self) -> &str {
        &self.sub
    }
    /// The acting user.
    ///
    /// # Errors
    /// 401 if the token is no longer valid, or the failure.
    pub async fn principal(&self, parts: PrincipalParts) -> Result<Principal, Problem> {
        self.presented.load(&self.handle, parts).await?.ok_or_else(Problem::invalid_token)
    }
    /// The response, readable for the origins of the client of the presented token (security 119). This includes refusals.
    pub fn answer(&self, result: Result<impl IntoResponse, Problem>) -> Response {
        let response = result.map(IntoResponse::into_response).unwrap_or_else(IntoResponse::into_response);
        (Extension(CallingClient(self.client_id.clone())), response).into_response()
    }
}

impl Problem {
    /// 401: the token is no longer valid.
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::new(ProblemKind::InvalidToken, "The access token is missing, invalid, expired or revoked. Get a new one.")
    }
}

/// The sign-in is too old, or weaker than the account needs (RFC 9470 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotRecent {
    /// The level to sign in with.
    pub level: Acr,
}

impl From<NotRecent> for Problem {
    fn from(NotRecent { level }: NotRecent) -> Self {
        let kind = ProblemKind::InsufficientUserAuthentication;
        if level > Acr::Aal1 {
            let detail = "This needs a sign-in with two factors in the last five minutes. Authorize again with max_age=300 and \
                          acr_values=urn:latchkey:acr:2, then repeat the call.";
            return Self::new(kind, detail).challenge(concat!(
                r#"Bearer error="insufficient_user_authentication", "#,
                r#"error_description="A more recent sign-in with two factors is needed", "#,
                r#"max_age=300, acr_values="urn:latchkey:acr:2""#
            ));
        }
        let detail = "This needs a sign-in of the last five minutes. Authorize again with max_age=300, then repeat the call.";
        Self::new(kind, detail)
    }
}

/// A bearer error as a problem of the API.
fn refusal(error: &OAuthError) -> Problem {
    match error.code {
        OAuthErrorCode::InvalidToken => Problem::invalid_token(),
        OAuthErrorCode::InsufficientScope => Problem::new(ProblemKind::Forbidden, "The access token lacks the scope account.")
            .challenge(r#"Bearer error="insufficient_scope", scope="account""#),
        OAuthErrorCode::TemporarilyUnavailable => Problem::unavailable(),
        OAuthErrorCode::InvalidRequest => Problem::new(ProblemKind::InvalidRequest, format!("{}.", error.description)),
        OAuthErrorCode::InvalidClient
        | OAuthErrorCode::InvalidGrant
        | OAuthErrorCode::UnauthorizedClient
        | OAuthErrorCode::UnsupportedGrantType
        | OAuthErrorCode::UnsupportedResponseType
        | OAuthErrorCode::InvalidScope
        | OAuthErrorCode::InvalidTarget
        | OAuthErrorCode::AccessDenied
        | OAuthErrorCode::LoginRequired
        | OAuthErrorCode::ConsentRequired
        | OAuthErrorCode::InteractionRequired
        | OAuthErrorCode::UnmetAuthenticationRequirements
        | OAuthErrorCode::RequestNotSupported
        | OAuthErrorCode::RequestUriNotSupported
        | OAuthErrorCode::UnsupportedTokenType
        | OAuthErrorCode::ServerError => Problem::internal(),
    }
}
