//! Reads the registration form of a tenant document: its fields.

use super::reader::{Read, Table};
use crate::domain::oauth::user_claims::ADDRESS_MEMBERS;
use crate::domain::tenant::{Field, FieldKind, Localized, Pattern, ShowWhen};

/// The maximum number of fields. A request body has at most 64 members (security 122).
const MAX_FIELDS: usize = 40;
/// The maximum number of options of a choice (there are 249 countries).
const MAX_OPTIONS: usize = 300;
/// The maximum size of a compiled pattern in memory. Matching always takes linear time.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// Names that a form must not use: Latchkey sets them, they are permissions of the user, or they are our own inputs and members
/// (security 108).
const RESERVED: [&str; 62] = [
    "account",
    "account_id",
    "acr",
    "act",
    "address",
    "admin",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "client_secret",
    "cnf",
    "code",
    "confirm",
    "continue_to",
    "csrf",
    "deny",
    "email",
    "email_verified",
    "entitlements",
    "epoch",
    "events",
    "exp",
    "flow",
    "groups",
    "iat",
    "id",
    "identifier",
    "is_admin",
    "iss",
    "jti",
    "link",
    "lk",
    "locale",
    "may_act",
    "nbf",
    "nonce",
    "password",
    "permissions",
    "phone_number_verified",
    "profile",
    "registration_id",
    "role",
    "roles",
    "s_hash",
    "scope",
    "scopes",
    "sid",
    "state",
    "status",
    "sub",
    "submit",
    "tenant",
    "tenant_id",
    "terms",
    "token",
    "updated_at",
    "user_id",
    "username",
];

/// Claims with a type that OpenID Connect defines.
const FIXED_TYPES: [(&str, &str); 2] = [("birthdate", "date"), ("phone_number", "phone")];

/// Tokens of the `autocomplete` attribute that a field may have (HTML, autofill).
const AUTOCOMPLETE: [&str; 27] = [
    "off",
    "name",
    "honorific-prefix",
    "given-name",
    "additional-name",
    "family-name",
    "honorific-suffix",
    "nickname",
    "organization-title",
    "organization",
    "street-address",
    "address-line1",
    "address-line2",
    "address-line3",
    "address-level1",
    "address-level2",
    "country",
    "country-name",
    "postal-code",
    "bday",
    "sex",
    "url",
    "photo",
    "language",
    "tel",
    "tel-national",
    "username",
];

pub(super) fn read_fields(tables: Vec<Table<'_, '_>>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for mut table in tables {
        if fields.len() == MAX_FIELDS {
            table.report.refuse(&table.place, format!("a form has at most {MAX_FIELDS} fields"));
        }
        if let Some(field) = read_field(&mut table, &fields) {
            fields.push(field);
        }
        table.close();
    }
    fields
}

fn read_field(table: &mut Table<'_, '_>, earlier: &[Field]) -> Option<Field> {
    let name = read_field_name(table, earlier);
    let kind = read_kind(table, name.as_ref().map(|name| name.value.as_str()));
    let required = table.flag("required", false);
    let label = table.localized("label");
    let help = table.localized("help").unwrap_or_default();
    let show_when = read_show_when(table, earlier);
    let autocomplete = read_autocomplete(table);
    let address = read_address_member(table, earlier);
    let name = name?.value;
    let label = label.unwrap_or_else(|| Localized::from(name.replace('_', " ")));
    Some(Field { name, kind: kind?, required, label, help, show_when, autocomplete, address })
}

fn read_field_name(table: &mut Table<'_, '_>, earlier: &[Field]) -> Option<Read<String>> {
    let name = table.required_text("name")?;
    if !is_name(&name.value) {
        table.report.refuse(&name.place, "must be 1 to 40 characters of a-z 0-9 _ and begin with a letter");
        return None;
    }
    if RESERVED.contains(&name.value.as_str()) {
        table.report.refuse(&name.place, "is reserved: users must not set it themselves");
        return None;
    }
    if earlier.iter().any(|field| field.name == name.value) {
        table.report.refuse(&name.place, "another field has the same name");
    }
    Some(name)
}

