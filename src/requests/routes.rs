//! The addresses of requests, all under the facility that looks.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::response::{Html, Response};
use axum_extra::extract::Query as ManyQuery;

use super::form::{AcceptForm, Prefill, RaiseForm, ReasonForm};
use super::view::*;
use super::{Filter, RecipientStatus, Request, Side, State as Standing, Urgency, commands, queries};
use crate::app::App;
use crate::auth::{Access, Editor, Role, Viewer};
use crate::blood::compatibility;
use crate::db::Tx;
use crate::error::{Error, Problems, Result};
use crate::ids::RequestId;
use crate::inventory::pick::{self, Proposal};
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, Routes, TurnQuery, options, query_string, refused, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/facilities/{facility_id}/requests", Access::Viewer, index)
        .get("/facilities/{facility_id}/requests/new", Access::Staff, new)
        .post("/facilities/{facility_id}/requests", Access::Staff, raise)
        .get("/facilities/{facility_id}/requests/{request_id}", Access::Viewer, show)
        .post(
            "/facilities/{facility_id}/requests/{request_id}/acceptance",
            Access::Staff,
            accept,
        )
        .post(
            "/facilities/{facility_id}/requests/{request_id}/rejection",
            Access::Staff,
            reject,
        )
        .post(
            "/facilities/{facility_id}/requests/{request_id}/cancellation",
            Access::Staff,
            cancel,
        )
}

/// The facility is read by the extractor of the viewer.
#[derive(serde::Deserialize)]
struct One {
    request_id: String,
}

impl One {
    fn id(&self) -> Result<RequestId> {
        self.request_id.parse().map_err(|_| Error::NotFound)
    }
}

/// `GET /facilities/{facility_id}/requests?side=incoming&state=open`
async fn index(
    State(app): State<App>,
    viewer: Viewer,
    here: Here,
    Query(filter): Query<Filter>,
    Query(turn): Query<TurnQuery>,
) -> Result<Response> {
    let (id, now) = (viewer.facility, app.db.clock.now());
    let zone = app.chrome.facility(id).await?.zone;
    let mut tx = app.db.read(&viewer.scope()).await?;
    let total = queries::total(&mut tx, id, &filter).await?;
    let found = queries::turn(&mut tx, id, &filter, turn.read()).await?;
    let layout = app
        .chrome
        .facility_page(&viewer, &here, t!("Requests"), "requests")
        .await?
        .following();
    let side = |side: Side| Filter { side, ..filter.clone() };
    page(&IndexPage {
        layout: &layout,
        facility_id: id.0,
        summary: n!("{n} request", "{n} requests", total),
        tabs: [Side::All, Side::Incoming, Side::Outgoing]
            .map(|one| TabView {
                label: one.label(),
                href: side(one).href(id),
                current: filter.side == one,
            })
            .into(),
        side: filter.side.as_str(),
        states: options(
            Standing::ALL.iter().map(|state| (state.as_str(), state.label())),
            filter.state.as_str(),
        ),
        components: component_options(t!("All"), filter.component.map_or("", |component| component.as_str())),
        groups: group_options(t!("All"), filter.group.map_or("", |group| group.as_str())),
        days: if filter.state.by_closing() {
            t!("Closed on")
        } else {
            t!("Raised on")
        },
        day: filter.day.map(|day| day.to_string()).unwrap_or_default(),
        until: filter.until.map(|day| day.to_string()).unwrap_or_default(),
        urgent: filter.urgent,
        filtered: filter.narrows(),
        clear_href: Filter {
            side: filter.side,
            ..Filter::default()
        }
        .href(id),
        rows: found
            .rows
            .iter()
            .map(|request| RowView::new(request, id, zone, now))
            .map(|row| RowView {
                href: here.onward(row.href),
                ..row
            })
            .collect(),
        pages: found.pages(
            &here.carry(&filter.href(id)),
            t!("{rows} shown of {total}", rows = found.rows.len(), total),
            |row| row.id,
        ),
        empty: found.rows.is_empty().then(|| empty(&viewer, &filter)),
    })
}

fn empty(viewer: &Viewer, filter: &Filter) -> EmptyView {
    let id = viewer.facility;
    let (kind, title, text, label, href) = if filter.narrows() {
        let cleared = Filter {
            side: filter.side,
            ..Filter::default()
        };
        (
            "filter",
            t!("No request fits"),
            t!("Other requests are hidden by the filter."),
            t!("Clear the filter"),
            cleared.href(id),
        )
    } else {
        let href = if viewer.role >= Role::Staff {
            format!("/facilities/{id}/requests/new")
        } else {
            String::new()
        };
        (
            "never",
            t!("No requests yet"),
            t!("What this facility asks of others, and others of it, stands here."),
            t!("Raise a request"),
            href,
        )
    };
    EmptyView::new(kind, title, text, label, href)
}

