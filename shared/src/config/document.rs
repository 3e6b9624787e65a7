//! Reads the tenant document: from TOML to validated configuration.
//!
//! 1. Syntax: every error with its line and column.
//! 2. Each section, key by key: types, bounds, unknown keys (an unknown key is an error).
//! 3. References between sections: the resources of clients.
//!
//! One pass finds every error, so that an operator can fix all of them at once.

use super::reader::{DocumentError, Place, Report, Table, is_locale, parse_toml, read_link, read_scope};
use super::{clients, form, import, legacy_directory, passkeys, reverse_migration, sign_in, terms};
use crate::domain::erasure::MIN_GRACE;
use crate::domain::id::TenantId;
use crate::domain::identifier::EmailAddress;
use crate::domain::source::SourcePolicy;
use crate::domain::tenant::{
    Brand, KeysConfig, Localized, MailConfig, PasswordPolicy, RegistrationConfig, RegistrationPassword, Resource,
    RetentionPolicy, SessionPolicy, Signer, TenantConfig, TokenPolicy,
};
use crate::domain::time::Span;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// All errors of a document, each with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentErrors(pub Vec<DocumentError>);

impl std::fmt::Display for DocumentErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentErrors {}

/// The maximum size of a document in bytes. With its key and the other attributes it is well below the 400 KB of an item in DynamoDB,
/// and reading it at each cold start is inexpensive.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// The accent colour of a document without one.
const DEFAULT_ACCENT: &str = "#3b5bdb";

impl TenantConfig {
    /// Reads and validates a tenant document.
    ///
    /// # Errors
    /// Every error in it, each with its path.
    pub fn parse(tenant: &TenantId, document: &str) -> Result<Self, DocumentErrors> {
        if document.len() > MAX_DOCUMENT {
            let message = format!("has {} bytes; at most {MAX_DOCUMENT} can be stored", document.len());
            return Err(DocumentErrors(vec![DocumentError { path: "the document".to_owned(), line: None, message }]));
        }
        let report = Report::new(document);
        let config = parse_toml(&report).map(|table| read(tenant, Table::root(&report, table)));
        let errors = report.into_errors();
        match config {
            Some(config) if errors.is_empty() => Ok(config),
            Some(_) | None => Err(DocumentErrors(errors)),
        }
    }
}

fn read(tenant: &TenantId, mut root: Table<'_, '_>) -> TenantConfig {
    let name = read_name(tenant, &mut root);
    let locales = read_locales(&mut root);
    let brand = read_brand(root.table("brand"));
    let (registration, password_place) = read_registration(root.table("registration"));
    let password = read_password(root.table("password"));
    let sign_in = sign_in::read(root.table("sign_in"));
    let passkeys = passkeys::read(tenant, root.table("passkeys"));
    if registration.password != RegistrationPassword::Required && !passkeys.enabled && !sign_in.mail_code {
        let words = "needs passkeys or `sign_in.mail_code = true`: an account without a password must have a way in";
        root.report.refuse(&password_place, words);
    }
    let session = read_session(root.table("session"));
    let token = read_token(root.table("token"));
    let retention = read_retention(root.table("retention"));
    let keys = read_keys(root.table("keys"));
    let sources = read_limits(root.table("limits"));
    let mail = read_mail(root.table("mail"));
    let resources = read_resources(root.tables("resources"), keys.signer);
    let clients = clients::read_clients(root.tables("clients"), &resources, &registration.fields, keys.signer);
    let legacy_directory = legacy_directory::read(&mut root, &registration.fields, &clients);
    let import = root.optional_table("import").map(|table| import::read(table, &registration.fields)).unwrap_or_default();
    let reverse_migration =
        root.optional_table("handover").and_then(|table| reverse_migration::read(table, &registration.fields));
    root.close();
    TenantConfig {
        tenant: tenant.clone(),
        name,
        brand,
        locales,
        registration,
        password,
        sign_in,
        passkeys,
        session,
        token,
        retention,
        keys,
        sources,
        mail,
        legacy_directory,
        reverse_migration,
        import,
        clients,
        resources,
    }
}

fn read_name(tenant: &TenantId, root: &mut Table<'_, '_>) -> Localized {
    let place = root.at("name");
    let given = root.localized("name");
    if given.is_none() {
        root.report.refuse(&place, "is missing: set the name that users see, such as \"Example Shop\"");
    }
    given.unwrap_or_else(|| Localized::from(tenant.to_string()))
}

/// The locales that have messages. A document may offer some of them, but no others.
const OFFERED_LOCALES: [&str; 2] = ["en", "de"];

fn read_locales(root: &mut Table<'_, '_>) -> Vec<String> {
    let mut locales: Vec<String> = Vec::new();
    for locale in root.texts("locales") {
        if !is_locale(&locale.value) {
            root.report.refuse(&locale.place, "not a locale such as \"en\" or \"de-AT\"");
        } else if !OFFERED_LOCALES.contains(&locale.value.split('-').next().unwrap_or_default()) {
            root.report.refuse(
                &locale.place,
                format!("there are no messages in this locale; available: {}", OFFERED_LOCALES.join(", ")),
            );
        } else if locales.contains(&locale.value) {
            root.report.refuse(&locale.place, "is listed twice");
        } else {
            locales.push(locale.value);
        }
    }
    if locales.is_empty() {
        locales.push("en".to_owned());
    }
    locales
}

fn read_brand(mut table: Table<'_, '_>) -> Brand {
    let accent = match table.text("accent") {
        None => DEFAULT_ACCENT.to_owned(),
        Some(accent) => {
            let digits = accent.value.strip_prefix('#').unwrap_or_default();
            // It is written into a style sheet, so it must be a colour and nothing else.
            if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                table.report.refuse(&accent.place, "must be a colour such as \"#3b5bdb\"");
            }
            accent.value
        }
    };
    let brand =
        Brand { accent, privacy_url: read_link(&mut table, "privacy_url"), support_url: read_link(&mut table, "support_url") };
    table.close();
    brand
}

