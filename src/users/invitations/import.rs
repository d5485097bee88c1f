//! Many invitations at once, from a table of comma-separated values: `email,name,facility,role`, a line for each role.
//! First every line's problem is shown; then all are invited, or nobody.

use std::collections::BTreeMap;

use super::NewInvitation;
use crate::auth::{Membership, Role};
use crate::ids::FacilityId;

/// Lines that one import may have.
pub const MOST_ROWS: usize = 500;
const COLUMNS: [&str; 4] = ["email", "name", "facility", "role"];
/// More than this is no table of people.
const MOST_COLUMNS: usize = 20;
const LONGEST_CELL: usize = 300;

/// A line of the table, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// as an editor counts; the heading is line 1
    pub line: u64,
    pub email: String,
    pub name: String,
    pub facility: String,
    pub role: String,
    pub problem: String,
}

/// A table as it was read.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: Vec<Row>,
    /// one invitation per address, in the order of the lines; each with the number of its first line
    pub invitations: Vec<(u64, NewInvitation)>,
}

impl Table {
    pub fn is_good(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.problem.is_empty())
    }

    /// Marks the lines of an invitation that cannot be made.
    pub fn refuse(&mut self, email: &str, problem: &str) {
        for row in self
            .rows
            .iter_mut()
            .filter(|row| row.email == email && row.problem.is_empty())
        {
            row.problem = problem.into();
        }
    }
}

/// Reads a table. `facility` finds one that the reader may invite to, by its name without regard to case.
///
/// # Errors
/// A sentence when it is no such table at all.
pub fn read(text: &str, facility: &dyn Fn(&str) -> Option<FacilityId>) -> Result<Table, String> {
    // a form sends both marks of a line's end, of which the reader would count only one
    let text = &text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(t!("Paste the table, or choose a file.").into());
    }
    if text.contains('\0') {
        return Err(t!("This is no text: it holds a NUL. Save the table as CSV in UTF-8.").into());
    }
    let separator = separator_of(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let head = reader
        .headers()
        .map_err(|_| t!("The first line cannot be read.").to_owned())?
        .clone();
    if head.len() > MOST_COLUMNS {
        return Err(t!(
            "There are {head} columns; four are needed: {list}.",
            head = head.len(),
            list = COLUMNS.join(", ")
        ));
    }
    let place = |column: &str| head.iter().position(|cell| cell.eq_ignore_ascii_case(column));
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|column| place(column).is_none()).collect();
    if !missing.is_empty() {
        return Err(t!(
            "The first line names the columns {list}; {join2} is missing.",
            list = COLUMNS.join(", "),
            join2 = missing.join(", ")
        ));
    }
    let places = COLUMNS.map(|column| place(column).unwrap_or_default());
    let mut table = Table::default();
    for record in reader.records() {
        if table.rows.len() == MOST_ROWS {
            return Err(t!(
                "There are more than {MOST_ROWS} lines. Import them in parts.",
                MOST_ROWS
            ));
        }
        table.rows.push(match record {
            Ok(record) => row(&record, head.len(), places),
            Err(error) => Row {
                line: error.position().map_or(0, csv::Position::line),
                problem: t!("This line cannot be read: a quotation mark or a character is wrong.").into(),
                ..Row::default()
            },
        });
    }
    if table.rows.is_empty() {
        return Err(t!("There is only the line with the names of the columns.").into());
    }
    gather(&mut table, facility);
    Ok(table)
}

/// Spreadsheets of many countries write semicolons.
fn separator_of(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    [b';', b'\t']
        .into_iter()
        .find(|one| head.contains(char::from(*one)))
        .unwrap_or(b',')
}

fn row(record: &csv::StringRecord, width: usize, places: [usize; 4]) -> Row {
    let [email, name, facility, role] = places.map(|at| record.get(at).unwrap_or_default().to_owned());
    let problem = if record.len() != width {
        t!(
            "This line has {record} cells, the first has {width}.",
            record = record.len(),
            width
        )
    } else if record.iter().any(|cell| cell.len() > LONGEST_CELL) {
        t!("A cell is too long.").into()
    } else {
        String::new()
    };
    let short = |text: String| text.chars().take(LONGEST_CELL).collect::<String>();
    Row {
        line: record.position().map_or(0, csv::Position::line),
        email: short(email).to_lowercase(),
        name: short(name),
        facility: short(facility),
        role: short(role),
        problem,
    }
}

