//! Validates the authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1; security 1–10, 15, 19).
//!
//! 1. The client and its redirect URI. An error in them is shown on an error page, without a redirect ([`LocalRefusal`]).
//! 2. Everything else, in the order of [`checks`]. The first error is sent to the redirect URI.
//!
//! Scope tokens that are unknown, or that this client may not request, are ignored (OpenID Connect Core §3.1.2.1). The token response
//! names the granted scope. If no scope token remains, or the request has no scope, the error is `invalid_scope` (RFC 6749 §3.3). Unknown
//! parameters are ignored.

#[cfg(test)]
mod tests;

use super::authorization_response::ReturnAddress;
use super::client::{Client, GrantType, ResponseMode};
use super::error::OAuthErrorCode;
use super::pkce;
use super::redirect_uri;
use super::scope::ScopeSet;
use crate::domain::id::ClientId;
use crate::domain::sign_in::assurance::{Acr, AcrValue};
use crate::domain::sign_in::policy::Demand;
use crate::domain::time::Span;
use std::collections::BTreeMap;

/// The maximum length of `state`, in bytes.
pub const MAX_STATE: usize = 4096;
/// The maximum length of `nonce`, in bytes.
pub const MAX_NONCE: usize = 512;
/// The maximum length of `claims`, in bytes.
pub const MAX_CLAIMS: usize = 4096;
/// The maximum depth of `claims`.
pub const MAX_CLAIMS_DEPTH: usize = 8;

/// A valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest<'c> {
    /// The client.
    pub client: &'c Client,
    /// Where and how the response is sent.
    pub return_to: ReturnAddress,
    /// Whether the request contained `redirect_uri`.
    pub redirect_uri_in_request: bool,
    /// The requested scope, limited to what the client may request. Never empty.
    pub scope: ScopeSet,
    /// The one requested resource server (RFC 8707).
    pub resource: Option<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<String>,
    /// `prompt`: the pages that the client requests.
    pub prompt: Prompt,
    /// `max_age`: the maximum age of the sign-in.
    pub max_age: Option<Span>,
    /// `acr_values`, and an essential `acr` in `claims`: the requested values, in order of preference.
    pub acr: RequestedAcr,
    /// `id_token_hint`: an ID token that names the expected user, not verified yet.
    pub id_token_hint: Option<String>,
    /// `login_hint`: the identifier to prefill on the sign-in page.
    pub login_hint: Option<String>,
    /// `ui_locales`: the locales that the user prefers.
    pub ui_locales: Option<String>,
}

impl AuthorizationRequest<'_> {
    /// Whether a remembered device can take the place of the second factor of an account. It cannot where the client asks for the user now: with
    /// `prompt=login` or `max_age`.
    #[must_use]
    pub const fn accepts_remembered_device(&self) -> bool {
        !self.prompt.login && self.max_age.is_none()
    }
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// `none`: show no page.
    pub none: bool,
    /// `login`: request a sign-in, even if a user is signed in.
    pub login: bool,
    /// `consent`: ask for consent, even if it was given before.
    pub consent: bool,
    /// `select_account`: let the user choose an account.
    pub select_account: bool,
}

/// The requested `acr` values (OpenID Connect Core §3.1.2.1 and §5.5.1.1). Unknown ones are kept out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestedAcr {
    /// In order of preference.
    pub values: Vec<Acr>,
    /// Whether the request fails if none of them is reached.
    pub is_essential: bool,
}

impl RequestedAcr {
    /// What the request asks for, with what its client always needs.
    #[must_use]
    pub fn demand(&self, client: &Client) -> Demand {
        let essential = self.values.iter().copied().min().filter(|_| self.is_essential);
        Demand { required: essential.max(client.min_acr), wished: self.values.clone() }
    }
    /// The `acr` of a token: the first requested value that this level satisfies, otherwise the level itself.
    #[must_use]
    pub fn answer(&self, reached: Acr) -> Option<AcrValue> {
        let requested = self.values.iter().copied().find(|value| *value <= reached);
        AcrValue::of(requested.unwrap_or(reached))
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Shown on an error page, because no redirect URI is safe (security 4).
    Local(LocalRefusal),
    /// Sent to the redirect URI.
    Answer {
        /// Where and how the response is sent.
        to: ReturnAddress,
        /// The error code.
        error: OAuthErrorCode,
        /// `error_description`.
        description: &'static str,
    },
}

/// An error in the client or its redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalRefusal {
    /// `client_id` is missing or repeated.
    #[error("client_id is missing or repeated")]
    ClientIdMissing,
    /// No client has this `client_id`.
    #[error("no client has this client_id")]
    ClientUnknown,
    /// `redirect_uri` is repeated, or is missing although the client has not exactly one.
    #[error("redirect_uri is missing or repeated")]
    RedirectUriMissing,
    /// No redirect URI of the client is equal to it, byte by byte.
    #[error("redirect_uri is not registered for this client: {requested}")]
    RedirectUriNotRegistered {
        /// The client.
        client_id: ClientId,
        /// The URI of the request, shortened. It is text from anywhere: it is only shown, and never followed.
        requested: String,
    },
}

