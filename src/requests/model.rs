//! What a request is: its states, its parties, its timeline, and the filter that both counts and lists requests.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

use crate::blood::{BloodGroup, Component};
use crate::error::{Problems, Result};
use crate::ids::{FacilityId, RequestId};
use crate::text;
use crate::text_enum::text_enum;
use crate::web::query_string;

text_enum! {
    /// How soon the units are needed.
    pub enum Urgency {
        Routine = "routine" / "Routine",
        Urgent = "urgent" / "Urgent",
        Emergency = "emergency" / "Emergency",
    }
}

text_enum! {
    /// Where a request stands as a whole.
    pub enum RequestStatus {
        Open = "open" / "Open",
        Accepted = "accepted" / "Accepted",
        Rejected = "rejected" / "Rejected",
        Cancelled = "cancelled" / "Cancelled",
        PartlyFulfilled = "partly_fulfilled" / "Partly fulfilled",
        Fulfilled = "fulfilled" / "Fulfilled",
    }
}

text_enum! {
    /// Where a request stands with one of those it was put to.
    pub enum RecipientStatus {
        Open = "open" / "Not answered",
        Accepted = "accepted" / "Accepted",
        Rejected = "rejected" / "Rejected",
        /// another facility accepted first, or the asker cancelled
        Closed = "closed" / "Closed",
    }
}

text_enum! {
    /// A kind of step in the timeline.
    pub enum StepKind {
        Raised = "raised" / "Raised",
        Accepted = "accepted" / "Accepted",
        Rejected = "rejected" / "Rejected",
        Cancelled = "cancelled" / "Cancelled",
        Dispatched = "dispatched" / "Dispatched",
        Received = "received" / "Received in part",
        Fulfilled = "fulfilled" / "Received in full",
    }
}

/// A request as one facility sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: RequestId,
    /// who asks
    pub facility: FacilityId,
    pub facility_name: String,
    pub component: Component,
    pub group: BloodGroup,
    /// units asked for, 1 to 1000
    pub quantity: i32,
    pub urgency: Urgency,
    pub status: RequestStatus,
    pub needed_by: Option<DateTime<Utc>>,
    pub reason: String,
    /// usable units delivered for it so far
    pub fulfilled: i32,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// who accepted; hidden from those who did not, as the rows of others are
    pub accepted_by: Option<FacilityId>,
    pub accepted_name: Option<String>,
    /// what they agreed to send
    pub accepted: Option<i32>,
    /// names of those it was put to, as far as the looking facility sees them
    pub put_to: String,
    /// how it stands with the looking facility; none when that is who asks
    pub mine: Option<RecipientStatus>,
}

impl Request {
    /// Its page, as seen from a facility.
    pub fn href(&self, seen_from: FacilityId) -> String {
        href(seen_from, self.id)
    }

    /// Units that will not come because less than asked was promised; to be asked for again.
    pub fn not_promised(&self) -> i32 {
        self.accepted.map_or(0, |accepted| self.quantity - accepted)
    }

    /// The status as the looking facility understands it: for a recipient, what became of it with them.
    pub fn status_word(&self) -> &'static str {
        match self.mine {
            Some(mine @ (RecipientStatus::Rejected | RecipientStatus::Closed)) if self.accepted.is_none() => {
                mine.label()
            }
            _ => self.status.label(),
        }
    }
}

/// The page of a request, as seen from a facility.
pub fn href(seen_from: FacilityId, request: RequestId) -> String {
    format!("/facilities/{seen_from}/requests/{request}")
}

/// One of those whom a request was put to.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub facility: FacilityId,
    pub name: String,
    pub status: RecipientStatus,
    pub accepted: Option<i32>,
    pub reason: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// A line of the timeline.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: DateTime<Utc>,
    pub by: FacilityId,
    pub by_name: String,
    /// a person of the looking facility; the names of another's staff stay there
    pub actor: Option<String>,
    pub kind: StepKind,
    pub reason: Option<String>,
}

/// A distribution that carries units for a request.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: i64,
    pub sent: i32,
    /// what arrived; what is under way until then
    pub quantity: i32,
    pub dispatched_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

/// No need is known further ahead: beyond it the year is a slip of the finger.
const LONGEST_AHEAD: TimeDelta = TimeDelta::days(365);

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct NewRequest {
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
    pub urgency: Urgency,
    pub needed_by: Option<DateTime<Utc>>,
    pub reason: String,
    pub recipients: Vec<FacilityId>,
}

impl NewRequest {
    /// What can be said without the database.
    pub fn check(&self, asker: FacilityId, now: DateTime<Utc>) -> Result<()> {
        let mut problems = Problems::default();
        if !(1..=1000).contains(&self.quantity) {
            problems.add("quantity", t!("Ask for 1 to 1000 units."));
        }
        if self.needed_by.is_some_and(|by| by <= now) {
            problems.add("needed_by", t!("This moment has passed."));
        } else if self.needed_by.is_some_and(|by| by > now + LONGEST_AHEAD) {
            problems.add("needed_by", t!("Give a moment within a year from now."));
        }
        if let Some(problem) = text::problem(&self.reason, 500) {
            problems.add("reason", problem);
        }
        if self.recipients.is_empty() {
            problems.add("to", t!("Choose at least one facility to ask."));
        } else if self.recipients.len() > 10 {
            problems.add("to", t!("Ask at most ten facilities at once."));
        } else if self.recipients.contains(&asker) {
            problems.add("to", t!("A facility cannot ask itself."));
        }
        problems.check()
    }
}

