//! Compares resource servers and clients.

use super::effects::{Plan, count, list, missing, renamed, sides};
use crate::domain::id::ClientId;
use crate::domain::oauth::client::{Client, GrantType, PkcePolicy, ResponseMode};
use crate::domain::oauth::exchange::TOKEN_EXCHANGE;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::tenant::Resource;
use std::collections::BTreeMap;

pub(super) fn compare_resources(plan: &mut Plan, now: &BTreeMap<String, Resource>, then: &BTreeMap<String, Resource>) {
    let path = |name: &str| format!("resources.{name}");
    for name in now.keys().filter(|name| !then.contains_key(*name)) {
        plan.danger(&path(name), "removed: no client gets a token for it any more; issued tokens keep their expiry");
    }
    for (name, is) in then {
        let path = path(name);
        let Some(was) = now.get(name) else {
            plan.notice(&path, "added");
            continue;
        };
        scope(plan, &path, &was.scope, &is.scope);
        if was.signed_response_alg != is.signed_response_alg {
            plan.danger(&path, "its tokens are signed with another algorithm: it must accept the new one first");
        }
    }
}

pub(super) fn compare(plan: &mut Plan, now: &BTreeMap<ClientId, Client>, then: &BTreeMap<ClientId, Client>) {
    let names = |clients: &BTreeMap<ClientId, Client>| -> Vec<String> { clients.keys().map(ToString::to_string).collect() };
    let (was, is) = (names(now), names(then));
    let (was, is): (Vec<&str>, Vec<&str>) = (was.iter().map(String::as_str).collect(), is.iter().map(String::as_str).collect());
    let (kept, gone, added) = sides(&was, &is);
    plan.count("client", kept.len(), added.len(), gone.len(), "removed");
    let losing = now
        .iter()
        .filter(|(id, was)| then.get(id).is_some_and(|is| !missing(&was.redirect_uris, &is.redirect_uris).is_empty()));
    match losing.count() {
        0 => {}
        number => plan.summary.push(format!(
            "{} a redirect URI",
            if number == 1 { "1 client loses".to_owned() } else { format!("{} lose", count(number, "client")) }
        )),
    }
    for id in gone {
        let words =
            "removed: users cannot sign in to it, its refresh tokens are refused, its access tokens expire within ten minutes";
        plan.danger(&format!("clients.{id}"), words);
    }
    for (id, client) in then {
        let path = format!("clients.{id}");
        match now.get(id) {
            Some(was) => compare_client(plan, &path, was, client),
            None if client.first_party => plan.danger(
                &path,
                format!("added as one of your own, with scope {}: users are not always asked for consent", client.scope),
            ),
            None => plan.notice(&path, format!("added, with scope {}", client.scope)),
        }
    }
}

fn compare_client(plan: &mut Plan, path: &str, was: &Client, is: &Client) {
    if was.client_name != is.client_name {
        plan.notice(path, renamed(&was.client_name, &is.client_name));
    }
    match (was.first_party, is.first_party) {
        (false, true) => plan.danger(path, "is one of your own now: users are not always asked for consent"),
        (true, false) => plan.danger(path, "is no longer one of your own: users are asked for consent at the next sign-in"),
        (true, true) | (false, false) => {}
    }
    if was.token_endpoint_auth_method != is.token_endpoint_auth_method {
        plan.danger(path, "authenticates in another way: until it uses the new method, it gets no token");
    }
    secrets(plan, path, was, is);
    uris(plan, path, "redirect_uris", (&was.redirect_uris, &is.redirect_uris), "a sign-in that requests it is refused");
    let back = "a sign-out that requests it ends on Latchkey's own page";
    uris(plan, path, "post_logout_redirect_uris", (&was.post_logout_redirect_uris, &is.post_logout_redirect_uris), back);
    let cors = "pages there can make no calls for it";
    uris(plan, path, "allowed_origins", (&was.allowed_origins, &is.allowed_origins), cors);
    uris(plan, path, "resources", (&was.resources, &is.resources), "it gets no token for it");
    let introspection = "it gets no answer about tokens for it";
    let resources = (was.introspection_resources.as_slice(), is.introspection_resources.as_slice());
    uris(plan, path, "introspection_resources", resources, introspection);
    let claims = (was.id_token_claims.as_slice(), is.id_token_claims.as_slice());
    uris(plan, path, "id_token_claims", claims, "its ID tokens no longer contain it");
    if was.refresh_retry != is.refresh_retry {
        plan.notice(path, "its refresh tokens can be repeated for another time");
    }
    grants(plan, path, was, is);
    scope(plan, &format!("{path}.scope"), &was.scope, &is.scope);
    match (was.pkce, is.pkce) {
        (PkcePolicy::Required, PkcePolicy::Optional) => {
            plan.danger(path, "PKCE is optional: a stolen or injected code without it is no longer refused");
        }
        (PkcePolicy::Optional, PkcePolicy::Required) => plan.danger(path, "PKCE is required: a sign-in without it is refused"),
        (PkcePolicy::Required, PkcePolicy::Required) | (PkcePolicy::Optional, PkcePolicy::Optional) => {}
    }
    if was.id_token_signed_response_alg != is.id_token_signed_response_alg {
        plan.danger(path, "its ID tokens are signed with another algorithm: it must accept the new one first");
    }
    if was.access_token_signed_response_alg != is.access_token_signed_response_alg {
        plan.danger(
            path,
            "its access tokens are signed with another algorithm: resource servers must accept the new one first",
        );
    }
    if was.min_acr != is.min_acr {
        match (was.min_acr, is.min_acr) {
            (was, Some(is)) if was.is_none_or(|was| was < is) => plan.danger(
                path,
                format!(
                    "its users must sign in with level {}: those without such a factor are refused until they have one, and its \
                     earlier grants are refused at their next use",
                    is.name().unwrap_or_default()
                ),
            ),
            (_, _) => plan.notice(path, "its users may sign in with a lower level"),
        }
    }
    if was.client_uri != is.client_uri {
        plan.notice(path, "links back lead to another address");
    }
}

