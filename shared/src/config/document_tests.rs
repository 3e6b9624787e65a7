use super::*;
use crate::domain::oauth::client::{GrantType, PkcePolicy, SigningAlgorithm, TokenEndpointAuthMethod};
use crate::domain::tenant::{PasswordPolicy, Signer, TenantConfig, Username};

fn parse(document: &str) -> Result<TenantConfig, DocumentErrors> {
    TenantConfig::parse(&TenantId::default_tenant(), document)
}

/// The paths of the errors of a document, in order.
fn paths(document: &str) -> Vec<String> {
    parse(document).expect_err("must be refused").0.into_iter().map(|error| error.path).collect()
}

const PUBLIC: &str = r#"
name = "Shop"
[[clients]]
client_id = "app"
token_endpoint_auth_method = "none"
redirect_uris = ["https://app.example.com/callback"]
"#;

#[test]
fn a_minimal_document_gets_safe_defaults() {
    let config = parse(PUBLIC).expect("valid");
    let client = &config.clients[&"app".parse().unwrap()];
    assert_eq!(client.pkce, PkcePolicy::Required);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(client.scope.to_string(), "openid");
    assert_eq!(client.id_token_signed_response_alg, SigningAlgorithm::RS256, "OIDC Registration §2");
    assert_eq!(client.access_token_signed_response_alg, SigningAlgorithm::ES256);
    assert!(!client.first_party);
    assert_eq!(config.locales, ["en"]);
    assert_eq!(config.password, PasswordPolicy::ASVS, "security 65");
    assert_eq!(config.token.access, Span::minutes(10));
    assert!(config.registration.enabled);
}

