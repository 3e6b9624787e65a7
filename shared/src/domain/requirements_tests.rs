//! What is due, by document, claims and acceptances.

use super::*;
use crate::domain::id::TenantId;
use crate::domain::tenant::TenantConfig;
use crate::domain::time::Span;
use serde_json::{Value, json};

const DOCUMENT: &str = r#"
name = "Shop"
[[registration.fields]]
name = "kind"
type = "choice"
options = [{ value = "private" }, { value = "business" }]
[[registration.fields]]
name = "company"
required = true
show_when = { field = "kind", equals = "business" }
[[registration.terms]]
document = "terms"
version = "2"
url = "https://shop.example/terms"
from = "2027-01-31"
grace = "P10D"
text = { en = "Be kind.", de = "Sei nett." }
[[registration.terms]]
document = "offers"
version = "1"
url = "https://shop.example/offers"
required = false
"#;
/// 2027-01-31
const FROM: Timestamp = Timestamp::from_seconds(1_801_353_600);

fn config(document: &str) -> RegistrationConfig {
    TenantConfig::parse(&TenantId::default_tenant(), document).unwrap().registration
}
fn claims(value: Value) -> Claims {
    let Value::Object(claims) = value else { panic!("an object") };
    Claims(claims)
}
fn first() -> Vec<AcceptedTerms> {
    vec![AcceptedTerms::of_earlier_release("terms", "1", FROM - Span::days(300))]
}
fn names(due: &Due<'_>) -> Vec<String> {
    let terms = due.terms.iter().map(|terms| terms.document.clone());
    terms.chain(due.fields.iter().map(|field| field.name.clone())).collect()
}

#[test]
fn a_new_version_is_due_from_its_day_and_overdue_after_its_grace_period() {
    let config = config(DOCUMENT);
    for (after, due_terms, overdue) in [(-1, 0, false), (0, 1, false), (10 * 86_400 - 1, 1, false), (10 * 86_400, 1, true)] {
        let now = FROM + Span::seconds(after);
        let due = due(&config, &Claims::default(), &first(), now);
        assert_eq!((due.terms.len(), due.is_overdue(now), due.fields.len()), (due_terms, overdue, 0), "{after}");
        assert_eq!(has_overdue_terms(&config, now), overdue);
    }
    let late = FROM + Span::days(20);
    let accepted = with_accepted(&first(), vec![config.terms[0].accepted("de", late)]);
    assert!(due(&config, &Claims::default(), &accepted, late).is_empty());
    // An imported user has accepted nothing. A version without a day is due at once and never overdue.
    let undated = self::config(&DOCUMENT.replace("from = \"2027-01-31\"\ngrace = \"P10D\"", ""));
    let due = due(&undated, &Claims::default(), &[], late);
    assert_eq!((due.terms.len(), due.is_overdue(late), due.deadline()), (1, false, None));
}

#[test]
fn missing_fields_are_due_if_they_apply_and_overdue_terms_are_asked_for_alone() {
    let config = config(DOCUMENT);
    let business = claims(json!({ "kind": "business", "company": " " }));
    let found = due(&config, &business, &first(), FROM);
    assert_eq!(names(&found), ["terms", "company"]);
    assert_eq!(names(&found.clone().asked(FROM)), ["terms", "company"]);
    assert_eq!(names(&found.asked(FROM + Span::days(10))), ["terms"]);
    assert!(due(&config, &claims(json!({ "kind": "private" })), &first(), FROM - Span::days(1)).is_empty());
}

#[test]
fn the_fingerprint_changes_with_what_is_required_and_with_nothing_else() {
    let base = config(DOCUMENT);
    let of = |document: &str, now| in_force(&config(document), now);
    let present = of(DOCUMENT, FROM);
    assert_ne!(present, of(DOCUMENT, FROM - Span::seconds(1)), "the terms are not in force yet");
    for (from, to) in [
        ("version = \"2\"", "version = \"3\""),
        ("name = \"company\"", "name = \"firm\""),
        ("equals = \"business\"", "equals = \"private\""),
    ] {
        assert_ne!(present, of(&DOCUMENT.replacen(from, to, 1), FROM), "{to}");
    }
    for (from, to) in [
        ("P10D", "P20D"),
        ("Be kind.", "Be good."),
        ("version = \"1\"", "version = \"7\""),
        ("value = \"private\"", "value = \"person\""),
    ] {
        assert_eq!(present, of(&DOCUMENT.replacen(from, to, 1), FROM), "{to}");
    }
    // It is stored: another value would have every account compared again.
    assert_eq!(present, Some(Requirements(1354494301)));
    assert!(are_satisfied(present, &base, FROM) && !are_satisfied(None, &base, FROM));
    // A document that requires nothing is satisfied by every account.
    assert!(are_satisfied(None, &config("name = \"Shop\""), FROM));
}

