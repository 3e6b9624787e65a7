//! The operations of the profile function: the JSON calls, and the account pages.

use super::builder::{Caller, Operation, Tag};
use super::schemas::{boolean, by_locale, list, moment, nullable, object, one_of, page_form, schema, text};
use latchkey::domain::oauth::scope::ACCOUNT;
use latchkey::web::problem::ProblemKind;
use serde_json::{Value, json};

/// A parameter of pages that the offer of a passkey leads to.
pub(super) const OFFER: &str = "The page of a sign-in to return to: `/login/passkey/offer` or `/login/enroll`.";

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        read_profile(),
        edit_profile(),
        delete_account(),
        change_password(),
        change_email(),
        verify_email(),
        list_sessions(),
        end_session(),
        list_consents(),
        withdraw_consent(),
        list_terms(),
        accept_terms(),
        withdraw_terms(),
        restore_account(),
    ];
    operations.extend(pages());
    operations
}

/// A call with an access token for the account of the token.
pub(super) fn call(tag: Tag, method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(tag, method, path, id, summary).caller(Caller::Token(ACCOUNT)).problems(&[ProblemKind::InvalidToken])
}

fn own(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    call(Tag::SelfService, method, path, id, summary)
}

/// A call that needs a sign-in of the last five minutes (RFC 9470).
pub(super) fn fresh(operation: Operation) -> Operation {
    operation.problems(&[ProblemKind::InsufficientUserAuthentication])
}

fn read_profile() -> Operation {
    own("GET", "/v1/me", "readProfile", "Reads the profile.")
        .answers(200, "Every claim by its OpenID Connect name.", schema("Claims"))
        .header(200, "ETag", true, "Names this state of the claims.")
}

fn edit_profile() -> Operation {
    let patch = json!({
        "type": "object",
        "description": "A merge patch (RFC 7396): a member that is left out stays, `null` removes it. The fields are those of the \
                        tenant's registration form.",
        "additionalProperties": { "type": ["string", "boolean", "null"] },
    });
    let etag = json!({ "type": "string" });
    own("PATCH", "/v1/me", "editProfile", "Edits the profile.")
        .parameter("header", "If-Match", false, "The `ETag` that the edit was made from, or `*`.", etag)
        .takes_as(&["application/merge-patch+json", "application/json"], patch, true)
        .example(&json!({ "given_name": "Augusta", "phone_number": null }))
        .answers(200, "The claims after the edit.", schema("Claims"))
        .header(200, "ETag", true, "Names the new state of the claims.")
        .problems(&[ProblemKind::PreconditionFailed])
}

fn delete_account() -> Operation {
    let answer = object([("erasure_due", moment("When the account is erased. Until then it can be restored."))]);
    fresh(own("DELETE", "/v1/me", "deleteAccount", "Closes the account, to be erased later."))
        .describe("Sign-in and Latchkey's own endpoints stop at once. A mail has the link that restores the account.")
        .answers(202, "The account is closed.", answer)
}

fn change_password() -> Operation {
    let body = object([("current_password", text("The present password.")), ("new_password", text("The new password."))]);
    fresh(own("POST", "/v1/me/password", "changePassword", "Changes the password."))
        .takes(body)
        .example(&json!({ "current_password": "Ada rides 7 green bicycles", "new_password": "Ada sails 3 red boats" }))
        .empty(204, "Changed. Other sessions and grants have ended; the presenting ones live on.")
}

fn change_email() -> Operation {
    let body =
        object([("email", text("The new address. It gets a code.")), ("locale?", nullable("The language of the mail."))]);
    let answer = object([
        ("status", one_of(&["verification_required"], "What comes next: the code from the mail.")),
        ("expires_at", moment("Until when the new address can be proven.")),
    ]);
    fresh(own("POST", "/v1/me/email", "changeEmail", "Starts a change of the e-mail address."))
        .describe("The old address stays in force until the new one is proven, and is told. The answer is the same for every address.")
        .takes(body)
        .example(&json!({ "email": "augusta@example.com" }))
        .answers(202, "A code is on its way.", answer)
}

