//! The addresses of distributions, all under the facility that looks.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};

use super::form::{DispatchForm, Need, NeedForm, ReceiptForm, ReturnForm};
use super::view::*;
use super::{Filter, Status, commands, queries};
use crate::app::App;
use crate::auth::{Access, Editor, Role, Viewer};
use crate::blood::compatibility;
use crate::charts::units;
use crate::db::Tx;
use crate::error::{Error, Problems, Result};
use crate::ids::DistributionId;
use crate::inventory::pick;
use crate::requests::{self, Side, TabView, amount, component_options, group_options};
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, OptionView, Routes, TurnQuery, refused, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/facilities/{facility_id}/distributions", Access::Viewer, index)
        .get("/facilities/{facility_id}/distributions/new", Access::Staff, new)
        .post("/facilities/{facility_id}/distributions", Access::Staff, dispatch)
        .get(
            "/facilities/{facility_id}/distributions/{distribution_id}",
            Access::Viewer,
            show,
        )
        .post(
            "/facilities/{facility_id}/distributions/{distribution_id}/receipt",
            Access::Staff,
            receive,
        )
        .post(
            "/facilities/{facility_id}/distributions/{distribution_id}/return",
            Access::Staff,
            send_back,
        )
}

/// The facility is read by the extractor of the viewer.
#[derive(serde::Deserialize)]
struct One {
    distribution_id: String,
}

impl One {
    fn id(&self) -> Result<DistributionId> {
        self.distribution_id.parse().map_err(|_| Error::NotFound)
    }
}

/// `GET /facilities/{facility_id}/distributions?side=incoming&status=in_transit`
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
    let total = queries::totals(&mut tx, id, &filter).await?;
    let found = queries::turn(&mut tx, id, &filter, turn.read()).await?;
    let layout = app
        .chrome
        .facility_page(&viewer, &here, t!("Transfers"), "distributions")
        .await?
        .following();
    let side = |side: Side| Filter { side, ..filter.clone() };
    let statuses = Status::ALL.iter().map(|status| (status.as_str(), status.label()));
    let page = IndexPage {
        layout: &layout,
        facility_id: id.0,
        summary: t!(
            "{units} in {transfers}",
            units = units(total.units),
            transfers = n!("{n} transfer", "{n} transfers", total.rows)
        ),
        tabs: [Side::All, Side::Incoming, Side::Outgoing]
            .map(|one| TabView {
                label: one.label(),
                href: side(one).href(id),
                current: filter.side == one,
            })
            .into(),
        side: filter.side.as_str(),
        statuses: crate::web::options(
            [("", t!("All"))].into_iter().chain(statuses),
            filter.status.map_or("", Status::as_str),
        ),
        delivered_on: filter.delivered_on.map(|day| day.to_string()).unwrap_or_default(),
        dispatched_on: filter.dispatched_on.map(|day| day.to_string()).unwrap_or_default(),
        until: filter.until.map(|day| day.to_string()).unwrap_or_default(),
        filtered: filter.narrows(),
        clear_href: Filter {
            side: filter.side,
            ..Filter::default()
        }
        .href(id),
        rows: found
            .rows
            .iter()
            .map(|one| RowView::new(one, id, zone, now))
            .map(|row| RowView {
                href: here.onward(row.href),
                ..row
            })
            .collect(),
        pages: found.pages(
            &here.carry(&filter.href(id)),
            t!("{rows} shown of {all}", rows = found.rows.len(), all = total.rows),
            |row| row.id,
        ),
        empty: found.rows.is_empty().then(|| empty(&viewer, &filter)),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
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
            t!("No transfer fits"),
            t!("Other transfers are hidden by the filter."),
            t!("Clear the filter"),
            cleared.href(id),
        )
    } else {
        let staff = viewer.role >= Role::Staff;
        let href = if staff {
            format!("/facilities/{id}/distributions/new")
        } else {
            String::new()
        };
        (
            "never",
            t!("No transfers yet"),
            t!("Units sent to other facilities, and units they send, stand here."),
            t!("Dispatch units"),
            href,
        )
    };
    EmptyView::new(kind, title, text, label, href)
}

/// `GET /facilities/{facility_id}/distributions/new?request=9`
async fn new(State(app): State<App>, editor: Editor, here: Here, Query(asked): Query<NeedForm>) -> Result<Response> {
    let (form, none) = (DispatchForm::default(), Problems::default());
    if asked.is_empty() {
        return Ok(Html(new_page(&app, &editor, &here, asked, None, &form, &none).await?).into_response());
    }
    match need_of(&app, &editor, &asked).await {
        Ok(need) => Ok(Html(new_page(&app, &editor, &here, asked, Some(need), &form, &none).await?).into_response()),
        Err(Error::Invalid(problems)) => refused(new_page(&app, &editor, &here, asked, None, &form, &problems).await?),
        Err(error) => Err(error),
    }
}