/// The answer of a facility that will send.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acceptance {
    /// units it will send; as many as asked when not given
    pub quantity: Option<i32>,
    /// promise them though the stock holds fewer: what there is will be reserved
    pub confirmed: bool,
}

text_enum! {
    /// Whose requests a list shows.
    pub enum Side {
        All = "all" / "All",
        /// put to this facility
        Incoming = "incoming" / "Incoming",
        /// raised by this facility
        Outgoing = "outgoing" / "Outgoing",
    }
}

text_enum! {
    /// Where requests stand between the two facilities; every request is in exactly one of the first three.
    pub enum State {
        /// waits for an answer
        Open = "open" / "Open",
        /// accepted, not all of it delivered
        Accepted = "accepted" / "Accepted",
        /// delivered, rejected, cancelled or answered by another
        Closed = "closed" / "Closed",
        /// closed because all of it was delivered
        Fulfilled = "fulfilled" / "Fulfilled",
        /// closed, other than by who asked
        Settled = "settled" / "Closed, not cancelled",
        All = "all" / "All",
    }
}

impl State {
    /// Whether the days of a filter are those on which requests were closed.
    pub fn by_closing(self) -> bool {
        matches!(self, State::Fulfilled | State::Settled)
    }
}

/// Which requests are meant. The same filter counts them and lists them, so that a number and the list behind it agree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    #[serde(deserialize_with = "side")]
    pub side: Side,
    #[serde(deserialize_with = "state")]
    pub state: State,
    /// only urgent ones and emergencies
    #[serde(deserialize_with = "switch")]
    pub urgent: bool,
    /// raised on this local day of the looking facility; with [`State::by_closing`], closed on it
    #[serde(deserialize_with = "lenient")]
    pub day: Option<NaiveDate>,
    /// or from that day to this one, both included
    #[serde(deserialize_with = "lenient")]
    pub until: Option<NaiveDate>,
    #[serde(deserialize_with = "lenient")]
    pub group: Option<BloodGroup>,
    #[serde(deserialize_with = "lenient")]
    pub component: Option<Component>,
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            side: Side::All,
            state: State::All,
            urgent: false,
            day: None,
            until: None,
            group: None,
            component: None,
        }
    }
}

impl Filter {
    /// Put to this facility and waiting for its answer.
    pub fn waiting() -> Self {
        Filter {
            side: Side::Incoming,
            state: State::Open,
            ..Filter::default()
        }
    }

    /// Urgent ones that wait for an answer, raised here or put to this facility.
    pub fn open_urgent() -> Self {
        Filter {
            state: State::Open,
            urgent: true,
            ..Filter::default()
        }
    }

    /// Raised by this facility on these days, both included.
    pub fn raised(first: NaiveDate, last: NaiveDate) -> Self {
        Filter {
            side: Side::Outgoing,
            day: Some(first),
            until: (last != first).then_some(last),
            ..Filter::default()
        }
    }

    /// Raised by this facility and closed in this way on these days, both included.
    pub fn closed(state: State, first: NaiveDate, last: NaiveDate) -> Self {
        Filter {
            state,
            ..Filter::raised(first, last)
        }
    }

    /// Whether it leaves anything of its side out.
    pub fn narrows(&self) -> bool {
        *self
            != Filter {
                side: self.side,
                ..Filter::default()
            }
    }

    /// Open requests come most pressing first, all others newest first.
    pub fn in_queue_order(&self) -> bool {
        self.state == State::Open
    }

    /// The address of the list.
    pub fn href(&self, facility: FacilityId) -> String {
        let text = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let query = query_string(&[
            ("side", if self.side == Side::All { "" } else { self.side.as_str() }),
            (
                "state",
                if self.state == State::All {
                    ""
                } else {
                    self.state.as_str()
                },
            ),
            ("urgent", if self.urgent { "true" } else { "" }),
            ("day", &text(self.day)),
            ("until", &text(self.until)),
            ("group", self.group.map_or("", BloodGroup::as_str)),
            ("component", self.component.map_or("", Component::as_str)),
        ]);
        format!("/facilities/{facility}/requests{query}")
    }
}

/// An empty or unknown text is no wish at all: a filter refuses nothing.
fn lenient<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().parse().ok())
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Side, D::Error> {
    Ok(lenient(deserializer)?.unwrap_or(Side::All))
}

fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<State, D::Error> {
    Ok(lenient(deserializer)?.unwrap_or(State::All))
}

fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(matches!(
        String::deserialize(deserializer)?.as_str(),
        "true" | "on" | "1"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_its_own_address() {
        for filter in [
            Filter::default(),
            Filter::waiting(),
            Filter::open_urgent(),
            Filter::raised("2026-11-21".parse().unwrap(), "2026-11-21".parse().unwrap()),
            Filter::closed(
                State::Settled,
                "2026-10-21".parse().unwrap(),
                "2026-11-21".parse().unwrap(),
            ),
            Filter {
                group: Some(BloodGroup::OPositive),
                component: Some(Component::RedCells),
                ..Filter::waiting()
            },
        ] {
            let href = filter.href(FacilityId(7));
            let uri: http::Uri = href.parse().unwrap();
            let axum::extract::Query(read) = axum::extract::Query::<Filter>::try_from_uri(&uri).unwrap();
            assert_eq!(read, filter, "{href}");
        }
    }

    #[test]
    fn a_filter_takes_any_text_for_no_wish() {
        let uri = "/x?side=sideways&state=&day=yesterday&group=C&urgent=maybe"
            .parse()
            .unwrap();

        let axum::extract::Query(read) = axum::extract::Query::<Filter>::try_from_uri(&uri).unwrap();

        assert_eq!(read, Filter::default());
    }
}
