use super::super::{Dimension::*, Shape};
use super::*;

fn chart() -> Widget {
    let mut widget = Widget::new(Kind::Line, "stock");
    widget.source = Some(SourceRef {
        measure: "summary.stock".into(),
        by: vec![Day],
    });
    widget
}

#[test]
fn every_kind_as_the_gallery_offers_it_is_in_order() {
    for &kind in Kind::ALL {
        let mut widget = Widget::new(kind, "w1");
        let description = kind.describe();
        if description.needs_source() {
            let possible = [Day, Hour, Weekday, Facility, Component, Group];
            widget.source = Some(SourceRef {
                // the top of a metric is that of one of its tags
                measure: if kind == Kind::Top {
                    "metrics.avg.cpu_usage/host"
                } else {
                    "x"
                }
                .into(),
                by: kind.default_by(&possible),
            });
        }
        if kind == Kind::Text {
            widget.options.markdown = Some("# Hello".into());
        }

        let problems = widget.check();

        assert!(problems.is_empty(), "{kind}: {problems:?}");
        assert!(
            description.smallest.w <= description.default_size.w
                && description.smallest.h <= description.default_size.h
        );
        assert!(!description.words.is_empty());
    }
}

#[test]
fn a_widget_says_per_field_what_is_wrong_with_it() {
    let mut widget = chart();
    widget.id = "Stock!".into();
    widget.title = "x".repeat(200);
    widget.source.as_mut().unwrap().by = vec![Group];
    widget.options.days = Some(401);
    widget.thresholds = Thresholds {
        warn: Some(5.0),
        critical: Some(3.0),
        ..Thresholds::default()
    };
    widget.drill = Some("//elsewhere.invalid".into());
    widget.place = Place {
        x: 11,
        y: 0,
        w: 4,
        h: 1,
    };

    let problems = widget.check();

    for field in ["id", "title", "by", "days", "critical", "drill", "x", "h"] {
        assert!(problems.of(field).is_some(), "{field}: {problems:?}");
    }
}

#[test]
fn a_widget_survives_its_json_and_refuses_what_it_does_not_know() {
    let mut widget = chart();
    widget.thresholds.target = Some(40.0);
    widget.options.decimals = Some(1);

    let text = serde_json::to_string(&widget).unwrap();

    assert_eq!(serde_json::from_str::<Widget>(&text).unwrap(), widget);
    assert!(serde_json::from_str::<Widget>(&text.replace("\"decimals\"", "\"decimal\"")).is_err());
    assert!(serde_json::from_str::<Widget>(&text.replace("\"line\"", "\"pie\"")).is_err());
}

#[test]
fn a_widget_survives_its_form() {
    let mut widget = chart();
    widget.title = "Stock of the week".into();
    widget.source.as_mut().unwrap().by.push(Component);
    widget.options.days = Some(7);
    widget.thresholds.target = Some(12.5);
    widget.locked = true;

    let pairs: Vec<(String, String)> = super::super::NAMES
        .iter()
        .map(|name| ((*name).to_owned(), widget.value(name)))
        .collect();
    let (read, problems) = Widget::from_form(&pairs);

    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(read, widget);
}

#[test]
fn a_form_of_another_kind_loses_what_does_not_fit_and_keeps_the_rest() {
    let pairs = [
        ("id", "a"),
        ("kind", "text"),
        ("measure", "summary.stock"),
        ("by", "day"),
        ("markdown", "Hi"),
        ("days", "x"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));

    let (read, problems) = Widget::from_form(&pairs);

    assert_eq!(
        (read.source.as_ref(), read.options.markdown.as_deref()),
        (None, Some("Hi"))
    );
    assert!(problems.of("days").is_some());
}

#[test]
fn places_overlap_when_they_share_a_cell() {
    let place = |x, y, w, h| Place { x, y, w, h };

    assert!(place(0, 0, 6, 4).overlaps(&place(5, 3, 2, 2)));
    assert!(!place(0, 0, 6, 4).overlaps(&place(6, 0, 6, 4)));
    assert!(!place(0, 0, 6, 4).overlaps(&place(0, 4, 6, 4)));
}

#[test]
fn a_value_on_a_threshold_has_crossed_it() {
    let low = Thresholds {
        warn: Some(10.0),
        critical: Some(5.0),
        direction: Direction::Below,
        target: None,
    };

    assert_eq!(
        [11.0, 10.0, 5.0].map(|value| low.state(value)),
        [State::Good, State::Warn, State::Critical]
    );
    assert_eq!(Thresholds::default().state(1.0), State::Unknown);
}

#[test]
fn what_a_measure_is_split_by_makes_its_shape() {
    assert_eq!(Shape::of(&[]), Some(Shape::Single));
    assert_eq!(Shape::of(&[Day, Group]), Some(Shape::SplitSeries));
    assert_eq!(Shape::of(&[Weekday, Hour]), Some(Shape::Grid));
    assert_eq!(Shape::of(&[Group, Group]), None);
    assert_eq!(Shape::of(&[Group, Day]), None);
    assert!(Kind::Bar.accepts(&[Facility]) && Kind::Map.accepts(&[Facility]) && !Kind::Map.accepts(&[Group]));
    assert!(Kind::List.accepts(&[]) && !Kind::Line.accepts(&[]));
}
