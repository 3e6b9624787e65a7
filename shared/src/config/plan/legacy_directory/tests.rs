use super::super::tests::{BASE, parse};
use super::super::{Plan, Severity};
use crate::domain::tenant::TenantConfig;

#[test]
fn removing_the_user_pool_is_a_danger_for_users_who_were_not_migrated() {
    let with = |section: &str| parse(&format!("{BASE}\n[cognito]\n{section}\nclient_id = \"1abc\"\n"));
    let pool = with("user_pool_id = \"eu-central-1_One\"");
    let found = |now: &TenantConfig, then: &TenantConfig| {
        let plan = Plan::between(Some(now), then);
        plan.effects.into_iter().map(|effect| (effect.severity, effect.path)).collect::<Vec<_>>()
    };
    let base = parse(BASE);
    assert_eq!(found(&pool, &pool), []);
    assert_eq!(found(&base, &pool), [(Severity::Danger, "cognito".to_owned())]);
    assert_eq!(found(&pool, &base), [(Severity::Danger, "cognito".to_owned())]);
    let first: Vec<_> = Plan::between(None, &pool).dangers().map(|effect| effect.path.clone()).collect();
    assert_eq!(first, ["cognito"], "a new tenant also needs the pool's ARN in the stack");
    let other = with("user_pool_id = \"eu-central-1_Two\"\nsub = \"keep\"\nattributes = { size = \"custom:dress\" }");
    let expected = [
        (Severity::Danger, "cognito.user_pool_id".to_owned()),
        (Severity::Notice, "cognito.sub".to_owned()),
        (Severity::Notice, "cognito.attributes.size".to_owned()),
    ];
    assert_eq!(found(&pool, &other), expected);
}

#[test]
fn adding_and_removing_a_token_exchange_are_both_dangers() {
    const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    let base = BASE.replace("client_id = \"shop\"", "client_id = \"shop\"\nfirst_party = true").replace(
        "grant_types = [\"authorization_code\", \"refresh_token\"]",
        &format!("grant_types = [\"authorization_code\", \"refresh_token\", \"{GRANT}\"]"),
    );
    let with = |exchange: &str| {
        parse(&format!("{base}\n[cognito]\nuser_pool_id = \"eu-central-1_One\"\nclient_id = \"1abc\"\nexchange = {exchange}\n"))
    };
    let (none, one) = (with("{}"), with("{ 1app = \"shop\" }"));
    let found = |now: Option<&TenantConfig>, then: &TenantConfig| {
        let dangers = Plan::between(now, then).effects.into_iter().filter(|effect| effect.path == "cognito.exchange");
        dangers.map(|effect| (effect.severity == Severity::Danger, effect.words)).collect::<Vec<_>>()
    };
    let (begins, ends) = (found(Some(&none), &one), found(Some(&one), &none));
    assert!(matches!(&begins[..], [(true, words)] if words.contains("1app can exchange it for tokens of shop")), "{begins:?}");
    assert!(matches!(&ends[..], [(true, words)] if words.contains("no longer exchanged for shop's")), "{ends:?}");
    assert_eq!(found(None, &one).len(), 1, "the same for a new tenant");
    assert_eq!(found(Some(&one), &one), []);
}
