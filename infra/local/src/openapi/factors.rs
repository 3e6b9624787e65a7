//! The operations of the profile function on second factors: one JSON call, and the account pages.

use super::builder::{Operation, Tag};
use super::profile::{OFFER, call, linked_page, linked_submit, page, submit};
use super::schemas::{boolean, integer, moment, object, page_form};
use serde_json::{Value, json};

pub(super) fn operations() -> Vec<Operation> {
    let app_form = page_form([
        ("code", "The code that the app shows. Without it, the set-up begins."),
        ("send", "Mails a code to the address of the account."),
        ("mail_code", "The code from the mail."),
        ("end_others", "Whether all other sessions end."),
        ("cancel", "Gives up the set-up."),
    ]);
    let codes_form = page_form([
        ("code", "One of the codes, to show that they were kept. Without it, new codes are made."),
        ("codes", "The sealed codes that the page shows."),
        ("end_others", "Whether all other sessions end."),
    ]);
    let not_me_form = page_form([("code", "The code from the mail, behind its link.")]);
    vec![
        read_factors(),
        page("/account/two-step", "showTwoStepPage", "Shows the two-step sign-in of the account.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser."),
        submit(
            "/account/two-step",
            "submitTwoStepPage",
            "Forgets remembered devices: codes are asked for there again.",
            page_form([("forget", "The device, or `all`.")]),
        ),
        page("/account/two-step/app", "showAuthenticatorPage", "Shows the set-up of an authenticator app.")
            .query("offer", OFFER),
        submit("/account/two-step/app", "submitAuthenticatorPage", "Takes a step of the set-up.", app_form)
            .query("offer", OFFER)
            .page(400, "The step with what is wrong.")
            .page(429, "Too many changes in a day: the page says how long to wait."),
        page("/account/two-step/codes", "showRecoveryCodesPage", "Shows new recovery codes, or the form that makes them.")
            .query("codes", "The new codes, sealed for the browser.")
            .query("offer", OFFER),
        submit("/account/two-step/codes", "submitRecoveryCodesPage", "Makes new codes, or takes one of them.", codes_form)
            .query("offer", OFFER)
            .page(400, "The page with what is wrong.")
            .page(429, "Too many changes in a day: the page says how long to wait."),
        file(),
        page("/account/two-step/remove", "showRemovalPage", "Shows what the removal of the authenticator app means."),
        submit("/account/two-step/remove", "submitRemovalPage", "Removes the authenticator app.", page_form([]))
            .page(429, "Too many changes in a day: the page says how long to wait."),
        linked_page(
            "/account/lost-factor",
            "showRemovalCancelPage",
            "Shows the cancellation of a removal of lost second factors.",
        )
        .redirects("Without a link, to the security page."),
        linked_submit(
            "/account/lost-factor",
            "submitRemovalCancelPage",
            "Cancels it: with the code of the mail, or by one touch in a live session.",
            page_form([("code", "The code from the mail, behind its link.")]),
        ),
        linked_page("/account/not-me", "showNotMePage", "Shows what \"this wasn't me\" does.")
            .describe("For an event of the history, or behind the link of a mail. Opening it changes nothing.")
            .query("event", "The event, for a signed-in user.")
            .query("done", "Says what was done.")
            .query("check", "Binds that to the browser.")
            .redirects("To sign in, and back; or to prove the address first.")
            .page(409, "The address was changed since: the former address takes the account back."),
        linked_submit(
            "/account/not-me",
            "submitNotMePage",
            "Ends all sessions, and undoes changes of factors since.",
            not_me_form,
        )
        .query("event", "The event, for a signed-in user.")
        .page(200, "It was done before.")
        .page(409, "The address was changed since: the former address takes the account back."),
    ]
}

fn read_factors() -> Operation {
    let or_null = |schema: Value, text: &str| json!({ "oneOf": [schema, { "type": "null" }], "description": text });
    let app = object([("added_at", moment("When it was added."))]);
    let codes = object([("left", integer("How many can still be used.")), ("created_at", moment("When they were made."))]);
    let factors = object([
        ("protected", boolean("Whether each sign-in needs a second step.")),
        ("totp", or_null(app, "The authenticator app, if there is one.")),
        ("recovery_codes", or_null(codes, "The recovery codes, if there are any.")),
        ("passkeys", integer("The number of passkeys.")),
    ]);
    call(Tag::SelfService, "GET", "/v1/me/factors", "readFactors", "Reads the factors besides the password.")
        .describe("They change on the account pages only.")
        .answers(200, "The factors.", factors)
}

fn file() -> Operation {
    let text = json!({ "type": "string" });
    Operation::new(
        Tag::AccountPages,
        "GET",
        "/account/two-step/codes/file",
        "downloadRecoveryCodes",
        "The shown recovery codes as a file.",
    )
    .caller(super::builder::Caller::Session)
    .query("ui_locales", "The language of the file.")
    .query("codes", "The new codes, sealed for the browser.")
    .answers_as(200, "The codes, one in a line.", "text/plain", json!({ "schema": text }))
    .redirects("To sign in, and back; or to the page, if the codes are shown no more.")
}