/// Joins the lines of each address, and says what is wrong with each.
fn gather(table: &mut Table, facility: &dyn Fn(&str) -> Option<FacilityId>) {
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    for row in &mut table.rows {
        if !row.problem.is_empty() {
            continue;
        }
        let role = role_of(&row.role);
        let Some(place) = facility(&row.facility) else {
            row.problem = t!("You manage no facility of this name.").into();
            continue;
        };
        let Some(role) = role else {
            row.problem = t!("A role is viewer, staff or facility_admin.").into();
            continue;
        };
        let offer = Membership { facility: place, role };
        let known = at.get(&row.email).copied();
        let index = known.unwrap_or_else(|| {
            table.invitations.push((
                row.line,
                NewInvitation {
                    email: row.email.clone(),
                    name: row.name.clone(),
                    network_admin: false,
                    offers: vec![],
                },
            ));
            at.insert(row.email.clone(), table.invitations.len() - 1);
            table.invitations.len() - 1
        });
        let (line, invitation) = &mut table.invitations[index];
        if invitation.name != row.name {
            row.problem = t!("Line {line} has another name for this address.", line);
        } else if invitation.offers.iter().any(|one| one.facility == place) {
            row.problem = t!("This address and this facility stand in an earlier line.").into();
        } else {
            invitation.offers.push(offer);
            if let Some((_, problem)) = invitation.check().iter().next() {
                row.problem = problem.to_owned();
            }
        }
    }
}

/// By the stored word or by the one that pages show.
fn role_of(text: &str) -> Option<Role> {
    let same = |role: &&Role| text.eq_ignore_ascii_case(role.as_str()) || text.eq_ignore_ascii_case(role.label());
    let memberships = Role::ALL.iter().filter(|role| **role != Role::NetworkAdmin);
    memberships.copied().find(|role| same(&role))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lakeside(name: &str) -> Option<FacilityId> {
        name.eq_ignore_ascii_case("lakeside").then_some(FacilityId(1))
    }

    #[test]
    fn each_line_says_what_is_wrong_with_it() {
        let text = "\u{feff}Email,Name,Facility,Role\nada@example.org,Ada,Lakeside,staff\nnobody,Bob,Lakeside,Viewer\n\
                    eve@example.org,Eve,Hilltop,staff\nada@example.org,Ada,lakeside,viewer\nmax@example.org,Max,Lakeside,boss\nshort@example.org,S\n";

        let table = read(&text.replace('\n', "\r\n"), &lakeside).unwrap();

        let problems: Vec<(u64, &str)> = table.rows.iter().map(|row| (row.line, row.problem.as_str())).collect();
        assert_eq!(problems[0], (2, ""));
        assert_eq!(problems[1], (3, "This is not an e-mail address."));
        assert_eq!(problems[2], (4, "You manage no facility of this name."));
        assert_eq!(
            problems[3],
            (5, "This address and this facility stand in an earlier line.")
        );
        assert_eq!(problems[4], (6, "A role is viewer, staff or facility_admin."));
        assert_eq!(problems[5], (7, "This line has 2 cells, the first has 4."));
        assert!(!table.is_good());
    }

    #[test]
    fn what_is_no_table_is_refused_with_a_reason() {
        for (hostile, reason) in [
            ("", "Paste"),
            ("email,name\nx,y", "missing"),
            ("email,name,facility,role", "only the line"),
            ("a\0b", "NUL"),
            (&"a,".repeat(1000), "columns"),
            (
                &format!("email,name,facility,role\n{}", "a@b.c,A,Lakeside,staff\n".repeat(501)),
                "more than 500",
            ),
        ] {
            let said = read(hostile, &lakeside).unwrap_err();
            assert!(said.contains(reason), "{said}");
        }
        let broken = read("email,name,facility,role\n\"a,b,c,d", &lakeside).unwrap();
        assert!(!broken.is_good());
        let long = read(
            &format!("email;name;facility;role\na@b.org;{};Lakeside;staff", "x".repeat(400)),
            &lakeside,
        );
        assert_eq!(long.unwrap().rows[0].problem, "A cell is too long.");
    }
}
