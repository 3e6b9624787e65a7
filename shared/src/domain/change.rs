//! The words in which decisions say what is to be written. Each implies its precondition and, where it has one, its event.
//!
//! A versioned state carries the version it will *have*: it is written only over the version before it (1: only where nothing
//! stands). A failed precondition is a conflict: load again, decide again.

use super::account::{Authentication, WrappedDataKey};
use super::audit::EventKind;
use super::consent::{AcceptedTerms, Consent};
use super::credential::PasswordCredential;
use super::directory::ImportedAccount;
use super::erasure::DueErasure;
use super::failure_window::UnknownIdentifierFailures;
use super::flow::{Flow, FlowPurpose};
use super::id::{AccountId, ClientId, FlowId, Jti};
use super::identifier::IdentifierHash;
use super::linked_identity::LinkedIdentity;
use super::moving::MovedAccount;
use super::oauth::grant::Grant;
use super::profile::Profile;
use super::retention::RetentionJob;
use super::session::Session;
use super::time::Timestamp;

/// What a decision wants written, and what it answers once that stands.
#[derive(Debug, Clone)]
#[must_use = "commit the changes before the outcome is shown"]
pub struct Decision<O> {
    /// To be committed first.
    pub changes: Changes,
    /// To be shown after.
    pub outcome: O,
}

impl<O> Decision<O> {
    /// An outcome that changes nothing.
    pub fn unchanged(outcome: O) -> Self {
        Self { changes: Changes::default(), outcome }
    }
    /// One change and its outcome.
    pub fn one(change: Change, outcome: O) -> Self {
        Self { changes: Changes::one(change), outcome }
    }
}

