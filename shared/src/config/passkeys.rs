//! Reads `[passkeys]`: whether there are passkeys, and the site that they belong to.

use super::reader::{Read, Table};
use crate::domain::id::TenantId;
use crate::domain::tenant::{AndroidApp, PasskeyPolicy};
use data_encoding::HEXUPPER;

/// The most related origins. Browsers read at least five registrable domains (WebAuthn 3 §5.11.1).
const MAX_RELATED: usize = 20;
/// The most apps of each platform, and the most certificates of one.
const MAX_APPS: usize = 20;

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
    let offer = table.flag("offer", true);
    let ios_apps = read_ios_apps(&mut table);
    let android_apps = read_android_apps(&mut table);
    table.close();
    PasskeyPolicy { enabled, offer, rp_id, related_origins, ios_apps, android_apps }
}

fn read_ios_apps(table: &mut Table<'_, '_>) -> Vec<String> {
    let mut apps: Vec<String> = Vec::new();
    for Read { value, place } in table.texts("ios_apps") {
        if !is_ios_app(&value) {
            table.report.refuse(&place, "must be the team and the bundle of an app, such as \"A1B2C3D4E5.com.example.shop\"");
        } else if apps.contains(&value) {
            table.report.refuse(&place, "is listed twice");
        } else if apps.len() == MAX_APPS {
            table.report.refuse(&place, format!("at most {MAX_APPS} are allowed"));
        } else {
            apps.push(value);
        }
    }
    apps
}

fn read_android_apps(table: &mut Table<'_, '_>) -> Vec<AndroidApp> {
    let mut apps: Vec<AndroidApp> = Vec::new();
    for mut app in table.tables("android_apps") {
        let package = app.text("package");
        let listed = app.texts("certificates");
        let place = app.at("package");
        let mut certificates: Vec<[u8; 32]> = Vec::new();
        for Read { value, place } in listed {
            match fingerprint(&value) {
                Some(read) if !certificates.contains(&read) && certificates.len() < MAX_APPS => certificates.push(read),
                Some(_) => app.report.refuse(&place, format!("is listed twice, or there are more than {MAX_APPS}")),
                None => app.report.refuse(
                    &place,
                    "must be the SHA-256 fingerprint of a certificate: 32 bytes in hexadecimal with colons, as keytool prints it",
                ),
            }
        }
        let package = package.map(|text| text.value).unwrap_or_default();
        if !is_android_package(&package) {
            app.report.refuse(&place, "must be the package of an app, such as \"com.example.shop\"");
        } else if certificates.is_empty() {
            let place = app.at("certificates");
            app.report.refuse(&place, "needs the fingerprint of at least one certificate");
        } else if apps.iter().any(|other| other.package == package) || apps.len() == MAX_APPS {
            app.report.refuse(&place, format!("is listed twice, or there are more than {MAX_APPS} apps"));
        } else {
            apps.push(AndroidApp { package, certificates });
        }
        app.close();
    }
    apps
}

/// The id of an iOS app: ten characters of the team, and the bundle id.
fn is_ios_app(text: &str) -> bool {
    let is_team = |team: &str| team.len() == 10 && team.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_bundle = |bundle: &str| {
        bundle.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    text.len() <= 255 && text.split_once('.').is_some_and(|(team, bundle)| is_team(team) && is_bundle(bundle))
}

fn is_android_package(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.len() <= 255 && text.contains('.') && text.split('.').all(is_part)
}

/// The bytes of a fingerprint, such as `14:6D:E9:…`.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let pairs: Vec<&str> = text.split(':').collect();
    let is_pair = |pair: &&str| pair.len() == 2;
    let hex = pairs.iter().all(is_pair).then(|| pairs.concat().to_ascii_uppercase())?;
    HEXUPPER.decode(hex.as_bytes()).ok()?.try_into().ok()
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

    #[test]
    fn security_81_apps_are_named_by_team_and_bundle_or_by_package_and_certificate() {
        let certificate = vec!["aB"; 32].join(":");
        let android = |package: &str, certificate: &str| {
            let app = format!("[[passkeys.android_apps]]\npackage = \"{package}\"\ncertificates = [\"{certificate}\"]");
            parse("default", &format!("ios_apps = [\"A1B2C3D4E5.com.example.shop-app\"]\n{app}"))
        };
        let policy = android("com.example.shop_app", &certificate).unwrap();
        assert_eq!(policy.ios_apps, ["A1B2C3D4E5.com.example.shop-app"]);
        assert_eq!(policy.android_apps[0].certificates, [[0xab; 32]]);
        for app in ["com.example.shop", "A1B2C3D4E5", "a1b2c3d4e5.com.example", "A1B2C3D4E5.com..x", "A1B2C3D4E5.com.example/*"]
        {
            assert!(parse("default", &format!("ios_apps = [\"{app}\"]")).is_err(), "{app}");
        }
        for package in ["shop", "com.1shop", "com..shop", "com.example.shop*", ""] {
            assert!(android(package, &certificate).is_err(), "{package}");
        }
        for wrong in ["", "AB", &certificate[3..], &certificate.replace(':', ""), &format!("{certificate}:AB"), "AB:XY"] {
            assert!(android("com.example.shop", wrong).is_err(), "{wrong}");
        }
        assert!(parse("default", "[[passkeys.android_apps]]\npackage = \"com.example.shop\"").is_err());
    }
}
