//! A submitted form, checked as a whole: all flaws at once, and no dependency on other users' registrations.

use crate::domain::consent::AcceptedTerms;
use crate::domain::credential::PasswordFlaw;
use crate::domain::form::{self, FieldFlaw, Submission, TermsFlaw};
use crate::domain::identifier::{EmailAddress, InvalidEmail};
use crate::domain::profile::Claims;
use crate::domain::secret::SecretText;
use crate::domain::tenant::{RegistrationPassword, TenantConfig};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};

/// The submitted values.
#[derive(Debug, Clone)]
pub struct Application {
    /// As typed.
    pub email: String,
    /// As typed. Empty: none.
    pub password: SecretText,
    /// The values by field name.
    pub profile: Map<String, Value>,
    /// Pairs of document and version.
    pub terms: Vec<(String, String)>,
}

/// A form without a flaw.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The canonical address.
    pub email: EmailAddress,
    /// The claims of the form.
    pub claims: Claims,
    /// The accepted terms.
    pub terms: Vec<AcceptedTerms>,
}

/// A flaw of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationFlaw {
    /// The address.
    Email(InvalidEmail),
    /// The password.
    Password(PasswordFlaw),
    /// A password, where none is asked for: the caller would think that it is set.
    PasswordNotAsked,
    /// A field of the form, by its name.
    Field(String, FieldFlaw),
    /// The terms.
    Terms(TermsFlaw),
}

impl Application {
    /// Whether a password was typed.
    #[must_use]
    pub fn has_password(&self) -> bool {
        !self.password.expose().is_empty()
    }

    /// Checks the form, which was shown in this locale. `password`: whether this way to register asks for one.
    ///
    /// # Errors
    /// All flaws: address, password, fields in order, terms.
    pub fn check(
        &self,
        config: &TenantConfig,
        password: RegistrationPassword,
        submission: Submission,
        locale: &str,
        now: Timestamp,
    ) -> Result<Checked, Vec<ApplicationFlaw>> {
        let mut flaws = Vec::new();
        let email = EmailAddress::parse(&self.email).map_err(|flaw| flaws.push(ApplicationFlaw::Email(flaw))).ok();
        match password {
            RegistrationPassword::None if self.has_password() => flaws.push(ApplicationFlaw::PasswordNotAsked),
            RegistrationPassword::None => {}
            RegistrationPassword::Optional if !self.has_password() => {}
            RegistrationPassword::Required | RegistrationPassword::Optional => {
                flaws.extend(self.check_password(config).map_err(ApplicationFlaw::Password).err());
            }
        }
        let claims = form::validate(&config.registration.fields, &self.profile, submission, now)
            .map_err(|found| flaws.extend(found.into_iter().map(|(name, flaw)| ApplicationFlaw::Field(name, flaw))))
            .ok();
        let terms = form::accept_terms(&config.registration, &self.terms, locale, now)
            .map_err(|found| flaws.extend(found.into_iter().map(ApplicationFlaw::Terms)))
            .ok();
        match (email, claims, terms) {
            (Some(email), Some(claims), Some(terms)) if flaws.is_empty() => Ok(Checked { email, claims, terms }),
            _ => Err(flaws),
        }
    }

    /// Checks the password by the rules of the tenant.
    ///
    /// # Errors
    /// Its flaw.
    pub fn check_password(&self, config: &TenantConfig) -> Result<(), PasswordFlaw> {
        let words = self.guessable_words(config);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        config.password.check(&self.password, &words)
    }

    /// Words that an attacker would guess first for this password (security 69).
    fn guessable_words(&self, config: &TenantConfig) -> Vec<String> {
        let mut words: Vec<String> = config.name.0.values().cloned().collect();
        if let Ok(email) = EmailAddress::parse(&self.email) {
            words.push(email.local_part().to_owned());
            words.extend(email.as_str().split(['@', '.']).map(str::to_owned));
        }
        let short_texts = self.profile.values().filter_map(Value::as_str).filter(|text| text.len() <= 100);
        words.extend(short_texts.map(str::to_owned));
        words
    }
}

