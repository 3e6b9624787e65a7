//! A user pool as its owner reads it: page by page, at a rate that leaves its quota to others.

use crate::refused::Refused;
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
use latchkey::domain::tenant::{CognitoConfig, UserPoolId, Username};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior};

/// The most users that a pool lists at once.
const PAGE: i32 = 60;
/// How often a call is tried before it counts as failed: a throttled pool is waited for.
const ATTEMPTS: u32 = 8;
/// How many looks that fail one after another say that the next one fails, too.
const IN_A_ROW: usize = 5;
/// What it answers to every look where it answers so to one: the asker may not ask, or the pool is not there.
const TO_EVERY_LOOK: [&str; 3] = ["AccessDeniedException", "NotAuthorizedException", "ResourceNotFoundException"];

/// A user pool.
pub(super) struct Pool {
    client: Client,
    id: UserPoolId,
}

/// Ticks at a rate; what a slow pool held up is not made up for afterwards.
pub(super) struct Pace(Mutex<Interval>);

impl Pace {
    /// This many calls a second.
    pub(super) fn of(rate: u32) -> Self {
        let mut interval = tokio::time::interval(Duration::from_secs(1) / rate);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(Mutex::new(interval))
    }
    async fn wait(&self) {
        self.0.lock().await.tick().await;
    }
}

/// Looks at users one by one (`AdminGetUser`), at a rate.
pub(super) struct Looks {
    pace: Pace,
    /// How many failed since the last one that did not.
    failed: AtomicUsize,
}

impl Looks {
    /// This many a second.
    pub(super) fn of(rate: u32) -> Self {
        Self { pace: Pace::of(rate), failed: AtomicUsize::new(0) }
    }
}

/// Why a look at somebody told nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untold {
    /// The next one may.
    #[error(transparent)]
    OfThem(Refused),
    /// Nor would any other.
    #[error(transparent)]
    OfAnybody(Refused),
}

/// A user as the pool lists them.
pub(super) struct PoolUser {
    username: String,
    enabled: bool,
    status: Option<UserStatusType>,
    /// By the pool's names, `sub` among them.
    pub(super) attributes: BTreeMap<String, String>,
}

/// What an import job minds of its pool.
pub(super) struct Settings {
    /// What its users have as a username; `None` where nobody signs in with their address.
    pub(super) username: Option<Username>,
    /// Whether it requires a second factor of everybody.
    pub(super) requires_second_factor: bool,
    /// Whether it takes addresses as proven.
    pub(super) verifies_email: bool,
}

/// How somebody who has not come can, as far as the list tells: it does not tell second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// With their password.
    SignIn,
    /// With a new one: the one that they have there is to be replaced.
    Recovery,
    /// In none, for this reason.
    None(&'static str),
}

