//! Domain words to conditional writes: which items, under which conditions, stamped how. Pure, so that its tests need no store.

mod account;

use super::StoreError;
use super::audit::ulid;
use super::condition::Condition;
use super::failure::refused;
use super::item::{
    self, ClaimedIdentifier, Item, KIND, Kind, OP, RevokedToken, StoredAuthorizationRequest, TTL, VERSION, attach,
};
use super::key::{ItemKey, Thing};
use crate::context::RequestContext;
use crate::digest::sha256;
use crate::domain::account::{AccountStatus, Authentication, DataKeyState, WrappedDataKey};
use crate::domain::audit::Event;
use crate::domain::change::Change;
use crate::domain::consent::Consent;
use crate::domain::credential::PasswordCredential;
use crate::domain::erasure::DueErasure;
use crate::domain::flow::Flow;
use crate::domain::id::TenantId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::oauth::grant::{Grant, GrantState};
use crate::domain::profile::Profile;
use crate::domain::session::Session;
use crate::domain::time::{Span, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::collections::HashMap;

/// How one change is written.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// One conditional put.
    Put(Box<Put>),
    /// One conditional removal.
    Delete(Box<Delete>),
    /// All or none. The token makes it one transaction however often it is sent.
    Transaction { writes: Vec<Write>, token: String },
    /// One more on a counter that is below its limit.
    Count(Box<Count>),
}

/// A whole item and the condition under which it is written.
#[derive(Debug, Clone)]
pub(super) struct Put {
    pub(super) key: ItemKey,
    pub(super) item: Item,
    pub(super) condition: Condition,
}

/// The removal of an item, and the condition under which it is removed.
#[derive(Debug, Clone)]
pub(super) struct Delete {
    pub(super) key: ItemKey,
    pub(super) condition: Condition,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Put(Put),
    Delete(Delete),
}

impl Write {
    pub(super) fn key(&self) -> &ItemKey {
        match self {
            Self::Put(put) => &put.key,
            Self::Delete(delete) => &delete.key,
        }
    }
    /// The version that it writes, as text; none of a state without versions, or a removal.
    fn version(&self) -> &str {
        match self {
            Self::Put(put) => version_of(&put.item),
            Self::Delete(_) => "",
        }
    }
    /// Whether what stands is what this very write left there; a removal leaves nothing to tell by.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        match self {
            Self::Put(put) => put.is_applied(standing),
            Self::Delete(_) => false,
        }
    }
}

/// A counter.
#[derive(Debug, Clone)]
pub(super) struct Count {
    pub(super) key: ItemKey,
    pub(super) limit: u32,
    pub(super) ttl: AttributeValue,
    pub(super) op: String,
}

impl Put {
    /// Whether what stands is what this very write left there: it was applied, and its reply was lost. The version is compared
    /// too, so that a second write of one request to one item is not taken for the first.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        standing.contains_key(OP) && [OP, VERSION].iter().all(|name| standing.get(*name) == self.item.get(*name))
    }
}

/// The stamp of a write: request id, attempt, index of the change (`.` is in no request id).
#[must_use]
fn op(request: &RequestContext, attempt: u32, index: usize) -> String {
    format!("{}.{attempt}.{index}", request.request_id)
}