/// `POST /facilities/{facility_id}/distributions`
async fn dispatch(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Form(form): Form<DispatchForm>,
) -> Result<Response> {
    let asked = form.need();
    let need = match need_of(&app, &editor, &asked).await {
        Ok(need) => need,
        Err(Error::Invalid(problems)) => {
            return refused(new_page(&app, &editor, &here, asked, None, &form, &problems).await?);
        }
        Err(error) => return Err(error),
    };
    let sent = match form.read(&need) {
        Ok(dispatch) => commands::dispatch(&app.db, &editor, &dispatch).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(id) => Ok(saved(hx, &super::model::href(editor.facility, id), Done::Dispatched)),
        Err(Error::Invalid(problems)) => {
            refused(new_page(&app, &editor, &here, asked, Some(need), &form, &problems).await?)
        }
        Err(error) => Err(error),
    }
}

/// What is needed: what a request still waits for, or what the form says.
async fn need_of(app: &App, editor: &Editor, asked: &NeedForm) -> Result<Need> {
    let Some(id) = asked.request() else { return asked.read() };
    let mut tx = app.db.read(&editor.scope()).await?;
    let request = requests::queries::find(&mut tx, editor.facility, id).await?;
    if request.accepted_by != Some(editor.facility) {
        return Err(Error::Conflict(
            t!("This request does not wait for units of this facility.").into(),
        ));
    }
    match requests::queries::outstanding(&mut tx, &request).await? {
        0 => Err(Error::Conflict(
            t!("All that was promised for this request is on its way.").into(),
        )),
        outstanding => Ok(NeedForm::of(&request, outstanding)),
    }
}

