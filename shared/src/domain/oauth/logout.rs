//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; security 62).
//!
//! 1. `client_id` or a verified `id_token_hint` names the client. If both are sent, they must agree.
//! 2. A `post_logout_redirect_uri` is used only if it is equal to one of the client, byte by byte.
//! 3. If the hint names the signed-in user, the session ends at once. Otherwise the user must confirm.
//! 4. If anything in the request is wrong, the user is told what, is asked, and stays here: the browser is sent nowhere.

use super::client::Client;
use crate::domain::id::{ClientId, Sub};
use std::collections::BTreeMap;

/// The maximum length of `state`, in bytes.
pub const MAX_STATE: usize = super::authorization_request::MAX_STATE;

/// The parameters of the request, each at most once.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogoutRequest<'p> {
    /// `client_id`.
    pub client_id: Option<&'p str>,
    /// `post_logout_redirect_uri`.
    pub post_logout_redirect_uri: Option<&'p str>,
    /// `state`.
    pub state: Option<&'p str>,
    /// `id_token_hint`.
    pub hint: LogoutHint<'p>,
}

/// `id_token_hint` of a request.
#[derive(Debug, Clone, Copy, Default)]
pub enum LogoutHint<'p> {
    /// It was not sent.
    #[default]
    Absent,
    /// It is not an ID token of this issuer, or no kept key verifies it.
    Unreadable,
    /// It is verified.
    Verified(&'p IdTokenHint),
}

