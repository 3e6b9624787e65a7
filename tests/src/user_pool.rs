//! A legacy Cognito user pool in process, under the real SDK. It answers the calls of sign-in and recovery as the service's
//! documentation says, and it can fail in several ways. The same journeys run against another implementation of Cognito
//! (`tests/tests/aws/cognito/moto.rs`), which checks these answers.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

mod description;
mod groups;
mod lookups;

use crate::pool_key::PoolKey;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::timeout::TimeoutConfig;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use latchkey::keys::LegacyKeys;
use latchkey::legacy_directory::LegacyDirectory;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The default pool id.
pub const POOL_ID: &str = "eu-central-1_Former";
/// Its app client.
pub const CLIENT_ID: &str = "1former2app3client";

/// The operation name under which lookups of the decoy user are counted. The product looks up a decoy to make refusals take
/// equally long.
pub const DECOY_LOOKUP: &str = "decoy";

/// The columns of its import file.
const CSV_HEADER: &str = "name,given_name,family_name,email,email_verified,birthdate,phone_number_verified,cognito:mfa_enabled,\
    cognito:username,custom:former_sub";

/// How the pool behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Works normally.
    Up,
    /// Works normally, after this delay.
    Slow(Duration),
    /// Does not answer.
    Down,
    /// Evaluates the request, and the answer is lost.
    Mute,
    /// Answers `TooManyRequestsException` to every call.
    Throttled,
    /// Answers `InternalErrorException` to every call.
    Broken,
    /// Answers that the account is locked after too many attempts.
    Locked,
    /// Answers `AccessDeniedException`: the role lacks the permission.
    Forbidden,
}

/// A user of the pool.
#[derive(Debug, Clone)]
pub struct PoolUser {
    /// The password.
    pub password: String,
    /// The pool's `sub`.
    pub sub: String,
    /// Whether the user is enabled.
    pub enabled: bool,
    /// `CONFIRMED`, `UNCONFIRMED`, `FORCE_CHANGE_PASSWORD`, `RESET_REQUIRED`.
    pub status: &'static str,
    /// The second factor that the pool requires: `SMS_MFA`, `SOFTWARE_TOKEN_MFA`.
    pub second_factor: Option<&'static str>,
    /// The attributes, without `sub`.
    pub attributes: BTreeMap<String, String>,
    /// The groups of the user.
    pub groups: Vec<String>,
}