/// How this change is written.
///
/// # Errors
/// When a state has no form as an item: a defect of ours.
pub(super) fn plan(tenant: &TenantId, change: &Change, request: &RequestContext, index: usize) -> Result<Plan, StoreError> {
    let writer = Writer { tenant, op: op(request, request.attempt, index) };
    let mut plan = match change {
        Change::CreateDataKey(key) => writer.one(writer.data_key(key, Condition::Absent)),
        Change::BeginFlow(flow) | Change::CountFlowTry(flow) | Change::ResendCode(flow) | Change::DisownFlow(flow) => {
            writer.one(writer.flow(flow))
        }
        // Stamped with the first attempt always: however often a request decides, it takes one try.
        Change::CountIdentifierTry { identifier, at, limit } => {
            Ok(writer.count(identifier, *at, *limit, op(request, 1, index)))
        }
        Change::CreateAccount(new) => writer.account(new),
        Change::ImportAccount(new) => writer.imported(new),
        Change::MoveAccount(new) => writer.moved(new),
        Change::CountFailedSignIn(state)
        | Change::UncountFailedSignIn(state)
        | Change::RecordSignIn(state)
        | Change::PlaceLegalHold(state)
        | Change::LiftLegalHold(state)
        | Change::ChangeRoles(state)
        | Change::EraseAccount(state) => writer.one(writer.authentication(state)),
        Change::CountUnknownSignIn(state) | Change::UncountUnknownSignIn(state) => writer.one(writer.versioned(
            Thing::UnknownFailures(&state.identifier),
            Kind::UnknownFailures,
            state,
            state.version,
            Some(state.expires_at),
        )),
        Change::OpenSession(session) | Change::TouchSession(session) | Change::EndSession(session) => {
            writer.one(writer.session(session))
        }
        Change::Rehash(password) => writer.one(writer.password(password)),
        Change::KeepPassword { authentication, password } => {
            writer.transaction(vec![writer.authentication(authentication)?, writer.password(password)?])
        }
        Change::ResetPassword { flow, authentication, password } => {
            writer.transaction(vec![writer.authentication(authentication)?, writer.password(password)?, writer.flow(flow)?])
        }
        Change::RecordConsent(consent) => writer.one(writer.consent(consent)),
        Change::UpdateProfile(profile)
        | Change::StartEmailChange(profile)
        | Change::CountEmailChangeTry(profile)
        | Change::EndEmailChange(profile) => writer.one(writer.profile(profile)),
        Change::ChangePassword { authentication, password, session, grant } => {
            let mut puts = vec![writer.authentication(authentication)?, writer.password(password)?];
            puts.extend(session.as_ref().map(|session| writer.session(session)).transpose()?);
            puts.extend(grant.as_ref().map(|grant| writer.grant(grant)).transpose()?);
            writer.transaction(puts)
        }
        Change::ChangeEmail { authentication, profile, former } => {
            writer.writes(writer.email_change(authentication, profile, former)?)
        }
        Change::UndoEmailChange { authentication, profile, former, password } => {
            let mut writes = writer.email_change(authentication, profile, former)?;
            let remove = |password: &PasswordCredential| {
                writer.delete(Thing::Password(password.account), Condition::Version(password.version))
            };
            writes.extend(password.as_ref().map(remove));
            writer.writes(writes)
        }
        Change::EndSessionAndGrants { session, grants } => {
            let mut puts = vec![writer.session(session)?];
            puts.extend(writer.grants(grants)?);
            writer.transaction(puts)
        }
        Change::WithdrawConsent { consent, grants, .. } => {
            let mut puts: Vec<Put> = consent.as_ref().map(|consent| writer.consent(consent)).transpose()?.into_iter().collect();
            puts.extend(writer.grants(grants)?);
            writer.transaction(puts)
        }
        Change::RequestDeletion { authentication, erasure } => {
            writer.transaction(vec![writer.authentication(authentication)?, writer.due_erasure(erasure)?])
        }
        Change::RestoreAccount { authentication, due } => writer.writes(vec![
            Write::Put(writer.authentication(authentication)?),
            writer.delete(Thing::DueErasure(authentication.account, *due), Condition::Present),
        ]),
        Change::DeferErasure { authentication, former, erasure } => writer.writes(vec![
            Write::Put(writer.authentication(authentication)?),
            writer.delete(Thing::DueErasure(authentication.account, *former), Condition::Present),
            Write::Put(writer.due_erasure(erasure)?),
        ]),
        Change::CheckpointRetention(job) => {
            writer.one(writer.versioned(Thing::RetentionJob, Kind::Job, job, job.version, None))
        }
        Change::IssueAuthorizationCode(grant)
        | Change::RedeemAuthorizationCode(grant)
        | Change::ExchangeToken(grant)
        | Change::RotateRefreshToken(grant)
        | Change::RevokeGrant(grant)
        | Change::RevokeAccessToken(grant) => writer.one(writer.grant(grant)),
        Change::RevokeGrantlessToken { jti, client_id, expires_at } => {
            let revoked = RevokedToken { client_id: client_id.clone(), expires_at: *expires_at };
            writer.one(writer.absent(Thing::RevokedJti(*jti), Kind::RevokedJti, &revoked, Some(*expires_at)))
        }
        Change::StoreAuthorizationRequest { id, query, expires_at } => {
            let stored = StoredAuthorizationRequest { query: query.clone(), expires_at: *expires_at };
            writer.one(writer.absent(Thing::AuthorizationRequest(*id), Kind::AuthorizationRequest, &stored, Some(*expires_at)))
        }
    }?;
    carry_event(&mut plan, change, request, &writer.op)?;
    Ok(plan)
}

