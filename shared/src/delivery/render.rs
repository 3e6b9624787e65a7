//! Renders a mail. Every URL in it is made of configuration and sealed ids, never of a request (security 89). Text that a user wrote is
//! escaped in HTML, and has no line break in plain text (security 110).

use super::Mail;
use super::message::{Message, Words, parts};
use crate::colour::Palette;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Timestamp;
use crate::locale;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};

/// The maximum length of a name in the greeting, in characters. A longer text is probably not a name.
const MAX_NAME: usize = 60;

/// A mail could not be rendered, because its template is broken. A retry does not help.
#[derive(Debug, thiserror::Error)]
#[error("a mail template is broken")]
pub struct RenderError(#[from] minijinja::Error);

/// The sender of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The tenant.
    pub config: &'a TenantConfig,
    /// The tenant's issuer. Every link begins with it.
    pub issuer: &'a str,
}

/// Renders mails. Built once.
pub struct MailRenderer {
    templates: Environment<'static>,
}

impl MailRenderer {
    /// Creates a renderer and parses its templates.
    ///
    /// # Errors
    /// If a template is broken, which is a defect of the build.
    pub fn new() -> Result<Self, RenderError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_template("mail.html", include_str!("templates/mail.html"))?;
        templates.add_template("mail.txt", include_str!("templates/mail.txt"))?;
        Ok(Self { templates })
    }

    /// Renders the mail in this envelope. It uses this locale if the tenant offers it, otherwise the tenant's first locale. It greets
    /// the user by name if the name is known.
    ///
    /// # Errors
    /// If a template is broken.
    pub fn render(
        &self,
        sender: &Sender<'_>,
        message: &Message,
        locale: &str,
        name: Option<&str>,
        envelope: Envelope<'_>,
    ) -> Result<Mail, RenderError> {
        let Sender { config, issuer } = sender;
        let locale = locale::negotiate(&config.locales, Some(locale), None);
        let words = Words { locale, tenant: one_line(config.name.get(locale)) };
        let parts = parts(&words, issuer, message);
        let greeting = match name.map(one_line).filter(|name| !name.is_empty() && name.chars().count() <= MAX_NAME) {
            Some(name) => words.say_with("mail-greeting-name", ("name", name.into())),
            None => words.say("mail-greeting"),
        };
        let support = config.brand.support_url.as_ref().map(|url| words.say_with("mail-support", ("url", url.as_str().into())));
        let palette = Palette::new(&config.brand.accent);
        let values = context! {
            locale,
            dir => locale::direction(locale),
            tenant => words.tenant.as_str(),
            accent => palette.accent,
            on_accent => palette.on_accent,
            subject => parts.subject.as_str(),
            title => parts.title,
            greeting,
            intro => parts.intro,
            code => parts.code.as_ref().map(|(_, shown)| shown.as_str()),
            code_label => words.say("mail-code-label"),
            actions => Serde(&parts.actions),
            notes => parts.notes,
            footer => parts.footer,
            support,
            support_url => config.brand.support_url.as_deref(),
        };
        Ok(Mail {
            id: envelope.id.to_owned(),
            from: config.mail.from.clone(),
            to: envelope.to.to_owned(),
            text: self.templates.get_template("mail.txt")?.render(&values)?,
            html: self.templates.get_template("mail.html")?.render(&values)?,
            subject: parts.subject,
            sent_at: envelope.now.to_string(),
            links: parts.actions.into_iter().map(|action| action.url).collect(),
            codes: parts.code.into_iter().map(|(typed, _)| typed).collect(),
        })
    }
}

