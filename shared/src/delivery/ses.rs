//! Sends mails through Amazon SES (API v2), as HTML and text in UTF-8, from the tenant's sender.

use super::{Mail, SendError, reason};
use crate::domain::identifier::EmailAddress;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use data_encoding::BASE64;

/// The tag with the id of the audit record. A bounce or a complaint has this tag.
const EVENT_TAG: &str = "event_id";

/// Sends a mail. SES has no idempotency key, so if there is no response, the mail may have been sent.
pub(super) async fn send(client: &Client, mail: &Mail) -> Result<(), SendError> {
    let request = client
        .send_email()
        .from_email_address(mailbox(&mail.from))
        .destination(Destination::builder().to_addresses(&mail.to).build())
        .content(content(mail).map_err(build_error)?)
        .email_tags(MessageTag::builder().name(EVENT_TAG).value(&mail.id).build().map_err(build_error)?);
    request.send().await.map_err(|error| not_sent(&error))?;
    Ok(())
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().charset("UTF-8").data(text).build();
    let body = Body::builder().html(utf8(&mail.html)?).text(utf8(&mail.text)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

fn build_error(_: BuildError) -> SendError {
    SendError::Refused("the request could not be built".to_owned())
}

fn not_sent<R>(error: &SdkError<SendEmailError, R>) -> SendError {
    let code = reason(error);
    let is_refusal = error.as_service_error().is_some_and(|error| {
        error.is_account_suspended_exception()
            || error.is_bad_request_exception()
            || error.is_mail_from_domain_not_verified_exception()
            || error.is_message_rejected()
            || error.is_not_found_exception()
            || error.is_sending_paused_exception()
    });
    if is_refusal { SendError::Refused(code) } else { SendError::Unavailable(code) }
}

/// Formats a sender for a header in ASCII (RFC 5322 §3.4). A name with non-ASCII characters becomes encoded words, a name with special
/// characters is quoted, and a domain becomes A-labels. An ASCII address is not changed, because SES compares it with the verified one.
fn mailbox(sender: &str) -> String {
    let (name, address) = match sender.split_once('<') {
        Some((name, address)) => (name.trim().trim_matches('"'), address.trim_end_matches('>')),
        None => ("", sender),
    };
    let address = match EmailAddress::parse(address) {
        Ok(canonical) if !address.is_ascii() => canonical.as_str().to_owned(),
        Ok(_) | Err(_) => address.to_owned(),
    };
    if name.is_empty() {
        address
    } else if !name.is_ascii() {
        format!("{} <{address}>", encoded_words(name))
    } else if name.chars().all(|c| c.is_ascii_alphanumeric() || " -'&+!".contains(c)) {
        format!("{name} <{address}>")
    } else {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\" <{address}>")
    }
}

/// Encoded words (RFC 2047 §2): at most 75 characters each, and no character is split.
fn encoded_words(text: &str) -> String {
    const BYTES: usize = 45;
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= BYTES => word.push(c),
            Some(_) | None => words.push(c.to_string()),
        }
    }
    let words: Vec<_> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes()))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_formatted_for_an_ascii_header() {
        for (sender, header) in [
            ("no-reply@example.com", "no-reply@example.com"),
            ("Shop <No-Reply@Example.com>", "Shop <No-Reply@Example.com>"),
            ("Ada & Sons, Inc. <a@example.com>", "\"Ada & Sons, Inc.\" <a@example.com>"),
            ("\"Shop, the \\ best\" <a@example.com>", "\"Shop, the \\\\ best\" <a@example.com>"),
            ("Müller <a@müller.example>", "=?UTF-8?B?TcO8bGxlcg==?= <a@xn--mller-kva.example>"),
            ("<a@example.com>", "a@example.com"),
        ] {
            assert_eq!(mailbox(sender), header);
        }
        let long = mailbox(&format!("{} <a@example.com>", "ü".repeat(100)));
        assert!(long.is_ascii() && long.split(' ').all(|word| word.len() <= 75), "{long}");
    }
}