/// Puts the change's event on the item that carries it: the only one, or the first of a transaction (AUTHN).
fn carry_event(plan: &mut Plan, change: &Change, request: &RequestContext, op: &str) -> Result<(), StoreError> {
    let Some(kind) = change.event() else { return Ok(()) };
    let carrier = match plan {
        Plan::Put(put) => put.as_mut(),
        Plan::Transaction { writes, .. } => match writes.first_mut() {
            Some(Write::Put(put)) => put,
            Some(Write::Delete(_)) | None => return Ok(()),
        },
        // What is removed carries nothing.
        Plan::Delete(_) => return Ok(()),
        // A counter has no event of its own; the change that follows it has.
        Plan::Count(_) => return Ok(()),
    };
    let (account, flow, client_id) = change.subject();
    let event = Event {
        id: event_id(request.now, op, carrier),
        kind,
        at: request.now,
        request_id: request.request_id.clone(),
        account,
        flow,
        client_id: client_id.cloned(),
        address_hash: request.address_hash.clone(),
    };
    attach(&mut carrier.item, &event)
}

fn version_of(item: &Item) -> &str {
    item.get(VERSION).and_then(|version| version.as_n().ok()).map_or("", String::as_str)
}

/// A ULID that is the same however often the write is sent: the time of the request, and 80 bits out of its stamp, its item and
/// the item's version (one request may commit twice).
fn event_id(now: Timestamp, op: &str, carrier: &Put) -> String {
    let version = version_of(&carrier.item);
    ulid(now, format!("event\n{op}\n{}\n{}\n{version}", carrier.key.pk, carrier.key.sk).as_bytes())
}

/// When nothing of this grant can matter any more: a code that nobody redeemed is over with its minute.
fn end_of(grant: &Grant) -> Timestamp {
    match grant.state {
        GrantState::CodeIssued => grant.code.as_ref().map_or(grant.expires_at, |code| code.expires_at),
        GrantState::Active { .. } | GrantState::Revoked { .. } => grant.expires_at,
    }
}

/// Items of one transaction, as DynamoDB takes them (security 136).
const MAX_WRITES: usize = 100;

struct Writer<'a> {
    tenant: &'a TenantId,
    op: String,
}

