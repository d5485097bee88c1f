//! The arrows of the house: what a module may use, read from the imports; where rows are written; how long a file may
//! grow. What is listed here is the map that ARCHITECTURE.md draws.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No product knowledge; each may use the others.
const KERNEL: [&str; 12] = [
    "blood",
    "clock",
    "config",
    "db",
    "detect",
    "error",
    "figures",
    "ids",
    "telemetry",
    "text",
    "text_enum",
    "words",
];

/// Each may use the kernel and those before it.
const PLATFORM: [&str; 8] = ["outbox", "audit", "auth", "live", "web", "jobs", "mail", "charts"];

/// What a feature may use besides kernel and platform.
const FEATURES: [(&str, &[&str]); 24] = [
    ("facilities", &[]),
    ("metrics", &["facilities"]),
    ("ingest", &["catalog", "metrics", "facilities"]),
    ("brokers", &["ingest"]),
    ("receivers", &["ingest"]),
    ("import", &["ingest"]),
    ("reference", &["facilities"]),
    ("summary", &["facilities"]),
    ("places", &["summary", "facilities"]),
    ("inventory", &["summary", "reference", "facilities"]),
    ("requests", &["inventory", "summary", "facilities"]),
    ("distributions", &["requests", "inventory", "summary", "facilities"]),
    ("users", &["facilities"]),
    (
        "widgets",
        &[
            "metrics",
            "distributions",
            "requests",
            "inventory",
            "summary",
            "reference",
            "facilities",
        ],
    ),
    (
        "boards",
        &[
            "widgets",
            "distributions",
            "requests",
            "inventory",
            "summary",
            "reference",
            "facilities",
        ],
    ),
    ("alerts", &["widgets", "metrics", "requests", "inventory", "facilities"]),
    ("catalog", &["boards", "widgets", "metrics"]),
    (
        "network",
        &["distributions", "requests", "inventory", "summary", "facilities"],
    ),
    ("search", &["boards", "users", "inventory", "facilities"]),
    ("admin", &["brokers", "boards", "users", "summary", "facilities"]),
    ("keys", &["facilities"]),
    ("api", &["summary", "facilities"]),
    ("health", &[]),
    (
        "synthetic",
        &[
            "distributions",
            "requests",
            "inventory",
            "summary",
            "facilities",
            "users",
            "catalog",
            "ingest",
        ],
    ),
];

/// These start the rest and may use anything.
const TOP: [&str; 6] = ["main", "lib", "app", "boot", "cli", "reactions"];

struct Source {
    /// below `src/`, as `inventory/routes/list.rs`
    path: String,
    /// without comments and tests
    code: String,
}

impl Source {
    /// The first part of its path: the module it belongs to.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the file, or a folder it lies in, has this name within its module.
    fn is(&self, name: &str) -> bool {
        self.path
            .split('/')
            .skip(1)
            .any(|part| part.strip_suffix(".rs").unwrap_or(part) == name)
    }

    /// A page's code, its forms and its routes: what answers HTTP.
    fn is_surface(&self) -> bool {
        self.is("routes") || ["admin", "api", "health", "receivers"].contains(&self.module())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the project.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let below = root().join("src");
    files("src")
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| Source {
            code: without_comments(&fs::read_to_string(&path).expect("a source")),
            path: path
                .strip_prefix(&below)
                .expect("below src")
                .to_string_lossy()
                .into_owned(),
        })
        .filter(|source| !source.path.ends_with("tests.rs"))
        .collect()
}

/// Unit tests stand at the end of a file and may reach further.
fn without_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().map(|line| match line.trim_start().starts_with("//") {
        true => "",
        false => line.split(" // ").next().unwrap_or_default(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths below `crate::` that the code names: `["auth::Viewer", "db::Db"]`. Groups in braces are spread out.
fn uses(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .filter(|(at, _)| {
            !code[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == '$')
        })
        .flat_map(|(at, _)| spread(&code[at + "crate::".len()..]))
        .collect()
}

fn spread(text: &str) -> Vec<String> {
    let Some(group) = text.strip_prefix('{') else {
        let end = text
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .unwrap_or(text.len());
        return vec![text[..end].trim_end_matches(':').to_owned()];
    };
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                items.last_mut().expect("one at least").push(c);
            }
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items.iter().flat_map(|item| spread(item.trim())).collect()
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

/// What a module may use, itself included; nothing for what is not on the map.
fn allowed(module: &str) -> Option<BTreeSet<&'static str>> {
    let kernel = KERNEL.iter().copied();
    if KERNEL.contains(&module) {
        return Some(kernel.collect());
    }
    if let Some(at) = PLATFORM.iter().position(|one| *one == module) {
        return Some(kernel.chain(PLATFORM[..=at].iter().copied()).collect());
    }
    let (name, features) = FEATURES.iter().find(|(name, _)| *name == module)?;
    let below = PLATFORM.iter().chain(features.iter()).copied();
    Some(kernel.chain(below).chain([*name]).collect())
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_module_is_on_the_map() {
    let modules: BTreeSet<String> = sources().iter().map(|source| source.module().to_owned()).collect();

    let unknown = modules
        .into_iter()
        .filter(|module| !TOP.contains(&&**module) && allowed(module).is_none());

    none("add these to the map in tests/it/architecture.rs", unknown.collect());
}

#[test]
fn a_module_uses_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !TOP.contains(&source.module())) {
        let Some(allowed) = allowed(source.module()) else {
            continue;
        };
        for used in uses(&source.code) {
            // the state of the router: the one arrow that points up, and only from what answers HTTP
            let is_state = used == "app::App" && source.is_surface();
            if !allowed.contains(first(&used)) && !is_state {
                wrong.push(format!("src/{} uses crate::{used}", source.path));
            }
        }
    }

    wrong.dedup();
    none("an arrow points the wrong way", wrong);
}

#[test]
fn a_command_knows_nothing_of_pages() {
    let mut wrong = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.is("commands") || source.is("queries"))
    {
        let pages = ["routes", "axum", "askama"];
        let named = uses(&source.code)
            .into_iter()
            .filter(|used| used.split("::").any(|part| pages.contains(&part)));
        wrong.extend(named.map(|used| format!("src/{} uses {used}", source.path)));
        for foreign in ["use axum", "use askama", "super::routes", "super::view"] {
            if source.code.contains(foreign) {
                wrong.push(format!("src/{} has {foreign}", source.path));
            }
        }
    }

    none("commands and queries answer to more than one surface", wrong);
}

