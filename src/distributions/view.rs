//! The pages of distributions: the list, the proposal of units to send, and one distribution with its forms.

use askama::Template;
use chrono::{DateTime, Utc};

use super::form::{DispatchForm, NeedForm, ReceiptForm, ReturnForm};
use super::{Distribution, Line, Outcome, Status};
use crate::blood::compatibility::Choice;
use crate::charts::units;
use crate::clock::{Zone, age_label};
use crate::error::Problems;
use crate::ids::FacilityId;
use crate::inventory::Unit;
use crate::inventory::pick;
use crate::requests::{TabView, when};
use crate::web::{EmptyView, Layout, OptionView, PagesView, options};

/// `GET /facilities/{facility_id}/distributions`
#[derive(Template)]
#[template(path = "distributions/index.html")]
pub struct IndexPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub summary: String,
    pub tabs: Vec<TabView>,
    pub side: &'static str,
    pub statuses: Vec<OptionView>,
    pub delivered_on: String,
    pub dispatched_on: String,
    pub until: String,
    pub filtered: bool,
    pub clear_href: String,
    pub rows: Vec<RowView>,
    pub pages: PagesView,
    pub empty: Option<EmptyView>,
}

/// A line of the list.
pub struct RowView {
    pub href: String,
    pub what: String,
    pub contents: String,
    /// `From` or `To`
    pub direction: &'static str,
    pub counterpart: String,
    pub status: &'static str,
    pub tone: &'static str,
    pub is_return: bool,
    pub dispatched_iso: String,
    pub dispatched: String,
    pub delivered_iso: String,
    pub delivered: String,
}

impl RowView {
    pub fn new(one: &Distribution, seen_from: FacilityId, zone: Zone, now: DateTime<Utc>) -> Self {
        let outgoing = one.from == seen_from;
        RowView {
            href: one.href(seen_from),
            what: match one.status {
                Status::DeliveredShort => t!("{some} of {all}", some = one.quantity, all = units(one.sent)),
                _ => units(one.sent),
            },
            contents: one.contents(),
            direction: if outgoing { t!("To") } else { t!("From") },
            counterpart: if outgoing { &one.to_name } else { &one.from_name }.clone(),
            status: one.status.label(),
            tone: match one.status {
                Status::InTransit => "accent",
                Status::Delivered => "good",
                Status::DeliveredShort => "low",
            },
            is_return: one.return_of.is_some(),
            dispatched_iso: one.dispatched_at.to_rfc3339(),
            dispatched: when(zone, now, one.dispatched_at),
            delivered_iso: one.delivered_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            delivered: one.delivered_at.map(|at| when(zone, now, at)).unwrap_or_default(),
        }
    }
}

/// `GET /facilities/{facility_id}/distributions/new`: the need, and once it is stated the units to choose from.
#[derive(Template)]
#[template(path = "distributions/new.html")]
pub struct NewPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub need: NeedForm,
    pub facilities: Vec<OptionView>,
    pub components: Vec<OptionView>,
    pub groups: Vec<OptionView>,
    pub offer: Option<OfferView>,
    pub form: &'a DispatchForm,
    pub problems: &'a Problems,
}

impl NewPage<'_> {
    fn problem(&self, field: &str) -> &str {
        self.problems.of(field).unwrap_or_default()
    }
}

/// Units to choose from.
pub struct OfferView {
    /// `4 × O− red cells to City Hospital`
    pub title: String,
    /// the page of the request, or empty
    pub request_href: String,
    pub summary: String,
    pub short: bool,
    pub compatible: Vec<OfferRow>,
    /// what the rules do not offer: only with a reason
    pub others: Vec<OfferRow>,
}

pub struct OfferRow {
    pub id: i64,
    pub href: String,
    pub name: String,
    pub group: &'static str,
    /// `Best match`, `Choice 2`; empty for a group that the rules do not offer
    pub choice: String,
    pub note: &'static str,
    pub reserved: bool,
    pub expires_iso: String,
    pub expires: String,
    pub expires_in: String,
    pub available: i32,
    pub is_lot: bool,
    /// units of a lot to take
    pub take: String,
    pub taken: bool,
}

