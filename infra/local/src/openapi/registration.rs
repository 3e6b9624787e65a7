//! The operations of the registration function.

use super::builder::{Operation, Tag};
use super::login::KEEPS_PASSKEYS;
use super::schemas::{boolean, by_locale, integer, list, moment, nullable, object, one_of, page_form, text};
use latchkey::web::problem::ProblemKind;
use serde_json::{Value, json};

const TAG: Tag = Tag::Registration;

pub(super) fn operations() -> Vec<Operation> {
    vec![form(), start(), verification(), resend(), register_page(), register(), verify_page(), verify()]
}

fn client_id(operation: Operation) -> Operation {
    operation.query("client_id", "The client that the user registers through. Without it: the tenant's first-party client.")
}

fn registration_id(operation: Operation) -> Operation {
    client_id(operation.path_parameter("id", "The `registration_id` of the start."))
}

fn form() -> Operation {
    let words = object([
        ("label", text("The name of the field.")),
        ("help?", text("A line below the field.")),
        ("options?", by_locale(&text("The name of the value."), "The name of each value.")),
        ("pattern_message?", text("What to say when the pattern does not match.")),
    ]);
    let terms = object([
        ("document", text("The id of the document.")),
        ("version", text("The version in force.")),
        ("url", text("Where it can be read.")),
        ("required", boolean("Whether it must be accepted.")),
        ("title", by_locale(&text("The title."), "The title by locale.")),
    ]);
    let password = object([
        ("required", boolean("Whether a registration by call needs one.")),
        ("min_length", integer("In characters.")),
        ("max_length", integer("In characters.")),
        ("recommended_length", integer("In characters.")),
    ]);
    let schema = json!({ "type": "object", "description": "JSON Schema (2020-12) of `profile`." });
    let form = object([
        ("schema", schema),
        ("order", list(&text("A field."), "The fields in the order of the form.")),
        ("labels", by_locale(&by_locale(&words, "By field."), "The words of each field, by locale.")),
        ("terms", list(&terms, "Documents to accept.")),
        ("password", password),
        ("locales", list(&text("A locale."), "The first is the default.")),
    ]);
    client_id(Operation::new(TAG, "GET", "/v1/registration/form", "readRegistrationForm", "Reads the registration form."))
        .answers(200, "The form.", form)
}