impl PoolUser {
    /// A confirmed user with a verified address.
    #[must_use]
    pub fn confirmed(email: &str, password: &str, sub: &str) -> Self {
        let attributes = [("email", email), ("email_verified", "true")];
        Self {
            password: password.to_owned(),
            sub: sub.to_owned(),
            enabled: true,
            status: "CONFIRMED",
            second_factor: None,
            attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            groups: Vec::new(),
        }
    }
    /// Adds a group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }
    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// A user pool with e-mail addresses as usernames. Clones share their state.
#[derive(Debug, Clone)]
pub struct UserPool {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Users, by username.
    users: BTreeMap<String, PoolUser>,
    case_sensitive: bool,
    mfa: Option<&'static str>,
    description: description::PoolDescription,
    /// The number of pages of users that it still lists. After them the permission is missing.
    pages: usize,
    calls: BTreeMap<String, Vec<Instant>>,
    /// Operations that are throttled, independent of the mode.
    throttled: BTreeSet<&'static str>,
    /// The error of a lookup, by username.
    failing_lookups: BTreeMap<String, &'static str>,
    /// Status and body of the JWK Set.
    jwks: (u16, String),
}

impl State {
    fn find(&self, username: &str) -> Option<&PoolUser> {
        let same = |known: &str| known == username || (!self.case_sensitive && known.eq_ignore_ascii_case(username));
        self.users.iter().find(|(known, _)| same(known)).map(|(_, user)| user)
    }
}

impl Default for UserPool {
    fn default() -> Self {
        let state = State {
            mode: Mode::Up,
            users: BTreeMap::new(),
            case_sensitive: false,
            mfa: Some("OPTIONAL"),
            description: description::PoolDescription::default(),
            pages: usize::MAX,
            calls: BTreeMap::new(),
            throttled: BTreeSet::new(),
            failing_lookups: BTreeMap::new(),
            jwks: (200, json!({ "keys": [] }).to_string()),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl UserPool {
    /// Adds or replaces a user, by their address.
    ///
    /// # Panics
    /// Panics if a test panicked during a call.
    pub fn put(&self, user: PoolUser) {
        let email = user.attributes.get("email").cloned().unwrap_or_default();
        self.state.lock().expect("the state").users.insert(email, user);
    }
    /// Like [`Self::put`], with a username other than the address.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn put_as(&self, username: &str, user: PoolUser) {
        self.state.lock().expect("the state").users.insert(username.to_owned(), user);
    }
    /// Deletes a user, by username.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn remove(&self, username: &str) {
        self.state.lock().expect("the state").users.remove(username);
    }
    /// Makes usernames case-sensitive, the default of older pools.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn set_case_sensitive(&self) {
        self.state.lock().expect("the state").case_sensitive = true;
    }
    /// Requires a second factor of every user, independent of their settings.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn require_second_factor(&self) {
        self.state.lock().expect("the state").mfa = Some("ON");
    }
    /// Switches second factors off.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn disable_second_factors(&self) {
        self.state.lock().expect("the state").mfa = Some("OFF");
    }
    /// Lists this many more pages of users. After them the permission is missing.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn limit_pages(&self, pages: usize) {
        self.state.lock().expect("the state").pages = pages;
    }
    /// Sets the behaviour from now on.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn set(&self, mode: Mode) {
        self.state.lock().expect("the state").mode = mode;
    }
    /// The number of calls of an operation since the last time.
    ///
    /// # Panics
    /// Like [`Self::put`].
    #[must_use]
    pub fn take_call_count(&self, operation: &str) -> usize {
        self.take_call_times(operation).len()
    }
    /// The times of the calls of an operation since the last time.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn take_call_times(&self, operation: &str) -> Vec<Instant> {
        self.state.lock().expect("the state").calls.remove(operation).unwrap_or_default()
    }
    /// Answers `TooManyRequestsException` to these operations only.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn throttle(&self, operations: &[&'static str]) {
        self.state.lock().expect("the state").throttled = operations.iter().copied().collect();
    }
    /// Publishes these keys.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn publish(&self, keys: &[&PoolKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.publish_raw(200, &json!({ "keys": keys }).to_string());
    }
    /// Sets status and body of the JWK Set.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn publish_raw(&self, status: u16, body: &str) {
        self.state.lock().expect("the state").jwks = (status, body.to_owned());
    }
    /// The pool's keys, for the verification of its tokens. Each fetch counts as a call of `jwks`.
    #[must_use]
    pub fn legacy_keys(&self) -> LegacyKeys {
        LegacyKeys::fetched(SharedHttpConnector::new(self.clone()), Some("http://cognito.invalid".to_owned()))
    }
    /// The legacy directory over this pool.
    #[must_use]
    pub fn legacy_directory(&self) -> LegacyDirectory {
        LegacyDirectory::cognito(client(SharedHttpConnector::new(self.clone()), "http://cognito.invalid"))
    }

    /// Serves the pool on loopback for other processes. Returns its URL.
    ///
    /// # Panics
    /// Panics if no port is free.
    pub async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = format!("http://{}", listener.local_addr().expect("its address"));
        let pool = self.clone();
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (status, body) = pool.operate(target, &body);
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [("content-type", "application/x-amz-json-1.1")], body.to_string())
        };
        let router = axum::Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        at
    }

    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        if request.method() == "GET" {
            let mut state = self.state.lock().expect("the state");
            state.calls.entry("jwks".to_owned()).or_default().push(Instant::now());
            let is_ours = request.uri() == format!("http://cognito.invalid/{POOL_ID}/.well-known/jwks.json");
            return if is_ours { state.jwks.clone() } else { (404, String::new()) };
        }
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (status, body) = self.operate(target, request.body().bytes().unwrap_or_default());
        (status, body.to_string())
    }

    fn operate(&self, target: &str, body: &[u8]) -> (u16, Value) {
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut state = self.state.lock().expect("the state");
        let username = body["AuthParameters"]["USERNAME"].as_str().unwrap_or_default();
        let counted_as = if username.ends_with("@nobody.invalid") { DECOY_LOOKUP } else { operation };
        state.calls.entry(counted_as.to_owned()).or_default().push(Instant::now());
        let error = |kind: &str, message: &str| (400, json!({ "__type": kind, "message": message }));
        match state.mode {
            Mode::Up | Mode::Slow(_) | Mode::Down | Mode::Mute => {}
            Mode::Throttled => return error("TooManyRequestsException", "Rate exceeded"),
            Mode::Broken => return (500, json!({ "__type": "InternalErrorException" })),
            Mode::Locked => return error("NotAuthorizedException", "Password attempts exceeded"),
            Mode::Forbidden => return error("AccessDeniedException", "not authorized to perform"),
        }
        if state.throttled.contains(operation) {
            return error("TooManyRequestsException", "Rate exceeded");
        }
        if body["UserPoolId"] != POOL_ID {
            return error("ResourceNotFoundException", "User pool does not exist.");
        }
        match operation {
            "AdminInitiateAuth" => initiate(&state, &body),
            "AdminGetUser" => lookups::get_user(&state, &body),
            "AdminListGroupsForUser" => groups::groups_of(&state, &body),
            "ListGroups" => groups::groups(&state),
            "ListUsersInGroup" => groups::members(&state, &body),
            "ListUsers" if state.pages == 0 => error("AccessDeniedException", "not authorized to perform"),
            "ListUsers" => {
                state.pages -= 1;
                list_users(&state, &body)
            }
            "DescribeUserPool" => description::describe(&state),
            "GetCSVHeader" => (200, json!({ "UserPoolId": POOL_ID, "CSVHeader": CSV_HEADER.split(',').collect::<Vec<_>>() })),
            "GetUserPoolMfaConfig" => (200, json!({ "MfaConfiguration": state.mfa })),
            _ => error("AccessDeniedException", "not authorized to perform"),
        }
    }
}

