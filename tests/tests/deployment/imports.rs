//! The imports between source files, read from their text.
//!
//! 1. Comments, literals and test modules are blanked out.
//! 2. Each path of a `use` declaration (grouped, nested, renamed) and each inline path (`crate::`, `super::`, `self::`, a module in
//!    scope) is resolved to the file that defines what it names. Re-exports are followed.
//! 3. A `mod` declaration and a re-export are not an import.

#![expect(clippy::unwrap_used, reason = "a source that can not be read fails the test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// A path of modules: the crate's name first.
type Module = Vec<String>;

/// Which file imports which, and the names that it takes.
#[derive(Default)]
pub(crate) struct Imports(pub(crate) BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// One source file without its tests.
struct Source {
    name: String,
    module: Module,
    code: String,
    uses: Vec<Use>,
}

/// One path of a `use` declaration.
struct Use {
    /// The module that the declaration is in.
    within: Module,
    path: Vec<String>,
    /// The name in scope; `*` for a glob.
    alias: String,
    is_public: bool,
}

impl Imports {
    /// Reads the crates: each with its name in paths and the folder of its sources below `root`.
    pub(crate) fn read(root: &Path, crates: &[(String, String)]) -> Self {
        let mut sources = Vec::new();
        for (name, folder) in crates {
            let mut files = Vec::new();
            rust_files(&root.join(folder), &mut files);
            for file in files {
                let module = module_of(name, file.strip_prefix(root.join(folder)).unwrap());
                let shown = file.strip_prefix(root).unwrap().display().to_string();
                sources.push(read_source(shown, module, &fs::read_to_string(&file).unwrap()));
            }
        }
        let tests: BTreeSet<Module> = sources.iter().flat_map(|(_, tests)| tests.clone()).collect();
        let is_test = |source: &Source| {
            ["_tests.rs", "_fixture.rs"].iter().any(|end| source.name.ends_with(end))
                || tests.iter().any(|test| source.module.starts_with(test))
        };
        let sources = sources.into_iter().map(|(source, _)| source).filter(|source| !is_test(source)).collect();
        Resolver::new(crates, sources).imports()
    }

    /// The sets of files that import each other in a loop, each in alphabetical order.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let reachable: BTreeMap<&str, BTreeSet<&str>> = self.0.keys().map(|file| (file.as_str(), self.reach(file))).collect();
        let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
        for (file, reached) in &reachable {
            if reached.contains(file) {
                let is_mutual = |other: &&&str| reachable.get(**other).is_some_and(|back| back.contains(file));
                circles.insert(reached.iter().filter(is_mutual).copied().collect());
            }
        }
        circles.into_iter().collect()
    }

    fn reach(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = vec![from];
        while let Some(file) = open.pop() {
            for next in self.0.get(file).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

fn module_of(name: &str, file: &Path) -> Module {
    let mut module: Module = vec![name.to_owned()];
    module.extend(file.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()));
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// A source, and the modules of tests that it declares in files of their own.
fn read_source(name: String, module: Module, text: &str) -> (Source, Vec<Module>) {
    let (mut code, mut tests) = (blank_literals(text), Vec::new());
    while let Some(at) = code.find("#[cfg(test)]") {
        let rest = &code[at..];
        let end = at + rest.find(['{', ';']).unwrap_or(rest.len());
        let item = code[at..end].to_owned();
        let declared = item.split_once("mod ").map(|(_, name)| name.trim().to_owned());
        let end = if code[end..].starts_with('{') { closing(&code, end) } else { end };
        if let (Some(name), true) = (declared, code[end..].starts_with(';')) {
            tests.push(module.iter().cloned().chain([name]).collect());
        }
        blank(&mut code, at, (end + 1).min(text.len()));
    }
    let uses = read_uses(&mut code, &module);
    (Source { name, module, code, uses }, tests)
}

fn blank(code: &mut String, from: usize, to: usize) {
    let spaces: String = code[from..to].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    code.replace_range(from..to, &spaces);
}

/// The brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at;
        }
    }
    code.len() - 1
}

