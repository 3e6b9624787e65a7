//! The claims about the user, in userinfo and in ID tokens (OpenID Connect Core §5.1, §5.3, §5.4).
//!
//! 1. The scope decides which claims a client gets, and the fields of the form decide which exist.
//! 2. Fields that name a member of the address are united to the one claim `address` (§5.1.1).
//! 3. `name` is composed of its parts if the form does not ask for it. A phone number is never verified here, and says so.

use super::scope::{ADDRESS, EMAIL, PHONE, PROFILE, ScopeSet};
use crate::domain::profile::Claims;
use crate::domain::tenant::Field;
use crate::domain::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The members of the claim `address` (OpenID Connect Core §5.1.1).
pub const ADDRESS_MEMBERS: [&str; 6] = ["formatted", "street_address", "locality", "region", "postal_code", "country"];

/// Claims that every user has.
const OF_EVERY_USER: [&str; 4] = ["email", "email_verified", "locale", "updated_at"];

/// The parts of a name, in the order of a composed one.
const NAME_PARTS: [&str; 3] = ["given_name", "middle_name", "family_name"];

/// Claims of the protocol. A profile field cannot set them.
const RESERVED: [&str; 14] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash"];

/// The scope of this claim. Custom claims belong to `profile`.
fn scope_of(claim: &str) -> &'static str {
    match claim {
        "email" | "email_verified" => EMAIL,
        "phone_number" | "phone_number_verified" => PHONE,
        "address" => ADDRESS,
        _ => PROFILE,
    }
}

/// The claims that a user can have by this form, besides those of every user.
#[must_use]
pub fn claims_of_form(fields: &[Field]) -> BTreeSet<&str> {
    let has = |name: &str| fields.iter().any(|field| field.name == name);
    let of_fields = fields.iter().map(|field| if field.address.is_some() { ADDRESS } else { field.name.as_str() });
    let composed = NAME_PARTS.into_iter().any(has).then_some("name");
    let verified = has("phone_number").then_some("phone_number_verified");
    of_fields.chain(composed).chain(verified).collect()
}

/// Returns whether a user can have this claim.
#[must_use]
pub fn is_claim(name: &str, fields: &[Field]) -> bool {
    OF_EVERY_USER.contains(&name) || claims_of_form(fields).contains(name)
}

/// The stored claims of a user, and what their names mean.
#[derive(Debug, Clone, Copy)]
pub struct StoredClaims<'a> {
    /// The profile.
    pub claims: &'a Claims,
    /// The fields of the form.
    pub fields: &'a [Field],
    /// When the profile last changed.
    pub updated_at: Timestamp,
}

/// The userinfo response: `sub`, and the user's claims that the scope includes.
#[must_use]
pub fn userinfo(sub: &str, stored: StoredClaims<'_>, scope: &ScopeSet) -> Map<String, Value> {
    let mut answer = user_claims(stored, scope);
    answer.insert("sub".to_owned(), Value::from(sub));
    answer
}

/// The user's claims that an ID token contains: those that the client's registration asks for and the scope includes.
#[must_use]
pub fn id_token_claims(wanted: &[String], stored: StoredClaims<'_>, scope: &ScopeSet) -> Map<String, Value> {
    let mut claims = user_claims(stored, scope);
    claims.retain(|name, _| wanted.contains(name));
    claims
}

fn user_claims(stored: StoredClaims<'_>, scope: &ScopeSet) -> Map<String, Value> {
    let StoredClaims { claims: Claims(stored), fields, updated_at } = stored;
    let mut claims = Map::new();
    let mut address = Map::new();
    for (name, value) in stored.iter().filter(|(name, value)| !RESERVED.contains(&name.as_str()) && !value.is_null()) {
        match fields.iter().find(|field| field.name == *name).and_then(|field| field.address) {
            Some(member) => drop(address.insert(member.to_owned(), value.clone())),
            None => drop(claims.insert(name.clone(), value.clone())),
        }
    }
    if !address.is_empty() {
        claims.insert("address".to_owned(), Value::Object(address));
    }
    if let Some(name) = compose_name(&claims).filter(|_| fields.iter().all(|field| field.name != "name")) {
        claims.entry("name").or_insert(Value::String(name));
    }
    if claims.contains_key("phone_number") {
        claims.entry("phone_number_verified").or_insert(Value::Bool(false));
    }
    claims.insert("updated_at".to_owned(), Value::from(updated_at.seconds()));
    claims.retain(|name, _| scope.contains(scope_of(name)));
    claims
}

