use super::effects::{Plan, Severity};
use super::*;
use crate::domain::id::TenantId;

pub(super) const BASE: &str = r#"
name = "Shop"
locales = ["en", "de"]
[mail]
from = "Shop <hello@shop.example>"
[[registration.fields]]
name = "given_name"
[[registration.fields]]
name = "size"
type = "choice"
options = [{ value = "s" }, { value = "m" }]
[[registration.terms]]
document = "terms"
version = "1"
url = "https://shop.example/terms"
[[resources]]
resource = "https://orders.example"
scope = "orders.read orders.write"
[[clients]]
client_id = "shop"
token_endpoint_auth_method = "client_secret_basic"
client_secret_sha256 = ["0000000000000000000000000000000000000000000000000000000000000001"]
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["https://shop.example/a", "https://shop.example/b"]
post_logout_redirect_uris = ["https://shop.example/bye"]
allowed_origins = ["https://shop.example"]
scope = "openid email offline_access orders.read"
resources = ["https://orders.example"]
"#;

pub(super) fn parse(document: &str) -> TenantConfig {
    TenantConfig::parse(&TenantId::default_tenant(), document).unwrap_or_else(|errors| panic!("{errors}\n{document}"))
}

/// The plan of a base document with these parts replaced.
fn plan(replaced: &[(&str, &str)]) -> Plan {
    let mut then = BASE.to_owned();
    for (was, is) in replaced {
        assert!(then.contains(was), "{was}");
        then = then.replacen(was, is, 1);
    }
    Plan::between(Some(&parse(BASE)), &parse(&then))
}

fn only(replaced: &[(&str, &str)]) -> (Severity, String, String) {
    let mut effects = plan(replaced).effects;
    assert_eq!(effects.len(), 1, "{replaced:?}: {effects:#?}");
    let effect = effects.remove(0);
    (effect.severity, effect.path, effect.words)
}

#[test]
fn an_equivalent_document_changes_nothing() {
    assert_eq!(plan(&[]), Plan::default());
    assert!(plan(&[("name = \"Shop\"", "# The shop.\nname = \"Shop\"")]).is_empty());
}

