//! The operations of the login function.

use super::builder::{Operation, Tag};
use super::schemas::{open_object, page_form, text};
use latchkey::web::problem::ProblemKind;
use serde_json::{Value, json};

const TAG: Tag = Tag::SignIn;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        authorize(),
        authorize_by_post(),
        login_page(),
        login(),
        lost_factor_page(),
        lost_factor(),
        second_step_page(),
        second_step(),
        mail_code_page(),
        mail_code(),
        passkey(),
        passkey_options(),
        passkey_offer_page(),
        passkey_offer(),
        enrollment_page(),
        enrollment(),
        completion_page(),
        completion(),
        consent_page(),
        consent(),
        recover_page(),
        recover(),
        logout(),
        logout_by_post(),
    ]
}

/// The parameters of an authorization request.
const REQUEST: [(&str, &str); 16] = [
    ("response_type", "`code`."),
    ("client_id", "The client."),
    ("redirect_uri", "Where the answer goes: one that the client registered."),
    ("scope", "Scope tokens with a space between them. Unknown ones are left out."),
    ("state", "Comes back with the answer."),
    ("nonce", "Comes back in the ID token."),
    ("code_challenge", "RFC 7636. Required unless the client's registration says otherwise."),
    ("code_challenge_method", "`S256`."),
    ("response_mode", "`query` or `form_post`."),
    ("prompt", "`none`, `login`, `consent` or `select_account`."),
    ("max_age", "The oldest sign-in that counts, in seconds."),
    (
        "acr_values",
        "The levels that the client wishes for, in order of preference: `urn:latchkey:acr:1`, `urn:latchkey:acr:2`, `phr`.",
    ),
    (
        "claims",
        "Only an essential `id_token.acr` has an effect: a user without a factor for one of its values is asked to set one up, and otherwise the answer is `unmet_authentication_requirements`.",
    ),
    ("login_hint", "Fills in the identifier."),
    ("id_token_hint", "An ID token of the user who is expected."),
    ("resource", "Narrows the access token to one audience (RFC 8707)."),
];

/// What a script says about the device.
pub(super) const KEEPS_PASSKEYS: (&str, &str) =
    ("keeps_passkeys", "`true`: the device can keep a passkey, so one may be offered afterwards.");

/// The request as a query. It travels through the pages too.
fn with_request(operation: Operation) -> Operation {
    REQUEST.iter().fold(operation.query("ui_locales", "The language of the pages."), |operation, (name, text)| {
        operation.query(name, text)
    })
}

fn request_form() -> Value {
    let mut form = open_object([], "The parameters of the request.");
    for (name, description) in REQUEST {
        form["properties"][name] = text(description);
    }
    form
}

fn to_client(operation: Operation) -> Operation {
    operation
        .redirects("To the client with a code or an error (RFC 6749, section 4.1.2), or to the page that comes next.")
        .page(200, "A form that posts the answer to the client (`response_mode=form_post`).")
        .page(400, "The request can't be answered to its client: the redirect URI or the client is not known.")
}

fn authorize() -> Operation {
    let operation = Operation::new(TAG, "GET", "/oauth2/authorize", "authorize", "Authorization request.");
    to_client(with_request(operation)).describe(
        "OpenID Connect Core, section 3.1.2; RFC 6749, section 4.1; PKCE (RFC 7636); `iss` in the answer (RFC 9207). Without a \
         session the browser is sent to sign in, and comes back.",
    )
}

fn authorize_by_post() -> Operation {
    let operation = Operation::new(TAG, "POST", "/oauth2/authorize", "authorizeByPost", "Authorization request by POST.");
    to_client(operation.takes_form(request_form())).describe("The request is stored for an hour and continues as GET.")
}

fn login_page() -> Operation {
    let operation = Operation::new(TAG, "GET", "/login", "showSignInPage", "Shows the sign-in page.");
    with_request(operation)
        .query("return_to", "A page of the account to return to.")
        .describe("The query is an authorization request to continue with, or `return_to`, or empty.")
        .page(200, "The sign-in form; to a user who is signed in, a page that says so.")
        .page(400, "The authorization request is not valid.")
        .redirects("To `return_to`, when the user is signed in; to the client with an error.")
}

