//! Static files, inside the binary: hashed addresses that never change their content, compressed once at the start.
//! All style sheets are one file, all scripts another, so a first visit costs few requests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use super::gzip::{Part, Piece, stitch};
use crate::words::{self, Language};

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// Style sheets in the order in which they must come; all others follow by name.
const FIRST_STYLES: [&str; 3] = ["css/tokens.css", "css/base.css", "css/layout.css"];
/// Scripts likewise: the library, its extension, the clock, then ours.
const FIRST_SCRIPTS: [&str; 3] = ["vendor/htmx.min.js", "vendor/hx-sse.min.js", "js/clock.js"];

/// Folders whose style sheets and scripts are bundles of their own (`admin.css`, `editor.js`), loaded only by the pages
/// that need them: what everybody loads on their first visit stays small. With each what comes first in its style sheet
/// and in its script.
const APART: [(&str, &[&str], &[&str]); 4] = [
    ("admin", &[], &[]),
    ("inventory", &[], &[]),
    ("wall", &[], &[]),
    ("editor", &["vendor/gridstack.min.css"], &["vendor/gridstack-all.js"]),
];

struct Asset {
    address: String,
    plain: Bytes,
    gzip: Option<Bytes>,
    content_type: HeaderValue,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    add(&mut assets, "app.css", bundle("css/", ".css", &FIRST_STYLES));
    add(&mut assets, "app.js", bundle("js/", ".js", &FIRST_SCRIPTS));
    for (folder, styles, scripts) in APART {
        for (ending, first) in [(".css", styles), (".js", scripts)] {
            let content = bundle(&format!("{folder}/"), ending, first);
            add(&mut assets, &format!("{folder}{ending}"), content);
        }
    }
    for language in Language::ALL.iter().filter(|language| **language != Language::En) {
        add(&mut assets, &format!("words.{language}.js"), words_of(*language));
    }
    for name in Files::iter().filter(|name| !name.ends_with(".css") && !name.ends_with(".js")) {
        if let Some(file) = Files::get(&name) {
            add(&mut assets, &name, file.data.into_owned());
        }
    }
    assets
});

/// The address of a static file, with the hash of its content; `app.css` and `app.js` are the bundles.
pub fn address(name: &str) -> &'static str {
    ASSETS
        .get(name)
        .map_or("/static/missing", |asset| asset.address.as_str())
}

/// `GET /static/{*path}`
pub async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let wants_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|v| v.contains("gzip"));
    let mut response = match &asset.gzip {
        Some(gzip) if wants_gzip => {
            let mut response = gzip.clone().into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        _ => asset.plain.clone().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.content_type.clone());
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn bundle(folder: &str, ending: &str, first: &[&str]) -> Vec<u8> {
    let mut names: Vec<String> = Files::iter()
        .map(|name| name.to_string())
        .filter(|name| name.starts_with(folder) && name.ends_with(ending))
        .collect();
    names.retain(|name| !first.contains(&name.as_str()));
    names.sort();
    let mut text = Vec::new();
    for name in first.iter().map(|name| name.to_string()).chain(names) {
        if let Some(file) = Files::get(&name) {
            // what is vendored is short already, and carries its licence
            match name.starts_with("vendor/") {
                true => text.extend_from_slice(&file.data),
                false => text.extend_from_slice(shortened(&String::from_utf8_lossy(&file.data), ending).as_bytes()),
            }
            // a script without a last semicolon must not swallow the next one
            text.extend_from_slice(if ending == ".js" { b"\n;\n" } else { b"\n" });
        }
    }
    if ending == ".css" {
        // style sheets name fonts by their place beside them; the bundle stands elsewhere and names the hashed address
        return rehash_fonts(&String::from_utf8_lossy(&text)).into_bytes();
    }
    text
}

/// The texts of all scripts in a language: those that a script hands to `pulseboard.say` or `pulseboard.many`.
fn words_of(language: Language) -> Vec<u8> {
    let mut texts = BTreeMap::new();
    for name in Files::iter().filter(|name| name.ends_with(".js") && !name.starts_with("vendor/")) {
        let Some(file) = Files::get(&name) else { continue };
        let script = String::from_utf8_lossy(&file.data);
        for call in ["say(\"", "many(\""] {
            for text in script.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                if let Some(forms) = words::forms(language, text) {
                    texts.insert(text.to_owned(), forms);
                }
            }
        }
    }
    let texts = serde_json::to_string(&texts).unwrap_or_default();
    let (_, rule) = language.plural_rule();
    format!("window.pulseboardWords = {{ plural: (n) => Number{rule}, texts: {texts} }};\n").into_bytes()
}

/// Without comments on lines of their own, indentation and empty lines: a tenth of what is sent, and nothing that runs.
fn shortened(text: &str, ending: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        let begins = line.starts_with("/*");
        if inside || begins {
            inside = !line.ends_with("*/");
            continue;
        }
        if line.is_empty() || ending == ".js" && line.starts_with("//") {
            continue;
        }
        short.push_str(line);
        short.push('\n');
    }
    short
}

fn rehash_fonts(css: &str) -> String {
    let mut css = css.to_owned();
    for name in Files::iter().filter(|name| name.starts_with("fonts/")) {
        if let Some(file) = Files::get(&name) {
            css = css.replace(&format!("../{name}"), &hashed(&name, &file.data));
        }
    }
    css
}

fn hashed(name: &str, content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    format!(
        "/static/{name}?v={:02x}{:02x}{:02x}{:02x}",
        digest[0], digest[1], digest[2], digest[3]
    )
}

fn add(assets: &mut BTreeMap<String, Asset>, name: &str, content: Vec<u8>) {
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("ico") => "image/x-icon",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    };
    let address = hashed(name, &content);
    let plain = Bytes::from(content);
    let packs = !matches!(name.rsplit('.').next(), Some("woff2" | "png"));
    let gzip = packs.then(|| stitch(&[Piece::Shared(&Part::compressed(plain.clone()))]));
    assets.insert(
        name.to_owned(),
        Asset {
            address,
            plain,
            gzip,
            content_type: HeaderValue::from_static(kind),
        },
    );
}
