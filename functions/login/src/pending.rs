//! The authorization request that a page goes on with: it travels in the query of the page's address, as it came.
//!
//! Besides it, an address may carry marks of ours: `lk_auth` and `lk_consent` say, sealed, that the person signed in or gave consent
//! for this very request in this very session; `lk_stored` names a request that came by POST.

use http::Uri;
use latchkey::digest::sha256;
use latchkey::domain::id::{FlowId, SessionId};
use latchkey::domain::oauth::authorization_request::{AuthorizationRequest, Refusal, validate};
use latchkey::domain::oauth::authorization_response::with_query;
use latchkey::domain::oauth::authorize::{Interaction, Interactions};
use latchkey::domain::time::Timestamp;
use latchkey::keys::KeyError;
use latchkey::services::Tenant;
use latchkey::web::account::is_account_path;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Params, Problem, TenantHandle};

/// Names a stored request.
const STORED: &str = "lk_stored";

/// What the person did for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// They signed in.
    SignedIn,
    /// They gave consent.
    Consented,
}

impl Mark {
    const fn parameter(self) -> &'static str {
        match self {
            Self::SignedIn => "lk_auth",
            Self::Consented => "lk_consent",
        }
    }
    const fn purpose(self) -> &'static str {
        match self {
            Self::SignedIn => "signed in for a request",
            Self::Consented => "consented to a request",
        }
    }
}

/// The request that a page goes on with.
pub struct Pending {
    /// The address's query without marks, byte for byte.
    query: String,
    /// The marks, as they came.
    marks: Vec<String>,
    /// The request's parameters, decoded.
    parameters: Params,
    /// What marks and forms are bound to.
    fingerprint: [u8; 32],
    is_stored: bool,
}

impl Pending {
    /// The request in the query of an address, or the stored one that it names. 1 RRU for a stored one.
    ///
    /// # Errors
    /// When the query is not well-formed, or the stored request has expired.
    pub async fn find(handle: &TenantHandle, uri: &Uri) -> Result<Self, Problem> {
        let is_mark = |piece: &&str| {
            [Mark::SignedIn, Mark::Consented].iter().any(|mark| piece.split('=').next() == Some(mark.parameter()))
        };
        let (marks, query): (Vec<&str>, Vec<&str>) = uri.query().unwrap_or_default().split('&').partition(is_mark);
        let query = query.join("&");
        let sent = Params::parse(query.as_bytes())?;
        let stored = match sent.one(STORED)? {
            Some(stored) => Some(load(handle, stored).await?),
            None => None,
        };
        let is_stored = stored.is_some();
        let parameters = stored.unwrap_or(sent);
        Ok(Self {
            fingerprint: fingerprint(&parameters),
            marks: marks.into_iter().map(str::to_owned).collect(),
            query,
            parameters,
            is_stored,
        })
    }

    /// Whether there is a request at all; a page may also be opened by itself.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.is_stored || self.parameters.all("client_id").next().is_some()
    }

    /// The request, valid.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn validate<'c>(&self, tenant: &'c Tenant) -> Result<AuthorizationRequest<'c>, Refusal> {
        validate(&tenant.config.clients, self.parameters.iter())
    }

    /// The request, valid, if there is one.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn request<'c>(&self, tenant: &'c Tenant) -> Result<Option<AuthorizationRequest<'c>>, Refusal> {
        if self.is_request() { self.validate(tenant).map(Some) } else { Ok(None) }
    }

    /// A parameter that concerns pages only, such as `ui_locales`: its first value.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The account page to go on to where there is no request: the address asked for it, and it is one of this tenant's.
    #[must_use]
    pub fn return_to(&self, tenant: &Tenant) -> Option<&str> {
        self.hint("return_to").filter(|address| is_account_path(tenant, address))
    }

    /// The address's query without marks.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What a form of this page is bound to: the request, however it is spelled, whatever the page's language.
    #[must_use]
    pub fn context(&self) -> String {
        self.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Another page's address that goes on with the request, marks included.
    #[must_use]
    pub fn onward(&self, tenant: &Tenant, path: &str) -> String {
        let pieces: Vec<&str> = std::iter::once(self.query.as_str())
            .chain(self.marks.iter().map(String::as_str))
            .filter(|piece| !piece.is_empty())
            .collect();
        let path = crate::respond::path(tenant, path);
        if pieces.is_empty() { path } else { format!("{path}?{}", pieces.join("&")) }
    }

    /// The address at which the request is decided on, with a mark that says what the person just did in this session.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn marked(&self, tenant: &Tenant, mark: Mark, sid: SessionId, at: Timestamp) -> Result<String, KeyError> {
        let plain = [sid.as_bytes().as_slice(), &at.millis().to_be_bytes()].concat();
        let sealed = tenant.keys.locator()?.seal(mark.purpose(), &self.fingerprint, &plain)?;
        Ok(with_query(&self.onward(tenant, "/oauth2/authorize"), [(mark.parameter(), sealed.as_str())]))
    }

    /// What the person did for this request, by the marks that open; the last of each kind.
    ///
    /// # Errors
    /// When this function has no key to open them.
    pub fn interactions(&self, tenant: &Tenant) -> Result<Interactions, KeyError> {
        let locator = tenant.keys.locator()?;
        let find = |mark: Mark| {
            let prefix = format!("{}=", mark.parameter());
            let opened = |piece: &String| {
                locator.open(mark.purpose(), &self.fingerprint, piece.strip_prefix(&prefix)?).and_then(|plain| read(&plain))
            };
            self.marks.iter().rev().find_map(opened)
        };
        Ok(Interactions { signed_in: find(Mark::SignedIn), consented: find(Mark::Consented) })
    }
}

/// The address at which a stored request is decided on.
///
/// # Errors
/// When sealing fails.
pub fn stored_address(tenant: &Tenant, id: FlowId) -> Result<String, KeyError> {
    let sealed = tenant.keys.locator()?.seal(STORED, b"", id.as_bytes())?;
    Ok(with_query(&crate::respond::path(tenant, "/oauth2/authorize"), [(STORED, sealed.as_str())]))
}

async fn load(handle: &TenantHandle, sealed: &str) -> Result<Params, Problem> {
    let opened = handle.tenant.keys.locator()?.open(STORED, b"", sealed);
    let id = opened.and_then(|bytes| bytes.try_into().ok()).map(FlowId::from_bytes);
    let query = match id {
        Some(id) => handle.tenant.store.find_authorization_request(id, handle.now()).await?,
        None => None,
    };
    let detail = "The authorization request has expired. Go back to the application and start again.";
    let query = query.ok_or_else(|| Problem::new(ProblemKind::InvalidRequest, detail))?;
    Ok(Params::parse(query.as_bytes())?)
}

fn read(plain: &[u8]) -> Option<Interaction> {
    let (sid, at) = plain.split_first_chunk::<16>()?;
    let at = i64::from_be_bytes(at.try_into().ok()?);
    Some(Interaction { sid: SessionId::from_bytes(*sid), at: Timestamp::from_millis(at) })
}

/// Each part with its length in front, so that no two requests share one. The page's language is no part of the request.
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