/// The section, and the place of its `password`.
fn read_registration(mut table: Table<'_, '_>) -> (RegistrationConfig, Place) {
    let password_place = table.at("password");
    let enabled = table.flag("enabled", true);
    let passwords = [
        ("required", RegistrationPassword::Required),
        ("optional", RegistrationPassword::Optional),
        ("none", RegistrationPassword::None),
    ];
    let password = table.word("password", &passwords, RegistrationPassword::default());
    let fields = form::read_fields(table.tables("fields"));
    let terms = terms::read_terms(table.tables("terms"));
    table.close();
    (RegistrationConfig { enabled, password, fields, terms }, password_place)
}

fn read_password(mut table: Table<'_, '_>) -> PasswordPolicy {
    let presets = [("asvs", PasswordPolicy::ASVS), ("nist", PasswordPolicy::NIST)];
    let policy = table.word("preset", &presets, PasswordPolicy::ASVS);
    table.close();
    policy
}

fn read_session(mut table: Table<'_, '_>) -> SessionPolicy {
    let place = table.at("idle");
    let idle = table.span("idle", Span::minutes(5)..=Span::days(90), Span::days(7));
    let absolute = table.span("absolute", Span::minutes(5)..=SessionPolicy::MAX_ABSOLUTE, Span::days(30));
    if idle > absolute {
        table.report.refuse(&place, "must not be longer than session.absolute");
    }
    table.close();
    SessionPolicy { idle, absolute }
}

fn read_token(mut table: Table<'_, '_>) -> TokenPolicy {
    let place = table.at("refresh_idle");
    // A resource server that verifies a JWT offline does not see a revocation before the token expires. Hence at most ten minutes
    // (security 27).
    let access = table.span("access", Span::minutes(1)..=Span::minutes(10), Span::minutes(10));
    let refresh_idle = table.span("refresh_idle", Span::minutes(10)..=Span::days(365), Span::days(30));
    let refresh_absolute = table.span("refresh_absolute", Span::minutes(10)..=Span::days(3650), Span::days(180));
    if refresh_idle > refresh_absolute {
        table.report.refuse(&place, "must not be longer than token.refresh_absolute");
    }
    table.close();
    TokenPolicy { access, refresh_idle, refresh_absolute }
}

fn read_retention(mut table: Table<'_, '_>) -> RetentionPolicy {
    let default = RetentionPolicy::DEFAULT;
    let erasure_grace = table.span("erasure_grace", MIN_GRACE..=Span::days(365), default.erasure_grace);
    let email_undo = table.span("email_undo", Span::hours(1)..=Span::days(90), default.email_undo);
    let audit = table.span("audit", Span::days(1)..=Span::days(3650), default.audit);
    table.close();
    RetentionPolicy { erasure_grace, email_undo, audit }
}

fn read_keys(mut table: Table<'_, '_>) -> KeysConfig {
    let signer = table.word("signer", &[("local", Signer::Local), ("kms", Signer::Kms)], Signer::Local);
    table.close();
    KeysConfig { signer }
}

fn read_limits(mut table: Table<'_, '_>) -> SourcePolicy {
    let words = [("off", SourcePolicy::Off), ("normal", SourcePolicy::Normal), ("strict", SourcePolicy::Strict)];
    let sources = table.word("sources", &words, SourcePolicy::default());
    table.close();
    sources
}

fn read_mail(mut table: Table<'_, '_>) -> MailConfig {
    let from = match table.text("from") {
        None => "no-reply@localhost".to_owned(),
        Some(from) => {
            let address = match from.value.split_once('<') {
                Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
                None => &from.value,
            };
            if from.value.chars().any(char::is_control) || from.value.len() > 320 || EmailAddress::parse(address).is_err() {
                table.report.refuse(&from.place, "must be \"name@example.com\" or \"Name <name@example.com>\"");
            }
            from.value
        }
    };
    table.close();
    MailConfig { from }
}

fn read_resources(tables: Vec<Table<'_, '_>>, signer: Signer) -> BTreeMap<String, Resource> {
    let mut resources = BTreeMap::new();
    for mut table in tables {
        let resource = table.required_text("resource");
        let scope = read_scope(&mut table).unwrap_or_default();
        let place = table.at("scope");
        // Latchkey's own endpoints refuse a token for a resource, so these scopes would have no effect in it.
        for token in ["account", "openid", "offline_access"] {
            if scope.contains(token) {
                table.report.refuse(&place, format!("scope {token} is for Latchkey's own endpoints, not for a resource"));
            }
        }
        let at = table.at("access_token_signed_response_alg");
        let signed_response_alg =
            table.text("access_token_signed_response_alg").and_then(|text| table.report.word(&text, &clients::ALGORITHMS));
        clients::refuse_what_kms_does_not_sign(&table, &at, signed_response_alg, signer);
        if let Some(resource) = resource {
            // RFC 8707 §2: an absolute URI, no fragment.
            let absolute = url::Url::parse(&resource.value).is_ok() && !resource.value.contains('#');
            if !absolute || resource.value.len() > 255 {
                table.report.refuse(&resource.place, "must be an absolute URI without a fragment (RFC 8707 §2)");
                table.close();
                continue;
            }
            match resources.entry(resource.value) {
                Entry::Occupied(_) => table.report.refuse(&resource.place, "is listed twice"),
                Entry::Vacant(entry) => {
                    let resource = entry.key().clone();
                    entry.insert(Resource { resource, scope, signed_response_alg });
                }
            }
        }
        table.close();
    }
    resources
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
