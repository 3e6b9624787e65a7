//! Compares the legacy user pool. The stack must be deployed with the ARN of the pool. Without the pool, users who were not migrated can
//! no longer sign in.

use super::effects::Plan;
use crate::domain::id::ClientId;
use crate::domain::tenant::{LegacyDirectoryConfig, RegistrationConfig, SubPolicy};
use std::collections::BTreeMap;

pub(super) fn compare(
    plan: &mut Plan,
    form: &RegistrationConfig,
    now: Option<&LegacyDirectoryConfig>,
    then: Option<&LegacyDirectoryConfig>,
) {
    match (now, then) {
        (None, None) => {}
        (None, Some(then)) => plan.danger(
            "cognito",
            format!(
                "users without an account are looked up in user pool {} and migrated; the stack must have been deployed with its ARN as UserPoolArn, otherwise no user is migrated and no user can reset a password",
                then.user_pool_id
            ),
        ),
        (Some(now), None) => plan.danger(
            "cognito",
            format!("user pool {} is no longer called: users who were not migrated can no longer sign in", now.user_pool_id),
        ),
        (Some(now), Some(then)) => changed(plan, form, now, then),
    }
    let exchange = |config: Option<&LegacyDirectoryConfig>| config.map(|config| config.exchange.clone()).unwrap_or_default();
    compare_exchange(plan, &exchange(now), &exchange(then));
}

fn changed(plan: &mut Plan, form: &RegistrationConfig, now: &LegacyDirectoryConfig, then: &LegacyDirectoryConfig) {
    if now.user_pool_id != then.user_pool_id {
        plan.danger(
            "cognito.user_pool_id",
            format!(
                "users are migrated from {} instead of {}: users who were not migrated from there can no longer sign in",
                then.user_pool_id, now.user_pool_id
            ),
        );
    }
    if now.client_id != then.client_id {
        plan.notice("cognito.client_id", "passwords are verified through another app client of the pool");
    }
    match (now.sub, then.sub) {
        (SubPolicy::Alias, SubPolicy::Alias) | (SubPolicy::Keep, SubPolicy::Keep) => {}
        (SubPolicy::Alias, SubPolicy::Keep) => {
            plan.notice("cognito.sub", "users migrated from now on keep the pool's sub; users migrated before keep their own");
        }
        (SubPolicy::Keep, SubPolicy::Alias) => {
            plan.notice("cognito.sub", "users migrated from now on get a new sub; users migrated before keep the pool's");
        }
    }
    if now.groups != then.groups {
        plan.danger(
            "cognito.groups",
            "groups of the pool map to other roles, for users migrated from now on and at the next import",
        );
    }
    for field in form.fields.iter().map(|field| field.name.as_str()) {
        let (was, is) = (now.attribute_of(field), then.attribute_of(field));
        if was != is {
            plan.notice(
                &format!("cognito.attributes.{field}"),
                format!("{field} is filled from {is} instead of {was}, for users migrated from now on"),
            );
        }
    }
}

fn compare_exchange(plan: &mut Plan, now: &BTreeMap<String, ClientId>, then: &BTreeMap<String, ClientId>) {
    for (app_client, client) in now {
        if then.get(app_client) != Some(client) {
            let words = format!(
                "tokens of the pool's app client {app_client} are no longer exchanged for {client}'s: users signed in there must sign in again"
            );
            plan.danger("cognito.exchange", words);
        }
    }
    for (app_client, client) in then {
        if now.get(app_client) != Some(client) {
            let words = format!(
                "any holder of an access token of the pool's app client {app_client} can exchange it for tokens of {client}"
            );
            plan.danger("cognito.exchange", words);
        }
    }
}

#[cfg(test)]
mod tests;
