//! The pages of requests: the list, the form, and one request with its timeline.

use askama::Template;
use chrono::{DateTime, Utc};

use super::form::RaiseForm;
use super::{Delivery, Recipient, RecipientStatus, Request, RequestStatus, Step, StepKind, Urgency};
use crate::blood::{BloodGroup, Component};
use crate::charts::units;
use crate::clock::{Zone, age_label, local_day};
use crate::error::Problems;
use crate::facilities::Facility;
use crate::ids::FacilityId;
use crate::web::{EmptyView, Layout, OptionView, PagesView, options};
use crate::words::Dated;

/// `GET /facilities/{facility_id}/requests`
#[derive(Template)]
#[template(path = "requests/index.html")]
pub struct IndexPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub summary: String,
    pub tabs: Vec<TabView>,
    pub side: &'static str,
    pub states: Vec<OptionView>,
    pub components: Vec<OptionView>,
    pub groups: Vec<OptionView>,
    /// what the days are those of
    pub days: &'static str,
    /// the days as date fields hold them, or empty
    pub day: String,
    pub until: String,
    pub urgent: bool,
    pub filtered: bool,
    pub clear_href: String,
    pub rows: Vec<RowView>,
    pub pages: PagesView,
    pub empty: Option<EmptyView>,
}

#[derive(Clone, Debug)]
pub struct TabView {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub struct RowView {
    pub href: String,
    pub what: String,
    pub component: &'static str,
    pub urgency: &'static str,
    /// kind of the badge of the urgency
    pub tone: &'static str,
    /// `From` or `To`
    pub direction: &'static str,
    pub counterpart: String,
    pub needed_by: String,
    pub overdue: bool,
    pub status: &'static str,
    pub status_tone: &'static str,
    pub progress: String,
    /// `4 units`
    pub units: String,
    pub raised_iso: String,
    pub raised: String,
}

impl RowView {
    pub fn new(request: &Request, seen_from: FacilityId, zone: Zone, now: DateTime<Utc>) -> Self {
        let (needed_by, overdue) = needed(request, zone, now);
        let own = request.facility == seen_from;
        RowView {
            href: request.href(seen_from),
            what: format!("{} × {}", request.quantity, request.group.label()),
            component: request.component.label(),
            urgency: request.urgency.label(),
            tone: urgency_tone(request.urgency),
            direction: if own { t!("To") } else { t!("From") },
            counterpart: match (&request.accepted_name, own) {
                (Some(name), true) => name.clone(),
                (None, true) => request.put_to.clone(),
                (_, false) => request.facility_name.clone(),
            },
            needed_by,
            overdue,
            status: request.status_word(),
            status_tone: status_tone(request),
            progress: request
                .accepted
                .map(|_| {
                    t!(
                        "{fulfilled} of {quantity} arrived",
                        fulfilled = request.fulfilled,
                        quantity = request.quantity
                    )
                })
                .unwrap_or_default(),
            units: units(request.quantity),
            raised_iso: request.created_at.to_rfc3339(),
            raised: when(zone, now, request.created_at),
        }
    }
}

/// The form of a board that rejects a request, once for each row of its queue.
#[derive(Clone, Debug, Default)]
pub struct RejectView {
    pub id: i64,
    /// `/facilities/7/requests/9`
    pub href: String,
    /// `4 × O− Red cells for Rivertown`
    pub what: String,
    pub reason: String,
    /// empty when the reason can be taken
    pub problem: String,
}

impl RejectView {
    pub fn new(request: &Request, seen_from: FacilityId) -> Self {
        let (group, component) = (request.group.label(), request.component.label());
        RejectView {
            id: request.id.0,
            href: request.href(seen_from),
            what: t!(
                "{quantity} × {group} {component} for {facility_name}",
                quantity = request.quantity,
                group,
                component,
                facility_name = request.facility_name
            ),
            ..RejectView::default()
        }
    }
}

/// That form alone, with what was typed and why it cannot be taken.
#[derive(Template)]
#[template(path = "requests/_reject.html")]
pub struct RejectFragment<'a> {
    pub reject: &'a RejectView,
}

