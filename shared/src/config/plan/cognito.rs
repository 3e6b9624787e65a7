//! The user pool that people come from: a door that only a stack which was told of it can open, and that leaves people behind when it
//! closes.

use super::super::{CognitoConfig, KeptSub, RegistrationConfig};
use super::Plan;

pub(super) fn compare(plan: &mut Plan, form: &RegistrationConfig, now: Option<&CognitoConfig>, then: Option<&CognitoConfig>) {
    match (now, then) {
        (None, None) => {}
        (None, Some(then)) => plan.danger(
            "cognito",
            format!(
                "whom nobody here knows is asked for in user pool {}, and comes over; the stack must have been deployed with its ARN as UserPoolArn, else nobody comes, and nobody at all can reset a password",
                then.user_pool_id
            ),
        ),
        (Some(now), None) => plan.danger(
            "cognito",
            format!("user pool {} is asked no more: who has not come from there signs in no more", now.user_pool_id),
        ),
        (Some(now), Some(then)) => changed(plan, form, now, then),
    }
}

fn changed(plan: &mut Plan, form: &RegistrationConfig, now: &CognitoConfig, then: &CognitoConfig) {
    if now.user_pool_id != then.user_pool_id {
        plan.danger(
            "cognito.user_pool_id",
            format!(
                "people come from {} instead of {}: who has not come from there signs in no more",
                then.user_pool_id, now.user_pool_id
            ),
        );
    }
    if now.client_id != then.client_id {
        plan.notice("cognito.client_id", "passwords are verified through another app client of the pool");
    }
    match (now.sub, then.sub) {
        (KeptSub::Alias, KeptSub::Alias) | (KeptSub::Keep, KeptSub::Keep) => {}
        (KeptSub::Alias, KeptSub::Keep) => {
            plan.notice("cognito.sub", "who comes from now on keeps the pool's sub; who came before keeps their own");
        }
        (KeptSub::Keep, KeptSub::Alias) => {
            plan.notice("cognito.sub", "who comes from now on gets a new sub; who came before keeps the pool's");
        }
    }
    for field in form.fields.iter().map(|field| field.name.as_str()) {
        let (was, is) = (now.attribute_of(field), then.attribute_of(field));
        if was != is {
            plan.notice(
                &format!("cognito.attributes.{field}"),
                format!("{field} comes from {is} instead of {was}, for who comes from now on"),
            );
        }
    }
}
