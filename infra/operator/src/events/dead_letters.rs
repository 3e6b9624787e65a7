//! Moves dead letters of the mail queue back to that queue.

use crate::command_error::CommandError;
use crate::target::Stack;
use crate::terminal::say;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use std::time::Duration;

/// The interval between two checks of a move task.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long a message is hidden from other consumers while it is moved, in seconds.
const VISIBILITY_TIMEOUT: i32 = 60;

/// The messages in the dead-letter queue of the mail queue.
pub(super) struct DeadLetters {
    client: Client,
    queue: String,
    letters: String,
    number: usize,
}

impl DeadLetters {
    /// Looks up the queues and counts the messages.
    pub(super) async fn find(stack: &Stack) -> Result<Self, CommandError> {
        let missing = |what: &str| CommandError::new(format!("the stack has no queue {what}: deploy the current template"));
        let queue = stack.resource("MailQueue").ok_or_else(|| missing("MailQueue"))?.to_owned();
        let letters = stack.resource("MailDeadLetters").ok_or_else(|| missing("MailDeadLetters"))?.to_owned();
        let mut found = Self { client: Client::new(&stack.aws), queue, letters, number: 0 };
        found.number = found.attribute(QueueAttributeName::ApproximateNumberOfMessages).await?.parse().unwrap_or_default();
        Ok(found)
    }

    async fn attribute(&self, name: QueueAttributeName) -> Result<String, CommandError> {
        let asked = self.client.get_queue_attributes().queue_url(&self.letters).attribute_names(name.clone()).send().await;
        let found = asked.map_err(|error| CommandError::caused_by("the dead letters cannot be read", &error))?;
        Ok(found.attributes.unwrap_or_default().remove(&name).unwrap_or_default())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number == 0
    }

    /// The summary line.
    pub(super) fn summary(&self) -> String {
        format!("mails that failed every attempt, in MailDeadLetters: {}\n", self.number)
    }

    /// Moves all messages back. Returns whether all were moved.
    pub(super) async fn redrive(&self) -> Result<bool, CommandError> {
        if self.is_empty() {
            return Ok(true);
        }
        let arn = self.attribute(QueueAttributeName::QueueArn).await?;
        // Two moves at once would send mails twice.
        let listed = self.client.list_message_move_tasks().source_arn(&arn).max_results(1).send().await;
        let tasks = listed.ok().and_then(|listed| listed.results).unwrap_or_default();
        if tasks.iter().any(|task| task.status.as_deref() == Some("RUNNING")) {
            say("  they are being moved already\n")?;
            return self.follow(&arn).await;
        }
        match self.client.start_message_move_task().source_arn(&arn).send().await {
            Ok(_) => self.follow(&arn).await,
            Err(error)
                if matches!(
                    error.code(),
                    Some("AWS.SimpleQueueService.UnsupportedOperation" | "InvalidAction" | "UnknownOperationException")
                ) =>
            {
                self.move_one_by_one().await
            }
            Err(error) => Err(CommandError::caused_by("the dead letters cannot be moved", &error)),
        }
    }

    /// SQS moves them on its own. This polls until the task has ended.
    async fn follow(&self, arn: &str) -> Result<bool, CommandError> {
        loop {
            let listed = self.client.list_message_move_tasks().source_arn(arn).max_results(1).send().await;
            let listed = listed.map_err(|error| {
                CommandError::caused_by("the dead letters are being moved, but their progress cannot be read", &error)
            })?;
            let Some(task) = listed.results.unwrap_or_default().into_iter().next() else {
                return Err(CommandError::new("SQS has no task that moves the dead letters"));
            };
            let status = task.status.unwrap_or_default();
            say(&format!(
                "  {} of {} moved back to the mail queue ({status})\n",
                task.approximate_number_of_messages_moved, self.number
            ))?;
            match status.as_str() {
                "COMPLETED" => return Ok(true),
                "RUNNING" => tokio::time::sleep(POLL_INTERVAL).await,
                _ => {
                    return Err(CommandError::new(format!(
                        "the dead letters were not all moved: {}",
                        task.failure_reason.unwrap_or(status)
                    )));
                }
            }
        }
    }

    /// For an SQS without move tasks: sends each message first, and removes it only then.
    async fn move_one_by_one(&self) -> Result<bool, CommandError> {
        let mut moved = 0;
        loop {
            let asked = self
                .client
                .receive_message()
                .queue_url(&self.letters)
                .max_number_of_messages(10)
                .visibility_timeout(VISIBILITY_TIMEOUT);
            let received = asked.message_attribute_names("All").send().await;
            let received = received.map_err(|error| CommandError::caused_by("the dead letters cannot be read", &error))?;
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                say(&format!("  {moved} of {} moved back to the mail queue\n", self.number))?;
                return Ok(moved >= self.number);
            }
            for message in messages {
                self.move_one(message).await?;
                moved += 1;
            }
        }
    }

    async fn move_one(&self, message: Message) -> Result<(), CommandError> {
        let sent = self.client.send_message().queue_url(&self.queue).set_message_body(message.body);
        let sent = sent.set_message_attributes(message.message_attributes).send().await;
        sent.map_err(|error| {
            CommandError::caused_by("a message could not be sent; it is still among the dead letters", &error)
        })?;
        let removed =
            self.client.delete_message().queue_url(&self.letters).set_receipt_handle(message.receipt_handle).send().await;
        removed.map(drop).map_err(|error| {
            CommandError::caused_by("a message was sent, but could not be removed from the dead letters", &error)
        })
    }
}