fn login() -> Operation {
    let form = page_form([("identifier", "The e-mail address."), ("password", "The password."), KEEPS_PASSKEYS]);
    let operation = Operation::new(TAG, "POST", "/login", "submitSignInPage", "Signs in.");
    with_request(operation)
        .query("return_to", "A page of the account to return to.")
        .takes_form(form)
        .redirects("Signed in: back to the authorization request, or to `return_to`.")
        .page(200, "A form that posts an error to the client (`response_mode=form_post`).")
        .page(400, "The form with what is wrong. A wrong password and an unknown address get the same words.")
        .page(429, "Too many wrong passwords for this account, or too many failures from this network: the page says how long to wait.")
        .page(503, "The legacy user pool does not answer.")
}

fn second_step_page() -> Operation {
    let operation =
        Operation::new(TAG, "GET", "/login/second-step", "showSecondStepPage", "Asks for the second step of a sign-in.");
    to_client(with_request(operation))
        .query("return_to", "A page of the account to return to.")
        .query(
            "lk_attempt",
            "The sign-in that waits, sealed. Without it: the signed-in user, for a request that asks for a higher level.",
        )
        .page(200, "Fields for a code of the authenticator app and for a recovery code, as the account has them.")
        .page(400, "The sign-in took too long, or began in another browser; or the request can't be answered to its client.")
}

fn second_step() -> Operation {
    let form = page_form([
        ("code", "The code that the authenticator app shows."),
        ("recovery_code", "A recovery code, in its place."),
        (
            "remember_device",
            "`true`, with `code`: no code is asked for on this device for the time of `sign_in.remember_device` in the tenant document.",
        ),
        ("decision", "`without`: continue without a step that the client only wishes for."),
        KEEPS_PASSKEYS,
    ]);
    let operation = Operation::new(TAG, "POST", "/login/second-step", "submitSecondStepPage", "Takes the second step.");
    to_client(with_request(operation).takes_form(form))
        .query("return_to", "A page of the account to return to.")
        .query("lk_attempt", "The sign-in that waits, sealed.")
        .page(400, "The form with what is wrong, or the sign-in is over.")
        .page(429, "Too many wrong codes for this account: the page says how long to wait, or what is left.")
}

fn lost_factor_page() -> Operation {
    let operation = Operation::new(
        TAG,
        "GET",
        "/login/lost-factor",
        "showLostFactorPage",
        "Shows what a user can do who has lost the app and the recovery codes.",
    );
    to_client(with_request(operation))
        .query("return_to", "A page of the account to return to.")
        .query("lk_attempt", "The sign-in that waits, sealed.")
        .page(200, "The next step: a code by mail, its form, the wait, or the removal.")
        .page(400, "The request can't be answered to its client.")
}

fn lost_factor() -> Operation {
    let form = page_form([
        ("mail_code", "The code from the mail. It starts the delay. Without it and without `decision` a code is mailed."),
        ("decision", "`remove`: removes the factors, after the delay."),
    ]);
    let operation = Operation::new(TAG, "POST", "/login/lost-factor", "submitLostFactorPage", "Takes the next step.");
    to_client(with_request(operation).takes_form(form))
        .query("return_to", "A page of the account to return to.")
        .query("lk_attempt", "The sign-in that waits, sealed.")
        .page(200, "The factors are removed: the user signs in again.")
        .page(400, "The code is wrong, or the tenant does not allow it.")
        .page(429, "Too many mails: the page says how long to wait.")
}

fn mail_code_page() -> Operation {
    let operation = Operation::new(TAG, "GET", "/login/code", "showMailCodePage", "Asks for the code of a sign-in by mail.");
    to_client(with_request(operation))
        .query("return_to", "A page of the account to return to.")
        .query("lk_code", "The sign-in, sealed. Without it: to the sign-in page.")
        .query("lk_user", "The typed address, sealed.")
        .page(200, "A field for the code. It is the same for every address.")
        .page(400, "The code was used, is too old, or was asked for in another browser; or the request can't be answered to its client.")
}

