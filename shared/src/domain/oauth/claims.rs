//! The claims of tokens. Those about the user are in `user_claims`.
//!
//! | token | `typ` | standard |
//! |---|---|---|
//! | access token | `at+jwt` | RFC 9068 §2.2 |
//! | ID token | `JWT` | OpenID Connect Core §2 |

use super::grant::Grant;
use super::issue::AccessGrant;
use super::scope::ScopeSet;
use crate::domain::amr::Amr;
use crate::domain::id::{ClientId, Jti, SessionId};
use crate::domain::roles::Roles;
use crate::domain::sign_in::assurance::AcrValue;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `typ` of access tokens (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYP: &str = "at+jwt";
/// `typ` of ID tokens.
pub const ID_TOKEN_TYP: &str = "JWT";

/// The claims of an access token. Parsing is strict: a claim with another JSON type makes the token invalid (security 46).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The account's subject identifier. For a client that acts for itself: its client id.
    pub sub: String,
    /// The issuer, or one resource (RFC 8707).
    pub aud: String,
    /// The client.
    pub client_id: ClientId,
    /// The scope.
    pub scope: ScopeSet,
    /// NumericDate.
    pub iat: i64,
    /// NumericDate.
    pub exp: i64,
    /// The id of the token.
    pub jti: Jti,
    /// When the user signed in, as NumericDate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The authentication context class (`acr`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrValue>,
    /// The authentication methods (`amr`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<Amr>>,
    /// The user's roles (RFC 9068 §2.2.3.1). Only first-party applications get them.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The sealed locator of the grant. `None` if the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lk: Option<String>,
}

impl AccessTokenClaims {
    /// The claims of a token that is issued under a grant. `lk` is the grant's sealed locator.
    #[must_use]
    pub fn of_grant(issuer: &str, grant: &Grant, access: &AccessGrant, jti: Jti, lk: String, now: Timestamp) -> Self {
        Self {
            auth_time: Some(grant.auth_time.seconds()),
            acr: grant.acr(),
            amr: (!grant.amr.is_empty()).then(|| grant.amr.clone()),
            roles: access.roles.clone(),
            lk: Some(lk),
            ..Self::new(issuer, grant.sub.to_string(), &grant.client_id, access, jti, now)
        }
    }
    /// The claims of a token for the client itself.
    #[must_use]
    pub fn of_client(issuer: &str, client_id: &ClientId, access: &AccessGrant, jti: Jti, now: Timestamp) -> Self {
        Self::new(issuer, client_id.to_string(), client_id, access, jti, now)
    }
    fn new(issuer: &str, sub: String, client_id: &ClientId, access: &AccessGrant, jti: Jti, now: Timestamp) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub,
            aud: access.resource.clone().unwrap_or_else(|| issuer.to_owned()),
            client_id: client_id.clone(),
            scope: access.scope.clone(),
            iat: now.seconds(),
            exp: access.expires_at.seconds(),
            jti,
            auth_time: None,
            acr: None,
            amr: None,
            roles: Roles::default(),
            lk: None,
        }
    }
    /// Parses the claims of a verified payload. Returns `None` if a claim is missing or has another type.
    #[must_use]
    pub fn read(payload: Map<String, Value>) -> Option<Self> {
        let read: Self = serde_json::from_value(Value::Object(payload)).ok()?;
        (read.iat >= 0 && read.exp >= 0).then_some(read)
    }
    /// The expiry.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.exp)
    }
    /// The time of issue.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.iat)
    }
}

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The account's subject identifier.
    pub sub: String,
    /// The client.
    pub aud: ClientId,
    /// NumericDate.
    pub exp: i64,
    /// NumericDate.
    pub iat: i64,
    /// When the user signed in, as NumericDate.
    pub auth_time: i64,
    /// `nonce` of the authorization request. An ID token of a refresh has none (OpenID Connect Core §12.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The authentication context class (`acr`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrValue>,
    /// The authentication methods (`amr`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<Amr>,
    /// The session.
    pub sid: SessionId,
    /// Left half of the access token's digest (OpenID Connect Core §3.1.3.6).
    pub at_hash: String,
    /// The claims about the user that the client's registration asks for.
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

