//! The former directory during a move: a Cognito user pool, asked for what only it can tell.
//!
//! 1. A password is asked of the pool once: nothing is repeated, since the pool counts failures of its own.
//! 2. An answer of the pool is a verdict. Everything else (no answer, a quota reached, a missing permission) is no verdict: nothing was
//!    evaluated, and nobody is counted or locked for it.
//! 3. After failures in a row the pool is left in peace for a while ([`Breaker`]); one request then asks whether it is back.

mod breaker;

use crate::domain::directory::{DirectoryUser, DirectoryVerdict};
use crate::domain::identifier::EmailAddress;
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

/// The most groups that a pool lists at once.
const PAGE: i32 = 60;
/// The longest username that a pool takes, in characters: nobody has a longer one, and asking for it is an error of the asker's.
const LONGEST_USERNAME: usize = 128;

/// Where nobody has an address (RFC 2606).
const NOWHERE: &str = "nobody.invalid";

/// The former directory. Cheap to clone; clones share their patience.
#[derive(Clone, Default)]
pub struct Directory {
    cognito: Option<Arc<Cognito>>,
}

struct Cognito {
    client: Client,
    breaker: Mutex<Breaker>,
    refusals: Mutex<Refusals>,
}

/// Why the directory said nothing. Nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It is not asked, after failures in a row.
    #[error("the user pool is not asked for {0} s")]
    Resting(u64),
    /// Its quota is reached, by everybody together or by tries of this one account.
    #[error("the user pool asks to wait: {0}")]
    Busy(String),
    /// It lets nobody try this one account for a while, or a trigger of its owner's fails for it: others are as welcome as before.
    #[error("the user pool does not look at this account now: {0}")]
    Locked(String),
    /// No answer, or a failure of its own.
    #[error("the user pool did not answer: {0}")]
    Unavailable(String),
    /// It can't be asked so: a permission, the app client or the pool is not as docs/cognito.md wants it.
    #[error("the user pool can't be asked: {0}")]
    Misconfigured(String),
}

impl DirectoryError {
    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Span {
        match self {
            Self::Resting(seconds) => Span::seconds(i64::try_from(*seconds).unwrap_or(1).max(1)),
            Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => Span::seconds(5),
            Self::Misconfigured(_) => Span::minutes(1),
        }
    }
    /// Says so in the log: to whoever operates this, when it is theirs to mend.
    pub fn log(&self) {
        match self {
            Self::Misconfigured(_) => tracing::error!(error = %self, "nobody can come from the user pool"),
            Self::Resting(_) | Self::Busy(_) | Self::Locked(_) | Self::Unavailable(_) => {
                tracing::warn!(error = %self, "the user pool gave no verdict");
            }
        }
    }
    /// Whether asking others less would help: what counts for the breaker.
    fn is_failure(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Unavailable(_) => true,
            Self::Resting(_) | Self::Locked(_) | Self::Misconfigured(_) => false,
        }
    }
}

impl Directory {
    /// None: nobody can be asked.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// Whether nobody can be asked.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.cognito.is_none()
    }
    /// User pools, through this client. It must not repeat requests by itself: a repetition is one more guess for the pool.
    #[must_use]
    pub fn cognito(client: Client) -> Self {
        let cognito = Cognito { client, breaker: Mutex::default(), refusals: Mutex::default() };
        Self { cognito: Some(Arc::new(cognito)) }
    }
    /// Asks the pool for a password (`AdminInitiateAuth` with `ADMIN_USER_PASSWORD_AUTH`), and where it is right for the person
    /// (`AdminGetUser`). `username` is what was typed: a username there, or an alias. In place of one that no pool takes, somebody made
    /// up of the fresh bytes is asked for, so that it takes as long.
    ///
    /// # Errors
    /// When the pool gave no verdict.
    pub async fn verify(
        &self,
        pool: &CognitoConfig,
        username: &str,
        password: &SecretText,
        fresh: [u8; 16],
    ) -> Result<DirectoryVerdict, DirectoryError> {
        let cognito = self.ask()?;
        let username = if is_username(username) { Cow::Borrowed(username) } else { Cow::Owned(nobody(fresh)) };
        let begun = Instant::now();
        let answer = cognito.verify(pool, &username, password).await;
        cognito.note(&answer);
        if matches!(answer, Ok(DirectoryVerdict::Wrong)) {
            lock(&cognito.refusals).push(begun.elapsed());
        }
        answer
    }
    /// The person with this address (`AdminGetUser`), for somebody who has just proven it: as it was typed, since names of a pool may
    /// differ by case, else in its canonical form.
    ///
    /// Nobody has shown a password to the pool, so nothing shows whether it would ask for more: where it asks everybody for a second
    /// factor (`GetUserPoolMfaConfig`), it would. Who is asked for one does not always have it among their settings.
    ///
    /// # Errors
    /// When the pool does not say.
    pub async fn find(
        &self,
        pool: &CognitoConfig,
        typed: &str,
        email: &EmailAddress,
    ) -> Result<Option<DirectoryUser>, DirectoryError> {
        self.find_by(pool, &[typed, email.as_str()]).await
    }
    /// The person with this `sub` there, whatever their address is by now; the rest as [`Self::find`].
    ///
    /// # Errors
    /// When the pool does not say.
    pub async fn find_subject(&self, pool: &CognitoConfig, subject: &str) -> Result<Option<DirectoryUser>, DirectoryError> {
        self.find_by(pool, &[subject]).await
    }
    /// Waits as long as a refusal by the pool took lately, so that a refusal without it is not told by its speed (security 71). Where
    /// none was seen yet, the pool is asked for somebody made up of the fresh bytes, as it would be for anybody.
    pub async fn linger(&self, pool: &CognitoConfig, fresh: [u8; 16]) {
        let Some(cognito) = &self.cognito else { return };
        let seen = lock(&cognito.refusals).next();
        if let Some(wait) = seen {
            return sleep_exactly(wait).await;
        }
        let nobody = nobody(fresh);
        if let Err(error) = self.verify(pool, &nobody, &SecretText::from(nobody.clone()), fresh).await {
            error.log();
        }
    }

    async fn find_by(&self, pool: &CognitoConfig, names: &[&str]) -> Result<Option<DirectoryUser>, DirectoryError> {
        let cognito = self.ask()?;
        let answer = cognito.find(pool, names).await;
        cognito.note(&answer);
        answer
    }

    fn ask(&self) -> Result<&Cognito, DirectoryError> {
        let Some(cognito) = &self.cognito else {
            return Err(DirectoryError::Misconfigured("this function was not built to ask one".to_owned()));
        };
        match lock(&cognito.breaker).admit(Instant::now()) {
            Ok(()) => Ok(cognito),
            Err(rest) => Err(DirectoryError::Resting(rest.as_secs().max(1))),
        }
    }
}