fn mail_code() -> Operation {
    let form = page_form([
        ("identifier", "The e-mail address, in the form of the sign-in page."),
        ("code", "The code from the mail."),
        ("decision", "`resend`: mail another code."),
        KEEPS_PASSKEYS,
    ]);
    let operation =
        Operation::new(TAG, "POST", "/login/code", "submitMailCode", "Mails a code to sign in with, or signs in with it.");
    to_client(with_request(operation).takes_form(form))
        .query("return_to", "A page of the account to return to.")
        .query("lk_code", "The sign-in, sealed. Without it the form of the sign-in page starts one.")
        .query("lk_user", "The typed address, sealed.")
        .describe("Only if the tenant document has `sign_in.mail_code`.")
        .page(200, "The page again: another code was mailed.")
        .page(400, "The form with what is wrong, or the code counts no more.")
        .page(429, "Too many codes were asked for: the page says how long to wait.")
}

fn passkey() -> Operation {
    let form = page_form([
        ("credential", "The credential as JSON (WebAuthn 3 §5.5)."),
        ("state", "The sealed challenge."),
        KEEPS_PASSKEYS,
    ]);
    let operation = Operation::new(TAG, "POST", "/login/passkey", "submitPasskey", "Signs in with a passkey.");
    with_request(operation)
        .query("return_to", "A page of the account to return to.")
        .takes_form(form)
        .redirects("Signed in: back to the authorization request, or to `return_to`.")
        .page(200, "A form that posts an error to the client (`response_mode=form_post`).")
        .page(400, "The sign-in form: the passkey opens no account here, or could not be verified.")
        .page(409, "The sign-in form: the challenge is too old, of another browser or request, or a newer one was used.")
}

fn passkey_options() -> Operation {
    let operation = Operation::new(TAG, "GET", "/login/passkey/options", "renewPasskeyOptions", "New options for a passkey.");
    let options = open_object(
        [
            (
                "publicKey",
                json!({ "type": "object", "description": "The options (WebAuthn 3 §5.5). They list no credentials." }),
            ),
            ("state", text("The sealed challenge, for the form.")),
        ],
        "For the script of the sign-in page.",
    );
    with_request(operation)
        .query("return_to", "A page of the account to return to.")
        .answers(200, "The options.", options)
        .problems(&[ProblemKind::NotFound])
}

fn passkey_offer_page() -> Operation {
    let operation = Operation::new(TAG, "GET", "/login/passkey/offer", "showPasskeyOffer", "Offers a passkey after a sign-in.");
    to_client(with_request(operation))
        .query("return_to", "A page of the account to return to.")
        .describe("Where no passkey can be added, or the user has answered, it continues.")
        .page(200, "What a passkey is, with a button to add one and one to go on; or a form that posts an error to the client.")
}

fn passkey_offer() -> Operation {
    let form = page_form([("decision", "`add` or `later`.")]);
    let operation = Operation::new(TAG, "POST", "/login/passkey/offer", "answerPasskeyOffer", "Takes the answer to the offer.");
    to_client(with_request(operation).takes_form(form))
        .query("return_to", "A page of the account to return to.")
        .redirects("To the authorization request, to `return_to`, or to the page that adds a passkey.")
}

fn enrollment_page() -> Operation {
    let summary = "Asks a signed-in user to set up a factor.";
    let operation = Operation::new(TAG, "GET", "/login/enroll", "showEnrollmentPage", summary);
    to_client(with_request(operation))
        .describe("The tenant document or the client needs one. With nothing missing it continues.")
        .page(200, "The factors to choose from, with a button to go on without as long as that is possible; or a form that posts an error to the client.")
}

fn enrollment() -> Operation {
    let form = page_form([("decision", "`app`, `passkey` or `later`.")]);
    let operation = Operation::new(TAG, "POST", "/login/enroll", "answerEnrollmentPage", "Takes the answer.");
    to_client(with_request(operation).takes_form(form))
        .page(200, "The page again: this answer is not possible.")
        .redirects("To the page that sets up the factor, or to the authorization request.")
}

fn completion_page() -> Operation {
    let operation = Operation::new(TAG, "GET", "/complete", "showCompletionPage", "Asks for what is due of the user.");
    to_client(with_request(operation))
        .query("return_to", "A page of the account to return to.")
        .describe("New terms, and required fields that are missing. With nothing due it continues.")
        .page(200, "What is due: within the grace period with a button to postpone it.")
}