/// The text with comments and literals as spaces. What is not ASCII is replaced, so that each character is one byte.
fn blank_literals(text: &str) -> String {
    let text: Vec<char> = text.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let starts = |at: usize, with: &str| with.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    while at < text.len() {
        let begins_word = at == 0 || !(text[at - 1].is_alphanumeric() || text[at - 1] == '_');
        let end = if starts(at, "//") {
            (at..text.len()).find(|i| text[*i] == '\n').unwrap_or(text.len())
        } else if starts(at, "/*") {
            (at..text.len()).find(|i| starts(*i, "*/")).map_or(text.len(), |i| i + 2)
        } else if text[at] == '"' {
            end_of_text(&text, at + 1)
        } else if begins_word && matches!(text[at], 'r' | 'b') && raw_prefix(&text, at).is_some() {
            let (open, hashes) = raw_prefix(&text, at).unwrap();
            let close = format!("\"{}", "#".repeat(hashes));
            (open..text.len()).find(|i| starts(*i, &close)).map_or(text.len(), |i| i + close.len())
        } else if text[at] == '\'' && text.get(at + 1) == Some(&'\\') {
            (at + 3..text.len()).find(|i| text[*i] == '\'').map_or(text.len(), |i| i + 1)
        } else if text[at] == '\'' && text.get(at + 2) == Some(&'\'') {
            at + 3
        } else {
            out.push(text[at]);
            at += 1;
            continue;
        };
        out.extend(text[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

fn end_of_text(text: &[char], mut at: usize) -> usize {
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// Where the content of a raw text begins, and its number of `#`.
fn raw_prefix(text: &[char], at: usize) -> Option<(usize, usize)> {
    let mut at = if text[at] == 'b' { at + 1 } else { at };
    if text.get(at) != Some(&'r') {
        return None;
    }
    at += 1;
    let hashes = text[at..].iter().take_while(|c| **c == '#').count();
    (text.get(at + hashes) == Some(&'"')).then_some((at + hashes + 1, hashes))
}

/// The `use` declarations of a source, which are blanked out of it.
fn read_uses(code: &mut String, module: &Module) -> Vec<Use> {
    let (mut uses, mut from) = (Vec::new(), 0);
    while let Some(found) = code[from..].find("use ") {
        let at = from + found;
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = code[line..at].trim();
        from = at + 4;
        if !(before.is_empty() || before.starts_with("pub") && !before.contains(' ')) {
            continue;
        }
        let Some(end) = code[at..].find(';').map(|end| at + end) else { break };
        let within = scope_at(code, at, module);
        let mut paths = Vec::new();
        flatten(&code[at + 4..end], &[], &mut paths);
        uses.extend(paths.into_iter().map(|(path, alias)| Use {
            within: within.clone(),
            path,
            alias,
            is_public: !before.is_empty(),
        }));
        blank(code, line, end + 1);
    }
    uses
}

/// Each path of a tree of imports, with its name in scope.
fn flatten(tree: &str, before: &[String], paths: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    let segments = |text: &str| -> Vec<String> {
        text.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    if let Some(open) = tree.find('{') {
        let before: Vec<String> = before.iter().cloned().chain(segments(&tree[..open])).collect();
        let inner = &tree[open + 1..closing(tree, open)];
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    flatten(&inner[start..at], &before, paths);
                    start = at + 1;
                }
                _ => {}
            }
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
        let mut path: Vec<String> = before.iter().cloned().chain(segments(path)).collect();
        path.pop_if(|last| last == "self");
        let alias = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
        paths.push((path, alias));
    }
}

/// The module at this place of a file: its own, or one that is declared in it with a body.
fn scope_at(code: &str, at: usize, module: &Module) -> Module {
    let mut scope = module.clone();
    for (found, _) in code[..at].match_indices("mod ") {
        let rest = &code[found + 4..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let after = rest[name.len()..].trim_start();
        let is_word = !code[..found].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_word && after.starts_with('{') && closing(code, code.len() - after.len()) > at {
            scope.push(name);
        }
    }
    scope
}

/// Knows every file and every re-export.
struct Resolver {
    crates: BTreeSet<String>,
    files: HashMap<Module, usize>,
    exports: HashMap<Module, Vec<(String, Module)>>,
    sources: Vec<Source>,
}

impl Resolver {
    fn new(crates: &[(String, String)], sources: Vec<Source>) -> Self {
        let files = sources.iter().enumerate().map(|(at, source)| (source.module.clone(), at)).collect();
        let crates = crates.iter().map(|(name, _)| name.clone()).collect();
        let mut resolver = Self { crates, files, exports: HashMap::new(), sources };
        let mut exports: HashMap<Module, Vec<(String, Module)>> = HashMap::new();
        for one in resolver.sources.iter().flat_map(|source| &source.uses).filter(|one| one.is_public) {
            if let Some(path) = resolver.absolute(&one.path, &one.within) {
                exports.entry(one.within.clone()).or_default().push((one.alias.clone(), path));
            }
        }
        resolver.exports = exports;
        resolver
    }

    /// A path from the root of its crate; `None` for one that leads out of the workspace, or names something in scope.
    fn absolute(&self, path: &[String], within: &Module) -> Option<Module> {
        let first = path.first()?.as_str();
        let from = |base: &[String], rest: &[String]| Some(base.iter().chain(rest).cloned().collect());
        match first {
            "crate" => from(&within[..1], &path[1..]),
            "self" => from(within, &path[1..]),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                from(within.get(..within.len().checked_sub(up)?)?, &path[up..])
            }
            _ => {
                let below: Module = within.iter().cloned().chain([first.to_owned()]).collect();
                if self.files.contains_key(&below) {
                    from(within, path)
                } else if self.crates.contains(first) && within[0] != first {
                    Some(path.to_vec())
                } else {
                    None
                }
            }
        }
    }

    /// The file that defines what an absolute path names.
    fn file(&self, path: &[String], depth: usize) -> Option<usize> {
        for end in (1..=path.len()).rev() {
            let (module, rest) = path.split_at(end);
            if let (Some(name), true, Some(exports)) = (rest.first(), depth < 8, self.exports.get(module)) {
                if let Some((_, target)) = exports.iter().find(|(alias, _)| alias == name) {
                    return self.file(&[target.as_slice(), &rest[1..]].concat(), depth + 1);
                }
                for (_, target) in exports.iter().filter(|(alias, _)| alias == "*") {
                    let below = &target[..target.len() - 1];
                    if let Some(file) = self.files.get(below).filter(|file| self.defines(**file, name)) {
                        return Some(*file);
                    }
                }
            }
            if let Some(file) = self.files.get(module) {
                return Some(*file);
            }
        }
        None
    }

    fn defines(&self, file: usize, name: &str) -> bool {
        ["struct", "enum", "trait", "type", "fn", "const", "static", "mod"]
            .iter()
            .any(|keyword| self.sources[file].code.contains(&format!("{keyword} {name}")))
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::default();
        for (at, source) in self.sources.iter().enumerate() {
            let mut add = |path: &[String]| {
                if let Some(file) = self.file(path, 0).filter(|file| *file != at) {
                    let arrows = imports.0.entry(source.name.clone()).or_default();
                    arrows.entry(self.sources[file].name.clone()).or_default().insert(path.join("::"));
                }
            };
            let mut modules: HashMap<&str, Module> = HashMap::new();
            for one in source.uses.iter().filter(|one| !one.is_public) {
                match self.absolute(&one.path, &one.within) {
                    // A module in scope counts where it is used.
                    Some(path) if self.files.contains_key(&path) => drop(modules.insert(&one.alias, path)),
                    Some(path) => add(&path),
                    None => {}
                }
            }
            for (start, path) in inline_paths(&source.code) {
                let named = modules.get(path[0].as_str()).map(|module| [module.as_slice(), &path[1..]].concat());
                let path = named.or_else(|| self.absolute(&path, &scope_at(&source.code, start, &source.module)));
                if let Some(path) = path {
                    add(&path);
                }
            }
        }
        imports
    }
}

/// The paths of two or more segments, and where each begins.
fn inline_paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut paths = Vec::new();
    let mut from = 0;
    while let Some(start) = code[from..].find(is_part).map(|at| from + at) {
        let end = code[start..].find(|c| !is_part(c)).map_or(code.len(), |at| start + at);
        let text = code[start..end].trim_end_matches(':');
        if text.contains("::") && !text.starts_with(':') {
            let segments: Vec<String> = text.split("::").map(str::to_owned).collect();
            if segments.iter().all(|segment| !segment.is_empty() && !segment.contains(':')) {
                paths.push((start, segments));
            }
        }
        from = end;
    }
    paths
}
