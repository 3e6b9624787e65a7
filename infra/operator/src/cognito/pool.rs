//! A client for a user pool, with its owner's credentials. It reads page by page, at a rate that leaves quota for other callers.

use crate::command_error::CommandError;
use crate::target::{Place, Target};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata as _;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserError;
use aws_sdk_cognitoidentityprovider::types::{
    AliasAttributeType, UserPoolMfaType, UserPoolType, UserStatusType, UserType, UsernameAttributeType, VerifiedAttributeType,
};
use latchkey::domain::linked_identity::FederatedSubject;
use latchkey::domain::tenant::legacy_directory::UserPoolId;
use latchkey::domain::tenant::{LegacyDirectoryConfig, Username};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior};

/// The most users that the pool returns in one page.
const PAGE: i32 = 60;
/// How often a call is tried before it counts as failed. Throttled calls are retried with backoff.
const ATTEMPTS: u32 = 8;
/// After this many failed lookups in a row, the next one is expected to fail too.
const MAX_CONSECUTIVE_FAILURES: usize = 5;
/// Errors that every lookup would get: the caller lacks the permission, or the pool does not exist.
const GENERAL_ERRORS: [&str; 3] = ["AccessDeniedException", "NotAuthorizedException", "ResourceNotFoundException"];

/// A user pool.
pub(super) struct Pool {
    client: Client,
    id: UserPoolId,
}

/// A rate limiter. It does not catch up after a slow call.
pub(super) struct RateLimit(Mutex<Interval>);

impl RateLimit {
    /// `rate`: calls a second.
    pub(super) fn per_second(rate: u32) -> Self {
        let mut interval = tokio::time::interval(Duration::from_secs(1) / rate);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(Mutex::new(interval))
    }
    async fn wait(&self) {
        self.0.lock().await.tick().await;
    }
}

/// UserLookups up users one by one (`AdminGetUser`), at a limited rate.
pub(super) struct UserLookups {
    pace: RateLimit,
    /// How many lookups failed since the last successful one.
    failed: AtomicUsize,
}

impl UserLookups {
    /// `rate`: lookups a second.
    pub(super) fn per_second(rate: u32) -> Self {
        Self { pace: RateLimit::per_second(rate), failed: AtomicUsize::new(0) }
    }
}

/// Why a lookup failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    /// The next lookup may succeed.
    #[error(transparent)]
    User(CommandError),
    /// Every other lookup would fail too.
    #[error(transparent)]
    Pool(CommandError),
}

/// A user as the pool lists it.
pub(super) struct PoolUser {
    username: String,
    enabled: bool,
    status: Option<UserStatusType>,
    /// Attributes by the pool's names, `sub` among them.
    pub(super) attributes: BTreeMap<String, String>,
}

/// PoolSettings of the pool that its import job depends on.
pub(super) struct PoolSettings {
    /// What the pool uses as username. `None` if users cannot sign in with their address.
    pub(super) username: Option<Username>,
    /// Whether every user must have a second factor.
    pub(super) requires_second_factor: bool,
    /// Whether the pool verifies e-mail addresses.
    pub(super) verifies_email: bool,
}

/// How a user can be imported, as far as the list shows. The list does not show second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImportRoute {
    /// With their current password.
    CurrentPassword,
    /// With a new password: the pool requires a new one.
    NewPassword,
    /// Not at all, for this reason.
    Excluded(&'static str),
}

