//! Writing a mail. Every address in it comes from configuration and sealed ids, never from a request (security 89); whatever a
//! person wrote about themselves is escaped in HTML and kept to one line in text (security 110).

use super::Mail;
use super::messages::{Language, languages};
use crate::config::TenantConfig;
use crate::domain::secret::SecretText;
use crate::domain::time::{Span, Timestamp};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

/// Longest name that a mail greets by, in characters; a longer one is somebody's text, not a name.
const MAX_NAME: usize = 60;

/// A mail could not be written: a message or a template is missing a part. No retry mends it.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The words of a language.
    #[error("the mail messages of {language} are broken: {why}")]
    Messages {
        /// Which language.
        language: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A template.
    #[error("a mail template is broken")]
    Template(#[from] minijinja::Error),
}

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The tenant.
    pub config: &'a TenantConfig,
    /// Its issuer: every link begins with it.
    pub issuer: &'a str,
}

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
}

/// Writes mails. Built once.
pub struct MailRenderer {
    languages: Vec<Language>,
    templates: Environment<'static>,
}

/// A link with what stands on it.
#[derive(Serialize)]
struct Action {
    lead: Option<String>,
    label: String,
    url: String,
}

/// The parts of one mail, in its reader's language.
struct Parts {
    subject: String,
    title: String,
    intro: String,
    /// As it is typed, and as it is shown.
    code: Option<(String, String)>,
    actions: Vec<Action>,
    notes: Vec<String>,
    footer: String,
}

impl MailRenderer {
    /// A renderer with every language and template read.
    ///
    /// # Errors
    /// When one of them is broken: a defect of the build.
    pub fn new() -> Result<Self, RenderError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        templates.add_template("mail.html", include_str!("templates/mail.html"))?;
        templates.add_template("mail.txt", include_str!("templates/mail.txt"))?;
        Ok(Self { languages: languages()?, templates })
    }

    /// The mail with this id to this address, in this locale (else the tenant's first, else English), greeting by name where one
    /// is known.
    ///
    /// # Errors
    /// When a message or template is broken.
    pub fn render(
        &self,
        sender: &Sender<'_>,
        message: &Message,
        locale: &str,
        name: Option<&str>,
        envelope: Envelope<'_>,
    ) -> Result<Mail, RenderError> {
        let language = self.language(locale, sender.config)?;
        let tenant = one_line(sender.config.name.get(language.tag));
        let parts = parts(language, sender.issuer, &tenant, message)?;
        let greeting = match name.map(one_line).filter(|name| !name.is_empty() && name.chars().count() <= MAX_NAME) {
            Some(name) => language.text("greeting-name", &[("name", &name)])?,
            None => language.text("greeting", &[])?,
        };
        let support = match &sender.config.brand.support_url {
            Some(url) => Some(language.text("support", &[("url", url)])?),
            None => None,
        };
        let values = context! {
            locale => language.tag,
            tenant,
            accent => sender.config.brand.accent.as_str(),
            on_accent => on_accent(&sender.config.brand.accent),
            subject => parts.subject.as_str(),
            title => parts.title,
            greeting,
            intro => parts.intro,
            code => parts.code.as_ref().map(|(_, shown)| shown),
            code_label => language.text("code-label", &[])?,
            actions => Serde(&parts.actions),
            notes => parts.notes,
            footer => parts.footer,
            support,
        };
        Ok(Mail {
            id: envelope.id.to_owned(),
            from: sender.config.mail.from.clone(),
            to: envelope.to.to_owned(),
            text: self.templates.get_template("mail.txt")?.render(&values)?,
            html: self.templates.get_template("mail.html")?.render(&values)?,
            subject: parts.subject,
            sent_at: envelope.now.to_string(),
            links: parts.actions.into_iter().map(|action| action.url).collect(),
            codes: parts.code.into_iter().map(|(typed, _)| typed).collect(),
        })
    }

    fn language(&self, locale: &str, config: &TenantConfig) -> Result<&Language, RenderError> {
        let find = |locale: &str| {
            let wanted = locale.split('-').next().unwrap_or(locale);
            self.languages.iter().find(|language| language.tag.eq_ignore_ascii_case(wanted))
        };
        find(locale)
            .or_else(|| config.locales.first().and_then(|locale| find(locale)))
            .or_else(|| self.languages.first())
            .ok_or(RenderError::Messages { language: "", why: "there is none".to_owned() })
    }
}

/// To whom, when, under which id.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    /// The id of the event that the mail follows.
    pub id: &'a str,
    /// The one recipient.
    pub to: &'a str,
    /// Now.
    pub now: Timestamp,
}

