//! The authorization request of a page. It travels in the query of the page's address, unchanged.
//!
//! The address may also have sealed markers: `lk_auth`, `lk_consent`, `lk_complete`, `lk_step`, `lk_offer` and `lk_enroll` prove that the user signed in, gave
//! consent, did or postponed what was due, or answered another page, for this request in this session. `lk_stored` names a stored request ([`stored_request`]).

use http::Uri;
use latchkey::context::Random;
use latchkey::digest::sha256;
use latchkey::domain::id::SessionId;
use latchkey::domain::oauth::authorization_request::{AuthorizationRequest, Refusal, validate};
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::{Interaction, Interactions};
use latchkey::domain::time::Timestamp;
use latchkey::keys::KeyError;
use latchkey::services::Tenant;
use latchkey::web::account::is_account_path;
use latchkey::web::sign_in_attempt;
pub use latchkey::web::sign_in_attempt::AttemptLocator;
use latchkey::web::stored_request::{self, PARAMETER};
use latchkey::web::{Params, Problem, TenantHandle};

/// The longest query that travels in addresses, in bytes: with markers, cookies and the other headers it must fit 9 KiB, even in a browser
/// that sends the address of the page as `Referer`. A longer one is stored.
const MAX_IN_ADDRESS: usize = 3584;

/// The parameter that names the flow of a mailed code. It is sealed.
pub(crate) const MAIL_CODE: &str = "lk_code";
/// The parameter of the typed address, for password managers. It is sealed for the browser.
pub(crate) const USERNAME: &str = "lk_user";
/// The parameter of the link of a user who cannot use the present factor here, and wants to set up another one.
const OTHER_FACTOR: &str = "lk_other";
/// The parameters of one step of a sign-in. They are no part of the request, and only the pages of the step get them.
const STEP: [&str; 4] = [sign_in_attempt::PARAMETER, MAIL_CODE, USERNAME, OTHER_FACTOR];

/// The parameter of the link to sign in as another user. It says nothing about the request, and continues to no other page.
const SWITCH: &str = "lk_switch";

/// A completed interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InteractionResult {
    /// The user signed in.
    SignedIn,
    /// The user gave consent.
    Consented,
    /// The user did or postponed what was due.
    Completed,
    /// The user answered the page of a second step.
    Stepped,
    /// The user answered the offer of a passkey.
    Offered,
    /// The user answered the page that asks to set up a factor.
    Enrolled,
}

impl InteractionResult {
    const ALL: [Self; 6] = [Self::SignedIn, Self::Consented, Self::Completed, Self::Stepped, Self::Offered, Self::Enrolled];

    const fn parameter(self) -> &'static str {
        match self {
            Self::SignedIn => "lk_auth",
            Self::Consented => "lk_consent",
            Self::Completed => "lk_complete",
            Self::Stepped => "lk_step",
            Self::Offered => "lk_offer",
            Self::Enrolled => "lk_enroll",
        }
    }
    const fn purpose(self) -> &'static str {
        match self {
            Self::SignedIn => "signed in for a request",
            Self::Consented => "consented to a request",
            Self::Completed => "completed what was due before a request",
            Self::Stepped => "answered the second step of a request",
            Self::Offered => "answered the offer of a passkey before a request",
            Self::Enrolled => "answered the page about a missing factor before a request",
        }
    }
}

/// The authorization request of a page.
pub struct Pending {
    /// The query of the address without markers, byte for byte.
    query: String,
    /// The markers, unchanged.
    marks: Vec<String>,
    /// The decoded parameters of the request.
    parameters: Params,
    /// The context that markers and forms are bound to.
    fingerprint: [u8; 32],
    is_stored: bool,
    /// The language in the address: the user may have chosen it on a page.
    ui_locales: Option<String>,
    is_switch: bool,
    /// The parameters of [`STEP`], unchanged.
    step: Vec<String>,
}

