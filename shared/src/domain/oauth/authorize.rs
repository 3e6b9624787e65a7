//! Decides on a valid authorization request: sign-in, consent, a code, or an error (OpenID Connect Core §3.1.2.3 to
//! §3.1.2.6; security 10–13, 18).
//!
//! 1. The session must be live, and as recent as the request demands. Otherwise the user signs in (again).
//! 2. The user must be the one that an `id_token_hint` names.
//! 3. The session must have the level that the client, the request and the account need. Otherwise the user takes a second step; if the
//!    account has no factor for it, the user is asked to set one up. A level that is only wished for is asked for once, and the user can go on
//!    without it. The same holds for a factor that the tenant document requires, until it can no longer be postponed.
//! 4. What is due of the account is asked for ([`crate::domain::requirements`]): after a sign-in, or once it can no longer be postponed.
//! 5. Consent must cover the scope.
//! 6. Then a code is issued. It is bound to everything that the token endpoint checks.

use super::authorization_request::AuthorizationRequest;
use super::error::OAuthErrorCode;
use super::grant::{AuthorizationCode, Grant, GrantState};
use crate::domain::account::AccountState;
use crate::domain::change::{Change, Changes, Decision};
use crate::domain::consent::{self, Consent};
use crate::domain::id::{AccountId, GrantId, SessionId, Sub};
use crate::domain::requirements::satisfy;
use crate::domain::satisfied::Requirements;
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::sign_in::assurance::{Acr, AcrValue};
use crate::domain::sign_in::attempt::ATTEMPT_LIFETIME;
use crate::domain::sign_in::evidence::Proofs;
use crate::domain::sign_in::policy::{Enrollment, EnrollmentReason, FactorRules, Gap};
use crate::domain::tenant::{SessionPolicy, TokenPolicy};
use crate::domain::time::{Span, Timestamp};

#[cfg(test)]
#[path = "authorize/levels_tests.rs"]
mod levels;
#[cfg(test)]
mod tests;

/// The lifetime of an authorization code (security 13).
pub const CODE_LIFETIME: Span = Span::seconds(60);
/// For this time a completed sign-in or consent page satisfies the request that required it.
pub const INTERACTION_LIFETIME: Span = Span::minutes(2);
/// For this time the consent page may be read after a sign-in, without another sign-in for the same request.
pub const CONSENT_PAGE_LIFETIME: Span = Span::minutes(60);

/// A live session, and the consent of the account for this client. The secret of the session cookie has been verified.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn<'a> {
    /// The session.
    pub session: &'a Session,
    /// Its account.
    pub authentication: &'a AccountState,
    /// The consent of the account for the client.
    pub consent: Option<&'a Consent>,
    /// What is due of the account.
    pub due: AccountDue,
}

/// What is due of the account by the tenant document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountDue {
    /// Nothing, or it was not read because this request would not ask for it.
    #[default]
    Nothing,
    /// Nothing, which the state of the account does not say yet.
    NotRecorded(Requirements),
    /// Something that the user may postpone.
    Postponable,
    /// Something that the user can no longer postpone.
    Overdue,
}

/// A step that the user has just completed for this request in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    /// The session of the step.
    pub sid: SessionId,
    /// The time of the step.
    pub at: Timestamp,
    /// The time of the oldest proof of a sign-in. For other steps the same as `at`.
    pub since: Timestamp,
}

/// The kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interactions {
    /// The user signed in.
    pub signed_in: Option<Interaction>,
    /// The user gave consent.
    pub consented: Option<Interaction>,
    /// The user did or postponed what was due.
    pub completed: Option<Interaction>,
    /// The user answered the page of a second step: by a code, or by going on without it.
    pub stepped: Option<Interaction>,
    /// The user answered the offer of a passkey.
    pub offered: Option<Interaction>,
    /// The user answered the page that asks to set up a factor.
    pub enrolled: Option<Interaction>,
}

/// Fresh random values for a code.
#[derive(Debug, Clone, Copy)]
pub struct NewCode {
    /// The id of the grant.
    pub grant: GrantId,
    /// The hash of the code's secret.
    pub secret_hash: SecretHash,
}

