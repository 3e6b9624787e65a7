//! The legacy directory during a migration: a Cognito user pool.
//!
//! 1. A password is verified with one request. It is not repeated, because the pool counts failures.
//! 2. A response of the pool is a verdict. Everything else (no response, a quota reached, a missing permission) is no verdict: nothing
//!    was evaluated, so it counts as no failed attempt and locks no account.
//! 3. After consecutive failures the pool is not called for some time ([`Breaker`]). Then one request checks whether it works again.

mod breaker;

use crate::domain::identifier::EmailAddress;
use crate::domain::legacy_directory::{LegacyPasswordVerdict, LegacyUser};
use crate::domain::secret::SecretText;
use crate::domain::tenant::{CognitoConfig, UserPoolId};
use crate::domain::time::Span;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::{Builder, Region};
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::{AdminGetUserError, AdminGetUserOutput};
use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::{AdminInitiateAuthError, AdminInitiateAuthOutput};
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, ChallengeNameType, UserPoolMfaType};
use breaker::Breaker;
use data_encoding::HEXLOWER;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The maximum number of groups in one page of a pool.
const PAGE: i32 = 60;
/// The maximum length of a username in a pool, in characters. No user has a longer one, and a request with a longer one is an error.
const LONGEST_USERNAME: usize = 128;

/// A domain without users (RFC 2606).
const UNKNOWN_DOMAIN: &str = "nobody.invalid";

/// The legacy directory. It is inexpensive to clone. Clones share the circuit breaker.
#[derive(Clone, Default)]
pub struct LegacyDirectory {
    cognito: Option<Arc<Cognito>>,
}

struct Cognito {
    client: Client,
    breaker: Mutex<Breaker>,
    refusals: Mutex<Refusals>,
}

/// Why the directory gave no verdict. Nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum LegacyDirectoryError {
    /// It is not called, after consecutive failures.
    #[error("the user pool is not called for {0} s")]
    Resting(u64),
    /// Its quota is reached, by all requests together or by attempts on this account.
    #[error("the user pool throttles requests: {0}")]
    Busy(String),
    /// It refuses all attempts on this account for some time, or a trigger of the pool fails for this account. Other accounts are not
    /// affected.
    #[error("the user pool does not evaluate this account now: {0}")]
    Locked(String),
    /// No response, or an internal failure of the pool.
    #[error("the user pool did not respond: {0}")]
    Unavailable(String),
    /// It refuses the request: a permission, the app client or the pool is not as docs/cognito.md requires.
    #[error("the user pool refuses the request: {0}")]
    Misconfigured(String),
}

impl LegacyDirectoryError {
    /// The time until the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Span {
        match self {
            Self::Resting(seconds) => Span::seconds(i64::try_from(*seconds).unwrap_or(1).max(1)),
            Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => Span::seconds(5),
            Self::Misconfigured(_) => Span::minutes(1),
        }
    }
    /// Logs the error. If the operator must fix it, the level is ERROR, otherwise WARN.
    pub fn log(&self) {
        match self {
            Self::Misconfigured(_) => tracing::error!(error = %self, "no user can be migrated from the user pool"),
            Self::Resting(_) | Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => {
                tracing::warn!(error = %self, "the user pool gave no verdict");
            }
        }
    }
    /// Returns whether fewer requests would help. Only these errors count for the circuit breaker.
    fn is_failure(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Unavailable(_) => true,
            Self::Resting(_) | Self::Locked(_) | Self::Misconfigured(_) => false,
        }
    }
}

