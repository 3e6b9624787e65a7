//! Moves the clock that every decision reads, and runs scheduled jobs on request.

use super::state::{PageError, Pages};
use crate::assemble;
use crate::gateway::state_table::EntryKind;
use axum::Json;
use axum::extract::State;
use jiff::SpanRelativeTo;
use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{JsonBody, Problem};
use retention::RetentionError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The farthest that the clock can move: 100 years.
const MAX_OFFSET: Span = Span::days(36_525);

/// How far to move the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    advance: String,
}

/// The clock after the move.
#[derive(Serialize)]
pub(super) struct MovedClock {
    now: String,
    ahead_seconds: i64,
}

/// `POST /dev/clock {"advance":"P30D"}`: moves the clock forward. The offset survives a restart.
pub(super) async fn advance(
    State(pages): State<Pages>,
    JsonBody(body): JsonBody<Advance>,
) -> Result<Json<MovedClock>, PageError> {
    let span = duration(&body.advance)?;
    let clock = &pages.services.clock;
    if clock.offset().as_millis().saturating_add(span.as_millis()) > MAX_OFFSET.as_millis() {
        return Err(invalid("The clock can move at most 100 years ahead.").into());
    }
    clock.advance(span);
    pages.state_table.put(EntryKind::ClockOffset, "clock", &clock.offset().as_millis()).await?;
    Ok(Json(MovedClock { now: clock.now().to_string(), ahead_seconds: clock.offset().as_seconds() }))
}

fn duration(text: &str) -> Result<Span, Problem> {
    let words =
        "`advance` must be a positive ISO 8601 duration in weeks, days, hours, minutes and seconds, such as P30D or PT15M.";
    // The library also reads "30 d"; the interface accepts only one spelling.
    let span = text.starts_with('P').then(|| text.parse::<jiff::Span>().ok()).flatten();
    let parsed = span.filter(|span| span.get_years() == 0 && span.get_months() == 0);
    let duration = parsed.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let millis =
        duration.filter(|duration| !duration.is_negative()).and_then(|duration| i64::try_from(duration.as_millis()).ok());
    millis.map(Span::millis).ok_or_else(|| invalid(words))
}

fn invalid(words: &str) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, words)
}

/// `POST /dev/run {"job":…}`: runs a scheduled job to its end and returns its summary. The events are those of the deployed schedule.
pub(super) async fn run(State(pages): State<Pages>, JsonBody(event): JsonBody<Value>) -> Result<Json<Value>, PageError> {
    match Box::pin(assemble::jobs(pages.services).handle(&event, Deadline::default())).await {
        Ok(summary) => Ok(Json(summary)),
        Err(RetentionError::Refused(words)) => Err(invalid(&format!("The job was refused: {words}.")).into()),
        Err(
            error @ (RetentionError::Tenant(_)
            | RetentionError::Store(_)
            | RetentionError::Keys(_)
            | RetentionError::Busy
            | RetentionError::Tenants(_)
            | RetentionError::InvokeError(_)),
        ) => Err(PageError::from(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_takes_durations_of_fixed_length_forward() {
        for (text, seconds) in [("P30D", 2_592_000), ("PT15M", 900), ("P1W", 604_800), ("PT0S", 0)] {
            assert_eq!(duration(text).unwrap().as_seconds(), seconds, "{text}");
        }
        for text in ["", "30 d", "P1M", "P1Y", "-P1D", "PT-5M", "tomorrow", "P999999999W"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
