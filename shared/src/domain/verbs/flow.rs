//! Changes of flows: pending registrations and password resets, their data keys and counters, and stored authorization requests.

use crate::domain::account::WrappedDataKey;
use crate::domain::audit::EventKind;
use crate::domain::change::{Change, Counter, CounterKey, Put, Subject};
use crate::domain::delivery::MailPurpose;
use crate::domain::flow::{Flow, FlowPurpose};
use crate::domain::id::FlowId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::mail_limit::{CodeLimit, SHORT_CODES_A_DAY, STARTS_A_DAY, Trigger};
use crate::domain::record::{Keyed, StoredAuthorizationRequest};
use crate::domain::time::Timestamp;

impl Change {
    /// The data key of a pending registration.
    pub fn create_data_key(key: WrappedDataKey) -> Self {
        Self::unaudited(Put::new(key))
    }
    /// A registration, a password reset or a sign-in with a mailed code starts.
    pub fn begin_flow(flow: Flow) -> Self {
        let kind = match flow.purpose {
            FlowPurpose::Registration => EventKind::RegistrationStarted,
            FlowPurpose::Recovery => EventKind::RecoveryStarted,
            FlowPurpose::SignIn => EventKind::SignInCodeStarted,
        };
        Self::change_flow(kind, flow)
    }
    /// A registration or sign-in takes one of the codes of 6 digits that its address gets in a day, or one of the longer ones that its
    /// trigger causes. It is refused at the limit.
    pub fn count_code(limit: CodeLimit, purpose: MailPurpose, identifier: IdentifierHash, at: Timestamp) -> Self {
        match limit {
            CodeLimit::Short => Self::count(Counter { key: CounterKey::ShortCodes(identifier), at, limit: SHORT_CODES_A_DAY }),
            CodeLimit::Long(trigger) => Self::count_mail_start(purpose, identifier, trigger, at),
        }
    }
    /// A registration or password reset takes one of the mails of the day that its trigger causes to its address. It is refused at the
    /// limit.
    pub fn count_mail_start(purpose: MailPurpose, identifier: IdentifierHash, trigger: Trigger, at: Timestamp) -> Self {
        Self::count(Counter { key: CounterKey::MailStarts(purpose, identifier, trigger), at, limit: STARTS_A_DAY })
    }
    /// A wrong code was typed: one try is used.
    pub fn count_flow_try(flow: Flow) -> Self {
        Self::change_flow(EventKind::CodeRefused, flow)
    }
    /// A new generation of the code.
    pub fn resend_code(flow: Flow) -> Self {
        Self::change_flow(EventKind::CodeResent, flow)
    }
    /// The code of a sign-in is used. The sign-in that follows has the event.
    pub fn redeem_sign_in_code(flow: Flow) -> Self {
        Self::unaudited(Put::next(flow))
    }
    /// The owner of the address ends a flow that they did not request.
    pub fn disown_flow(flow: Flow) -> Self {
        Self::change_flow(EventKind::FlowDisowned, flow)
    }
    /// The event of a flow does not name its account, because the address is not proven yet.
    fn change_flow(kind: EventKind, flow: Flow) -> Self {
        let subject = Subject { flow: Some(flow.id), client: Some(flow.client_id.clone()), ..Subject::default() };
        Self::audited(kind, subject, Put::next(flow))
    }
    /// A sealed authorization request: it came by POST, is too long for an address, or waits for a mail. The pages that follow read it.
    pub fn store_authorization_request(id: FlowId, sealed: String, expires_at: Timestamp) -> Self {
        let state = StoredAuthorizationRequest { query: String::new(), sealed: Some(sealed), expires_at };
        Self::unaudited(Put::new(Keyed { key: id, state }))
    }
}
