//! Changing a board with plain forms: one page with everything that stands on it, whose every button keeps what was typed
//! in the editor's own draft; saving makes a version, discarding forgets the draft.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::super::commands::{self, By, Saved};
use super::super::model::{Definition, Refresh};
use super::super::pages::{CellView, ConflictPage, EditCell, EditPage, ProblemsOf};
use super::super::queries::{self, Draft, Step, Version, Whole};
use super::super::rights::{Right, sees_names};
use super::super::{compose, diff};
use super::{by, found_for, page};
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::ids::BoardId;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Routes, options, rejected, saved};
use crate::widgets::Range;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}/edit", Access::SignedIn, edit)
        .post("/boards/{board_id}/edit", Access::SignedIn, act)
        .post("/boards/{board_id}/version", Access::SignedIn, save)
}

/// Names and values of a form whose names follow from the board.
pub(super) type Pairs = Vec<(String, String)>;

fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.trim())
}

/// The document that somebody is working on: the last step of their draft, or what is saved.
pub(super) async fn working(app: &App, user: &CurrentUser, whole: &Whole) -> Result<(Step, Option<Draft>)> {
    let draft = queries::draft(app.db.unscoped(), whole.board.id, user.id).await?;
    let saved = Step {
        name: whole.board.name.clone(),
        description: whole.board.description.clone(),
        definition: whole.definition.clone(),
    };
    let step = draft.as_ref().and_then(|draft| draft.steps.last().cloned());
    Ok((step.unwrap_or(saved), draft))
}

/// `GET /boards/{board_id}/edit`
async fn edit(State(app): State<App>, here: Here, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    let html = editor(&app, &here, &user, id, &Problems::default(), "").await?;
    Ok(html.into_response())
}

async fn editor(
    app: &App,
    here: &Here,
    user: &CurrentUser,
    id: BoardId,
    problems: &Problems,
    note: &str,
) -> Result<Response> {
    let by = by(app, user).await?;
    let (whole, right) = found_for(app, &by.reader, id, Right::Edit).await?;
    let (step, draft) = working(app, user, &whole).await?;
    let layout = app
        .chrome
        .page(user, here, &t!("Edit {name}", name = step.name), "boards")
        .await?;
    let ask = super::show::ask(app, user, &whole, &http::Uri::from_static("/")).await?;
    let drawn = compose::preview(&app.db, &app.chrome, &ask, &step.definition).await?;
    let widgets = &step.definition.widgets;
    let last = widgets.len().saturating_sub(1);
    let cells = widgets
        .iter()
        .zip(&drawn)
        .enumerate()
        .map(|(at, (widget, (_, html)))| EditCell {
            cell: CellView::new(widget, html),
            title: match widget.title.as_str() {
                "" => widget.kind.label().into(),
                title => title.into(),
            },
            locked: widget.locked,
            may_change: !widget.locked || right >= Right::Own,
            is_first: at == 0,
            is_last: at == last,
            problems: problems
                .iter()
                .filter(|(field, _)| {
                    field
                        .strip_prefix(widget.id.as_str())
                        .is_some_and(|rest| rest.starts_with('.'))
                })
                .map(|(_, problem)| problem.to_owned())
                .collect(),
        });
    let range = &step.definition.range;
    let page = EditPage {
        layout: &layout,
        id: id.0,
        title: whole.board.name.clone(),
        base_version: draft.as_ref().map_or(whole.board.version, |draft| draft.base_version),
        board_name: step.name.clone(),
        description: step.description.clone(),
        from: range.from.to_string(),
        to: range.to.to_string(),
        refresh: options(
            Refresh::ALL.iter().map(|one| (one.as_str(), one.label())),
            step.definition.refresh.as_str(),
        ),
        note: note.into(),
        widgets: cells.collect(),
        has_draft: draft.is_some(),
        can_undo: draft.as_ref().is_some_and(|draft| draft.steps.len() > 1),
        may_own: right >= Right::Own,
        problems: problems.iter().map(|(_, problem)| problem.to_owned()).collect(),
        problem_of: ProblemsOf(problems.clone()),
    };
    if problems.is_empty() {
        super::page(&page)
    } else {
        rejected(&page)
    }
}

