//! What a link opens: a board's sums, their filters and their stream, for whoever has the link. Every link that is not good
//! answers alike, whatever is wrong with it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::super::ask::{Ask, Target};
use super::super::links::{self, Link, LinkKind};
use super::super::pages::LinkPage;
use super::super::queries::Whole;
use super::{Sheet, around, range_of, reader, seen, sheet, state_of, takes_gzip};
use crate::app::App;
use crate::auth::{Access, Token};
use crate::error::{Error, Result};
use crate::facilities::Facility;
use crate::ids::LinkId;
use crate::live::{self, Ground, Watcher, Watching};
use crate::web::{ClientAddress, Here, Routes};
use crate::widgets::{Asked as Wishes, Range};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/public/{token}", Access::Link, public)
        .get("/public/{token}/events", Access::Link, public_events)
        .get("/wall/{token}", Access::Link, wall)
        .get("/wall/{token}/events", Access::Link, wall_events)
}

/// What a good link shows now.
struct Opened {
    link: Link,
    /// none for the built-in board of a facility
    whole: Option<Arc<Whole>>,
    /// facilities whose figures it shows
    visible: Vec<Arc<Facility>>,
}

/// Who asks, with what.
struct Asking<'a> {
    kind: LinkKind,
    token: &'a str,
    address: Option<IpAddr>,
}

impl Asking<'_> {
    async fn open(&self, app: &App) -> Result<Opened> {
        app.link_rates.check(self.address)?;
        let token = Token::parse(self.token).ok_or(Error::NotFound)?;
        let now = app.db.clock.now();
        let link = links::by_token(app.db.unscoped(), self.kind, &token, now).await?;
        let opened = opened(app, link).await?;
        if opened.link.is_unnoted(now) {
            links::note_use(app.db.unscoped(), opened.link.id, self.address, now).await?;
        }
        Ok(opened)
    }

    fn events_url(&self, ask: &Ask, seen: i64) -> String {
        let query = ask.query();
        let separator = if query.is_empty() { '?' } else { '&' };
        format!("/{}/{}/events{query}{separator}seen={seen}", self.kind, self.token)
    }
}

/// A link shows what its maker may still see of what it was made for, and the board must be shown to others.
async fn opened(app: &App, link: Link) -> Result<Opened> {
    let maker = app.auth.people.find(link.maker).await?;
    let maker = maker.filter(|maker| !maker.disabled).ok_or(Error::NotFound)?;
    let whole = match link.target {
        Target::Board(id) => {
            let reader = reader(app, &maker).await?;
            let (whole, right) = super::found(app, &reader, id).await?;
            if right < link.kind.least() || !whole.board.published {
                return Err(Error::NotFound);
            }
            Some(whole)
        }
        Target::Home(facility) => app.boards.library().home(facility).await?,
    };
    let mut visible = app.chrome.all().await?;
    visible.retain(|one| link.facilities.contains(&one.id) && maker.role_in(one.id).is_some());
    if visible.is_empty() {
        return Err(Error::NotFound);
    }
    Ok(Opened { link, whole, visible })
}

impl Opened {
    fn ask(&self, uri: &Uri) -> Result<Ask> {
        let wishes = Wishes::of(uri);
        Ok(self.meant(&wishes, range_of(&wishes)?))
    }

    fn meant(&self, wishes: &Wishes, range: Option<Range>) -> Ask {
        let whole = self.whole.as_deref();
        Ask::link(self.link.target, whole, &self.visible, wishes.filter(), range)
    }

    /// What its right to watch hangs on.
    fn grounds(&self) -> Vec<Ground> {
        let board = self.whole.iter().map(|whole| Ground::Board(whole.board.id));
        board
            .chain([Ground::Link(self.link.id), Ground::Person(self.link.maker)])
            .collect()
    }
}

/// `GET /public/{token}?from=now-7d%2Fd&group=O-`
async fn public(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    here: Here,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let asking = Asking {
        kind: LinkKind::Public,
        token: &token,
        address,
    };
    show(&app, &asking, &here, &uri, &headers).await
}

/// `GET /wall/{token}`
async fn wall(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    here: Here,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let asking = Asking {
        kind: LinkKind::Wall,
        token: &token,
        address,
    };
    show(&app, &asking, &here, &uri, &headers).await
}

