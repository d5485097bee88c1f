//! Issuing to a patient: first who it is for, then the proposal with its boxes. One page shows both.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Response};
use axum_extra::extract::Query;

use super::issue_form::{IssueForm, Need, NeedForm};
use super::words::{ExpiryView, When, components, conflicted, expiry};
use crate::app::App;
use crate::auth::Editor;
use crate::blood::compatibility::{Choice, Sex, choices};
use crate::blood::{Abo, BloodGroup, Rh, UnitStatus};
use crate::charts::{full, units};
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, UnitId};
use crate::inventory::{Filter, Unit, commands, pick};
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, Layout, OptionView, options, query_string, rejected, saved};

/// Compatible rows offered beside the proposed ones, and incompatible ones below.
const MORE: i64 = 20;

#[derive(Template)]
#[template(path = "inventory/issue.html")]
struct IssuePage {
    layout: Layout,
    facility: FacilityId,
    need: NeedView,
    offer: Option<OfferView>,
}

/// The first form.
struct NeedView {
    form: NeedForm,
    components: Vec<OptionView>,
    abo: Vec<OptionView>,
    rh: Vec<OptionView>,
    sex: Vec<OptionView>,
    problems: Problems,
}

impl NeedView {
    fn problem(&self, field: &str) -> &str {
        self.problems.of(field).unwrap_or_default()
    }
}

/// The second form: units to choose from.
struct OfferView {
    /// `2 of 3 units of red cells can be given.`
    summary: String,
    short: bool,
    compatible: Vec<OfferRow>,
    others: Vec<OfferRow>,
    override_reason: String,
    problem: String,
    override_problem: String,
    empty: Option<EmptyView>,
}

struct OfferRow {
    id: UnitId,
    href: String,
    name: String,
    group: &'static str,
    /// `Best match`, `2nd choice`; empty for a group that is not compatible
    choice: String,
    note: &'static str,
    expiry: ExpiryView,
    available: String,
    is_lot: bool,
    /// as many as are taken, as typed
    take: String,
    taken: bool,
    problem: String,
}

/// `GET /facilities/{facility_id}/issues/new`
pub async fn new(State(app): State<App>, editor: Editor, here: Here, Query(need): Query<NeedForm>) -> Result<Response> {
    let form = IssueForm {
        need,
        ..IssueForm::default()
    };
    let (page, refused) = page(&app, &editor, &here, &form, None).await?;
    if refused {
        return rejected(&page);
    }
    Ok(axum::response::IntoResponse::into_response(Html(
        page.render().map_err(anyhow::Error::from)?,
    )))
}

/// `POST /facilities/{facility_id}/issues`
pub async fn create(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Form(form): Form<IssueForm>,
) -> Result<Response> {
    let issued = match form.need.read().and_then(|need| form.read(&need)) {
        Ok(issue) => commands::issue(&app.db, &editor, &issue).await,
        Err(problems) => Err(Error::Invalid(problems)),
    };
    match issued {
        Ok(units) => Ok(saved(hx, &after(editor.facility, &units), Done::Issued)),
        Err(Error::Invalid(problems)) => rejected(&page(&app, &editor, &here, &form, Some(problems)).await?.0),
        Err(Error::Conflict(words)) => {
            let problems = Problems::one("take", words);
            conflicted(&page(&app, &editor, &here, &form, Some(problems)).await?.0)
        }
        Err(error) => Err(error),
    }
}

/// The unit, or where all issued ones are.
fn after(facility: FacilityId, units: &[UnitId]) -> String {
    match units {
        [only] => format!("/facilities/{facility}/inventory/{only}"),
        _ => {
            let issued = Filter {
                status: Some(UnitStatus::Issued),
                ..Filter::default()
            };
            issued.href(facility)
        }
    }
}

/// The page, and whether the first form was refused. `problems` are those of the second one, which then keeps what was
/// typed instead of the proposal.
async fn page(
    app: &App,
    editor: &Editor,
    here: &Here,
    form: &IssueForm,
    problems: Option<Problems>,
) -> Result<(IssuePage, bool)> {
    let facility = editor.facility;
    // a refused form has an address that cannot be looked at
    let here = Here {
        path: format!("/facilities/{facility}/issues/new"),
        ..here.clone()
    };
    let layout = app
        .chrome
        .facility_page(editor, &here, t!("Issue to a patient"), "inventory")
        .await?;
    let (need, offer) = match form.need.read() {
        Ok(need) => (
            Problems::default(),
            Some(offer(app, editor, form, &need, problems).await?),
        ),
        Err(_) if form.need.is_empty() => (Problems::default(), None),
        Err(problems) => (problems, None),
    };
    let refused = !need.is_empty();
    let need = NeedView::new(&form.need, need);
    Ok((
        IssuePage {
            layout,
            facility,
            need,
            offer,
        },
        refused,
    ))
}

