//! The texts of the sources: what stands in the macros of `words::say`, in labels of `text_enum!`, in patterns of dates and
//! in the scripts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A text as it stands in the sources.
#[derive(Debug, Default)]
pub struct Text {
    /// the form for many, of a text with a number
    pub many: Option<String>,
    /// one of the files where it stands
    pub place: String,
}

/// By context and English text.
pub type Texts = BTreeMap<(String, String), Text>;

/// Every text of the sources.
pub fn texts() -> Texts {
    let mut texts = Texts::new();
    for (place, source) in sources("src", "rs").into_iter().chain(sources("templates", "")) {
        let code = code_of(&place, &source);
        for name in ["t!(", "say!(", "mark!("] {
            for found in calls(&code, name) {
                add(&mut texts, &place, "", found.first(), None);
            }
        }
        for found in calls(&code, "n!(") {
            add(&mut texts, &place, "", found.first(), found.get(1));
        }
        for found in calls(&code, "tc!(") {
            add(&mut texts, &place, &found[0], found.get(1), None);
        }
        for found in calls(&code, ".dated(") {
            add(&mut texts, &place, "date", found.first(), None);
        }
        for label in labels(&code) {
            add(&mut texts, &place, "", Some(&label), None);
        }
    }
    for (place, source) in sources("src/boards/templates", "json") {
        for key in ["\"title\": ", "\"name\": ", "\"description\": "] {
            let texts_of = source.split(key).skip(1).filter_map(literal);
            for (text, _) in texts_of {
                add(&mut texts, &place, "", Some(&text), None);
            }
        }
    }
    for (place, source) in sources("static", "js") {
        for found in calls(&source, ".say(") {
            add(&mut texts, &place, "", found.first(), None);
        }
        for found in calls(&source, ".many(") {
            add(&mut texts, &place, "", found.first(), found.get(1));
        }
    }
    texts
}

fn add(texts: &mut Texts, place: &str, context: &str, one: Option<&String>, many: Option<&String>) {
    let Some(one) = one else { return };
    let text = texts.entry((context.to_owned(), one.clone())).or_default();
    text.place = place.to_owned();
    text.many = text.many.take().or_else(|| many.cloned());
}

/// Files below a folder of the project with their texts; `kind` is how their names end, empty for all.
pub fn sources(folder: &str, kind: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(root)
                .expect("below the project")
                .to_string_lossy()
                .into_owned();
            if name.ends_with(kind) && !name.contains("/vendor/") {
                found.push((name, fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

/// Without comments and unit tests, which say nothing to anybody.
fn code_of(place: &str, source: &str) -> String {
    if !place.ends_with(".rs") {
        return source.to_owned();
    }
    if place.ends_with("tests.rs") {
        return String::new();
    }
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The literals with which each call of `name` begins; a call that begins with none is left out.
pub fn calls(code: &str, name: &str) -> Vec<Vec<String>> {
    let starts = code.match_indices(name).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        name.starts_with('.') || !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '!')
    });
    starts
        .map(|(at, _)| {
            let mut rest = code[at + name.len()..].trim_start();
            let mut literals = Vec::new();
            while let Some((text, after)) = literal(rest) {
                literals.push(text);
                match after.trim_start().strip_prefix(',') {
                    Some(next) => rest = next.trim_start(),
                    None => break,
                }
            }
            literals
        })
        .filter(|literals| !literals.is_empty())
        .collect()
}

/// A literal with which the code begins, and what follows it.
fn literal(code: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = code.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((text, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                '\n' => rest = rest.as_str().trim_start().chars(),
                'u' => {
                    let (code, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    rest = after.chars();
                }
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

/// The labels of enums: what stands after the slash. One without words (`O+`, `1,234.5`) is the same everywhere.
fn labels(code: &str) -> Vec<String> {
    let blocks = code.split("text_enum! {").skip(1);
    let bodies = blocks.filter_map(|block| block.split("\n}").next());
    let lines = bodies.flat_map(str::lines);
    let labels = lines.filter_map(|line| literal(line.split_once("\" / ")?.1).map(|(label, _)| label));
    labels.filter(|label| has_words(label)).collect()
}

/// Whether there are two letters in a row.
pub fn has_words(text: &str) -> bool {
    let letters: Vec<bool> = text.chars().map(|c| c.is_ascii_alphabetic()).collect();
    letters.windows(2).any(|two| two[0] && two[1])
}

/// The names in braces.
pub fn places_of(text: &str) -> Vec<&str> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