impl Pending {
    /// The request in the query of an address, or the stored one that it names. A stored one costs 1 RRU.
    ///
    /// # Errors
    /// If the query is malformed, or the stored request has expired.
    pub async fn find(handle: &TenantHandle, uri: &Uri) -> Result<Self, Problem> {
        let is_mark =
            |piece: &&str| InteractionResult::ALL.iter().any(|result| piece.split('=').next() == Some(result.parameter()));
        let is_switch = |piece: &&str| piece.split('=').next() == Some(SWITCH);
        let (switches, query): (Vec<&str>, Vec<&str>) = uri.query().unwrap_or_default().split('&').partition(is_switch);
        let is_step = |piece: &&str| piece.split('=').next().is_some_and(|name| STEP.contains(&name));
        let (step, query): (Vec<&str>, Vec<&str>) = query.into_iter().partition(is_step);
        let (marks, query): (Vec<&str>, Vec<&str>) = query.into_iter().partition(is_mark);
        let query = query.join("&");
        let sent = Params::parse(query.as_bytes())?;
        let stored = match sent.one(PARAMETER)? {
            Some(stored) => Some(stored_request::load(handle, stored).await?),
            None => None,
        };
        let is_stored = stored.is_some();
        let ui_locales = sent.one("ui_locales")?.map(str::to_owned);
        let parameters = stored.unwrap_or(sent);
        Ok(Self {
            fingerprint: fingerprint(&parameters),
            marks: marks.into_iter().map(str::to_owned).collect(),
            query,
            parameters,
            is_stored,
            ui_locales,
            is_switch: !switches.is_empty(),
            step: step.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Whether there is a request. A page can also be opened without one.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.is_stored || self.parameters.all("client_id").next().is_some()
    }

    /// The validated request.
    ///
    /// # Errors
    /// The violated rule.
    pub fn validate<'c>(&self, tenant: &'c Tenant) -> Result<AuthorizationRequest<'c>, Refusal> {
        validate(&tenant.config.clients, self.parameters.iter())
    }

