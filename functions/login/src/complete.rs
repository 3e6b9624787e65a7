//! `/complete`: what is due of the user after a sign-in: new terms, and required fields that are missing.
//!
//! 1. Require a live session. Otherwise go back to where the user signs in.
//! 2. Compare the account with the tenant document. If nothing is due, say so in its state and continue.
//! 3. Show what is due: overdue terms alone, otherwise everything, with a button to postpone it. Export, deletion and sign-out stay
//!    reachable.
//! 4. The form is bound to this browser, this request and this session. What was accepted and filled in is written, and the request
//!    continues with a sealed marker. The same form again finds nothing due and continues, too.

use crate::pending::{InteractionResult, Pending};
use crate::respond;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use latchkey::domain::account::AccountState;
use latchkey::domain::change::{Change, Changes, Decision};
use latchkey::domain::form::fill;
use latchkey::domain::oauth::authorize::{AccountDue, Interactions};
use latchkey::domain::profile::Claims;
use latchkey::domain::requirements::{self, Due, are_satisfied, has_overdue_terms, satisfied_by, with_accepted};
use latchkey::domain::tenant::TermsDocument;
use latchkey::keys::SealedField;
use latchkey::locale::{FluentValue, date, message};
use latchkey::services::Tenant;
use latchkey::store::session::SessionSnapshot;
use latchkey::web::browser::{ANTI_FORGERY_FIELD, FormOrigin};
use latchkey::web::extract::FormBody;
use latchkey::web::funnel::Outcome;
use latchkey::web::requirements::{Given, in_force, record};
use latchkey::web::{Browser, Page, Params, Problem, TenantHandle, fields, session};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde_json::Map;
use std::collections::BTreeMap;

const PAGE: &str = "complete";
/// The prefix of a document's input name. No field name has a dot.
const TERMS_PREFIX: &str = "terms.";

/// What is due of the user of an authorization request. Nothing is read if the state says that nothing is due, or if this request asks for
/// nothing: it does not follow a sign-in, and no terms are overdue.
///
/// # Errors
/// If the store or a key fails.
pub async fn due_of(handle: &TenantHandle, found: &SessionSnapshot, interactions: Interactions) -> Result<AccountDue, Problem> {
    let (config, now, state) = (&handle.tenant.config.registration, handle.now(), &found.authentication);
    let asks = interactions.ask_after_sign_in(found.session.id) || has_overdue_terms(config, now);
    if are_satisfied(state.satisfied, config, now) || !asks {
        return Ok(AccountDue::Nothing);
    }
    let Some(given) = Given::load(handle, state).await? else { return Ok(AccountDue::Nothing) };
    let due = given.due(handle);
    Ok(match in_force(handle) {
        Some(required) if due.is_empty() => AccountDue::NotRecorded(required),
        _ if due.is_empty() => AccountDue::Nothing,
        _ if due.is_overdue(now) => AccountDue::Overdue,
        _ => AccountDue::Postponable,
    })
}

/// Shows what is due, or continues.
///
/// # Errors
/// If the store or a key fails.
pub async fn get(handle: TenantHandle, browser: Browser, uri: Uri) -> Result<Response, Problem> {
    let view = match View::open(&handle, &browser, &uri).await? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    view.show_or_continue(Shown::default()).await
}

/// Handles what the user accepted and filled in.
///
/// # Errors
/// If the form does not belong to this browser, or the store or a key fails.
pub async fn post(handle: TenantHandle, browser: Browser, uri: Uri, FormBody(form): FormBody) -> Result<Response, Problem> {
    let view = match View::open(&handle, &browser, &uri).await? {
        Ok(view) => view,
        Err(response) => return Ok(response),
    };
    let typed = typed(&form);
    let origin = browser.check_kept_form(&handle.tenant, PAGE, &view.form_context(), form.one(ANTI_FORGERY_FIELD)?)?;
    if origin == FormOrigin::Stale {
        let notice = Some(message(&view.locale, "form-stale", []));
        let shown = Shown { typed, notice, status: StatusCode::FORBIDDEN, ..Shown::default() };
        return Ok(Outcome::Expired.tag(view.show_or_continue(shown).await?));
    }
    if form.one("decision")? == Some("later") {
        return view.postpone().await;
    }
    let decide = || async {
        let Some(found) = session::find(&handle, &browser, None).await? else { return Ok(Decision::unchanged(Answer::Ended)) };
        let Some(given) = Given::load(&handle, &found.authentication).await? else {
            return Ok::<_, Problem>(Decision::unchanged(Answer::Ended));
        };
        accept(&handle, &view.locale, &found.authentication, &given, &typed)
    };
    match handle.tenant.store.decide(&handle.request, decide).await? {
        Answer::Accepted { is_complete: true } => Ok(browser.answer(view.proceed()?)),
        // Missing fields come after overdue terms, on a page of their own.
        Answer::Accepted { is_complete: false } => {
            Ok(browser.answer(respond::see_other(&view.pending.continue_at(&handle.tenant, "/complete"))))
        }
        Answer::Flawed(errors) => {
            let shown = Shown { typed, errors, status: StatusCode::BAD_REQUEST, ..Shown::default() };
            Ok(Outcome::Refused.tag(view.show_or_continue(shown).await?))
        }
        Answer::Ended => Ok(Outcome::Expired.tag(respond::see_other(&view.sign_in()))),
    }
}

