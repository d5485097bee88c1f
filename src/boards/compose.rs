//! From a question to a snapshot: the board's document and the asked facilities, filter and range become a context, and
//! the widgets are drawn in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, Utc};

use super::ask::{Address, Ask};
use super::filters::FiltersView;
use super::model::Definition;
use super::pages::{CellView, SheetFragment};
use super::queries::Whole;
use super::{Snapshot, builtin, template};
use crate::clock::Zone;
use crate::db::{Db, Scope};
use crate::error::{Error, Problems, Result};
use crate::facilities::{self, Chrome, Facility};
use crate::ids::FacilityId;
use crate::summary;
use crate::web::Part;
use crate::widgets::{self, Asked, Context, Widget};
use crate::words;

/// Everything that is asked for, as it is now, in the language of the question.
pub async fn snapshot(db: &Db, chrome: &Chrome, ask: &Ask, whole: Option<&Whole>) -> Result<Snapshot> {
    words::within(ask.locale, said(db, chrome, ask, whole)).await
}

async fn said(db: &Db, chrome: &Chrome, ask: &Ask, whole: Option<&Whole>) -> Result<Snapshot> {
    if let (Address::Home(facility), None, true, Some(rows)) = (ask.address, whole, ask.is_plain(), ask.rows) {
        return builtin::board(db, facility, rows).await;
    }
    let definition = definition_of(ask, whole);
    let (context, as_of) = open(db, chrome, ask, &definition).await?;
    let sections = draw(db, &context, &definition.widgets).await?;
    let label = context.time(as_of);
    let visible = facilities(db, chrome, &ask.visible).await?;
    let head = match (ask.address, &visible[..]) {
        (Address::Home(_), [facility]) => Some(builtin::plain_head(facility, &context, as_of)),
        (Address::Home(_), _) => return Err(Error::NotFound),
        (Address::Board(_) | Address::Link(_), _) => None,
    };
    let body = SheetFragment {
        head: head.as_ref(),
        href: ask.address.with(&ask.query()),
        filters: &FiltersView::new(ask, &context, &visible),
        as_of_iso: as_of.to_rfc3339(),
        as_of: label.clone(),
        cells: definition
            .widgets
            .iter()
            .zip(&sections)
            .map(|(widget, (_, html))| CellView::new(widget, html))
            .collect(),
    }
    .render()
    .map_err(anyhow::Error::from)?;
    // metrics come without a refresh of a summary
    let version = match definition.widgets.iter().any(Widget::shows_metrics) {
        true => context.now.max(as_of),
        false => as_of,
    };
    let mut snapshot = Snapshot::new(version.timestamp_micros(), as_of, &label, &sections, body);
    let slides = definition.widgets.iter().any(|widget| widget.kind.is_windowed());
    snapshot.slides_since = slides.then(std::time::Instant::now);
    snapshot.shows_metrics = version != as_of || slides;
    Ok(snapshot)
}

/// The filter bar of a board with a range that cannot be shown, as it was typed, and no figures. `ask` has no range.
pub async fn mending(
    db: &Db,
    chrome: &Chrome,
    ask: &Ask,
    whole: Option<&Whole>,
    wishes: &Asked,
    problems: &Problems,
) -> Result<Part> {
    let definition = definition_of(ask, whole);
    let (context, as_of) = open(db, chrome, ask, &definition).await?;
    let visible = facilities(db, chrome, &ask.visible).await?;
    let body = SheetFragment {
        head: None,
        href: ask.address.with(&ask.query()),
        filters: &FiltersView::new(ask, &context, &visible).mending(wishes, problems),
        as_of_iso: as_of.to_rfc3339(),
        as_of: context.time(as_of),
        cells: vec![],
    };
    Ok(Part::compressed(body.render().map_err(anyhow::Error::from)?.into()))
}

