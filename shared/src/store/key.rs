//! Builds the keys of all items. No other module builds a key.
//!
//! | item | table | pk | sk | written only if |
//! |---|---|---|---|---|
//! | identifier (e-mail) | identities | `I#{tenant}#{key version}#{hash}` | `I` | absent: uniqueness |
//! | authentication state | identities | `A#{tenant}#{account}` | `AUTHN` | version |
//! | profile | identities | `A#{tenant}#{account}` | `PROFILE` | version |
//! | accepted terms | identities | `A#{tenant}#{account}` | `TERMS` | version |
//! | session | identities | `A#{tenant}#{account}` | `SESSION#{sid}` | version |
//! | grant | identities | `A#{tenant}#{account}` | `GRANT#{grant}` | version |
//! | consent | identities | `A#{tenant}#{account}` | `CONSENT#{client}` | version |
//! | linked identity | identities | `A#{tenant}#{account}` | `LINK#{key version}#{hash}` | absent |
//! | subject of another identity provider | identities | `F#{tenant}#{key version}#{hash}` | `F` | absent: uniqueness; its own account's, once erased |
//! | password | identities | `X#{tenant}#{account}` | `PASSWORD` | version |
//! | passkey | identities | `P#{tenant}#{account}` | `PASSKEY#{hash}` | version |
//! | credential id of a passkey | identities | `K#{tenant}#{hash}` | `K` | absent: uniqueness |
//! | authenticator app | identities | `X#{tenant}#{account}` | `TOTP` | version |
//! | recovery codes | identities | `X#{tenant}#{account}` | `RECOVERY` | version |
//! | flow | identities | `W#{tenant}#FLOW.{flow}` | `W` | version |
//! | sign-in between its steps | identities | `W#{tenant}#ATTEMPT.{attempt}` | `W` | version |
//! | stored authorization request | identities | `W#{tenant}#REQUEST.{id}` | `W` | absent |
//! | revoked token without a grant | identities | `W#{tenant}#JTI.{jti}` | `W` | absent |
//! | failures of an unknown identifier | identities | `W#{tenant}#FAILED.{key version}.{hash}` | `W` | version |
//! | registrations of an identifier on a day with a short code | identities | `W#{tenant}#SHORT.{key version}.{hash}.{yyyymmdd}` | `W` | below its limit |
//! | mails of a purpose to an identifier by a trigger on a day | identities | `W#{tenant}#STARTS.{purpose}.{key version}.{hash}.{trigger}.{yyyymmdd}` | `W` | below its limit |
//! | failures or mails of a source in ten minutes | identities | `W#{tenant}#SOURCE.{hash}.{yyyymmddhhmm}` | `W` | below its limit |
//! | mails of a purpose to a recipient on a day | identities | `W#{tenant}#MAILS.{purpose}.{key version}.{hash}.{yyyymmdd}` | `W` | below its limits |
//! | due erasure | identities | `D#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{account}` | absent |
//! | state of a scheduled job | identities | `T#{tenant}` | `JOB#{job}` | version |
//! | name of a tenant | identities | `TENANTS` | `{tenant}` | absent |
//! | tenant document | identities | `T#{tenant}` | `CONFIG#{version, 10 digits}` | absent |
//! | keyring | identities | `T#{tenant}` | `KEY#{purpose}#{version, 10 digits}` | absent, lease over, or own claim |
//! | signing key | identities | `T#{tenant}` | `KEY#signing.{algorithm}#{version, 10 digits}` | the same |
//! | data key | keys | `D#{tenant}#{account}` | `KEY` | absent; `state = pending` to become an account's |
//! | tombstone of an erased account | keys | `E#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{account}` | absent |
//! | deletion request or restoration of an account | keys | `R#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{account}` | absent, or its own |
//! | audit record, of an account | audit | `A#{tenant}#{account}` | `{event id}` | absent |
//! | audit record, of a flow alone | audit | `W#{tenant}#{flow}` | `{event id}` | absent |
//! | any other audit record | audit | `N#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{event id}` | absent |
//!
//! Two different records never share a key: each part is a checked type ([`crate::domain::id`]) with an alphabet that has neither
//! `#` nor a character that would end it early, each pk contains the tenant, and each word in capitals belongs to one kind of
//! item only (security 123).