#[test]
fn each_difference_has_its_path_and_severity() {
    use Severity::{Danger, Notice};
    let session = |idle: &str| format!("[session]\nidle = \"{idle}\"\n[mail]");
    type Case<'a> = ((&'a str, &'a str), Severity, &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (("\"Shop\"", "\"Store\""), Notice, "name", "users see \"Store\" instead of \"Shop\""),
        (("[\"en\", \"de\"]", "[\"en\"]"), Danger, "locales", "no longer available in de: their readers get en"),
        (("[mail]", &session("P14D")), Notice, "session.idle", "longer: an unused session lasts 14 days instead of 7 days"),
        (("[mail]", &session("PT36H")), Danger, "session.idle", "shorter: an unused session lasts 36 hours instead of 7 days"),
        (("[mail]", "[token]\naccess = \"PT5M\"\n[mail]"), Danger, "token.access", "5 minutes instead of 10 minutes"),
        (("[mail]", "[retention]\naudit = \"P10D\"\n[mail]"), Danger, "retention.audit", "10 days instead of 365 days"),
        (("[mail]", "[password]\npreset = \"nist\"\n[mail]"), Danger, "password.preset", "weaker in part"),
        (("hello@shop", "hi@shop"), Notice, "mail.from", "Shop <hi@shop.example> instead of"),
        (("hello@shop.example", "hello@other.example"), Danger, "mail.from", "covers the new address"),
        (("[mail]", "[registration]\nenabled = false\n[mail]"), Danger, "registration.enabled", "no accounts can be created"),
        (
            ("name = \"given_name\"", "name = \"given_name\"\nrequired = true"),
            Danger,
            "registration.fields.given_name",
            "required now",
        ),
        (
            ("name = \"given_name\"", "name = \"given_name\"\nmax_length = 9"),
            Danger,
            "registration.fields.given_name",
            "accepts 9 characters instead of 100",
        ),
        (
            ("name = \"given_name\"", "name = \"given_name\"\npattern = \"[a-z]+\""),
            Danger,
            "registration.fields.given_name",
            "another pattern",
        ),
        (
            ("name = \"given_name\"", "name = \"given_name\"\ntype = \"date\""),
            Danger,
            "registration.fields.given_name",
            "another type",
        ),
        (
            ("name = \"given_name\"", "name = \"given_name\"\nlabel = \"First\""),
            Notice,
            "registration.fields.given_name",
            "another label",
        ),
        ((", { value = \"m\" }", ""), Danger, "registration.fields.size", "can no longer be m"),
        (
            ("version = \"1\"", "version = \"2\""),
            Notice,
            "registration.terms.terms",
            "version 2 instead of 1: new registrations accept this one; existing users are asked at each sign-in",
        ),
        (
            ("version = \"1\"", "version = \"2\"\nfrom = \"2027-01-31\"\ngrace = \"P10D\""),
            Danger,
            "registration.terms.terms",
            "asked at a sign-in from 2027-01-31 on, and from 2027-02-10 on no application gets a code",
        ),
        (
            ("version = \"1\"", "version = \"1\"\ntext = \"Be kind.\""),
            Notice,
            "registration.terms.terms",
            "evidence of the text from now on",
        ),
        (
            ("version = \"1\"", "version = \"1\"\nrequired = false"),
            Notice,
            "registration.terms.terms",
            "is optional at registration",
        ),
        (("example/terms", "example/agb"), Danger, "registration.terms.terms", "under the same version"),
        (("orders.read orders.write", "orders.read"), Danger, "resources.https://orders.example", "loses orders.write"),
        ((", \"https://shop.example/b\"", ""), Danger, "clients.shop.redirect_uris", "loses https://shop.example/b"),
        (
            ("/bye\"", "/bye\", \"https://shop.example/x\""),
            Notice,
            "clients.shop.post_logout_redirect_uris",
            "gains https://shop.example/x",
        ),
        (
            ("allowed_origins = [\"https://shop.example\"]", ""),
            Danger,
            "clients.shop.allowed_origins",
            "pages there can make no calls",
        ),
        (("openid email ", "openid "), Danger, "clients.shop.scope", "loses email: new tokens do not contain it"),
        (("openid email ", "openid email phone "), Notice, "clients.shop.scope", "gains phone: users with an earlier consent"),
        (("\"shop\"", "\"shop\"\nfirst_party = true"), Danger, "clients.shop", "one of your own now"),
        (("\"shop\"", "\"shop\"\npkce = \"optional\""), Danger, "clients.shop", "PKCE is optional"),
        (("client_secret_basic", "client_secret_post"), Danger, "clients.shop", "authenticates in another way"),
        (("\"shop\"", "\"shop\"\nid_token_signed_response_alg = \"ES256\""), Danger, "clients.shop", "ID tokens are signed"),
        (
            ("\"shop\"", "\"shop\"\nresponse_modes = [\"query\", \"form_post\"]"),
            Notice,
            "clients.shop.response_modes",
            "gains form_post",
        ),
        (("\"shop\"", "\"shop\"\nclient_uri = \"https://shop.example/\""), Notice, "clients.shop", "links back"),
    ];
    for (replaced, severity, path, words) in cases {
        let found = only(&[*replaced]);
        assert!(found.0 == *severity && found.1 == *path && found.2.contains(words), "{replaced:?}: {found:?}");
    }
}

#[test]
fn a_retired_field_keeps_stored_values_and_an_added_one_is_a_danger_only_if_required() {
    let found = plan(&[("name = \"given_name\"", "name = \"nickname\"")]);
    assert_eq!(found.summary, ["1 field kept, 1 added, 1 retired"]);
    let [retired, added] = &found.effects[..] else { panic!("{found:#?}") };
    assert!(retired.severity == Severity::Danger && retired.words.contains("remain stored"), "{retired:?}");
    assert_eq!((added.severity, added.path.as_str()), (Severity::Notice, "registration.fields.nickname"));
    let required = plan(&[(
        "[[registration.terms]]",
        "[[registration.fields]]\nname = \"nickname\"\nrequired = true\n[[registration.terms]]",
    )]);
    assert_eq!(required.summary, ["2 fields kept, 1 added"]);
    assert!(
        required.dangers().count() == 1 && required.effects[0].words.contains("asked for it at their next sign-in"),
        "{required:#?}"
    );
}

