//! The configuration of a tenant: the types that `config` reads from its document.

mod form;
pub mod legacy_directory;
mod policies;
mod resource;
mod reverse_migration;
mod text;

pub use form::{Field, FieldKind, Pattern, RegistrationConfig, RegistrationPassword, ShowWhen, TermsDocument};
pub use legacy_directory::{LegacyDirectoryConfig, SubPolicy};
pub use policies::{
    AndroidApp, KeysConfig, LostFactorPolicy, MailConfig, PasskeyPolicy, PasswordPolicy, RetentionPolicy, SecondFactorPolicy,
    SessionPolicy, SignInPolicy, Signer, TokenPolicy,
};
pub use resource::Resource;
pub(crate) use reverse_migration::OWN;
pub use reverse_migration::{ReverseMigrationConfig, Username};
pub use text::Localized;

use super::id::{ClientId, TenantId};
use crate::domain::oauth::client::{Client, SigningAlgorithm};
use crate::domain::source::SourcePolicy;
use std::collections::{BTreeMap, BTreeSet};

/// One tenant's validated configuration.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// The tenant.
    pub tenant: TenantId,
    /// The displayed name.
    pub name: Localized,
    /// Design and links of pages and mails.
    pub brand: Brand,
    /// Locales offered, the default first (BCP 47).
    pub locales: Vec<String>,
    /// Registration: whether it is open, and its form.
    pub registration: RegistrationConfig,
    /// Password rules.
    pub password: PasswordPolicy,
    /// Methods of sign-in.
    pub sign_in: SignInPolicy,
    /// Passkeys.
    pub passkeys: PasskeyPolicy,
    /// Session lifetimes.
    pub session: SessionPolicy,
    /// Token lifetimes.
    pub token: TokenPolicy,
    /// Retention periods.
    pub retention: RetentionPolicy,
    /// Signing keys.
    pub keys: KeysConfig,
    /// Limits per source.
    pub sources: SourcePolicy,
    /// Mail sender.
    pub mail: MailConfig,
    /// The legacy user pool, during a migration.
    pub legacy_directory: Option<LegacyDirectoryConfig>,
    /// The user pool of a reverse migration.
    pub reverse_migration: Option<ReverseMigrationConfig>,
    /// Fields of the form that an import fills from a member of another name: field, dotted path.
    pub import: BTreeMap<String, String>,
    /// OAuth clients.
    pub clients: BTreeMap<ClientId, Client>,
    /// Resource servers that tokens can be narrowed to (RFC 8707).
    pub resources: BTreeMap<String, Resource>,
}

impl TenantConfig {
    /// The client of a user who comes without a client: the first first-party client, otherwise the first client.
    #[must_use]
    pub fn default_client(&self) -> Option<&Client> {
        self.clients.values().find(|client| client.first_party).or_else(|| self.clients.values().next())
    }
    /// The signature algorithms in use: those of clients and resource servers, RS256 (every client may expect it, OpenID Connect Discovery
    /// §3), and ES256, which signs exports. Some verifiers refuse a whole JWK Set because of one key that they do not know.
    #[must_use]
    pub fn signing_algorithms(&self) -> BTreeSet<SigningAlgorithm> {
        let of_clients = self
            .clients
            .values()
            .flat_map(|client| [client.id_token_signed_response_alg, client.access_token_signed_response_alg].into_iter());
        let of_resources = self.resources.values().filter_map(|resource| resource.signed_response_alg);
        [SigningAlgorithm::RS256, SigningAlgorithm::ES256].into_iter().chain(of_clients).chain(of_resources).collect()
    }
}

/// Design and links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Accent colour, `#rrggbb`.
    pub accent: String,
    /// https address of the privacy statement.
    pub privacy_url: Option<String>,
    /// https address of help.
    pub support_url: Option<String>,
}
