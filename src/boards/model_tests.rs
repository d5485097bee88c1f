use super::*;
use crate::widgets::{Kind, Place};

impl Board {
    /// A board of the network, for tests that change one thing of it.
    pub fn sample() -> Board {
        Board {
            id: BoardId(4),
            owner: Owner::Network,
            name: "Morning".into(),
            description: String::new(),
            version: 1,
            published: true,
            position: 0,
            template_for: None,
            slug: None,
            updated_at: DateTime::UNIX_EPOCH,
            updated_by: String::new(),
        }
    }
}

fn at(id: &str, x: u8, y: u16, w: u8, h: u8) -> Widget {
    Widget {
        place: Place { x, y, w, h },
        ..Widget::new(Kind::Activity, id)
    }
}

fn settled(widgets: Vec<Widget>) -> Vec<(String, u8, u16)> {
    let mut definition = Definition {
        widgets,
        ..Definition::empty()
    };
    definition.settle();
    let places = definition.widgets.iter();
    places.map(|one| (one.id.clone(), one.place.x, one.place.y)).collect()
}

#[test]
fn widgets_move_up_until_they_touch_and_never_lie_on_each_other() {
    let places = settled(vec![
        at("below", 0, 40, 4, 2),
        at("left", 0, 0, 4, 2),
        at("tall", 4, 0, 8, 6),
        at("over", 3, 1, 4, 4),
        at("wide", 9, 90, 12, 3),
    ]);

    let expected = [
        ("left", 0, 0),
        ("tall", 4, 0),
        ("over", 3, 6),
        ("below", 0, 10),
        ("wide", 0, 12),
    ];
    let expected: Vec<_> = expected.map(|(id, x, y)| (id.to_owned(), x, y)).into();
    assert_eq!(places, expected);
}

#[test]
fn a_settled_board_stays_as_it_is() {
    let mut definition = Definition {
        widgets: vec![at("a", 0, 3, 6, 4), at("b", 6, 0, 6, 2), at("c", 0, 9, 12, 1)],
        ..Definition::empty()
    };
    definition.settle();
    let once = definition.clone();

    definition.settle();

    assert_eq!(definition, once);
}

#[test]
fn a_document_survives_its_file_and_a_broken_file_says_where() {
    let mut widget = at("activity", 0, 0, 6, 8);
    widget.title = "What happened – “today”".into();
    let file = File {
        pulseboard_board: File::FORMAT,
        name: "Morning".into(),
        description: "For the hand-over.".into(),
        template_for: Some(FacilityKind::Hospital),
        definition: Definition {
            refresh: Refresh::Minute,
            widgets: vec![widget],
            ..Definition::empty()
        },
    };

    assert_eq!(File::read(&file.text()).as_ref(), Ok(&file));
    let strange = file.text().replace("\"refresh\"", "\"fresh\"");
    let problems = File::read(&strange).unwrap_err();
    let words = problems.of("file").unwrap();
    assert!(words.contains("fresh") && words.contains("line"), "{words}");
    let newer = file
        .text()
        .replace("\"pulseboard_board\": 1", "\"pulseboard_board\": 2");
    assert!(File::read(&newer).unwrap_err().of("file").unwrap().contains('2'));
    let narrow = file.text().replace("\"w\": 6", "\"w\": 13");
    assert!(File::read(&narrow).unwrap_err().of("activity.w").is_some());
}

#[test]
fn two_widgets_of_one_name_are_refused() {
    let definition = Definition {
        widgets: vec![at("same", 0, 0, 6, 8), at("same", 6, 0, 6, 8)],
        ..Definition::empty()
    };

    assert!(definition.check().of("same.id").is_some());
    assert_eq!(definition.free_id("same"), "same-2");
    assert_eq!(definition.free_id("other"), "other");
}
