//! The log: one JSON object per line. A request that is a step of the funnel is also a metric.
//!
//! CloudWatch reads a metric from a line with `_aws` (embedded metric format). `tracing`'s fields cannot make this object, so this
//! formatter adds it, from our own texts and a number.

use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// The metric of a line: how often each step had which outcome, by method and over all methods.
const DIRECTIVE: &str =
    r#""Dimensions":[["step","outcome"],["step","method","outcome"]],"Metrics":[{"Name":"Steps","Unit":"Count"}]}]"#;
/// The namespace of the metric, unless the deployment names one of its own.
pub(super) const NAMESPACE: &str = "Latchkey";

/// One JSON object per line, with the request's span. Values are escaped, so no input can begin a new line (security 126).
#[derive(Debug, Clone)]
pub struct Lines<T>(Format<Json, T>, String);

impl Lines<()> {
    /// Without the time, because Lambda writes it beside each line.
    #[must_use]
    pub fn without_time() -> Self {
        Self(json().without_time(), directive(NAMESPACE))
    }
    /// With metrics in this namespace. A name that CloudWatch refuses is ignored.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        let is_usable = |c: char| c.is_ascii_alphanumeric() || "._-/#:".contains(c);
        let is_namespace = (1..=255).contains(&namespace.len()) && namespace.chars().all(is_usable);
        if is_namespace { Self(self.0, directive(namespace)) } else { self }
    }
}

impl Lines<tracing_subscriber::fmt::time::SystemTime> {
    /// With the time.
    #[must_use]
    pub fn with_time() -> Self {
        Self(json(), directive(NAMESPACE))
    }
}

fn directive(namespace: &str) -> String {
    format!(r#"[{{"Namespace":"{namespace}",{DIRECTIVE}"#)
}

fn json() -> Format<Json> {
    Format::default().json().flatten_event(true).with_current_span(true).with_span_list(false)
}

impl<S, N, T> FormatEvent<S, N> for Lines<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    T: FormatTime,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut metric = Metric::default();
        event.record(&mut metric);
        let Some(at) = metric.at.filter(|_| metric.counted) else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let object = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
        writeln!(writer, r#"{object},"_aws":{{"Timestamp":{at},"CloudWatchMetrics":{}}}}}"#, self.1)
    }
}

/// The fields of an event that make it a metric.
#[derive(Default)]
struct Metric {
    at: Option<i64>,
    counted: bool,
}

impl Visit for Metric {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "at" {
            self.at = Some(value);
        }
    }
    fn record_u64(&mut self, field: &Field, _: u64) {
        self.counted |= field.name() == "Steps";
    }
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The log of a function, at `info` and above.
pub fn json_lines<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    json_lines_in(NAMESPACE, writer)
}

/// As [`json_lines`], with metrics in this namespace.
pub(super) fn json_lines_in<W>(namespace: &str, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .event_format(Lines::without_time().in_namespace(namespace))
        .fmt_fields(JsonFields::new())
        .with_max_level(tracing::Level::INFO)
        .with_writer(writer)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Bytes(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Bytes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(subscriber: impl FnOnce(Bytes) -> Box<dyn Subscriber + Send + Sync>, log: impl FnOnce()) -> Vec<Value> {
        let bytes = Bytes::default();
        tracing::subscriber::with_default(subscriber(bytes.clone()), log);
        let text = String::from_utf8(bytes.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
    fn function(bytes: Bytes) -> Box<dyn Subscriber + Send + Sync> {
        Box::new(json_lines(move || bytes.clone()))
    }
    /// As written by the local gateway.
    fn gateway(bytes: Bytes) -> Box<dyn Subscriber + Send + Sync> {
        let format = tracing_subscriber::fmt().event_format(Lines::with_time()).fmt_fields(JsonFields::new());
        Box::new(format.with_writer(move || bytes.clone()).finish())
    }

    #[test]
    fn a_metric_adds_one_object_to_the_fields_of_its_line() {
        for subscriber in [function, gateway] {
            let lines = lines(subscriber, || {
                let _request = tracing::info_span!("request", tenant = "a\"}\r\n{\"_aws\":1").entered();
                tracing::info!(step = "sign_in", outcome = "}\n", Steps = 1_u64, at = 5_i64, "answered");
                tracing::info!(at = 5_i64, "no metric");
                tracing::info!(Steps = 1_u64, "no time");
            });
            let [metric, other, timeless] = &lines[..] else { panic!("{lines:?}") };
            let directive: Value = serde_json::from_str(&directive(NAMESPACE)).unwrap();
            assert_eq!(metric["_aws"], json!({ "Timestamp": 5, "CloudWatchMetrics": directive }));
            assert_eq!((&metric["step"], &metric["outcome"], &metric["Steps"]), (&json!("sign_in"), &json!("}\n"), &json!(1)));
            assert_eq!(metric["span"]["tenant"], "a\"}\r\n{\"_aws\":1");
            assert!(other.get("_aws").is_none() && timeless.get("_aws").is_none());
        }
    }

    /// Two stacks of one account count apart.
    #[test]
    fn a_deployment_has_its_own_namespace() {
        for (given, expected) in
            [("Latchkey/shop-1", "Latchkey/shop-1"), ("", "Latchkey"), ("a\",\"b", "Latchkey"), (&*"x".repeat(256), "Latchkey")]
        {
            let lines = lines(
                |bytes| Box::new(json_lines_in(given, move || bytes.clone())),
                || tracing::info!(step = "sign_in", outcome = "ok", Steps = 1_u64, at = 5_i64, "answered"),
            );
            assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], expected);
        }
    }
}