impl LegacyDirectory {
    /// No legacy directory.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// Returns whether there is no legacy directory.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.cognito.is_none()
    }
    /// User pools, through this client. The client must not retry requests: for the pool a retry is another guess of the password.
    #[must_use]
    pub fn cognito(client: Client) -> Self {
        let cognito = Cognito { client, breaker: Mutex::default(), refusals: Mutex::default() };
        Self { cognito: Some(Arc::new(cognito)) }
    }
    /// Verifies a password in the pool (`AdminInitiateAuth` with `ADMIN_USER_PASSWORD_AUTH`), and if it is right, loads the user
    /// (`AdminGetUser`). `username` is what the user typed: a username in the pool, or an alias. If no pool can have such a username, an
    /// unknown username made of the fresh bytes is looked up instead, so that the request takes the same time.
    ///
    /// # Errors
    /// If the pool gave no verdict.
    pub async fn verify(
        &self,
        pool: &CognitoConfig,
        username: &str,
        password: &SecretText,
        fresh: [u8; 16],
    ) -> Result<LegacyPasswordVerdict, LegacyDirectoryError> {
        let cognito = self.ask()?;
        let username = if is_username(username) { Cow::Borrowed(username) } else { Cow::Owned(unknown_username(fresh)) };
        let begun = Instant::now();
        let answer = cognito.verify(pool, &username, password).await;
        cognito.note(&answer);
        if matches!(answer, Ok(LegacyPasswordVerdict::Wrong)) {
            lock(&cognito.refusals).push(begun.elapsed());
        }
        answer
    }
    /// Finds the user with this address (`AdminGetUser`). The caller has just verified the address. The address is looked up as it was
    /// typed, because usernames of a pool may be case-sensitive, then in its canonical form.
    ///
    /// No password was sent to the pool, so the pool does not tell whether it would require a second factor. If the pool requires one of
    /// all users (`GetUserPoolMfaConfig`), the user has one. The user's own settings do not always contain it.
    ///
    /// # Errors
    /// If the pool gave no answer.
    pub async fn find(
        &self,
        pool: &CognitoConfig,
        typed: &str,
        email: &EmailAddress,
    ) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        self.find_by(pool, &[typed, email.as_str()]).await
    }
    /// Finds the user with this `sub` in the pool, even if their address has changed. Otherwise like [`Self::find`].
    ///
    /// # Errors
    /// If the pool gave no answer.
    pub async fn find_subject(&self, pool: &CognitoConfig, subject: &str) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        self.find_by(pool, &[subject]).await
    }
    /// Waits as long as a recent refusal by the pool took, so that the time does not show whether the pool was called (security 71). If
    /// there was no refusal yet, it looks up an unknown username made of the fresh bytes in the pool.
    pub async fn simulate_lookup(&self, pool: &CognitoConfig, fresh: [u8; 16]) {
        let Some(cognito) = &self.cognito else { return };
        let seen = lock(&cognito.refusals).next();
        if let Some(wait) = seen {
            return sleep_exactly(wait).await;
        }
        let username = unknown_username(fresh);
        if let Err(error) = self.verify(pool, &username, &SecretText::from(username.clone()), fresh).await {
            error.log();
        }
    }

    async fn find_by(&self, pool: &CognitoConfig, names: &[&str]) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        let cognito = self.ask()?;
        let answer = cognito.find(pool, names).await;
        cognito.note(&answer);
        answer
    }

    fn ask(&self) -> Result<&Cognito, LegacyDirectoryError> {
        let Some(cognito) = &self.cognito else {
            return Err(LegacyDirectoryError::Misconfigured("this function has no client for user pools".to_owned()));
        };
        match lock(&cognito.breaker).admit(Instant::now()) {
            Ok(()) => Ok(cognito),
            Err(rest) => Err(LegacyDirectoryError::Resting(rest.as_secs().max(1))),
        }
    }
}

impl Cognito {
    fn note<T>(&self, answer: &Result<T, LegacyDirectoryError>) {
        let failed = answer.as_ref().err().is_some_and(LegacyDirectoryError::is_failure);
        lock(&self.breaker).note(failed, Instant::now());
    }

    async fn verify(
        &self,
        pool: &CognitoConfig,
        username: &str,
        password: &SecretText,
    ) -> Result<LegacyPasswordVerdict, LegacyDirectoryError> {
        let asked = self
            .client
            .admin_initiate_auth()
            .user_pool_id(pool.user_pool_id.as_str())
            .client_id(&pool.client_id)
            .auth_flow(AuthFlowType::AdminUserPasswordAuth)
            .auth_parameters("USERNAME", username)
            .auth_parameters("PASSWORD", password.expose())
            .customize()
            .config_override(in_region(&pool.user_pool_id));
        match asked.send().await {
            Ok(answer) => match classify_challenge(&answer)? {
                Some(verdict) => Ok(verdict),
                // The user was deleted between the two calls.
                None => Ok(match self.user(&pool.user_pool_id, username).await? {
                    Some(user) => LegacyPasswordVerdict::Right(Box::new(self.with_groups(pool, user).await?)),
                    None => LegacyPasswordVerdict::Wrong,
                }),
            },
            Err(error) => classify_refusal(&error),
        }
    }