/// `GET /facilities/{facility_id}/requests/new`, and the same again after a form that could not be taken.
#[derive(Template)]
#[template(path = "requests/new.html")]
pub struct NewPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub zone: &'static str,
    pub form: &'a RaiseForm,
    pub problems: &'a Problems,
    pub components: Vec<OptionView>,
    pub groups: Vec<OptionView>,
    pub urgencies: Vec<OptionView>,
    pub neighbours: Vec<NeighbourView>,
    /// facilities that are too far down the list to be shown
    pub more: usize,
}

impl NewPage<'_> {
    fn problem(&self, field: &str) -> &str {
        self.problems.of(field).unwrap_or_default()
    }
}

/// Somebody who can be asked.
pub struct NeighbourView {
    pub id: i64,
    pub name: String,
    /// region, and how far away
    pub place: String,
    pub chosen: bool,
}

/// Facilities that the form offers at once.
const OFFERED: usize = 40;

impl NeighbourView {
    /// The facilities to offer, those chosen already and then the nearest of those that somebody looked for; and how many
    /// more of these there are.
    pub fn offer(neighbours: Vec<(f64, Facility)>, form: &RaiseForm) -> (Vec<NeighbourView>, usize) {
        let (chosen, others): (Vec<_>, Vec<_>) = neighbours
            .into_iter()
            .filter(|(_, facility)| form.is_to(facility.id) || form.finds(facility))
            .partition(|(_, facility)| form.is_to(facility.id));
        let more = (chosen.len() + others.len()).saturating_sub(OFFERED);
        let all = chosen.into_iter().map(|one| (true, one));
        let all = all.chain(others.into_iter().map(|one| (false, one)));
        (all.take(OFFERED).map(NeighbourView::new).collect(), more)
    }

    fn new((chosen, (km, facility)): (bool, (f64, Facility))) -> Self {
        let far = if km < 10.0 {
            format!("{km:.1} km")
        } else {
            format!("{km:.0} km")
        };
        NeighbourView {
            id: facility.id.0,
            place: format!("{} · {far}", facility.region),
            name: facility.name,
            chosen,
        }
    }
}

/// `GET /facilities/{facility_id}/requests/{request_id}`
#[derive(Template)]
#[template(path = "requests/show.html")]
pub struct ShowPage<'a> {
    pub layout: &'a Layout,
    pub facility_id: i64,
    pub request: &'a Request,
    pub row: RowView,
    /// the facility asked, so it may cancel
    pub own: bool,
    pub age: String,
    pub recipients: Vec<RecipientView>,
    pub steps: Vec<StepView>,
    pub deliveries: Vec<DeliveryView>,
    /// units promised that neither arrived nor are under way
    pub outstanding: i32,
    /// the viewer may act, and this is what they can do
    pub can_answer: bool,
    pub can_cancel: bool,
    pub can_send: bool,
    /// compatible units that could be reserved now, at most as many as asked
    pub stock: i32,
    pub stock_words: String,
    pub again_href: String,
    pub answer: Answer,
}

impl ShowPage<'_> {
    fn problem(&self, field: &str) -> &str {
        self.answer.problems.of(field).unwrap_or_default()
    }
}

/// What the person typed into one of the page's forms, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub quantity: String,
    pub confirm: bool,
    pub reason: String,
    pub problems: Problems,
}

pub struct RecipientView {
    pub name: String,
    pub status: &'static str,
    pub tone: &'static str,
    pub words: String,
    pub at_iso: String,
    pub at: String,
}

impl RecipientView {
    pub fn new(recipient: &Recipient, zone: Zone, now: DateTime<Utc>) -> Self {
        let decided = recipient.decided_at;
        RecipientView {
            name: recipient.name.clone(),
            status: recipient.status.label(),
            tone: match recipient.status {
                RecipientStatus::Open => "watch",
                RecipientStatus::Accepted => "good",
                RecipientStatus::Rejected => "low",
                RecipientStatus::Closed => "",
            },
            words: match (recipient.accepted, &recipient.reason) {
                (Some(quantity), _) => units(quantity),
                (None, Some(reason)) => reason.clone(),
                (None, None) => String::new(),
            },
            at_iso: decided.map(|at| at.to_rfc3339()).unwrap_or_default(),
            at: decided.map(|at| when(zone, now, at)).unwrap_or_default(),
        }
    }
}

pub struct StepView {
    pub icon: &'static str,
    pub sentence: String,
    pub who: String,
    pub reason: String,
    pub at_iso: String,
    pub at: String,
}