fn compose_name(claims: &Map<String, Value>) -> Option<String> {
    let parts = NAME_PARTS.into_iter().filter_map(|part| claims.get(part).and_then(Value::as_str));
    let name = parts.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::fixture::{NOW, scope};
    use crate::domain::tenant::{FieldKind, Localized};
    use serde_json::json;

    fn field(name: &str, address: Option<&'static str>) -> Field {
        Field {
            name: name.to_owned(),
            kind: FieldKind::Text { max_length: 100, pattern: None },
            required: false,
            label: Localized::default(),
            help: Localized::default(),
            show_when: None,
            autocomplete: None,
            address,
        }
    }
    fn claims(value: &Value) -> Claims {
        Claims(value.as_object().unwrap().clone())
    }
    fn answer(stored: &Value, fields: &[Field], granted: &str) -> Value {
        let claims = claims(stored);
        Value::Object(userinfo("the-subject", StoredClaims { claims: &claims, fields, updated_at: NOW }, &scope(granted)))
    }

    #[test]
    fn userinfo_has_the_claims_of_the_scope_and_a_profile_cannot_set_protocol_claims() {
        let stored = json!({
            "name": "Ada", "email": "ada@example.com", "email_verified": true, "phone_number": "+491",
            "address": {"country": "DE"}, "loyalty_tier": "gold", "sub": "someone else", "iss": "x", "nickname": null,
        });
        let cases = [
            ("openid", json!({})),
            ("openid email", json!({"email": "ada@example.com", "email_verified": true})),
            ("openid phone", json!({"phone_number": "+491", "phone_number_verified": false})),
            ("openid address", json!({"address": {"country": "DE"}})),
            ("openid profile", json!({"name": "Ada", "loyalty_tier": "gold", "updated_at": NOW.seconds()})),
        ];
        for (granted, mut expected) in cases {
            expected["sub"] = json!("the-subject");
            assert_eq!(answer(&stored, &[], granted), expected, "{granted}");
        }
    }

    #[test]
    fn a_name_is_composed_of_its_parts_if_the_form_does_not_ask_for_it() {
        let parts = json!({ "given_name": "Ada", "middle_name": "King", "family_name": "Lovelace" });
        let form = [field("given_name", None), field("family_name", None)];
        assert_eq!(answer(&parts, &form, "profile")["name"], "Ada King Lovelace");
        assert_eq!(answer(&json!({ "family_name": "Lovelace" }), &form, "profile")["name"], "Lovelace");
        assert_eq!(answer(&json!({}), &form, "profile").get("name"), None);
        assert_eq!(answer(&parts, &form, "email").get("name"), None, "a part of the profile");
        let asks = [field("name", None), field("given_name", None)];
        assert_eq!(answer(&parts, &asks, "profile").get("name"), None, "the user left it empty");
        let own = json!({ "name": "Countess Lovelace", "given_name": "Ada" });
        assert_eq!(answer(&own, &form, "profile")["name"], "Countess Lovelace", "imported");
    }

    #[test]
    fn address_fields_are_united_to_one_claim() {
        let form = [field("street", Some("street_address")), field("city", Some("locality")), field("country", None)];
        let stored = json!({ "street": "Unter den Linden 1", "city": "Berlin", "country": "DE" });
        let expected = json!({ "street_address": "Unter den Linden 1", "locality": "Berlin" });
        assert_eq!(answer(&stored, &form, "address profile")["address"], expected);
        let profile = answer(&stored, &form, "profile");
        assert_eq!((profile.get("address"), profile.get("city")), (None, None), "the scope address gives it");
        assert_eq!(profile["country"], "DE", "a field of its own, as before");
        assert_eq!(answer(&json!({}), &form, "address").get("address"), None);
        assert!(is_claim("address", &form) && !is_claim("city", &form) && !is_claim("address", &[]));
    }

    #[test]
    fn an_id_token_has_only_claims_that_are_wanted_and_granted() {
        let claims = claims(&json!({ "email": "ada@example.com", "email_verified": true, "given_name": "Ada" }));
        let stored = StoredClaims { claims: &claims, fields: &[], updated_at: NOW };
        let wanted = ["email", "name"].map(str::to_owned);
        let of = |granted: &str| Value::Object(id_token_claims(&wanted, stored, &scope(granted)));
        assert_eq!(of("openid email profile"), json!({ "email": "ada@example.com", "name": "Ada" }));
        assert_eq!(of("openid profile"), json!({ "name": "Ada" }));
        assert_eq!(of("openid"), json!({}));
    }
}
