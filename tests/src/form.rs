//! Reads the forms and links of a page. Supports the HTML that our templates use, and no more.

/// A form as a browser submits it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// The action, as written. Empty for the page's own URL.
    pub action: String,
    /// `get` or `events_fixture`.
    pub method: String,
    /// Names and values of the controls that a browser sends, in order, without buttons.
    pub fields: Vec<(String, String)>,
    /// The submit buttons.
    pub buttons: Vec<Button>,
}

/// A submit button.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Button {
    /// `id`, without `#`.
    pub id: String,
    /// The name and value that this button sends, if it has a name.
    pub field: Option<(String, String)>,
    /// The `formaction`: overrides the form's action.
    pub action: Option<String>,
}

/// A tag with decoded attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name in lower case. `/form` for an end tag.
    pub name: String,
    /// The attributes in order. The value of a bare attribute is empty.
    pub attributes: Vec<(String, String)>,
    /// The text up to the next tag, decoded.
    pub text: String,
}

impl Tag {
    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    fn field(&self) -> Option<(String, String)> {
        let name = self.get("name").filter(|name| !name.is_empty())?;
        Some((name.to_owned(), self.get("value").unwrap_or_default().to_owned()))
    }
}

/// Every tag of a page, in order. Skips the content of comments, scripts and styles.
#[must_use]
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if let Some(tag) = tags.last_mut() {
            tag.text.push_str(&decode(&rest[..start]));
        }
        rest = &rest[start + 1..];
        if rest.starts_with("!--") {
            rest = rest.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tag(rest) else { break };
        rest = after;
        if matches!(tag.name.as_str(), "script" | "style") {
            let end = format!("</{}", tag.name);
            rest = rest.find(&end).map_or("", |at| &rest[at..]);
        }
        tags.push(tag);
    }
    tags
}

fn tag(text: &str) -> Option<(Tag, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || c == '>')?;
    let name = text[..end].trim_end_matches('/').to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut rest = text[end..].trim_start();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Tag { name, attributes, text: String::new() }, after));
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
        let key = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = match after.chars().next()? {
                quote @ ('"' | '\'') => after[1..].split_once(quote)?,
                _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>')?),
            };
        }
        attributes.push((key, decode(value)));
    }
}

/// The forms of a page.
#[must_use]
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    let mut select: Option<(String, Option<String>)> = None;
    for tag in tags(html) {
        if tag.name == "form" {
            open = true;
            let method = tag.get("method").unwrap_or("get").to_ascii_lowercase();
            forms.push(Form { action: tag.get("action").unwrap_or_default().to_owned(), method, ..Form::default() });
            continue;
        }
        let Some(form) = forms.last_mut().filter(|_| open) else { continue };
        let disabled = tag.get("disabled").is_some();
        match tag.name.as_str() {
            "/form" => open = false,
            "input" if !disabled => match tag.get("type").unwrap_or("text") {
                "checkbox" | "radio" => {
                    if let (Some(_), Some((name, _))) = (tag.get("checked"), tag.field()) {
                        form.fields.push((name, tag.get("value").unwrap_or("on").to_owned()));
                    }
                }
                "submit" => form.buttons.push(button(&tag)),
                _ => form.fields.extend(tag.field()),
            },
            "button" if !disabled && tag.get("type").unwrap_or("submit") == "submit" => form.buttons.push(button(&tag)),
            "textarea" if !disabled => {
                form.fields.extend(tag.get("name").map(|name| (name.to_owned(), tag.text.clone())));
            }
            "select" if !disabled => select = tag.get("name").map(|name| (name.to_owned(), None)),
            "option" => {
                if let Some((_, chosen)) = &mut select
                    && (chosen.is_none() || tag.get("selected").is_some())
                {
                    *chosen = Some(tag.get("value").unwrap_or(tag.text.trim()).to_owned());
                }
            }
            "/select" => {
                if let Some((name, Some(value))) = select.take() {
                    form.fields.push((name, value));
                }
            }
            _ => {}
        }
    }
    forms
}

fn button(tag: &Tag) -> Button {
    Button {
        id: tag.get("id").unwrap_or_default().to_owned(),
        field: tag.field(),
        action: tag.get("formaction").map(str::to_owned),
    }
}

/// Decodes the character references that our templates write.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some((reference, after)) = rest[1..].split_once(';').filter(|(reference, _)| reference.len() <= 8) else {
            decoded.push('&');
            rest = &rest[1..];
            continue;
        };
        let character = match reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{a0}'),
            _ => reference.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
                None => number.parse().ok().and_then(char::from_u32),
            }),
        };
        match character {
            Some(character) => decoded.push(character),
            None => decoded.push_str(&format!("&{reference};")),
        }
        rest = after;
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_fields_that_a_browser_sends() {
        let html = r#"<style>a<b{}</style><form method="POST" action="&#x2f;login?a=1&amp;b=2">
            <input type=hidden name="csrf" value="x&quot;y"><input name="identifier" required>
            <input type="checkbox" name="no" value="1"><input type="checkbox" name="yes" checked>
            <select name="kind"><option value="">–</option><option value="b" selected>B</option></select>
            <textarea name="note">a &lt; b</textarea><input name="off" value="1" disabled>
            <button id="submit">Go</button><button id="deny" name="decision" value="deny">No</button></form><input name="out">"#;
        let form = forms(html).remove(0);
        assert_eq!((form.action.as_str(), form.method.as_str()), ("/login?a=1&b=2", "post"));
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [("csrf", "x\"y"), ("identifier", ""), ("yes", "on"), ("kind", "b"), ("note", "a < b")];
        assert_eq!(fields, expected);
        assert_eq!(form.buttons[0].id, "submit");
        assert_eq!(form.buttons[1].field, Some(("decision".to_owned(), "deny".to_owned())));
    }
}
