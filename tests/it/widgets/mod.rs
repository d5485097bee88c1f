//! Widgets: what their measures say, and how every kind draws itself. Here is what both stand on.

mod closed;
mod drawing;
mod figures;
mod windows;

use chrono::TimeDelta;
use pulseboard::blood::unit_state::DiscardReason;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::db::Scope;
use pulseboard::facilities;
use pulseboard::inventory::{self, commands::Discard};
use pulseboard::requests::{self, Acceptance};
use pulseboard::widgets::{
    Composed, Context, Dimension, Filter, Frame, Kind, Loads, Query, Range, SeesRows, SourceRef, Widget, compose,
    sources, version,
};

use crate::support::{Facility, TestApp};

/// What a board shows over these facilities, by whoever may see only the facilities of `scope`.
pub(crate) async fn context(app: &TestApp, scope: &Scope, of: &[&Facility], filter: Filter, range: Range) -> Context {
    let all = facilities::directory(app.db.unscoped()).await.expect("the directory");
    let visible: Vec<_> = all
        .into_iter()
        .filter(|facility| of.iter().any(|one| one.id == facility.id))
        .collect();
    let zone = visible
        .first()
        .map_or(pulseboard::clock::Zone::UTC, |facility| facility.zone);
    let person = app.person(pulseboard::auth::Role::NetworkAdmin, &[]).await;
    let person = app.auth.people.find(person.id).await.expect("people can be read");
    let rows = person.map(|person| SeesRows::of(&person));
    Context::new(scope.clone(), &visible, filter, range, zone, app.db.clock.now())
        .expect("a range that can be shown")
        .at("/boards/1/widgets", "", "/boards/1")
        .showing(rows)
}

async fn today(app: &TestApp, of: &Facility) -> Context {
    context(app, &Scope::of(of.id), &[of], Filter::default(), Range::days(1)).await
}

fn widget(kind: Kind, measure: &str, by: &[Dimension]) -> Widget {
    let mut widget = Widget::new(kind, "w1");
    if kind.describe().needs_source() {
        widget.source = Some(SourceRef {
            measure: measure.into(),
            by: by.to_vec(),
        });
    }
    if kind == Kind::Text {
        widget.options.markdown = Some("# Night rules".into());
    }
    widget
}

/// The answer of a measure's source.
async fn load(app: &TestApp, context: &Context, measure: &str, by: &[Dimension]) -> Frame {
    let (source, known) = sources()
        .find(measure)
        .unwrap_or_else(|| panic!("no measure {measure}"));
    let span = context.span;
    let query = Query::new(&known, &widget(Kind::Table, measure, by), by, &span, context);
    let mut tx = app.db.read(&context.scope).await.expect("a look");
    source
        .load(&mut tx, &query)
        .await
        .unwrap_or_else(|error| panic!("{measure} by {by:?}: {error}"))
}

/// All of a measure; nothing is zero.
async fn figure(app: &TestApp, context: &Context, measure: &str) -> f64 {
    let (_, known) = sources().find(measure).expect("a measure");
    let nature = known.nature;
    load(app, context, measure, &[]).await.total(nature).unwrap_or_default()
}

/// A measure by one thing, as key and number, in the order of the keys.
async fn by(app: &TestApp, context: &Context, measure: &str, dimension: Dimension) -> Vec<(String, f64)> {
    let frame = load(app, context, measure, &[dimension]).await;
    let mut rows: Vec<(String, f64)> = frame.rows.into_iter().map(|row| (row.first, row.value)).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

async fn drawn(app: &TestApp, context: &Context, widget: &Widget) -> Composed {
    let mut tx = app.db.read(&context.scope).await.expect("a look");
    let version = version(&mut tx, context).await.expect("a version");
    compose(&mut tx, widget, context, &mut Loads::new(sources(), version)).await
}

/// A facility in which everything that is measured has happened, and the other side of it.
async fn eventful(app: &TestApp) -> (Facility, Facility) {
    let (here, there) = (app.facility("Lakeside").await, app.facility("Riverside").await);
    let editor = app.editor(&here).await;
    app.delivery(&there, &here).await;
    app.delivery(&here, &there).await;
    app.stock(&here).quantity(12).add().await;
    app.stock(&here)
        .of(Component::Platelets, BloodGroup::APositive)
        .quantity(3)
        .expires_in(TimeDelta::hours(20))
        .add()
        .await;
    app.stock(&here).quantity(4).quarantined().add().await;
    let bad = app.stock(&here).quantity(5).add().await;
    let discard = Discard {
        quantity: Some(2),
        reason: DiscardReason::Damaged.to_string(),
        note: String::new(),
    };
    inventory::commands::discard(&app.db, &editor, bad, &discard)
        .await
        .expect("two are discarded");
    app.request(&here, &[&there]).await;
    let wanted = app.request(&there, &[&here]).await;
    app.request(&there, &[&here]).await;
    requests::commands::accept(&app.db, &editor, wanted, &Acceptance::default())
        .await
        .expect("accepted");
    (here, there)
}

/// A widget of every kind over every measure in every shape that it can show.
pub(crate) fn everything() -> Vec<Widget> {
    let mut widgets = Vec::new();
    for &kind in Kind::ALL {
        if !kind.describe().needs_source() {
            widgets.push(widget(kind, "", &[]));
        }
        for measure in sources().measures().filter(|measure| measure.suits(kind)) {
            widgets.push(widget(kind, &measure.name, &kind.default_by(measure.by)));
            for &dimension in measure.by.iter().filter(|one| kind.accepts(&[**one])) {
                widgets.push(widget(kind, &measure.name, &[dimension]));
            }
        }
    }
    for (at, widget) in widgets.iter_mut().enumerate() {
        widget.id = format!("w{at}");
    }
    widgets
}