impl Cognito {
    fn note<T>(&self, answer: &Result<T, DirectoryError>) {
        let failed = answer.as_ref().err().is_some_and(DirectoryError::is_failure);
        lock(&self.breaker).note(failed, Instant::now());
    }

    async fn verify(
        &self,
        pool: &CognitoConfig,
        username: &str,
        password: &SecretText,
    ) -> Result<DirectoryVerdict, DirectoryError> {
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
            Ok(answer) => match challenge(&answer)? {
                Some(verdict) => Ok(verdict),
                // Gone between the two calls: nobody's any more.
                None => Ok(match self.user(&pool.user_pool_id, username).await? {
                    Some(user) => DirectoryVerdict::Right(Box::new(self.with_groups(pool, user).await?)),
                    None => DirectoryVerdict::Wrong,
                }),
            },
            Err(error) => refusal(&error),
        }
    }

    /// The first whom one of these names.
    async fn find(&self, config: &CognitoConfig, names: &[&str]) -> Result<Option<DirectoryUser>, DirectoryError> {
        let pool = &config.user_pool_id;
        let mut found = None;
        for (position, name) in names.iter().enumerate() {
            if found.is_none() && !names[..position].contains(name) {
                found = self.user(pool, name).await?;
            }
        }
        let Some(user) = found else { return Ok(None) };
        let asked = self.client.get_user_pool_mfa_config().user_pool_id(pool.as_str());
        let answer = asked.customize().config_override(in_region(pool)).send().await.map_err(|error| silence(&error))?;
        let everybody = answer.mfa_configuration() == Some(&UserPoolMfaType::On);
        let user = DirectoryUser { has_second_factor: user.has_second_factor || everybody, ..user };
        Ok(Some(self.with_groups(config, user).await?))
    }

    /// The person with their groups (`AdminListGroupsForUser`), where groups become roles.
    async fn with_groups(&self, config: &CognitoConfig, mut user: DirectoryUser) -> Result<DirectoryUser, DirectoryError> {
        if config.groups.is_empty() {
            return Ok(user);
        }
        let pool = &config.user_pool_id;
        let mut next = None;
        loop {
            let asked = self.client.admin_list_groups_for_user().user_pool_id(pool.as_str()).username(&user.username);
            let asked = asked.limit(PAGE).set_next_token(next).customize().config_override(in_region(pool));
            let page = asked.send().await.map_err(|error| silence(&error))?;
            user.groups.extend(page.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_name));
            next = page.next_token;
            // A pool puts nobody into more than a hundred.
            if next.is_none() || user.groups.len() > 100 {
                return Ok(user);
            }
        }
    }

    async fn user(&self, pool: &UserPoolId, username: &str) -> Result<Option<DirectoryUser>, DirectoryError> {
        if !is_username(username) {
            return Ok(None);
        }
        let asked = self.client.admin_get_user().user_pool_id(pool.as_str()).username(username);
        match asked.customize().config_override(in_region(pool)).send().await {
            Ok(user) => read(user).map(Some),
            Err(error) if error.as_service_error().is_some_and(AdminGetUserError::is_user_not_found_exception) => Ok(None),
            Err(error) => Err(silence(&error)),
        }
    }
}

/// Whether a pool can have such a username.
fn is_username(name: &str) -> bool {
    name.chars().count() <= LONGEST_USERNAME
}