/// The outcome of a form.
enum Answer {
    Accepted {
        /// Nothing else is due.
        is_complete: bool,
    },
    /// Error messages with the names of their inputs.
    Flawed(Vec<(String, String)>),
    /// The session ended meanwhile.
    Ended,
}

/// The inputs of the form by name.
fn typed(form: &Params) -> Map<String, serde_json::Value> {
    let is_own = |name: &str| ![ANTI_FORGERY_FIELD, "decision"].contains(&name);
    form.iter().filter(|(name, _)| is_own(name)).map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Accepts the terms that were asked for, and fills in the fields. The claims first: after a crash between the two only the terms are asked for
/// again.
fn accept(
    handle: &TenantHandle,
    locale: &str,
    state: &AccountState,
    given: &Given,
    typed: &Map<String, serde_json::Value>,
) -> Result<Decision<Answer>, Problem> {
    let (config, now) = (&handle.tenant.config, handle.now());
    let Due { terms, fields: missing } = given.due(handle).asked(now);
    let mut errors: Vec<(String, String)> = terms.iter().filter_map(|terms| refuse(terms, locale, typed)).collect();
    let filled = fill(&config.registration.fields, &missing, &given.claims.0, typed, now);
    if let Err(flaws) = &filled {
        errors.extend(flaws.iter().map(|(name, flaw)| (name.clone(), fields::field_flaw(config, locale, name, flaw))));
    }
    let claims = match filled {
        Ok(claims) if errors.is_empty() => Claims(claims),
        Ok(_) | Err(_) => return Ok(Decision::unchanged(Answer::Flawed(errors))),
    };
    let mut changes = Changes::default();
    if claims != given.claims {
        let plain = serde_json::to_vec(&claims).map_err(|_| Problem::internal())?;
        let profile = given.profile.with_claims(given.key.seal(SealedField::Profile, &plain)?, now);
        changes = changes.then(Change::update_profile(profile));
    }
    let new = terms.iter().map(|terms| terms.accepted(locale, now)).collect();
    let accepted = with_accepted(&given.accepted, new);
    let satisfied = satisfied_by(&config.registration, &claims, &accepted, now);
    if !terms.is_empty() {
        let state = requirements::satisfy(state, satisfied);
        changes = changes.then(Change::accept_terms(state, given.next_terms(accepted)));
    } else if satisfied.is_some() {
        changes = Changes(changes.0.into_iter().chain(record(handle, state)).collect());
    }
    Ok(Decision { changes, outcome: Answer::Accepted { is_complete: satisfied.is_some() } })
}

/// The error of a document that was not accepted in the version that is in force.
fn refuse(terms: &TermsDocument, locale: &str, typed: &Map<String, serde_json::Value>) -> Option<(String, String)> {
    let name = format!("{TERMS_PREFIX}{}", terms.document);
    let id = match typed.get(&name).and_then(|version| version.as_str()) {
        Some(version) if version == terms.version => return None,
        Some(_) => "register-terms-superseded",
        None => "complete-terms-required",
    };
    Some((name, message(locale, id, [])))
}

/// The page of one signed-in user and one request.
struct View<'a> {
    handle: &'a TenantHandle,
    browser: &'a Browser,
    uri: &'a Uri,
    pending: Pending,
    found: SessionSnapshot,
    locale: String,
}

/// What the page shows besides what is due.
struct Shown {
    typed: Map<String, serde_json::Value>,
    errors: Vec<(String, String)>,
    notice: Option<String>,
    status: StatusCode,
}

impl Default for Shown {
    fn default() -> Self {
        Self { typed: Map::new(), errors: Vec::new(), notice: None, status: StatusCode::OK }
    }
}