#[test]
fn a_removed_client_is_a_danger_and_is_counted() {
    let found = plan(&[("client_id = \"shop\"", "client_id = \"store\"")]);
    assert_eq!(found.summary, ["0 clients kept, 1 added, 1 removed"]);
    let [removed, added] = &found.effects[..] else { panic!("{found:#?}") };
    assert!(
        removed.path == "clients.shop"
            && removed.severity == Severity::Danger
            && removed.words.contains("refresh tokens are refused")
    );
    assert!(added.path == "clients.store" && added.severity == Severity::Notice, "{added:?}");
    let losing = plan(&[("[\"https://shop.example/a\", ", "[")]);
    assert_eq!(losing.summary, ["1 client loses a redirect URI"]);
}

#[test]
fn secrets_are_counted_and_never_shown() {
    let (one, two) = ("0001\"]", "0002\"]");
    let replaced = plan(&[(one, two)]);
    let words: Vec<&str> = replaced.effects.iter().map(|effect| effect.words.as_str()).collect();
    assert!(words.len() == 2 && words[0].contains("1 of its secrets is refused") && words[1].contains("1 more"), "{words:?}");
    let all = format!("{replaced:?}{}", serde_json::to_string(&replaced).unwrap());
    assert!(!all.contains("0002") && !all.contains("AAAA"), "{all}");
}

#[test]
fn a_version_that_cannot_be_read_is_not_treated_as_a_new_tenant() {
    let plan = Plan::not_compared(7);
    let dangers: Vec<&str> = plan.dangers().map(|effect| effect.words.as_str()).collect();
    assert_eq!(dangers, ["version 7 can't be compared with this document: anything may change"]);
}

#[test]
fn a_new_tenant_with_the_kms_signer_is_warned_that_the_stack_needs_signing_keys() {
    let plan = Plan::between(None, &parse(&format!("{BASE}[keys]\nsigner = \"kms\"\n")));
    assert!(
        plan.dangers().any(|effect| effect.path == "keys.signer" && effect.words.contains("signing keys in KMS")),
        "{plan:?}"
    );
    assert_eq!(Plan::between(None, &parse(BASE)).dangers().count(), 0);
}

#[test]
fn a_difference_in_one_locale_names_that_locale() {
    let names = (r#"name = "Shop""#, r#"name = { "" = "Shop", de = "Laden" }"#);
    assert_eq!(only(&[names]).2, r#"users with locale de see "Laden" instead of "Shop""#);
    let labels = (r#"{ value = "m" }"#, r#"{ value = "m", label = "Medium" }"#);
    assert_eq!(only(&[labels]).2, "has its choices in another order, or under other names");
    let order = (r#"[{ value = "s" }, { value = "m" }]"#, r#"[{ value = "m" }, { value = "s" }]"#);
    assert_eq!(only(&[order]).2, "has its choices in another order, or under other names");
}

#[test]
fn the_plan_of_a_new_tenant_lists_its_contents() {
    let found = Plan::between(None, &parse(BASE));
    assert_eq!(found.effects.len(), 1);
    assert!(found.effects[0].words.contains("2 fields of the form, 1 document of terms, 1 client"), "{found:?}");
    assert!(found.dangers().next().is_none());
}

#[test]
fn adding_and_removing_the_reverse_migration_are_both_reported() {
    let with = |section: &str| parse(&format!("{BASE}\n[handover]\n{section}\n"));
    let found = |now: Option<&TenantConfig>, then: &TenantConfig| {
        let effects = Plan::between(now, then).effects.into_iter().filter(|effect| effect.path.starts_with("handover"));
        effects.map(|effect| (effect.severity, effect.path)).collect::<Vec<_>>()
    };
    let (base, pool) = (parse(BASE), with("user_pool_id = \"eu-central-1_One\""));
    assert_eq!(found(Some(&base), &pool), [(Severity::Danger, "handover".to_owned())]);
    assert_eq!(found(Some(&pool), &base), [(Severity::Danger, "handover".to_owned())]);
    assert_eq!(found(None, &pool).len(), 1, "the same for a new tenant");
    assert_eq!(found(Some(&pool), &pool), []);
    let other = with(
        "user_pool_id = \"eu-central-1_Two\"\nusername = \"sub\"\nsub = \"custom:former\"\nattributes = { size = \"custom:dress\" }",
    );
    let expected = [
        (Severity::Danger, "handover.user_pool_id".to_owned()),
        (Severity::Notice, "handover.username".to_owned()),
        (Severity::Notice, "handover.sub".to_owned()),
        (Severity::Notice, "handover.attributes.size".to_owned()),
    ];
    assert_eq!(found(Some(&pool), &other), expected);
}
