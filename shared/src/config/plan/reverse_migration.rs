//! Compares the user pool of a reverse migration. A caller of the trigger can try passwords, and the pool receives the users' data.

use super::effects::Plan;
use crate::domain::tenant::{RegistrationConfig, ReverseMigrationConfig};

pub(super) fn compare(
    plan: &mut Plan,
    form: &RegistrationConfig,
    now: Option<&ReverseMigrationConfig>,
    then: Option<&ReverseMigrationConfig>,
) {
    match (now, then) {
        (None, None) => {}
        (Some(now), Some(then)) => changed(plan, form, now, then),
        (None, Some(then)) => plan.danger(
            "handover",
            format!(
                "user pool {} may verify users by address and password, and receives their data; the stack must have been deployed with its ARN as ReturnPoolArn, otherwise it can verify no user",
                then.user_pool_id
            ),
        ),
        (Some(now), None) => {
            plan.danger(
                "handover",
                format!("user pool {} is refused: users no longer migrate to it by signing in", now.user_pool_id),
            );
        }
    }
}

fn changed(plan: &mut Plan, form: &RegistrationConfig, now: &ReverseMigrationConfig, then: &ReverseMigrationConfig) {
    if now.user_pool_id != then.user_pool_id {
        let words = format!("users migrate to {} instead of {}, which is refused", then.user_pool_id, now.user_pool_id);
        plan.danger("handover.user_pool_id", words);
    }
    if now.username != then.username {
        let (was, is) = (now.username.as_str(), then.username.as_str());
        plan.notice("handover.username", format!("the username in the pool is the user's {is} instead of the {was}"));
    }
    let said = |attribute: Option<&str>| attribute.unwrap_or("no attribute").to_owned();
    if now.sub != then.sub {
        let (was, is) = (said(now.sub.as_deref()), said(then.sub.as_deref()));
        plan.notice("handover.sub", format!("the user's sub becomes {is} instead of {was}"));
    }
    for field in form.fields.iter().map(|field| field.name.as_str()) {
        let (was, is) = (now.attribute_of(field), then.attribute_of(field));
        if was != is {
            let words = format!("{field} becomes {} instead of {}, for users migrated from now on", said(is), said(was));
            plan.notice(&format!("handover.attributes.{field}"), words);
        }
    }
}
