//! Compares policies and lifetimes. A stored item keeps its expiry, unless it is used again.

use super::effects::{Plan, day, length};
use crate::domain::source::SourcePolicy;
use crate::domain::tenant::{LostFactorPolicy, PasswordPolicy, SecondFactorPolicy, SignInPolicy, Signer, TenantConfig};
use crate::domain::time::Span;

pub(super) fn compare(plan: &mut Plan, now: &TenantConfig, then: &TenantConfig) {
    password(plan, now.password, then.password);
    let lifetimes = [
        (
            "session.idle",
            "an unused session",
            now.session.idle,
            then.session.idle,
            "an existing session follows at its next use",
        ),
        ("session.absolute", "a session", now.session.absolute, then.session.absolute, "existing sessions keep their expiry"),
        ("token.access", "an access or ID token", now.token.access, then.token.access, "issued tokens keep their expiry"),
        (
            "token.refresh_idle",
            "an unused refresh token",
            now.token.refresh_idle,
            then.token.refresh_idle,
            "an issued token keeps its expiry, the next one follows",
        ),
        (
            "token.refresh_absolute",
            "a grant",
            now.token.refresh_absolute,
            then.token.refresh_absolute,
            "existing grants keep their expiry",
        ),
        (
            "retention.erasure_grace",
            "an account that its owner deletes",
            now.retention.erasure_grace,
            then.retention.erasure_grace,
            "earlier deletion requests keep their date",
        ),
        (
            "retention.email_undo",
            "the chance to undo a change of address",
            now.retention.email_undo,
            then.retention.email_undo,
            "earlier changes keep their expiry",
        ),
        ("retention.audit", "an audit record", now.retention.audit, then.retention.audit, "existing records keep their expiry"),
    ];
    for (path, what, was, is, effect) in lifetimes {
        lifetime(plan, path, what, (was, is), effect);
    }
    sign_in(plan, now.sign_in, then.sign_in);
    signer(plan, now.keys.signer, then.keys.signer);
    sources(plan, now.sources, then.sources);
    mail(plan, &now.mail.from, &then.mail.from);
}

/// A condition for a tenant with tokens signed by KMS.
pub(super) const KMS_MUST_HOLD_KEYS: &str =
    "the stack must have been deployed with signing keys in KMS, otherwise every request of this tenant fails";

fn signer(plan: &mut Plan, was: Signer, is: Signer) {
    match (was, is) {
        (Signer::Local, Signer::Local) | (Signer::Kms, Signer::Kms) => {}
        (Signer::Local, Signer::Kms) => plan.danger(
            "keys.signer",
            format!(
                "in 20 minutes (40 during a rotation) KMS starts to sign every token; earlier signatures verify for a day; \
                 {KMS_MUST_HOLD_KEYS}"
            ),
        ),
        (Signer::Kms, Signer::Local) => plan.notice(
            "keys.signer",
            "keys of Latchkey sign in place of KMS's, starting in 20 minutes (40 during a rotation); earlier signatures \
             verify for a day",
        ),
    }
}

fn sign_in(plan: &mut Plan, was: SignInPolicy, is: SignInPolicy) {
    match (was.mail_code, is.mail_code) {
        (false, true) => {
            plan.danger("sign_in.mail_code", "access to the mailbox of a user is enough to sign in, where one factor is enough")
        }
        (true, false) => plan.danger("sign_in.mail_code", "no user can sign in with a mailed code any more"),
        (false, false) | (true, true) => {}
    }
    match (was.remember_device, is.remember_device) {
        (None, Some(_)) => plan.danger(
            "sign_in.remember_device",
            "a user can choose that a device is asked for no second step: there the password, or a mailed code, is enough",
        ),
        (Some(_), None) => plan.danger("sign_in.remember_device", "every device is asked for the second step again"),
        (Some(was), Some(is)) if was != is => {
            plan.notice(
                "sign_in.remember_device",
                "devices are remembered for another time from now on; those of today keep theirs",
            );
        }
        (_, _) => {}
    }
    match (was.lost_factor, is.lost_factor) {
        (LostFactorPolicy::Off, LostFactorPolicy::Delay) => plan.danger(
            "sign_in.lost_factor",
            "the password and access to the mailbox are enough to remove the second factors of a user within three days",
        ),
        (LostFactorPolicy::Delay, LostFactorPolicy::Off) => {
            plan.danger("sign_in.lost_factor", "users who have lost their second factors need support, also those who wait");
        }
        (LostFactorPolicy::Off, LostFactorPolicy::Off) | (LostFactorPolicy::Delay, LostFactorPolicy::Delay) => {}
    }
    match (was.new_device_mail, is.new_device_mail) {
        (true, false) => plan.danger("sign_in.new_device_mail", "users are not told of sign-ins on new devices any more"),
        (false, true) => plan.notice("sign_in.new_device_mail", "each sign-in on a new device is mailed to its user"),
        (false, false) | (true, true) => {}
    }
    second_factor(plan, was.second_factor, is.second_factor);
}

fn second_factor(plan: &mut Plan, was: SecondFactorPolicy, is: SecondFactorPolicy) {
    use SecondFactorPolicy::{Off, Optional, Required};
    const PATH: &str = "sign_in.second_factor";
    match (was, is) {
        _ if was == is => {}
        (_, Required { from, grace }) => plan.danger(
            PATH,
            format!(
                "from {} users are asked for a second factor, which they can postpone for {}; after that applications get neither a code \
                 nor tokens for an account without one, and refresh tokens of sign-ins with one factor end",
                day(from),
                length(grace)
            ),
        ),
        (Required { .. }, Off | Optional) => {
            plan.danger(PATH, "accounts without a second factor open with one factor again; protected accounts stay protected");
        }
        (_, Off) => plan.danger(PATH, "no user can set up an authenticator app any more; those that are in use stay"),
        (_, Optional) => plan.notice(PATH, "users can set up an authenticator app"),
    }
}

fn sources(plan: &mut Plan, was: SourcePolicy, is: SourcePolicy) {
    match is {
        _ if was == is => {}
        SourcePolicy::Off => plan.danger(
            "limits.sources",
            "an address may fail and send mails without a limit; something in front of the service must have one",
        ),
        SourcePolicy::Normal => plan.notice("limits.sources", "an address gets the default limits of failures and mails"),
        SourcePolicy::Strict => plan.notice(
            "limits.sources",
            "an address gets a sixth of the default limits; offices and mobile networks may reach them",
        ),
    }
}

fn lifetime(plan: &mut Plan, path: &str, what: &str, (was, is): (Span, Span), effect: &str) {
    let words = format!("{what} lasts {} instead of {}; {effect}", length(is), length(was));
    match is.cmp(&was) {
        std::cmp::Ordering::Less => plan.danger(path, format!("shorter: {words}")),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => plan.notice(path, format!("longer: {words}")),
    }
}

fn password(plan: &mut Plan, was: PasswordPolicy, is: PasswordPolicy) {
    let rule = |policy: PasswordPolicy| format!("{} characters, strength {} of 4", policy.min_length, policy.min_strength);
    let words = format!("a new password needs {} instead of {}; existing passwords remain valid", rule(is), rule(was));
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
        plan.danger(
            "mail.from",
            format!("{words}: no mail is sent unless the sender of the deployment covers the new address"),
        );
    } else if is != was {
        plan.notice("mail.from", words);
    }
}