type Check<T> = Result<T, (OAuthErrorCode, &'static str)>;

/// Validates the parameters of a request. They are decoded once, in the order of the request, without the parameters with an empty value.
///
/// # Errors
/// The first rule that the request breaks.
pub fn validate<'c, 'p>(
    clients: &'c BTreeMap<ClientId, Client>,
    parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<AuthorizationRequest<'c>, Refusal> {
    let parameters = Parameters(parameters.into_iter().collect());
    let client = the_client(clients, &parameters).map_err(Refusal::Local)?;
    let openid = parameters.first("scope").is_some_and(|scope| scope.split(' ').any(|token| token == "openid"));
    let (redirect_uri, redirect_uri_in_request) = the_redirect_uri(client, &parameters, openid).map_err(Refusal::Local)?;
    let response_mode = the_response_mode(client, &parameters);
    let to = ReturnAddress {
        redirect_uri,
        response_mode: response_mode.unwrap_or_else(|_| fallback_response_mode(client)),
        state: parameters.one("state").filter(|state| state.len() <= MAX_STATE).map(str::to_owned),
    };
    checks(client, &parameters, to.clone(), redirect_uri_in_request, response_mode)
        .map_err(|(error, description)| Refusal::Answer { to, error, description })
}

fn the_client<'c>(clients: &'c BTreeMap<ClientId, Client>, parameters: &Parameters<'_>) -> Result<&'c Client, LocalRefusal> {
    let client_id = parameters.one("client_id").ok_or(LocalRefusal::ClientIdMissing)?;
    let client_id = client_id.parse::<ClientId>().map_err(|_| LocalRefusal::ClientUnknown)?;
    clients.get(&client_id).ok_or(LocalRefusal::ClientUnknown)
}

/// Returns the redirect URI of the response, and whether the request contained it. Only a plain OAuth request may omit it, and only if the
/// client has exactly one (RFC 6749 §3.1.2.3; OpenID Connect Core §3.1.2.1 requires it).
fn the_redirect_uri(client: &Client, parameters: &Parameters<'_>, openid: bool) -> Result<(String, bool), LocalRefusal> {
    let (uri, in_request) = match (parameters.count("redirect_uri"), client.redirect_uris.as_slice()) {
        (0, [only]) if !openid => (only.as_str(), false),
        (1, registered) => {
            let requested = parameters.one("redirect_uri").ok_or(LocalRefusal::RedirectUriMissing)?;
            if !registered.iter().any(|registered| redirect_uri::matches(registered, requested)) {
                return Err(not_registered(client, requested));
            }
            (requested, true)
        }
        (_, _) => return Err(LocalRefusal::RedirectUriMissing),
    };
    // A stored document may be older than a stricter rule, and contain a URI that is unsafe now (CVE-2026-18209).
    redirect_uri::check_registered(uri).map_err(|_| not_registered(client, uri))?;
    Ok((uri.to_owned(), in_request))
}

fn not_registered(client: &Client, requested: &str) -> LocalRefusal {
    const SHOWN: usize = 300;
    let requested = requested.chars().take(SHOWN).collect();
    LocalRefusal::RedirectUriNotRegistered { client_id: client.client_id.clone(), requested }
}

fn the_response_mode(client: &Client, parameters: &Parameters<'_>) -> Check<ResponseMode> {
    let mode = match parameters.one("response_mode") {
        None | Some("query") => ResponseMode::Query,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => return Err((OAuthErrorCode::InvalidRequest, "response_mode must be query or form_post")),
    };
    if client.response_modes.contains(&mode) {
        Ok(mode)
    } else {
        Err((OAuthErrorCode::InvalidRequest, "response_mode is not allowed to this client"))
    }
}

fn fallback_response_mode(client: &Client) -> ResponseMode {
    match client.response_modes.as_slice() {
        [ResponseMode::FormPost] => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    }
}

fn checks<'c>(
    client: &'c Client,
    parameters: &Parameters<'_>,
    return_to: ReturnAddress,
    redirect_uri_in_request: bool,
    response_mode: Check<ResponseMode>,
) -> Check<AuthorizationRequest<'c>> {
    use OAuthErrorCode::{
        InvalidRequest, RequestNotSupported, RequestUriNotSupported, UnauthorizedClient, UnsupportedResponseType,
    };

    if parameters.repeated_except("resource") {
        return Err((InvalidRequest, "a parameter is repeated"));
    }
    if parameters.first("state").is_some_and(|state| state.len() > MAX_STATE) {
        return Err((InvalidRequest, "state must not be longer than 4096 bytes"));
    }
    // Before everything that a request object could contain (OpenID Connect Core §6; security 15).
    if parameters.first("request").is_some() {
        return Err((RequestNotSupported, "request objects are not supported"));
    }
    if parameters.first("request_uri").is_some() {
        return Err((RequestUriNotSupported, "request_uri is not supported"));
    }
    response_mode?;
    match parameters.first("response_type") {
        Some("code") => {}
        None => return Err((InvalidRequest, "response_type is required")),
        Some(_) => return Err((UnsupportedResponseType, "response_type must be code")),
    }
    if !client.allows(GrantType::AuthorizationCode) {
        return Err((UnauthorizedClient, "this client may not use authorization_code"));
    }
    let code_challenge =
        pkce::check_challenge(client.pkce, parameters.first("code_challenge"), parameters.first("code_challenge_method"))
            .map_err(|error| (InvalidRequest, describe_challenge_error(error)))?;
    let resource = check_resource(client, parameters)?;
    let scope = check_scope(client, parameters.first("scope"), resource.is_some())?;
    let prompt = check_prompt(parameters.first("prompt"))?;
    let max_age = check_max_age(parameters.first("max_age"))?;
    let acr = read_acr(parameters.first("acr_values"), check_claims(parameters.first("claims"))?.as_ref())?;
    let nonce = parameters.first("nonce");
    if nonce.is_some_and(|nonce| nonce.len() > MAX_NONCE) {
        return Err((InvalidRequest, "nonce must not be longer than 512 bytes"));
    }
    let text = |name| parameters.first(name).map(str::to_owned);
    Ok(AuthorizationRequest {
        client,
        return_to,
        redirect_uri_in_request,
        scope,
        resource,
        nonce: nonce.map(str::to_owned),
        code_challenge,
        prompt,
        max_age,
        acr,
        id_token_hint: text("id_token_hint"),
        login_hint: text("login_hint"),
        ui_locales: text("ui_locales"),
    })
}

