//! What a board is: whose it is, and the document that says what stands on it. Pure: nothing here asks the database.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Problems;
use crate::facilities::FacilityKind;
use crate::ids::{BoardId, FacilityId, UserId};
use crate::text;
use crate::text_enum::text_enum;
use crate::widgets::{self, Range, Widget};

/// Widgets on one board at most.
pub const MOST_WIDGETS: usize = 60;
pub const LONGEST_NAME: usize = 80;
pub const LONGEST_DESCRIPTION: usize = 400;
pub const LONGEST_NOTE: usize = 200;

text_enum! {
    /// Kinds of owners.
    pub enum OwnerKind {
        Person = "person" / "Mine",
        Facility = "facility" / "A facility's",
        Region = "region" / "A region's",
        Network = "network" / "The network's",
    }
}

/// Whose board it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Person(UserId),
    Facility(FacilityId),
    Region(String),
    Network,
}

impl Owner {
    pub fn kind(&self) -> OwnerKind {
        match self {
            Owner::Person(_) => OwnerKind::Person,
            Owner::Facility(_) => OwnerKind::Facility,
            Owner::Region(_) => OwnerKind::Region,
            Owner::Network => OwnerKind::Network,
        }
    }

    pub fn facility(&self) -> Option<FacilityId> {
        match self {
            Owner::Facility(facility) => Some(*facility),
            _ => None,
        }
    }
}

/// A board without its content.
#[derive(Clone, Debug)]
pub struct Board {
    pub id: BoardId,
    pub owner: Owner,
    pub name: String,
    pub description: String,
    /// the current one; grows with every saving
    pub version: i32,
    /// seen by those who may see it, and not only by those who may edit it
    pub published: bool,
    /// order among the boards of one owner
    pub position: i32,
    /// every facility of this kind starts with this board
    pub template_for: Option<FacilityKind>,
    /// name of the file that keeps it
    pub slug: Option<String>,
    pub updated_at: DateTime<Utc>,
    /// empty for those who may not know it
    pub updated_by: String,
}

/// The content of a board: what a version keeps and a file carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// what it shows when nobody asks for another range
    #[serde(default)]
    pub range: Range,
    #[serde(default)]
    pub refresh: Refresh,
    pub widgets: Vec<Widget>,
}

text_enum! {
    /// How often an open screen is brought up to date.
    #[derive(Default)]
    pub enum Refresh {
        #[default]
        Live = "live" / "As things change",
        Seconds10 = "10s" / "Every 10 seconds at most",
        Minute = "1m" / "Every minute at most",
        Minutes5 = "5m" / "Every 5 minutes at most",
    }
}

impl Refresh {
    /// The least time between two renderings of one screen, in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Refresh::Live => 0,
            Refresh::Seconds10 => 10,
            Refresh::Minute => 60,
            Refresh::Minutes5 => 300,
        }
    }
}

impl Definition {
    pub fn empty() -> Self {
        Definition {
            range: Range::default(),
            refresh: Refresh::Live,
            widgets: vec![],
        }
    }

    /// What is wrong with it, as `<widget's id>.<field>`; the board's own problems under their field.
    pub fn check(&self) -> Problems {
        let mut problems = Problems::default();
        if self.widgets.len() > MOST_WIDGETS {
            problems.add(
                "widgets",
                t!("A board has at most {MOST_WIDGETS} widgets.", MOST_WIDGETS),
            );
        }
        for (at, widget) in self.widgets.iter().enumerate() {
            for (field, problem) in widgets::sources().check(widget).iter() {
                problems.add(format!("{}.{field}", widget.id), problem);
            }
            if self.widgets[..at].iter().any(|other| other.id == widget.id) {
                problems.add(
                    format!("{}.id", widget.id),
                    t!("Another widget of this board has the same name."),
                );
            }
        }
        problems
    }

    pub fn widget(&self, id: &str) -> Option<&Widget> {
        self.widgets.iter().find(|widget| widget.id == id)
    }

    pub fn widget_mut(&mut self, id: &str) -> Option<&mut Widget> {
        self.widgets.iter_mut().find(|widget| widget.id == id)
    }

    /// Brings the widgets into reading order and closes the gaps: each moves up until it touches another or the top, and
    /// none lies on another. The order is that of the places, so a widget put before another stays before it.
    pub fn settle(&mut self) {
        self.widgets.sort_by_key(|widget| (widget.place.y, widget.place.x));
        // the first free row of each column
        let mut free = [0u16; 12];
        for widget in &mut self.widgets {
            let place = &mut widget.place;
            place.w = place.w.clamp(1, 12);
            place.x = place.x.min(12 - place.w);
            let columns = usize::from(place.x)..usize::from(place.x + place.w);
            place.y = free[columns.clone()].iter().copied().max().unwrap_or(0);
            free[columns].fill(place.y + u16::from(place.h));
        }
        self.widgets.sort_by_key(|widget| (widget.place.y, widget.place.x));
    }

    /// The first row below everything.
    pub fn bottom(&self) -> u16 {
        let below = |widget: &Widget| widget.place.y + u16::from(widget.place.h);
        self.widgets.iter().map(below).max().unwrap_or(0)
    }

    /// A name that no widget has yet: `number`, `number-2`.
    pub fn free_id(&self, wish: &str) -> String {
        let taken = |id: &str| self.widget(id).is_some();
        let numbered = (2..).map(|number| format!("{wish}-{number}"));
        std::iter::once(wish.to_owned())
            .chain(numbered)
            .find(|id| !taken(id))
            .unwrap_or_default()
    }
}

/// What is wrong with a board's name or description, by field.
pub fn check_names(name: &str, description: &str) -> Problems {
    let mut problems = Problems::default();
    if name.trim().is_empty() {
        problems.add("name", t!("Give the board a name."));
    } else if let Some(problem) = text::problem(name, LONGEST_NAME) {
        problems.add("name", problem);
    }
    if let Some(problem) = text::problem(description, LONGEST_DESCRIPTION) {
        problems.add("description", problem);
    }
    problems
}

/// A board as a file carries it: what was made here can be brought in elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// of this format
    pub pulseboard_board: u32,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_for: Option<FacilityKind>,
    pub definition: Definition,
}

impl File {
    pub const FORMAT: u32 = 1;

    /// The same as a pretty text with a line at its end.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a file and says all that is wrong with it, by place.
    pub fn read(text: &str) -> Result<File, Problems> {
        let file: File = serde_json::from_str(text).map_err(|error| {
            let at = match error.line() {
                0 => String::new(),
                line => t!(" (line {line})", line),
            };
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Problems::one("file", t!("This is not a board's file: {what}{at}.", what, at))
        })?;
        let mut problems = check_names(&file.name, &file.description);
        if file.pulseboard_board != File::FORMAT {
            problems.add(
                "file",
                t!(
                    "Its format is {found}; this program reads {known}.",
                    found = file.pulseboard_board,
                    known = File::FORMAT
                ),
            );
        }
        for (field, problem) in file.definition.check().iter() {
            problems.add(field, problem);
        }
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
