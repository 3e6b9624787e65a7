//! The findings: one line each, with what to do about it.

use crate::command_error::causes;
use crate::terminal::{Colour, columns, highlighted};
use serde::Serialize;
use std::error::Error;

/// All findings.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    verdict: Verdict,
    what: String,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// All is well.
    Ok,
    /// It works, but needs attention.
    Warn,
    /// Users or clients are turned away, or will be.
    Fail,
    /// Not checked.
    Skip,
}

impl Report {
    pub(super) fn ok(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.add(Verdict::Ok, what, found, None);
    }
    pub(super) fn warn(&mut self, what: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) {
        self.add(Verdict::Warn, what, found, Some(mend.into()));
    }
    pub(super) fn fail(&mut self, what: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) {
        self.add(Verdict::Fail, what, found, Some(mend.into()));
    }
    pub(super) fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.add(Verdict::Skip, what, why, None);
    }
    /// One finding for several conditions: ok if `wrong` is empty, else a failure with `mend` as its remedy.
    pub(super) fn check_all(&mut self, what: impl Into<String>, well: &str, wrong: &[&str], mend: &str) {
        if wrong.is_empty() {
            self.ok(what, well);
        } else {
            self.fail(what, wrong.join("; "), mend);
        }
    }
    /// A check that could not read its subject.
    pub(super) fn unreadable(&mut self, what: impl Into<String>, error: &dyn Error) {
        let mend = "grant your AWS identity the permission named in the message, or check that the resource still exists";
        self.fail(what, format!("cannot be read: {}", causes(error)), mend);
    }
    fn add(&mut self, verdict: Verdict, what: impl Into<String>, found: impl Into<String>, mend: Option<String>) {
        self.findings.push(Finding { verdict, what: what.into(), found: found.into(), mend });
    }

    /// Whether no check failed.
    pub(super) fn is_ok(&self) -> bool {
        self.count(Verdict::Fail) == 0
    }
    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The report, for people.
    pub(super) fn render(&self, target: &str) -> String {
        let rows: Vec<[String; 3]> = self
            .findings
            .iter()
            .map(|finding| {
                let found = match &finding.mend {
                    Some(mend) => format!("{}. Fix: {mend}", finding.found),
                    None => finding.found.clone(),
                };
                [finding.verdict.label(), finding.what.clone(), found]
            })
            .collect();
        let counts = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Skip].map(|verdict| self.count(verdict));
        let [well, warned, failed, skipped] = counts;
        let skipped = if skipped > 0 { format!(", {skipped} not checked") } else { String::new() };
        format!("{target}\n{}{well} ok, {warned} to watch, {failed} to fix{skipped}\n", columns(&rows))
    }
}

impl Verdict {
    fn label(self) -> String {
        match self {
            Self::Ok => highlighted("ok  ", Colour::Green),
            Self::Warn => highlighted("warn", Colour::Yellow),
            Self::Fail => highlighted("fail", Colour::Red),
            Self::Skip => "skip".to_owned(),
        }
    }
}