/// One widget alone. Unknown names do not exist.
pub async fn widget(db: &Db, chrome: &Chrome, ask: &Ask, whole: Option<&Whole>, name: &str) -> Result<String> {
    if let (Address::Home(facility), None, true, Some(rows)) = (ask.address, whole, ask.is_plain(), ask.rows) {
        return builtin::widget(db, facility, name, rows).await;
    }
    let definition = definition_of(ask, whole);
    let widget = definition.widget(name).ok_or(Error::NotFound)?;
    let (context, _) = open(db, chrome, ask, &definition).await?;
    let mut sections = draw(db, &context, std::slice::from_ref(widget)).await?;
    sections.pop().map(|(_, html)| html).ok_or(Error::NotFound)
}

/// A document that is not saved yet, drawn from the figures of these facilities: the editor and the gallery.
pub async fn preview(db: &Db, chrome: &Chrome, ask: &Ask, definition: &Definition) -> Result<Vec<(String, String)>> {
    let (context, _) = match open(db, chrome, ask, definition).await {
        // a range that is to be mended must not keep one from mending it
        Err(Error::Invalid(_)) => open(db, chrome, ask, &Definition::empty()).await?,
        other => other?,
    };
    draw(db, &context, &definition.widgets).await
}

fn definition_of<'a>(ask: &Ask, whole: Option<&'a Whole>) -> Cow<'a, Definition> {
    match (whole, ask.rows) {
        (Some(whole), _) => Cow::Borrowed(&whole.definition),
        (None, Some(_)) => Cow::Borrowed(template::of_facility()),
        (None, None) => Cow::Borrowed(template::of_wall()),
    }
}

/// Sections by the names of the widgets, in their order.
async fn draw(db: &Db, context: &Context, widgets: &[Widget]) -> Result<Vec<(String, String)>> {
    let composed = widgets::compose_all(db, widgets::sources(), widgets, context).await?;
    Ok(composed.into_iter().map(|one| (one.id, one.html)).collect())
}

/// The context, and when the newest of the summaries behind it was refreshed.
async fn open(db: &Db, chrome: &Chrome, ask: &Ask, definition: &Definition) -> Result<(Context, DateTime<Utc>)> {
    if let [only] = ask.facilities[..] {
        builtin::summarised(db, only).await?;
    }
    // before anything is read: what is newer than this is told again
    let newest = summary::newest(db, &ask.facilities).await?;
    let facilities = facilities(db, chrome, &ask.facilities).await?;
    let everywhere = facilities.len() == chrome.count().await?;
    let scope = if everywhere {
        Scope::All
    } else {
        Scope::Facilities(ask.facilities.to_vec())
    };
    let now = db.clock.now();
    let plain: Vec<Facility> = facilities.iter().map(|facility| Facility::clone(facility)).collect();
    let range = ask.range.clone().unwrap_or_else(|| definition.range.clone());
    let context = Context::new(scope, &plain, ask.filter.clone(), range, zone_of(&facilities), now)?;
    let path = match ask.address {
        Address::Link(_) => String::new(),
        address => format!("{}/widgets", address.path()),
    };
    let context = context
        .at(path, ask.query(), ask.address.path())
        .asking(ask.range.clone())
        .showing(ask.rows);
    Ok((context, newest.into_values().max().unwrap_or(now)))
}

/// The facilities by name. One alone is read anew: its rendering may be kept, and the directory in memory is older.
async fn facilities(db: &Db, chrome: &Chrome, ids: &[FacilityId]) -> Result<Vec<Arc<Facility>>> {
    if let [only] = ids {
        return Ok(vec![Arc::new(facilities::find(db.background(), *only).await?)]);
    }
    let mut all = chrome.all().await?;
    all.retain(|facility| ids.binary_search(&facility.id).is_ok());
    Ok(all)
}

/// The zone in which most of them keep their days: days must be somebody's.
fn zone_of(facilities: &[Arc<Facility>]) -> Zone {
    let mut counts: HashMap<Zone, usize> = HashMap::new();
    for facility in facilities {
        *counts.entry(facility.zone).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(zone, count)| (*count, zone.as_str()));
    most.map_or(Zone::UTC, |(zone, _)| zone)
}
