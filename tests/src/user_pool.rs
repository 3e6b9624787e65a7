//! A Cognito user pool that people come from, in process under the real SDK: what a sign-in and a recovery ask, answered as the
//! service documents them, and its ways to fail. What it says is held against another implementation of Cognito by running the same
//! journeys there (`tests/tests/cognito/moto.rs`).
#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::timeout::TimeoutConfig;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use latchkey::directory::Directory;
use latchkey_local::world::DEFAULT_DOCUMENT;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the pool is called where no other is meant.
pub const POOL_ID: &str = "eu-central-1_Former";
/// Its app client.
pub const CLIENT_ID: &str = "1former2app3client";

/// How the pool behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Up,
    /// As it should, after this long.
    Slow(Duration),
    /// No answer.
    Down,
    /// It evaluates, and its answer is lost.
    Mute,
    /// `TooManyRequestsException` to everything.
    Throttled,
    /// `InternalErrorException` to everything.
    Broken,
    /// Its own lock of the account, after too many tries.
    Locked,
    /// `AccessDeniedException`: the role may not ask.
    Forbidden,
}

/// A user as the pool holds them.
#[derive(Debug, Clone)]
pub struct PoolUser {
    /// What they sign in with.
    pub password: String,
    /// The pool's `sub`.
    pub sub: String,
    /// Whether they may.
    pub enabled: bool,
    /// `CONFIRMED`, `UNCONFIRMED`, `FORCE_CHANGE_PASSWORD`, `RESET_REQUIRED`.
    pub status: &'static str,
    /// The second factor that the pool asks for: `SMS_MFA`, `SOFTWARE_TOKEN_MFA`.
    pub second_factor: Option<&'static str>,
    /// Attributes but `sub`.
    pub attributes: BTreeMap<String, String>,
}

impl PoolUser {
    /// A confirmed user with a proven address.
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
        }
    }
    /// With another attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// A user pool whose usernames are e-mail addresses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UserPool {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// By username.
    users: BTreeMap<String, PoolUser>,
    case_sensitive: bool,
    mfa: &'static str,
    asked: BTreeMap<String, usize>,
}

impl State {
    fn find(&self, username: &str) -> Option<&PoolUser> {
        let same = |known: &str| known == username || (!self.case_sensitive && known.eq_ignore_ascii_case(username));
        self.users.iter().find(|(known, _)| same(known)).map(|(_, user)| user)
    }
}

impl Default for UserPool {
    fn default() -> Self {
        let state =
            State { mode: Mode::Up, users: BTreeMap::new(), case_sensitive: false, mfa: "OPTIONAL", asked: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl UserPool {
    /// Adds or replaces a user, by their address.
    ///
    /// # Panics
    /// When a test panicked in the middle of a call.
    pub fn put(&self, user: PoolUser) {
        let email = user.attributes.get("email").cloned().unwrap_or_default();
        self.state.lock().expect("the state").users.insert(email, user);
    }
    /// As [`Self::put`], under another username than the address.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn put_as(&self, username: &str, user: PoolUser) {
        self.state.lock().expect("the state").users.insert(username.to_owned(), user);
    }
    /// Tells usernames apart by case, as pools do that were made without a choice.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn be_case_sensitive(&self) {
        self.state.lock().expect("the state").case_sensitive = true;
    }
    /// Asks everybody for a second factor, whatever their settings say.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn require_second_factor(&self) {
        self.state.lock().expect("the state").mfa = "ON";
    }
    /// Changes how it behaves from now on.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn set(&self, mode: Mode) {
        self.state.lock().expect("the state").mode = mode;
    }
    /// How often an operation was asked since the last time.
    ///
    /// # Panics
    /// As [`Self::put`].
    #[must_use]
    pub fn take_asked(&self, operation: &str) -> usize {
        self.state.lock().expect("the state").asked.remove(operation).unwrap_or_default()
    }
    /// The directory that asks it.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::cognito(client(SharedHttpConnector::new(self.clone()), "http://cognito.invalid"))
    }

    fn answer(&self, request: &HttpRequest) -> (u16, Value) {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let mut state = self.state.lock().expect("the state");
        *state.asked.entry(operation.to_owned()).or_default() += 1;
        let error = |kind: &str, message: &str| (400, json!({ "__type": kind, "message": message }));
        match state.mode {
            Mode::Up | Mode::Slow(_) | Mode::Down | Mode::Mute => {}
            Mode::Throttled => return error("TooManyRequestsException", "Rate exceeded"),
            Mode::Broken => return (500, json!({ "__type": "InternalErrorException" })),
            Mode::Locked => return error("NotAuthorizedException", "Password attempts exceeded"),
            Mode::Forbidden => return error("AccessDeniedException", "not authorized to perform"),
        }
        if body["UserPoolId"] != POOL_ID {
            return error("ResourceNotFoundException", "User pool does not exist.");
        }
        match operation {
            "AdminInitiateAuth" => initiate(&state, &body),
            "AdminGetUser" => get_user(&state, &body),
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
    // As a pool with PreventUserExistenceErrors answers.
    let wrong = || error("NotAuthorizedException", "Incorrect username or password.");
    let Some(user) = state.find(typed("USERNAME")) else { return wrong() };
    // Both before it looks at the password.
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

fn get_user(state: &State, body: &Value) -> (u16, Value) {
    let Some(user) = state.find(body["Username"].as_str().unwrap_or_default()) else {
        return (400, json!({ "__type": "UserNotFoundException", "message": "User does not exist." }));
    };
    let mut attributes = vec![json!({ "Name": "sub", "Value": user.sub })];
    attributes.extend(user.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })));
    let factors: Vec<&str> = user.second_factor.into_iter().collect();
    let answer = json!({
        "Username": user.sub, "UserAttributes": attributes, "Enabled": user.enabled, "UserStatus": user.status,
        "UserMFASettingList": factors, "UserCreateDate": 1_600_000_000.0, "UserLastModifiedDate": 1_600_000_000.0,
    });
    (200, answer)
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
            Ok(HttpResponse::new(status, SdkBody::from(body.to_string())))
        })
    }
}

/// A client of Cognito whose requests go to this connector; each is sent once.
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

/// The document that ships, with people coming from this pool; `more` goes into its section.
#[must_use]
pub fn document(pool_id: &str, client_id: &str, more: &str) -> String {
    let section = format!("[cognito]\nuser_pool_id = \"{pool_id}\"\nclient_id = \"{client_id}\"\n{more}\n");
    format!("{DEFAULT_DOCUMENT}\n{section}")
}