/// Changes in the order in which they are committed. Each change is atomic by itself (one conditional write or one
/// transaction); a later one starts only once the earlier stands.
#[derive(Debug, Clone, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// One change.
    pub fn one(change: Change) -> Self {
        Self(vec![change])
    }
    /// These, then another.
    pub fn then(mut self, change: Change) -> Self {
        self.0.push(change);
        self
    }
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One change, in domain words.
#[derive(Debug, Clone)]
pub enum Change {
    /// The data key of a pending registration. Absent before.
    CreateDataKey(WrappedDataKey),
    /// A registration or recovery begins. Absent before. Event: `RegistrationStarted` or `RecoveryStarted`.
    BeginFlow(Flow),
    /// A typed code takes one of the identifier's tries of the day, before it is evaluated. Refused at `limit`.
    CountIdentifierTry {
        /// The addressed identifier.
        identifier: IdentifierHash,
        /// The time of the try: its UTC day names the counter.
        at: Timestamp,
        /// Tries a day.
        limit: u32,
    },
    /// A wrong code was typed: one try less. Event: `CodeRefused`.
    CountFlowTry(Flow),
    /// A new generation of the code. Event: `CodeResent`.
    ResendCode(Flow),
    /// "I did not ask for this". Event: `FlowDisowned`.
    DisownFlow(Flow),
    /// The proof came: seven items in one transaction, nine for somebody whom a former directory knows. Event: `AccountCreated`.
    CreateAccount(Box<NewAccount>),
    /// A person comes from a former directory: identifier and subject claimed (absent before), account, profile and link new, the
    /// data key new or its flow's, the flow completed, in one transaction. Event: `AccountImported`.
    ImportAccount(Box<ImportedAccount>),
    /// A person moves here from another Latchkey: account, identifier, identities elsewhere, consents and data key, each absent before,
    /// in one transaction. Event: `AccountImported`.
    MoveAccount(Box<MovedAccount>),
    /// A failed sign-in of an account. Event: `SignInFailed`.
    CountFailedSignIn(Authentication),
    /// A failed sign-in of an identifier that has no account. Event: `SignInFailed`.
    CountUnknownSignIn(UnknownIdentifierFailures),
    /// A counted failure of an account was none. No event.
    UncountFailedSignIn(Authentication),
    /// A counted failure was none. No event.
    UncountUnknownSignIn(UnknownIdentifierFailures),
    /// A password was right: the window is reset. (The event rides on the session.)
    RecordSignIn(Authentication),
    /// A session opens. Absent before. Event: `SignedIn`.
    OpenSession(Session),
    /// The session was used. No event.
    TouchSession(Session),
    /// The session ends. Event: `SignedOut`.
    EndSession(Session),
    /// The password's hash was made again with present parameters. No event: nothing changed for the person.
    Rehash(PasswordCredential),
    /// A password that the former directory found right is kept here from now on: the window reset, the password new (absent before),
    /// in one transaction. No event: nothing changed for the person.
    KeepPassword {
        /// The account, whose password is here now.
        authentication: Authentication,
        /// The password.
        password: PasswordCredential,
    },
    /// A password set by recovery: flow completed, password replaced, epoch raised, windows cleared, in one transaction. Event:
    /// `PasswordReset`.
    ResetPassword {
        /// The completed flow.
        flow: Flow,
        /// The account, epoch raised.
        authentication: Authentication,
        /// The new password.
        password: PasswordCredential,
    },
    /// A client was given consent. Event: `ConsentGranted`.
    RecordConsent(Consent),
    /// The profile was edited. Event: `ProfileChanged`.
    UpdateProfile(Profile),
    /// The password was changed by somebody who knew it: password replaced, epoch raised, what was presented for it restamped, in
    /// one transaction; every other session and grant is of an epoch that has passed. Event: `PasswordChanged`.
    ChangePassword {
        /// The account, epoch raised.
        authentication: Authentication,
        /// The new password.
        password: PasswordCredential,
        /// The presenting session, of the new epoch.
        session: Option<Box<Session>>,
        /// The presenting grant, of the new epoch.
        grant: Option<Box<Grant>>,
    },
    /// A change of address begins; one that waited is superseded. Event: `EmailChangeStarted`.
    StartEmailChange(Profile),
    /// A wrong code for a change of address was typed: one try less. Event: `EmailChangeRefused`.
    CountEmailChangeTry(Profile),
    /// A change of address was ended before its proof. Event: `EmailChangeEnded`.
    EndEmailChange(Profile),
    /// The new address was proven: it is claimed (absent before), the former one freed, in one transaction with account and
    /// profile. Event: `EmailChanged`.
    ChangeEmail {
        /// The account, which now signs in with the new address.
        authentication: Authentication,
        /// The profile with the new address; the change is used up.
        profile: Profile,
        /// What it signed in with before.
        former: IdentifierHash,
    },
    /// The former address takes its place again: it is claimed (absent before), the other one freed, the epoch raised, and the
    /// password removed, which whoever changed the address knew. Event: `EmailChangeUndone`.
    UndoEmailChange {
        /// The account, which signs in with the former address again; epoch raised.
        authentication: Authentication,
        /// The profile with the former address; the undo is used up.
        profile: Profile,
        /// What it signed in with until now.
        former: IdentifierHash,
        /// The password, if there is one.
        password: Option<PasswordCredential>,
    },
    /// A session is ended from the list, its offline grants with it, in one transaction. Event: `SessionEnded`.
    EndSessionAndGrants {
        /// The ended session.
        session: Session,
        /// Its revoked grants; at most [`MAX_ENDED_GRANTS`].
        grants: Vec<Grant>,
    },
    /// Consent is withdrawn, and the client's grants end with it, in one transaction. Event: `ConsentWithdrawn`.
    WithdrawConsent {
        /// Whose.
        account: AccountId,
        /// From whom.
        client_id: ClientId,
        /// The withdrawn consent; a client that needs none has only grants.
        consent: Option<Consent>,
        /// Its revoked grants; at most [`MAX_ENDED_GRANTS`].
        grants: Vec<Grant>,
    },
    /// The account is closed: epoch raised, its erasure put among the due work (absent before), in one transaction. Event:
    /// `DeletionRequested`.
    RequestDeletion {
        /// The closed account.
        authentication: Authentication,
        /// Its erasure.
        erasure: DueErasure,
    },
    /// The closed account is in use again, its erasure removed (present before), in one transaction. Event: `AccountRestored`.
    RestoreAccount {
        /// The account.
        authentication: Authentication,
        /// When its erasure was due.
        due: Timestamp,
    },
    /// A legal hold keeps the account from being erased. Event: `LegalHoldPlaced`.
    PlaceLegalHold(Authentication),
    /// The legal hold is lifted. Event: `LegalHoldLifted`.
    LiftLegalHold(Authentication),
    /// An operator gave or took roles. Event: `RolesChanged`.
    ChangeRoles(Authentication),
    /// An erasure waits for a legal hold: it moves to a later day's work (absent there, present before), in one transaction. Event:
    /// `ErasureDeferred`.
    DeferErasure {
        /// The account, due later.
        authentication: Authentication,
        /// When it was due.
        former: Timestamp,
        /// Its erasure, of another day.
        erasure: DueErasure,
    },
    /// The point of no return: nothing of the account is left in its own item, which ends by itself. Event: `AccountErased`.
    EraseAccount(Authentication),
    /// Where the retention job stands. No event.
    CheckpointRetention(Box<RetentionJob>),
    /// A code was issued. Absent before. No event.
    IssueAuthorizationCode(Grant),
    /// The code became tokens. No event.
    RedeemAuthorizationCode(Grant),
    /// A token of the former user pool became a grant, of a session that opened for it. Absent before. No event: the session has it.
    ExchangeToken(Grant),
    /// The next generation of the refresh token. No event.
    RotateRefreshToken(Grant),
    /// The grant ends. Event by reason: `GrantRevoked`, `RefreshReuse` or `CodeReplayed`.
    RevokeGrant(Grant),
    /// An access token of a grant ends early. Event: `AccessTokenRevoked`.
    RevokeAccessToken(Grant),
    /// An access token that has no grant (client credentials) ends early. Absent before. Event: `AccessTokenRevoked`.
    RevokeGrantlessToken {
        /// Which.
        jti: Jti,
        /// Whose.
        client_id: ClientId,
        /// When it would have expired.
        expires_at: Timestamp,
    },
    /// An authorization request that came by POST, to be read once by the GET that follows. Absent before. No event.
    StoreAuthorizationRequest {
        /// Its id.
        id: FlowId,
        /// The parameters, as a query.
        query: String,
        /// At most 10 minutes.
        expires_at: Timestamp,
    },
}