fn parts(language: &Language, issuer: &str, tenant: &str, message: &Message) -> Result<Parts, RenderError> {
    let say = |id: &str| language.text(id, &[("tenant", tenant)]);
    let lifetime = |id: &str, span: Span| {
        // Rounded down: no mail promises a minute that is not there.
        let lifetime = language.minutes((span.as_millis() / 60_000).max(1))?;
        language.text(id, &[("tenant", tenant), ("lifetime", &lifetime)])
    };
    let link = |page: &str, flow: &str, token: &SecretText| format!("{issuer}/{page}?flow={flow}&token={}", token.expose());
    let recover = || format!("{issuer}/recover");
    Ok(match message {
        Message::RegistrationCode { flow, code, token, lifetime: span, resent } => Parts {
            subject: say(if *resent { "resent-subject" } else { "registration-subject" })?,
            title: say("registration-title")?,
            intro: say(if *resent { "resent-intro" } else { "registration-intro" })?,
            code: Some((code.expose().to_owned(), code.expose().to_owned())),
            actions: vec![Action {
                lead: Some(say("or-open")?),
                label: say("registration-action")?,
                url: link("verify", flow, token),
            }],
            notes: vec![lifetime("registration-lifetime", *span)?, say("registration-not-me")?],
            footer: say("footer")?,
        },
        Message::AlreadyRegistered => Parts {
            subject: say("registered-subject")?,
            title: say("registered-title")?,
            intro: say("registered-intro")?,
            code: None,
            // Plain pages, without the query of whoever tried: a stranger's authorization request must not ride on this mail.
            actions: vec![
                Action { lead: None, label: say("registered-sign-in")?, url: format!("{issuer}/login") },
                Action { lead: Some(say("registered-recover")?), label: say("registered-recover-action")?, url: recover() },
            ],
            notes: vec![say("registered-not-me")?],
            footer: say("footer")?,
        },
        Message::RecoveryCode { flow, code, token, lifetime: span, resent } => Parts {
            subject: say("recovery-subject")?,
            title: say("recovery-title")?,
            intro: say(if *resent { "resent-intro" } else { "recovery-intro" })?,
            code: Some((code.expose().to_owned(), halves(code.expose()))),
            actions: vec![Action {
                lead: Some(say("or-open")?),
                label: say("recovery-action")?,
                url: link("recover", flow, token),
            }],
            notes: vec![lifetime("recovery-lifetime", *span)?, say("recovery-not-me")?],
            footer: say("footer")?,
        },
        Message::PasswordChanged => Parts {
            subject: say("changed-subject")?,
            title: say("changed-title")?,
            intro: say("changed-intro")?,
            code: None,
            actions: vec![Action { lead: Some(say("changed-not-me")?), label: say("changed-action")?, url: recover() }],
            notes: Vec::new(),
            footer: say("footer-account")?,
        },
    })
}

/// A long code in two halves, as it is read aloud; typed codes are compared without the dash.
fn halves(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) if code.len() >= 8 => format!("{first}-{second}"),
        Some(_) | None => code.to_owned(),
    }
}

