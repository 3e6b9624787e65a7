//! Compares `[passkeys]`. How many passkeys and accounts a change concerns is counted by the command, which knows the issuer and the accounts.

use super::effects::{Plan, list, missing};
use crate::domain::tenant::PasskeyPolicy;

pub(super) fn compare(plan: &mut Plan, now: &PasskeyPolicy, then: &PasskeyPolicy) {
    match (now.enabled, then.enabled) {
        (true, false) => plan.danger("passkeys.enabled", "no passkey signs in, and none can be added; they remain stored"),
        (false, true) => plan.notice("passkeys.enabled", "users can add passkeys, and sign in with them"),
        (true, true) | (false, false) => {}
    }
    match (now.offer, then.offer) {
        (true, false) => {
            plan.notice("passkeys.offer", "no passkey is offered after a sign-in; users find them in their account")
        }
        (false, true) => plan.notice("passkeys.offer", "a passkey is offered after a sign-in"),
        (true, true) | (false, false) => {}
    }
    if then.enabled && now.rp_id != then.rp_id {
        let site = |rp_id: &Option<String>| rp_id.clone().unwrap_or_else(|| "the host of the issuer".to_owned());
        plan.danger(
            "passkeys.rp_id",
            format!(
                "passkeys belong to {} instead of {}: those of another site sign in no more",
                site(&then.rp_id),
                site(&now.rp_id)
            ),
        );
    }
    let lost = missing(&now.related_origins, &then.related_origins);
    if !lost.is_empty() {
        plan.danger("passkeys.related_origins", format!("passkeys sign in no more on pages of {}", list(&lost)));
    }
    let gained = missing(&then.related_origins, &now.related_origins);
    if !gained.is_empty() {
        plan.notice("passkeys.related_origins", format!("passkeys sign in on pages of {}, too", list(&gained)));
    }
}