/// The id, recipient and time of a mail.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    /// The id of the event that caused the mail.
    pub id: &'a str,
    /// The only recipient.
    pub to: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// Removes line breaks and other control characters, so that text of a user can start neither a new line nor a header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::message::{FormerAddressNews, LinkAndCode, SecondFactorNews, halves};
    use super::*;
    use crate::domain::id::TenantId;
    use crate::domain::secret::SecretText;
    use crate::domain::tenant::{
        Brand, KeysConfig, Localized, MailConfig, PasswordPolicy, RegistrationConfig, RetentionPolicy, SessionPolicy, Signer,
        TokenPolicy,
    };
    use crate::domain::time::Span;

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
            registration: RegistrationConfig {
                enabled: true,
                password: crate::domain::tenant::RegistrationPassword::Required,
                fields: Vec::new(),
                terms: Vec::new(),
            },
            sign_in: crate::domain::tenant::SignInPolicy::default(),
            passkeys: crate::domain::tenant::PasskeyPolicy::default(),
            password: PasswordPolicy { min_length: 8, min_strength: 3 },
            session: SessionPolicy { idle: Span::hours(1), absolute: Span::hours(12) },
            token: TokenPolicy { access: Span::minutes(10), refresh_idle: Span::days(30), refresh_absolute: Span::days(90) },
            retention: RetentionPolicy { erasure_grace: Span::days(30), email_undo: Span::days(7), audit: Span::days(365) },
            keys: KeysConfig { signer: Signer::Local },
            sources: crate::domain::source::SourcePolicy::default(),
            mail: MailConfig { from: "Shop <no-reply@example.com>".to_owned() },
            legacy_directory: None,
            reverse_migration: None,
            import: [].into(),
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
            Message::PasswordResetCode { flow, code: "ABCDEFGHIJ".into(), token, lifetime, resent }
        };
        let both = || LinkAndCode { token: "TOKEN".into(), code: "ABCDEFGHIJ".into() };
        let until = Timestamp::from_seconds(1_800_000_000);
        let factor = |news| Message::SecondFactor { news, codes_left: 1, not_me: both(), until };
        let former = |news| Message::FormerAddress { news, undo: both(), until };
        vec![
            (registration(false), 1, 1),
            (registration(true), 1, 1),
            (recovery(false), 1, 1),
            (recovery(true), 1, 1),
            (Message::SignInCode { code: "042137".into(), lifetime: Span::minutes(10), resent: false }, 1, 0),
            (Message::SignInCode { code: "042137".into(), lifetime: Span::minutes(10), resent: true }, 1, 0),
            (Message::AlreadyRegistered, 0, 2),
            (Message::PasswordChanged { factors: Vec::new() }, 0, 1),
            (Message::PasswordChanged { factors: vec!["authenticator app".to_owned()] }, 0, 1),
            (Message::EmailChangeCode { code: "ABCDEFGHIJ".into(), token: "TOKEN".into(), lifetime: Span::minutes(30) }, 1, 1),
            (Message::AddressInUse, 0, 1),
            (Message::EmailChangeRequested, 0, 1),
            (Message::EmailChanged { undo: both(), until }, 1, 1),
            (former(FormerAddressNews::PasswordChanged), 1, 1),
            (former(FormerAddressNews::EmailChanged), 1, 1),
            (former(FormerAddressNews::EmailChangeUndone), 1, 1),
            (former(FormerAddressNews::DeletionRequested), 1, 1),
            (former(FormerAddressNews::AccountRestored), 1, 1),
            (former(FormerAddressNews::SecondFactor), 1, 1),
            (Message::AddressProofCode { code: "ABCDEFGHIJ".into(), lifetime: Span::minutes(15) }, 1, 0),
            (factor(SecondFactorNews::Added), 1, 1),
            (factor(SecondFactorNews::Replaced), 1, 1),
            (factor(SecondFactorNews::Removed), 1, 1),
            (factor(SecondFactorNews::NewCodes), 1, 1),
            (factor(SecondFactorNews::CodeUsed), 1, 1),
            (factor(SecondFactorNews::WrongCodes), 1, 1),
            (Message::EmailChangeUndone, 0, 2),
            (Message::DeletionRequested { restoration: both(), due: until }, 1, 1),
            (Message::AccountClosed { restoration: both(), due: until }, 1, 1),
            (Message::AccountDisabled, 0, 0),
            (Message::AccountRestored, 0, 1),
            (Message::PasskeyAdded { not_me: both(), until }, 1, 1),
            (Message::PasskeyRemoved { not_me: both(), until }, 1, 1),
            (Message::NotMeReported { not_me: both(), until }, 1, 2),
            (former(FormerAddressNews::NotMeReported), 1, 1),
            (former(FormerAddressNews::RemovalRequested), 1, 1),
            (Message::RemovalCode { code: "ABCDEFGHIJ".into(), lifetime: Span::minutes(15) }, 1, 0),
            (Message::RemovalRequested { cancel: both(), due: until }, 1, 1),
            (Message::RemovalShortened { cancel: both(), due: until }, 1, 1),
            (Message::LostFactorsRemoved { not_me: both(), until }, 1, 1),
            (Message::NewDevice { browser: Some("Firefox on Linux".to_owned()), at: until, not_me: both(), until }, 1, 1),
            (Message::NewDevice { browser: None, at: until, not_me: both(), until }, 1, 1),
            (former(FormerAddressNews::PasskeyAdded), 1, 1),
            (former(FormerAddressNews::PasskeyRemoved), 1, 1),
        ]
    }

    fn render(message: &Message, locale: &str, name: Option<&str>) -> Mail {
        let envelope = Envelope { id: "01K", to: "ada@example.com", now: Timestamp::from_seconds(1_800_000_000) };
        let sender = Sender { config: &config(), issuer: ISSUER };
        MailRenderer::new().unwrap().render(&sender, message, locale, name, envelope).unwrap()
    }

    #[test]
    fn every_mail_has_the_same_content_in_text_and_html_in_every_language() {
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
                assert!(!mail.text.contains("mail-") && !mail.html.contains("mail-"), "a message is missing: {}", mail.text);
                assert_eq!(mail.sent_at, "2027-01-15T08:00:00.000Z");
            }
        }
    }

    /// URLs in a mail begin with the configured issuer (security 89).
    #[test]
    fn links_begin_with_the_configured_issuer() {
        let expected = |message: &Message| match message {
            Message::RegistrationCode { .. } => vec!["/verify?flow=FLOW&token=TOKEN"],
            Message::PasswordResetCode { .. } => vec!["/recover?flow=FLOW&token=TOKEN"],
            Message::AlreadyRegistered => vec!["/login", "/recover"],
            Message::PasswordChanged { .. } | Message::EmailChangeRequested => vec!["/recover"],
            Message::NotMeReported { .. } => vec!["/recover", "/account/not-me?token=TOKEN"],
            Message::EmailChangeUndone => vec!["/login", "/recover"],
            Message::AccountDisabled
            | Message::AddressProofCode { .. }
            | Message::SignInCode { .. }
            | Message::RemovalCode { .. } => vec![],
            Message::RemovalRequested { .. } | Message::RemovalShortened { .. } => vec!["/account/lost-factor?token=TOKEN"],
            Message::LostFactorsRemoved { .. } | Message::NewDevice { .. } => vec!["/account/not-me?token=TOKEN"],
            Message::SecondFactor { .. } | Message::PasskeyAdded { .. } | Message::PasskeyRemoved { .. } => {
                vec!["/account/not-me?token=TOKEN"]
            }
            Message::EmailChangeCode { .. } => vec!["/account/email?token=TOKEN"],
            Message::AddressInUse | Message::AccountRestored => vec!["/login"],
            Message::EmailChanged { .. } | Message::FormerAddress { .. } => vec!["/account/email/undo?token=TOKEN"],
            Message::DeletionRequested { .. } | Message::AccountClosed { .. } => vec!["/account/restore?token=TOKEN"],
        };
        for (message, ..) in messages() {
            let links: Vec<_> = expected(&message).iter().map(|path| format!("{ISSUER}{path}")).collect();
            assert_eq!(render(&message, "en", None).links, links);
        }
    }

    /// Text that a user wrote is never markup, and never a line of its own (security 110).
    #[test]
    fn a_name_is_escaped_and_stays_on_its_line() {
        let name = "Ada <b>&\r\n\nBcc: all@example.com";
        let mail = render(&Message::PasswordChanged { factors: Vec::new() }, "en", Some(name));
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        assert!(mail.html.contains("Ada &lt;b&gt;&amp;"), "{}", mail.html);
        assert!(mail.text.lines().next().is_some_and(|line| line.ends_with("Bcc: all@example.com,")), "{}", mail.text);
        let long = "x".repeat(MAX_NAME + 1);
        assert!(!render(&Message::PasswordChanged { factors: Vec::new() }, "en", Some(&long)).text.contains(&long));
    }

    #[test]
    fn a_tenant_name_is_escaped_in_html_and_plain_in_text() {
        let mail = render(&Message::AlreadyRegistered, "en", None);
        assert!(mail.html.contains("Müller &amp; Söhne"));
        assert!(mail.text.contains("Müller & Söhne") && mail.subject.contains("Müller & Söhne"));
    }

    #[test]
    fn a_lifetime_is_rounded_to_the_nearest_minute() {
        let table = [(1799, "30 minutes", "30 Minuten"), (569, "9 minutes", "9 Minuten"), (60, "1 minute", "1 Minute")];
        for (seconds, english, german) in table {
            let message = Message::RegistrationCode {
                flow: "FLOW".to_owned(),
                code: "042137".into(),
                token: "TOKEN".into(),
                lifetime: Span::seconds(seconds),
                resent: false,
            };
            assert!(render(&message, "en", None).text.contains(&format!("works for {english}, once")));
            assert!(render(&message, "de", None).text.contains(&format!("gilt {german} lang")));
        }
    }

    #[test]
    fn debug_output_of_a_mail_contains_only_its_id() {
        let mail = render(&messages().remove(0).0, "en", Some("Ada"));
        assert_eq!(format!("{mail:?}"), "Mail { id: \"01K\", .. }");
    }

    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('/', "&#x2f;")
    }
}