/// Grants that one transaction ends (DynamoDB takes 100 items). More than these are ended before it, by transactions of their own.
pub const MAX_ENDED_GRANTS: usize = 99;

/// Everything that a new account is made of.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Claimed by absence: uniqueness.
    pub identifier: IdentifierHash,
    /// Version 1.
    pub authentication: Authentication,
    /// Version 1.
    pub password: PasswordCredential,
    /// Version 1.
    pub profile: Profile,
    /// What was accepted at registration.
    pub terms: Vec<AcceptedTerms>,
    /// Their identity in the former directory, if it knows them: the sentinel is claimed by absence too.
    pub link: Option<LinkedIdentity>,
    /// The completed flow.
    pub flow: Flow,
    /// The data key: pending becomes the account's, its TTL removed.
    pub data_key: WrappedDataKey,
}

impl Change {
    /// The event that this change implies.
    #[must_use]
    pub fn event(&self) -> Option<EventKind> {
        use super::oauth::grant::{GrantState, RevocationReason};
        match self {
            Self::BeginFlow(flow) => Some(match flow.purpose {
                FlowPurpose::Registration => EventKind::RegistrationStarted,
                FlowPurpose::Recovery => EventKind::RecoveryStarted,
            }),
            Self::CountFlowTry(_) => Some(EventKind::CodeRefused),
            Self::ResendCode(_) => Some(EventKind::CodeResent),
            Self::DisownFlow(_) => Some(EventKind::FlowDisowned),
            Self::CreateAccount(_) => Some(EventKind::AccountCreated),
            Self::ImportAccount(_) | Self::MoveAccount(_) => Some(EventKind::AccountImported),
            Self::CountFailedSignIn(_) | Self::CountUnknownSignIn(_) => Some(EventKind::SignInFailed),
            Self::OpenSession(_) => Some(EventKind::SignedIn),
            Self::EndSession(_) => Some(EventKind::SignedOut),
            Self::ResetPassword { .. } => Some(EventKind::PasswordReset),
            Self::RecordConsent(_) => Some(EventKind::ConsentGranted),
            Self::UpdateProfile(_) => Some(EventKind::ProfileChanged),
            Self::ChangePassword { .. } => Some(EventKind::PasswordChanged),
            Self::StartEmailChange(_) => Some(EventKind::EmailChangeStarted),
            Self::CountEmailChangeTry(_) => Some(EventKind::EmailChangeRefused),
            Self::EndEmailChange(_) => Some(EventKind::EmailChangeEnded),
            Self::ChangeEmail { .. } => Some(EventKind::EmailChanged),
            Self::UndoEmailChange { .. } => Some(EventKind::EmailChangeUndone),
            Self::EndSessionAndGrants { .. } => Some(EventKind::SessionEnded),
            Self::WithdrawConsent { .. } => Some(EventKind::ConsentWithdrawn),
            Self::RequestDeletion { .. } => Some(EventKind::DeletionRequested),
            Self::RestoreAccount { .. } => Some(EventKind::AccountRestored),
            Self::PlaceLegalHold(_) => Some(EventKind::LegalHoldPlaced),
            Self::LiftLegalHold(_) => Some(EventKind::LegalHoldLifted),
            Self::ChangeRoles(_) => Some(EventKind::RolesChanged),
            Self::DeferErasure { .. } => Some(EventKind::ErasureDeferred),
            Self::EraseAccount(_) => Some(EventKind::AccountErased),
            Self::RevokeGrant(grant) => Some(match grant.state {
                GrantState::Revoked { reason: RevocationReason::RefreshReuse, .. } => EventKind::RefreshReuse,
                GrantState::Revoked { reason: RevocationReason::CodeReplayed, .. } => EventKind::CodeReplayed,
                GrantState::Revoked { .. } | GrantState::CodeIssued | GrantState::Active { .. } => EventKind::GrantRevoked,
            }),
            Self::RevokeAccessToken(_) | Self::RevokeGrantlessToken { .. } => Some(EventKind::AccessTokenRevoked),
            Self::CreateDataKey(_)
            | Self::CountIdentifierTry { .. }
            | Self::UncountFailedSignIn(_)
            | Self::UncountUnknownSignIn(_)
            | Self::RecordSignIn(_)
            | Self::TouchSession(_)
            | Self::Rehash(_)
            | Self::KeepPassword { .. }
            | Self::IssueAuthorizationCode(_)
            | Self::RedeemAuthorizationCode(_)
            | Self::ExchangeToken(_)
            | Self::RotateRefreshToken(_)
            | Self::CheckpointRetention(_)
            | Self::StoreAuthorizationRequest { .. } => None,
        }
    }