#[test]
fn rows_are_written_only_by_commands_and_the_few_beside_them() {
    let may_write = |source: &Source| {
        let platform = ["outbox", "audit", "auth", "jobs", "mail", "db"].contains(&source.module());
        let in_feature = ["commands", "ledger", "due", "setup"]
            .iter()
            .any(|name| source.is(name));
        let summary = source.module() == "summary" && (source.is("refresh") || source.is("work"));
        platform || in_feature || summary || source.module() == "synthetic"
    };
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| !may_write(source))
        .flat_map(|source| {
            let statements = written(&source.code);
            statements
                .into_iter()
                .map(|sql| format!("src/{}: {sql}", source.path))
                .collect::<Vec<_>>()
        })
        .collect();

    none("a statement that writes, outside the places for it", wrong);
}

/// Statements in the code that change rows; SQL is lower case in this house.
fn written(code: &str) -> Vec<String> {
    let words: Vec<&str> = code
        .split(|c: char| c.is_whitespace() || c == '"')
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(3).filter(|three| match three[0] {
        "insert" => three[1] == "into",
        "delete" => three[1] == "from",
        "update" => three[2] == "set",
        "truncate" => true,
        _ => false,
    });
    pairs.map(|three| three.join(" ")).collect()
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let mine = [
        "src",
        "tests",
        "static",
        "templates",
        "migrations",
        "benches",
        "scripts",
    ];
    let is_text = |path: &Path| {
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        ["rs", "sql", "css", "js", "html", "sh", "toml"].contains(&kind) || kind.is_empty()
    };
    let long = mine
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|path| is_text(path) && !path.components().any(|part| part.as_os_str() == "vendor"));
    let long = long.filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap_or_default().lines().count();
        (lines > 500).then(|| format!("{}: {lines}", path.strip_prefix(root()).unwrap_or(&path).display()))
    });

    none("too long to be read in one go", long.collect());
}

#[test]
fn nothing_goes_unescaped_into_a_page() {
    let charts = root().join("templates/charts");
    let templates = files("templates").into_iter().filter(|path| !path.starts_with(&charts));
    let unescaped = templates.filter(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.contains("|safe") || text.contains("| safe") || text.contains("escape(\"none\")")
    });

    none("|safe", unescaped.map(|path| path.display().to_string()).collect());
}

/// `Markup` and `HtmlSafe` go into pages as they are: only what draws may make them.
#[test]
fn markup_is_made_only_where_something_is_drawn() {
    let may_draw = |source: &Source| ["charts", "widgets", "boards", "web"].contains(&source.module());
    let makes = |source: &&Source| source.code.contains("Markup(") || source.code.contains("HtmlSafe for");
    let all = sources();
    let wrong = all.iter().filter(|source| !may_draw(source)).filter(makes);

    none("markup made by hand", wrong.map(|source| source.path.clone()).collect());
}

#[test]
fn every_module_says_what_it_is() {
    let silent = files("src").into_iter().chain(files("tests/it")).filter(|path| {
        path.extension().is_some_and(|kind| kind == "rs")
            && !path.to_string_lossy().ends_with("_tests.rs")
            && !fs::read_to_string(path).unwrap_or_default().starts_with("//!")
    });

    none(
        "no `//!` on top",
        silent.map(|path| path.display().to_string()).collect(),
    );
}

#[test]
fn the_reader_of_imports_reads_groups_and_single_paths() {
    let code =
        "use crate::auth::{Access, Viewer};\nuse crate::{boards, live::{self, Hub}};\nlet x = crate::web::saved(y);";

    let counted = uses(code).into_iter().fold(BTreeMap::new(), |mut counts, used| {
        *counts.entry(first(&used).to_owned()).or_insert(0) += 1;
        counts
    });

    assert_eq!(counted.keys().collect::<Vec<_>>(), ["auth", "boards", "live", "web"]);
}