impl IdTokenClaims {
    /// The claims of the ID token for this access token. `refreshed`: it is issued by a refresh.
    #[must_use]
    pub fn of_grant(
        issuer: &str,
        grant: &Grant,
        access: &AccessGrant,
        at_hash: String,
        refreshed: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: grant.sub.to_string(),
            aud: grant.client_id.clone(),
            exp: access.expires_at.seconds(),
            iat: now.seconds(),
            auth_time: grant.auth_time.seconds(),
            nonce: grant.nonce.clone().filter(|_| !refreshed),
            acr: grant.acr(),
            amr: grant.amr.clone(),
            sid: grant.sid,
            at_hash,
            user: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::SigningAlgorithm;
    use crate::domain::oauth::fixture::{NOW, ORDERS, active, client_id, scope};
    use crate::domain::time::Span;
    use serde_json::json;

    const ISSUER: &str = "https://id.example";

    fn access(resource: Option<&str>) -> AccessGrant {
        AccessGrant {
            scope: scope("openid email"),
            resource: resource.map(str::to_owned),
            roles: serde_json::from_str(r#"["gold", "editor"]"#).unwrap(),
            algorithm: SigningAlgorithm::ES256,
            expires_at: NOW + Span::minutes(10),
        }
    }
    fn jti() -> Jti {
        Jti::from_bytes([7; 16])
    }

    #[test]
    fn security_27_an_access_token_has_the_claims_of_rfc_9068() {
        let grant = active(Span::ZERO);
        let claims = AccessTokenClaims::of_grant(ISSUER, &grant, &access(None), jti(), "sealed".to_owned(), NOW);
        let expected = json!({
            "iss": ISSUER, "sub": grant.sub.to_string(), "aud": ISSUER, "client_id": "shop", "scope": "email openid",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 600, "jti": jti().to_string(), "auth_time": NOW.seconds() - 300,
            "acr": "urn:latchkey:acr:1", "amr": ["pwd"], "roles": ["editor", "gold"], "lk": "sealed",
        });
        assert_eq!(serde_json::to_value(&claims).unwrap(), expected);
        let narrowed = AccessTokenClaims::of_grant(ISSUER, &grant, &access(Some(ORDERS)), jti(), String::new(), NOW);
        assert_eq!(narrowed.aud, ORDERS);
    }

    #[test]
    fn security_26_a_client_that_acts_for_itself_is_its_own_subject_and_has_no_user_claims() {
        let claims = AccessTokenClaims::of_client(ISSUER, &client_id("shop"), &access(None), jti(), NOW);
        let claims = serde_json::to_value(&claims).unwrap();
        assert_eq!(claims["sub"], "shop");
        for absent in ["lk", "auth_time", "acr", "amr", "sid", "roles"] {
            assert!(claims.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn security_46_claims_of_another_type_are_refused() {
        let grant = active(Span::ZERO);
        let good = AccessTokenClaims::of_grant(ISSUER, &grant, &access(None), jti(), "sealed".to_owned(), NOW);
        let good = serde_json::to_value(&good).unwrap();
        assert!(AccessTokenClaims::read(good.as_object().unwrap().clone()).is_some());
        let wrong = [
            ("exp", json!("1800000600")),
            ("exp", json!(1_800_000_600.5)),
            ("exp", json!(-1)),
            ("exp", Value::Null),
            ("exp", json!([1_800_000_600])),
            ("iat", json!(true)),
            ("iat", json!(1e300)),
            ("aud", json!([ISSUER])),
            ("iss", json!(1)),
            ("sub", Value::Null),
            ("jti", json!("short")),
            ("scope", json!(["openid"])),
            ("lk", json!(1)),
            ("client_id", json!("a client")),
        ];
        for (name, value) in wrong {
            let mut payload = good.as_object().unwrap().clone();
            payload.insert(name.to_owned(), value.clone());
            assert!(AccessTokenClaims::read(payload).is_none(), "{name} = {value}");
        }
        for name in ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"] {
            let mut payload = good.as_object().unwrap().clone();
            payload.remove(name);
            assert!(AccessTokenClaims::read(payload).is_none(), "{name} missing");
        }
    }

    #[test]
    fn security_54_an_id_token_has_subject_time_and_method_and_repeats_the_nonce_once() {
        let grant = active(Span::ZERO);
        let first = IdTokenClaims::of_grant(ISSUER, &grant, &access(None), "half".to_owned(), false, NOW);
        let expected = json!({
            "iss": ISSUER, "sub": grant.sub.to_string(), "aud": "shop", "exp": NOW.seconds() + 600, "iat": NOW.seconds(),
            "auth_time": NOW.seconds() - 300, "nonce": "n-0S6_WzA2Mj", "acr": "urn:latchkey:acr:1", "amr": ["pwd"],
            "sid": grant.sid.to_string(), "at_hash": "half",
        });
        assert_eq!(serde_json::to_value(&first).unwrap(), expected);
        let refreshed = IdTokenClaims::of_grant(ISSUER, &grant, &access(None), "half".to_owned(), true, NOW);
        assert_eq!(refreshed.nonce, None);
        assert_eq!(refreshed.auth_time, first.auth_time);
    }
}
