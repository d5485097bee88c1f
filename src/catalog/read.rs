//! Reading a catalog's file. What is wrong is said with the key where it stands and what would be accepted there.

use super::check;
use super::model::Catalog;
use crate::error::Problems;

/// Of this format.
pub const FORMAT: u32 = 1;
/// Bytes of a file at most.
pub const LARGEST: usize = 512 * 1024;

/// Of a form that brings one: every byte of it may be written as three.
pub const BODY_LIMIT: usize = 3 * LARGEST + 64 * 1024;

/// Reads a file and says all that is wrong with it by key: `metric[2].kind`. A mistake of the form hides those behind it.
pub fn read(text: &str) -> Result<Catalog, Problems> {
    if text.len() > LARGEST {
        return Err(Problems::one("", t!("A catalog has at most {LARGEST} bytes.", LARGEST)));
    }
    let form = |error: &toml::de::Error, key: String| {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map_or(String::new(), |line| t!(" (line {line})", line));
        Problems::one(key, format!("{}{at}.", error.message().trim_end_matches('.')))
    };
    let document = toml::Deserializer::parse(text).map_err(|error| form(&error, String::new()))?;
    let catalog: Catalog = serde_path_to_error::deserialize(document).map_err(|error| {
        let key = match error.path().to_string() {
            root if root == "." => String::new(),
            key => key,
        };
        form(error.inner(), key)
    })?;
    let problems = check::check(&catalog);
    if problems.is_empty() {
        Ok(catalog)
    } else {
        Err(problems)
    }
}

/// Each problem on a line, with the file: `shop.toml, metric[2].kind: ...`.
pub fn lines(file: &str, problems: &Problems) -> Vec<String> {
    let line = |(key, problem): (&str, &str)| match key {
        "" => format!("{file}: {problem}"),
        key => format!("{file}, {key}: {problem}"),
    };
    problems.iter().map(line).collect()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
