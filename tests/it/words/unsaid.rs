//! Words that are shown but cannot be said in another language, because no macro stands around them.

use super::scan::{calls, has_words, sources};

/// Names and what is written alike in every language.
const ALIKE: [&str; 16] = [
    "Pulseboard",
    "Ctrl",
    "Esc",
    "ABO",
    "RhD",
    "CSV",
    "NDJSON",
    "ISBT 128",
    "UTC",
    "pb_",
    "email,name,facility,role&#10;ada@example.org,Ada Merrin,Lakeside Hospital,staff",
    "ms",
    "aria-invalid=\"true\" aria-describedby=\"f-",
    "aria-describedby=\"f-",
    "-problem",
    "-hint",
];

/// Attributes that are read out or shown.
const SHOWN: [&str; 6] = ["title", "placeholder", "aria-label", "alt", "data-label", "label"];
/// Elements whose content is nobody's language.
const SILENT: [&str; 5] = ["script", "style", "code", "kbd", "pre"];

#[test]
fn no_template_shows_words_outside_the_macros() {
    let mut found = Vec::new();
    for (place, source) in sources("templates", "") {
        if place.ends_with("_icons.html") {
            continue;
        }
        found.extend(unsaid(&source).into_iter().map(|words| format!("{place}: {words}")));
    }
    assert!(
        found.is_empty(),
        "These words are English in every language. Write {{{{ t!(\"...\") }}}} around each, or say!(\"... {{name}}\") with \
         values, then add the messages (ARCHITECTURE.md, \"Words\"):\n{}",
        found.join("\n")
    );
}

#[test]
fn no_problem_is_told_outside_the_macros() {
    let mut found = Vec::new();
    for (place, source) in sources("src", "rs") {
        // what only programs and whoever starts one read
        if [
            "src/api",
            "src/synthetic",
            "src/boards/provision",
            "src/metrics/routes",
            "src/ingest/routes/mod.rs",
            "src/ingest/once.rs",
            "src/import",
        ]
        .iter()
        .any(|one| place.starts_with(one))
        {
            continue;
        }
        for call in ["problems.add(", "Error::invalid(", "Problems::one("] {
            for literals in calls(&source, call) {
                found.extend(
                    literals
                        .get(1)
                        .filter(|text| has_words(text))
                        .map(|text| format!("{place}: {text}")),
                );
            }
        }
        for literals in calls(&source, "Error::Conflict(") {
            found.push(format!("{place}: {}", literals[0]));
        }
    }
    assert!(
        found.is_empty(),
        "Write t!(\"...\") around each of these texts and add the messages (ARCHITECTURE.md, \"Words\"):\n{}",
        found.join("\n")
    );
}

#[test]
fn the_scanner_finds_words_wherever_they_are_shown() {
    let template = r#"<p title="A hint">Words <b>{{ t!("said") }}</b> {{ value }}</p>{# not this #}<code>nor this</code>
        {{ ui::field("name", "A label", value, "", hint=t!("said")) }}{% if open %}Open{% endif %}"#;

    assert_eq!(unsaid(template), ["A hint", "Words", "A label", "Open"]);
}

/// Words of a template that stand outside the macros.
fn unsaid(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = template;
    let mut silent: Option<&str> = None;
    while !rest.is_empty() {
        let (piece, after) = next(rest);
        rest = after;
        if piece.starts_with("{#") || piece.starts_with("{%") || piece.starts_with("<!") {
            continue;
        } else if piece.starts_with("{{") {
            found.extend(arguments(piece));
        } else if let Some(tag) = piece.strip_prefix('<') {
            let name = tag
                .trim_start_matches('/')
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or_default();
            match silent {
                Some(open) if tag.starts_with('/') && name == open => silent = None,
                None if !tag.starts_with('/') => silent = SILENT.into_iter().find(|one| *one == name),
                _ => {}
            }
            found.extend(attributes(piece));
        } else if silent.is_none() && is_said(piece) {
            found.push(piece.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    found
}

/// A piece of a template, an expression, a tag or what stands between, and what follows.
fn next(text: &str) -> (&str, &str) {
    for (open, close) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}")] {
        if text.starts_with(open) {
            let end = text.find(close).map_or(text.len(), |at| at + 2);
            return text.split_at(end);
        }
    }
    if text.starts_with('<') {
        // a bracket within quotation marks or an expression ends no tag
        let (mut quoted, mut braces) = (false, 0);
        for (at, c) in text.char_indices() {
            match c {
                '{' => braces += 1,
                '}' => braces -= 1,
                '"' if braces == 0 => quoted = !quoted,
                '>' if braces == 0 && !quoted => return text.split_at(at + 1),
                _ => {}
            }
        }
        return (text, "");
    }
    let end = text.find(['<', '{']).filter(|at| *at > 0);
    let end = end.unwrap_or(if text.starts_with('{') { 1 } else { text.len() });
    text.split_at(end)
}

fn is_said(text: &str) -> bool {
    let mut text = text.trim().to_owned();
    for alike in ALIKE {
        text = text.replace(alike, "");
    }
    for entity in ["&nbsp;", "&amp;", "&lt;", "&gt;", "&middot;"] {
        text = text.replace(entity, "");
    }
    has_words(&text)
}

/// Words in attributes that are shown.
fn attributes(tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in SHOWN {
        for (at, _) in tag.match_indices(&format!(" {name}=\"")) {
            let mut rest = &tag[at + name.len() + 3..];
            let mut value = String::new();
            while !rest.is_empty() && !rest.starts_with('"') {
                let (piece, after) = match rest.starts_with("{{") || rest.starts_with("{%") {
                    true => next(rest),
                    false => rest.split_at(rest.find(['"', '{']).filter(|at| *at > 0).unwrap_or(1)),
                };
                if !piece.starts_with('{') {
                    value.push_str(piece);
                }
                rest = after;
            }
            if is_said(&value) {
                found.push(value);
            }
        }
    }
    found
}

/// Literals handed to the macros of templates that are words: they begin with a capital.
fn arguments(expression: &str) -> Vec<String> {
    if expression.contains("n!(") {
        return vec![];
    }
    let mut found = Vec::new();
    let mut before = "";
    for (index, part) in expression.split('"').enumerate() {
        let is_literal = index % 2 == 1;
        if is_literal && !before.ends_with("!(") && !before.ends_with("attrs=") && !before.ends_with("format(") {
            let begins = part.chars().next().is_some_and(|c| c.is_ascii_uppercase());
            if begins && has_words(part) {
                found.push(part.to_owned());
            }
        }
        before = part;
    }
    found
}