/// Lifetimes, and what the document says about factors.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// Of sessions.
    pub session: &'a SessionPolicy,
    /// Of grants.
    pub token: &'a TokenPolicy,
    /// About factors.
    pub factors: FactorRules,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorized {
    /// The user must sign in.
    SignIn,
    /// The user must take a second step.
    StepUp {
        /// The level to reach.
        level: Acr,
    },
    /// The user must be asked to set up a factor.
    Enroll(Enrollment),
    /// The user must be asked for what is due.
    AskDue,
    /// The user must be asked for consent.
    AskConsent,
    /// A code was issued.
    Code {
        /// The account of the grant.
        account: AccountId,
        /// The session of the grant.
        sid: SessionId,
    },
    /// The response is an error.
    Refused {
        /// The code.
        error: OAuthErrorCode,
        /// `error_description`.
        description: &'static str,
    },
}

/// Decides on a valid request. `hint` is the subject of a verified `id_token_hint`.
pub fn authorize(
    request: &AuthorizationRequest<'_>,
    signed_in: Option<SignedIn<'_>>,
    hint: Option<Sub>,
    interactions: Interactions,
    policies: Policies<'_>,
    new: NewCode,
    now: Timestamp,
) -> Decision<Authorized> {
    let live = signed_in.filter(|s| s.session.is_live(s.authentication, now));
    let counting = live.and_then(|live| Some((live, counting_proofs(request, live.session, interactions, now)?)));
    let Some((SignedIn { session, authentication, consent, due }, proofs)) = counting else {
        return Decision::unchanged(if request.prompt.none {
            refused(OAuthErrorCode::LoginRequired, "the user must sign in")
        } else {
            Authorized::SignIn
        });
    };
    if hint.is_some_and(|hint| hint != authentication.sub) {
        let description = "the signed-in user is not the one that id_token_hint names";
        return Decision::unchanged(refused(OAuthErrorCode::LoginRequired, description));
    }
    match gap(request, session, authentication, &proofs, policies.factors, now) {
        Gap::None => {}
        // A wish: once the user has been asked for it, or if no page may be shown, what was reached is enough.
        Gap::StepUp { is_required: false, .. } if request.prompt.none || interactions.answered_step(session) => {}
        Gap::StepUp { .. } if request.prompt.none => {
            return Decision::unchanged(refused(OAuthErrorCode::LoginRequired, "the user must take a second step"));
        }
        Gap::StepUp { level, .. } => return Decision::unchanged(Authorized::StepUp { level }),
        // The factor is asked for once after a sign-in, as long as the user may postpone it.
        Gap::Enroll(Enrollment { reason: EnrollmentReason::Postponable { .. }, .. })
            if request.prompt.none || !interactions.ask_for_factor(session.id) => {}
        Gap::Enroll(_) if request.prompt.none => {
            let description = "the user must set up a second factor or a passkey";
            return Decision::unchanged(refused(OAuthErrorCode::InteractionRequired, description));
        }
        Gap::Enroll(Enrollment { reason: EnrollmentReason::Client, .. }) if interactions.declined_factor(session.id) => {
            let description = "the account has no factor for the required acr, and the user did not set one up";
            return Decision::unchanged(refused(OAuthErrorCode::UnmetAuthenticationRequirements, description));
        }
        Gap::Enroll(enrollment) => return Decision::unchanged(Authorized::Enroll(enrollment)),
        Gap::Unreachable => {
            let description = "the account has no factor for the required acr; the user can add one in the account";
            return Decision::unchanged(refused(OAuthErrorCode::UnmetAuthenticationRequirements, description));
        }
    }
    let asks = match due {
        AccountDue::Nothing | AccountDue::NotRecorded(_) => false,
        AccountDue::Postponable => !request.prompt.none && interactions.ask_after_sign_in(session.id),
        AccountDue::Overdue => true,
    };
    if asks {
        return Decision::unchanged(if request.prompt.none {
            refused(OAuthErrorCode::InteractionRequired, "the user must accept new terms")
        } else {
            Authorized::AskDue
        });
    }
    if needs_consent(request, session, consent, interactions, now) {
        return Decision::unchanged(if request.prompt.none {
            refused(OAuthErrorCode::ConsentRequired, "the user must give consent")
        } else {
            Authorized::AskConsent
        });
    }
    let mut changes = Changes::default();
    if let AccountDue::NotRecorded(required) = due {
        changes = changes.then(Change::record_requirements(satisfy(authentication, Some(required))));
    }
    if let Some(touched) = session.touch(policies.session, now) {
        changes = changes.then(Change::touch_session(touched));
    }
    let mut grant = issue(request, session, &proofs, authentication, policies.token, new, now);
    if proofs.level() < Acr::Aal2 && is_on_remembered_device(request, session, authentication, policies.factors, now) {
        grant.proofs = grant.proofs.on_remembered_device(now);
    }
    let outcome = Authorized::Code { account: session.account, sid: session.id };
    Decision { changes: changes.then(Change::issue_authorization_code(grant)), outcome }
}

