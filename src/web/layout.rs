//! What every page tells its layout: who is looking, where they are, and which files to load.
//! It is rendered per request; nothing of it may reach a shared fragment.

use std::sync::LazyLock;

use askama::Template;
use axum::extract::FromRequestParts;
use http::request::Parts;

use super::assets;
use super::flash::Done;
use super::gzip::Part;
use super::{LinkView, local_path, percent_encoded};
use crate::words::{self, Language, Locale};

/// Markup that our own code made (charts, sparklines); it is not escaped again.
#[derive(Clone, Debug, Default)]
pub struct Markup(pub String);

impl std::fmt::Display for Markup {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

/// One line of the facility switcher.
#[derive(Clone, Debug)]
pub struct FacilityLink {
    pub id: i64,
    pub name: String,
    /// region or kind, short
    pub place: String,
}

/// The frame around a page.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// words for the browser's tab, without the product's name
    pub title: String,
    pub facility_id: Option<i64>,
    /// empty when the page belongs to no facility
    pub facility_name: String,
    /// of the facility's clock, such as `Europe/Berlin`; empty when the page belongs to no facility
    pub zone: String,
    /// those this person may see
    pub facilities: Vec<FacilityLink>,
    /// `viewer`, `staff`, `facility_admin`, `network_admin`; empty when nobody is logged in
    pub role: String,
    /// empty when nobody is logged in: the page then has no bar
    pub user_name: String,
    /// empty (follow the system), `light` or `dark`
    pub theme: String,
    /// in which this person reads times, such as `Europe/Berlin`; empty = the facility's
    pub reading_zone: String,
    /// how they read dates: `iso`, `slashes`, `us`; empty = in words, as the pages come
    pub dates: String,
    /// how their pages follow what happens: `minute`, `paused`; empty = live
    pub refresh: String,
    /// `board`, `inventory`, `requests`, `distributions`, `network`, `account`, `admin/<page>` or empty
    pub active: String,
    pub synthetic: bool,
    /// age in seconds after which a summary is refreshed; 60 s later the browser calls it stale
    pub freshness_seconds: i64,
    pub wall: bool,
    /// where a wall's *Keep on this screen* leads
    pub keep_href: Option<String>,
    /// seen by whoever holds a link, without logging in
    pub by_link: bool,
    /// address of this page without `wall`, for the way back after log-in
    pub path: String,
    /// the page's one event stream; none on pages that are not live
    pub events_url: Option<String>,
    /// the pages above this one, from where one came down to it, the outermost first
    pub trail: Vec<LinkView>,
    /// address of the last of them, for forms of the page that lead to it again; or empty
    pub via: String,
    /// what was just done, in words
    pub notice: Option<&'static str>,
    /// the page holds `<!--icons-->` where [`sprite`] goes
    pub sprite_apart: bool,
}

#[derive(Template)]
#[template(path = "_furniture.html")]
struct Sprite;

/// The icons and the dialogs that every page carries, compressed once for all of them in a language.
pub fn sprite() -> &'static Part {
    static SPRITES: LazyLock<Vec<Part>> = LazyLock::new(|| {
        let sprite = |language: &Language| words::under(Locale::of(*language), || Sprite.to_string());
        Language::ALL
            .iter()
            .map(|language| Part::compressed(sprite(language).into()))
            .collect()
    });
    &SPRITES[words::locale().language as usize]
}

impl Layout {
    /// A page for somebody who is not logged in.
    pub fn outside(title: &str, here: &Here, synthetic: bool) -> Self {
        Layout {
            title: title.into(),
            path: here.path.clone(),
            synthetic,
            notice: here.notice(),
            freshness_seconds: 300,
            ..Layout::default()
        }
    }

    /// A page that is told when something of its facility changes; a form is not, it stays as it was typed.
    pub fn following(mut self) -> Self {
        self.events_url = self.facility_id.map(|id| format!("/facilities/{id}/changes"));
        self
    }

    /// The page's event stream, unless this person does not want to follow it.
    pub fn stream(&self) -> Option<&str> {
        self.events_url
            .as_deref()
            .filter(|_| self.refresh.is_empty() || self.wall)
    }