pub(super) fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn read_kind(table: &mut Table<'_, '_>, name: Option<&str>) -> Option<FieldKind> {
    #[derive(Clone, Copy, PartialEq)]
    enum Type {
        Text,
        Date,
        Phone,
        Boolean,
        Choice,
    }
    const TYPES: [(&str, Type); 5] = [
        ("text", Type::Text),
        ("date", Type::Date),
        ("phone", Type::Phone),
        ("boolean", Type::Boolean),
        ("choice", Type::Choice),
    ];
    let place = table.at("type");
    let word = table.text("type");
    let kind = word.as_ref().map_or(Some(Type::Text), |word| table.report.word(word, &TYPES))?;
    if let Some((name, fixed)) = FIXED_TYPES.into_iter().find(|(claim, _)| Some(*claim) == name)
        && word.as_ref().map(|word| word.value.as_str()) != Some(fixed)
    {
        table.report.refuse(&place, format!("the claim {name} has type = \"{fixed}\" (OpenID Connect Core §5.1)"));
    }
    Some(match kind {
        Type::Text => FieldKind::Text { max_length: table.number("max_length", 1..=1024, 100), pattern: read_pattern(table) },
        Type::Date => FieldKind::Date,
        Type::Phone => FieldKind::Phone,
        Type::Boolean => FieldKind::Boolean,
        Type::Choice => FieldKind::Choice(read_options(table)),
    })
}

fn read_pattern(table: &mut Table<'_, '_>) -> Option<Pattern> {
    let message = table.localized("pattern_message");
    let source = table.text("pattern")?;
    // It is compiled alone first: a pattern such as "a)|(b" must not close the group that anchors it.
    let compiled = regex::Regex::new(&source.value)
        .and_then(|_| regex::RegexBuilder::new(&format!(r"\A(?:{})\z", source.value)).size_limit(MAX_PATTERN_BYTES).build());
    match compiled {
        Ok(regex) => Some(Pattern { source: source.value, regex, message: message.unwrap_or_default() }),
        Err(regex::Error::CompiledTooBig(_)) => {
            table.report.refuse(&source.place, "is too large when compiled: use smaller repetitions");
            None
        }
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            table.report.refuse(&source.place, format!("is not a regular expression: {last}"));
            None
        }
    }
}

fn read_options(table: &mut Table<'_, '_>) -> Vec<(String, Localized)> {
    let place = table.at("options");
    let mut options: Vec<(String, Localized)> = Vec::new();
    for mut option in table.tables("options") {
        let label = option.localized("label");
        if let Some(value) = option.required_text("value") {
            if value.value.is_empty() || value.value.len() > 100 || value.value.chars().any(char::is_control) {
                option.report.refuse(&value.place, "must be 1 to 100 bytes on one line");
            }
            if options.iter().any(|(known, _)| *known == value.value) {
                option.report.refuse(&value.place, "is listed twice");
            }
            let label = label.unwrap_or_else(|| Localized::from(value.value.clone()));
            options.push((value.value, label));
        }
        option.close();
    }
    if options.is_empty() || options.len() > MAX_OPTIONS {
        table
            .report
            .refuse(&place, format!("a choice has 1 to {MAX_OPTIONS} options, each {{ value = \"…\", label = \"…\" }}"));
    }
    options
}

fn read_show_when(table: &mut Table<'_, '_>, earlier: &[Field]) -> Option<ShowWhen> {
    let mut condition = table.optional_table("show_when")?;
    let field = condition.required_text("field");
    let equals = condition.required_text("equals");
    let report = condition.report;
    condition.close();
    let (field, equals) = (field?, equals?);
    let Some(other) = earlier.iter().find(|other| other.name == field.value) else {
        report.refuse(&field.place, "must name a field that is defined before this one");
        return None;
    };
    match &other.kind {
        FieldKind::Boolean if equals.value == "true" || equals.value == "false" => {}
        FieldKind::Boolean => report.refuse(&equals.place, "must be \"true\" or \"false\", as the other field is a boolean"),
        FieldKind::Choice(options) if options.iter().any(|(value, _)| *value == equals.value) => {}
        FieldKind::Choice(_) => report.refuse(&equals.place, "is not an option of the other field"),
        FieldKind::Text { .. } | FieldKind::Date | FieldKind::Phone => {
            report.refuse(&field.place, "must name a field of type boolean or choice");
        }
    }
    Some(ShowWhen { field: field.value, equals: equals.value })
}

fn read_autocomplete(table: &mut Table<'_, '_>) -> Option<String> {
    let token = table.text("autocomplete")?;
    if !AUTOCOMPLETE.contains(&token.value.as_str()) {
        table.report.refuse(&token.place, format!("is not an autofill token of HTML; use one of: {}", AUTOCOMPLETE.join(", ")));
    }
    Some(token.value)
}

/// Reads `address`: the member of the address claim that the field fills.
fn read_address_member(table: &mut Table<'_, '_>, earlier: &[Field]) -> Option<&'static str> {
    let member = table.text("address")?;
    let known = ADDRESS_MEMBERS.into_iter().find(|known| *known == member.value);
    if known.is_none() {
        table.report.refuse(&member.place, format!("must be a member of the claim address: {}", ADDRESS_MEMBERS.join(", ")));
    } else if earlier.iter().any(|field| field.address == known) {
        table.report.refuse(&member.place, "another field fills this member of the address");
    }
    known
}
