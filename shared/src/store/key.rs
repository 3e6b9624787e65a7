//! Every key of every item; nothing else builds one.
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
//! | flow | identities | `W#{tenant}#FLOW.{flow}` | `W` | version |
//! | stored authorization request | identities | `W#{tenant}#REQUEST.{id}` | `W` | absent |
//! | revoked token without a grant | identities | `W#{tenant}#JTI.{jti}` | `W` | absent |
//! | failures of an unknown identifier | identities | `W#{tenant}#FAILED.{key version}.{hash}` | `W` | version |
//! | tries of an identifier on a day | identities | `W#{tenant}#TRIES.{key version}.{hash}.{yyyymmdd}` | `W` | below its limit |
//! | mails of a purpose to a recipient on a day | identities | `W#{tenant}#MAILS.{purpose}.{key version}.{hash}.{yyyymmdd}` | `W` | below its limits |
//! | due erasure | identities | `D#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{account}` | absent |
//! | state of a scheduled job | identities | `T#{tenant}` | `JOB#{job}` | version |
//! | name of a tenant | identities | `TENANTS` | `{tenant}` | absent |
//! | tenant document | identities | `T#{tenant}` | `CONFIG#{version, 10 digits}` | absent |
//! | keyring | identities | `T#{tenant}` | `KEY#{purpose}#{version, 10 digits}` | absent, lease over, or own claim |
//! | signing key | identities | `T#{tenant}` | `KEY#signing.{algorithm}#{version, 10 digits}` | the same |
//! | data key | keys | `D#{tenant}#{account}` | `KEY` | absent; `state = pending` to become an account's |
//! | tombstone of an erased account | keys | `E#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{account}` | absent |
//! | audit record, of an account | audit | `A#{tenant}#{account}` | `{event id}` | absent |
//! | audit record, of a flow alone | audit | `W#{tenant}#{flow}` | `{event id}` | absent |
//! | any other audit record | audit | `N#{tenant}#{yyyymmdd}#{shard, 2 digits}` | `{event id}` | absent |
//!
//! Two different things never share a key: a part is a checked type ([`crate::domain::id`]) whose alphabet has neither `#` nor a
//! character that would end it early, the tenant stands in each pk, and each word in capitals belongs to one item only
//! (security 123).