impl<'p> LogoutHint<'p> {
    fn verified(self) -> Option<&'p IdTokenHint> {
        match self {
            Self::Verified(hint) => Some(hint),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

/// An ID token of this issuer. Its signature and issuer are verified. It may be expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The subject.
    pub sub: Sub,
    /// The audience.
    pub audience: Vec<String>,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout<'c> {
    /// The client, if it is known.
    pub client: Option<&'c Client>,
    /// The registered URI that the browser is redirected to, without `state`.
    pub return_to: Option<&'c str>,
    /// Whether the user must confirm first.
    pub ask: bool,
    /// What is wrong with the request, if anything. It is shown, and `return_to` is none.
    pub flaw: Option<LogoutFlaw>,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutFlaw {
    /// The hint is not an ID token of this issuer.
    #[error("id_token_hint can not be verified: it is not an ID token of this service, or its key is no longer kept")]
    HintUnreadable,
    /// The hint was issued to another client.
    #[error("client_id is not the client of id_token_hint")]
    HintOfAnotherClient,
    /// No client has this id.
    #[error("client_id is not known")]
    ClientUnknown,
    /// Without a client no URI can be accepted.
    #[error("post_logout_redirect_uri needs client_id or id_token_hint")]
    ClientMissing,
    /// The client has no such URI.
    #[error("post_logout_redirect_uri is not registered for this client")]
    RedirectUri,
    /// Longer than 4 KiB.
    #[error("state must not be longer than 4096 bytes")]
    State,
}

/// Decides on a logout. `signed_in` is the user of the browser's live session.
#[must_use]
pub fn log_out<'c>(clients: &'c BTreeMap<ClientId, Client>, request: LogoutRequest<'_>, signed_in: Option<Sub>) -> Logout<'c> {
    // Any page can send a browser to this endpoint. Only a caller with an ID token of this user may end the session without a
    // confirmation.
    let is_named = |sub: Sub| request.hint.verified().is_some_and(|hint| hint.sub == sub);
    match check(clients, request) {
        Ok((client, return_to)) => Logout { client, return_to, ask: signed_in.is_some_and(|sub| !is_named(sub)), flaw: None },
        Err(flaw) => Logout { client: None, return_to: None, ask: signed_in.is_some(), flaw: Some(flaw) },
    }
}

/// The client and its URI.
fn check<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
) -> Result<(Option<&'c Client>, Option<&'c str>), LogoutFlaw> {
    let client = the_client(clients, request)?;
    if request.state.is_some_and(|state| state.len() > MAX_STATE) {
        return Err(LogoutFlaw::State);
    }
    let return_to = match (request.post_logout_redirect_uri, client) {
        (None, _) => None,
        (Some(requested), Some(client)) => {
            let mut registered = client.post_logout_redirect_uris.iter();
            Some(registered.find(|uri| *uri == requested).ok_or(LogoutFlaw::RedirectUri)?.as_str())
        }
        (Some(_), None) => return Err(LogoutFlaw::ClientMissing),
    };
    Ok((client, return_to))
}

fn the_client<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
) -> Result<Option<&'c Client>, LogoutFlaw> {
    let find = |text: &str| text.parse::<ClientId>().ok().and_then(|id| clients.get(&id));
    match (request.client_id, request.hint) {
        (_, LogoutHint::Unreadable) => Err(LogoutFlaw::HintUnreadable),
        (Some(id), LogoutHint::Verified(hint)) if !hint.audience.iter().any(|audience| audience == id) => {
            Err(LogoutFlaw::HintOfAnotherClient)
        }
        (Some(id), _) => find(id).map(Some).ok_or(LogoutFlaw::ClientUnknown),
        (None, LogoutHint::Verified(hint)) => {
            // The client of the hint may have been removed.
            let client = hint.audience.first().and_then(|audience| find(audience));
            client.map(Some).ok_or(LogoutFlaw::ClientUnknown)
        }
        (None, LogoutHint::Absent) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::{PkcePolicy, SigningAlgorithm, TokenEndpointAuthMethod};
    use crate::domain::tenant::Localized;

    const ADA: Sub = Sub::from_bytes([1; 16]);
    const BOB: Sub = Sub::from_bytes([2; 16]);
    const BYE: &str = "https://shop.example/bye";

    fn clients() -> BTreeMap<ClientId, Client> {
        let client = |id: &str, uris: &[&str]| Client {
            client_id: id.parse().unwrap(),
            client_name: Localized::default(),
            first_party: false,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            secret_hashes: Vec::new(),
            secret_needs_encoding: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            grant_types: Vec::new(),
            scope: "openid".parse().unwrap(),
            response_modes: Vec::new(),
            pkce: PkcePolicy::Required,
            id_token_signed_response_alg: SigningAlgorithm::ES256,
            access_token_signed_response_alg: SigningAlgorithm::ES256,
            allowed_origins: Vec::new(),
            resources: Vec::new(),
            introspection_resources: vec![],
            id_token_claims: vec![],
            refresh_retry: crate::domain::oauth::rotate::RETRY,
            min_acr: None,
            client_uri: None,
        };
        [client("shop", &[BYE]), client("blog", &[])].into_iter().map(|c| (c.client_id.clone(), c)).collect()
    }

    fn hint(sub: Sub, audience: &str) -> IdTokenHint {
        IdTokenHint { sub, audience: vec![audience.to_owned()] }
    }

    #[test]
    fn security_62_only_a_hint_of_the_signed_in_user_ends_the_session_without_a_confirmation() {
        use LogoutHint::{Absent, Unreadable, Verified};
        let clients = clients();
        let (ada, bob) = (hint(ADA, "shop"), hint(BOB, "shop"));
        let cases = [
            ("no hint", Absent, Some(ADA), true),
            ("the hint of the signed-in user", Verified(&ada), Some(ADA), false),
            ("another user's hint", Verified(&bob), Some(ADA), true),
            ("an unreadable hint", Unreadable, Some(ADA), true),
            ("no user signed in", Absent, None, false),
            ("no user signed in, a hint", Verified(&ada), None, false),
        ];
        for (what, hint, signed_in, ask) in cases {
            let request = LogoutRequest { hint, ..LogoutRequest::default() };
            assert_eq!(log_out(&clients, request, signed_in).ask, ask, "{what}");
        }
    }

    #[test]
    fn security_62_only_a_registered_uri_of_the_client_is_used_and_each_flaw_has_its_own_name() {
        use LogoutFlaw::{ClientMissing, ClientUnknown, HintOfAnotherClient, HintUnreadable, RedirectUri, State};
        use LogoutHint::{Absent, Unreadable, Verified};
        let clients = clients();
        let (ada, gone) = (hint(ADA, "shop"), hint(ADA, "gone"));
        let long = "x".repeat(MAX_STATE + 1);
        let cases = [
            (Some("shop"), Absent, BYE, None, Ok(Some(BYE))),
            (None, Verified(&ada), BYE, None, Ok(Some(BYE))),
            (Some("shop"), Verified(&ada), BYE, None, Ok(Some(BYE))),
            (None, Absent, BYE, None, Err(ClientMissing)),
            (None, Unreadable, BYE, None, Err(HintUnreadable)),
            (Some("shop"), Unreadable, BYE, None, Err(HintUnreadable)),
            (Some("blog"), Verified(&ada), BYE, None, Err(HintOfAnotherClient)),
            (Some("blog"), Absent, BYE, None, Err(RedirectUri)),
            (Some("unknown"), Absent, BYE, None, Err(ClientUnknown)),
            (Some("a b"), Absent, BYE, None, Err(ClientUnknown)),
            (None, Verified(&gone), BYE, None, Err(ClientUnknown)),
            (Some("shop"), Absent, "https://shop.example/bye/", None, Err(RedirectUri)),
            (Some("shop"), Absent, "https://shop.example/BYE", None, Err(RedirectUri)),
            (Some("shop"), Absent, "https://shop.example/bye?x", None, Err(RedirectUri)),
            (Some("shop"), Absent, "//shop.example/bye", None, Err(RedirectUri)),
            (Some("shop"), Absent, BYE, Some(long.as_str()), Err(State)),
        ];
        for (client_id, hint, uri, state, expected) in cases {
            let request = LogoutRequest { client_id, hint, post_logout_redirect_uri: Some(uri), state };
            let logout = log_out(&clients, request, Some(ADA));
            assert_eq!(logout.flaw.map_or(Ok(logout.return_to), Err), expected, "{client_id:?} {hint:?} {uri}");
            if expected.is_err() {
                assert_eq!((logout.return_to, logout.ask), (None, true), "the user is asked, and stays here");
            }
        }
    }
}