/// How far the session is from what the request, its client and the account ask for. The session rests on a remembered device as long as the
/// account remembers it.
#[must_use]
pub fn gap(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    account: &AccountState,
    counting: &Proofs,
    rules: FactorRules,
    now: Timestamp,
) -> Gap {
    let is_remembered = is_on_remembered_device(request, session, account, rules, now);
    request.acr.demand(request.client).gap(account, counting, is_remembered, rules, now)
}

fn is_on_remembered_device(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    account: &AccountState,
    rules: FactorRules,
    now: Timestamp,
) -> bool {
    rules.remembered_devices && request.accepts_remembered_device() && account.remembers(session.device_id, now)
}

const fn refused(error: OAuthErrorCode, description: &'static str) -> Authorized {
    Authorized::Refused { error, description }
}

/// The proofs of the session that count for this request: those that are as recent as it demands. `None` if the user must sign in.
///
/// A sign-in satisfies only the request that required it, and only in the session that it started (CVE-2023-6787). It counts with both of its
/// steps, and nothing of before it does.
///
/// A sign-in page also satisfies the request if a page about consent, a second step, a passkey or what is due came right after it and has just
/// been answered: the user may read that page for an hour. A positive `max_age` limits the age of the sign-in itself, so there only a sign-in
/// of the last minutes counts.
pub fn counting_proofs(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    interactions: Interactions,
    now: Timestamp,
) -> Option<Proofs> {
    counting_within(INTERACTION_LIFETIME, request, session, interactions, now)
}

/// The same on the page of a second step that this sign-in led to: the user may read it as long as a sign-in between its steps lives. Then the answer
/// of that page counts ([`counting_proofs`]).
#[must_use]
pub fn counting_proofs_at_step(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    interactions: Interactions,
    now: Timestamp,
) -> Option<Proofs> {
    counting_within(ATTEMPT_LIFETIME, request, session, interactions, now)
}

/// `lifetime`: how long a sign-in counts for a request that asks for one.
fn counting_within(
    lifetime: Span,
    request: &AuthorizationRequest<'_>,
    session: &Session,
    interactions: Interactions,
    now: Timestamp,
) -> Option<Proofs> {
    let is_asked = request.prompt.login || request.prompt.select_account || request.max_age == Some(Span::ZERO);
    let just_signed_in = interactions.signed_in.filter(|interaction| interaction.counts(session, now));
    let cutoff = match request.max_age.filter(|max_age| *max_age > Span::ZERO) {
        _ if is_asked => {
            let is_recent = |signed_in: &Interaction| {
                signed_in.is_of(session, lifetime, now) || interactions.signed_in_before_page(session, now)
            };
            Some(interactions.signed_in.filter(is_recent)?.since)
        }
        Some(max_age) => {
            let oldest = now - max_age;
            Some(just_signed_in.map_or(oldest, |interaction| interaction.since.min(oldest)))
        }
        None => None,
    };
    let proofs = session.proofs().since(cutoff);
    // After a token exchange nothing was proven here, however short ago the user signed in at the pool.
    (cutoff.is_none() || proofs.has_first_factor()).then_some(proofs)
}