async fn show(app: &App, asking: &Asking<'_>, here: &Here, uri: &Uri, headers: &HeaderMap) -> Result<Response> {
    let opened = asking.open(app).await?;
    if let Some(widget) = widget_of(uri) {
        let ask = opened.ask(uri)?;
        return Ok(unlisted(Html(app.boards.widget(&ask, &widget).await?).into_response()));
    }
    let wishes = Wishes::of(uri);
    let (ask, sheet) = sheet(app, &wishes, |range| opened.meant(&wishes, range)).await?;
    let home = match opened.link.target {
        Target::Home(facility) => Some(app.chrome.facility(facility).await?),
        Target::Board(_) => None,
    };
    let title = match (&opened.whole, &home) {
        (_, Some(facility)) => facility.name.clone(),
        (Some(whole), _) => whole.board.name.clone(),
        (None, None) => return Err(Error::NotFound),
    };
    let zone = match (&home, &opened.visible[..]) {
        (Some(facility), _) => facility.zone.as_str(),
        (None, [one]) => one.zone.as_str(),
        _ => "",
    };
    let mut layout = app.chrome.outside(here, &title);
    layout.wall = asking.kind == LinkKind::Wall;
    layout.by_link = true;
    layout.zone = zone.into();
    layout.events_url = match &sheet {
        Sheet::Board(found) => Some(asking.events_url(&ask, found.snapshot.version)),
        Sheet::Mending(_) => None,
    };
    layout.sprite_apart = true;
    let whole = opened.whole.as_deref().filter(|_| home.is_none());
    let page = LinkPage {
        layout: &layout,
        name: &title,
        description: whole.map_or("", |whole| &whole.board.description),
        ends: opened.link.expires_at.map(|at| at.dated("%-d %b %Y %H:%M UTC")),
    };
    let html = askama::Template::render(&page).map_err(anyhow::Error::from)?;
    let zipped = takes_gzip(headers);
    Ok(unlisted(sheet.answer(around(&html, sheet.body(), zipped), zipped)))
}

/// The one widget that a *Try again* asks for.
fn widget_of(uri: &Uri) -> Option<String> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut named = pairs.filter_map(|pair| pair.strip_prefix("widget="));
    named.next().map(str::to_owned)
}

/// No search engine keeps it.
fn unlisted(mut response: Response) -> Response {
    let value = HeaderValue::from_static("noindex, nofollow");
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-robots-tag"), value);
    response
}

/// `GET /public/{token}/events`
async fn public_events(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let asking = Asking {
        kind: LinkKind::Public,
        token: &token,
        address,
    };
    events(&app, &asking, &uri, &headers).await
}

/// `GET /wall/{token}/events`
async fn wall_events(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let asking = Asking {
        kind: LinkKind::Wall,
        token: &token,
        address,
    };
    events(&app, &asking, &uri, &headers).await
}

/// The page's one stream. It ends with the link, with the right of its maker to the board or to a facility on it.
async fn events(app: &App, asking: &Asking<'_>, uri: &Uri, headers: &HeaderMap) -> Result<Response> {
    let opened = asking.open(app).await?;
    let ask = opened.ask(uri)?;
    let left = |end: chrono::DateTime<chrono::Utc>| (end - app.db.clock.now()).to_std().unwrap_or_default();
    let watching = Watching {
        topic: ask.topic(),
        watcher: Watcher::Link(opened.link.id),
        grounds: opened.grounds(),
        lasts: opened.link.expires_at.map(left),
        seen: seen(uri, headers),
        allowed: allowed(app, opened.link.id, ask.clone()),
        state: state_of(app, ask),
    };
    Ok(unlisted(live::stream(&app.hub, watching)?))
}

fn allowed(app: &App, link: LinkId, ask: Ask) -> live::Allowed {
    let app = app.clone();
    Box::new(move || {
        let (app, ask) = (app.clone(), ask.clone());
        Box::pin(async move {
            let holds = async {
                let link = links::by_id(app.db.unscoped(), link, app.db.clock.now()).await?;
                let opened = opened(&app, link).await?;
                let sees = |id: &_| opened.visible.iter().any(|one| one.id == *id);
                Ok::<bool, Error>(ask.facilities.iter().all(sees))
            };
            match holds.await {
                Ok(holds) => holds,
                Err(Error::NotFound) => false,
                // a database that is away does not end a link
                Err(_) => true,
            }
        })
    })
}