async fn new_page(
    app: &App,
    editor: &Editor,
    here: &Here,
    asked: NeedForm,
    need: Option<Need>,
    form: &DispatchForm,
    problems: &Problems,
) -> Result<String> {
    let layout = app
        .chrome
        .facility_page(editor, here, t!("Dispatch units"), "distributions")
        .await?;
    let others = crate::facilities::directory(app.db.unscoped()).await?;
    let mut facilities: Vec<OptionView> = vec![OptionView {
        value: String::new(),
        label: t!("Choose").into(),
        selected: false,
    }];
    facilities.extend(
        others
            .into_iter()
            .filter(|other| other.id != editor.facility)
            .map(|other| OptionView {
                selected: asked.to.trim() == other.id.to_string(),
                value: other.id.to_string(),
                label: format!("{}, {}", other.name, other.region),
            }),
    );
    let offer = match &need {
        Some(need) => Some(offer(app, editor, need, form).await?),
        None => None,
    };
    let page = NewPage {
        layout: &layout,
        facility_id: editor.facility.0,
        facilities,
        components: component_options(t!("Choose"), &asked.component),
        groups: group_options(t!("Choose"), &asked.group),
        need: asked,
        offer,
        form,
        problems,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}

/// Compatible rows beside the proposed ones, and rows of other groups below.
const MORE: i64 = 30;

async fn offer(app: &App, editor: &Editor, need: &Need, form: &DispatchForm) -> Result<OfferView> {
    let (me, now) = (editor.facility, app.db.clock.now());
    let zone = app.chrome.facility(me).await?.zone;
    let to = app.chrome.facility(need.to).await?;
    let choices = compatibility::stock_choices(need.component, need.group);
    let mut tx = app.db.read(&editor.scope()).await?;
    let proposal = pick::propose(&mut tx, me, need.component, &choices, need.quantity, need.request).await?;
    let limit = i64::from(need.quantity) + MORE;
    let compatible = pick::candidates(&mut tx, me, need.component, &choices, limit, need.request).await?;
    let others = pick::others(&mut tx, me, need.component, &choices, MORE).await?;
    // a form that comes back shows what was chosen, a fresh one what is proposed
    let typed = !form.unit.is_empty() || !form.lot.is_empty();
    let proposed = |unit| {
        proposal
            .iter()
            .find(|taken| taken.unit.id == unit)
            .map_or(0, |taken| taken.quantity)
    };
    let take = |unit| match (typed, proposed(unit)) {
        (true, _) => form.chosen(unit),
        (false, 0) => String::new(),
        (false, quantity) => quantity.to_string(),
    };
    let found: i32 = proposal.iter().map(|taken| taken.quantity).sum();
    Ok(OfferView {
        title: t!(
            "{what} to {facility}",
            what = amount(need.quantity, need.group, need.component),
            facility = to.name
        ),
        request_href: need.request.map(|id| requests::href(me, id)).unwrap_or_default(),
        summary: if found >= need.quantity {
            t!("The first to expire of the best group are chosen.").into()
        } else {
            t!(
                "Only {found} of {value} can be sent now.",
                found,
                value = units(need.quantity)
            )
        },
        short: found < need.quantity,
        compatible: compatible
            .iter()
            .map(|unit| OfferRow::new(unit, &choices, take(unit.id), me, zone, now))
            .collect(),
        others: others
            .iter()
            .map(|unit| OfferRow::new(unit, &choices, take(unit.id), me, zone, now))
            .collect(),
    })
}

/// `GET /facilities/{facility_id}/distributions/{distribution_id}`
async fn show(State(app): State<App>, viewer: Viewer, here: Here, Path(one): Path<One>) -> Result<Response> {
    Ok(Html(show_page(&app, &viewer, &here, one.id()?, Typed::default()).await?).into_response())
}

/// `POST /facilities/{facility_id}/distributions/{distribution_id}/receipt`
async fn receive(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Path(one): Path<One>,
    Form(form): Form<ReceiptForm>,
) -> Result<Response> {
    let done = match form.read() {
        Ok(receipt) => commands::receive(&app.db, &editor, one.id()?, &receipt).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(saved(
            hx,
            &super::model::href(editor.facility, one.id()?),
            Done::Delivered,
        )),
        Err(Error::Invalid(problems)) => {
            let typed = Typed {
                receipt: form,
                problems,
                ..Typed::default()
            };
            refused(show_page(&app, &editor, &here, one.id()?, typed).await?)
        }
        Err(error) => Err(error),
    }
}

/// `POST /facilities/{facility_id}/distributions/{distribution_id}/return`
async fn send_back(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Path(one): Path<One>,
    Form(form): Form<ReturnForm>,
) -> Result<Response> {
    let done = match form.read() {
        Ok(back) => commands::send_back(&app.db, &editor, one.id()?, &back).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => Ok(saved(hx, &super::model::href(editor.facility, id), Done::SentBack)),
        Err(Error::Invalid(problems)) => {
            let typed = Typed {
                back: form,
                problems,
                ..Typed::default()
            };
            refused(show_page(&app, &editor, &here, one.id()?, typed).await?)
        }
        Err(error) => Err(error),
    }
}

async fn show_page(app: &App, viewer: &Viewer, here: &Here, id: DistributionId, typed: Typed) -> Result<String> {
    let (me, now) = (viewer.facility, app.db.clock.now());
    let zone = app.chrome.facility(me).await?.zone;
    let mut tx = app.db.read(&viewer.scope()).await?;
    let one = queries::find(&mut tx, me, id).await?;
    let lines = queries::lines(&mut tx, &one).await?;
    let returns = queries::returns_of(&mut tx, &one).await?;
    let title = t!("Transfer of {value}", value = units(one.sent));
    // the page after a refused form is the transfer's, whatever address the form had
    let here = Here {
        path: here.carry(&super::model::href(me, id)),
        ..here.clone()
    };
    let layout = app
        .chrome
        .facility_page(viewer, &here, &title, "distributions")
        .await?
        .following();
    let (staff, incoming) = (viewer.role >= Role::Staff, one.to == me);
    let arrived = one.status != Status::InTransit;
    let page = ShowPage {
        layout: &layout,
        facility_id: me.0,
        row: RowView::new(&one, me, zone, now),
        age: t!("{age} ago", age = crate::clock::age_label(now - one.dispatched_at)),
        incoming,
        temperature: one
            .temperature
            .map(|degrees| format!("{degrees:.1} °C").replace('-', "−"))
            .unwrap_or_default(),
        request_href: one.request.map(|id| requests::href(me, id)).unwrap_or_default(),
        origin_href: one.return_of.map(|id| super::model::href(me, id)).unwrap_or_default(),
        returns: returns
            .iter()
            .map(|id| ReturnLink {
                id: id.0,
                href: super::model::href(me, *id),
            })
            .collect(),
        lines: lines
            .iter()
            .map(|line| LineView::new(line, &one, me, &typed, zone, now))
            .collect(),
        banks: banks(&mut tx, viewer, &typed).await?,
        can_receive: staff && incoming && !arrived,
        can_return: staff && incoming && arrived && one.return_of.is_none() && lines.iter().any(|line| line.on_shelf()),
        one: &one,
        form: typed,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}

async fn banks(tx: &mut Tx, viewer: &Viewer, typed: &Typed) -> Result<Vec<OptionView>> {
    let banks = crate::inventory::queries::blood_banks(tx, viewer.facility).await?;
    let option = |bank: crate::inventory::queries::BloodBank| OptionView {
        selected: typed.receipt.bank == bank.id.to_string(),
        value: bank.id.to_string(),
        label: bank.name,
    };
    Ok(banks.into_iter().map(option).collect())
}
