//! A unit: what it is, everything that happened to it, and what may be done with it now.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Response};

use super::unit_form::{UnitForm, Verb, verbs};
use super::unit_history::{StepView, steps};
use super::words::{BadgeView, ExpiryView, When, badge, conflicted, expiry};
use crate::app::App;
use crate::auth::{Editor, Role, Viewer};
use crate::blood::{DiscardReason, UnitStatus};
use crate::charts::{full, units};
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, UnitId};
use crate::inventory::queries;
use crate::inventory::{Unit, commands};
use crate::reference::{self, Reason};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, LinkView, OptionView, options, rejected, saved};

#[derive(Template)]
#[template(path = "inventory/show.html")]
struct UnitPage {
    layout: Layout,
    facility: FacilityId,
    href: String,
    name: String,
    group: &'static str,
    component: &'static str,
    quantity: String,
    /// `1 unit`, `4 units`
    units: String,
    is_lot: bool,
    status: BadgeView,
    is_unsafe: bool,
    expiry: ExpiryView,
    collected: String,
    received: String,
    bank: String,
    reserved_until: Option<String>,
    reserved_for: Option<LinkView>,
    steps: Vec<StepView>,
    actions: Vec<Action>,
    /// other rows of the same donation here
    siblings: Vec<LinkView>,
}

/// A form beside the unit.
struct Action {
    verb: Verb,
    open: bool,
    form: UnitForm,
    reasons: Vec<OptionView>,
    problems: Problems,
}

impl Action {
    fn is_refused(&self) -> bool {
        !self.problems.is_empty()
    }

    fn problem(&self, field: &str) -> &str {
        self.problems.of(field).unwrap_or_default()
    }

    fn typed(&self, field: &str) -> &str {
        match field {
            "quantity" => &self.form.quantity,
            "note" => &self.form.note,
            "temperature" => &self.form.temperature,
            _ => "",
        }
    }

    /// Whether it can be done to a part of a lot.
    fn takes_part(&self) -> bool {
        !matches!(self.verb, Verb::PositiveTest | Verb::Reversal)
    }

    fn icon(&self) -> &'static str {
        match self.verb {
            Verb::Release => "check",
            Verb::Transfusion => "droplet",
            Verb::Return | Verb::Reversal => "undo-2",
            Verb::Quarantine | Verb::PositiveTest => "triangle-alert",
            Verb::Discard => "trash-2",
        }
    }
}

/// What was tried and refused, to be shown again.
struct Attempt {
    verb: Verb,
    form: UnitForm,
    problems: Problems,
}

/// `GET /facilities/{facility_id}/inventory/{unit_id}`
pub async fn show(
    State(app): State<App>,
    viewer: Viewer,
    here: Here,
    Path((_, unit)): Path<(FacilityId, UnitId)>,
) -> Result<Html<String>> {
    let page = page(&app, &viewer, &here, unit, None).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?))
}

/// Defines the handler of `POST /facilities/{facility_id}/inventory/{unit_id}/<verb>`: calls the command with what was
/// typed, and answers with the row that moved or with the same page and its problems.
macro_rules! handler {
    ($name:ident, $verb:expr, $done:expr, |$db:ident, $editor:ident, $unit:ident, $form:ident| $command:expr) => {
        pub async fn $name(
            State(app): State<App>,
            hx: Hx,
            editor: Editor,
            here: Here,
            Path((_, unit)): Path<(FacilityId, UnitId)>,
            Form(form): Form<UnitForm>,
        ) -> Result<Response> {
            let outcome = {
                let ($db, $editor, $unit, $form) = (&app.db, &editor, unit, &form);
                async { Ok::<UnitId, Error>($command) }.await
            };
            match outcome {
                Ok(moved) => Ok(saved(hx, &href(editor.facility, moved), $done)),
                Err(Error::Invalid(problems)) => {
                    let attempt = Attempt {
                        verb: $verb,
                        form,
                        problems,
                    };
                    rejected(&page(&app, &editor, &here, unit, Some(attempt)).await?)
                }
                Err(Error::Conflict(words)) => {
                    let problems = Problems::one("", words);
                    let attempt = Attempt {
                        verb: $verb,
                        form,
                        problems,
                    };
                    conflicted(&page(&app, &editor, &here, unit, Some(attempt)).await?)
                }
                Err(error) => Err(error),
            }
        }
    };
}