fn verify_email() -> Operation {
    let answer = object([("email_verified", json!({ "const": true }))]);
    own("POST", "/v1/me/email/verification", "verifyEmail", "Proves the new e-mail address.")
        .takes(object([("code", text("The code from the newest mail."))]))
        .example(&json!({ "code": "abcde23456" }))
        .answers(200, "The new address is in force.", answer)
        .problems(&[ProblemKind::InvalidCode, ProblemKind::AlreadyRegistered])
}

fn list_sessions() -> Operation {
    let session = object([
        ("sid", schema("SessionId")),
        ("device", nullable("What it runs on.")),
        ("place", nullable("The network, without the part that names a household.")),
        ("created_at", moment("When the user signed in.")),
        ("last_used_at", moment("When it was last used.")),
        ("expires_at", moment("When it ends at the latest.")),
        ("current", boolean("Whether the presented token came from it.")),
    ]);
    own("GET", "/v1/me/sessions", "listSessions", "Lists where the user is signed in.").answers(
        200,
        "The sessions.",
        object([("sessions", list(&session, "The newest first."))]),
    )
}

fn end_session() -> Operation {
    own("DELETE", "/v1/me/sessions/{sid}", "endSession", "Ends a session.")
        .path_parameter("sid", "The id of the session.")
        .empty(204, "The session has ended, and the offline grants that came from it.")
}

fn list_terms() -> Operation {
    let terms = object([
        ("document", text("The id of the document.")),
        ("version", text("The version in force.")),
        ("url", text("Where it can be read.")),
        ("required", boolean("Whether an account requires it.")),
        ("title", by_locale(&text("The title."), "The title by locale.")),
        ("accepted_version", nullable("The version that the user accepted.")),
        ("accepted_at", nullable("When the user accepted it.")),
    ]);
    own("GET", "/v1/me/terms", "listTerms", "Lists the documents, and what the user accepted.").answers(
        200,
        "The documents.",
        object([("terms", list(&terms, "In the order of the tenant document."))]),
    )
}

fn accept_terms() -> Operation {
    own("POST", "/v1/me/terms/{document}", "acceptTerms", "Accepts a document.")
        .path_parameter("document", "The document.")
        .takes(object([
            ("version", text("The version that was shown.")),
            ("locale?", nullable("The language that it was shown in.")),
        ]))
        .example(&json!({ "version": "2" }))
        .empty(204, "Accepted.")
        .problems(&[ProblemKind::NotFound])
}

fn withdraw_terms() -> Operation {
    own("DELETE", "/v1/me/terms/{document}", "withdrawTerms", "Withdraws the acceptance of an optional document.")
        .path_parameter("document", "The document.")
        .describe("An account requires a required document: its withdrawal is the deletion of the account.")
        .empty(204, "Withdrawn.")
        .problems(&[ProblemKind::NotFound, ProblemKind::Forbidden])
}

fn list_consents() -> Operation {
    let names = json!({
        "type": ["object", "null"],
        "description": "The name of the application by locale; null when the operator has removed it.",
        "additionalProperties": { "type": "string" },
    });
    let consent = object([
        ("client_id", text("The application.")),
        ("client_name", names),
        ("scope", text("What it may do.")),
        ("since", moment("Since when.")),
        ("consented", boolean("Whether the user allowed it; an application of the company's own needs no consent.")),
    ]);
    own("GET", "/v1/me/consents", "listConsents", "Lists the applications that may act for the user.").answers(
        200,
        "The applications.",
        object([("consents", list(&consent, "By consent, or by live grants."))]),
    )
}

fn withdraw_consent() -> Operation {
    own("DELETE", "/v1/me/consents/{client_id}", "withdrawConsent", "Ends what an application may do.")
        .path_parameter("client_id", "The application.")
        .empty(204, "Consent is withdrawn, and every token of that client has ended.")
}