/// Without line breaks and other control characters: nothing a person wrote starts a line of its own, or a header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Black or white, whichever reads better on this `#rrggbb` (WCAG relative luminance, 0.179 being the even point).
fn on_accent(accent: &str) -> &'static str {
    let channel = |at: usize| {
        let value = accent.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or_default();
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    if luminance > 0.179 { "#000000" } else { "#ffffff" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Brand, Localized, MailConfig, PasswordPolicy, RegistrationConfig, SessionPolicy, TokenPolicy};
    use crate::domain::id::TenantId;

    const ISSUER: &str = "https://id.example.com/t/shop";

    fn config() -> TenantConfig {
        TenantConfig {
            tenant: TenantId::default_tenant(),
            name: Localized([(String::new(), "Müller & Söhne".to_owned())].into()),
            brand: Brand {
                accent: "#1a56db".to_owned(),
                privacy_url: None,
                support_url: Some("https://example.com/help".to_owned()),
            },
            locales: vec!["de".to_owned(), "en".to_owned()],
            registration: RegistrationConfig { enabled: true, fields: Vec::new(), terms: Vec::new() },
            password: PasswordPolicy { min_length: 8, min_strength: 3 },
            session: SessionPolicy { idle: Span::hours(1), absolute: Span::hours(12) },
            token: TokenPolicy { access: Span::minutes(10), refresh_idle: Span::days(30), refresh_absolute: Span::days(90) },
            mail: MailConfig { from: "Shop <no-reply@example.com>".to_owned() },
            clients: [].into(),
            resources: [].into(),
        }
    }

    fn messages() -> Vec<(Message, usize, usize)> {
        let proof = |resent| ("FLOW".to_owned(), SecretText::from("TOKEN"), Span::seconds(599), resent);
        let registration = |resent| {
            let (flow, token, lifetime, resent) = proof(resent);
            Message::RegistrationCode { flow, code: "042137".into(), token, lifetime, resent }
        };
        let recovery = |resent| {
            let (flow, token, lifetime, resent) = proof(resent);
            Message::RecoveryCode { flow, code: "ABCDEFGHIJ".into(), token, lifetime, resent }
        };
        vec![
            (registration(false), 1, 1),
            (registration(true), 1, 1),
            (recovery(false), 1, 1),
            (recovery(true), 1, 1),
            (Message::AlreadyRegistered, 0, 2),
            (Message::PasswordChanged, 0, 1),
        ]
    }

    fn render(message: &Message, locale: &str, name: Option<&str>) -> Mail {
        let envelope = Envelope { id: "01K", to: "ada@example.com", now: Timestamp::from_seconds(1_800_000_000) };
        let sender = Sender { config: &config(), issuer: ISSUER };
        MailRenderer::new().unwrap().render(&sender, message, locale, name, envelope).unwrap()
    }

    #[test]
    fn every_mail_says_the_same_in_text_and_html_in_every_language() {
        for (message, codes, links) in messages() {
            for (locale, hello) in [("en", "Hello"), ("de-AT", "Guten Tag"), ("fr", "Guten Tag")] {
                let mail = render(&message, locale, None);
                assert_eq!((mail.codes.len(), mail.links.len()), (codes, links), "{message:?}");
                assert!(mail.text.starts_with(hello), "{}", mail.text);
                assert!(mail.html.contains(hello));
                for code in &mail.codes {
                    let shown = halves(code);
                    assert!(mail.text.contains(&shown) && mail.html.contains(&shown), "{message:?}");
                }
                for link in &mail.links {
                    assert!(mail.text.contains(link.as_str()), "{message:?}");
                    assert!(mail.html.contains(&escaped(link)), "{message:?}: {}", mail.html);
                }
                assert!(!mail.subject.contains(['\r', '\n']));
                assert_eq!(mail.sent_at, "2027-01-15T08:00:00.000Z");
            }
        }
    }

    /// Addresses in a mail are made of the configured issuer and nothing else (security 89).
    #[test]
    fn links_begin_with_the_configured_issuer() {
        let expected = |message: &Message| match message {
            Message::RegistrationCode { .. } => vec!["/verify?flow=FLOW&token=TOKEN"],
            Message::RecoveryCode { .. } => vec!["/recover?flow=FLOW&token=TOKEN"],
            Message::AlreadyRegistered => vec!["/login", "/recover"],
            Message::PasswordChanged => vec!["/recover"],
        };
        for (message, ..) in messages() {
            let links: Vec<_> = expected(&message).iter().map(|path| format!("{ISSUER}{path}")).collect();
            assert_eq!(render(&message, "en", None).links, links);
        }
    }

    /// What a person wrote is text, never markup and never a line of its own (security 110).
    #[test]
    fn a_name_is_escaped_and_stays_on_its_line() {
        let name = "Ada <b>&\r\n\nBcc: all@example.com";
        let mail = render(&Message::PasswordChanged, "en", Some(name));
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        assert!(mail.html.contains("Ada &lt;b&gt;&amp;"), "{}", mail.html);
        assert!(mail.text.lines().next().is_some_and(|line| line.ends_with("Bcc: all@example.com,")), "{}", mail.text);
        let long = "x".repeat(MAX_NAME + 1);
        assert!(!render(&Message::PasswordChanged, "en", Some(&long)).text.contains(&long));
    }

    #[test]
    fn a_tenant_name_is_escaped_in_html_and_plain_in_text() {
        let mail = render(&Message::AlreadyRegistered, "en", None);
        assert!(mail.html.contains("Müller &amp; Söhne"));
        assert!(mail.text.contains("Müller & Söhne") && mail.subject.contains("Müller & Söhne"));
    }

    #[test]
    fn a_lifetime_is_never_promised_longer_than_it_is() {
        let (message, ..) = messages().remove(0);
        assert!(render(&message, "en", None).text.contains("works for 9 minutes,"));
        assert!(render(&message, "de", None).text.contains("gilt 9 Minuten lang"));
    }

    #[test]
    fn a_mail_does_not_print() {
        let mail = render(&messages().remove(0).0, "en", Some("Ada"));
        assert_eq!(format!("{mail:?}"), "Mail { id: \"01K\", .. }");
    }

    #[test]
    fn a_button_reads_on_any_accent() {
        let table = [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#ffd400", "#000000"), ("#1a56db", "#ffffff")];
        for (accent, expected) in table {
            assert_eq!(on_accent(accent), expected, "{accent}");
        }
    }

    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('/', "&#x2f;")
    }
}