fn initiate(state: &State, body: &Value) -> (u16, Value) {
    let error = |kind: &str, message: &str| (400, json!({ "__type": kind, "message": message }));
    if body["ClientId"] != CLIENT_ID || body["AuthFlow"] != "ADMIN_USER_PASSWORD_AUTH" {
        return error("InvalidParameterException", "Auth flow not enabled for this client");
    }
    let typed = |name: &str| body["AuthParameters"][name].as_str().unwrap_or_default();
    // The answer of a pool with PreventUserExistenceErrors.
    let wrong = || error("NotAuthorizedException", "Incorrect username or password.");
    let Some(user) = state.find(typed("USERNAME")) else { return wrong() };
    // The pool checks both before the password.
    match user.status {
        "RESET_REQUIRED" => return error("PasswordResetRequiredException", "Password reset required for the user"),
        "UNCONFIRMED" => return error("UserNotConfirmedException", "User is not confirmed."),
        _ => {}
    }
    if user.password != typed("PASSWORD") {
        return wrong();
    }
    if !user.enabled {
        return error("NotAuthorizedException", "User is disabled.");
    }
    let challenge = |name: &str| (200, json!({ "ChallengeName": name, "ChallengeParameters": {}, "Session": "AYAB" }));
    match (user.status, user.second_factor) {
        ("FORCE_CHANGE_PASSWORD", _) => challenge("NEW_PASSWORD_REQUIRED"),
        (_, Some(factor)) => challenge(factor),
        (_, None) => {
            (200, json!({ "AuthenticationResult": { "AccessToken": "a", "ExpiresIn": 3600 }, "ChallengeParameters": {} }))
        }
    }
}

/// Pages in the order of usernames. The token is the index of the next user.
fn list_users(state: &State, body: &Value) -> (u16, Value) {
    let from: usize = body["PaginationToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or_default();
    let limit = body["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit <= 60).unwrap_or(60);
    let page = state.users.iter().skip(from).take(limit).map(|(username, user)| {
        json!({
            "Username": username, "Attributes": attributes(user), "Enabled": user.enabled, "UserStatus": user.status,
            "UserCreateDate": 1_600_000_000.0, "UserLastModifiedDate": 1_600_000_000.0,
        })
    });
    let mut answer = json!({ "Users": page.collect::<Vec<_>>() });
    if from + limit < state.users.len() {
        answer["PaginationToken"] = json!((from + limit).to_string());
    }
    (200, answer)
}

fn attributes(user: &PoolUser) -> Vec<Value> {
    let mut attributes = vec![json!({ "Name": "sub", "Value": user.sub })];
    attributes.extend(user.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })));
    attributes
}

impl HttpConnector for UserPool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mode = self.state.lock().expect("the state").mode;
        let pool = self.clone();
        HttpConnectorFuture::new(async move {
            let (status, body) = pool.answer(&request);
            match mode {
                Mode::Slow(delay) => tokio::time::sleep(delay).await,
                Mode::Down | Mode::Mute => return Err(ConnectorError::timeout("no answer".into())),
                Mode::Up | Mode::Throttled | Mode::Broken | Mode::Locked | Mode::Forbidden => {}
            }
            let status = status.try_into().map_err(|_| ConnectorError::other("no such status".into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

/// A Cognito client that sends its requests to this connector, each once.
#[must_use]
pub fn client(connector: SharedHttpConnector, endpoint: &str) -> Client {
    let config = aws_sdk_cognitoidentityprovider::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Client::from_conf(config)
}

/// The shipped document with this pool as the legacy directory. `more` goes into its section.
#[must_use]
pub fn document(pool_id: &str, client_id: &str, more: &str) -> String {
    let section = format!("[cognito]\nuser_pool_id = \"{pool_id}\"\nclient_id = \"{client_id}\"\n{more}\n");
    format!("{DEFAULT_DOCUMENT}\n{section}")
}