impl Writer<'_> {
    fn one(&self, put: Result<Put, StoreError>) -> Result<Plan, StoreError> {
        Ok(Plan::Put(Box::new(put?)))
    }
    fn transaction(&self, puts: Vec<Put>) -> Result<Plan, StoreError> {
        self.writes(puts.into_iter().map(Write::Put).collect())
    }
    /// The first write carries the event, so it is a put.
    fn writes(&self, writes: Vec<Write>) -> Result<Plan, StoreError> {
        if writes.len() > MAX_WRITES {
            let detail = format!("{} items in one transaction, which takes {MAX_WRITES}", writes.len());
            return Err(refused("TransactWriteItems", "", &detail));
        }
        // At most 36 characters, and another one for another transaction of the same request: it may end one session after another.
        let mut named = format!("transaction\n{}", self.op);
        for write in &writes {
            let ItemKey { pk, sk, .. } = write.key();
            named.push_str(&format!("\n{pk}\n{sk}\n{}", write.version()));
        }
        let digest = sha256(named.as_bytes());
        Ok(Plan::Transaction { writes, token: BASE64URL_NOPAD.encode(&digest[..27]) })
    }
    fn delete(&self, thing: Thing<'_>, condition: Condition) -> Write {
        Write::Delete(Delete { key: ItemKey::of(self.tenant, thing), condition })
    }
    fn put<S: Serialize>(
        &self,
        thing: Thing<'_>,
        kind: Kind,
        state: &S,
        condition: Condition,
        ends: Option<Timestamp>,
    ) -> Result<Put, StoreError> {
        let key = ItemKey::of(self.tenant, thing);
        let item = item::write(&key, kind, state, ends, &self.op)?;
        Ok(Put { key, item, condition })
    }
    fn versioned<S: Serialize>(
        &self,
        thing: Thing<'_>,
        kind: Kind,
        state: &S,
        version: u64,
        ends: Option<Timestamp>,
    ) -> Result<Put, StoreError> {
        self.put(thing, kind, state, Condition::before(version), ends)
    }
    fn absent<S: Serialize>(
        &self,
        thing: Thing<'_>,
        kind: Kind,
        state: &S,
        ends: Option<Timestamp>,
    ) -> Result<Put, StoreError> {
        self.put(thing, kind, state, Condition::Absent, ends)
    }
    fn flow(&self, flow: &Flow) -> Result<Put, StoreError> {
        self.versioned(Thing::Flow(flow.id), Kind::Flow, flow, flow.version, Some(flow.expires_at))
    }
    fn authentication(&self, state: &Authentication) -> Result<Put, StoreError> {
        let ends = match state.status {
            AccountStatus::Erased { at } => Some(at),
            AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::ErasureDue { .. } => None,
        };
        self.versioned(Thing::Authentication(state.account), Kind::Authentication, state, state.version, ends)
    }
    fn password(&self, password: &PasswordCredential) -> Result<Put, StoreError> {
        self.versioned(Thing::Password(password.account), Kind::Password, password, password.version, None)
    }
    fn profile(&self, profile: &Profile) -> Result<Put, StoreError> {
        self.versioned(Thing::Profile(profile.account), Kind::Profile, profile, profile.version, None)
    }
    fn session(&self, session: &Session) -> Result<Put, StoreError> {
        let thing = Thing::Session(session.account, session.id);
        self.versioned(thing, Kind::Session, session, session.version, Some(session.expires_at))
    }
    fn grant(&self, grant: &Grant) -> Result<Put, StoreError> {
        self.versioned(Thing::Grant(grant.account, grant.id), Kind::Grant, grant, grant.version, Some(end_of(grant)))
    }
    fn grants(&self, grants: &[Grant]) -> Result<Vec<Put>, StoreError> {
        grants.iter().map(|grant| self.grant(grant)).collect()
    }
    fn consent(&self, consent: &Consent) -> Result<Put, StoreError> {
        let thing = Thing::Consent(consent.account, &consent.client_id);
        self.versioned(thing, Kind::Consent, consent, consent.version, None)
    }
    fn due_erasure(&self, erasure: &DueErasure) -> Result<Put, StoreError> {
        self.absent(Thing::DueErasure(erasure.account, erasure.due), Kind::DueErasure, erasure, None)
    }
    /// One address freed, the other claimed where nobody has it: uniqueness, and no moment with both or neither.
    fn email_change(
        &self,
        authentication: &Authentication,
        profile: &Profile,
        former: &IdentifierHash,
    ) -> Result<Vec<Write>, StoreError> {
        let account = authentication.account;
        let claimed = ClaimedIdentifier { account };
        Ok(vec![
            Write::Put(self.authentication(authentication)?),
            Write::Put(self.profile(profile)?),
            Write::Put(self.absent(Thing::Identifier(&authentication.identifier), Kind::Identifier, &claimed, None)?),
            self.delete(Thing::Identifier(former), Condition::OfAccount(account)),
        ])
    }
    fn data_key(&self, key: &WrappedDataKey, condition: Condition) -> Result<Put, StoreError> {
        let ends = match key.state {
            DataKeyState::Pending { expires_at } => Some(expires_at),
            DataKeyState::Account => None,
        };
        self.put(Thing::DataKey(key.account), Kind::DataKey, key, condition, ends)
    }
    fn count(&self, identifier: &IdentifierHash, at: Timestamp, limit: u32, op: String) -> Plan {
        let key = ItemKey::of(self.tenant, Thing::IdentifierTries(identifier, at));
        Plan::Count(Box::new(Count { key, limit, ttl: item::ttl(at + Span::days(1)), op }))
    }
}

impl Count {
    /// The update that counts, if the limit is not reached and this very write did not count before.
    pub(super) const UPDATE: &str = "SET #n = if_not_exists(#n, :zero) + :one, #kind = :kind, #ttl = :ttl, #op = :op";
    /// See [`Self::UPDATE`].
    pub(super) const CONDITION: &str =
        "(attribute_not_exists(#n) OR #n < :limit) AND (attribute_not_exists(#op) OR #op <> :op)";

    /// The names of both expressions.
    pub(super) fn names() -> HashMap<String, String> {
        [("#n", "n"), ("#kind", KIND), ("#ttl", TTL), ("#op", OP)].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    }
    /// The values of both expressions.
    pub(super) fn values(&self) -> HashMap<String, AttributeValue> {
        let number = |n: u32| AttributeValue::N(n.to_string());
        HashMap::from([
            (":zero".to_owned(), number(0)),
            (":one".to_owned(), number(1)),
            (":limit".to_owned(), number(self.limit)),
            (":kind".to_owned(), AttributeValue::S(Kind::IdentifierTries.as_str().to_owned())),
            (":ttl".to_owned(), self.ttl.clone()),
            (":op".to_owned(), AttributeValue::S(self.op.clone())),
        ])
    }
    /// Whether what stands was last counted by this very write.
    pub(super) fn is_applied(&self, standing: &Item) -> bool {
        standing.get(OP) == Some(&AttributeValue::S(self.op.clone()))
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