/// What a button of the editor does besides keeping what was typed.
enum Act<'a> {
    Keep,
    Up(&'a str),
    Down(&'a str),
    Remove(&'a str),
    Lock(&'a str, bool),
    /// on to the form of a widget
    Change(&'a str),
    /// on to the gallery
    Add,
    Undo,
    Discard,
}

impl<'a> Act<'a> {
    fn of(text: &'a str) -> Self {
        match text.split_once(':').unwrap_or((text, "")) {
            ("up", id) => Act::Up(id),
            ("down", id) => Act::Down(id),
            ("remove", id) => Act::Remove(id),
            ("lock", id) => Act::Lock(id, true),
            ("unlock", id) => Act::Lock(id, false),
            ("change", id) => Act::Change(id),
            ("add", _) => Act::Add,
            ("undo", _) => Act::Undo,
            ("discard", _) => Act::Discard,
            _ => Act::Keep,
        }
    }
}

/// `POST /boards/{board_id}/edit`: one button of the editor, with everything that was typed.
async fn act(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(pairs): Form<Pairs>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    found_for(&app, &by.reader, id, Right::Edit).await?;
    let edit = format!("/boards/{id}/edit");
    let act = Act::of(value(&pairs, "do").unwrap_or_default());
    match act {
        Act::Discard => {
            commands::discard(&app.db, &by, id).await?;
            return Ok(saved(hx, &format!("/boards/{id}"), Done::DraftDiscarded));
        }
        Act::Undo => {
            commands::undo(&app.db, &by, id).await?;
            return Ok(Redirect::to(&edit).into_response());
        }
        _ => {}
    }
    let kept = commands::step(&app.db, &by, id, |step| {
        take(step, &pairs)?;
        let definition = &mut step.definition;
        match act {
            Act::Up(id) => swap(definition, id, true),
            Act::Down(id) => swap(definition, id, false),
            Act::Remove(id) => definition.widgets.retain(|widget| widget.id != id),
            Act::Lock(id, on) => definition.widget_mut(id).ok_or(Error::NotFound)?.locked = on,
            _ => {}
        }
        Ok(())
    });
    match kept.await {
        Ok(_) => Ok(match act {
            Act::Change(widget) => Redirect::to(&format!("{edit}/widgets/{widget}")),
            Act::Add => Redirect::to(&format!("{edit}/gallery")),
            Act::Up(widget) | Act::Down(widget) => Redirect::to(&format!("{edit}#edit-{widget}")),
            _ => Redirect::to(&edit),
        }
        .into_response()),
        Err(Error::Invalid(problems)) => editor(&app, &here, &user, id, &problems, "").await,
        Err(error) => Err(error),
    }
}

/// `POST /boards/{board_id}/version`: saves the draft with all that was typed since.
async fn save(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(pairs): Form<Pairs>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    found_for(&app, &by.reader, id, Right::Edit).await?;
    let note = value(&pairs, "note").unwrap_or_default();
    if value(&pairs, "do") == Some("merge") {
        return merge(&app, &by, id, &pairs, hx, note).await;
    }
    let kept = async {
        let draft = commands::step(&app.db, &by, id, |step| take(step, &pairs)).await?;
        let step = draft.steps.last().cloned().ok_or(Error::NotFound)?;
        // a page that was open since before somebody saved speaks for itself
        let typed_on = value(&pairs, "base").and_then(|base| base.parse().ok());
        let base = typed_on.unwrap_or(draft.base_version).min(draft.base_version);
        let saved = commands::save(&app.db, &by, id, base, &step, note).await?;
        Ok((saved, step, base))
    };
    match kept.await {
        Ok((Saved::As(_), ..)) => {
            app.boards.redefined(id);
            Ok(saved(hx, &format!("/boards/{id}"), Done::BoardSaved))
        }
        Ok((Saved::Behind(theirs), mine, base)) => conflict(&app, &here, &user, id, base, *theirs, mine, note).await,
        Err(Error::Invalid(problems)) => editor(&app, &here, &user, id, &problems, note).await,
        Err(error) => Err(error),
    }
}

/// Both sides of a conflict. Mine stays in the draft; nothing is lost whichever way one goes on.
#[allow(clippy::too_many_arguments)] // each is a part of the page
async fn conflict(
    app: &App,
    here: &Here,
    user: &CurrentUser,
    id: BoardId,
    base: i32,
    theirs: Version,
    mine: Step,
    note: &str,
) -> Result<Response> {
    let whole = app.boards.library().board(id).await?;
    let began = step_of(queries::version(app.db.unscoped(), &whole, base).await?);
    let named = sees_names(&super::reader(app, user).await?, &whole.board);
    let by = if named {
        theirs.by.clone()
    } else {
        t!("Another editor").into()
    };
    let (version, at, theirs_note) = (theirs.version, theirs.at, theirs.note.clone());
    let theirs = step_of(theirs);
    let (_, both) = diff::merged(&began, &theirs, &mine);
    let layout = app
        .chrome
        .page(user, here, t!("Somebody saved meanwhile"), "boards")
        .await?;
    let html = page(&ConflictPage {
        layout: &layout,
        id: id.0,
        name: theirs.name.clone(),
        version,
        by,
        at: t!("{at} ago", at = age_label(app.db.clock.now() - at)),
        theirs_note,
        theirs: diff::words(&began, &theirs),
        mine: diff::words(&began, &mine),
        both,
        note: note.into(),
    })?;
    Ok((StatusCode::CONFLICT, html).into_response())
}

/// Puts the draft and what somebody else saved together, and saves that.
async fn merge(app: &App, by: &By, id: BoardId, pairs: &Pairs, hx: Hx, note: &str) -> Result<Response> {
    let onto: i32 = value(pairs, "onto")
        .and_then(|onto| onto.parse().ok())
        .ok_or(Error::NotFound)?;
    let user = by.actor.user.ok_or(Error::Forbidden)?;
    let (whole, _) = queries::find(app.db.unscoped(), &by.reader, id).await?;
    let draft = queries::draft(app.db.unscoped(), id, user)
        .await?
        .ok_or(Error::NotFound)?;
    let mine = draft.steps.last().ok_or(Error::NotFound)?;
    let began = step_of(queries::version(app.db.unscoped(), &whole, draft.base_version).await?);
    let theirs = step_of(queries::version(app.db.unscoped(), &whole, onto).await?);
    let (together, _) = diff::merged(&began, &theirs, mine);
    commands::rebase(&app.db, by, id, onto, &together).await?;
    match commands::save(&app.db, by, id, onto, &together, note).await? {
        Saved::As(_) => {
            app.boards.redefined(id);
            Ok(saved(hx, &format!("/boards/{id}"), Done::BoardSaved))
        }
        // and again somebody was faster: the editor shows the draft, and its saving the next conflict
        Saved::Behind(_) => Ok(Redirect::to(&format!("/boards/{id}/edit")).into_response()),
    }
}

fn step_of(version: Version) -> Step {
    Step {
        name: version.name,
        description: version.description,
        definition: version.definition,
    }
}

/// What the editor's form says of the board and of the places of its widgets. Columns and rows are counted from 1 there.
fn take(step: &mut Step, pairs: &Pairs) -> Result<()> {
    let mut problems = Problems::default();
    if let Some(name) = value(pairs, "name") {
        step.name = name.into();
    }
    if let Some(description) = value(pairs, "description") {
        step.description = description.into();
    }
    if let (Some(from), Some(to)) = (value(pairs, "from"), value(pairs, "to")) {
        match Range::read(from, to) {
            Ok(range) => step.definition.range = range,
            Err(Error::Invalid(wrong)) => problems = wrong,
            Err(error) => return Err(error),
        }
    }
    if let Some(refresh) = value(pairs, "refresh") {
        match refresh.parse() {
            Ok(refresh) => step.definition.refresh = refresh,
            Err(_) => problems.add("refresh", t!("Choose one of the list.")),
        }
    }
    for widget in &mut step.definition.widgets {
        let mut number = |axis: &str, from: u32, to: u32| -> Option<u32> {
            let given = value(pairs, &format!("{axis}.{}", widget.id))?;
            let read = given.parse().ok().filter(|number| (from..=to).contains(number));
            if read.is_none() {
                problems.add(
                    format!("{}.{axis}", widget.id),
                    t!("Give a number from {from} to {to}.", from, to),
                );
            }
            read
        };
        if let Some(x) = number("x", 1, 12) {
            widget.place.x = (x - 1) as u8;
        }
        if let Some(y) = number("y", 1, 500) {
            widget.place.y = (y - 1) as u16;
        }
        if let Some(w) = number("w", 1, 12) {
            widget.place.w = w as u8;
        }
        if let Some(h) = number("h", 1, 40) {
            widget.place.h = h as u8;
        }
        widget.place.x = widget.place.x.min(12 - widget.place.w.min(12));
    }
    problems.check()
}

/// Lets a widget change places with the one before or after it.
fn swap(definition: &mut Definition, id: &str, up: bool) {
    definition.settle();
    let Some(at) = definition.widgets.iter().position(|widget| widget.id == id) else {
        return;
    };
    let (first, second) = if up { (at.wrapping_sub(1), at) } else { (at, at + 1) };
    if first >= definition.widgets.len() || second >= definition.widgets.len() {
        return;
    }
    let (a, b) = (definition.widgets[first].place, definition.widgets[second].place);
    if a.y == b.y {
        // beside each other: they change sides
        definition.widgets[second].place.x = a.x;
        definition.widgets[first].place.x = a.x + b.w;
    } else {
        definition.widgets[second].place.y = a.y;
        definition.widgets[second].place.x = a.x.min(12 - b.w);
        definition.widgets[first].place.y = a.y + u16::from(b.h);
    }
    definition.settle();
}