const fn describe_challenge_error(error: pkce::ChallengeError) -> &'static str {
    match error {
        pkce::ChallengeError::Missing => "code_challenge is required",
        pkce::ChallengeError::MethodNotSupported => "code_challenge_method must be S256",
        pkce::ChallengeError::Malformed => "code_challenge must be the unpadded base64url of a SHA-256",
        pkce::ChallengeError::MethodAlone => "code_challenge_method was sent without code_challenge",
    }
}

/// Reads at most one resource that the client may use (RFC 8707 §2). Each token has one audience.
fn check_resource(client: &Client, parameters: &Parameters<'_>) -> Check<Option<String>> {
    match parameters.count("resource") {
        0 => Ok(None),
        1 => match parameters.first("resource") {
            Some(resource) if client.resources.iter().any(|allowed| allowed == resource) => Ok(Some(resource.to_owned())),
            Some(_) | None => Err((OAuthErrorCode::InvalidTarget, "resource is not allowed to this client")),
        },
        _ => Err((OAuthErrorCode::InvalidTarget, "only one resource can be requested")),
    }
}

fn check_scope(client: &Client, scope: Option<&str>, for_resource: bool) -> Check<ScopeSet> {
    let asked = scope.ok_or((OAuthErrorCode::InvalidScope, "scope is required"))?;
    let asked = asked.parse::<ScopeSet>().map_err(|_| (OAuthErrorCode::InvalidScope, "scope is malformed"))?;
    let mut scope = asked.intersection(&client.scope);
    if !client.allows(GrantType::RefreshToken) {
        scope = scope.without("offline_access");
    }
    if for_resource || !client.first_party {
        // A token for another server must give no access to the self-service API.
        scope = scope.without("account");
    }
    if scope.is_empty() {
        return Err((OAuthErrorCode::InvalidScope, "none of the scope is allowed to this client"));
    }
    Ok(scope)
}

