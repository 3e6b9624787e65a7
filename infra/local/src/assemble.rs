//! Assembles Latchkey on one machine: the same services and routes for the gateway and for tests.

use crate::engine;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use axum::Router;
use data_encoding::BASE64URL_NOPAD;
use latchkey::config::document::DocumentErrors;
use latchkey::context::{Clock, Random};
use latchkey::digest::sha256;
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::TenantConfig;
use latchkey::keys::{KeyError, KeyVault, Keys, LegacyKeys, PasswordHasher};
use latchkey::legacy_directory::LegacyDirectory;
use latchkey::purpose::Purpose;
use latchkey::services::{Origin, Services, SourceLimiter, Tenants};
use latchkey::store::tenant::{DocumentOrigin, DocumentSource};
use latchkey::store::{CommitError, Store, StoreError, Tables};
use retention::{Continuation, Retention};

/// All functions run in this process, so all keys are needed.
const PURPOSES: [Purpose; 6] =
    [Purpose::Data, Purpose::Identifier, Purpose::Proof, Purpose::Locator, Purpose::Refresh, Purpose::Signing];

/// The names of the tables in the embedded engine.
pub const TABLES: [&str; 3] = ["identities", "keys", "audit"];

/// What differs between one assembly and another.
#[derive(Clone)]
pub struct Parts {
    /// The public origin of links and issuers.
    pub origin: Origin,
    /// The connector of the SDK.
    pub connector: SharedHttpConnector,
    /// The vault that wraps keys.
    pub vault: KeyVault,
    /// The legacy user directory.
    pub legacy_directory: Option<LegacyDirectory>,
    /// The keys of the user pool with exchangeable tokens.
    pub legacy_keys: LegacyKeys,
    /// The clock of all decisions.
    pub clock: Clock,
    /// How many passwords are hashed concurrently.
    pub hashing_lanes: usize,
    /// The limits per source.
    pub sources: SourceLimiter,
}

/// A tenant document as given.
#[derive(Debug, Clone)]
pub struct Document {
    /// The tenant.
    pub tenant: TenantId,
    /// TOML. `{origin}` is replaced by the gateway's origin.
    pub text: String,
}

/// The tables or a tenant's document could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A table could not be created.
    #[error("the tables could not be created")]
    Tables(#[from] StoreError),
    /// A document is not valid.
    #[error("the document of tenant {tenant} is not valid: {errors}")]
    Document {
        /// The tenant.
        tenant: TenantId,
        /// Every error, by its path.
        errors: DocumentErrors,
    },
    /// A document requires signatures that are not available here.
    #[error("the document of tenant {tenant} cannot be served: {source}")]
    Signer {
        /// The tenant.
        tenant: TenantId,
        /// The reason.
        #[source]
        source: KeyError,
    },
    /// A document names a user pool, which cannot be called here.
    #[error("the document of tenant {0} names a user pool ([cognito]), which the local gateway cannot reach: remove it")]
    LegacyDirectory(TenantId),
    /// A document could not be stored.
    #[error("the document of tenant {tenant} could not be stored")]
    Store {
        /// The tenant.
        tenant: TenantId,
        /// The reason.
        #[source]
        source: CommitError,
    },
}

/// The routes of every function.
pub fn routes() -> Router<Services> {
    registration::routes().merge(login::routes()).merge(token::routes()).merge(profile::routes()).merge(export::routes())
}

/// The scheduled jobs. They run until they are done: no time limit applies here.
#[must_use]
pub fn jobs(services: Services) -> Retention {
    Retention::new(services, Continuation::Caller)
}

/// Creates the services from these parts.
#[must_use]
pub fn services(parts: Parts) -> Services {
    let [identities, keys, audit] = TABLES.map(str::to_owned);
    Services {
        origin: parts.origin,
        store: Store::new(engine::client(parts.connector), Tables { identities, keys, audit }),
        keys: Keys::new(parts.vault, &PURPOSES),
        tenants: Tenants::default(),
        legacy_directory: parts.legacy_directory,
        legacy_keys: parts.legacy_keys,
        clock: parts.clock,
        random: Random,
        hasher: PasswordHasher::new(parts.hashing_lanes),
        sources: parts.sources,
    }
}

/// Checks a document. The gateway does this before it changes anything.
///
/// # Errors
/// [`PrepareError::Document`] with every error in it.
pub fn check(document: &Document, origin: &Origin) -> Result<Document, PrepareError> {
    let text = document.text.replace("{origin}", origin.as_str());
    read(document, &text)?;
    Ok(Document { tenant: document.tenant.clone(), text })
}

fn read(document: &Document, text: &str) -> Result<TenantConfig, PrepareError> {
    TenantConfig::parse(&document.tenant, text)
        .map_err(|errors| PrepareError::Document { tenant: document.tenant.clone(), errors })
}

/// Creates missing tables and stores new documents (see [`store`]).
///
/// # Errors
/// The reason why it failed.
pub async fn prepare(services: &Services, documents: &[Document]) -> Result<(), PrepareError> {
    services.store.create_tables().await?;
    for document in documents {
        let checked = check(document, &services.origin)?;
        let config = read(&checked, &checked.text)?;
        if config.legacy_directory.is_some() && services.legacy_directory.is_none() {
            return Err(PrepareError::LegacyDirectory(checked.tenant));
        }
        let signer = config.keys.signer;
        let refused = |source| PrepareError::Signer { tenant: checked.tenant.clone(), source };
        services.keys.check(signer).map_err(refused)?;
        let tenant = document.tenant.clone();
        store(services, document, &checked.text).await.map_err(|source| PrepareError::Store { tenant, source })?;
    }
    Ok(())
}

/// Stores a document that the gateway was started with, unless an operator has applied another one since:
///
/// - The built-in document replaces only an earlier built-in document, never one of a file or an operator.
/// - A document file replaces all of them if its text differs from the one last stored from a file. So a document of `latchkey config
///   apply` survives restarts, until the file itself is changed.
async fn store(services: &Services, document: &Document, text: &str) -> Result<(), CommitError> {
    let store = services.store.tenant(document.tenant.clone());
    let newest = store.find_newest_document().await?;
    let source = if document.text == DEFAULT_DOCUMENT { DocumentSource::Shipped } else { DocumentSource::File };
    // Before {origin} is replaced: another port must not count as another text.
    let given = BASE64URL_NOPAD.encode(&sha256(document.text.as_bytes()));
    let is_due = match (source, newest.as_ref()) {
        (_, None) => true,
        (DocumentSource::Shipped, Some(newest)) => newest.origin.source == source && newest.document != text,
        (DocumentSource::File, Some(newest)) if newest.origin.source == source => newest.document != text,
        (DocumentSource::File | DocumentSource::Operator, Some(_)) => {
            let mut earlier = store.find_documents().await?.into_iter().rev();
            let last = earlier.find(|earlier| earlier.origin.source == DocumentSource::File);
            last.and_then(|last| last.origin.given) != Some(given.clone())
        }
    };
    if is_due {
        let origin = DocumentOrigin { source, given: Some(given), ..DocumentOrigin::default() };
        store.put_document_after(newest.map(|newest| newest.version), text, origin, services.clock.now()).await?;
    }
    Ok(())
}

/// The built-in tenant document of the gateway.
pub const DEFAULT_DOCUMENT: &str = include_str!("../latchkey.toml");