#[test]
fn an_acceptance_keeps_the_hash_of_the_text_in_its_locale_or_the_address() {
    let terms = &config(DOCUMENT).terms[0];
    let german = terms.accepted("de", FROM);
    assert_eq!((german.locale.as_deref(), german.url), (Some("de"), None));
    assert_eq!(german.sha256.as_deref(), Some(terms.sha256.get("de")));
    // A page in a language without a text of its own shows another one, and says which.
    assert_eq!(terms.accepted("fr", FROM).locale.as_deref(), Some("de"));
    let plain = config(DOCUMENT).terms[1].accepted("fr", FROM);
    assert_eq!((plain.locale.as_deref(), plain.sha256), (Some("fr"), None));
    assert_eq!(plain.url.as_deref(), Some("https://shop.example/offers"));
}

#[test]
fn acceptances_are_kept_and_bounded_and_a_withdrawn_one_can_be_given_again() {
    let offers = &config(DOCUMENT).terms[1];
    let at = |hours| FROM + Span::hours(hours);
    let accepted = with_accepted(&first(), vec![offers.accepted("en", at(0))]);
    assert_eq!(with_accepted(&accepted, vec![offers.accepted("en", at(1))]), accepted, "a repetition changes nothing");
    let mut all = with_withdrawn(&accepted, "offers", at(2)).unwrap();
    assert_eq!((all.len(), all[1].withdrawn_at), (2, Some(at(2))));
    assert_eq!(with_withdrawn(&all, "offers", at(3)), None);
    for hour in 0..200 {
        all = with_accepted(&all, vec![offers.accepted("en", at(3 + 2 * hour))]);
        all = with_withdrawn(&all, "offers", at(4 + 2 * hour)).unwrap();
    }
    all = with_accepted(&all, vec![offers.accepted("en", at(900))]);
    assert_eq!((all.len(), &all[0]), (MAX_ACCEPTANCES, &first()[0]), "what is in force is never removed");
    assert!(offers.is_accepted_by(all.last().unwrap()));
}

#[test]
fn acceptances_of_one_document_push_out_none_of_another() {
    let offers = &config(DOCUMENT).terms[1];
    let replaced = AcceptedTerms::of_earlier_release("terms", "0", FROM - Span::days(400));
    let mut all: Vec<_> = std::iter::once(replaced.clone()).chain(first()).collect();
    for hour in 0..200 {
        all = with_accepted(&all, vec![offers.accepted("en", FROM + Span::hours(2 * hour))]);
        all = with_withdrawn(&all, "offers", FROM + Span::hours(2 * hour + 1)).unwrap();
    }
    assert_eq!((all.len(), &all[0], &all[1]), (MAX_ACCEPTANCES, &replaced, &first()[0]));
}

#[test]
fn what_is_filled_in_decides_which_of_the_other_missing_fields_apply() {
    let config = config(
        "name = \"Shop\"\n[[registration.fields]]\nname = \"company\"\ntype = \"boolean\"\nrequired = true\nlabel = \"Company\"\n\
         [[registration.fields]]\nname = \"nickname\"\nrequired = true\nlabel = \"Nickname\"\n\
         show_when = { field = \"company\", equals = \"false\" }\n",
    );
    let none = serde_json::Map::new();
    let missing = form::missing(&config.fields, &none);
    assert_eq!(missing.len(), 2);
    let fill = |sent: serde_json::Value| form::fill(&config.fields, &missing, &none, sent.as_object().unwrap(), FROM);
    assert_eq!(
        fill(json!({ "company": "true", "nickname": "Ada" })).unwrap(),
        *json!({ "company": true }).as_object().unwrap()
    );
    assert!(fill(json!({ "nickname": "Ada" })).is_ok() && fill(json!({})).is_err());
    let stored = json!({ "nickname": "Ada" });
    let filled = form::fill(
        &config.fields,
        &missing,
        stored.as_object().unwrap(),
        json!({ "company": "true" }).as_object().unwrap(),
        FROM,
    );
    assert_eq!(filled.unwrap(), *json!({ "company": true }).as_object().unwrap(), "a hidden value is removed");
}