impl<'a> View<'a> {
    /// The page, or the response to a request that is refused or has no session.
    async fn open(handle: &'a TenantHandle, browser: &'a Browser, uri: &'a Uri) -> Result<Result<Self, Response>, Problem> {
        let tenant = &handle.tenant;
        let pending = Pending::find(handle, uri).await?;
        let locale = browser.locale(tenant, pending.hint("ui_locales"));
        if let Err(refusal) = pending.request(tenant) {
            return Ok(Err(respond::refuse(tenant, &locale, &refusal)));
        }
        Ok(match session::find(handle, browser, None).await? {
            Some(found) => Ok(Self { handle, browser, uri, pending, found, locale }),
            None => Err(respond::see_other(&sign_in(tenant, &pending))),
        })
    }
    fn sign_in(&self) -> String {
        sign_in(&self.handle.tenant, &self.pending)
    }
    fn form_context(&self) -> String {
        format!("{}\n{}", self.pending.context(), self.found.session.id)
    }
    /// Continues without what is due, if it can be postponed.
    async fn postpone(&self) -> Result<Response, Problem> {
        let is_overdue = match Given::load(self.handle, &self.found.authentication).await? {
            Some(given) => given.due(self.handle).is_overdue(self.handle.now()),
            None => false,
        };
        if !is_overdue {
            return Ok(Outcome::Denied.tag(self.proceed()?));
        }
        let notice = Some(message(&self.locale, "complete-overdue", []));
        let shown = Shown { notice, status: StatusCode::CONFLICT, ..Shown::default() };
        Ok(Outcome::Refused.tag(self.show_or_continue(shown).await?))
    }
    /// Back to the request, or to the account page.
    fn proceed(&self) -> Result<Response, Problem> {
        let (tenant, sid) = (&self.handle.tenant, self.found.session.id);
        let location = if self.pending.is_request() {
            self.pending.address_with_result(tenant, InteractionResult::Completed, sid, self.handle.now())?
        } else {
            self.pending.return_to(tenant).map_or_else(|| self.pending.continue_at(tenant, "/login"), str::to_owned)
        };
        Ok(respond::see_other(&location))
    }
    /// As [`Self::proceed`], but the request gets no marker.
    fn unmarked(&self) -> String {
        let tenant = &self.handle.tenant;
        let at = if self.pending.is_request() { "/oauth2/authorize" } else { "/login" };
        self.pending.return_to(tenant).map_or_else(|| self.pending.continue_at(tenant, at), str::to_owned)
    }
    /// Shows what is due. If nothing is, says so in the account's state and continues.
    async fn show_or_continue(&self, shown: Shown) -> Result<Response, Problem> {
        let decide = || async {
            let Some(found) = session::find(self.handle, self.browser, None).await? else {
                return Ok(Decision::unchanged(None));
            };
            let Some(given) = Given::load(self.handle, &found.authentication).await? else {
                return Ok(Decision::unchanged(None));
            };
            let is_due = !given.due(self.handle).is_empty();
            let recorded = record(self.handle, &found.authentication).filter(|_| !is_due);
            let changes = Changes(recorded.into_iter().collect());
            Ok::<_, Problem>(Decision { changes, outcome: is_due.then_some(given) })
        };
        match self.handle.tenant.store.decide(&self.handle.request, decide).await? {
            Some(given) => Ok(self.render(&given, shown)),
            // No form was answered: the sign-in before it counts no longer than it did.
            None => Ok(self.browser.answer(respond::see_other(&self.unmarked()))),
        }
    }
    fn render(&self, given: &Given, shown: Shown) -> Response {
        let Self { handle, browser, locale, .. } = self;
        let tenant = &handle.tenant;
        let due = given.due(handle);
        let (deadline, is_overdue) = (due.deadline(), due.is_overdue(handle.now()));
        let due = due.asked(handle.now());
        let row = |terms: &&TermsDocument| {
            let name = format!("{TERMS_PREFIX}{}", terms.document);
            let accepted = shown.typed.get(&name).and_then(|version| version.as_str()) == Some(terms.version.as_str());
            let (title, text) = (terms.title.get(locale), terms.text.get(locale));
            context! { name, version => terms.version.clone(), title, url => terms.url.clone(), text, accepted }
        };
        let rows: Vec<Value> = due.terms.iter().map(row).collect();
        let errors: BTreeMap<String, String> = shown.errors.iter().cloned().collect();
        let inputs = fields::inputs_of(&tenant.config, &due.fields, locale, &shown.typed);
        let postponable = |at| message(locale, "complete-until", [("date", FluentValue::from(date(locale, at)))]);
        let values = context! {
            terms => rows,
            fields => Value::from(Serde(inputs)),
            errors,
            error_list => shown.errors,
            notice => shown.notice,
            is_overdue,
            until => deadline.filter(|_| !is_overdue).map(postponable),
            sign_out => respond::path(tenant, "/oauth2/logout"),
            export => respond::path(tenant, "/account/export"),
            delete => respond::path(tenant, "/account/delete"),
            anti_forgery => browser.anti_forgery(tenant, PAGE, &self.form_context()),
        };
        let mut page = Page::new(tenant, locale, "complete", values).status(shown.status);
        if self.pending.is_request() {
            page = page.ends_at_client();
        }
        browser.answer(page.languages(self.uri.query().unwrap_or_default()).into_response())
    }
}

/// Where a user without a session signs in.
fn sign_in(tenant: &Tenant, pending: &Pending) -> String {
    pending.continue_at(tenant, if pending.is_request() { "/oauth2/authorize" } else { "/login" })
}