    /// The account, flow and client that the event names.
    #[must_use]
    pub fn subject(&self) -> (Option<AccountId>, Option<FlowId>, Option<&ClientId>) {
        match self {
            Self::BeginFlow(f) | Self::CountFlowTry(f) | Self::ResendCode(f) | Self::DisownFlow(f) => {
                (None, Some(f.id), Some(&f.client_id))
            }
            Self::CreateAccount(new) => (Some(new.authentication.account), Some(new.flow.id), Some(&new.flow.client_id)),
            Self::ImportAccount(new) => {
                let flow = new.flow.as_ref();
                (Some(new.authentication.account), flow.map(|flow| flow.id), flow.map(|flow| &flow.client_id))
            }
            Self::MoveAccount(moved) => (Some(moved.authentication.account), None, None),
            Self::CountFailedSignIn(a)
            | Self::UncountFailedSignIn(a)
            | Self::RecordSignIn(a)
            | Self::PlaceLegalHold(a)
            | Self::LiftLegalHold(a)
            | Self::ChangeRoles(a)
            | Self::EraseAccount(a) => (Some(a.account), None, None),
            Self::OpenSession(s) | Self::TouchSession(s) | Self::EndSession(s) => (Some(s.account), None, None),
            Self::Rehash(p) => (Some(p.account), None, None),
            Self::ResetPassword { flow, authentication, .. } => {
                (Some(authentication.account), Some(flow.id), Some(&flow.client_id))
            }
            Self::RecordConsent(c) => (Some(c.account), None, Some(&c.client_id)),
            Self::UpdateProfile(p) | Self::StartEmailChange(p) | Self::CountEmailChangeTry(p) | Self::EndEmailChange(p) => {
                (Some(p.account), None, None)
            }
            Self::ChangePassword { authentication, .. }
            | Self::KeepPassword { authentication, .. }
            | Self::ChangeEmail { authentication, .. }
            | Self::UndoEmailChange { authentication, .. }
            | Self::RequestDeletion { authentication, .. }
            | Self::RestoreAccount { authentication, .. }
            | Self::DeferErasure { authentication, .. } => (Some(authentication.account), None, None),
            Self::EndSessionAndGrants { session, .. } => (Some(session.account), None, None),
            Self::WithdrawConsent { account, client_id, .. } => (Some(*account), None, Some(client_id)),
            Self::IssueAuthorizationCode(g)
            | Self::RedeemAuthorizationCode(g)
            | Self::ExchangeToken(g)
            | Self::RotateRefreshToken(g)
            | Self::RevokeGrant(g)
            | Self::RevokeAccessToken(g) => (Some(g.account), None, Some(&g.client_id)),
            Self::RevokeGrantlessToken { client_id, .. } => (None, None, Some(client_id)),
            Self::CreateDataKey(_)
            | Self::CountIdentifierTry { .. }
            | Self::CountUnknownSignIn(_)
            | Self::UncountUnknownSignIn(_)
            | Self::CheckpointRetention(_)
            | Self::StoreAuthorizationRequest { .. } => (None, None, None),
        }
    }
}