impl Pool {
    /// Connects to the pool in its own region with the caller's credentials, whichever target is selected.
    pub(super) async fn open(target: &Target, id: &UserPoolId) -> Self {
        let aws: SdkConfig = match &target.place {
            Place::Stack(stack) => stack.aws.clone(),
            Place::Local => {
                aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(target.trust.client()).load().await
            }
        };
        let config = aws_sdk_cognitoidentityprovider::config::Builder::from(&aws)
            .region(Region::new(id.region().to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        Self { client: Client::from_conf(config.build()), id: id.clone() }
    }
    /// The approximate number of users (`DescribeUserPool`).
    pub(super) async fn estimate(&self) -> Result<usize, CommandError> {
        Ok(usize::try_from(self.describe().await?.estimated_number_of_users).unwrap_or_default())
    }
    /// The columns of the pool's import file (`GetCSVHeader`).
    pub(super) async fn csv_header(&self) -> Result<Vec<String>, CommandError> {
        let header = self.client.get_csv_header().user_pool_id(self.id.as_str()).send().await;
        let header = header.map_err(|error| {
            CommandError::caused_by(
                &format!("the user pool {} does not say which columns its import file has", self.id),
                &error,
            )
        })?;
        Ok(header.csv_header.unwrap_or_default())
    }
    /// The settings that the import job depends on (`DescribeUserPool`).
    pub(super) async fn settings(&self) -> Result<PoolSettings, CommandError> {
        let pool = self.describe().await?;
        let username = if pool.username_attributes().contains(&UsernameAttributeType::Email) {
            Some(Username::Email)
        } else {
            Some(Username::Sub).filter(|_| pool.alias_attributes().contains(&AliasAttributeType::Email))
        };
        Ok(PoolSettings {
            username,
            requires_second_factor: pool.mfa_configuration() == Some(&UserPoolMfaType::On),
            verifies_email: pool.auto_verified_attributes().contains(&VerifiedAttributeType::Email),
        })
    }
    async fn describe(&self) -> Result<UserPoolType, CommandError> {
        let described = self.client.describe_user_pool().user_pool_id(self.id.as_str()).send().await;
        let described =
            described.map_err(|error| CommandError::caused_by(&format!("the user pool {} cannot be read", self.id), &error))?;
        described.user_pool.ok_or_else(|| CommandError::new(format!("the user pool {} returned no description", self.id)))
    }
    /// The names of the pool's groups (`ListGroups`).
    pub(super) async fn list_groups(&self) -> Result<Vec<String>, CommandError> {
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let asked = self.client.list_groups().user_pool_id(self.id.as_str()).limit(PAGE).set_next_token(next);
            let page = asked
                .send()
                .await
                .map_err(|error| CommandError::caused_by("the user pool does not list its groups", &error))?;
            names.extend(page.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_name));
            next = page.next_token;
            if next.is_none() {
                return Ok(names);
            }
        }
    }
    /// A page of the users in a group, and the token of the next page (`ListUsersInGroup`).
    pub(super) async fn list_group_members(
        &self,
        pace: &RateLimit,
        group: &str,
        token: Option<String>,
    ) -> Result<(Vec<PoolUser>, Option<String>), CommandError> {
        pace.wait().await;
        let asked = self.client.list_users_in_group().user_pool_id(self.id.as_str()).group_name(group).limit(PAGE);
        let page = asked.set_next_token(token).send().await;
        let page = page.map_err(|error| {
            CommandError::caused_by(
                &format!("the user pool does not list the members of {group}; run the command again"),
                &error,
            )
        })?;
        Ok((page.users.unwrap_or_default().into_iter().map(PoolUser::from_sdk).collect(), page.next_token))
    }
    /// Which users need a second factor (`GetUserPoolMfaConfig`), if the pool says so.
    pub(super) async fn second_factors(&self) -> Result<Option<UserPoolMfaType>, CommandError> {
        let config = self.client.get_user_pool_mfa_config().user_pool_id(self.id.as_str()).send().await;
        let config = config.map_err(|error| {
            CommandError::caused_by(&format!("the user pool {} does not show its settings for second factors", self.id), &error)
        })?;
        Ok(config.mfa_configuration)
    }
    /// A page of users, and the token of the next page (`ListUsers`).
    pub(super) async fn list_users(
        &self,
        pace: &RateLimit,
        token: Option<String>,
    ) -> Result<(Vec<PoolUser>, Option<String>), CommandError> {
        pace.wait().await;
        let asked = self.client.list_users().user_pool_id(self.id.as_str()).limit(PAGE).set_pagination_token(token);
        let page = asked.send().await;
        let page = page
            .map_err(|error| CommandError::caused_by("the user pool does not list its users; run the command again", &error))?;
        Ok((page.users.unwrap_or_default().into_iter().map(PoolUser::from_sdk).collect(), page.pagination_token))
    }
    /// Whether this user has a second factor (`AdminGetUser`). `None` if the user no longer exists.
    pub(super) async fn has_second_factor(&self, lookups: &UserLookups, user: &PoolUser) -> Result<Option<bool>, LookupError> {
        lookups.pace.wait().await;
        let asked = self.client.admin_get_user().user_pool_id(self.id.as_str()).username(&user.username);
        let told = match asked.send().await {
            Ok(found) => Some(!found.user_mfa_setting_list().is_empty() || !found.mfa_options().is_empty()),
            Err(error) if error.as_service_error().is_some_and(AdminGetUserError::is_user_not_found_exception) => None,
            Err(error) => {
                let in_a_row = lookups.failed.fetch_add(1, Ordering::Relaxed) + 1;
                let refused = CommandError::caused_by(
                    "the user pool does not show who has a second factor; run the command again",
                    &error,
                );
                let is_to_every = error.code().is_some_and(|code| GENERAL_ERRORS.contains(&code));
                return Err(if is_to_every || in_a_row >= MAX_CONSECUTIVE_FAILURES {
                    LookupError::Pool(refused)
                } else {
                    LookupError::User(refused)
                });
            }
        };
        lookups.failed.store(0, Ordering::Relaxed);
        Ok(told)
    }
    /// The permanent identity of one of the pool's users.
    pub(super) fn subject(&self, user: &PoolUser) -> FederatedSubject {
        let subject = user.attributes.get("sub").cloned().unwrap_or_default();
        FederatedSubject { issuer: LegacyDirectoryConfig::issuer_of(&self.id), subject }
    }
}