fn completion() -> Operation {
    let mut form = page_form([("decision", "`accept` or `later`.")]);
    form["description"] = "Besides these: each missing field by its name, and `terms.{document}` with a version.".into();
    form["additionalProperties"] = json!({ "type": "string" });
    let operation = Operation::new(TAG, "POST", "/complete", "submitCompletionPage", "Takes what was due.");
    to_client(with_request(operation).takes_form(form))
        .query("return_to", "A page of the account to return to.")
        .page(200, "What is still due.")
        .page(409, "It can no longer be postponed.")
}

fn consent_page() -> Operation {
    let operation = Operation::new(TAG, "GET", "/consent", "showConsentPage", "Asks what the user allows the client.");
    to_client(with_request(operation)).page(200, "What the client asks for, with a button to allow and one to deny it.")
}

fn consent() -> Operation {
    let form = page_form([("decision", "`allow` or `deny`.")]);
    let operation = Operation::new(TAG, "POST", "/consent", "submitConsentPage", "Takes the answer.");
    to_client(with_request(operation).takes_form(form))
}

fn flow(operation: Operation) -> Operation {
    with_request(operation).query("flow", "The password reset.").query("token", "The secret of the mailed link.")
}

fn recover_page() -> Operation {
    flow(Operation::new(TAG, "GET", "/recover", "showPasswordResetPage", "Shows a step of the password reset."))
        .describe("Without `flow` it asks for the address. Opening the mailed link changes nothing.")
        .page(200, "The step.")
        .page(410, "The link or the flow is over.")
        .redirects("To the client with an error of its authorization request.")
}

fn recover() -> Operation {
    let form = page_form([
        ("identifier", "The e-mail address: the first step."),
        ("code", "The code from the mail."),
        ("password", "The new password."),
        ("disown", "\"I did not ask for this\" ends the flow."),
    ]);
    flow(Operation::new(TAG, "POST", "/recover", "submitPasswordResetPage", "Takes a step of the password reset."))
        .describe("The first step looks nothing up: the answer is the same for every address.")
        .takes_form(form)
        .redirects("To the next step.")
        .page(200, "A form that posts an error to the client (`response_mode=form_post`).")
        .page(400, "The step with what is wrong.")
        .page(429, "Too many mails were requested for this address from here today: the page says how long to wait.")
}

const LOGOUT: [(&str, &str); 5] = [
    (
        "id_token_hint",
        "An ID token of the user. With it, no page asks. One that cannot be verified is named, and the page asks.",
    ),
    ("client_id", "The client."),
    ("post_logout_redirect_uri", "Where to continue: one that the client registered."),
    ("state", "Comes back with the redirect."),
    ("ui_locales", "The language of the page."),
];

fn with_logout(operation: Operation) -> Operation {
    LOGOUT.iter().fold(operation, |operation, (name, text)| operation.query(name, text))
}

fn logout() -> Operation {
    let operation = Operation::new(TAG, "GET", "/oauth2/logout", "logOut", "Signs out (OpenID Connect RP-Initiated Logout).");
    with_logout(operation)
        .page(200, "A page that asks, or one that says that the user is signed out.")
        .page(400, "The request is not valid: the page says why, and asks a signed-in user.")
        .redirects("To `post_logout_redirect_uri`.")
}

fn logout_by_post() -> Operation {
    let mut form = open_object([], "The parameters of the request; or the answer of the page that asks.");
    for (name, description) in LOGOUT {
        form["properties"][name] = text(description);
    }
    form["properties"]["confirm"] = text("The answer of the page that asks.");
    form["properties"]["anti_forgery"] = json!({ "type": "string", "description": "The hidden value of the page's form." });
    let operation = Operation::new(TAG, "POST", "/oauth2/logout", "logOutByPost", "Signs out, or continues as GET.");
    with_logout(operation)
        .takes_form(form)
        .page(400, "The request is not valid: the page says why.")
        .redirects("To `post_logout_redirect_uri`, to the page that says so, or to the same request as GET.")
}