    /// Finds the first user that one of these names identifies.
    async fn find(&self, config: &CognitoConfig, names: &[&str]) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        let pool = &config.user_pool_id;
        let mut found = None;
        for (position, name) in names.iter().enumerate() {
            if found.is_none() && !names[..position].contains(name) {
                found = self.user(pool, name).await?;
            }
        }
        let Some(user) = found else { return Ok(None) };
        let asked = self.client.get_user_pool_mfa_config().user_pool_id(pool.as_str());
        let answer = asked.customize().config_override(in_region(pool)).send().await.map_err(|error| no_verdict(&error))?;
        let required = answer.mfa_configuration() == Some(&UserPoolMfaType::On);
        let user = LegacyUser { has_second_factor: user.has_second_factor || required, ..user };
        Ok(Some(self.with_groups(config, user).await?))
    }

    /// Adds the user's groups (`AdminListGroupsForUser`), if groups map to roles.
    async fn with_groups(&self, config: &CognitoConfig, mut user: LegacyUser) -> Result<LegacyUser, LegacyDirectoryError> {
        if config.groups.is_empty() {
            return Ok(user);
        }
        let pool = &config.user_pool_id;
        let mut next = None;
        loop {
            let asked = self.client.admin_list_groups_for_user().user_pool_id(pool.as_str()).username(&user.username);
            let asked = asked.limit(PAGE).set_next_token(next).customize().config_override(in_region(pool));
            let page = asked.send().await.map_err(|error| no_verdict(&error))?;
            user.groups.extend(page.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_name));
            next = page.next_token;
            // A user of a pool is in at most a hundred groups.
            if next.is_none() || user.groups.len() > 100 {
                return Ok(user);
            }
        }
    }

    async fn user(&self, pool: &UserPoolId, username: &str) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
        if !is_username(username) {
            return Ok(None);
        }
        let asked = self.client.admin_get_user().user_pool_id(pool.as_str()).username(username);
        match asked.customize().config_override(in_region(pool)).send().await {
            Ok(user) => read(user).map(Some),
            Err(error) if error.as_service_error().is_some_and(AdminGetUserError::is_user_not_found_exception) => Ok(None),
            Err(error) => Err(no_verdict(&error)),
        }
    }
}

/// Returns whether a pool can have such a username.
fn is_username(name: &str) -> bool {
    name.chars().count() <= LONGEST_USERNAME
}

/// An unknown username.
fn unknown_username(fresh: [u8; 16]) -> String {
    format!("{}@{UNKNOWN_DOMAIN}", HEXLOWER.encode(&fresh))
}

/// A pool is called in its own region, which may differ from the region of the function.
fn in_region(pool: &UserPoolId) -> Builder {
    Builder::new().region(Region::new(pool.region().to_owned()))
}

/// The verdict of a challenge, or `None` for tokens. The pool sends a challenge only if the password is right.
fn classify_challenge(answer: &AdminInitiateAuthOutput) -> Result<Option<LegacyPasswordVerdict>, LegacyDirectoryError> {
    match answer.challenge_name() {
        None if answer.authentication_result().is_some() => Ok(None),
        None => Err(LegacyDirectoryError::Unavailable("neither tokens nor a challenge".to_owned())),
        Some(ChallengeNameType::NewPasswordRequired) => Ok(Some(LegacyPasswordVerdict::MustBeReplaced)),
        Some(
            ChallengeNameType::EmailOtp
            | ChallengeNameType::MfaSetup
            | ChallengeNameType::SelectMfaType
            | ChallengeNameType::SmsMfa
            | ChallengeNameType::SmsOtp
            | ChallengeNameType::SoftwareTokenMfa,
        ) => Ok(Some(LegacyPasswordVerdict::SecondFactor)),
        Some(other) => Err(LegacyDirectoryError::Misconfigured(format!("it responds to a password with {}", other.as_str()))),
    }
}

