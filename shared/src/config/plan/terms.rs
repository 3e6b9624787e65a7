//! Compares the terms: who is asked for them, when, and what an acceptance is evidence of.

use super::effects::{Plan, day, reads_differently};
use crate::domain::tenant::TermsDocument;

pub(super) fn compare(plan: &mut Plan, now: &[TermsDocument], then: &[TermsDocument]) {
    let path = |name: &str| format!("registration.terms.{name}");
    for was in now.iter().filter(|was| !then.iter().any(|is| is.document == was.document)) {
        plan.notice(&path(&was.document), "no longer required; earlier acceptance remains recorded");
    }
    for is in then {
        let path = path(&is.document);
        let Some(was) = now.iter().find(|was| was.document == is.document) else {
            let words = if is.required { "must be accepted at registration" } else { "is offered at registration" };
            asks(plan, &path, is, format!("added, version {}: {words}", is.version));
            continue;
        };
        let is_same = was.version == is.version;
        if !is_same {
            asks(
                plan,
                &path,
                is,
                format!("version {} instead of {}: new registrations accept this one", is.version, was.version),
            );
        } else if is.required && (!was.required || (was.from, was.deadline()) != (is.from, is.deadline())) {
            asks(plan, &path, is, "must be accepted at registration".to_owned());
        }
        if was.required && !is.required {
            plan.notice(&path, "is optional at registration, and is not asked for at a sign-in; users can withdraw it");
        }
        if is_same && was.url != is.url {
            let words = "has another address under the same version: it must have the text that users accepted";
            plan.danger(&path, words);
        }
        if is_same && was.sha256 != is.sha256 && !was.sha256.0.is_empty() {
            let words =
                "has another text under the same version: earlier acceptances keep the hash of the text that they were given";
            plan.danger(&path, words);
        } else if was.sha256.0.is_empty() && !is.sha256.0.is_empty() {
            plan.notice(&path, "acceptances are evidence of the text from now on: they keep its hash");
        } else if is.sha256.0.is_empty() && !was.sha256.0.is_empty() {
            plan.notice(&path, "acceptances are no longer evidence of the text: they keep its address only");
        }
        if reads_differently(&was.title, &is.title) {
            plan.notice(&path, "has another title");
        }
    }
}

/// What a version means for sign-ins of existing users.
fn asks(plan: &mut Plan, path: &str, is: &TermsDocument, first: String) {
    match (is.required, is.from, is.deadline()) {
        (true, Some(from), Some(deadline)) => {
            let words = format!(
                "{first}; existing users are asked at a sign-in from {} on, and from {} on no application gets a code before they accept",
                day(from),
                day(deadline)
            );
            plan.danger(path, words);
        }
        (true, _, _) => {
            let words = "existing users are asked at each sign-in, and can always postpone it, as there is no `from`";
            plan.notice(path, format!("{first}; {words}"));
        }
        (false, _, _) => {
            plan.notice(path, format!("{first}; existing users are not asked, and can accept it in their account"))
        }
    }
}