fn restore_account() -> Operation {
    Operation::new(Tag::SelfService, "POST", "/v1/me/restoration", "restoreAccount", "Restores a closed account.")
        .describe("The secret of the mailed link and the code of the same mail are the only credentials.")
        .takes(object([("token", text("The secret of the mailed link.")), ("code", text("The code from the mail."))]))
        .empty(204, "The account is open again.")
        .problems(&[ProblemKind::InvalidCode])
}

/// A page that needs a session, by GET.
pub(super) fn page(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::AccountPages, "GET", path, id, summary)
        .caller(Caller::Session)
        .query("ui_locales", "The language of the page.")
        .page(200, "The page.")
        .redirects("To sign in, and back.")
}

/// Its form, by POST.
pub(super) fn submit(path: &'static str, id: &'static str, summary: &'static str, form: Value) -> Operation {
    Operation::new(Tag::AccountPages, "POST", path, id, summary)
        .caller(Caller::Session)
        .query("ui_locales", "The language of the page.")
        .takes_form(form)
        .redirects("Done: to the page that says so. Not signed in, or not lately: to sign in, and back.")
}

/// A page behind a mailed link, which opens anywhere.
fn linked(operation: Operation) -> Operation {
    operation
        .query("ui_locales", "The language of the page.")
        .query("token", "The secret of the mailed link.")
        .page(410, "The link is used or over.")
}

pub(super) fn linked_page(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    linked(Operation::new(Tag::AccountPages, "GET", path, id, summary))
        .describe("Opening the link changes nothing.")
        .page(200, "A form for the code of the same mail, or the page that says that it is done.")
}

pub(super) fn linked_submit(path: &'static str, id: &'static str, summary: &'static str, form: Value) -> Operation {
    linked(Operation::new(Tag::AccountPages, "POST", path, id, summary))
        .describe("Without the code from the mail nothing changes.")
        .takes_form(form)
        .page(400, "The form with what is wrong in it.")
        .redirects("Done, now or before: to the page that says so.")
}