fn needs_consent(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    consent: Option<&Consent>,
    interactions: Interactions,
    now: Timestamp,
) -> bool {
    let just_given = interactions.consented.is_some_and(|interaction| interaction.counts(session, now));
    let covered = consent.is_some_and(|consent| consent.covers(&request.scope));
    let redirect_uri = &request.return_to.redirect_uri;
    let asks_again = request.prompt.consent || !consent::is_remembered(request.client, redirect_uri);
    let skipped = !request.prompt.consent && consent::is_skipped(request.client, redirect_uri);
    !(skipped || (covered && (just_given || !asks_again)))
}

impl Interactions {
    /// Whether the user signed in for this request, and then answered a page that came after it just now.
    fn signed_in_before_page(&self, session: &Session, now: Timestamp) -> bool {
        let Some(signed_in) = self.signed_in else { return false };
        [self.consented, self.completed, self.stepped, self.offered, self.enrolled].into_iter().flatten().any(|answered| {
            answered.counts(session, now)
                && signed_in.sid == session.id
                && signed_in.at <= answered.at
                && answered.at.since(signed_in.at) <= CONSENT_PAGE_LIFETIME
        })
    }
    /// Whether the user has answered the page of a second step for this request.
    fn answered_step(&self, session: &Session) -> bool {
        self.stepped.is_some_and(|stepped| stepped.sid == session.id)
    }
    /// Whether the user signed in to this session for this request, and was not asked for what is due since then.
    #[must_use]
    pub fn ask_after_sign_in(&self, sid: SessionId) -> bool {
        self.signed_in_without(self.completed, sid)
    }
    /// Whether the user signed in to this session for this request, and was not asked to set up a factor since then.
    fn ask_for_factor(&self, sid: SessionId) -> bool {
        self.signed_in_without(self.enrolled, sid)
    }
    /// Whether the user was asked to set up a factor for this request in this session, and goes on without.
    fn declined_factor(&self, sid: SessionId) -> bool {
        self.enrolled.is_some_and(|answered| answered.sid == sid)
    }
    /// Whether the sign-in to this session for this request came after this answer.
    fn signed_in_without(&self, answered: Option<Interaction>, sid: SessionId) -> bool {
        let of_session = |interaction: Option<Interaction>| interaction.filter(|interaction| interaction.sid == sid);
        of_session(self.signed_in)
            .is_some_and(|signed_in| of_session(answered).is_none_or(|answered| answered.at < signed_in.at))
    }
}

impl Interaction {
    /// Returns whether the step was completed recently in this session.
    fn counts(self, session: &Session, now: Timestamp) -> bool {
        self.is_of(session, INTERACTION_LIFETIME, now)
    }
    /// Returns whether the step was completed in this session, at most this time ago.
    fn is_of(self, session: &Session, lifetime: Span, now: Timestamp) -> bool {
        self.sid == session.id && self.at <= now && now.since(self.at) <= lifetime
    }
}

fn issue(
    request: &AuthorizationRequest<'_>,
    session: &Session,
    counting: &Proofs,
    authentication: &AccountState,
    policy: &TokenPolicy,
    new: NewCode,
    now: Timestamp,
) -> Grant {
    let acr = request.acr.answer(counting.level());
    let level = acr.as_ref().map_or(Acr::None, AcrValue::level);
    Grant {
        id: new.grant,
        account: session.account,
        sub: authentication.sub,
        epoch: authentication.epoch,
        client_id: request.client.client_id.clone(),
        sid: session.id,
        scope: request.scope.clone(),
        resource: request.resource.clone(),
        nonce: request.nonce.clone(),
        // That of the proofs on which `acr` rests.
        auth_time: counting.auth_time(level).unwrap_or(session.auth_time),
        // Of the proofs that count, if older ones do not.
        amr: if *counting == *session.proofs() { session.amr.clone() } else { counting.amr() },
        acr,
        proofs: session.proofs().into_owned(),
        code: Some(AuthorizationCode {
            secret_hash: new.secret_hash,
            redirect_uri: request.return_to.redirect_uri.clone(),
            redirect_uri_in_request: request.redirect_uri_in_request,
            code_challenge: request.code_challenge.clone(),
            expires_at: now + CODE_LIFETIME,
        }),
        state: GrantState::CodeIssued,
        revoked_jtis: Vec::new(),
        created_at: now,
        expires_at: now + policy.refresh_absolute,
        version: 1,
    }
}