#[test]
fn the_shipped_document_is_valid_and_has_the_demonstration_clients() {
    let shipped = include_str!("../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
    let config = parse(&shipped).unwrap_or_else(|errors| panic!("{errors}"));
    let client = |id: &str| &config.clients[&id.parse().unwrap()];
    assert_eq!(client("demo-app").token_endpoint_auth_method, TokenEndpointAuthMethod::None);
    assert_eq!(client("demo-app").redirect_uris, ["http://localhost:8080/demo/callback"]);
    assert_eq!(client("demo-app").scope.to_string(), "account address email offline_access openid phone profile");
    assert_eq!(client("demo-web").token_endpoint_auth_method, TokenEndpointAuthMethod::ClientSecretBasic);
    assert_eq!(client("demo-web").secret_hashes, [crate::domain::secret::hash_text("demo-web-secret")]);
    assert_eq!(client("demo-service").grant_types, [GrantType::ClientCredentials]);
    assert!(
        config
            .clients
            .values()
            .all(|client| client.id_token_signed_response_alg == SigningAlgorithm::ES256 || client.redirect_uris.is_empty())
    );
}

#[test]
fn security_26_a_client_id_never_has_the_form_of_a_users_sub() {
    let of = |id: &str| PUBLIC.replace("\"app\"", &format!("\"{id}\""));
    assert_eq!(paths(&of("AAAAAAAAAAAAAAAAAAAAAA")), ["clients[0].client_id"]);
    assert_eq!(paths(&of("8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e")), ["clients[0].client_id"]);
    assert!(parse(&of("AAAAAAAAAAAAAAAAAAAAAAA")).is_ok(), "one character more");
}

#[test]
fn one_pass_finds_every_error_with_its_path() {
    let document = r##"
nam = "Shop"
locales = ["en", "fr", "x", "en"]
[brand]
accent = "red; background: url(x)"
privacy_url = "http://example.com"
[password]
preset = "strict"
[token]
access = "PT11M"
refresh_idle = "10 minutes"
[session]
idle = "P2D"
absolute = "P1D"
[mail]
from = "a@b.example\nBcc: c@d.example"
[[registration.fields]]
name = "email_verified"
[[registration.fields]]
name = "plan"
type = "text"
required = "yes"
[[clients]]
client_id = "a#b"
token_endpoint_auth_method = "none"
redirect_uris = ["https://a.example/cb#x", "/cb", 7]
[[clients]]
client_id = "web"
redirect_uris = ["https://a.example/cb"]
scope = "openid account"
resources = ["https://unknown.example"]
colour = 1
"##;
    let mut found = paths(document);
    found.sort();
    assert_eq!(
        found,
        [
            "brand.accent",
            "brand.privacy_url",
            "clients[0].client_id",
            "clients[0].redirect_uris[0]",
            "clients[0].redirect_uris[1]",
            "clients[0].redirect_uris[2]",
            "clients[1].client_secret",
            "clients[1].colour",
            "clients[1].resources[0]",
            "clients[1].scope",
            "locales[1]",
            "locales[2]",
            "locales[3]",
            "mail.from",
            "nam",
            "name",
            "password.preset",
            "registration.fields[0].name",
            "registration.fields[1].required",
            "session.idle",
            "token.access",
            "token.refresh_idle",
        ]
    );
}

#[test]
fn eddsa_is_refused_with_the_kms_signer() {
    assert_eq!(parse(PUBLIC).expect("valid").keys.signer, Signer::Local);
    let kms = PUBLIC.replace("[[clients]]", "[keys]\nsigner = \"kms\"\n[[clients]]");
    assert_eq!(parse(&kms).expect("valid").keys.signer, Signer::Kms);
    let eddsa = format!(
        "{kms}id_token_signed_response_alg = \"EdDSA\"\naccess_token_signed_response_alg = \"EdDSA\"\n{}",
        "[[resources]]\nresource = \"https://api.example.com\"\naccess_token_signed_response_alg = \"EdDSA\""
    );
    let expected = [
        "clients[0].id_token_signed_response_alg",
        "clients[0].access_token_signed_response_alg",
        "resources[0].access_token_signed_response_alg",
    ];
    assert_eq!(paths(&eddsa), expected);
    assert!(parse(&eddsa.replace("kms", "local")).is_ok());
    assert_eq!(paths(&kms.replace("kms", "hsm")), ["keys.signer"]);
    assert_eq!(paths(&kms.replace("signer", "signers")), ["keys.signers"]);
}

#[test]
fn an_error_names_its_line_and_the_valid_values() {
    let errors = parse("name = \"Shop\"\n[token]\naccess = \"PT1H\"\n").expect_err("refused");
    assert_eq!(errors.to_string(), "token.access: must be from 60 to 600 seconds (line 3)");
}

#[test]
fn every_syntax_error_names_its_line_and_column() {
    let errors = parse("name = Shop\nlocales = [\"en\"\n[brand\n").expect_err("refused").0;
    assert!(errors[0].path.starts_with("line 1, column "), "{errors:?}");
    assert!(errors.len() > 1, "{errors:?}");
    assert!(errors.iter().all(|error| error.message.starts_with("not valid TOML: ")), "{errors:?}");
}

fn with_redirect(uri: &str) -> String {
    PUBLIC.replace("https://app.example.com/callback", uri)
}

#[test]
fn a_redirect_uri_is_absolute_exact_and_free_of_response_parameters() {
    // security 1–3
    for allowed in [
        "https://app.example.com/callback",
        "https://app.example.com/callback?tenant=7",
        "https://app.example.com:8443/",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:49152/callback",
        "http://[::1]:3000/callback",
        "http://localhost:3000/callback",
        "com.example.app:/callback",
    ] {
        assert!(parse(&with_redirect(allowed)).is_ok(), "{allowed} is allowed");
    }
    for refused in [
        "",
        "/callback",
        "app.example.com/callback",
        "https:app.example.com",
        "https:/app.example.com/cb",
        "HTTPS://app.example.com/cb",
        "http://app.example.com/callback",
        "http://localhost.example/cb",
        "http://127.0.0.1.example/cb",
        "http://127.0.0.2/cb",
        "http://2130706433.example/cb",
        "http://localhost@evil.example/cb",
        "https://user:pw@app.example.com/cb",
        "https://app.example.com/cb#",
        "https://app.example.com/cb#x",
        "https://*.example.com/cb",
        "https://app.example.com/*",
        "https://app.example.com/../cb",
        "https://app.example.com/a/./cb",
        "https://app.example.com/c b",
        "https://app.example.com/\\\\cb",
        "https://bücher.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/callback",
        "file:///etc/passwd",
        "{origin}/demo/callback",
        "https://app.example.com/cb?code=1",
        "https://app.example.com/cb?a=1&state=2",
        "https://app.example.com/cb?iss=x",
        "https://app.example.com/cb?error=x",
        "https://app.example.com/cb?id_token=x",
        "https://app.example.com/cb?access_token=x",
        "https://app.example.com/cb?response=x",
        "https://app.example.com/cb?%63ode=1",
        "http:127.0.0.1/cb",
        "http:\\\\\\\\127.0.0.1/cb",
    ] {
        assert_eq!(paths(&with_redirect(refused)), ["clients[0].redirect_uris[0]"], "{refused} is refused");
    }
}

#[test]
fn grants_secrets_and_scope_of_a_client_must_be_consistent() {
    let client = |lines: &str| format!("name = \"Shop\"\n[[clients]]\nclient_id = \"c\"\n{lines}\n");
    let public = "token_endpoint_auth_method = \"none\"\nredirect_uris = [\"https://a.example/cb\"]\n";
    let service = "client_secret = \"0123456789abcdef\"\ngrant_types = [\"client_credentials\"]\n";
    let web = "client_secret = \"0123456789abcdef\"\nredirect_uris = [\"https://a.example/cb\"]\n";
    for allowed in [
        public.to_owned(),
        service.to_owned(),
        format!("{web}pkce = \"optional\""),
        format!("{web}client_secret_sha256 = [\"{}\"]", "0a".repeat(32)),
        format!("{public}first_party = true\nscope = \"openid account\""),
    ] {
        assert!(parse(&client(&allowed)).is_ok(), "{allowed} {:?}", parse(&client(&allowed)).err());
    }
    for (refused, path) in [
        (format!("{public}pkce = \"optional\""), "clients[0].pkce"),
        (format!("{public}client_secret = \"0123456789abcdef\""), "clients[0].client_secret"),
        (format!("{public}scope = \"openid account\""), "clients[0].scope"),
        (format!("{public}scope = \"openid offline_access\""), "clients[0].scope"),
        (format!("{public}grant_types = [\"authorization_code\", \"client_credentials\"]"), "clients[0].grant_types"),
        (format!("{public}grant_types = [\"authorization_code\", \"password\"]"), "clients[0].grant_types[1]"),
        (format!("{public}grant_types = [\"authorization_code\", \"implicit\"]"), "clients[0].grant_types[1]"),
        (format!("{public}response_types = [\"code\", \"token\"]"), "clients[0].response_types[1]"),
        (format!("{public}id_token_signed_response_alg = \"none\""), "clients[0].id_token_signed_response_alg"),
        (format!("{public}id_token_signed_response_alg = \"HS256\""), "clients[0].id_token_signed_response_alg"),
        (format!("{public}allowed_origins = [\"https://a.example/\"]"), "clients[0].allowed_origins[0]"),
        (format!("{public}allowed_origins = [\"*\"]"), "clients[0].allowed_origins[0]"),
        (format!("{public}allowed_origins = [\"null\"]"), "clients[0].allowed_origins[0]"),
        (format!("{public}allowed_origins = [\"http://a.example\"]"), "clients[0].allowed_origins[0]"),
        (format!("{service}scope = \"openid\""), "clients[0].scope"),
        (format!("{service}redirect_uris = [\"https://a.example/cb\"]"), "clients[0].redirect_uris"),
        ("client_secret = \"short\"\nredirect_uris = [\"https://a.example/cb\"]".to_owned(), "clients[0].client_secret"),
        (format!("{web}client_secret_sha256 = [\"xyz\"]"), "clients[0].client_secret_sha256[0]"),
        (format!("{web}client_secret_sha256 = [\"{0}\", \"{0}\"]", "0a".repeat(32)), "clients[0].client_secret"),
        ("client_secret = \"0123456789abcdef\"".to_owned(), "clients[0].redirect_uris"),
        (
            "client_secret = \"0123456789abcdef\"\ngrant_types = [\"refresh_token\", \"client_credentials\"]".to_owned(),
            "clients[0].grant_types",
        ),
    ] {
        assert_eq!(paths(&client(&refused)), [path], "{refused}");
    }
}

#[test]
fn a_form_field_needs_a_valid_name_and_type_and_an_earlier_field_in_show_when() {
    let form = |lines: &str| format!("name = \"Shop\"\n{lines}");
    let choice =
        "[[registration.fields]]\nname = \"kind\"\ntype = \"choice\"\noptions = [{ value = \"a\" }, { value = \"b\" }]\n";
    let next = "[[registration.fields]]\nname = \"more\"\n";
    for allowed in [
        format!("{choice}{next}show_when = {{ field = \"kind\", equals = \"b\" }}"),
        format!("{next}pattern = \"[a-z]+\"\nlabel = {{ en = \"More\", de = \"Mehr\" }}"),
        "[[registration.fields]]\nname = \"birthdate\"\ntype = \"date\"".to_owned(),
    ] {
        assert!(parse(&form(&allowed)).is_ok(), "{allowed} {:?}", parse(&form(&allowed)).err());
    }
    let terms = "[[registration.terms]]\ndocument = \"terms\"\nversion = \"1\"\nurl = \"https://x.example/t\"\n";
    for (refused, path) in [
        (
            format!("{choice}{next}show_when = {{ field = \"kind\", equals = \"c\" }}"),
            "registration.fields[1].show_when.equals",
        ),
        (
            format!("{next}show_when = {{ field = \"kind\", equals = \"b\" }}\n{choice}"),
            "registration.fields[0].show_when.field",
        ),
        (format!("{next}pattern = \"(\""), "registration.fields[0].pattern"),
        (format!("{next}pattern = \"a)|(b\""), "registration.fields[0].pattern"),
        (format!("{next}pattern = \"[a-z]{{1,1000}}{{1,1000}}\""), "registration.fields[0].pattern"),
        (format!("{next}type = \"file\""), "registration.fields[0].type"),
        (format!("{next}max_length = 0"), "registration.fields[0].max_length"),
        (format!("{next}options = [{{ value = \"a\" }}]"), "registration.fields[0].options"),
        (format!("{next}autocomplete = \"x\\\" onfocus=\""), "registration.fields[0].autocomplete"),
        (format!("{next}label = {{ \"en us\" = \"x\" }}"), "registration.fields[0].label.en us"),
        (format!("{next}{next}"), "registration.fields[1].name"),
        ("[[registration.fields]]\nname = \"birthdate\"".to_owned(), "registration.fields[0].type"),
        ("[[registration.fields]]\nname = \"a b\"".to_owned(), "registration.fields[0].name"),
        ("[[registration.fields]]\ntype = \"text\"".to_owned(), "registration.fields[0].name"),
        ("[[registration.fields]]\nname = \"k\"\ntype = \"choice\"".to_owned(), "registration.fields[0].options"),
        ("[[registration.terms]]\ndocument = \"terms\"\nversion = \"1\"".to_owned(), "registration.terms[0].url"),
        (format!("{terms}from = \"31.1.2027\""), "registration.terms[0].from"),
        (format!("{terms}from = \"2027-02-30\""), "registration.terms[0].from"),
        (format!("{terms}from = \"2027-01-31\"\ngrace = \"P400D\""), "registration.terms[0].grace"),
        (format!("{terms}grace = \"P10D\""), "registration.terms[0].grace"),
        (format!("{terms}required = false\nfrom = \"2027-01-31\""), "registration.terms[0].from"),
        (format!("{terms}sha256 = \"abc\""), "registration.terms[0].sha256"),
        (format!("{terms}sha256 = \"{}\"\ntext = \"Be kind.\"", "0".repeat(64)), "registration.terms[0].sha256"),
        (format!("{terms}text = \" \""), "registration.terms[0].text"),
    ] {
        assert_eq!(paths(&form(&refused)), [path], "{refused}");
    }
}

#[test]
fn security_108_no_field_may_have_a_reserved_name() {
    for name in
        ["sub", "email", "email_verified", "phone_number_verified", "roles", "tenant", "iss", "aud", "amr", "scope", "user_id"]
    {
        let document = format!("name = \"Shop\"\n[[registration.fields]]\nname = \"{name}\"\n");
        assert_eq!(paths(&document), ["registration.fields[0].name"], "{name}");
    }
}

#[test]
fn a_pattern_must_match_the_whole_value() {
    let document = "name = \"Shop\"\n[[registration.fields]]\nname = \"code_name\"\npattern = \"a|b\"\n";
    let config = parse(document).expect("valid");
    let crate::domain::tenant::FieldKind::Text { pattern: Some(pattern), .. } = &config.registration.fields[0].kind else {
        panic!("a text")
    };
    for (value, fits) in [("a", true), ("b", true), ("ab", false), ("xb", false), ("a\n", false)] {
        assert_eq!(pattern.regex.is_match(value), fits, "{value:?}");
    }
}

#[test]
fn a_document_that_is_cut_off_anywhere_is_read_or_refused_without_a_panic() {
    let shipped = include_str!("../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
    let mut refused = 0;
    for end in (0..shipped.len()).filter(|end| shipped.is_char_boundary(*end)).step_by(41) {
        if let Err(errors) = parse(&shipped[..end]) {
            refused += 1;
            assert!(errors.0.iter().all(|error| !error.path.is_empty() && !error.message.is_empty()), "{errors}");
        }
    }
    assert!(refused > 20, "{refused}");
}

const FORM: &str =
    "name = \"Shop\"\n[[registration.fields]]\nname = \"given_name\"\n[[registration.fields]]\nname = \"tier\"\n";

#[test]
fn the_reverse_migration_sends_named_or_standard_attributes() {
    let of = |section: &str| parse(&format!("{FORM}[handover]\nuser_pool_id = \"eu-central-1_Next\"\n{section}\n"));
    let pool = of("sub = \"custom:former\"\nattributes = { tier = \"custom:level\" }")
        .expect("valid")
        .reverse_migration
        .expect("a pool");
    assert_eq!((pool.user_pool_id.as_str(), pool.sub.as_deref()), ("eu-central-1_Next", Some("custom:former")));
    assert_eq!(pool.username, Username::Email);
    assert_eq!(of("username = \"sub\"").expect("valid").reverse_migration.expect("a pool").username, Username::Sub);
    let swapped = of("attributes = { given_name = \"nickname\", tier = \"given_name\" }")
        .expect("valid")
        .reverse_migration
        .expect("a pool");
    assert_eq!((swapped.attribute_of("given_name"), swapped.attribute_of("tier")), (Some("nickname"), Some("given_name")));
    let attributes = ["given_name", "tier", "other", "email", "updated_at"].map(|field| pool.attribute_of(field));
    assert_eq!(attributes, [Some("given_name"), Some("custom:level"), None, None, None]);
    for (section, path) in [
        ("sub = \"sub\"", "handover.sub"),
        ("sub = \"custom:\"", "handover.sub"),
        ("attributes = { nickname = \"nickname\" }", "handover.attributes.nickname"),
        ("attributes = { tier = \"level\" }", "handover.attributes.tier"),
        ("attributes = { tier = \"email\" }", "handover.attributes.tier"),
        ("attributes = { given_name = \"custom:a\", tier = \"custom:a\" }", "handover.attributes.tier"),
        ("sub = \"custom:a\"\nattributes = { tier = \"custom:a\" }", "handover.attributes.tier"),
        // The field given_name also becomes this attribute, so one of the two values would be lost.
        ("attributes = { tier = \"given_name\" }", "handover.attributes.tier"),
        ("username = \"phone_number\"", "handover.username"),
        ("client_id = \"1abc\"", "handover.client_id"),
    ] {
        let errors = of(section).expect_err("must be refused").0;
        assert_eq!(errors.into_iter().map(|error| error.path).collect::<Vec<_>>(), [path], "{section}");
    }
}

#[test]
fn an_import_fills_fields_from_members_by_path() {
    let of = |section: &str| parse(&format!("{FORM}[import]\n{section}\n"));
    let import = of("attributes = { tier = \"app_metadata.plan.level\", given_name = \"first\" }").expect("valid").import;
    assert_eq!(import["tier"], "app_metadata.plan.level");
    assert_eq!(parse(FORM).expect("valid").import.len(), 0);
    for (section, place) in [
        ("attributes = { nickname = \"a\" }", "import.attributes.nickname"),
        ("attributes = { tier = \"\" }", "import.attributes.tier"),
        ("attributes = { tier = \"a..b\" }", "import.attributes.tier"),
        ("surprise = 1", "import.surprise"),
    ] {
        let refused = of(section).expect_err("invalid").to_string();
        assert!(refused.contains(place), "{section}: {refused}");
    }
}

#[test]
fn terms_have_a_day_a_grace_period_and_evidence_by_locale() {
    let document = |more: &str| {
        format!(
            "name = \"Shop\"\n[[registration.terms]]\ndocument = \"terms\"\nversion = \"2\"\nurl = \"https://x.example/t\"\n{more}"
        )
    };
    let terms = |more: &str| parse(&document(more)).expect("valid").registration.terms.remove(0);
    // As a document of the previous release has it.
    let plain = terms("");
    assert_eq!((plain.from, plain.deadline(), plain.sha256.0.len()), (None, None, 0));
    let dated = terms("from = \"2027-01-31\"\n");
    assert_eq!(dated.from.map(|from| from.to_string()).as_deref(), Some("2027-01-31T00:00:00.000Z"));
    assert_eq!(dated.deadline().map(|end| end.to_string()).as_deref(), Some("2027-02-14T00:00:00.000Z"));
    let written = terms("text = { en = \"\"\"\nBe kind.\nAlways.\"\"\", de = \"Sei nett.\" }\n");
    assert_eq!(written.text.get("en"), "Be kind.\nAlways.");
    assert_eq!(written.sha256.get("de"), "530d906871ca62eadb387d876e30b09e528174e034c900b56eacd560014875ab");
    let hashed = terms(&format!("sha256 = {{ en = \"{}\" }}\n", "a".repeat(64)));
    assert_eq!((hashed.sha256.get("de"), hashed.text.0.len()), ("a".repeat(64).as_str(), 0));
}