impl OfferRow {
    /// `take` is how many units of the row are chosen, empty for none.
    pub fn new(
        unit: &Unit,
        choices: &[Choice],
        take: String,
        facility: FacilityId,
        zone: Zone,
        now: DateTime<Utc>,
    ) -> Self {
        let choice = pick::choice_of(choices, unit.group);
        OfferRow {
            id: unit.id.0,
            href: unit.href(facility),
            name: unit.name(),
            group: unit.group.label(),
            choice: match choice.map(|choice| choice.rank) {
                Some(1) => t!("Best match").into(),
                Some(rank) => t!("Choice {rank}", rank),
                None => String::new(),
            },
            note: choice.and_then(|choice| choice.note).unwrap_or_default(),
            reserved: unit.reserved_for.is_some(),
            expires_iso: unit.expires_at.to_rfc3339(),
            expires: when(zone, now, unit.expires_at),
            expires_in: age_label(unit.life_left(now)),
            available: unit.quantity,
            is_lot: unit.donation_number.is_none(),
            taken: !take.is_empty() && take != "0",
            take,
        }
    }
}

/// `GET /facilities/{facility_id}/distributions/{distribution_id}`
#[derive(Template)]
#[template(path = "distributions/show.html")]
pub struct ShowPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub one: &'a Distribution,
    pub row: RowView,
    pub age: String,
    /// the looking facility receives it
    pub incoming: bool,
    pub temperature: String,
    pub request_href: String,
    pub origin_href: String,
    pub returns: Vec<ReturnLink>,
    pub lines: Vec<LineView>,
    pub banks: Vec<OptionView>,
    /// the viewer may book it, or send units of it back
    pub can_receive: bool,
    pub can_return: bool,
    pub form: Typed,
}

impl ShowPage<'_> {
    fn problem(&self, field: &str) -> &str {
        self.form.problems.of(field).unwrap_or_default()
    }

    /// Only of a lot a part can arrive.
    fn has_lots(&self) -> bool {
        self.lines.iter().any(|line| line.is_lot)
    }
}

pub struct ReturnLink {
    pub id: i64,
    pub href: String,
}

/// What the person typed into one of the page's forms, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub receipt: ReceiptForm,
    pub back: ReturnForm,
    pub problems: Problems,
}

pub struct LineView {
    pub unit: i64,
    pub name: String,
    /// the page of the looking facility's own row, or empty
    pub href: String,
    pub component: &'static str,
    pub group: &'static str,
    pub quantity: i32,
    pub is_lot: bool,
    pub expires_iso: String,
    pub expires: String,
    pub expired: bool,
    pub outcome: &'static str,
    pub tone: &'static str,
    pub outcomes: Vec<OptionView>,
    pub arrived: String,
    pub note: String,
    pub problem: String,
    /// the receiver's row, while it could be sent back
    pub returnable: Option<i64>,
    pub returning: bool,
}

impl LineView {
    pub fn new(
        line: &Line,
        one: &Distribution,
        seen_from: FacilityId,
        typed: &Typed,
        zone: Zone,
        now: DateTime<Utc>,
    ) -> Self {
        let own = if one.from == seen_from {
            Some(line.unit)
        } else {
            line.received
        };
        let (outcome, arrived, note) = typed.receipt.line(line.unit).unwrap_or(("received", "", ""));
        let returnable = line.received.filter(|_| line.on_shelf());
        LineView {
            unit: line.unit.0,
            name: line.name(),
            href: own
                .map(|unit| format!("/facilities/{seen_from}/inventory/{unit}"))
                .unwrap_or_default(),
            component: line.component.label(),
            group: line.group.label(),
            quantity: line.quantity,
            is_lot: line.donation_number.is_none(),
            expires_iso: line.expires_at.to_rfc3339(),
            expires: when(zone, now, line.expires_at),
            expired: line.expired,
            outcome: line.outcome.map_or("", Outcome::label),
            tone: match line.outcome {
                Some(Outcome::Received) => "good",
                Some(Outcome::Damaged) => "low",
                Some(Outcome::Missing) => "serious",
                None => "",
            },
            outcomes: options(
                Outcome::ALL.iter().map(|outcome| (outcome.as_str(), outcome.label())),
                outcome,
            ),
            arrived: if arrived.is_empty() {
                line.quantity.to_string()
            } else {
                arrived.to_owned()
            },
            note: note.to_owned(),
            problem: typed
                .problems
                .of(&format!("line-{}", line.unit))
                .unwrap_or_default()
                .to_owned(),
            returning: returnable.is_some_and(|unit| typed.back.unit.contains(&unit)),
            returnable: returnable.map(|unit| unit.0),
        }
    }
}