/// Counts the changed secrets. It shows nothing of a secret, not even its digest.
fn secrets(plan: &mut Plan, path: &str, was: &Client, is: &Client) {
    let gone = was.secret_hashes.iter().filter(|hash| !is.secret_hashes.contains(hash)).count();
    let added = is.secret_hashes.iter().filter(|hash| !was.secret_hashes.contains(hash)).count();
    if gone > 0 {
        plan.danger(path, format!("{} of its secrets is refused from now on: it must use the other one first", gone));
    }
    if added > 0 {
        plan.notice(path, format!("{} more of its secrets is accepted", added));
    }
}

fn uris(plan: &mut Plan, path: &str, key: &str, (was, is): (&[String], &[String]), loss: &str) {
    let (lost, gained) = (missing(was, is), missing(is, was));
    let path = format!("{path}.{key}");
    if !lost.is_empty() {
        plan.danger(&path, format!("loses {}: {loss}", list(&lost)));
    }
    if !gained.is_empty() {
        plan.notice(&path, format!("gains {}", list(&gained)));
    }
}

fn grants(plan: &mut Plan, path: &str, was: &Client, is: &Client) {
    let word = |grant: &GrantType| match grant {
        GrantType::AuthorizationCode => "authorization_code",
        GrantType::RefreshToken => "refresh_token",
        GrantType::ClientCredentials => "client_credentials",
        GrantType::TokenExchange => TOKEN_EXCHANGE,
    };
    let mode = |mode: &ResponseMode| match mode {
        ResponseMode::Query => "query",
        ResponseMode::FormPost => "form_post",
    };
    let words = |client: &Client| -> Vec<String> { client.grant_types.iter().map(|grant| word(grant).to_owned()).collect() };
    let modes = |client: &Client| -> Vec<String> { client.response_modes.iter().map(|one| mode(one).to_owned()).collect() };
    uris(plan, path, "grant_types", (&words(was), &words(is)), "a token request with it is refused");
    uris(plan, path, "response_modes", (&modes(was), &modes(is)), "a sign-in that requests it is refused");
}

fn scope(plan: &mut Plan, path: &str, was: &ScopeSet, is: &ScopeSet) {
    let tokens = |scope: &ScopeSet| -> Vec<String> { scope.to_string().split_whitespace().map(str::to_owned).collect() };
    let (was, is) = (tokens(was), tokens(is));
    let (lost, gained) = (missing(&was, &is), missing(&is, &was));
    if !lost.is_empty() {
        plan.danger(path, format!("loses {}: new tokens do not contain it", list(&lost)));
    }
    if !gained.is_empty() {
        plan.notice(
            path,
            format!("gains {}: users with an earlier consent are asked again when it requests it", list(&gained)),
        );
    }
}
