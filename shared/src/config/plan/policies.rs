//! Rules and lifetimes: what stands keeps the end that it was given, unless it is used again.

use super::{Plan, length};
use crate::domain::tenant::{PasswordPolicy, Signer, TenantConfig};
use crate::domain::time::Span;

pub(super) fn compare(plan: &mut Plan, now: &TenantConfig, then: &TenantConfig) {
    password(plan, now.password, then.password);
    let lifetimes = [
        (
            "session.idle",
            "an unused session",
            now.session.idle,
            then.session.idle,
            "a session that stands follows when it is next used",
        ),
        ("session.absolute", "a session", now.session.absolute, then.session.absolute, "sessions that stand keep their end"),
        ("token.access", "an access or ID token", now.token.access, then.token.access, "tokens that are out keep their end"),
        (
            "token.refresh_idle",
            "an unused refresh token",
            now.token.refresh_idle,
            then.token.refresh_idle,
            "a token that is out keeps its end, its successor follows",
        ),
        (
            "token.refresh_absolute",
            "a grant",
            now.token.refresh_absolute,
            then.token.refresh_absolute,
            "grants that stand keep their end",
        ),
        (
            "retention.erasure_grace",
            "an account that its owner deletes",
            now.retention.erasure_grace,
            then.retention.erasure_grace,
            "who asked before keeps the day that was promised",
        ),
        (
            "retention.email_undo",
            "the chance to undo a change of address",
            now.retention.email_undo,
            then.retention.email_undo,
            "changes made before keep theirs",
        ),
        (
            "retention.audit",
            "an audit record",
            now.retention.audit,
            then.retention.audit,
            "records that are written keep their end",
        ),
    ];
    for (path, what, was, is, whom) in lifetimes {
        lifetime(plan, path, what, (was, is), whom);
    }
    signer(plan, now.keys.signer, then.keys.signer);
    mail(plan, &now.mail.from, &then.mail.from);
}

/// What a tenant depends on whose tokens KMS signs.
pub(super) const KMS_MUST_HOLD_KEYS: &str =
    "the stack must have been deployed with signing keys in KMS, else every request of this tenant fails";

fn signer(plan: &mut Plan, was: Signer, is: Signer) {
    match (was, is) {
        (Signer::Local, Signer::Local) | (Signer::Kms, Signer::Kms) => {}
        (Signer::Local, Signer::Kms) => plan.danger(
            "keys.signer",
            format!(
                "from 20 minutes on (40 while a successor is under way) KMS signs every token; what was signed before verifies for a day; \
                 {KMS_MUST_HOLD_KEYS}"
            ),
        ),
        (Signer::Kms, Signer::Local) => plan.notice(
            "keys.signer",
            "keys of Latchkey sign in place of KMS's, from 20 minutes on (40 while a successor is under way); what was signed before \
             verifies for a day",
        ),
    }
}

fn lifetime(plan: &mut Plan, path: &str, what: &str, (was, is): (Span, Span), whom: &str) {
    let words = format!("{what} lasts {} instead of {}; {whom}", length(is), length(was));
    match is.cmp(&was) {
        std::cmp::Ordering::Less => plan.danger(path, format!("shorter: {words}")),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => plan.notice(path, format!("longer: {words}")),
    }
}

fn password(plan: &mut Plan, was: PasswordPolicy, is: PasswordPolicy) {
    let rule = |policy: PasswordPolicy| format!("{} characters, strength {} of 4", policy.min_length, policy.min_strength);
    let words = format!("a new password needs {} instead of {}; passwords that are set stay", rule(is), rule(was));
    if is.min_length < was.min_length || is.min_strength < was.min_strength {
        plan.danger("password.preset", format!("weaker in part: {words}"));
    } else if is != was {
        plan.notice("password.preset", words);
    }
}

fn mail(plan: &mut Plan, was: &str, is: &str) {
    let domain = |from: &str| from.trim_end_matches('>').rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let words = format!("mails come from {is} instead of {was}");
    if domain(is) != domain(was) {
        plan.danger("mail.from", format!("{words}: none leaves unless the sender of the deployment covers the new address"));
    } else if is != was {
        plan.notice("mail.from", words);
    }
}