    /// The validated request, if there is one.
    ///
    /// # Errors
    /// The violated rule.
    pub fn request<'c>(&self, tenant: &'c Tenant) -> Result<Option<AuthorizationRequest<'c>>, Refusal> {
        if self.is_request() { self.validate(tenant).map(Some) } else { Ok(None) }
    }

    /// The first value of a parameter that concerns pages only, such as `ui_locales`.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<&str> {
        if let Some(chosen) = self.ui_locales.as_deref().filter(|_| name == "ui_locales") {
            return Some(chosen);
        }
        self.parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The account page to continue with if there is no request. It must be an address of this tenant.
    #[must_use]
    pub fn return_to(&self, tenant: &Tenant) -> Option<&str> {
        self.hint("return_to").filter(|address| is_account_path(tenant, address))
    }

    /// Whether the user wants to sign in as another user.
    #[must_use]
    pub fn is_switch(&self) -> bool {
        self.is_switch
    }

    /// The sign-in page for another user.
    #[must_use]
    pub fn switch_user(&self, tenant: &Tenant) -> String {
        with_query(&self.continue_at(tenant, "/login"), [(SWITCH, "1")])
    }

    /// Whether the user wants to set up another factor than the present one.
    #[must_use]
    pub fn is_other_factor(&self) -> bool {
        self.step(OTHER_FACTOR).is_some()
    }

    /// The page that sets up another factor.
    #[must_use]
    pub fn other_factor(&self, tenant: &Tenant, path: &str) -> String {
        with_query(&self.continue_at(tenant, path), [(OTHER_FACTOR, "1")])
    }

    /// The query of the address without markers.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The query of this page's own address, for the same page in another language: with markers, and with the wish for another user.
    #[must_use]
    pub fn own_query(&self) -> String {
        let switch = self.is_switch.then(|| format!("{SWITCH}=1"));
        let pieces = std::iter::once(self.query.as_str())
            .chain(self.marks.iter().map(String::as_str))
            .chain(switch.as_deref())
            .chain(self.step.iter().map(String::as_str));
        pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("&")
    }

    /// The context of a form on this page: the request in any spelling, and in any page language.
    #[must_use]
    pub fn context(&self) -> String {
        self.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The same request with a short address: stored, if its query is too long to travel.
    ///
    /// # Errors
    /// If the store or a key fails.
    pub async fn shortened(self, random: Random, handle: &TenantHandle) -> Result<Self, Problem> {
        self.shortened_to(MAX_IN_ADDRESS, random, handle).await
    }

    /// The same for an address that travels inside another one: stored, if its query is longer than this.
    ///
    /// # Errors
    /// If the store or a key fails.
    pub async fn shortened_to(mut self, longest: usize, random: Random, handle: &TenantHandle) -> Result<Self, Problem> {
        if self.is_request() && self.query.len() > longest {
            self.query = stored_request::store(random, handle, &self.query).await?;
        }
        Ok(self)
    }

    /// The address of another page that continues the request, with all markers.
    #[must_use]
    pub fn continue_at(&self, tenant: &Tenant, path: &str) -> String {
        let pieces: Vec<&str> = std::iter::once(self.query.as_str())
            .chain(self.marks.iter().map(String::as_str))
            .filter(|piece| !piece.is_empty())
            .collect();
        let path = crate::respond::path(tenant, path);
        if pieces.is_empty() { path } else { format!("{path}?{}", pieces.join("&")) }
    }

    /// The same, for the same step of a sign-in.
    #[must_use]
    pub fn continue_step_at(&self, tenant: &Tenant, path: &str) -> String {
        let pieces = self.step.iter().filter_map(|piece| piece.split_once('='));
        with_query(&self.continue_at(tenant, path), pieces)
    }

    /// The value of a parameter of [`STEP`].
    pub(crate) fn step(&self, name: &str) -> Option<&str> {
        self.step.iter().filter_map(|piece| piece.split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The address that continues the request, with a marker for what the user just did in this session.
    ///
    /// # Errors
    /// If sealing fails.
    pub fn address_with_result(
        &self,
        tenant: &Tenant,
        result: InteractionResult,
        sid: SessionId,
        at: Timestamp,
    ) -> Result<String, KeyError> {
        self.address_after(tenant, result, Interaction { sid, at, since: at })
    }

    /// The same, with the time of the oldest proof of a sign-in.
    ///
    /// # Errors
    /// If sealing fails.
    pub fn address_after(
        &self,
        tenant: &Tenant,
        result: InteractionResult,
        interaction: Interaction,
    ) -> Result<String, KeyError> {
        self.address_at(tenant, "/oauth2/authorize", result, interaction)
    }

    /// The same, at another page that comes before the request continues.
    ///
    /// # Errors
    /// If sealing fails.
    pub fn address_at(
        &self,
        tenant: &Tenant,
        path: &str,
        result: InteractionResult,
        Interaction { sid, at, since }: Interaction,
    ) -> Result<String, KeyError> {
        let plain = [sid.as_bytes().as_slice(), &at.millis().to_be_bytes(), &since.millis().to_be_bytes()].concat();
        let sealed = tenant.keys.locator()?.seal(result.purpose(), &self.fingerprint, &plain)?;
        Ok(with_query(&self.continue_at(tenant, path), [(result.parameter(), sealed.as_str())]))
    }

    /// The page that asks for the second step of this attempt, for this request.
    ///
    /// # Errors
    /// If sealing fails.
    pub fn at_second_step(&self, tenant: &Tenant, locator: &AttemptLocator) -> Result<String, KeyError> {
        let sealed = locator.seal(tenant.keys.locator()?, &self.fingerprint)?;
        Ok(with_query(&self.continue_at(tenant, "/login/second-step"), [(sign_in_attempt::PARAMETER, sealed.as_str())]))
    }

    /// The attempt in the address of this page, if it is one of this request.
    ///
    /// # Errors
    /// If this function has no key to open it.
    pub fn attempt(&self, tenant: &Tenant) -> Result<Option<AttemptLocator>, KeyError> {
        let locator = tenant.keys.locator()?;
        let sealed = self.step(sign_in_attempt::PARAMETER);
        Ok(sealed.and_then(|sealed| AttemptLocator::open(locator, &self.fingerprint, sealed)))
    }

    /// The user's interactions for this request, by the markers that can be opened; the last of each kind.
    ///
    /// # Errors
    /// If this function has no key to open them.
    pub fn interactions(&self, tenant: &Tenant) -> Result<Interactions, KeyError> {
        let locator = tenant.keys.locator()?;
        let find = |result: InteractionResult| {
            let prefix = format!("{}=", result.parameter());
            let opened = |piece: &String| {
                locator.open(result.purpose(), &self.fingerprint, piece.strip_prefix(&prefix)?).and_then(|plain| read(&plain))
            };
            self.marks.iter().rev().find_map(opened)
        };
        Ok(Interactions {
            signed_in: find(InteractionResult::SignedIn),
            consented: find(InteractionResult::Consented),
            completed: find(InteractionResult::Completed),
            stepped: find(InteractionResult::Stepped),
            offered: find(InteractionResult::Offered),
            enrolled: find(InteractionResult::Enrolled),
        })
    }
}

fn read(plain: &[u8]) -> Option<Interaction> {
    let (sid, rest) = plain.split_first_chunk::<16>()?;
    let (at, since) = rest.split_first_chunk::<8>()?;
    let at = Timestamp::from_millis(i64::from_be_bytes(*at));
    // An earlier release made markers without it.
    let since = match since {
        [] => at,
        since => Timestamp::from_millis(i64::from_be_bytes(since.try_into().ok()?)),
    };
    Some(Interaction { sid: SessionId::from_bytes(*sid), at, since })
}

/// A digest of all parameters, each with its length in front, so that different requests never collide. The page language is not part of
/// the request.
fn fingerprint(parameters: &Params) -> [u8; 32] {
    let mut bytes = Vec::new();
    for (name, value) in parameters.iter().filter(|(name, _)| *name != "ui_locales") {
        for part in [name, value] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    sha256(&bytes)
}