fn check_prompt(prompt: Option<&str>) -> Check<Prompt> {
    let mut found = Prompt::default();
    for value in prompt.unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
        match value {
            "none" => found.none = true,
            "login" => found.login = true,
            "consent" => found.consent = true,
            "select_account" => found.select_account = true,
            _ => return Err((OAuthErrorCode::InvalidRequest, "prompt has an unknown value")),
        }
    }
    if found.none && (found.login || found.consent || found.select_account) {
        return Err((OAuthErrorCode::InvalidRequest, "prompt=none must stand alone"));
    }
    Ok(found)
}

/// Reads whole seconds, digits only. More than nine digits count as no limit.
fn check_max_age(max_age: Option<&str>) -> Check<Option<Span>> {
    let Some(digits) = max_age else { return Ok(None) };
    if digits.len() > 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err((OAuthErrorCode::InvalidRequest, "max_age must be a number of seconds"));
    }
    let seconds = digits.parse::<i64>().unwrap_or(i64::MAX).min(999_999_999);
    Ok(Some(Span::seconds(seconds)))
}

/// Reads `claims`. Only `id_token.acr` has an effect. A value that is expensive to parse is refused.
fn check_claims(claims: Option<&str>) -> Check<Option<serde_json::Value>> {
    let Some(claims) = claims else { return Ok(None) };
    let refusal = Err((OAuthErrorCode::InvalidRequest, "claims must be a JSON object, at most 4096 bytes and 8 levels deep"));
    if claims.len() > MAX_CLAIMS {
        return refusal;
    }
    match serde_json::from_str::<serde_json::Value>(claims) {
        Ok(value) if value.is_object() && depth(&value) <= MAX_CLAIMS_DEPTH => Ok(Some(value)),
        Ok(_) | Err(_) => refusal,
    }
}

/// Reads the requested `acr` values. An essential one in `claims` counts alone (OpenID Connect Core §5.5.1.1). If none of its values is known,
/// no sign-in can satisfy it, and the request is refused at once.
fn read_acr(acr_values: Option<&str>, claims: Option<&serde_json::Value>) -> Check<RequestedAcr> {
    let requested = claims.and_then(|claims| claims.pointer("/id_token/acr"));
    if let Some(requested) = requested.filter(|requested| requested["essential"] == true) {
        let listed = requested["values"].as_array().map_or(std::slice::from_ref(&requested["value"]), Vec::as_slice);
        let listed: Vec<&str> = listed.iter().filter_map(serde_json::Value::as_str).collect();
        let values: Vec<Acr> = listed.iter().filter_map(|value| Acr::named(value)).collect();
        return match (listed.is_empty(), values.is_empty()) {
            // Essential, but any value will do.
            (true, _) => Ok(RequestedAcr::default()),
            (false, true) => {
                Err((OAuthErrorCode::UnmetAuthenticationRequirements, "no sign-in here has one of the essential acr values"))
            }
            (false, false) => Ok(RequestedAcr { values, is_essential: true }),
        };
    }
    let values = acr_values.unwrap_or_default().split(' ').filter_map(Acr::named).collect();
    Ok(RequestedAcr { values, is_essential: false })
}

/// The parser limits the depth to 128 levels.
fn depth(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
    }
}

struct Parameters<'p>(Vec<(&'p str, &'p str)>);

impl<'p> Parameters<'p> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(n, _)| *n == name).map(|(_, value)| *value)
    }
    fn first(&self, name: &str) -> Option<&'p str> {
        self.all(name).next()
    }
    /// The value of a parameter that is present exactly once.
    fn one(&self, name: &str) -> Option<&'p str> {
        if self.count(name) == 1 { self.first(name) } else { None }
    }
    fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }
    fn repeated_except(&self, list: &str) -> bool {
        let mut seen = std::collections::BTreeSet::new();
        self.0.iter().any(|(name, _)| *name != list && !seen.insert(*name))
    }
}
