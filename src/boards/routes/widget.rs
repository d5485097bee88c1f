//! One widget in the editor: the gallery from which it is added, and its form, drawn from what its kind takes.

use std::borrow::Cow;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::commands;
use super::super::compose;
use super::super::model::Definition;
use super::super::pages::{FieldView, GalleryPage, KindView, SampleView, WidgetPage};
use super::super::rights::Right;
use super::edit::{Pairs, working};
use super::{by, found_for, page};
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::error::{Error, Problems, Result};
use crate::ids::BoardId;
use crate::web::{Form, Here, Layout, Markup, OptionView, Routes, options, rejected};
use crate::widgets::{Dimension, Field, Input, Kind, Measure, SourceRef, Widget, refused, sources};
use crate::words;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}/edit/gallery", Access::SignedIn, gallery)
        .post("/boards/{board_id}/edit/widgets", Access::SignedIn, add)
        .get("/boards/{board_id}/edit/widgets/{widget_id}", Access::SignedIn, edit)
        .post("/boards/{board_id}/edit/widgets/{widget_id}", Access::SignedIn, keep)
}

/// `GET /boards/{board_id}/edit/gallery`: every kind as it would look with the viewer's own figures.
async fn gallery(State(app): State<App>, here: Here, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    let by = by(&app, &user).await?;
    let (whole, _) = found_for(&app, &by.reader, id, Right::Edit).await?;
    let layout = app.chrome.page(&user, &here, t!("Add a widget"), "boards").await?;
    let metrics = metrics(&app, &user).await?;
    let samples: Vec<Widget> = Kind::ALL
        .iter()
        .map(|kind| {
            let mut widget = sample(*kind, &format!("sample-{kind}"), None);
            if let (true, Some(metric), Some(source)) = (kind.is_windowed(), metrics.first(), &mut widget.source) {
                source.measure = source.measure.replace(EXAMPLE, metric);
            }
            widget
        })
        .collect();
    let ask = super::show::ask(&app, &user, &whole, &http::Uri::from_static("/")).await?;
    let definition = Definition {
        widgets: samples,
        ..whole.definition.clone()
    };
    let drawn = compose::preview(&app.db, &app.chrome, &ask, &definition).await?;
    let samples = definition.widgets.iter().zip(drawn).map(|(widget, (_, html))| {
        let description = widget.kind.describe();
        let chosen = widget.source.as_ref().map_or("", |source| source.measure.as_str());
        SampleView {
            kind: KindView {
                kind: widget.kind.as_str(),
                label: widget.kind.label(),
                words: description.words,
                icon: description.icon,
            },
            measures: measures(widget.kind, chosen),
            html: Markup(html),
        }
    });
    page(&GalleryPage {
        layout: &layout,
        id: id.0,
        name: whole.board.name.clone(),
        samples: samples.collect(),
    })
}

/// What a window of a metric shows before somebody says which.
const EXAMPLE: &str = "cpu_usage";

/// The names of metrics that come from facilities of this person.
async fn metrics(app: &App, user: &CurrentUser) -> Result<Vec<String>> {
    let mut tx = app.db.read(&user.scope()).await?;
    crate::widgets::known(&mut tx).await
}

/// A widget as the gallery offers it: the first measure that suits it, split as suits it.
fn sample(kind: Kind, id: &str, wish: Option<&str>) -> Widget {
    let mut widget = Widget::new(kind, id);
    let all = sources();
    let wished = wish
        .and_then(|name| all.find(name))
        .map(|(_, measure)| measure)
        .filter(|measure| measure.suits(kind));
    let first = || all.measures().find(|measure| measure.suits(kind)).map(Cow::Borrowed);
    if let Some(measure) = wished.or_else(first) {
        widget.source = Some(SourceRef {
            measure: measure.name.to_string(),
            by: kind.default_by(measure.by),
        });
    }
    if kind.is_windowed() && widget.source.is_none() {
        widget.source = Some(SourceRef {
            measure: format!("metrics.avg.{EXAMPLE}{}", if kind == Kind::Top { "/host" } else { "" }),
            by: vec![],
        });
    }
    match kind {
        Kind::Text => {
            widget.options.markdown = Some(t!("**Words of your own.**\n\n- A list\n- with [a link](/network)").into())
        }
        Kind::Gauge => widget.thresholds.target = Some(100.0),
        _ => {}
    }
    widget
}

