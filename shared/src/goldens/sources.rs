//! Reading sources: enough of Rust to find texts and the names that serde gives.

use regex::Regex;
use std::path::{Path, PathBuf};

/// A file.
pub(super) struct Source {
    path: PathBuf,
    pub(super) text: String,
}

/// The files below these paths of the repository that have one of these extensions, in the order of their paths.
pub(super) fn sources(paths: &[&str], extensions: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let mut pending: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|ends| extensions.iter().any(|extension| *extension == ends)) {
            let text = std::fs::read_to_string(&path).expect("a text");
            files.push(Source { path, text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl Source {
    /// The file without comments and without what is compiled for tests only.
    pub(super) fn without_tests(&self) -> Self {
        let name = self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let folder = |name: &str| self.path.components().any(|part| part.as_os_str() == name);
        let is_test = ["tests", "fixture", "goldens"].iter().any(|word| name.ends_with(word))
            || ["tests", "goldens"].into_iter().any(folder)
            // Documents have goldens of their own, and no stored data or caller relies on figures.
            || ["openapi", "measure"].into_iter().any(folder);
        let mut text = String::new();
        let mut lines = if is_test { "" } else { &self.text }.lines().peekable();
        while let Some(line) = lines.next() {
            let begins_tests = |next: &&str| next.contains("mod ") && next.ends_with('{');
            if line == "#[cfg(test)]" && lines.peek().is_some_and(begins_tests) {
                break;
            }
            if !line.trim_start().starts_with("//") {
                text.push_str(line);
                text.push('\n');
            }
        }
        Self { path: self.path.clone(), text }
    }
    /// The bodies of functions with a signature that ends with one of these.
    pub(super) fn functions_that_return(&self, types: &[&str]) -> Vec<String> {
        let mut bodies = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let ends = types.iter().any(|of| line.trim_end().ends_with(&format!("{of} {{")));
            if line.contains("fn ") && ends {
                let indent = line.len() - line.trim_start().len();
                let end = format!("{}}}", " ".repeat(indent));
                bodies.push(lines.by_ref().take_while(|line| *line != end).collect::<Vec<_>>().join("\n"));
            }
        }
        bodies
    }
}

/// One line for each type of a file that derives `Serialize` or `Deserialize` and has names.
pub(super) fn serde_types(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let derives = |line: &str| line.contains("derive(") && (line.contains("Serialize") || line.contains("Deserialize"));
    let starts = lines.iter().enumerate().filter(|(_, line)| derives(line)).map(|(at, _)| at);
    starts.filter_map(|start| serde_type(&lines[start..])).collect()
}

fn serde_type(lines: &[&str]) -> Option<String> {
    let head = lines.iter().position(|line| line.contains("struct ") || line.contains("enum "))?;
    let container = lines[..head].concat();
    let case = attribute(&container, "rename_all");
    let tag = attribute(&container, "tag");
    let head_line = lines[head];
    if !head_line.trim_end().ends_with('{') {
        return None;
    }
    let indent = head_line.len() - head_line.trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let body: Vec<&str> = lines[head + 1..].iter().copied().take_while(|line| *line != end).collect();
    let members = if head_line.contains("enum ") {
        let variants = variants(&body, indent + 4, case.as_deref());
        match tag {
            Some(tag) => format!("{tag}: {}", variants.join(" | ")),
            None => variants.join(" | "),
        }
    } else {
        fields(&body, indent + 4, case.as_deref()).join(" ")
    };
    (!members.is_empty()).then_some(members)
}

/// Names of fields at this indent.
fn fields(body: &[&str], indent: usize, case: Option<&str>) -> Vec<String> {
    let field = Regex::new(r"^(?:pub(?:\([a-z ]+\))? )?(?:r#)?([a-z_][a-z0-9_]*): ").unwrap();
    let mut names = Vec::new();
    let mut attributes = String::new();
    for line in body {
        let text = line.trim_start();
        if line.len() - text.len() != indent {
            if !attributes.is_empty() && !attributes.ends_with(']') {
                attributes.push_str(text);
            }
            continue;
        }
        if text.starts_with('#') || (!attributes.is_empty() && !attributes.ends_with(']')) {
            attributes.push_str(text);
        } else if let Some(found) = field.captures(text) {
            names.extend(name(&found[1], &attributes, case));
            attributes.clear();
        } else {
            attributes.clear();
        }
    }
    names
}

fn variants(body: &[&str], indent: usize, case: Option<&str>) -> Vec<String> {
    let variant = Regex::new(r"^([A-Z][A-Za-z0-9]*)(.*)$").unwrap();
    let mut names = Vec::new();
    let mut attributes = String::new();
    for (at, line) in body.iter().enumerate() {
        let text = line.trim_start();
        if line.len() - text.len() != indent {
            continue;
        }
        if text.starts_with('#') {
            attributes.push_str(text);
            continue;
        }
        if let Some(found) = variant.captures(text) {
            let Some(mut name) = name(&found[1], &attributes, case) else { continue };
            if found[2].trim_end().ends_with('{') {
                let end = format!("{}}}", " ".repeat(indent));
                let inner: Vec<&str> =
                    body[at + 1..].iter().copied().take_while(|line| line.trim_end_matches(',') != end).collect();
                name.push_str(&format!(" {{{}}}", fields(&inner, indent + 4, None).join(" ")));
            }
            names.push(name);
        }
        attributes.clear();
    }
    names
}

/// What serde calls a member; nothing for one that it leaves out.
fn name(code: &str, attributes: &str, case: Option<&str>) -> Option<String> {
    if attributes.contains("(skip)") || attributes.contains("(skip,") || attributes.contains(", skip)") {
        return None;
    }
    let given = attribute(attributes, "rename").or_else(|| {
        let both = Regex::new(r#"rename\((?:serialize|deserialize) = "([^"]+)""#).unwrap();
        both.captures(attributes).map(|found| found[1].to_owned())
    });
    let name = given.unwrap_or_else(|| in_case(code, case));
    Some(if attributes.contains("flatten") { format!("..{name}") } else { name })
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let pattern = Regex::new(&format!(r#"\b{name} = "([^"]+)""#)).unwrap();
    pattern.captures(attributes).map(|found| found[1].to_owned())
}

fn in_case(code: &str, case: Option<&str>) -> String {
    let words = || {
        let mut text = String::new();
        for (at, c) in code.char_indices() {
            if c.is_ascii_uppercase() && at > 0 {
                text.push('_');
            }
            text.push(c.to_ascii_lowercase());
        }
        text
    };
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    let pascal = || words().split('_').map(capital).collect::<String>();
    match case {
        None => code.to_owned(),
        Some("snake_case") => words(),
        Some("kebab-case") => words().replace('_', "-"),
        Some("lowercase") => code.to_ascii_lowercase(),
        Some("UPPERCASE") => code.to_ascii_uppercase(),
        Some("SCREAMING_SNAKE_CASE") => words().to_ascii_uppercase(),
        Some("PascalCase") => pascal(),
        Some("camelCase") => {
            let pascal = pascal();
            let mut letters = pascal.chars();
            letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
        }
        Some(other) => panic!("rename_all = {other:?}"),
    }
}