/// Somebody made up.
fn nobody(fresh: [u8; 16]) -> String {
    format!("{}@{NOWHERE}", HEXLOWER.encode(&fresh))
}

/// A pool is asked in its own region, wherever the function runs.
fn in_region(pool: &UserPoolId) -> Builder {
    Builder::new().region(Region::new(pool.region().to_owned()))
}

/// What a challenge in place of tokens means; `None` for tokens. The pool challenges only who knows the password.
fn challenge(answer: &AdminInitiateAuthOutput) -> Result<Option<DirectoryVerdict>, DirectoryError> {
    match answer.challenge_name() {
        None if answer.authentication_result().is_some() => Ok(None),
        None => Err(DirectoryError::Unavailable("neither tokens nor a challenge".to_owned())),
        Some(ChallengeNameType::NewPasswordRequired) => Ok(Some(DirectoryVerdict::MustBeReplaced)),
        Some(
            ChallengeNameType::EmailOtp
            | ChallengeNameType::MfaSetup
            | ChallengeNameType::SelectMfaType
            | ChallengeNameType::SmsMfa
            | ChallengeNameType::SmsOtp
            | ChallengeNameType::SoftwareTokenMfa,
        ) => Ok(Some(DirectoryVerdict::SecondFactor)),
        Some(other) => Err(DirectoryError::Misconfigured(format!("it answers a password with {}", other.as_str()))),
    }
}

/// What a refusal means.
fn refusal(error: &SdkError<AdminInitiateAuthError>) -> Result<DirectoryVerdict, DirectoryError> {
    use AdminInitiateAuthError as Refusal;
    match error.as_service_error() {
        Some(Refusal::NotAuthorizedException(refused)) => {
            let words = refused.message().unwrap_or_default();
            // The pool's own lock: whoever tried, nothing was evaluated now.
            if words.contains("attempts exceeded") {
                return Err(DirectoryError::Locked("too many tries".to_owned()));
            }
            // Also: "… is configured with secret but SECRET_HASH was not received".
            if words.to_ascii_lowercase().contains("secret") {
                return Err(DirectoryError::Misconfigured("its app client has a secret".to_owned()));
            }
            Ok(DirectoryVerdict::Wrong)
        }
        // The pool says of an ordered reset, and of a user who never confirmed, before it looks at the password: whoever asks is told
        // nothing of either.
        Some(
            Refusal::UserNotFoundException(_)
            | Refusal::PasswordResetRequiredException(_)
            | Refusal::UserNotConfirmedException(_)
            // A trigger of the pool's owner does not let them in.
            | Refusal::UserLambdaValidationException(_),
        ) => Ok(DirectoryVerdict::Wrong),
        Some(Refusal::UnexpectedLambdaException(_) | Refusal::InvalidLambdaResponseException(_)) => {
            Err(DirectoryError::Locked("a trigger of the pool failed".to_owned()))
        }
        Some(_) | None => Err(silence(error)),
    }
}

/// Why there is no verdict; by codes alone, since messages may repeat what was sent.
fn silence<E: ProvideErrorMetadata>(error: &SdkError<E>) -> DirectoryError {
    let Some(code) = error.as_service_error().and_then(ProvideErrorMetadata::code) else {
        let kind = match error {
            SdkError::TimeoutError(_) => "time ran out",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ConstructionFailure(_) => "the request could not be built",
            SdkError::ResponseError(_) | SdkError::ServiceError(_) => "the answer does not read",
            _ => "the call failed",
        };
        return DirectoryError::Unavailable(kind.to_owned());
    };
    match code {
        "TooManyRequestsException" | "ThrottlingException" | "LimitExceededException" | "RequestLimitExceeded" => {
            DirectoryError::Busy(code.to_owned())
        }
        "InternalErrorException" | "InternalFailure" | "ServiceUnavailable" => DirectoryError::Unavailable(code.to_owned()),
        _ if error.raw_response().is_some_and(|answer| answer.status().is_server_error()) => {
            DirectoryError::Unavailable(code.to_owned())
        }
        _ => DirectoryError::Misconfigured(code.to_owned()),
    }
}

fn read(user: AdminGetUserOutput) -> Result<DirectoryUser, DirectoryError> {
    let has_second_factor = !user.user_mfa_setting_list().is_empty() || !user.mfa_options().is_empty();
    let attributes = user.user_attributes().iter();
    let mut attributes: BTreeMap<String, String> =
        attributes.filter_map(|attribute| Some((attribute.name().to_owned(), attribute.value()?.to_owned()))).collect();
    let subject = attributes.remove("sub").filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| DirectoryError::Unavailable("a user without sub".to_owned()))?;
    Ok(DirectoryUser {
        subject,
        username: user.username,
        enabled: user.enabled,
        has_second_factor,
        groups: Vec::new(),
        attributes,
    })
}

/// How long the pool took to refuse, the latest times in a row.
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
    /// One of them, each in its turn.
    fn next(&mut self) -> Option<Duration> {
        self.next = self.next.wrapping_add(1);
        self.took.get(self.next.checked_rem(self.took.len())?).copied()
    }
}

/// Tokio's timer wakes up to two milliseconds late, which would show: the end of a wait is left to the system's.
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
