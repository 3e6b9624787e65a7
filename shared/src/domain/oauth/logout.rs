//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; security 62).
//!
//! 1. The client is the one that `client_id` or a verified `id_token_hint` names; both must agree.
//! 2. A `post_logout_redirect_uri` is followed only when it is the client's, byte for byte.
//! 3. A hint that names the person who is signed in ends the session at once; otherwise the person is asked.

use super::client::Client;
use crate::domain::id::{ClientId, Sub};
use std::collections::BTreeMap;

/// Longest `state`, in bytes.
pub const MAX_STATE: usize = super::authorization_request::MAX_STATE;

/// What the request says, each parameter at most once.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogoutRequest<'p> {
    /// `client_id`.
    pub client_id: Option<&'p str>,
    /// `post_logout_redirect_uri`.
    pub post_logout_redirect_uri: Option<&'p str>,
    /// `state`.
    pub state: Option<&'p str>,
    /// The verified `id_token_hint`; one that does not verify counts as none.
    pub hint: Option<&'p IdTokenHint>,
}

/// An ID token of ours, its signature and issuer verified; its expiry does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    /// Whom it names.
    pub sub: Sub,
    /// For whom it was made.
    pub audience: Vec<String>,
}

/// A request that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout<'c> {
    /// Who asks, when it is known.
    pub client: Option<&'c Client>,
    /// Where the browser goes afterwards: registered, `state` not appended yet.
    pub return_to: Option<&'c str>,
    /// Whether the person must be asked first.
    pub ask: bool,
}

/// Why a request is not followed; always shown here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutRefusal {
    /// No such client, or another than the hint was made for.
    #[error("client_id is not known, or not the one that id_token_hint was made for")]
    Client,
    /// Not one of the client's, or no client is named.
    #[error("post_logout_redirect_uri is not registered for this client")]
    RedirectUri,
    /// Longer than 2 KiB.
    #[error("state must not be longer than 2048 bytes")]
    State,
}

/// Decides on a logout. `signed_in` is the person whose live session the browser has.
///
/// # Errors
/// Why it is not followed.
pub fn log_out<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
    signed_in: Option<Sub>,
) -> Result<Logout<'c>, LogoutRefusal> {
    if request.state.is_some_and(|state| state.len() > MAX_STATE) {
        return Err(LogoutRefusal::State);
    }
    let client = the_client(clients, request)?;
    let return_to = match (request.post_logout_redirect_uri, client) {
        (None, _) => None,
        (Some(requested), Some(client)) => {
            let mut registered = client.post_logout_redirect_uris.iter();
            Some(registered.find(|uri| *uri == requested).ok_or(LogoutRefusal::RedirectUri)?.as_str())
        }
        (Some(_), None) => return Err(LogoutRefusal::RedirectUri),
    };
    // Any page can send a browser here: only who holds an ID token of this very person signs them out unasked.
    let ask = signed_in.is_some_and(|sub| request.hint.is_none_or(|hint| hint.sub != sub));
    Ok(Logout { client, return_to, ask })
}

fn the_client<'c>(
    clients: &'c BTreeMap<ClientId, Client>,
    request: LogoutRequest<'_>,
) -> Result<Option<&'c Client>, LogoutRefusal> {
    let find = |text: &str| text.parse::<ClientId>().ok().and_then(|id| clients.get(&id));
    match (request.client_id, request.hint) {
        (Some(id), Some(hint)) if !hint.audience.iter().any(|audience| audience == id) => Err(LogoutRefusal::Client),
        (Some(id), _) => find(id).map(Some).ok_or(LogoutRefusal::Client),
        (None, Some(hint)) => Ok(hint.audience.first().and_then(|audience| find(audience))),
        (None, None) => Ok(None),
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
            client_uri: None,
        };
        [client("shop", &[BYE]), client("blog", &[])].into_iter().map(|c| (c.client_id.clone(), c)).collect()
    }

    fn hint(sub: Sub, audience: &str) -> IdTokenHint {
        IdTokenHint { sub, audience: vec![audience.to_owned()] }
    }

    #[test]
    fn security_62_only_a_hint_of_the_person_who_is_signed_in_ends_the_session_unasked() {
        let clients = clients();
        let (ada, bob) = (hint(ADA, "shop"), hint(BOB, "shop"));
        let cases = [
            ("no hint", None, Some(ADA), true),
            ("her own hint", Some(&ada), Some(ADA), false),
            ("another person's hint", Some(&bob), Some(ADA), true),
            ("nobody signed in", None, None, false),
            ("nobody signed in, a hint", Some(&ada), None, false),
        ];
        for (what, hint, signed_in, ask) in cases {
            let request = LogoutRequest { hint, ..LogoutRequest::default() };
            assert_eq!(log_out(&clients, request, signed_in).unwrap().ask, ask, "{what}");
        }
    }

    #[test]
    fn security_62_only_the_clients_own_uri_is_followed_byte_for_byte() {
        let clients = clients();
        let ada = hint(ADA, "shop");
        let with = |client_id, hint, uri| {
            let request = LogoutRequest { client_id, hint, post_logout_redirect_uri: Some(uri), state: None };
            log_out(&clients, request, Some(ADA)).map(|logout| logout.return_to)
        };
        assert_eq!(with(Some("shop"), None, BYE), Ok(Some(BYE)));
        assert_eq!(with(None, Some(&ada), BYE), Ok(Some(BYE)));
        assert_eq!(with(Some("shop"), Some(&ada), BYE), Ok(Some(BYE)));
        assert_eq!(with(None, None, BYE), Err(LogoutRefusal::RedirectUri));
        assert_eq!(with(Some("blog"), None, BYE), Err(LogoutRefusal::RedirectUri));
        for uri in ["https://shop.example/bye/", "https://shop.example/BYE", "https://shop.example/bye?x", "//shop.example/bye"]
        {
            assert_eq!(with(Some("shop"), None, uri), Err(LogoutRefusal::RedirectUri), "{uri}");
        }
    }

    #[test]
    fn a_client_that_the_hint_was_not_made_for_is_refused() {
        let clients = clients();
        let ada = hint(ADA, "shop");
        for (client_id, hint) in [(Some("blog"), Some(&ada)), (Some("nobody"), None), (Some("a b"), None)] {
            let request = LogoutRequest { client_id, hint, ..LogoutRequest::default() };
            assert_eq!(log_out(&clients, request, Some(ADA)), Err(LogoutRefusal::Client));
        }
    }
}