use crate::domain::audit::Event;
use crate::domain::delivery::MailPurpose;
use crate::domain::id::{AccountId, ClientId, FlowId, GrantId, Jti, SessionId, TenantId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::linked_identity::SubjectHash;
use crate::domain::oauth::client::SigningAlgorithm;
use crate::domain::retention::DUE_SHARDS;
use crate::domain::time::Timestamp;
use crate::purpose::Purpose;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use ulid::Ulid;

/// Name of the partition key's attribute, in all three tables.
pub const PK: &str = "pk";
/// Name of the sort key's attribute, in all three tables.
pub const SK: &str = "sk";
/// Over how many partitions a day's audit records without account and flow are spread.
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

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemKey {
    /// In which table.
    pub table: Table,
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// Everything that has a key. The doc table of this module is the truth about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing<'a> {
    /// An identifier that an account has.
    Identifier(&'a IdentifierHash),
    /// The hot item of an account.
    Authentication(AccountId),
    /// Its profile.
    Profile(AccountId),
    /// The terms it accepted.
    Terms(AccountId),
    /// One of its sessions.
    Session(AccountId, SessionId),
    /// One of its grants.
    Grant(AccountId, GrantId),
    /// What it allowed a client.
    Consent(AccountId, &'a ClientId),
    /// Its identity at another identity provider.
    LinkedIdentity(AccountId, &'a SubjectHash),
    /// A subject of another identity provider.
    FederatedSubject(&'a SubjectHash),
    /// Its password.
    Password(AccountId),
    /// A pending registration or recovery.
    Flow(FlowId),
    /// A stored authorization request.
    AuthorizationRequest(FlowId),
    /// A revoked access token that has no grant.
    RevokedJti(Jti),
    /// The failures of an identifier that no account has.
    UnknownFailures(&'a IdentifierHash),
    /// The codes typed for an identifier on the UTC day of this moment.
    IdentifierTries(&'a IdentifierHash, Timestamp),
    /// The mails of a purpose to a recipient on the UTC day of this moment.
    Mails(MailPurpose, &'a IdentifierHash, Timestamp),
    /// The erasure of an account that is due at this moment: its UTC day names the partition.
    DueErasure(AccountId, Timestamp),
    /// What is left of an account that was erased at this moment.
    Tombstone(AccountId, Timestamp),
    /// The state of the retention job.
    RetentionJob,
    /// The tenant's own name, where all tenants are listed.
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
    /// The key of this thing of this tenant.
    #[must_use]
    pub fn of(tenant: &TenantId, thing: Thing<'_>) -> Self {
        let account = |account: AccountId, sk: String| Self::identities(format!("A#{tenant}#{account}"), sk);
        let work = |id: String| Self::identities(format!("W#{tenant}#{id}"), "W".to_owned());
        match thing {
            Thing::Identifier(hash) => {
                Self::identities(format!("I#{tenant}#{}#{}", hash.key_version, text(hash)), "I".to_owned())
            }
            Thing::Authentication(id) => account(id, "AUTHN".to_owned()),
            Thing::Profile(id) => account(id, "PROFILE".to_owned()),
            Thing::Terms(id) => account(id, "TERMS".to_owned()),
            Thing::Session(id, session) => account(id, format!("SESSION#{session}")),
            Thing::Grant(id, grant) => account(id, format!("GRANT#{grant}")),
            Thing::Consent(id, client) => account(id, format!("CONSENT#{client}")),
            Thing::LinkedIdentity(id, SubjectHash(hash)) => {
                account(id, format!("{LINK_PREFIX}{}#{}", hash.key_version, text(hash)))
            }
            Thing::FederatedSubject(SubjectHash(hash)) => {
                Self::identities(format!("F#{tenant}#{}#{}", hash.key_version, text(hash)), "F".to_owned())
            }
            Thing::Password(id) => Self::identities(format!("X#{tenant}#{id}"), "PASSWORD".to_owned()),
            Thing::Flow(id) => work(format!("FLOW.{id}")),
            Thing::AuthorizationRequest(id) => work(format!("REQUEST.{id}")),
            Thing::RevokedJti(jti) => work(format!("JTI.{jti}")),
            Thing::UnknownFailures(hash) => work(format!("FAILED.{}.{}", hash.key_version, text(hash))),
            Thing::IdentifierTries(hash, at) => work(format!("TRIES.{}.{}.{}", hash.key_version, text(hash), day(at))),
            Thing::Mails(purpose, hash, at) => {
                work(format!("MAILS.{}.{}.{}.{}", mail_word(purpose), hash.key_version, text(hash), day(at)))
            }
            Thing::DueErasure(id, due) => Self::identities(due_pk(tenant, due, shard_of(id)), id.to_string()),
            Thing::Tombstone(id, at) => {
                Self { table: Table::Keys, pk: tombstones_pk(tenant, at, shard_of(id)), sk: id.to_string() }
            }
            Thing::RetentionJob => Self::tenant_item(tenant, "JOB#retention".to_owned()),
            Thing::TenantName => Self::identities(TENANTS_PK.to_owned(), tenant.to_string()),
            Thing::TenantDocument(version) => Self::tenant_item(tenant, format!("{CONFIG_PREFIX}{version:010}")),
            Thing::Key(KeySlot::Keyring { purpose, version }) => {
                Self::tenant_item(tenant, format!("{KEY_PREFIX}{}#{version:010}", purpose_word(purpose)))
            }
            Thing::Key(KeySlot::Signing { algorithm, version }) => {
                Self::tenant_item(tenant, format!("{KEY_PREFIX}signing.{}#{version:010}", algorithm_word(algorithm)))
            }
            Thing::DataKey(id) => Self { table: Table::Keys, pk: format!("D#{tenant}#{id}"), sk: "KEY".to_owned() },
            Thing::Audit(event) => Self { table: Table::Audit, pk: audit_pk(tenant, event), sk: event.id.clone() },
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

/// The tenant that a partition key of ours names: its second part.
pub(super) fn tenant_of(pk: &str) -> Option<TenantId> {
    pk.split('#').nth(1)?.parse().ok()
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
/// What the partitions of a tenant's accounts begin with.
pub(super) fn accounts_prefix(tenant: &TenantId) -> String {
    format!("A#{tenant}#")
}
/// What the partitions of a tenant's tombstones begin with.
pub(super) fn tombstones_prefix(tenant: &TenantId) -> String {
    format!("E#{tenant}#")
}
/// Ids are random: any of their bits spread evenly.
fn shard_of(account: AccountId) -> u8 {
    account.as_bytes()[0] % DUE_SHARDS
}

/// The partition of a tenant's own items.
pub(super) fn tenant_pk(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}
/// What the sort keys of tenant documents begin with.
pub(super) const CONFIG_PREFIX: &str = "CONFIG#";
/// What the sort keys of linked identities begin with.
pub(super) const LINK_PREFIX: &str = "LINK#";

/// The subject whose linked identity this sort key names, if it names one.
pub(super) fn linked_subject(sk: &str) -> Option<SubjectHash> {
    let (key_version, hash) = sk.strip_prefix(LINK_PREFIX)?.split_once('#')?;
    let hash = BASE64URL_NOPAD.decode(hash.as_bytes()).ok()?.try_into().ok()?;
    Some(SubjectHash(IdentifierHash { key_version: key_version.parse().ok()?, hash }))
}

/// What the sort keys of keyrings and signing keys begin with.
pub(super) const KEY_PREFIX: &str = "KEY#";

fn text(hash: &IdentifierHash) -> String {
    BASE64URL_NOPAD.encode(&hash.hash)
}

/// The partition of an account's audit records.
pub(super) fn audit_pk_of(tenant: &TenantId, account: AccountId) -> String {
    format!("A#{tenant}#{account}")
}

/// A sort key behind those of all audit records up to this moment, and before later ones: ids are ULIDs, which begin with the time.
pub(super) fn audit_sk_after(until: Option<Timestamp>) -> String {
    let millis = until.map_or(u64::MAX, |until| u64::try_from(until.millis() + 1).unwrap_or_default());
    Ulid::from_parts(millis.min(LAST_ULID_MILLIS), 0).to_string()
}
/// The time in a ULID has 48 bits.
const LAST_ULID_MILLIS: u64 = (1 << 48) - 1;

fn audit_pk(tenant: &TenantId, event: &Event) -> String {
    match (event.account, event.flow) {
        (Some(account), _) => audit_pk_of(tenant, account),
        (None, Some(flow)) => format!("W#{tenant}#{flow}"),
        (None, None) => {
            // One partition takes 1,000 writes a second: a wave of guesses at unknown identifiers must not meet that bound.
            let shard = event.id.bytes().last().unwrap_or_default() % AUDIT_SHARDS;
            format!("N#{tenant}#{}#{shard:02}", day(event.at))
        }
    }
}

/// The UTC day, `yyyymmdd`; outside the years that have four digits, the days since the epoch.
fn day(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.millis()) {
        Ok(moment) => moment.strftime("%Y%m%d").to_string(),
        Err(_) => at.millis().div_euclid(86_400_000).to_string(),
    }
}

fn mail_word(purpose: MailPurpose) -> &'static str {
    match purpose {
        MailPurpose::Registration => "registration",
        MailPurpose::Recovery => "recovery",
        MailPurpose::Notice => "notice",
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

/// Where one version of one key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum KeySlot {
    /// A version of a keyring.
    Keyring {
        /// What it is for.
        purpose: Purpose,
        /// From 1.
        version: u32,
    },
    /// A version of the signing key of an algorithm.
    Signing {
        /// Which algorithm.
        algorithm: SigningAlgorithm,
        /// From 1.
        version: u32,
    },
}
