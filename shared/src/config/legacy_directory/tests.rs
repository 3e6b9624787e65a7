use super::super::document::DocumentErrors;
use crate::domain::id::TenantId;
use crate::domain::tenant::{SubPolicy, TenantConfig};

const FORM: &str =
    "name = \"Shop\"\n[[registration.fields]]\nname = \"given_name\"\n[[registration.fields]]\nname = \"tier\"\n";

fn parse(document: &str) -> Result<TenantConfig, DocumentErrors> {
    TenantConfig::parse(&TenantId::default_tenant(), document)
}

#[test]
fn a_user_pool_needs_a_valid_id_and_app_client_and_attributes_need_form_fields() {
    let of = |section: &str| parse(&format!("{FORM}[cognito]\n{section}"));
    assert_eq!(parse(FORM).expect("valid").legacy_directory, None);
    let config = of("user_pool_id = \"eu-central-1_AbC9\"\nclient_id = \"1abc\"\nattributes = { tier = \"custom:level\" }");
    let pool = config.expect("valid").legacy_directory.expect("a pool");
    assert_eq!((pool.user_pool_id.region(), pool.sub), ("eu-central-1", SubPolicy::Alias));
    assert_eq!(pool.issuer(), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC9");
    let attributes = ["given_name", "tier", "other"].map(|field| pool.attribute_of(field).into_owned());
    assert_eq!(attributes, ["given_name", "custom:level", "custom:other"]);

    let wrong = |section: &str| -> Vec<String> {
        let pool = "user_pool_id = \"eu-central-1_AbC9\"\nclient_id = \"1abc\"";
        let section = if section.contains("user_pool_id") { section.to_owned() } else { format!("{pool}\n{section}") };
        of(&section).expect_err("must be refused").0.into_iter().map(|error| error.path).collect()
    };
    for (section, path) in [
        ("sub = \"both\"", "cognito.sub"),
        ("attributes = { nickname = \"nickname\" }", "cognito.attributes.nickname"),
        ("attributes = { tier = \"level\" }", "cognito.attributes.tier"),
        ("attributes = { tier = \"custom:\" }", "cognito.attributes.tier"),
        ("attributes = { tier = 3 }", "cognito.attributes.tier"),
        ("password = \"x\"", "cognito.password"),
        ("user_pool_id = \"eu-central-1_AbC9\"", "cognito.client_id"),
        ("client_id = \"1abc\" # no user_pool_id", "cognito.user_pool_id"),
        ("user_pool_id = \"eu-central-1_AbC9\"\nclient_id = \"a b\"", "cognito.client_id"),
    ] {
        assert_eq!(wrong(section), [path], "{section}");
    }
    for id in
        ["", "eu-central-1", "eu-central-1_", "eu_AbC", "EU-central-1_AbC", "eu-central-1_A-b", "eu--central-1_A", "a.b-c-d_E"]
    {
        assert_eq!(wrong(&format!("user_pool_id = \"{id}\"\nclient_id = \"1abc\"")), ["cognito.user_pool_id"], "{id}");
    }
}

#[test]
fn token_exchange_needs_a_mapped_first_party_client_with_the_grant_types() {
    const GRANT: &str = "\"urn:ietf:params:oauth:grant-type:token-exchange\"";
    let of = |exchange: &str, first_party: bool, grants: &str| {
        parse(&format!(
            "name = \"Shop\"\n[cognito]\nuser_pool_id = \"eu-central-1_AbC9\"\nclient_id = \"1abc\"\nexchange = {exchange}\n\
             [[clients]]\nclient_id = \"shop\"\nfirst_party = {first_party}\ntoken_endpoint_auth_method = \"none\"\n\
             grant_types = [{grants}]\nredirect_uris = [\"https://shop.example/cb\"]\n"
        ))
    };
    let both = format!("\"authorization_code\", {GRANT}");
    let pool = of("{ 1abc = \"shop\", 2def = \"shop\" }", true, &both).expect("valid").legacy_directory.expect("a pool");
    let mapped: Vec<(&str, &str)> = pool.exchange.iter().map(|(app, client)| (app.as_str(), client.as_str())).collect();
    assert_eq!(mapped, [("1abc", "shop"), ("2def", "shop")]);
    for (exchange, first_party, grants, path) in [
        ("{ 1abc = \"other\" }", true, both.as_str(), "cognito.exchange.1abc"),
        ("{ \"a b\" = \"shop\" }", true, &both, "cognito.exchange.a b"),
        ("{ 1abc = \"shop\" }", true, "\"authorization_code\"", "cognito.exchange.1abc"),
        ("{}", false, &both, "clients[0].grant_types"),
        ("{}", true, GRANT, "clients[0].grant_types"),
    ] {
        let errors = of(exchange, first_party, grants).expect_err("must be refused").0;
        assert_eq!(errors[0].path, path, "{exchange} {grants}: {errors:?}");
    }
}