impl Pool {
    /// The pool is asked in its own region, with the caller's credentials, whichever Latchkey is meant.
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
    /// About how many users it has (`DescribeUserPool`).
    pub(super) async fn estimate(&self) -> Result<usize, Refused> {
        Ok(usize::try_from(self.describe().await?.estimated_number_of_users).unwrap_or_default())
    }
    /// The columns of its import file (`GetCSVHeader`).
    pub(super) async fn csv_header(&self) -> Result<Vec<String>, Refused> {
        let header = self.client.get_csv_header().user_pool_id(self.id.as_str()).send().await;
        let header = header.map_err(|error| {
            Refused::because(&format!("the user pool {} does not say which columns its import file has", self.id), &error)
        })?;
        Ok(header.csv_header.unwrap_or_default())
    }
    /// What its import job minds (`DescribeUserPool`).
    pub(super) async fn settings(&self) -> Result<Settings, Refused> {
        let pool = self.describe().await?;
        let username = if pool.username_attributes().contains(&UsernameAttributeType::Email) {
            Some(Username::Email)
        } else {
            Some(Username::Sub).filter(|_| pool.alias_attributes().contains(&AliasAttributeType::Email))
        };
        Ok(Settings {
            username,
            requires_second_factor: pool.mfa_configuration() == Some(&UserPoolMfaType::On),
            verifies_email: pool.auto_verified_attributes().contains(&VerifiedAttributeType::Email),
        })
    }
    async fn describe(&self) -> Result<UserPoolType, Refused> {
        let described = self.client.describe_user_pool().user_pool_id(self.id.as_str()).send().await;
        let described =
            described.map_err(|error| Refused::because(&format!("the user pool {} can't be read", self.id), &error))?;
        described.user_pool.ok_or_else(|| Refused::new(format!("the user pool {} says nothing of itself", self.id)))
    }
    /// The names of its groups (`ListGroups`).
    pub(super) async fn groups(&self) -> Result<Vec<String>, Refused> {
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let asked = self.client.list_groups().user_pool_id(self.id.as_str()).limit(PAGE).set_next_token(next);
            let page =
                asked.send().await.map_err(|error| Refused::because("the user pool does not list its groups", &error))?;
            names.extend(page.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_name));
            next = page.next_token;
            if next.is_none() {
                return Ok(names);
            }
        }
    }
    /// A page of the users in a group, and the token of the next one (`ListUsersInGroup`).
    pub(super) async fn members(
        &self,
        pace: &Pace,
        group: &str,
        token: Option<String>,
    ) -> Result<(Vec<PoolUser>, Option<String>), Refused> {
        pace.wait().await;
        let asked = self.client.list_users_in_group().user_pool_id(self.id.as_str()).group_name(group).limit(PAGE);
        let page = asked.set_next_token(token).send().await;
        let page = page.map_err(|error| {
            Refused::because(&format!("the user pool does not list who is in {group}; run it again"), &error)
        })?;
        Ok((page.users.unwrap_or_default().into_iter().map(PoolUser::of).collect(), page.next_token))
    }
    /// Whom it asks for a second factor (`GetUserPoolMfaConfig`), if it says so.
    pub(super) async fn second_factors(&self) -> Result<Option<UserPoolMfaType>, Refused> {
        let config = self.client.get_user_pool_mfa_config().user_pool_id(self.id.as_str()).send().await;
        let config = config.map_err(|error| {
            Refused::because(&format!("the user pool {} does not say whom it asks for a second factor", self.id), &error)
        })?;
        Ok(config.mfa_configuration)
    }
    /// A page of users, and the token of the next one (`ListUsers`).
    pub(super) async fn page(&self, pace: &Pace, token: Option<String>) -> Result<(Vec<PoolUser>, Option<String>), Refused> {
        pace.wait().await;
        let asked = self.client.list_users().user_pool_id(self.id.as_str()).limit(PAGE).set_pagination_token(token);
        let page = asked.send().await;
        let page = page.map_err(|error| Refused::because("the user pool does not list its users; run it again", &error))?;
        Ok((page.users.unwrap_or_default().into_iter().map(PoolUser::of).collect(), page.pagination_token))
    }
    /// Whether this user has a second factor (`AdminGetUser`), unless they are gone from the pool.
    pub(super) async fn has_second_factor(&self, looks: &Looks, user: &PoolUser) -> Result<Option<bool>, Untold> {
        looks.pace.wait().await;
        let asked = self.client.admin_get_user().user_pool_id(self.id.as_str()).username(&user.username);
        let told = match asked.send().await {
            Ok(found) => Some(!found.user_mfa_setting_list().is_empty() || !found.mfa_options().is_empty()),
            Err(error) if error.as_service_error().is_some_and(AdminGetUserError::is_user_not_found_exception) => None,
            Err(error) => {
                let in_a_row = looks.failed.fetch_add(1, Ordering::Relaxed) + 1;
                let refused = Refused::because("the user pool does not tell who has a second factor; run it again", &error);
                let is_to_every = error.code().is_some_and(|code| TO_EVERY_LOOK.contains(&code));
                return Err(if is_to_every || in_a_row >= IN_A_ROW {
                    Untold::OfAnybody(refused)
                } else {
                    Untold::OfThem(refused)
                });
            }
        };
        looks.failed.store(0, Ordering::Relaxed);
        Ok(told)
    }
    /// Who a user of it is, for ever.
    pub(super) fn subject(&self, user: &PoolUser) -> FederatedSubject {
        let subject = user.attributes.get("sub").cloned().unwrap_or_default();
        FederatedSubject { issuer: CognitoConfig::issuer_of(&self.id), subject }
    }
}

impl PoolUser {
    fn of(user: UserType) -> Self {
        let attributes = user.attributes.unwrap_or_default().into_iter();
        Self {
            username: user.username.unwrap_or_default(),
            enabled: user.enabled,
            status: user.user_status,
            attributes: attributes.filter_map(|attribute| Some((attribute.name, attribute.value?))).collect(),
        }
    }
    /// How they can come.
    pub(super) fn way(&self) -> Way {
        if !self.enabled {
            return Way::None("disabled in the pool");
        }
        let way = match &self.status {
            Some(UserStatusType::Confirmed) => Way::SignIn,
            Some(UserStatusType::ForceChangePassword | UserStatusType::ResetRequired) => Way::Recovery,
            Some(UserStatusType::Unconfirmed) => return Way::None("never confirmed their registration"),
            Some(UserStatusType::ExternalProvider) => return Way::None("sign in with another provider"),
            Some(_) | None => return Way::None("in a state that is not known here"),
        };
        let is_proven = self.attributes.get("email_verified").is_some_and(|proven| proven == "true");
        if is_proven { way } else { Way::None("their address was never proven") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_somebody_is_the_pools_state() {
        let user = |status, enabled, proven: &str| PoolUser {
            username: "ada".to_owned(),
            enabled,
            status,
            attributes: [("email_verified".to_owned(), proven.to_owned())].into(),
        };
        let cases = [
            (user(Some(UserStatusType::Confirmed), true, "true"), Way::SignIn),
            (user(Some(UserStatusType::Confirmed), true, "false"), Way::None("their address was never proven")),
            (user(Some(UserStatusType::Confirmed), false, "true"), Way::None("disabled in the pool")),
            (user(Some(UserStatusType::ForceChangePassword), true, "true"), Way::Recovery),
            (user(Some(UserStatusType::ResetRequired), true, "true"), Way::Recovery),
            (user(Some(UserStatusType::ResetRequired), true, "false"), Way::None("their address was never proven")),
            (user(Some(UserStatusType::Unconfirmed), true, "false"), Way::None("never confirmed their registration")),
            (user(Some(UserStatusType::ExternalProvider), true, "true"), Way::None("sign in with another provider")),
            (user(None, true, "true"), Way::None("in a state that is not known here")),
        ];
        for (user, expected) in cases {
            assert_eq!(user.way(), expected);
        }
    }
}
