//! Checks queues, dead letters, the stream's failed batches, and the event source mappings.

use super::report::Report;
use crate::target::Stack;
use aws_sdk_sqs::types::QueueAttributeName;

pub(super) async fn check(report: &mut Report, stack: &Stack) {
    let sqs = aws_sdk_sqs::Client::new(&stack.aws);
    for (logical, mend) in [
        ("MailDeadLetters", "see the log of Events for the reason, fix it, then run `latchkey events redrive`"),
        ("RetentionDeadLetters", "see the log of Retention for the reason; the next hour's run does what was left"),
    ] {
        check_dead_letters(report, &sqs, stack, logical, mend).await;
    }
    check_failures(report, stack).await;
    let lambda = aws_sdk_lambda::Client::new(&stack.aws);
    for (logical, what) in [("EventsFromStream", "the stream is read"), ("EventsFromMailQueue", "the mail queue is read")] {
        check_mapping(report, &lambda, stack, logical, what).await;
    }
}

async fn check_dead_letters(report: &mut Report, client: &aws_sdk_sqs::Client, stack: &Stack, logical: &str, mend: &str) {
    let Some(queue) = stack.resource(logical) else {
        return report.fail(logical, "the stack does not have it", "deploy the current template");
    };
    let asked = client.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
    match asked.send().await {
        Err(error) => report.unreadable(logical, &error),
        Ok(found) => {
            let waiting = found.attributes.unwrap_or_default().remove(&QueueAttributeName::ApproximateNumberOfMessages);
            match waiting.as_deref() {
                Some("0") => report.ok(logical, "empty"),
                Some(number) => report.fail(logical, format!("{number} messages that failed every attempt"), mend),
                None => report.fail(logical, "SQS did not return the number of messages", "try again"),
            }
        }
    }
}

async fn check_failures(report: &mut Report, stack: &Stack) {
    let Some(bucket) = stack.resource("StreamFailures") else {
        return report.fail("StreamFailures", "the stack does not have it", "deploy the current template");
    };
    match aws_sdk_s3::Client::from_conf(crate::events::s3_config(stack)).list_objects_v2().bucket(bucket).send().await {
        Err(error) => report.unreadable("StreamFailures", &error),
        Ok(found) => match found.contents().len() {
            0 => report.ok("StreamFailures", "empty"),
            number => {
                let more = if found.is_truncated() == Some(true) { "more than " } else { "" };
                let mend = "see the log of Events for the reason, fix it, then run `latchkey events redrive`";
                report.fail(
                    "StreamFailures",
                    format!("{more}{number} batches that failed every attempt, kept for two weeks"),
                    mend,
                );
            }
        },
    }
}

async fn check_mapping(report: &mut Report, client: &aws_sdk_lambda::Client, stack: &Stack, logical: &str, what: &str) {
    let Some(resource) = stack.resource(logical) else {
        return report.fail(logical, "the stack does not have it", "deploy the current template");
    };
    match client.get_event_source_mapping().uuid(resource).send().await {
        Err(error) => report.unreadable(logical, &error),
        Ok(found) if found.state.as_deref() == Some("Enabled") => report.ok(logical, what),
        Ok(found) => {
            let state = found.state.unwrap_or_else(|| "in an unknown state".to_owned());
            report.fail(logical, format!("it is {state}, so no messages are read"), "enable it in Lambda, or deploy again");
        }
    }
}