impl StepView {
    pub fn new(step: &Step, zone: Zone, now: DateTime<Utc>) -> Self {
        StepView {
            icon: match step.kind {
                StepKind::Raised => "inbox",
                StepKind::Accepted | StepKind::Fulfilled => "check",
                StepKind::Rejected | StepKind::Cancelled => "x",
                StepKind::Dispatched => "truck",
                StepKind::Received => "package",
            },
            sentence: step.kind.label().into(),
            who: match &step.actor {
                Some(actor) => format!("{actor}, {}", step.by_name),
                None => step.by_name.clone(),
            },
            reason: step.reason.clone().unwrap_or_default(),
            at_iso: step.at.to_rfc3339(),
            at: when(zone, now, step.at),
        }
    }
}

pub struct DeliveryView {
    pub href: String,
    pub words: String,
    pub under_way: bool,
    pub at_iso: String,
    pub at: String,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery, seen_from: FacilityId, zone: Zone, now: DateTime<Utc>) -> Self {
        let at = delivery.delivered_at.unwrap_or(delivery.dispatched_at);
        DeliveryView {
            href: format!("/facilities/{seen_from}/distributions/{}", delivery.id),
            words: match delivery.delivered_at {
                None => t!("{value} on the way", value = units(delivery.sent)),
                Some(_) if delivery.quantity < delivery.sent => {
                    t!(
                        "{quantity} of {value} arrived",
                        quantity = delivery.quantity,
                        value = units(delivery.sent)
                    )
                }
                Some(_) => t!("{value} arrived", value = units(delivery.quantity)),
            },
            under_way: delivery.delivered_at.is_none(),
            at_iso: at.to_rfc3339(),
            at: when(zone, now, at),
        }
    }
}

pub fn age(request: &Request, now: DateTime<Utc>) -> String {
    t!("{age} ago", age = age_label(now - request.created_at))
}

/// Options of a choice of components or groups, with words for none of them on top.
pub fn component_options(none: &'static str, chosen: &str) -> Vec<OptionView> {
    let all = Component::ALL
        .iter()
        .map(|component| (component.as_str(), component.label()));
    options([("", none)].into_iter().chain(all), chosen)
}

pub fn group_options(none: &'static str, chosen: &str) -> Vec<OptionView> {
    let all = BloodGroup::ALL.iter().map(|group| (group.as_str(), group.label()));
    options([("", none)].into_iter().chain(all), chosen)
}

fn urgency_tone(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => "solid",
        Urgency::Urgent => "serious",
        Urgency::Routine => "",
    }
}

fn status_tone(request: &Request) -> &'static str {
    match (request.status, request.status_word()) {
        (_, "Rejected" | "Closed") => "",
        (RequestStatus::Open, _) => "watch",
        (RequestStatus::Accepted, _) => "accent",
        (RequestStatus::PartlyFulfilled, _) => "low",
        (RequestStatus::Fulfilled, _) => "good",
        (RequestStatus::Rejected | RequestStatus::Cancelled, _) => "",
    }
}

/// `by 15:30`, or `2 h overdue` while it is not closed.
fn needed(request: &Request, zone: Zone, now: DateTime<Utc>) -> (String, bool) {
    match request.needed_by {
        Some(by) if by <= now && request.closed_at.is_none() => (t!("{age} overdue", age = age_label(now - by)), true),
        Some(by) => (t!("by {time}", time = when(zone, now, by)), false),
        None => (String::new(), false),
    }
}

/// `15:30` today, `23 Nov 15:30` on any other day, `23 Nov 2025 15:30` in another year; by the facility's clock.
pub(crate) fn when(zone: Zone, now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    use chrono::Datelike;
    let (today, wall) = (local_day(zone, now), zone.wall(at));
    match local_day(zone, at) {
        day if day == today => wall.dated("%H:%M"),
        day if day.year() == today.year() => wall.dated("%-d %b %H:%M"),
        _ => wall.dated("%-d %b %Y %H:%M"),
    }
}

/// `4 × O− Red cells`.
pub(crate) fn amount(quantity: i32, group: BloodGroup, component: Component) -> String {
    format!("{quantity} × {} {}", group.label(), component.label().to_lowercase())
}