fn started(more: Option<(&'static str, Value)>) -> Value {
    let mut started = object([
        ("registration_id", text("Names the registration in the calls that follow.")),
        ("status", one_of(&["verification_required"], "What comes next: the code from the mail.")),
        ("expires_at", moment("Until when the address can be proven.")),
    ]);
    if let Some((name, schema)) = more {
        started["properties"][name] = schema;
    }
    started
}

fn start() -> Operation {
    let accepted = object([("document", text("The id of the document.")), ("version", text("The version that was shown."))]);
    let profile = json!({
        "type": "object",
        "description": "The fields of the form by their names. `GET /v1/registration/form` has their schema.",
        "additionalProperties": { "type": ["string", "boolean", "null"] },
    });
    let body = object([
        ("client_id?", nullable("As in the query.")),
        ("email", text("The address. It gets a code and a link.")),
        ("password?", text("The password. The form says whether it is required; without that it may be left out.")),
        ("profile?", profile),
        ("terms?", list(&accepted, "The documents that the user accepted.")),
        ("locale?", nullable("The language of the mail.")),
    ]);
    client_id(Operation::new(TAG, "POST", "/v1/registrations", "startRegistration", "Starts a registration."))
        .describe(
            "The answer is the same, in shape and in time, whether or not the address has an account: the owner of one gets \
             another mail. No account exists until the address is proven.",
        )
        .takes(body)
        .example(&json!({
            "email": "ada@example.com",
            "password": "Ada rides 7 green bicycles",
            "profile": { "given_name": "Ada", "family_name": "Lovelace" },
            "terms": [{ "document": "terms", "version": "1" }],
            "locale": "en",
        }))
        .answers(202, "A code is on its way.", started(None))
}

fn verification() -> Operation {
    let body = object([
        ("client_id?", nullable("As in the query.")),
        ("code", text("The code from the newest mail: 6 digits, or 10 letters and digits.")),
    ]);
    let path = "/v1/registrations/{id}/verification";
    registration_id(Operation::new(TAG, "POST", path, "verifyRegistration", "Proves the address; makes the account."))
        .parameter(
            "header",
            "Idempotency-Key",
            false,
            "With the same key the same request gets the same answer for ten minutes: send it again if the reply was lost.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        )
        .takes(body)
        .example(&json!({ "code": "123456" }))
        .answers(201, "The account exists.", object([("sub", text("The subject identifier of the new account."))]))
        .problems(&[ProblemKind::InvalidCode, ProblemKind::AlreadyRegistered])
}

fn resend() -> Operation {
    let body = object([("client_id?", nullable("As in the query."))]);
    let left = integer("How many more codes can be sent.");
    let path = "/v1/registrations/{id}/resend";
    registration_id(Operation::new(TAG, "POST", path, "resendRegistrationCode", "Sends a new code, at most three times."))
        .takes_as(&["application/json"], body, false)
        .answers(202, "A new code is on its way; older ones are worth nothing.", started(Some(("resends_left", left))))
        .problems(&[ProblemKind::InvalidCode])
}

fn language(operation: Operation) -> Operation {
    operation.query("ui_locales", "The language of the page.")
}

fn register_page() -> Operation {
    let text = "The query is an authorization request to continue with, or empty.";
    language(Operation::new(TAG, "GET", "/register", "showRegistrationPage", "Shows the registration form."))
        .query("client_id", "The client of the authorization request.")
        .query("return_to", "A page of the account to return to.")
        .describe(text)
        .page(200, "The form.")
}

fn register() -> Operation {
    let mut form = page_form([("identifier", "The e-mail address."), ("password", "The password.")]);
    form["description"] =
        "Besides these: each field of the tenant's form by its name, and `terms.{document}` with a version.".into();
    form["additionalProperties"] = json!({ "type": "string" });
    language(Operation::new(TAG, "POST", "/register", "submitRegistrationPage", "Takes the registration form."))
        .query("client_id", "The client of the authorization request.")
        .query("return_to", "A page of the account to return to.")
        .takes_form(form)
        .redirects("To `/verify`: a code is on its way.")
        .page(400, "The form with what is wrong in it.")
        .page(429, "Too many mails were requested for this address from here today: the page says how long to wait.")
}

fn flow(operation: Operation) -> Operation {
    language(operation)
        .query("flow", "The registration.")
        .query("token", "The secret of the mailed link.")
        .query("sent", "Says that a new code was sent.")
}

fn verify_page() -> Operation {
    flow(Operation::new(TAG, "GET", "/verify", "showVerificationPage", "Shows the field for the code, or the mailed link."))
        .describe("Opening the mailed link changes nothing, so that a scanner of mails spends no link.")
        .page(200, "The field for the code, a button that confirms, or the code to type in the browser that began.")
        .page(400, "The registration can't continue here. The page says why.")
}

fn verify() -> Operation {
    let form = page_form([
        ("code", "The code from the mail."),
        ("token", "The secret of the mailed link."),
        ("action", "`resend` for a new code, `deny` for \"I did not ask for this\"."),
        ("credential", "The passkey that the browser created, as JSON, on the page for a user who chose no password."),
        ("state", "The sealed challenge that it answers."),
        ("password", "A password in its place."),
        KEEPS_PASSKEYS,
    ]);
    flow(Operation::new(TAG, "POST", "/verify", "submitVerificationPage", "Proves the address, or sends a new code."))
        .takes_form(form)
        .redirects("The address is proven and the browser is signed in; or a new code was sent; or the registration has ended.")
        .page(200, "The code is right, and the user chose no password: the page that creates a passkey. It changes nothing.")
        .page(400, "The code is wrong, the passkey or password is refused, or the registration can't continue.")
        .page(409, "The address got an account meanwhile.")
        .page(429, "Every new code of this registration was sent.")
}
