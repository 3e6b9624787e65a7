//! Reads `[passkeys]`: whether there are passkeys, and the site that they belong to.

use super::reader::Table;
use crate::domain::id::TenantId;
use crate::domain::tenant::PasskeyPolicy;

/// The most related origins. Browsers read at least five registrable domains (WebAuthn 3 §5.11.1).
const MAX_RELATED: usize = 20;

pub(super) fn read(tenant: &TenantId, mut table: Table<'_, '_>) -> PasskeyPolicy {
    let rp_id = table.text("rp_id").and_then(|text| {
        let is_valid = is_rp_id(&text.value);
        if !is_valid {
            table.report.refuse(
                &text.place,
                "must be the host of the issuer or a domain above it, in lower case, such as \"example.com\": no public suffix, no \
                 address, no port",
            );
        }
        is_valid.then_some(text.value)
    });
    let listed = table.texts("related_origins");
    let mut related_origins: Vec<String> = Vec::new();
    for origin in listed {
        let is_https = url::Url::parse(&origin.value)
            .is_ok_and(|url| url.scheme() == "https" && url.origin().ascii_serialization() == origin.value);
        if !is_https {
            table.report.refuse(&origin.place, "must be an origin as a browser sends it: https://host, without a path");
        } else if related_origins.contains(&origin.value) {
            table.report.refuse(&origin.place, "is listed twice");
        } else if related_origins.len() == MAX_RELATED {
            table.report.refuse(&origin.place, format!("at most {MAX_RELATED} are allowed"));
        } else {
            related_origins.push(origin.value);
        }
    }
    // Tenants share a host: the default tenant has its passkeys, and another one only with an id of its own.
    let enabled = table.flag("enabled", tenant.is_default() || rp_id.is_some());
    if enabled && !tenant.is_default() && rp_id.is_none() {
        let place = table.at("enabled");
        table
            .report
            .refuse(&place, "needs rp_id: on a host with several tenants the passkeys of the host are the default tenant's");
    }
    table.close();
    PasskeyPolicy { enabled, rp_id, related_origins }
}

/// A domain of at least two labels, or `localhost`. Whether it fits the host of the issuer shows when it is used.
fn is_rp_id(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let labels: Vec<&str> = text.split('.').collect();
    let is_address = labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253 && labels.iter().all(|label| is_label(label)) && !is_address && (labels.len() >= 2 || text == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::TenantConfig;

    fn parse(tenant: &str, section: &str) -> Result<PasskeyPolicy, String> {
        let document = format!("name = \"Shop\"\n[passkeys]\n{section}");
        let config = TenantConfig::parse(&tenant.parse().unwrap(), &document);
        config.map(|config| config.passkeys).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_default_tenant_has_passkeys_of_the_host_and_others_need_their_own_id() {
        assert!(parse("default", "").is_ok_and(|policy| policy.enabled && policy.rp_id.is_none()));
        assert!(parse("default", "enabled = false").is_ok_and(|policy| !policy.enabled));
        assert!(parse("acme", "").is_ok_and(|policy| !policy.enabled));
        assert!(parse("acme", "rp_id = \"acme.example.com\"").is_ok_and(|policy| policy.enabled));
        assert!(parse("acme", "enabled = true").is_err_and(|errors| errors.contains("needs rp_id")));
    }

    #[test]
    fn security_81_a_relying_party_id_is_a_domain() {
        for valid in ["example.com", "id.example.com", "localhost", "xn--bcher-kva.example"] {
            assert!(is_rp_id(valid), "{valid}");
        }
        for invalid in
            ["com", "", ".com", "example.com.", "Example.com", "127.0.0.1", "example.com:443", "https://example.com", "a_b.de"]
        {
            assert!(!is_rp_id(invalid), "{invalid}");
        }
        for origin in ["http://shop.example", "https://shop.example/", "https://shop.example/x", "shop.example"] {
            assert!(parse("default", &format!("related_origins = [\"{origin}\"]")).is_err(), "{origin}");
        }
        assert!(
            parse("default", "related_origins = [\"https://shop.example\"]")
                .is_ok_and(|policy| policy.related_origins.len() == 1)
        );
    }
}
