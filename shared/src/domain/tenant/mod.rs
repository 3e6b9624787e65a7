//! What a tenant is configured to be: the types that `config` reads out of its document.

mod cognito;
mod form;
mod handover;
mod policies;
mod resource;
mod text;

pub(crate) use cognito::is_attribute;
pub use cognito::{CognitoConfig, InvalidUserPoolId, KeptSub, UserPoolId};
pub use form::{Field, FieldKind, Pattern, RegistrationConfig, ShowWhen, TermsDocument};
pub(crate) use handover::OWN;
pub use handover::{HandoverConfig, Username};
pub use policies::{KeysConfig, MailConfig, PasswordPolicy, RetentionPolicy, SessionPolicy, Signer, TokenPolicy};
pub use resource::Resource;
pub use text::Localized;

use super::id::{ClientId, TenantId};
use crate::domain::oauth::client::Client;
use std::collections::BTreeMap;

/// One tenant's validated configuration.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// Which tenant.
    pub tenant: TenantId,
    /// The name people see.
    pub name: Localized,
    /// Looks and links of pages and mails.
    pub brand: Brand,
    /// Locales offered, the default first (BCP 47).
    pub locales: Vec<String>,
    /// Registration: whether, with which form.
    pub registration: RegistrationConfig,
    /// Password rules.
    pub password: PasswordPolicy,
    /// Session lifetimes.
    pub session: SessionPolicy,
    /// Token lifetimes.
    pub token: TokenPolicy,
    /// How long what is over is kept.
    pub retention: RetentionPolicy,
    /// Signing keys.
    pub keys: KeysConfig,
    /// Mail sender.
    pub mail: MailConfig,
    /// The user pool that people come from, during a move.
    pub cognito: Option<CognitoConfig>,
    /// The user pool that people go to, on the way back.
    pub handover: Option<HandoverConfig>,
    /// OAuth clients.
    pub clients: BTreeMap<ClientId, Client>,
    /// Resource servers that tokens can be narrowed to (RFC 8707).
    pub resources: BTreeMap<String, Resource>,
}

impl TenantConfig {
    /// The client that a person comes from who comes from nowhere: the first one of the company's own, else the first.
    #[must_use]
    pub fn default_client(&self) -> Option<&Client> {
        self.clients.values().find(|client| client.first_party).or_else(|| self.clients.values().next())
    }
}

/// Looks and links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Accent colour, `#rrggbb`.
    pub accent: String,
    /// https address of the privacy statement.
    pub privacy_url: Option<String>,
    /// https address of help.
    pub support_url: Option<String>,
}
