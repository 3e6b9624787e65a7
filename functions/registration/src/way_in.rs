//! What opens the account of a new user: the password of the form, a passkey that is created with the proof of the address, or a mailed code.
//!
//! 1. The tenant document says whether the form asks for a password. Where neither a passkey nor a mailed code could take its place, it does.
//! 2. A user without a password and without mailed codes creates a passkey on the page that follows the right code. The form of that page has the
//!    code again, so nothing is stored in between, and the account is made with the passkey in one transaction or not at all.
//! 3. The challenge is bound to the flow, its browser and the session that the proof opens.

use latchkey::domain::credential::PasswordFlaw;
use latchkey::domain::flow::Flow;
use latchkey::domain::form::Submission;
use latchkey::domain::passkey::{Passkey, provider};
use latchkey::domain::registration::{Application, PendingRegistration};
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::methods::passkey::ceremony::check_creation;
use latchkey::domain::sign_in::methods::passkey::refusal::PasskeyRefusal;
use latchkey::domain::tenant::RegistrationPassword;
use latchkey::keys::passkey::PasskeyVerifier;
use latchkey::keys::{DataKey, SealedField};
use latchkey::services::Tenant;
use latchkey::web::params::{Params, ParamsError};
use latchkey::web::passkey::{ChallengeFor, IssuedChallenge, NewPasskeyUser, RelyingParty, creation_options};
use latchkey::web::session::NewSessionSecrets;
use latchkey::web::{Browser, Problem, TenantHandle};
use serde_json::Value;

/// Whether this way to register asks for a password.
pub(crate) fn asked_password(tenant: &Tenant, submission: Submission) -> RegistrationPassword {
    // Only a page can create a passkey.
    let has_passkeys = submission == Submission::Page && RelyingParty::of(tenant).is_some();
    let is_needed = !tenant.config.sign_in.mail_code && !has_passkeys;
    if is_needed { RegistrationPassword::Required } else { tenant.config.registration.password }
}

/// What the user chose beside the proof, after a form without a password.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// The created passkey as JSON. Empty: none.
    credential: String,
    /// The sealed challenge that it answers.
    state: String,
    /// A password. Empty: none.
    password: SecretText,
}

/// Why a choice is refused. The proof itself is right.
#[derive(Debug)]
pub(crate) enum ChoiceRefused {
    /// The challenge is too old, or of another browser or registration.
    Stale,
    /// The passkey cannot be verified.
    Passkey,
    /// The password is not acceptable.
    Password(PasswordFlaw),
}

impl Chosen {
    pub(crate) fn read(form: &Params) -> Result<Self, ParamsError> {
        let text = |name| form.one(name).map(Option::unwrap_or_default);
        Ok(Self {
            credential: text("credential")?.to_owned(),
            state: text("state")?.to_owned(),
            password: text("password")?.into(),
        })
    }

    /// The chosen password, if this registration may have one. It follows the rules of the form.
    pub(crate) fn password(
        &self,
        tenant: &Tenant,
        pending: &PendingRegistration,
    ) -> Result<Option<&SecretText>, ChoiceRefused> {
        let is_allowed = tenant.config.registration.password != RegistrationPassword::None;
        if pending.password.is_some() || self.password.expose().is_empty() || !is_allowed {
            return Ok(None);
        }
        let application = Application {
            email: pending.email.clone(),
            password: self.password.clone(),
            profile: pending.claims.0.clone(),
            terms: Vec::new(),
        };
        application.check_password(&tenant.config).map_err(ChoiceRefused::Password)?;
        Ok(Some(&self.password))
    }

    /// The created passkey, checked, for the account of this flow.
    pub(crate) fn passkey(
        &self,
        handle: &TenantHandle,
        browser: &Browser,
        flow: &Flow,
        key: &DataKey,
    ) -> Result<Result<Option<Passkey>, ChoiceRefused>, Problem> {
        let Some(party) = RelyingParty::of(&handle.tenant).filter(|_| !self.credential.is_empty()) else { return Ok(Ok(None)) };
        let challenge = match IssuedChallenge::open(handle, browser, challenge_for(browser, flow), &self.state)? {
            Ok(challenge) => challenge,
            Err(_) => return Ok(Err(ChoiceRefused::Stale)),
        };
        let created = match check_creation(&self.credential, &party.ceremony(&challenge), &PasskeyVerifier) {
            Ok(created) => created,
            Err(refusal) => {
                tracing::info!(reason = ?refusal, "a passkey of a registration is refused");
                return Ok(Err(refused(refusal)));
            }
        };
        let name = provider(created.aaguid).map_or_else(|| browser.device_words(), str::to_owned);
        let name = key.seal(SealedField::PasskeyName, name.as_bytes())?;
        let new = created.named(name, party.id.clone(), challenge.issued_at);
        Ok(Ok(Some(new.of(flow.account, handle.now()))))
    }
}

const fn refused(refusal: PasskeyRefusal) -> ChoiceRefused {
    match refusal {
        PasskeyRefusal::ChallengeExpired | PasskeyRefusal::ChallengeForeign => ChoiceRefused::Stale,
        _ => ChoiceRefused::Passkey,
    }
}

fn challenge_for(browser: &Browser, flow: &Flow) -> ChallengeFor<'static> {
    let session = NewSessionSecrets::of_proof(browser, flow).session(None).id;
    ChallengeFor::Creation { account: flow.account, session, epoch: 1 }
}

/// The options of the page that creates the passkey, as JSON for the script.
///
/// # Errors
/// If sealing fails.
pub(crate) fn options(
    handle: &TenantHandle,
    browser: &Browser,
    flow: &Flow,
    pending: &PendingRegistration,
    locale: &str,
) -> Result<Option<Value>, Problem> {
    let Some(party) = RelyingParty::of(&handle.tenant) else { return Ok(None) };
    let name = pending.claims.0.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let user = NewPasskeyUser {
        account: flow.account,
        session: NewSessionSecrets::of_proof(browser, flow).session(None).id,
        epoch: 1,
        name: &pending.email,
        display_name: name.unwrap_or(&pending.email),
    };
    let site = handle.tenant.config.name.get(locale);
    Ok(Some(creation_options(handle, browser, &party, user, site, &[])?))
}
