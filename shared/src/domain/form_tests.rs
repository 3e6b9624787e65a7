use super::*;
use crate::domain::id::TenantId;
use crate::domain::tenant::TenantConfig;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Ten characters of two code points and eight bytes each.
const FLAGS: &str = "🇩🇪🇦🇹🇨🇭🇫🇷🇮🇹🇪🇸🇵🇹🇳🇱🇧🇪🇵🇱";
/// Ten characters of two code points each.
const DEVANAGARI: &str = "किकुकीकेकोखिखुखीखेखो";

const DOCUMENT: &str = r#"
name = "Shop"
locales = ["en", "de"]
[[registration.fields]]
name = "given_name"
required = true
max_length = 10
label = { en = "First name", de = "Vorname" }
[[registration.fields]]
name = "birthdate"
type = "date"
[[registration.fields]]
name = "phone_number"
type = "phone"
[[registration.fields]]
name = "kind"
type = "choice"
options = [{ value = "private" }, { value = "business", label = { en = "Business", de = "Firma" } }]
[[registration.fields]]
name = "company"
required = true
show_when = { field = "kind", equals = "business" }
[[registration.fields]]
name = "newsletter"
type = "boolean"
[[registration.fields]]
name = "code_word"
pattern = "[a-z]{3}"
show_when = { field = "newsletter", equals = "true" }
[[registration.terms]]
document = "terms"
version = "3"
url = "https://example.com/terms"
[[registration.terms]]
document = "marketing"
version = "1"
url = "https://example.com/marketing"
required = false
"#;

fn config() -> TenantConfig {
    TenantConfig::parse(&TenantId::default_tenant(), DOCUMENT).unwrap()
}

fn outcome(submitted: &Value, submission: Submission) -> Result<Value, Vec<(String, &'static str)>> {
    let Value::Object(submitted) = submitted else { panic!("an object") };
    validate(&config().registration.fields, submitted, submission, NOW)
        .map(|claims| Value::Object(claims.0))
        .map_err(|flaws| flaws.into_iter().map(|(name, flaw)| (name, flaw.code())).collect())
}

#[test]
fn equivalent_values_are_stored_in_one_form() {
    for (submitted, stored) in [
        (json!({"given_name": "Ada"}), json!({"given_name": "Ada"})),
        (json!({"given_name": "  Ada "}), json!({"given_name": "Ada"})),
        (json!({"given_name": "Zoe\u{308}"}), json!({"given_name": "Zoë"})),
        (json!({"given_name": "A", "birthdate": "1990-02-28"}), json!({"given_name": "A", "birthdate": "1990-02-28"})),
        (json!({"given_name": "A", "birthdate": "1815-12-10"}), json!({"given_name": "A", "birthdate": "1815-12-10"})),
        (json!({"given_name": "A", "birthdate": "1990"}), json!({"given_name": "A", "birthdate": "1990"})),
        (json!({"given_name": "A", "birthdate": "0000-02-29"}), json!({"given_name": "A", "birthdate": "0000-02-29"})),
        (
            json!({"given_name": "A", "phone_number": "+49 (30) 123-456"}),
            json!({"given_name": "A", "phone_number": "+4930123456"}),
        ),
        (
            json!({"given_name": "A", "phone_number": "0049 30 123456"}),
            json!({"given_name": "A", "phone_number": "+4930123456"}),
        ),
        (
            json!({"given_name": "A", "kind": "business", "company": "ACME"}),
            json!({"given_name": "A", "kind": "business", "company": "ACME"}),
        ),
        (
            json!({"given_name": "A", "newsletter": true, "code_word": "abc"}),
            json!({"given_name": "A", "newsletter": true, "code_word": "abc"}),
        ),
        (json!({"given_name": "A", "birthdate": null, "phone_number": "  "}), json!({"given_name": "A"})),
        // Invisible text counts as no text.
        (json!({"given_name": "A", "phone_number": "\u{200b}\u{2060}"}), json!({"given_name": "A"})),
        // A joiner inside a word, and characters of several code points: ten characters as a user counts them.
        (json!({"given_name": "نامه\u{200c}ای"}), json!({"given_name": "نامه\u{200c}ای"})),
        (json!({"given_name": FLAGS}), json!({"given_name": FLAGS})),
        (json!({"given_name": DEVANAGARI}), json!({"given_name": DEVANAGARI})),
    ] {
        assert_eq!(outcome(&submitted, Submission::Api), Ok(stored), "{submitted}");
    }
}