fn measures(kind: Kind, chosen: &str) -> Vec<OptionView> {
    let all = sources();
    let mut fitting: Vec<Cow<'_, Measure>> = all.measures().map(Cow::Borrowed).collect();
    // one that is not listed stays what it is
    let unlisted = all
        .find(chosen)
        .filter(|_| !fitting.iter().any(|one| one.name == chosen));
    fitting.extend(unlisted.map(|(_, measure)| measure));
    fitting.retain(|measure| measure.suits(kind));
    options(fitting.iter().map(|measure| (&*measure.name, measure.title())), chosen)
}

/// `POST /boards/{board_id}/edit/widgets`: adds one of a kind at the bottom, and opens its form.
async fn add(
    State(app): State<App>,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(pairs): Form<Pairs>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    found_for(&app, &by.reader, id, Right::Edit).await?;
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    };
    let kind: Kind = value("kind")
        .and_then(|kind| kind.parse().ok())
        .ok_or_else(|| Error::invalid("kind", t!("Choose a kind of widget.")))?;
    let draft = commands::step(&app.db, &by, id, |step| {
        let definition = &mut step.definition;
        let mut widget = sample(kind, &definition.free_id(kind.as_str()), value("measure"));
        widget.place.y = definition.bottom();
        definition.widgets.push(widget);
        Ok(())
    })
    .await?;
    let added = draft.steps.last().and_then(|step| step.definition.widgets.last());
    let widget = added.ok_or(Error::NotFound)?;
    Ok(Redirect::to(&format!("/boards/{id}/edit/widgets/{}", widget.id)).into_response())
}

/// `GET /boards/{board_id}/edit/widgets/{widget_id}`
async fn edit(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Path((id, widget)): Path<(BoardId, String)>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    let (whole, right) = found_for(&app, &by.reader, id, Right::Edit).await?;
    let (step, _) = working(&app, &user, &whole).await?;
    let widget = step.definition.widget(&widget).ok_or(Error::NotFound)?.clone();
    let layout = app.chrome.page(&user, &here, t!("Edit a widget"), "boards").await?;
    let form = Editing {
        app: &app,
        user: &user,
        whole: &whole,
        right,
        layout: &layout,
    };
    page(&form.page(&widget, &Problems::default()).await?)
}

/// `POST /boards/{board_id}/edit/widgets/{widget_id}`: keeps it in the draft, or (`do` = `preview`) shows it and its form
/// again, as after another kind was chosen.
async fn keep(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Path((id, name)): Path<(BoardId, String)>,
    Form(mut pairs): Form<Pairs>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    let (whole, right) = found_for(&app, &by.reader, id, Right::Edit).await?;
    let (step, _) = working(&app, &user, &whole).await?;
    let before = step.definition.widget(&name).ok_or(Error::NotFound)?.clone();
    if before.locked && right < Right::Own {
        return Err(Error::Forbidden);
    }
    pairs.retain(|(field, _)| field != "id");
    pairs.push(("id".into(), name.clone()));
    let only_shown = pairs.iter().any(|(field, value)| field == "do" && value == "preview");
    let (mut widget, mut problems) = Widget::from_form(&pairs);
    widget.place = before.place;
    if widget.kind != before.kind {
        let smallest = widget.kind.describe().smallest;
        widget.place.w = widget.place.w.max(smallest.w);
        widget.place.h = widget.place.h.max(smallest.h);
        widget.place.x = widget.place.x.min(12 - widget.place.w);
        complete(&mut widget);
    }
    if right < Right::Own {
        widget.locked = before.locked;
    }
    if problems.is_empty() {
        problems = sources().check(&widget);
    }
    if problems.is_empty() && !only_shown {
        let mut tx = app.db.read(&user.scope()).await?;
        problems = refused(&mut tx, &widget).await?;
    }
    if !only_shown && problems.is_empty() {
        commands::step(&app.db, &by, id, |step| {
            *step.definition.widget_mut(&name).ok_or(Error::NotFound)? = widget;
            Ok(())
        })
        .await?;
        return Ok(Redirect::to(&format!("/boards/{id}/edit#edit-{name}")).into_response());
    }
    let layout = app.chrome.page(&user, &here, t!("Edit a widget"), "boards").await?;
    let form = Editing {
        app: &app,
        user: &user,
        whole: &whole,
        right,
        layout: &layout,
    };
    let html = form.page(&widget, &problems).await?;
    if only_shown { page(&html) } else { rejected(&html) }
}