/// The verdict of a refusal.
fn classify_refusal(error: &SdkError<AdminInitiateAuthError>) -> Result<LegacyPasswordVerdict, LegacyDirectoryError> {
    use AdminInitiateAuthError as Refusal;
    match error.as_service_error() {
        Some(Refusal::NotAuthorizedException(refused)) => {
            let words = refused.message().unwrap_or_default();
            // The pool has locked the user. It did not evaluate this attempt.
            if words.contains("attempts exceeded") {
                return Err(LegacyDirectoryError::Locked("too many attempts".to_owned()));
            }
            // Also: "… is configured with secret but SECRET_HASH was not received".
            if words.to_ascii_lowercase().contains("secret") {
                return Err(LegacyDirectoryError::Misconfigured("its app client has a secret".to_owned()));
            }
            Ok(LegacyPasswordVerdict::Wrong)
        }
        // The pool reports a required reset, and an unconfirmed user, before it verifies the password. The caller must not learn of
        // either.
        Some(
            Refusal::UserNotFoundException(_)
            | Refusal::PasswordResetRequiredException(_)
            | Refusal::UserNotConfirmedException(_)
            // A trigger of the pool refuses the user.
            | Refusal::UserLambdaValidationException(_),
        ) => Ok(LegacyPasswordVerdict::Wrong),
        Some(Refusal::UnexpectedLambdaException(_) | Refusal::InvalidLambdaResponseException(_)) => {
            Err(LegacyDirectoryError::Locked("a trigger of the pool failed".to_owned()))
        }
        Some(_) | None => Err(no_verdict(error)),
    }
}

/// The reason for a missing verdict. It contains codes only, because error messages may repeat the request.
fn no_verdict<E: ProvideErrorMetadata>(error: &SdkError<E>) -> LegacyDirectoryError {
    let Some(code) = error.as_service_error().and_then(ProvideErrorMetadata::code) else {
        let kind = match error {
            SdkError::TimeoutError(_) => "timed out",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ConstructionFailure(_) => "the request could not be built",
            SdkError::ResponseError(_) | SdkError::ServiceError(_) => "the response cannot be read",
            _ => "the call failed",
        };
        return LegacyDirectoryError::Unavailable(kind.to_owned());
    };
    match code {
        "TooManyRequestsException" | "ThrottlingException" | "LimitExceededException" | "RequestLimitExceeded" => {
            LegacyDirectoryError::Busy(code.to_owned())
        }
        "InternalErrorException" | "InternalFailure" | "ServiceUnavailable" => {
            LegacyDirectoryError::Unavailable(code.to_owned())
        }
        _ if error.raw_response().is_some_and(|answer| answer.status().is_server_error()) => {
            LegacyDirectoryError::Unavailable(code.to_owned())
        }
        _ => LegacyDirectoryError::Misconfigured(code.to_owned()),
    }
}

fn read(user: AdminGetUserOutput) -> Result<LegacyUser, LegacyDirectoryError> {
    let has_second_factor = !user.user_mfa_setting_list().is_empty() || !user.mfa_options().is_empty();
    let attributes = user.user_attributes().iter();
    let mut attributes: BTreeMap<String, String> =
        attributes.filter_map(|attribute| Some((attribute.name().to_owned(), attribute.value()?.to_owned()))).collect();
    let subject = attributes.remove("sub").filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| LegacyDirectoryError::Unavailable("a user without sub".to_owned()))?;
    Ok(LegacyUser {
        subject,
        username: user.username,
        enabled: user.enabled,
        has_second_factor,
        groups: Vec::new(),
        attributes,
    })
}

/// The durations of the pool's latest refusals.
#[derive(Default)]
struct Refusals {
    took: Vec<Duration>,
    next: usize,
}

impl Refusals {
    const KEPT: usize = 32;

    fn push(&mut self, took: Duration) {
        if self.took.len() == Self::KEPT {
            self.took.remove(0);
        }
        self.took.push(took);
    }
    /// The next duration, in turn.
    fn next(&mut self) -> Option<Duration> {
        self.next = self.next.wrapping_add(1);
        self.took.get(self.next.checked_rem(self.took.len())?).copied()
    }
}

/// Tokio's timer wakes up to two milliseconds late, which a caller could measure. The system's timer ends the wait.
async fn sleep_exactly(wait: Duration) {
    const COARSE: Duration = Duration::from_millis(5);
    let end = Instant::now() + wait;
    tokio::time::sleep(wait.saturating_sub(COARSE)).await;
    let rest = move || std::thread::sleep(end.saturating_duration_since(Instant::now()));
    if tokio::task::spawn_blocking(rest).await.is_err() {
        tracing::warn!("a wait was cut short");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
