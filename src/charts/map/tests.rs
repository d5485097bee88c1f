//! Maps: where places come to lie, what is cut, which names stand, what a reader gets without seeing it.

use scraper::{Html, Selector};

use super::labels::{Area, Wanted, placed};
use super::outline::{cut_area, cut_line, graticule, ground};
use super::projection::{Projection, latitude, mercator};
use super::{Map, Pin, Position, Tone, View};

const SIZE: (f64, f64) = (800.0, 420.0);

fn at(latitude: f64, longitude: f64) -> Position {
    Position { latitude, longitude }
}

fn pin(name: &str, at: Position, tone: Tone) -> Pin {
    Pin {
        name: name.into(),
        at,
        href: Some(format!("/{name}")),
        tone,
        word: tone.label().into(),
        weight: 1.0,
        figure: "3 units".into(),
    }
}

fn map(pins: Vec<Pin>) -> Map {
    Map {
        id: "where".into(),
        title: "Facilities".into(),
        pins,
        figure: "Stock".into(),
        view: View::Pins,
        choosing: None,
    }
}

fn inside((x, y): (f64, f64)) -> bool {
    (0.0..=SIZE.0).contains(&x) && (0.0..=SIZE.1).contains(&y)
}

#[test]
fn a_latitude_comes_back_from_its_height() {
    for degrees in [-83.0, -33.9, 0.0, 51.5, 70.0] {
        assert!((latitude(mercator(degrees)) - degrees).abs() < 1e-9, "{degrees}");
    }
    // Mercator's tables: 45 degrees lie as high as 50.5 degrees of the equator
    assert!((mercator(45.0) - 50.4989).abs() < 1e-3);
    assert!(mercator(90.0).is_finite() && mercator(-90.0).is_finite());
}

#[test]
fn every_place_lies_within_the_map_wherever_the_network_is() {
    for places in [
        vec![at(52.5, 13.4)],
        vec![at(44.0, 2.0), at(52.0, 18.0), at(48.0, 9.0)],
        vec![at(-17.7, 178.0), at(-16.5, -179.5), at(-18.1, 179.9)],
        vec![at(71.0, -156.0), at(-54.8, -68.3), at(35.7, 139.7), at(-36.8, 174.8)],
        vec![at(90.0, 0.0), at(-90.0, 180.0)],
    ] {
        let view = Projection::around(&places, SIZE);

        for place in &places {
            assert!(inside(view.place(*place)), "{place:?} lies at {:?}", view.place(*place));
        }
    }
}

#[test]
fn a_network_across_the_date_line_is_shown_as_neighbours() {
    let view = Projection::around(&[at(-17.0, 179.0), at(-17.0, -179.0)], SIZE);

    let (west, east) = (view.place(at(-17.0, 179.0)).0, view.place(at(-17.0, -179.0)).0);
    assert!(west < east && view.centre.abs() > 179.9);
    assert!(
        !ground(&view).0.is_empty(),
        "the islands on both sides of the line are drawn"
    );
}

#[test]
fn shapes_keep_their_angles() {
    let view = Projection::around(&[at(59.0, 9.0), at(61.0, 11.0)], SIZE);

    // a kilometre north and a kilometre east at 60 degrees are equally long on the map
    let (x, y) = view.place(at(60.0, 10.0));
    let north = y - view.place(at(60.009, 10.0)).1;
    let east = view.place(at(60.0, 10.018)).0 - x;
    assert!((north / east - 1.0).abs() < 0.01, "{north} {east}");
}

#[test]
fn an_area_is_cut_at_the_edges_and_covers_the_map_when_it_surrounds_it() {
    let view = Projection::around(&[], (100.0, 100.0));

    let around = cut_area(
        vec![(-900.0, -900.0), (900.0, -900.0), (900.0, 900.0), (-900.0, 900.0)],
        &view,
    );
    let corner = cut_area(vec![(50.0, 50.0), (300.0, 50.0), (300.0, 300.0), (50.0, 300.0)], &view);
    let outside = cut_area(vec![(300.0, 300.0), (400.0, 300.0), (400.0, 400.0)], &view);

    let area = |shape: &[(f64, f64)]| {
        let next = shape.iter().cycle().skip(1);
        (shape.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>() / 2.0).abs()
    };
    assert!((area(&around) - 108.0 * 108.0).abs() < 1e-6);
    assert!((area(&corner) - 54.0 * 54.0).abs() < 1e-6);
    assert!(outside.is_empty());
}