handler!(release, Verb::Release, Done::Released, |db, editor, unit, form| {
    let inspected = form.inspected == "true";
    commands::release(db, editor, unit, form.part()?, inspected, form.short_note()?).await?
});
handler!(
    quarantine,
    Verb::Quarantine,
    Done::Quarantined,
    |db, editor, unit, form| commands::quarantine(db, editor, unit, form.part()?, form.short_note()?).await?
);
handler!(
    positive_test,
    Verb::PositiveTest,
    Done::MarkedUnsafe,
    |db, editor, unit, form| {
        commands::positive_test(db, editor, unit, form.short_note()?)
            .await
            .map(|()| unit)?
    }
);
handler!(discard, Verb::Discard, Done::Discarded, |db, editor, unit, form| {
    commands::discard(db, editor, unit, &form.discard()?).await?
});
handler!(reverse, Verb::Reversal, Done::Reversed, |db, editor, unit, form| {
    commands::reverse(db, editor, unit, form.short_note()?).await?
});
handler!(
    transfuse,
    Verb::Transfusion,
    Done::Transfused,
    |db, editor, unit, form| commands::transfuse(db, editor, unit, form.part()?).await?
);
handler!(take_back, Verb::Return, Done::Returned, |db, editor, unit, form| {
    commands::return_issued(db, editor, unit, &form.condition()?).await?
});

fn href(facility: FacilityId, unit: UnitId) -> String {
    format!("/facilities/{facility}/inventory/{unit}")
}

async fn page(app: &App, viewer: &Viewer, here: &Here, id: UnitId, tried: Option<Attempt>) -> Result<UnitPage> {
    let facility = viewer.facility;
    let when = When {
        zone: app.chrome.facility(facility).await?.zone,
        now: app.db.clock.now(),
    };
    let mut tx = app.db.read(&viewer.scope()).await?;
    let unit = queries::unit(&mut tx, facility, id).await?;
    let movements = queries::movements_of(&mut tx, facility, id).await?;
    let test = queries::positive_test_of(&mut tx, facility, id).await?;
    let banks = queries::blood_banks(&mut tx, facility).await?;
    let reasons = reference::reasons(&mut *tx).await?;
    let donation = match &unit.donation_number {
        Some(number) => queries::by_donation_number(&mut tx, facility, number).await?,
        None => Vec::new(),
    };
    drop(tx);
    let mut here = here.clone();
    // the page after a refused form is the unit's, whatever address the form had
    here.path = here.carry(&unit.href(facility));
    let layout = app
        .chrome
        .facility_page(viewer, &here, &unit.name(), "inventory")
        .await?
        .following();
    let may_act = viewer.role >= Role::Staff;
    Ok(UnitPage {
        layout,
        facility,
        href: unit.href(facility),
        name: unit.name(),
        group: unit.group.label(),
        component: unit.component.label(),
        quantity: full(f64::from(unit.quantity)),
        units: units(unit.quantity),
        is_lot: unit.lot.is_some(),
        status: badge(unit.status),
        is_unsafe: unit.is_unsafe,
        expiry: expiry(&when, &unit),
        collected: when.label(unit.collected_at),
        received: when.label(unit.received_at),
        bank: banks
            .into_iter()
            .find(|bank| bank.id == unit.blood_bank)
            .map_or_else(String::new, |bank| bank.name),
        reserved_until: unit.reserved_until.map(|until| when.label(until)),
        reserved_for: unit.reserved_for.map(|request| LinkView {
            value: t!("Request {request}", request),
            href: format!("/facilities/{facility}/requests/{request}"),
        }),
        steps: steps(&when, &movements, &reasons, test),
        actions: if may_act {
            actions(&when, &unit, &reasons, tried)
        } else {
            Vec::new()
        },
        siblings: siblings(facility, &unit, &donation),
    })
}

fn actions(when: &When, unit: &Unit, all_reasons: &[Reason], mut tried: Option<Attempt>) -> Vec<Action> {
    let mut all = verbs(unit, unit.expires_at <= when.now);
    // a form that was refused stays on the page, even when the unit has moved meanwhile
    if let Some(attempt) = &tried
        && !all.contains(&attempt.verb)
    {
        all.push(attempt.verb);
    }
    all.into_iter()
        .map(|verb| {
            let attempt = tried.take_if(|attempt| attempt.verb == verb);
            let open = attempt.is_some();
            let (form, problems) = attempt.map_or_else(Default::default, |attempt| (attempt.form, attempt.problems));
            let usual = match unit.status {
                UnitStatus::Expired => DiscardReason::TimeExpired.as_str(),
                _ if unit.is_unsafe => DiscardReason::TestPositive.as_str(),
                _ => "",
            };
            let chosen = if form.reason.is_empty() { usual } else { &form.reason };
            Action {
                verb,
                open,
                reasons: reasons(all_reasons, chosen),
                form,
                problems,
            }
        })
        .collect()
}

fn reasons(all: &[Reason], chosen: &str) -> Vec<OptionView> {
    let all = all
        .iter()
        .filter(|reason| reason.active)
        .map(|reason| (reason.code.as_str(), reason.label.as_str()));
    options(std::iter::once(("", t!("Choose"))).chain(all), chosen)
}

fn siblings(facility: FacilityId, unit: &Unit, donation: &[Unit]) -> Vec<LinkView> {
    donation
        .iter()
        .filter(|other| other.id != unit.id)
        .map(|other| LinkView {
            value: format!("{}, {}", other.component.label(), other.status.label().to_lowercase()),
            href: other.href(facility),
        })
        .collect()
}