/// Gives a widget whose kind was changed what the new kind cannot do without.
fn complete(widget: &mut Widget) {
    let wish = widget.source.as_ref().map(|source| source.measure.clone());
    let fresh = sample(widget.kind, &widget.id, wish.as_deref());
    let accepts = widget.source.as_ref().is_some_and(|source| {
        let known = sources().find(&source.measure);
        known.is_some_and(|(_, measure)| measure.suits(widget.kind)) && widget.kind.accepts(&source.by)
    });
    if !accepts {
        widget.source = fresh.source;
    }
    if widget.options.markdown.is_none() {
        widget.options.markdown = fresh.options.markdown;
    }
}

struct Editing<'a> {
    app: &'a App,
    user: &'a CurrentUser,
    whole: &'a super::super::queries::Whole,
    right: Right,
    layout: &'a Layout,
}

impl<'a> Editing<'a> {
    async fn page(&self, widget: &Widget, problems: &Problems) -> Result<WidgetPage<'a>> {
        let ask = super::show::ask(self.app, self.user, self.whole, &http::Uri::from_static("/")).await?;
        let definition = Definition {
            widgets: vec![widget.clone()],
            ..self.whole.definition.clone()
        };
        let mut drawn = compose::preview(&self.app.db, &self.app.chrome, &ask, &definition).await?;
        let metrics = match widget.kind.is_windowed() {
            true => metrics(self.app, self.user).await?,
            false => vec![],
        };
        let fields: Vec<FieldView> = widget
            .kind
            .describe()
            .fields
            .iter()
            .map(|one| field(one, widget, problems, &metrics))
            .collect();
        let shown = |name: &str| name == "title" || fields.iter().any(|field| field.name == name);
        let others = problems.iter().filter(|(name, _)| !shown(name));
        Ok(WidgetPage {
            layout: self.layout,
            id: self.whole.board.id.0,
            name: self.whole.board.name.clone(),
            widget_id: widget.id.clone(),
            kind: widget.kind.label().into(),
            kinds: options(
                Kind::ALL.iter().map(|kind| (kind.as_str(), kind.label())),
                widget.kind.as_str(),
            ),
            title: widget.title.clone(),
            title_problem: problems.of("title").unwrap_or_default().into(),
            problems: others.map(|(_, problem)| problem.to_owned()).collect(),
            fields,
            locked: widget.locked,
            may_lock: self.right >= Right::Own,
            classes: format!("w{} h{}", widget.place.w, widget.place.h),
            preview: Markup(drawn.pop().map(|(_, html)| html).unwrap_or_default()),
        })
    }
}

fn field(field: &Field, widget: &Widget, problems: &Problems, metrics: &[String]) -> FieldView {
    let value = widget.value(field.name);
    let (control, options) = match field.input {
        Input::Measure => ("select", measures(widget.kind, &value)),
        Input::Metric => (
            "datalist",
            options(metrics.iter().map(|name| (name.as_str(), name.as_str())), ""),
        ),
        Input::By => ("select", splits(widget, &value)),
        Input::Choice(choices) => (
            "select",
            options(choices.iter().map(|(code, label)| (*code, words::t(label))), &value),
        ),
        Input::Markdown => ("textarea", vec![]),
        Input::Whole(..) => ("number", vec![]),
        Input::Decimal | Input::Text => ("text", vec![]),
    };
    FieldView {
        name: field.name,
        label: words::t(field.label),
        hint: words::t(field.hint),
        problem: problems.of(field.name).unwrap_or_default().into(),
        value,
        control,
        options,
    }
}

/// What the chosen measure can be split by.
fn splits(widget: &Widget, chosen: &str) -> Vec<OptionView> {
    let measure = widget
        .source
        .as_ref()
        .and_then(|source| sources().find(&source.measure));
    let by: &[Dimension] = measure.map_or(&[], |(_, measure)| measure.by);
    let pairs = by.iter().map(|one| (one.as_str(), one.label()));
    options([("", t!("Nothing"))].into_iter().chain(pairs), chosen)
}