use crate::domain::audit::Event;
use crate::domain::delivery::MailPurpose;
use crate::domain::id::{AccountId, AttemptId, ClientId, FlowId, GrantId, Jti, SessionId, TenantId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::SubjectHash;
use crate::domain::mail_limit::Trigger;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::passkey::CredentialHash;
use crate::domain::retention::DUE_SHARDS;
use crate::domain::source::window_of;
use crate::domain::time::Timestamp;
use crate::purpose::Purpose;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use ulid::Ulid;

/// Name of the partition key attribute, in all three tables.
pub const PK: &str = "pk";
/// Name of the sort key attribute, in all three tables.
pub const SK: &str = "sk";
/// Number of partitions of a day's audit records without account and flow.
pub const AUDIT_SHARDS: u8 = 16;

/// One of the three tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Identities.
    Identities,
    /// Wrapped data keys.
    Keys,
    /// Audit records.
    Audit,
}

/// The location of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemKey {
    /// The table.
    pub table: Table,
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// Everything that has a key. The table in this module's documentation defines each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemRef<'a> {
    /// An identifier that an account has.
    Identifier(&'a IdentifierHash),
    /// The hot item of an account.
    Authentication(AccountId),
    /// Its profile.
    Profile(AccountId),
    /// The terms that it accepted.
    Terms(AccountId),
    /// One of its sessions.
    Session(AccountId, SessionId),
    /// One of its grants.
    Grant(AccountId, GrantId),
    /// Its consent to a client.
    Consent(AccountId, &'a ClientId),
    /// Its identity at another identity provider.
    LinkedIdentity(AccountId, &'a SubjectHash),
    /// A subject of another identity provider.
    FederatedSubject(&'a SubjectHash),
    /// Its password.
    Password(AccountId),
    /// One of its passkeys.
    Passkey(AccountId, CredentialHash),
    /// The claim of the credential id of a passkey.
    CredentialClaim(&'a CredentialHash),
    /// Its authenticator app.
    Totp(AccountId),
    /// Its recovery codes.
    RecoveryCodes(AccountId),
    /// A pending registration or password reset.
    Flow(FlowId),
    /// A sign-in between its steps.
    Attempt(AttemptId),
    /// A stored authorization request.
    AuthorizationRequest(FlowId),
    /// A revoked access token that has no grant.
    RevokedJti(Jti),
    /// The failures of an identifier without an account.
    UnknownFailures(&'a IdentifierHash),
    /// The registrations of an identifier with a code of 6 digits on the UTC day of this moment.
    ShortCodes(&'a IdentifierHash, Timestamp),
    /// The mails of a purpose to an identifier that a trigger caused on the UTC day of this moment.
    MailStarts(MailPurpose, &'a IdentifierHash, &'a Trigger, Timestamp),
    /// The mails of a purpose to a recipient on the UTC day of this moment.
    Mails(MailPurpose, &'a IdentifierHash, Timestamp),
    /// The failures or mails of a source in the ten minutes of this moment.
    Source(&'a [u8; 32], Timestamp),
    /// The erasure of an account that is due at this moment. Its UTC day is part of the partition key.
    DueErasure(AccountId, Timestamp),
    /// The deletion request, or the restoration, of an account on the UTC day of this moment.
    DeletionRecord(AccountId, Timestamp),
    /// The tombstone of an account that was erased at this moment.
    Tombstone(AccountId, Timestamp),
    /// The state of the retention job.
    RetentionJob,
    /// The tenant's own name, in the list of all tenants.
    TenantName,
    /// A version of the tenant document.
    TenantDocument(u64),
    /// A version of a keyring or signing key.
    Key(KeySlot),
    /// The data key of an account or pending registration.
    DataKey(AccountId),
    /// The audit record of an event.
    Audit(&'a Event),
}

impl ItemKey {
    /// The key of this record of this tenant.
    #[must_use]
    pub fn new(tenant: &TenantId, item: ItemRef<'_>) -> Self {
        let account = |account: AccountId, sk: String| Self::identities(format!("A#{tenant}#{account}"), sk);
        let work = |id: String| Self::identities(format!("W#{tenant}#{id}"), "W".to_owned());
        match item {
            ItemRef::Identifier(hash) => {
                Self::identities(format!("I#{tenant}#{}#{}", hash.key_version, text(hash)), "I".to_owned())
            }
            ItemRef::Authentication(id) => account(id, "AUTHN".to_owned()),
            ItemRef::Profile(id) => account(id, "PROFILE".to_owned()),
            ItemRef::Terms(id) => account(id, "TERMS".to_owned()),
            ItemRef::Session(id, session) => account(id, format!("SESSION#{session}")),
            ItemRef::Grant(id, grant) => account(id, format!("GRANT#{grant}")),
            ItemRef::Consent(id, client) => account(id, format!("CONSENT#{client}")),
            ItemRef::LinkedIdentity(id, SubjectHash(hash)) => {
                account(id, format!("{LINK_PREFIX}{}#{}", hash.key_version, text(hash)))
            }
            ItemRef::FederatedSubject(SubjectHash(hash)) => {
                Self::identities(format!("F#{tenant}#{}#{}", hash.key_version, text(hash)), "F".to_owned())
            }
            ItemRef::Passkey(id, credential) => {
                Self::identities(passkeys_pk(tenant, id), format!("{PASSKEY_PREFIX}{credential}"))
            }
            ItemRef::CredentialClaim(credential) => Self::identities(format!("K#{tenant}#{credential}"), "K".to_owned()),
            ItemRef::Password(id) => Self::identities(secrets_pk(tenant, id), "PASSWORD".to_owned()),
            ItemRef::Totp(id) => Self::identities(secrets_pk(tenant, id), "TOTP".to_owned()),
            ItemRef::RecoveryCodes(id) => Self::identities(secrets_pk(tenant, id), "RECOVERY".to_owned()),
            ItemRef::Flow(id) => work(format!("FLOW.{id}")),
            ItemRef::Attempt(id) => work(format!("ATTEMPT.{id}")),
            ItemRef::AuthorizationRequest(id) => work(format!("REQUEST.{id}")),
            ItemRef::RevokedJti(jti) => work(format!("JTI.{jti}")),
            ItemRef::UnknownFailures(hash) => work(format!("FAILED.{}.{}", hash.key_version, text(hash))),
            ItemRef::ShortCodes(hash, at) => work(format!("SHORT.{}.{}.{}", hash.key_version, text(hash), day(at))),
            ItemRef::MailStarts(purpose, hash, trigger, at) => {
                let (purpose, version) = (purpose.as_str(), hash.key_version);
                work(format!("STARTS.{purpose}.{version}.{}.{trigger}.{}", text(hash), day(at)))
            }
            ItemRef::Mails(purpose, hash, at) => {
                work(format!("MAILS.{}.{}.{}.{}", purpose.as_str(), hash.key_version, text(hash), day(at)))
            }
            ItemRef::Source(hash, at) => work(format!("SOURCE.{}.{}", BASE64URL_NOPAD.encode(hash), minute(window_of(at)))),
            ItemRef::DueErasure(id, due) => Self::identities(due_pk(tenant, due, shard_of(id)), id.to_string()),
            ItemRef::DeletionRecord(id, at) => {
                Self { table: Table::Keys, pk: deletion_records_pk(tenant, at, shard_of(id)), sk: id.to_string() }
            }
            ItemRef::Tombstone(id, at) => {
                Self { table: Table::Keys, pk: tombstones_pk(tenant, at, shard_of(id)), sk: id.to_string() }
            }
            ItemRef::RetentionJob => Self::tenant_item(tenant, "JOB#retention".to_owned()),
            ItemRef::TenantName => Self::identities(TENANTS_PK.to_owned(), tenant.to_string()),
            ItemRef::TenantDocument(version) => Self::tenant_item(tenant, format!("{CONFIG_PREFIX}{version:010}")),
            ItemRef::Key(KeySlot::Keyring { purpose, version }) => {
                Self::tenant_item(tenant, format!("{KEY_PREFIX}{}#{version:010}", purpose_word(purpose)))
            }
            ItemRef::Key(KeySlot::Signing { algorithm, version }) => {
                Self::tenant_item(tenant, format!("{KEY_PREFIX}signing.{}#{version:010}", algorithm_word(algorithm)))
            }
            ItemRef::DataKey(id) => Self { table: Table::Keys, pk: format!("D#{tenant}#{id}"), sk: "KEY".to_owned() },
            ItemRef::Audit(event) => Self { table: Table::Audit, pk: audit_pk(tenant, event), sk: event.id.clone() },
        }
    }
    fn identities(pk: String, sk: String) -> Self {
        Self { table: Table::Identities, pk, sk }
    }
    fn tenant_item(tenant: &TenantId, sk: String) -> Self {
        Self::identities(tenant_pk(tenant), sk)
    }
    /// The key as the attributes of a request.
    #[must_use]
    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
    /// The key of an item that was read from this table.
    #[must_use]
    pub fn read(table: Table, item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let part = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        Some(Self { table, pk: part(PK)?, sk: part(SK)? })
    }
}

/// The tenant in one of our partition keys: its second part.
pub(super) fn tenant_of(pk: &str) -> Option<TenantId> {
    pk.split('#').nth(1)?.parse().ok()
}

/// The partition of the secrets of an account.
pub(super) fn secrets_pk(tenant: &TenantId, account: AccountId) -> String {
    format!("X#{tenant}#{account}")
}
/// The partition that lists the tenants.
pub(super) const TENANTS_PK: &str = "TENANTS";

/// The partition of one shard of the work that is due on the UTC day of this moment.
pub(super) fn due_pk(tenant: &TenantId, due: Timestamp, shard: u8) -> String {
    format!("D#{tenant}#{}#{shard:02}", day(due))
}
/// The partition of one shard of the accounts that were erased on the UTC day of this moment.
pub(super) fn tombstones_pk(tenant: &TenantId, at: Timestamp, shard: u8) -> String {
    format!("E#{tenant}#{}#{shard:02}", day(at))
}
/// The partition of one shard of the deletion requests and restorations of the UTC day of this moment.
pub(super) fn deletion_records_pk(tenant: &TenantId, at: Timestamp, shard: u8) -> String {
    format!("R#{tenant}#{}#{shard:02}", day(at))
}
/// The partition of the passkeys of an account.
pub(super) fn passkeys_pk(tenant: &TenantId, account: AccountId) -> String {
    format!("P#{tenant}#{account}")
}
/// The prefix of the partition keys of a tenant's accounts.
pub(super) fn accounts_prefix(tenant: &TenantId) -> String {
    format!("A#{tenant}#")
}
/// The prefixes of the partition keys with a hash of this version: addresses, subjects, failures of unknown addresses.
pub(super) fn hashed_prefixes(tenant: &TenantId, version: u32) -> [String; 3] {
    [format!("I#{tenant}#{version}#"), format!("F#{tenant}#{version}#"), format!("W#{tenant}#FAILED.{version}.")]
}
/// The prefix of the partition keys of a tenant's tombstones.
pub(super) fn tombstones_prefix(tenant: &TenantId) -> String {
    format!("E#{tenant}#")
}
/// Ids are random, so any of their bits are evenly distributed.
fn shard_of(account: AccountId) -> u8 {
    account.as_bytes()[0] % DUE_SHARDS
}

/// The partition of a tenant's own items.
pub(super) fn tenant_pk(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}
/// The prefix of the sort keys of tenant documents.
pub(super) const CONFIG_PREFIX: &str = "CONFIG#";
/// The prefix of the sort keys of passkeys.
const PASSKEY_PREFIX: &str = "PASSKEY#";
/// The prefix of the sort keys of linked identities.
pub(super) const LINK_PREFIX: &str = "LINK#";

/// The subject of the linked identity with this sort key, if it is one.
pub(super) fn linked_subject(sk: &str) -> Option<SubjectHash> {
    let (key_version, hash) = sk.strip_prefix(LINK_PREFIX)?.split_once('#')?;
    let hash = BASE64URL_NOPAD.decode(hash.as_bytes()).ok()?.try_into().ok()?;
    Some(SubjectHash(IdentifierHash { key_version: key_version.parse().ok()?, hash }))
}

/// The credential of the passkey with this sort key, if it is one.
pub(super) fn credential_of(sk: &str) -> Option<CredentialHash> {
    CredentialHash::parse(sk.strip_prefix(PASSKEY_PREFIX)?)
}

/// The prefix of the sort keys of keyrings and signing keys.
pub(super) const KEY_PREFIX: &str = "KEY#";

fn text(hash: &IdentifierHash) -> String {
    BASE64URL_NOPAD.encode(&hash.hash)
}

/// The partition of an account's audit records.
pub(super) fn audit_pk_of(tenant: &TenantId, account: AccountId) -> String {
    format!("A#{tenant}#{account}")
}

/// The partition of the audit records of a flow that names no account.
pub(super) fn flow_audit_pk(tenant: &TenantId, flow: &str) -> String {
    format!("W#{tenant}#{flow}")
}

/// A sort key after those of all audit records up to this moment, and before later ones: ids are ULIDs, which start with the
/// time.
pub(super) fn audit_sk_after(until: Option<Timestamp>) -> String {
    let millis = until.map_or(u64::MAX, |until| u64::try_from(until.millis() + 1).unwrap_or_default());
    Ulid::from_parts(millis.min(LAST_ULID_MILLIS), 0).to_string()
}
/// The time in a ULID has 48 bits.
const LAST_ULID_MILLIS: u64 = (1 << 48) - 1;

fn audit_pk(tenant: &TenantId, event: &Event) -> String {
    match (event.account, event.flow) {
        (Some(account), _) => audit_pk_of(tenant, account),
        (None, Some(flow)) => flow_audit_pk(tenant, &flow.to_string()),
        (None, None) => {
            // One partition takes 1,000 writes a second. Many guesses at unknown identifiers at once must not reach this limit.
            let shard = event.id.bytes().last().unwrap_or_default() % AUDIT_SHARDS;
            format!("N#{tenant}#{}#{shard:02}", day(event.at))
        }
    }
}

/// The UTC day, `yyyymmdd`. For years without four digits, the days since the epoch.
fn day(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.millis()) {
        Ok(moment) => moment.strftime("%Y%m%d").to_string(),
        Err(_) => at.millis().div_euclid(86_400_000).to_string(),
    }
}

/// The UTC minute, `yyyymmddhhmm`. For years without four digits, the minutes since the epoch.
fn minute(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.millis()) {
        Ok(moment) => moment.strftime("%Y%m%d%H%M").to_string(),
        Err(_) => at.millis().div_euclid(60_000).to_string(),
    }
}

fn purpose_word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Data => "data",
        Purpose::Identifier => "identifier",
        Purpose::Proof => "proof",
        Purpose::Locator => "locator",
        Purpose::Refresh => "refresh",
        Purpose::Signing => "signing",
    }
}

fn algorithm_word(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::RS256 => "RS256",
        SigningAlgorithm::ES256 => "ES256",
        SigningAlgorithm::EdDSA => "EdDSA",
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;

/// The location of one version of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum KeySlot {
    /// A version of a keyring.
    Keyring {
        /// Its purpose.
        purpose: Purpose,
        /// Starts at 1.
        version: u32,
    },
    /// A version of the signing key of an algorithm.
    Signing {
        /// The algorithm.
        algorithm: SigningAlgorithm,
        /// Starts at 1.
        version: u32,
    },
}
