//! Profile edits: only what the form allows.

use super::decisions::{Edit, edit};
use super::*;
use crate::domain::id::TenantId;
use crate::domain::tenant::{Field, TenantConfig};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn fields() -> Vec<Field> {
    let shipped = include_str!("../../../infra/local/latchkey.toml").replace("{origin}", "http://localhost:8080");
    TenantConfig::parse(&TenantId::default_tenant(), &shipped).unwrap().registration.fields
}
fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object") };
    object
}
fn ada() -> Claims {
    Claims(object(json!({
        "email": "ada@example.com", "email_verified": true, "retired_field": "kept",
        "given_name": "Ada", "family_name": "Lovelace", "customer_type": "business", "company": "Engines",
        "phone_number": "+4930123456", "phone_number_verified": true,
    })))
}
fn patched(patch: Value) -> Result<Value, Vec<(String, &'static str)>> {
    edit(&fields(), &ada(), Edit::Patch(&object(patch)), NOW)
        .map(|Claims(claims)| Value::Object(claims))
        .map_err(|flaws| flaws.into_iter().map(|(name, flaw)| (name, flaw.code())).collect())
}

#[test]
fn a_patch_changes_only_named_members_and_null_removes() {
    let after = patched(json!({ "given_name": " Augusta ", "newsletter": true })).unwrap();
    assert_eq!((&after["given_name"], &after["newsletter"]), (&json!("Augusta"), &json!(true)));
    assert_eq!(
        (&after["family_name"], &after["email"], &after["retired_field"]),
        (&json!("Lovelace"), &json!("ada@example.com"), &json!("kept"))
    );
    let without = patched(json!({ "phone_number": null })).unwrap();
    assert!(without.get("phone_number").is_none());
    assert_eq!(patched(json!({})).unwrap(), Value::Object(ada().0));
}

#[test]
fn security_108_read_only_and_unknown_members_are_refused_whatever_their_value() {
    for name in ["sub", "email", "email_verified", "phone_number_verified", "updated_at", "retired_field"] {
        assert_eq!(patched(json!({ name: "x" })), Err(vec![(name.to_owned(), "read_only")]));
        assert_eq!(patched(json!({ name: null })), Err(vec![(name.to_owned(), "read_only")]));
    }
    for name in ["roles", "is_admin", "tenant", "userId", "status", "__proto__"] {
        assert_eq!(patched(json!({ name: true })), Err(vec![(name.to_owned(), "unknown")]));
    }
    let form = object(json!({ "given_name": "A", "family_name": "B", "email": "eve@example.com", "roles": "admin" }));
    let flaws = edit(&fields(), &ada(), Edit::Form(&form), NOW).unwrap_err();
    let codes: Vec<_> = flaws.iter().map(|(name, flaw)| (name.as_str(), flaw.code())).collect();
    assert_eq!(codes, [("email", "read_only"), ("roles", "unknown")]);
}

#[test]
fn an_edit_must_follow_the_rules_of_the_form() {
    assert_eq!(patched(json!({ "given_name": null })), Err(vec![("given_name".to_owned(), "required")]));
    assert_eq!(patched(json!({ "given_name": ["x"] })), Err(vec![("given_name".to_owned(), "invalid_type")]));
    assert_eq!(patched(json!({ "given_name": "a\nb" })), Err(vec![("given_name".to_owned(), "forbidden_character")]));
    assert_eq!(patched(json!({ "customer_type": "emperor" })).unwrap_err()[0], ("customer_type".to_owned(), "invalid_option"));
}

#[test]
fn a_new_answer_removes_the_values_that_it_hides() {
    let private = patched(json!({ "customer_type": "private" })).unwrap();
    assert!(private.get("company").is_none());
    let contradiction = patched(json!({ "customer_type": "private", "company": "X" }));
    assert_eq!(contradiction, Err(vec![("company".to_owned(), "not_applicable")]));
}

#[test]
fn a_new_phone_number_is_not_verified() {
    assert!(patched(json!({ "phone_number": "+4930654321" })).unwrap().get("phone_number_verified").is_none());
    assert_eq!(patched(json!({ "given_name": "B" })).unwrap()["phone_number_verified"], true);
}

#[test]
fn a_page_sends_the_whole_form_and_an_unticked_box_means_no() {
    let form = object(
        json!({ "given_name": "Ada", "family_name": "Byron", "phone_number": "", "customer_type": "private", "company": "left over" }),
    );
    let Claims(after) = edit(&fields(), &ada(), Edit::Form(&form), NOW).unwrap();
    assert_eq!(
        (&after["family_name"], &after["newsletter"], &after["email"]),
        (&json!("Byron"), &json!(false), &json!("ada@example.com"))
    );
    assert!(!after.contains_key("company") && !after.contains_key("phone_number"));
}

/// The shipped form with a stricter rule: a required field that is missing, and a choice that lost the stored option.
fn stricter() -> Vec<Field> {
    use crate::domain::tenant::{FieldKind, Localized};
    let mut fields = fields();
    fields[0].required = true;
    fields.push(Field { name: "nickname".to_owned(), show_when: None, ..fields[0].clone() });
    let choice = fields.iter_mut().find(|field| field.name == "customer_type").unwrap();
    choice.required = true;
    choice.kind = FieldKind::Choice(vec![("private".to_owned(), Localized::default())]);
    fields.iter_mut().find(|field| field.name == "company").unwrap().show_when = None;
    fields
}

#[test]
fn only_what_is_sent_is_validated() {
    let claims = |edit: Edit<'_>| super::decisions::edit(&stricter(), &ada(), edit, NOW);
    let patch = object(json!({ "newsletter": false }));
    let Claims(after) = claims(Edit::Patch(&patch)).unwrap();
    assert_eq!((&after["newsletter"], &after["customer_type"]), (&json!(false), &json!("business")));
    assert!(!after.contains_key("nickname"));
    // A page sends the missing field empty, the retired choice as none (nothing arrives), and the rest as it is stored.
    let mut form = object(json!({ "given_name": "Ada", "family_name": "Lovelace", "phone_number": "+4930123456" }));
    form.extend(object(json!({ "company": "Engines", "nickname": " " })));
    let Claims(after) = claims(Edit::Form(&form)).unwrap();
    assert_eq!((&after["newsletter"], &after["customer_type"]), (&json!(false), &json!("business")));
    for (name, value, code) in [
        ("nickname", "a\nb", "forbidden_character"),
        ("given_name", "", "required"),
        ("customer_type", "king", "invalid_option"),
    ] {
        let mut form = form.clone();
        form.insert(name.to_owned(), value.into());
        let flaws = claims(Edit::Form(&form)).unwrap_err();
        let codes: Vec<_> = flaws.iter().map(|(name, flaw)| (name.as_str(), flaw.code())).collect();
        assert_eq!(codes, [(name, code)]);
    }
    form.remove("given_name");
    assert_eq!(claims(Edit::Form(&form)).unwrap_err()[0].1.code(), "required");
    // What is sent as it is stored changes nothing.
    let same = object(json!({ "customer_type": "business", "newsletter": true }));
    assert_eq!(claims(Edit::Patch(&same)).unwrap().0["customer_type"], "business");
    // A change cannot make a required field apply without its value.
    let business = object(json!({ "customer_type": "business" }));
    let private = Claims(object(json!({ "customer_type": "private" })));
    let flaws = edit(&fields(), &private, Edit::Patch(&business), NOW).unwrap_err();
    assert_eq!((flaws[0].0.as_str(), flaws[0].1.code()), ("company", "required"));
}
