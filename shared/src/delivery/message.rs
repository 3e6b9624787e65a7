//! What mails say: each message with its words, its code, its links.

use crate::domain::secret::SecretText;
use crate::domain::time::{Span, Timestamp};
use crate::locale::{self, FluentValue};
use serde::Serialize;

/// What a mail says. Flow ids are sealed locators; tokens are base64url: neither needs escaping in a query.
#[derive(Debug)]
pub enum Message {
    /// The code and link that prove the address of a new account.
    RegistrationCode {
        /// The flow's public id.
        flow: String,
        /// 6 digits.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// How long both work from now on.
        lifetime: Span,
        /// Whether it was asked for again: earlier ones are dead.
        resent: bool,
    },
    /// The owner of the address has an account already.
    AlreadyRegistered,
    /// The code and link that set a new password.
    RecoveryCode {
        /// The flow's public id.
        flow: String,
        /// 10 base32 characters.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// How long both work from now on.
        lifetime: Span,
        /// Whether it was asked for again: earlier ones are dead.
        resent: bool,
    },
    /// The password was changed.
    PasswordChanged,
    /// The code and link that prove the new address of an account.
    EmailChangeCode {
        /// 10 base32 characters.
        code: SecretText,
        /// The link's token.
        token: SecretText,
        /// How long both work from now on.
        lifetime: Span,
    },
    /// Somebody wanted to move their account to this address, which has one already.
    AddressInUse,
    /// The address was changed; this goes to the former one.
    EmailChanged {
        /// The token of the link that undoes it.
        token: SecretText,
        /// Until when it does.
        until: Timestamp,
    },
    /// The former address took its place again.
    EmailChangeUndone,
    /// The account was closed, and is erased when due.
    DeletionRequested {
        /// The token of the link that restores it.
        token: SecretText,
        /// When it is erased.
        due: Timestamp,
    },
    /// The closed account was restored.
    AccountRestored,
}

/// A link with what stands on it.
#[derive(Serialize)]
pub(super) struct Action {
    lead: Option<String>,
    label: String,
    pub(super) url: String,
}

/// The parts of one mail, in its reader's language.
pub(super) struct Parts {
    pub(super) subject: String,
    pub(super) title: String,
    pub(super) intro: String,
    /// As it is typed, and as it is shown.
    pub(super) code: Option<(String, String)>,
    pub(super) actions: Vec<Action>,
    pub(super) notes: Vec<String>,
    pub(super) footer: String,
}

/// The messages of one mail: its locale, and the tenant's name in it.
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
    /// To the nearest minute: a mail that leaves a second later still says "30 minutes".
    fn lifetime(&self, id: &str, span: Span) -> String {
        let minutes = ((span.as_millis() + 30_000) / 60_000).max(1);
        self.say_with(id, ("lifetime", self.say_with("mail-minutes", ("minutes", minutes.into())).into()))
    }
}

/// The parts of a mail that says this.
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
    match message {
        Message::RegistrationCode { flow, code, token, lifetime, resent } => Parts {
            subject: words.say(if *resent { "mail-resent-subject" } else { "mail-registration-subject" }),
            title: words.say("mail-registration-title"),
            intro: words.say(if *resent { "mail-resent-intro" } else { "mail-registration-intro" }),
            code: Some((code.expose().to_owned(), code.expose().to_owned())),
            actions: vec![action(Some("mail-or-open"), "mail-registration-action", link("verify", flow, token))],
            notes: vec![words.lifetime("mail-registration-lifetime", *lifetime), words.say("mail-registration-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::AlreadyRegistered => Parts {
            subject: words.say("mail-registered-subject"),
            title: words.say("mail-registered-title"),
            intro: words.say("mail-registered-intro"),
            code: None,
            // Plain pages, without the query of whoever tried: a stranger's authorization request must not ride on this mail.
            actions: vec![
                action(None, "mail-registered-sign-in", format!("{issuer}/login")),
                action(Some("mail-registered-recover"), "mail-registered-recover-action", format!("{issuer}/recover")),
            ],
            notes: vec![words.say("mail-registered-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::RecoveryCode { flow, code, token, lifetime, resent } => Parts {
            subject: words.say("mail-recovery-subject"),
            title: words.say("mail-recovery-title"),
            intro: words.say(if *resent { "mail-resent-intro" } else { "mail-recovery-intro" }),
            code: Some((code.expose().to_owned(), halves(code.expose()))),
            actions: vec![action(Some("mail-or-open"), "mail-recovery-action", link("recover", flow, token))],
            notes: vec![words.lifetime("mail-recovery-lifetime", *lifetime), words.say("mail-recovery-not-me")],
            footer: words.say("mail-footer"),
        },
        Message::PasswordChanged => Parts {
            subject: words.say("mail-changed-subject"),
            title: words.say("mail-changed-title"),
            intro: words.say("mail-changed-intro"),
            code: None,
            actions: vec![action(Some("mail-changed-not-me"), "mail-changed-action", format!("{issuer}/recover"))],
            notes: Vec::new(),
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
        Message::EmailChanged { token, until } => Parts {
            actions: vec![action(Some("mail-moved-not-me"), "mail-moved-action", account("email/undo", token))],
            notes: vec![words.say_with("mail-moved-until", ("date", locale::date(words.locale, *until).into()))],
            ..notice("mail-moved")
        },
        Message::EmailChangeUndone => {
            Parts { actions: vec![action(None, "mail-changed-action", format!("{issuer}/recover"))], ..notice("mail-undone") }
        }
        Message::DeletionRequested { token, due } => {
            let date = locale::date(words.locale, *due);
            Parts {
                intro: words.say_with("mail-deletion-intro", ("date", date.clone().into())),
                actions: vec![action(Some("mail-deletion-restore"), "mail-deletion-action", account("restore", token))],
                notes: vec![words.say_with("mail-deletion-until", ("date", date.into()))],
                ..notice("mail-deletion")
            }
        }
        Message::AccountRestored => Parts {
            actions: vec![action(None, "mail-registered-sign-in", format!("{issuer}/login"))],
            notes: vec![words.say("mail-restored-not-me")],
            ..notice("mail-restored")
        },
    }
}

/// A long code in two halves, as it is read aloud; typed codes are compared without the dash.
pub(super) fn halves(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) if code.len() >= 8 => format!("{first}-{second}"),
        Some(_) | None => code.to_owned(),
    }
}