/// `GET /facilities/{facility_id}/requests/new?component=red_cells&group=O-&quantity=4&to=9`
async fn new(
    State(app): State<App>,
    editor: Editor,
    here: Here,
    ManyQuery(asked): ManyQuery<Prefill>,
) -> Result<Response> {
    Ok(Html(form_page(&app, &editor, &here, &asked.into(), &Problems::default()).await?).into_response())
}

/// `POST /facilities/{facility_id}/requests`
async fn raise(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Form(form): Form<RaiseForm>,
) -> Result<Response> {
    let zone = app.chrome.facility(editor.facility).await?.zone;
    let raised = match form.read(editor.facility, zone, app.db.clock.now()) {
        Ok(new) => commands::raise(&app.db, &editor, &new).await,
        Err(error) => Err(error),
    };
    match raised {
        Ok(id) => Ok(saved(hx, &super::href(editor.facility, id), Done::Raised)),
        Err(Error::Invalid(problems)) => {
            let html = form_page(&app, &editor, &here, &form, &problems).await?;
            refused(html)
        }
        Err(error) => Err(error),
    }
}

async fn form_page(app: &App, editor: &Editor, here: &Here, form: &RaiseForm, problems: &Problems) -> Result<String> {
    let layout = app
        .chrome
        .facility_page(editor, here, t!("Raise a request"), "requests")
        .await?;
    let facility = app.chrome.facility(editor.facility).await?;
    let neighbours = queries::neighbours(app.db.unscoped(), editor.facility).await?;
    let (neighbours, more) = NeighbourView::offer(neighbours, form);
    let urgency = if form.urgency.is_empty() {
        Urgency::Routine.as_str()
    } else {
        &form.urgency
    };
    let page = NewPage {
        layout: &layout,
        facility_id: editor.facility.0,
        zone: facility.zone.as_str(),
        form,
        problems,
        components: component_options(t!("Choose"), &form.component),
        groups: group_options(t!("Choose"), &form.group),
        urgencies: options(
            Urgency::ALL.iter().map(|urgency| (urgency.as_str(), urgency.label())),
            urgency,
        ),
        neighbours,
        more,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}

/// `GET /facilities/{facility_id}/requests/{request_id}`
async fn show(State(app): State<App>, viewer: Viewer, here: Here, Path(one): Path<One>) -> Result<Response> {
    let html = show_page(&app, &viewer, &here, one.id()?, Answer::default()).await?;
    Ok(Html(html).into_response())
}

/// `POST /facilities/{facility_id}/requests/{request_id}/acceptance`
async fn accept(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Path(one): Path<One>,
    Form(form): Form<AcceptForm>,
) -> Result<Response> {
    let done = match form.read() {
        Ok(answer) => commands::accept(&app.db, &editor, one.id()?, &answer).await,
        Err(error) => Err(error),
    };
    let answer = Answer {
        quantity: form.quantity,
        confirm: form.confirm == "true",
        ..Answer::default()
    };
    answered(
        &app,
        hx,
        &editor,
        &here,
        one.id()?,
        done.map(|()| Done::Accepted),
        answer,
    )
    .await
}

/// `POST /facilities/{facility_id}/requests/{request_id}/rejection`
async fn reject(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Path(one): Path<One>,
    Form(form): Form<ReasonForm>,
) -> Result<Response> {
    let done = commands::reject(&app.db, &editor, one.id()?, &form.reason).await;
    let answer = Answer {
        reason: form.reason,
        ..Answer::default()
    };
    answered(
        &app,
        hx,
        &editor,
        &here,
        one.id()?,
        done.map(|()| Done::Rejected),
        answer,
    )
    .await
}

/// `POST /facilities/{facility_id}/requests/{request_id}/cancellation`
async fn cancel(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Path(one): Path<One>,
    Form(form): Form<ReasonForm>,
) -> Result<Response> {
    let done = commands::cancel(&app.db, &editor, one.id()?, &form.reason).await;
    let answer = Answer {
        reason: form.reason,
        ..Answer::default()
    };
    answered(
        &app,
        hx,
        &editor,
        &here,
        one.id()?,
        done.map(|()| Done::Cancelled),
        answer,
    )
    .await
}

/// On to the request, or its page again with what was typed. A board sends its forms by htmx and has no place for a
/// page: there the form of the row comes back, or the problem is a notice.
async fn answered(
    app: &App,
    hx: Hx,
    editor: &Editor,
    here: &Here,
    id: RequestId,
    done: Result<Done>,
    answer: Answer,
) -> Result<Response> {
    match done {
        Ok(done) => Ok(saved(hx, &super::href(editor.facility, id), done)),
        Err(Error::Invalid(problems)) if !hx.request => {
            let html = show_page(app, editor, here, id, Answer { problems, ..answer }).await?;
            refused(html)
        }
        Err(Error::Invalid(problems)) if problems.of("reason").is_some() => {
            let mut tx = app.db.read(&editor.scope()).await?;
            let request = queries::find(&mut tx, editor.facility, id).await?;
            let reject = RejectView {
                reason: answer.reason,
                problem: problems.of("reason").unwrap_or_default().into(),
                ..RejectView::new(&request, editor.facility)
            };
            rejected(&RejectFragment { reject: &reject })
        }
        Err(error) => Err(error),
    }
}

async fn show_page(app: &App, viewer: &Viewer, here: &Here, id: RequestId, answer: Answer) -> Result<String> {
    let (me, now) = (viewer.facility, app.db.clock.now());
    let zone = app.chrome.facility(me).await?.zone;
    let mut tx = app.db.read(&viewer.scope()).await?;
    let request = queries::find(&mut tx, me, id).await?;
    let staff = viewer.role >= Role::Staff;
    let can_answer = staff && request.mine == Some(RecipientStatus::Open) && request.closed_at.is_none();
    let proposal = if can_answer {
        proposal(&mut tx, viewer, &request).await?
    } else {
        Vec::new()
    };
    let outstanding = queries::outstanding(&mut tx, &request).await?;
    let sends = request.accepted_by == Some(me);
    let deliveries = queries::deliveries(&mut tx, id).await?;
    let under_way = deliveries.iter().any(|delivery| delivery.delivered_at.is_none());
    let title = amount(request.quantity, request.group, request.component);
    // the page after a refused form is the request's, whatever address the form had
    let here = Here {
        path: here.carry(&super::href(me, id)),
        ..here.clone()
    };
    let layout = app
        .chrome
        .facility_page(viewer, &here, &title, "requests")
        .await?
        .following();
    let page = ShowPage {
        layout: &layout,
        facility_id: me.0,
        row: RowView::new(&request, me, zone, now),
        own: request.facility == me,
        age: age(&request, now),
        recipients: queries::recipients(&mut tx, &request)
            .await?
            .iter()
            .map(|one| RecipientView::new(one, zone, now))
            .collect(),
        steps: queries::steps(&mut tx, me, &request)
            .await?
            .iter()
            .map(|step| StepView::new(step, zone, now))
            .collect(),
        deliveries: deliveries
            .iter()
            .map(|delivery| DeliveryView::new(delivery, me, zone, now))
            .collect(),
        outstanding,
        can_answer,
        can_cancel: staff && request.facility == me && request.closed_at.is_none() && !under_way,
        can_send: staff && sends && request.closed_at.is_none() && outstanding > 0,
        stock: proposal.iter().map(|taken| taken.quantity).sum(),
        stock_words: stock_words(&proposal),
        again_href: again_href(&request),
        request: &request,
        answer,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}

async fn proposal(tx: &mut Tx, viewer: &Viewer, request: &Request) -> Result<Vec<Proposal>> {
    let choices = compatibility::stock_choices(request.component, request.group);
    pick::propose(tx, viewer.facility, request.component, &choices, request.quantity, None).await
}

/// `3 × O−, 1 × O+`: what would be reserved, by group.
fn stock_words(proposal: &[Proposal]) -> String {
    let mut groups: Vec<(&'static str, i32)> = Vec::new();
    for taken in proposal {
        match groups.iter_mut().find(|(group, _)| *group == taken.unit.group.label()) {
            Some((_, quantity)) => *quantity += taken.quantity,
            None => groups.push((taken.unit.group.label(), taken.quantity)),
        }
    }
    let words: Vec<String> = groups
        .iter()
        .map(|(group, quantity)| format!("{quantity} × {group}"))
        .collect();
    words.join(", ")
}

/// The form for what nobody has promised yet.
fn again_href(request: &Request) -> String {
    let rest = match request.not_promised() {
        0 => request.quantity - request.fulfilled,
        rest => rest,
    };
    let query = query_string(&[
        ("component", request.component.as_str()),
        ("group", request.group.as_str()),
        ("quantity", &rest.to_string()),
        ("urgency", request.urgency.as_str()),
    ]);
    format!("/facilities/{}/requests/new{query}", request.facility)
}

fn page(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}