    /// Whether the page changes by itself or would, if its reader wanted it to.
    pub fn is_changing(&self) -> bool {
        self.events_url.is_some()
    }

    /// Hashed address of a file under `static/`, or of the bundles `app.css` and `app.js`.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::address(name)
    }

    /// Whether this page belongs to that facility.
    pub fn is_here(&self, facility: &i64) -> bool {
        self.facility_id == Some(*facility)
    }

    /// The language in which it is rendered.
    pub fn language(&self) -> Language {
        words::locale().language
    }

    /// The address of the texts of the scripts; none in English, whose texts stand in them.
    pub fn words(&self) -> Option<&'static str> {
        let language = self.language();
        (language != Language::En).then(|| assets::address(&format!("words.{language}.js")))
    }

    /// Every language, for the choice on the log-in page.
    pub fn languages(&self) -> &'static [Language] {
        Language::ALL
    }

    /// The role in words.
    pub fn role_label(&self) -> &'static str {
        match self.role.as_str() {
            "viewer" => t!("Viewer"),
            "staff" => t!("Staff"),
            "facility_admin" => t!("Facility administrator"),
            "network_admin" => t!("Network administrator"),
            _ => "",
        }
    }
}

/// Where the browser is: the page's address, what was just done there, and whether it hangs on a wall.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// path and query without `done` and `wall`
    pub path: String,
    pub done: Option<Done>,
    pub wall: bool,
}

impl Here {
    /// The page from which one came down to this one.
    pub fn via(&self) -> Option<String> {
        via_of(&self.path)
    }

    /// Another address of this page, which keeps the way back up.
    pub fn carry(&self, href: &str) -> String {
        match self.via() {
            Some(via) => with_via(href, &via),
            None => href.to_owned(),
        }
    }

    /// The address of a page below this one, which knows the way back.
    pub fn below(&self, href: &str) -> String {
        with_via(href, &self.path)
    }

    /// The address of a page below this list, with the way back when one came to the list from a board.
    pub fn onward(&self, href: String) -> String {
        match self.via() {
            Some(_) => self.below(&href),
            None => href,
        }
    }

    /// The pages above, the outermost first: each address holds the one above it.
    pub fn trail(&self) -> Vec<LinkView> {
        let mut trail = Vec::new();
        let mut above = self.via();
        while let Some(href) = above.filter(|_| trail.len() < 3) {
            above = via_of(&href);
            trail.push(LinkView {
                value: name_of(&href).into(),
                href,
            });
        }
        trail.reverse();
        trail
    }

    pub fn notice(&self) -> Option<&'static str> {
        self.done.map(Done::label)
    }
}

/// An address that knows the way back to the page at `via`.
pub fn with_via(href: &str, via: &str) -> String {
    let separator = if href.contains('?') { '&' } else { '?' };
    format!("{href}{separator}via={}", percent_encoded(via))
}

#[derive(serde::Deserialize)]
struct Via {
    via: String,
}

/// The page of this site that an address says it was reached from.
fn via_of(path: &str) -> Option<String> {
    let uri: http::Uri = path.parse().ok()?;
    let axum::extract::Query(Via { via }) = axum::extract::Query::try_from_uri(&uri).ok()?;
    let known = local_path(Some(&via)) == via && (via.starts_with("/boards/") || via.starts_with("/facilities/"));
    known.then_some(via)
}

/// What a page above is called.
fn name_of(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        Some("inventory") => t!("Stock"),
        Some("requests") => t!("Requests"),
        Some("distributions") => t!("Transfers"),
        Some("movements") => t!("Movements"),
        _ => t!("Board"),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Here {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut here = Here {
            path: parts.uri.path().to_owned(),
            ..Here::default()
        };
        for pair in parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            match pair.split_once('=') {
                Some(("done", code)) => here.done = code.parse().ok(),
                Some(("wall", on)) => here.wall = on == "1",
                Some(("language", _)) => {}
                _ => {
                    here.path.push(if here.path.contains('?') { '&' } else { '?' });
                    here.path.push_str(pair);
                }
            }
        }
        Ok(here)
    }
}