async fn offer(
    app: &App,
    editor: &Editor,
    form: &IssueForm,
    need: &Need,
    problems: Option<Problems>,
) -> Result<OfferView> {
    let facility = editor.facility;
    let when = When {
        zone: app.chrome.facility(facility).await?.zone,
        now: app.db.clock.now(),
    };
    let choices = choices(need.component, &need.patient, false);
    let limit = i64::from(need.quantity) + MORE;
    let mut tx = app.db.read(&editor.scope()).await?;
    let compatible = pick::candidates(&mut tx, facility, need.component, &choices, limit, None).await?;
    let proposal = pick::propose(&mut tx, facility, need.component, &choices, need.quantity, None).await?;
    let others = pick::others(&mut tx, facility, need.component, &choices, MORE).await?;
    drop(tx);
    let proposed: i32 = proposal.iter().map(|taken| taken.quantity).sum();
    let take: BTreeMap<UnitId, String> = match &problems {
        Some(_) => form.take.clone(),
        None => proposal
            .iter()
            .map(|taken| (taken.unit.id, taken.quantity.to_string()))
            .collect(),
    };
    let problems = problems.unwrap_or_default();
    let row = |unit: &Unit| OfferRow::new(facility, &when, unit, &choices, &take, &problems);
    let wanted = units(need.quantity);
    let of = need.component.label().to_lowercase();
    Ok(OfferView {
        summary: match proposed {
            0 => t!("No compatible unit for {wanted} of {of}.", wanted, of),
            all if all >= need.quantity => t!("{wanted} of {of}: proposed first by group, then by expiry.", wanted, of),
            some => t!(
                "Only {from} of {wanted} of {of} can be given from here.",
                from = full(f64::from(some)),
                wanted,
                of
            ),
        },
        short: proposed < need.quantity,
        empty: compatible.is_empty().then(|| nothing(facility, need, &choices)),
        compatible: compatible.iter().map(row).collect(),
        others: others.iter().map(row).collect(),
        override_reason: form.override_reason.clone(),
        problem: problems.of("take").or(problems.of("")).unwrap_or_default().into(),
        override_problem: problems.of("override_reason").unwrap_or_default().into(),
    })
}

impl OfferRow {
    fn new(
        facility: FacilityId,
        when: &When,
        unit: &Unit,
        choices: &[Choice],
        take: &BTreeMap<UnitId, String>,
        problems: &Problems,
    ) -> Self {
        let choice = pick::choice_of(choices, unit.group);
        let take = take.get(&unit.id).cloned().unwrap_or_default();
        OfferRow {
            id: unit.id,
            href: unit.href(facility),
            name: unit.name(),
            group: unit.group.label(),
            choice: choice.map_or_else(String::new, |choice| place(choice.rank)),
            note: choice.and_then(|choice| choice.note).unwrap_or_default(),
            expiry: expiry(when, unit),
            available: full(f64::from(unit.quantity)),
            is_lot: unit.lot.is_some(),
            taken: !take.trim().is_empty() && take.trim() != "0",
            take,
            problem: problems.of(&format!("take_{}", unit.id)).unwrap_or_default().into(),
        }
    }
}

fn place(rank: u8) -> String {
    match rank {
        1 => t!("Best match").into(),
        2 => t!("2nd choice").into(),
        3 => t!("3rd choice").into(),
        rank => t!("{rank}th choice", rank),
    }
}

impl NeedView {
    fn new(form: &NeedForm, problems: Problems) -> Self {
        let unknown = |label| std::iter::once(("", label));
        NeedView {
            components: components(t!("Choose"), &form.component),
            abo: options(
                unknown(t!("Unknown")).chain(Abo::ALL.iter().map(|abo| (abo.as_str(), abo.label()))),
                &form.abo,
            ),
            rh: options(
                unknown(t!("Unknown")).chain(Rh::ALL.iter().map(|rh| (rh.as_str(), rh.label()))),
                &form.rh,
            ),
            sex: options(
                unknown(t!("Unknown")).chain(Sex::ALL.iter().map(|sex| (sex.as_str(), sex.label()))),
                &form.sex,
            ),
            form: form.clone(),
            problems,
        }
    }
}

/// No rule offers a group, or no such unit is here: then others of the network are asked.
fn nothing(facility: FacilityId, need: &Need, choices: &[Choice]) -> EmptyView {
    if choices.is_empty() || choices.iter().all(|choice| choice.low_titre_only) {
        return EmptyView {
            kind: "range".into(),
            title: t!("No group can be proposed").into(),
            text: t!("For this patient and component only the laboratory can decide.").into(),
            label: String::new(),
            href: String::new(),
        };
    }
    let group = need
        .patient
        .abo
        .zip(need.patient.rh)
        .map(|(abo, rh)| BloodGroup::new(abo, rh));
    let quantity = need.quantity.to_string();
    let wish = [
        ("component", need.component.as_str()),
        ("group", group.map_or("", BloodGroup::as_str)),
        ("quantity", quantity.as_str()),
    ];
    EmptyView {
        kind: "range".into(),
        title: t!("No compatible unit is here").into(),
        text: t!("Ask other facilities of the network for it.").into(),
        label: t!("Raise a request").into(),
        href: format!("/facilities/{facility}/requests/new{}", query_string(&wish)),
    }
}