fn pages() -> Vec<Operation> {
    let mut profile_form = page_form([("state", "The state that the form was filled in from.")]);
    profile_form["additionalProperties"] = json!({ "type": "string" });
    profile_form["description"] = "Besides these: each field of the tenant's form by its name.".into();
    let password_form = page_form([("password", "The present password."), ("new_password", "The new password.")]);
    let email_form = page_form([
        ("email", "The new address."),
        ("code", "The code from the mail."),
        ("cancel", "Ends the change."),
        ("disown", "\"I did not ask for this\", behind the mailed link."),
    ]);
    let undo_form = page_form([
        ("code", "The code from the mail."),
        ("password", "The new password."),
        ("close_newer", "Confirms that a newer account of the address is closed."),
        ("resend", "Asks for a mail with a code, for a link of a release that mailed none."),
    ]);
    let privacy_form = page_form([
        ("accept", "A document and its version, with a space between them."),
        ("withdraw", "An optional document."),
    ]);
    let restoration_form = page_form([("code", "The code from the mail.")]);
    let email_text = "The step that the change is at; or, with `token`, what the mailed link shows.";
    vec![
        page("/account", "showProfilePage", "Shows the profile.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser.")
            .query("draft", "What was typed before the sign-in, sealed for the browser."),
        submit("/account", "submitProfilePage", "Saves the profile.", profile_form)
            .page(400, "The form with what is wrong in it.")
            .page(409, "The profile was changed meanwhile."),
        page("/account/security", "showSecurityPage", "Shows password, address, and what happened lately.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        page("/account/password", "showPasswordPage", "Shows the form for a new password."),
        submit("/account/password", "submitPasswordPage", "Changes the password.", password_form)
            .page(400, "The form with what is wrong in it.")
            .page(429, "Too many wrong passwords: the page says how long to wait."),
        page("/account/passkeys", "showPasskeysPage", "Shows the passkeys of the account.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        submit(
            "/account/passkeys",
            "submitPasskeysPage",
            "Renames or removes a passkey.",
            page_form([("rename", "The passkey to rename."), ("name", "Its name."), ("remove", "The passkey to remove.")]),
        )
        .page(409, "The last way to sign in stays.")
        .page(429, "Too many changes in a day: the page says how long to wait."),
        page("/account/confirm-address", "showAddressProofPage", "Asks for a code from a mail.")
            .describe("Before a passkey is added or removed, or \"this wasn't me\" changes factors, unless the session has just shown two factors.")
            .query("next", "Where the user continues: `passkeys`, `new-passkey` or `not-me`.")
            .query("event", "The event that `not-me` is about.")
            .query("offer", OFFER),
        submit(
            "/account/confirm-address",
            "submitAddressProofPage",
            "Mails the code, or takes it.",
            page_form([("mail_code", "The code from the mail. Without it a code is mailed.")]),
        )
        .query("next", "Where the user continues.")
        .query("offer", OFFER)
        .query("event", "The event that `not-me` is about.")
        .page(400, "The code is wrong or over.")
        .page(429, "Too many mails: the page says how long to wait."),
        page("/account/passkeys/new", "showNewPasskeyPage", "Shows how to add a passkey.").query("offer", OFFER),
        submit(
            "/account/passkeys/new",
            "submitNewPasskeyPage",
            "Adds a passkey.",
            page_form([
                ("credential", "The credential as JSON (WebAuthn 3 §5.1)."),
                ("state", "The sealed challenge."),
                ("name", "A name."),
                ("end_others", "Set if all other sessions end."),
            ]),
        )
        .query("offer", OFFER)
        .page(400, "The passkey could not be verified.")
        .page(409, "The challenge is too old, or the account has as many passkeys as it can have.")
        .page(429, "Too many changes in a day: the page says how long to wait."),
        page("/account/email", "showEmailPage", "Shows the change of the e-mail address.")
            .describe(email_text)
            .query("token", "The secret of the mailed link.")
            .query("ended", "Says that the change has ended, in the browser that ended it.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser.")
            .query("draft", "What was typed before the sign-in, sealed for the browser.")
            .page(410, "The link is used or over."),
        submit("/account/email", "submitEmailPage", "Takes a step of the change.", email_form)
            .query("token", "The secret of the mailed link.")
            .page(400, "The step with what is wrong.")
            .page(409, "Another account has the address by now.")
            .page(410, "The link is used or over.")
            .page(429, "Too many new addresses in a day: the page says how long to wait."),
        linked_page("/account/email/undo", "showEmailUndoPage", "Shows the undo of a change of address.")
            .page(403, "The account is disabled."),
        linked_submit("/account/email/undo", "submitEmailUndoPage", "Puts the former address back in force.", undo_form)
            .page(200, "A mail with a code is sent, for a link of a release that mailed no code.")
            .page(403, "The account is disabled.")
            .page(409, "The former address has another account by now."),
        page("/account/sessions", "showSessionsPage", "Shows where the user is signed in.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        submit(
            "/account/sessions",
            "submitSessionsPage",
            "Ends a session, or all others.",
            page_form([("end", "The session to end; without it, all others.")]),
        ),
        page("/account/consents", "showConsentsPage", "Shows the applications that may act for the user.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        submit(
            "/account/consents",
            "submitConsentsPage",
            "Ends what an application may do.",
            page_form([("withdraw", "The application.")]),
        ),
        page("/account/privacy", "showPrivacyPage", "Shows what is kept, the export, and the deletion.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        submit("/account/privacy", "submitPrivacyPage", "Accepts or withdraws a document.", privacy_form),
        page("/account/delete", "showDeletionPage", "Shows what deleting the account means.")
            .query("closed", "A sealed value: the account is closed.")
            .query("check", "Binds that to the browser."),
        submit("/account/delete", "submitDeletionPage", "Closes the account, to be erased later.", page_form([])),
        linked_page("/account/restore", "showRestorationPage", "Shows the restoration of a closed account."),
        linked_submit("/account/restore", "submitRestorationPage", "Restores a closed account.", restoration_form),
    ]
}
