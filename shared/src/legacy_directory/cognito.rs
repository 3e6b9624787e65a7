//! The adapter of Cognito user pools.

use super::error::LegacyDirectoryError;
use crate::domain::legacy_directory::{LegacyPasswordVerdict, LegacyUser};
use crate::domain::secret::SecretText;
use crate::domain::tenant::LegacyDirectoryConfig;
use crate::domain::tenant::legacy_directory::UserPoolId;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::{Builder, Region};
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::{AdminGetUserError, AdminGetUserOutput};
use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::{AdminInitiateAuthError, AdminInitiateAuthOutput};
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, ChallengeNameType, UserPoolMfaType};
use std::collections::BTreeMap;

/// The maximum number of groups in one page of a pool.
const PAGE: i32 = 60;
/// The maximum length of a username in a pool, in characters. No user has a longer one, and a request with a longer one is an error.
const LONGEST_USERNAME: usize = 128;

/// User pools, through one client.
pub(super) struct UserPools {
    client: Client,
}

impl UserPools {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
    pub(super) async fn verify(
        &self,
        pool: &LegacyDirectoryConfig,
        username: &str,
        password: &SecretText,
        unknown: String,
    ) -> Result<LegacyPasswordVerdict, LegacyDirectoryError> {
        let username = if is_username(username) { username } else { unknown.as_str() };
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
    pub(super) async fn find(
        &self,
        config: &LegacyDirectoryConfig,
        names: &[&str],
    ) -> Result<Option<LegacyUser>, LegacyDirectoryError> {
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
    async fn with_groups(
        &self,
        config: &LegacyDirectoryConfig,
        mut user: LegacyUser,
    ) -> Result<LegacyUser, LegacyDirectoryError> {
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