#[test]
fn a_line_that_leaves_and_comes_back_is_two_lines() {
    let view = Projection::around(&[], (100.0, 100.0));

    let parts = cut_line(&[(50.0, 50.0), (200.0, 50.0), (200.0, 80.0), (50.0, 80.0)], &view);
    let through = cut_line(&[(-50.0, 10.0), (150.0, 10.0)], &view);

    assert_eq!(parts, [[(50.0, 50.0), (104.0, 50.0)], [(104.0, 80.0), (50.0, 80.0)]]);
    assert_eq!(through, [[(-4.0, 10.0), (104.0, 10.0)]]);
    assert!(cut_line(&[(-50.0, -50.0), (150.0, -50.0)], &view).is_empty());
}

#[test]
fn names_stand_on_no_marker_and_on_no_other_name() {
    let view = Projection::around(&[], SIZE);
    let names: Vec<String> = (0..60).map(|index| format!("Facility number {index}")).collect();
    let wanted: Vec<Wanted<'_>> = names
        .iter()
        .enumerate()
        .map(|(index, name)| Wanted {
            name,
            x: 20.0 + (index * 131 % 760) as f64,
            y: 20.0 + (index * 67 % 380) as f64,
            radius: 7.0,
        })
        .collect();

    let labels = placed(&wanted, 7.0, &view);

    let areas: Vec<(usize, Area)> = labels
        .iter()
        .map(|label| {
            let length = names[label.pin].chars().count() as f64 * 7.0;
            let left = match label.anchor {
                "start" => label.x,
                "end" => label.x - length,
                _ => label.x - length / 2.0,
            };
            (label.pin, Area(left, label.y - 10.5, left + length, label.y + 3.5))
        })
        .collect();
    assert!(labels.len() > 10, "{} names", labels.len());
    for (index, (pin, area)) in areas.iter().enumerate() {
        assert!(areas[index + 1..].iter().all(|(_, other)| !area.meets(other)));
        for (other, marker) in wanted.iter().enumerate().filter(|(other, _)| other != pin) {
            let square = Area(marker.x - 7.0, marker.y - 7.0, marker.x + 7.0, marker.y + 7.0);
            assert!(!area.meets(&square), "{} lies on {other}", names[*pin]);
        }
    }
}

#[test]
fn the_graticule_has_a_few_lines_at_every_scale() {
    for places in [vec![at(50.0, 10.0)], vec![at(44.0, 2.0), at(52.0, 18.0)], vec![]] {
        for size in [SIZE, (340.0, 320.0)] {
            let view = Projection::around(&places, size);

            let (lines, words) = graticule(&view);

            let count = lines.matches('M').count();
            assert!((2..=20).contains(&count), "{count} lines");
            assert!(!words.is_empty() && words.iter().all(|(_, x, y)| inside((*x, *y)) || *y <= size.1));
        }
    }
}

#[test]
fn a_map_says_everything_without_colour_and_without_eyes() {
    let fragment = map(vec![
        pin("Alder", at(48.1, 11.6), Tone::Good),
        pin("Birch", at(48.4, 10.9), Tone::Critical),
    ])
    .render();

    let html = Html::parse_fragment(&askama::Template::render(&fragment).unwrap());

    let all = |css: &str| html.select(&Selector::parse(css).unwrap()).count();
    let shapes: Vec<&str> = html
        .select(&Selector::parse("svg.wide a.pin path").unwrap())
        .map(|shape| shape.value().attr("d").unwrap())
        .collect();
    assert_eq!(
        all("svg.wide a.pin.critical[href='/Birch'][aria-label='Birch: Critical, 3 units']"),
        1
    );
    assert_eq!(all("svg.narrow a.pin"), 2);
    assert_eq!(all("tbody tr"), 2);
    assert_eq!(all(".map-legend li"), 2);
    assert_ne!(
        shapes[0].matches(' ').count(),
        shapes[1].matches(' ').count(),
        "{shapes:?}"
    );
    assert_eq!(
        all("[style]"),
        0,
        "the content security policy allows no style attribute"
    );
}

#[test]
fn a_name_cannot_become_markup() {
    let fragment = map(vec![pin("<script>\"'&", at(48.1, 11.6), Tone::Low)]).render();

    let html = askama::Template::render(&fragment).unwrap();

    assert!(!html.contains("<script>"));
}

#[test]
fn a_map_of_a_region_stays_small() {
    let pins = (0..40).map(|i| {
        pin(
            &format!("Facility {i}"),
            at(44.0 + f64::from(i) / 5.0, 2.0 + f64::from(i) / 2.5),
            Tone::Good,
        )
    });

    let html = askama::Template::render(&map(pins.collect()).render()).unwrap();

    assert!(html.len() < 90_000, "{} bytes", html.len());
}