#[test]
fn every_invalid_value_is_reported_with_its_flaw() {
    for (submitted, flaws) in [
        (json!({}), vec![("given_name", "required")]),
        (json!({"given_name": " "}), vec![("given_name", "required")]),
        (json!({"given_name": "\u{200b}"}), vec![("given_name", "required")]),
        (json!({"given_name": " \u{2060}\u{ad}\u{3164}\u{2800}\u{feff} "}), vec![("given_name", "required")]),
        (json!({"given_name": "\u{301}\u{fe0f}"}), vec![("given_name", "required")]),
        (json!({"given_name": format!("{FLAGS}A")}), vec![("given_name", "too_long")]),
        (json!({"given_name": format!("{DEVANAGARI}A")}), vec![("given_name", "too_long")]),
        // One character as a user counts, and no end of marks.
        (json!({"given_name": format!("A{}", "\u{301}".repeat(500))}), vec![("given_name", "too_long")]),
        (json!({"given_name": 7}), vec![("given_name", "invalid_type")]),
        (json!({"given_name": ["A"]}), vec![("given_name", "invalid_type")]),
        (json!({"given_name": "12345678901"}), vec![("given_name", "too_long")]),
        (json!({"given_name": "x".repeat(100_000)}), vec![("given_name", "too_long")]),
        (json!({"given_name": "A\r\nBcc: b"}), vec![("given_name", "forbidden_character")]),
        (json!({"given_name": "A\u{202e}B"}), vec![("given_name", "forbidden_character")]),
        (json!({"given_name": "A", "birthdate": "1990-02-30"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "28.02.1990"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "2990-01-01"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "2990"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "0000-02-30"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "0000"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "19a0"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "1990-1-01"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "birthdate": "2199-01-01"}), vec![("birthdate", "invalid_date")]),
        (json!({"given_name": "A", "phone_number": "030 123456"}), vec![("phone_number", "invalid_phone")]),
        (json!({"given_name": "A", "phone_number": "+49 30 CALL ME"}), vec![("phone_number", "invalid_phone")]),
        (json!({"given_name": "A", "phone_number": "+1234567890123456"}), vec![("phone_number", "invalid_phone")]),
        (json!({"given_name": "A", "kind": "other"}), vec![("kind", "invalid_option")]),
        (json!({"given_name": "A", "kind": "business"}), vec![("company", "required")]),
        (json!({"given_name": "A", "kind": "private", "company": "x"}), vec![("company", "not_applicable")]),
        (json!({"given_name": "A", "company": "x"}), vec![("company", "not_applicable")]),
        (json!({"given_name": "A", "newsletter": "true"}), vec![("newsletter", "invalid_type")]),
        (json!({"given_name": "A", "newsletter": true, "code_word": "ABC"}), vec![("code_word", "invalid_format")]),
        (
            json!({"birthdate": "x", "nickname": "y"}),
            vec![("given_name", "required"), ("birthdate", "invalid_date"), ("nickname", "unknown")],
        ),
    ] {
        let expected = Err(flaws.into_iter().map(|(name, code)| (name.to_owned(), code)).collect());
        assert_eq!(outcome(&submitted, Submission::Api), expected, "{submitted}");
    }
}

#[test]
fn security_108_no_privileged_or_unknown_member_gets_into_the_claims() {
    for name in ["sub", "email", "email_verified", "roles", "tenant", "userId", "__proto__", "Given_Name", ""] {
        for submission in [Submission::Api, Submission::Page] {
            let submitted = json!({"given_name": "A", name: true});
            assert_eq!(outcome(&submitted, submission), Err(vec![(name.to_owned(), "unknown")]), "{name}");
        }
    }
}

#[test]
fn a_page_drops_what_it_hides_and_reads_an_unticked_box_as_no() {
    let submitted = json!({"given_name": "A", "kind": "private", "company": "x", "birthdate": "", "code_word": "abc"});
    let stored = json!({"given_name": "A", "kind": "private", "newsletter": false});
    assert_eq!(outcome(&submitted, Submission::Page), Ok(stored));
    let submitted = json!({"given_name": "A", "newsletter": "true", "code_word": "abc"});
    let stored = json!({"given_name": "A", "newsletter": true, "code_word": "abc"});
    assert_eq!(outcome(&submitted, Submission::Page), Ok(stored));
}

#[test]
fn terms_are_accepted_only_in_their_current_version() {
    let accept = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(document, version)| ((*document).to_owned(), (*version).to_owned())).collect();
        accept_terms(&config().registration, &pairs, NOW)
            .map(|terms| terms.into_iter().map(|terms| format!("{} {}", terms.document, terms.version)).collect::<Vec<_>>())
    };
    assert_eq!(accept(&[("terms", "3")]), Ok(vec!["terms 3".to_owned()]));
    assert_eq!(accept(&[("terms", "3"), ("terms", "3")]), Ok(vec!["terms 3".to_owned()]));
    assert_eq!(accept(&[("terms", "3"), ("marketing", "1")]), Ok(vec!["terms 3".to_owned(), "marketing 1".to_owned()]));
    assert_eq!(accept(&[]), Err(vec![TermsFlaw::Missing("terms".to_owned())]));
    assert_eq!(accept(&[("terms", "2")]), Err(vec![TermsFlaw::Superseded(0)]));
    assert_eq!(accept(&[("terms", "3"), ("other", "1")]), Err(vec![TermsFlaw::Unknown(1)]));
}

#[test]
fn the_form_description_has_schema_order_labels_terms_and_password_rules() {
    let form = describe(&config());
    assert_eq!(form["order"], json!(["given_name", "birthdate", "phone_number", "kind", "company", "newsletter", "code_word"]));
    assert_eq!(form["schema"]["required"], json!(["given_name"]));
    assert_eq!(form["schema"]["additionalProperties"], json!(false));
    assert_eq!(form["schema"]["properties"]["kind"], json!({"enum": ["private", "business"]}));
    assert_eq!(form["schema"]["properties"]["code_word"]["pattern"], json!("^(?:[a-z]{3})$"));
    assert_eq!(
        form["schema"]["allOf"][0],
        json!({
            "if": {"properties": {"kind": {"const": "business"}}, "required": ["kind"]},
            "then": {"required": ["company"]},
            "else": {"properties": {"company": false}},
        })
    );
    // JSON Schema counts code points: its limit refuses nothing that the form accepts.
    let given_name = &form["schema"]["properties"]["given_name"];
    assert_eq!(given_name, &json!({"type": "string", "maxLength": 224, "x-max-graphemes": 10}));
    assert_eq!(form["labels"]["de"]["given_name"]["label"], json!("Vorname"));
    assert_eq!(form["labels"]["de"]["kind"]["options"], json!({"private": "private", "business": "Firma"}));
    assert_eq!(form["terms"][0]["document"], json!("terms"));
    assert_eq!(form["terms"][1]["required"], json!(false));
    assert_eq!(form["password"]["min_length"], json!(8));
}