impl ApplicationFlaw {
    /// JSON pointer (RFC 6901) into the body of the API.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::Email(_) => "/email".to_owned(),
            Self::Password(_) | Self::PasswordNotAsked => "/password".to_owned(),
            Self::Field(name, _) => format!("/profile/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Terms(TermsFlaw::Missing(_)) => "/terms".to_owned(),
            Self::Terms(TermsFlaw::Unknown(index) | TermsFlaw::Superseded(index)) => format!("/terms/{index}"),
        }
    }
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Email(InvalidEmail::Empty) => "required",
            Self::Email(InvalidEmail::TooLong) => "too_long",
            Self::Email(
                InvalidEmail::ForbiddenCharacter | InvalidEmail::NotOneAt | InvalidEmail::LocalPart | InvalidEmail::Domain,
            ) => "invalid_email",
            Self::Password(flaw) => flaw.code(),
            Self::PasswordNotAsked => FieldFlaw::Unknown.code(),
            Self::Field(_, flaw) => flaw.code(),
            Self::Terms(flaw) => flaw.code(),
        }
    }
    /// A description in words.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Email(flaw) => flaw.to_string(),
            Self::Password(flaw) => flaw.to_string(),
            Self::PasswordNotAsked => "is not asked for: accounts are registered without a password here".to_owned(),
            Self::Field(_, flaw) => flaw.to_string(),
            Self::Terms(flaw) => flaw.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantId;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn config() -> TenantConfig {
        let shipped = include_str!("../../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
        TenantConfig::parse(&TenantId::default_tenant(), &shipped).unwrap()
    }

    fn application(email: &str, password: &str, profile: Value, terms: &[(&str, &str)]) -> Application {
        let Value::Object(profile) = profile else { panic!("an object") };
        let terms = terms.iter().map(|(document, version)| ((*document).to_owned(), (*version).to_owned())).collect();
        Application { email: email.to_owned(), password: password.into(), profile, terms }
    }

    #[test]
    fn a_valid_form_passes_with_its_canonical_values() {
        let profile = json!({"given_name": " Ada ", "family_name": "Lovelace"});
        let application = application("Ada@Example.COM ", "nine green tractors", profile, &[("terms", "1")]);
        let checked = application.check(&config(), RegistrationPassword::Required, Submission::Api, "en", NOW).unwrap();
        assert_eq!(checked.email.as_str(), "ada@example.com");
        assert_eq!(Value::Object(checked.claims.0), json!({"given_name": "Ada", "family_name": "Lovelace"}));
        assert_eq!(checked.terms.len(), 1);
    }

    #[test]
    fn all_flaws_are_reported_at_once_with_their_pointers() {
        let profile = json!({"given_name": "Ada", "roles/x": ["admin"], "phone_number": "1"});
        let application = application("ada", "Ada", profile, &[("terms", "0")]);
        let flaws = application.check(&config(), RegistrationPassword::Required, Submission::Api, "en", NOW).unwrap_err();
        let named: Vec<_> = flaws.iter().map(|flaw| (flaw.pointer(), flaw.code())).collect();
        let expected = [
            ("/email", "invalid_email"),
            ("/password", "too_short"),
            ("/profile/family_name", "required"),
            ("/profile/phone_number", "invalid_phone"),
            ("/profile/roles~1x", "unknown"),
            ("/terms/0", "terms_superseded"),
        ];
        assert_eq!(named, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert!(flaws.iter().all(|flaw| !flaw.detail().is_empty()));
    }

    #[test]
    fn security_69_the_users_own_words_are_refused_as_a_password() {
        for password in ["lovelace1815", "Latchkey-Demo-1", "ada.lovelace99"] {
            let profile = json!({"given_name": "Ada", "family_name": "Lovelace"});
            let application = application("ada.lovelace@example.com", password, profile, &[("terms", "1")]);
            let flaws = application.check(&config(), RegistrationPassword::Required, Submission::Api, "en", NOW).unwrap_err();
            assert!(matches!(flaws.as_slice(), [ApplicationFlaw::Password(_)]), "{password} {flaws:?}");
        }
    }

    #[test]
    fn where_the_password_is_optional_or_not_asked_for_a_form_without_one_passes() {
        let flaws = |typed: &str, asked| {
            let profile = json!({"given_name": "Ada", "family_name": "Lovelace"});
            let application = application("ada@example.com", typed, profile, &[("terms", "1")]);
            application.check(&config(), asked, Submission::Api, "en", NOW).err().unwrap_or_default()
        };
        for asked in [RegistrationPassword::Optional, RegistrationPassword::None] {
            assert_eq!(flaws("", asked), [], "{asked:?}");
        }
        // A chosen one follows the rules, and is never dropped in silence.
        assert!(matches!(flaws("short", RegistrationPassword::Optional)[..], [ApplicationFlaw::Password(_)]));
        assert_eq!(flaws("nine green tractors", RegistrationPassword::Optional), []);
        assert_eq!(flaws("nine green tractors", RegistrationPassword::None), [ApplicationFlaw::PasswordNotAsked]);
        assert!(matches!(flaws("", RegistrationPassword::Required)[..], [ApplicationFlaw::Password(_)]));
    }
}
