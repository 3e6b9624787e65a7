//! The messages of mails: their text, code and links.

use crate::domain::secret::SecretText;
use crate::domain::time::{Span, Timestamp};
use crate::locale::{self, FluentValue};
use serde::Serialize;

pub use super::news::{FormerAddressNews, SecondFactorNews};

/// The message of a mail. Flow ids are sealed locators, and tokens are base64url. Neither needs escaping in a query.
#[derive(Debug)]
pub enum Message {
    /// The code and link that verify the address of a new account.
    RegistrationCode {
        /// The flow's public id.
        flow: String,
        /// 6 digits, or 10 base32 characters.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// The remaining lifetime of both.
        lifetime: Span,
        /// Whether the user requested it again. Earlier codes and links are invalid.
        resent: bool,
    },
    /// The owner of the address has an account already.
    AlreadyRegistered,
    /// The password-reset code and its link.
    PasswordResetCode {
        /// The flow's public id.
        flow: String,
        /// 10 base32 characters.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// The remaining lifetime of both.
        lifetime: Span,
        /// Whether the user requested it again. Earlier codes and links are invalid.
        resent: bool,
    },
    /// The code to sign in with.
    SignInCode {
        /// 6 digits, or 10 base32 characters.
        code: SecretText,
        /// The remaining lifetime.
        lifetime: Span,
        /// Whether the user requested it again. Earlier codes are invalid.
        resent: bool,
    },
    /// The password was changed.
    PasswordChanged {
        /// After a reset by mail: what else the account has, in words of the recipient's language.
        factors: Vec<String>,
    },
    /// The code and link that verify the new address of an account.
    EmailChangeCode {
        /// 10 base32 characters.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// The remaining lifetime of both.
        lifetime: Span,
    },
    /// A user tried to change the address of their account to this one, which another account has.
    AddressInUse,
    /// A change of address was requested. This mail goes to the present address.
    EmailChangeRequested,
    /// The address was changed. This mail goes to the old address.
    EmailChanged {
        /// The code and the link that undo the change.
        undo: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// News of an account that used this address before, and can return to it.
    FormerAddress {
        /// What happened.
        news: FormerAddressNews,
        /// The code and the link that undo the change of address.
        undo: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// The change of address was undone.
    EmailChangeUndone,
    /// The account was closed. It is erased at `due`.
    DeletionRequested {
        /// The code and the link that restore it.
        restoration: LinkAndCode,
        /// When the account is erased.
        due: Timestamp,
    },
    /// A user tried to use the address of a closed account.
    AccountClosed {
        /// The code and the link that restore it.
        restoration: LinkAndCode,
        /// When the account is erased.
        due: Timestamp,
    },
    /// A user tried to use the address of a disabled account.
    AccountDisabled,
    /// The closed account was restored.
    AccountRestored,
    /// A passkey was added.
    PasskeyAdded {
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// A passkey was removed.
    PasskeyRemoved {
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// The code that starts the removal of lost second factors.
    RemovalCode {
        /// 10 base32 characters.
        code: SecretText,
        /// The remaining lifetime.
        lifetime: Span,
    },
    /// The removal of lost second factors was requested.
    RemovalRequested {
        /// What cancels it.
        cancel: LinkAndCode,
        /// When the factors can be removed.
        due: Timestamp,
    },
    /// Support shortened the delay of the removal.
    RemovalShortened {
        /// What cancels it.
        cancel: LinkAndCode,
        /// When the factors can be removed.
        due: Timestamp,
    },
    /// Lost second factors were removed after the delay.
    LostFactorsRemoved {
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// The user disowned what happened since an event.
    NotMeReported {
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// A sign-in on a device that the account did not know.
    NewDevice {
        /// The browser, such as "Firefox on Linux". None: it is unknown.
        browser: Option<String>,
        /// When.
        at: Timestamp,
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
    /// The code that proves the present address before a factor is added.
    AddressProofCode {
        /// 10 base32 characters.
        code: SecretText,
        /// The remaining lifetime.
        lifetime: Span,
    },
    /// The second factors of the account were changed, or a recovery code was used.
    SecondFactor {
        /// What happened.
        news: SecondFactorNews,
        /// How many recovery codes are left.
        codes_left: u8,
        /// What reports that it was not the user.
        not_me: LinkAndCode,
        /// The expiry of both.
        until: Timestamp,
    },
}

/// A mailed link and the code to type on its page. Neither is enough without the other.
#[derive(Debug)]
pub struct LinkAndCode {
    /// The link's token.
    pub token: SecretText,
    /// 10 base32 characters.
    pub code: SecretText,
}

/// A link with its label, and the sentence before it.
#[derive(Serialize)]
pub(super) struct Action {
    lead: Option<String>,
    label: String,
    pub(super) url: String,
}

/// The parts of one mail, in the recipient's language.
pub(super) struct Parts {
    pub(super) subject: String,
    pub(super) title: String,
    pub(super) intro: String,
    /// The code as the user types it, and as it is shown.
    pub(super) code: Option<(String, String)>,
    pub(super) actions: Vec<Action>,
    pub(super) notes: Vec<String>,
    pub(super) footer: String,
}

/// The locale of a mail, and the tenant's name in this locale.
pub(super) struct Words<'a> {
    pub(super) locale: &'a str,
    pub(super) tenant: String,
}

impl Words<'_> {
    pub(super) fn say(&self, id: &str) -> String {
        locale::message(self.locale, id, [("tenant", self.tenant.as_str().into())])
    }
    pub(super) fn say_with(&self, id: &str, argument: (&str, FluentValue<'_>)) -> String {
        locale::message(self.locale, id, [("tenant", self.tenant.as_str().into()), argument])
    }
    /// Rounds to the nearest minute, so that a mail that is sent a second later still says "30 minutes".
    fn lifetime(&self, id: &str, span: Span) -> String {
        let minutes = ((span.as_millis() + 30_000) / 60_000).max(1);
        self.say_with(id, ("lifetime", self.say_with("mail-minutes", ("minutes", minutes.into())).into()))
    }
}

/// The parts of the mail with this message.
pub(super) fn parts(words: &Words<'_>, issuer: &str, message: &Message) -> Parts {
    let link = |page: &str, flow: &str, token: &SecretText| format!("{issuer}/{page}?flow={flow}&token={}", token.expose());
    let action = |lead: Option<&str>, label: &str, url: String| Action {
        lead: lead.map(|id| words.say(id)),
        label: words.say(label),
        url,
    };
    let account = |page: &str, token: &SecretText| format!("{issuer}/account/{page}?token={}", token.expose());
    let notice = |about: &str| Parts {
        subject: words.say(&format!("{about}-subject")),
        title: words.say(&format!("{about}-title")),
        intro: words.say(&format!("{about}-intro")),
        code: None,
        actions: Vec::new(),
        notes: Vec::new(),
        footer: words.say("mail-footer-account"),
    };
    let shown = |code: &SecretText| Some((code.expose().to_owned(), halves(code.expose())));
    let reportable = |about: &str, not_me: &LinkAndCode, until: Timestamp| Parts {
        code: shown(&not_me.code),
        actions: vec![action(Some("mail-not-me-lead"), "mail-not-me-action", account("not-me", &not_me.token))],
        notes: vec![words.say_with("mail-not-me-until", ("date", locale::date(words.locale, until).into()))],
        ..notice(about)
    };
    match message {
        Message::RegistrationCode { flow, code, token, lifetime, resent } => Parts {
            subject: words.say(if *resent { "mail-resent-subject" } else { "mail-registration-subject" }),
            title: words.say("mail-registration-title"),
            intro: words.say(if *resent { "mail-resent-intro" } else { "mail-registration-intro" }),
            code: Some((code.expose().to_owned(), halves(code.expose()))),
            actions: vec![action(Some("mail-or-open"), "mail-registration-action", link("verify", flow, token))],
            notes: vec![words.lifetime("mail-registration-lifetime", *lifetime), words.say("mail-registration-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::AlreadyRegistered => Parts {
            subject: words.say("mail-registered-subject"),
            title: words.say("mail-registered-title"),
            intro: words.say("mail-registered-intro"),
            code: None,
            // The links have no query: the mail must not contain the authorization request of another person.
            actions: vec![
                action(None, "mail-registered-sign-in", format!("{issuer}/login")),
                action(Some("mail-registered-recover"), "mail-registered-recover-action", format!("{issuer}/recover")),
            ],
            notes: vec![words.say("mail-registered-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::PasswordResetCode { flow, code, token, lifetime, resent } => Parts {
            subject: words.say("mail-recovery-subject"),
            title: words.say("mail-recovery-title"),
            intro: words.say(if *resent { "mail-resent-intro" } else { "mail-recovery-intro" }),
            code: Some((code.expose().to_owned(), halves(code.expose()))),
            actions: vec![action(Some("mail-or-open"), "mail-recovery-action", link("recover", flow, token))],
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-recovery-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::SignInCode { code, lifetime, resent } => Parts {
            intro: words.say(if *resent { "mail-sign-in-resent-intro" } else { "mail-sign-in-intro" }),
            code: shown(code),
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-sign-in-not-me")],
            footer: words.say("mail-footer"),
            ..notice("mail-sign-in")
        },
        Message::PasswordChanged { factors } => Parts {
            subject: words.say("mail-changed-subject"),
            title: words.say("mail-changed-title"),
            intro: words.say("mail-changed-intro"),
            code: None,
            actions: vec![action(Some("mail-changed-not-me"), "mail-changed-action", format!("{issuer}/recover"))],
            notes: match factors.as_slice() {
                [] => Vec::new(),
                some => vec![words.say_with("mail-changed-factors", ("factors", some.join("; ").into()))],
            },
            footer: words.say("mail-footer-account"),
        },
        Message::EmailChangeCode { code, token, lifetime } => Parts {
            code: Some((code.expose().to_owned(), halves(code.expose()))),
            actions: vec![action(Some("mail-or-open"), "mail-email-action", account("email", token))],
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-email-not-me")],
            footer: words.say("mail-footer"),
            ..notice("mail-email")
        },
        Message::AddressInUse => Parts {
            actions: vec![action(None, "mail-registered-sign-in", format!("{issuer}/login"))],
            notes: vec![words.say("mail-registered-not-me")],
            footer: words.say("mail-footer"),
            ..notice("mail-in-use")
        },
        Message::EmailChangeRequested => Parts {
            actions: vec![action(Some("mail-changed-not-me"), "mail-changed-action", format!("{issuer}/recover"))],
            ..notice("mail-requested")
        },
        Message::EmailChanged { undo, until } => Parts {
            code: shown(&undo.code),
            actions: vec![action(Some("mail-moved-not-me"), "mail-moved-action", account("email/undo", &undo.token))],
            notes: vec![words.say_with("mail-moved-until", ("date", locale::date(words.locale, *until).into()))],
            ..notice("mail-moved")
        },
        Message::FormerAddress { news, undo, until } => Parts {
            intro: words.say(&format!("mail-former-{}-intro", news.word())),
            code: shown(&undo.code),
            actions: vec![action(Some("mail-former-not-me"), "mail-former-action", account("email/undo", &undo.token))],
            notes: vec![words.say_with("mail-former-until", ("date", locale::date(words.locale, *until).into()))],
            subject: words.say("mail-former-subject"),
            title: words.say("mail-former-title"),
            footer: words.say("mail-footer-account"),
        },
        Message::EmailChangeUndone => Parts {
            actions: vec![
                action(None, "mail-registered-sign-in", format!("{issuer}/login")),
                action(Some("mail-changed-not-me"), "mail-changed-action", format!("{issuer}/recover")),
            ],
            ..notice("mail-undone")
        },
        Message::DeletionRequested { restoration, due } | Message::AccountClosed { restoration, due } => {
            let date = locale::date(words.locale, *due);
            let about = if matches!(message, Message::AccountClosed { .. }) { "mail-closed" } else { "mail-deletion" };
            Parts {
                intro: words.say_with(&format!("{about}-intro"), ("date", date.clone().into())),
                code: shown(&restoration.code),
                actions: vec![action(
                    Some("mail-deletion-restore"),
                    "mail-deletion-action",
                    account("restore", &restoration.token),
                )],
                notes: vec![words.say_with("mail-deletion-until", ("date", date.into()))],
                ..notice(about)
            }
        }
        Message::AccountDisabled => Parts { footer: words.say("mail-footer"), ..notice("mail-disabled") },
        Message::AddressProofCode { code, lifetime } => Parts {
            code: shown(code),
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-address-proof-not-me")],
            ..notice("mail-address-proof")
        },
        Message::SecondFactor { news, codes_left, not_me, until } => {
            let mut parts = reportable(&format!("mail-{}", news.word()), not_me, *until);
            if *news == SecondFactorNews::CodeUsed {
                parts.notes.insert(0, words.say_with("mail-codes-left", ("left", u32::from(*codes_left).into())));
            }
            parts
        }
        Message::RemovalCode { code, lifetime } => Parts {
            code: shown(code),
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-removal-code-not-me")],
            ..notice("mail-removal-code")
        },
        Message::RemovalRequested { cancel, due } | Message::RemovalShortened { cancel, due } => {
            let is_request = matches!(message, Message::RemovalRequested { .. });
            let about = if is_request { "mail-removal" } else { "mail-removal-shortened" };
            let due = ("date", locale::date_and_time(words.locale, *due).into());
            Parts {
                intro: words.say_with(&format!("{about}-intro"), due),
                code: shown(&cancel.code),
                actions: vec![action(Some("mail-removal-lead"), "mail-removal-action", account("lost-factor", &cancel.token))],
                ..notice(about)
            }
        }
        Message::LostFactorsRemoved { not_me, until } => reportable("mail-removed", not_me, *until),
        Message::NewDevice { browser, at, not_me, until } => {
            let tenant = ("tenant", words.tenant.as_str().into());
            let date = ("date", locale::date_and_time(words.locale, *at).into());
            let intro = match browser {
                Some(browser) => {
                    let browser = ("browser", browser.as_str().into());
                    locale::message(words.locale, "mail-new-device-intro", [tenant, date, browser])
                }
                None => locale::message(words.locale, "mail-new-device-unknown-intro", [tenant, date]),
            };
            Parts { intro, ..reportable("mail-new-device", not_me, *until) }
        }
        Message::NotMeReported { not_me, until } => {
            let mut parts = reportable("mail-reported", not_me, *until);
            parts.actions.insert(0, action(None, "mail-changed-action", format!("{issuer}/recover")));
            parts
        }
        Message::AccountRestored => Parts {
            actions: vec![action(None, "mail-registered-sign-in", format!("{issuer}/login"))],
            notes: vec![words.say("mail-restored-not-me")],
            ..notice("mail-restored")
        },
        Message::PasskeyAdded { not_me, until } => reportable("mail-passkey-added", not_me, *until),
        Message::PasskeyRemoved { not_me, until } => reportable("mail-passkey-removed", not_me, *until),
    }
}

/// Splits a long code into two halves, for reading it aloud. Typed codes are compared without the dash.
pub(super) fn halves(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) if code.len() >= 8 => format!("{first}-{second}"),
        Some(_) | None => code.to_owned(),
    }
}