impl PoolUser {
    fn from_sdk(user: UserType) -> Self {
        let attributes = user.attributes.unwrap_or_default().into_iter();
        Self {
            username: user.username.unwrap_or_default(),
            enabled: user.enabled,
            status: user.user_status,
            attributes: attributes.filter_map(|attribute| Some((attribute.name, attribute.value?))).collect(),
        }
    }
    /// How the user can be imported.
    pub(super) fn import_route(&self) -> ImportRoute {
        if !self.enabled {
            return ImportRoute::Excluded("disabled in the pool");
        }
        let way = match &self.status {
            Some(UserStatusType::Confirmed) => ImportRoute::CurrentPassword,
            Some(UserStatusType::ForceChangePassword | UserStatusType::ResetRequired) => ImportRoute::NewPassword,
            Some(UserStatusType::Unconfirmed) => return ImportRoute::Excluded("never confirmed their registration"),
            Some(UserStatusType::ExternalProvider) => return ImportRoute::Excluded("sign in with another provider"),
            Some(_) | None => return ImportRoute::Excluded("in a state that is not known here"),
        };
        let is_proven = self.attributes.get("email_verified").is_some_and(|proven| proven == "true");
        if is_proven { way } else { ImportRoute::Excluded("their address was never proven") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_in_the_pool_decides_how_a_user_can_be_imported() {
        let user = |status, enabled, proven: &str| PoolUser {
            username: "ada".to_owned(),
            enabled,
            status,
            attributes: [("email_verified".to_owned(), proven.to_owned())].into(),
        };
        let cases = [
            (user(Some(UserStatusType::Confirmed), true, "true"), ImportRoute::CurrentPassword),
            (user(Some(UserStatusType::Confirmed), true, "false"), ImportRoute::Excluded("their address was never proven")),
            (user(Some(UserStatusType::Confirmed), false, "true"), ImportRoute::Excluded("disabled in the pool")),
            (user(Some(UserStatusType::ForceChangePassword), true, "true"), ImportRoute::NewPassword),
            (user(Some(UserStatusType::ResetRequired), true, "true"), ImportRoute::NewPassword),
            (user(Some(UserStatusType::ResetRequired), true, "false"), ImportRoute::Excluded("their address was never proven")),
            (
                user(Some(UserStatusType::Unconfirmed), true, "false"),
                ImportRoute::Excluded("never confirmed their registration"),
            ),
            (
                user(Some(UserStatusType::ExternalProvider), true, "true"),
                ImportRoute::Excluded("sign in with another provider"),
            ),
            (user(None, true, "true"), ImportRoute::Excluded("in a state that is not known here")),
        ];
        for (user, expected) in cases {
            assert_eq!(user.import_route(), expected);
        }
    }
}
