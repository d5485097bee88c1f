//! Maps drawn on the server: the outline of land and borders around some places, each place a marker with a shape, a
//! colour and a word. Behind every map stands the table of its places, and no tile is fetched from anywhere.

mod labels;
mod outline;
mod projection;
#[cfg(test)]
mod tests;
mod world;

use askama::Template;

use super::path::{marker, tenths};
use crate::text_enum::text_enum;
use labels::Wanted;
use projection::Projection;

/// A place on the globe, degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

text_enum! {
    /// How a place is doing, the worst first; the text is also the class of its marker.
    pub enum Tone {
        Critical = "critical" / "Critical",
        Low = "low" / "Low",
        Watch = "watch" / "Watch",
        Good = "good" / "Good",
        Unknown = "unknown" / "Unknown",
    }
}

impl Tone {
    /// Which of the marker shapes of [`marker`] stands for it, so that nobody needs the colour.
    fn shape(self) -> usize {
        match self {
            Tone::Critical => 1,
            Tone::Low => 2,
            Tone::Watch => 3,
            Tone::Good => 0,
            Tone::Unknown => 5,
        }
    }
}

/// One place of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    pub name: String,
    pub at: Position,
    /// where a click leads
    pub href: Option<String>,
    pub tone: Tone,
    /// what the tone means here, for the legend: `Critical stock`
    pub word: String,
    /// decides the size of the marker against the others of the map; 0 for all makes them equal
    pub weight: f64,
    /// a figure in words, for the table and the tooltip: `3 critical shelves`; may be empty
    pub figure: String,
}

/// What part of the world is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum View {
    /// all pins with a margin
    #[default]
    Pins,
    /// some hundred kilometres around a place
    Near(Position),
}

/// A map of places.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// unique on the page, a valid HTML id
    pub id: String,
    pub title: String,
    pub pins: Vec<Pin>,
    /// heading of the column of `Pin::figure`; without one there is no such column
    pub figure: String,
    pub view: View,
    /// set on a map where a place is chosen: the place so far, none if there is none yet
    pub choosing: Option<Option<Position>>,
}

/// The `<figure>` of a map; shows without `|safe`, since everything in it is escaped already.
#[derive(Template)]
#[template(path = "charts/_map.html")]
pub struct MapFragment {
    id: String,
    title: String,
    figure: String,
    choosing: bool,
    drawings: Vec<Drawing>,
    legend: Vec<Key>,
    rows: Vec<Row>,
}

impl askama::filters::HtmlSafe for MapFragment {}

/// One size of the map. Style sheets show the one that fits.
struct Drawing {
    class: &'static str,
    width: u32,
    height: u32,
    /// for the script that turns a click into a place: degrees, Mercator degrees, pixels for a degree
    centre: String,
    middle: String,
    scale: String,
    land: String,
    borders: String,
    grid: String,
    degrees: Vec<Words>,
    pins: Vec<Mark>,
    labels: Vec<Words>,
    /// `x y` of the place that is being chosen
    chosen: Option<(String, String)>,
}

struct Words {
    text: String,
    x: String,
    y: String,
    anchor: &'static str,
}

struct Mark {
    tone: &'static str,
    href: Option<String>,
    name: String,
    x: String,
    y: String,
    shape: String,
}

struct Key {
    tone: &'static str,
    shape: String,
    word: String,
    count: usize,
}

struct Row {
    name: String,
    href: Option<String>,
    tone: &'static str,
    word: String,
    figure: String,
    position: String,
}

/// Width, height, class, and the mean width of a letter, all in pixels of the drawing.
const SIZES: [(u32, u32, &str, f64); 2] = [(800, 420, "wide", 7.4), (340, 320, "narrow", 6.6)];

/// Degrees around a place that is looked at closely.
const CLOSE: f64 = 1.5;

impl Map {
    /// Draws the map; never fails. Without pins it shows the world.
    pub fn render(&self) -> MapFragment {
        // the worst are drawn last, on top, and get their names first
        let mut order: Vec<&Pin> = self.pins.iter().collect();
        order.sort_by(|a, b| a.tone.cmp(&b.tone).then(b.weight.total_cmp(&a.weight)));
        let mut legend: Vec<Key> = Vec::new();
        for pin in &order {
            match legend.iter_mut().find(|key| key.word == pin.word) {
                Some(key) => key.count += 1,
                None => legend.push(Key {
                    tone: pin.tone.as_str(),
                    shape: marker(pin.tone.shape(), (80, 80), 55),
                    word: pin.word.clone(),
                    count: 1,
                }),
            }
        }
        MapFragment {
            id: self.id.clone(),
            title: self.title.clone(),
            figure: self.figure.clone(),
            choosing: self.choosing.is_some(),
            drawings: SIZES.into_iter().map(|size| self.draw(&order, size)).collect(),
            legend,
            rows: self.pins.iter().map(row).collect(),
        }
    }

    fn projection(&self, size: (f64, f64)) -> Projection {
        let shown: Vec<Position> = match self.view {
            View::Pins => {
                let chosen = self.choosing.flatten();
                self.pins.iter().map(|pin| pin.at).chain(chosen).collect()
            }
            View::Near(at) => [-CLOSE, CLOSE]
                .into_iter()
                .map(|away| Position {
                    latitude: (at.latitude + away / 2.0).clamp(-90.0, 90.0),
                    longitude: at.longitude + away,
                })
                .collect(),
        };
        Projection::around(&shown, size)
    }

    fn draw(&self, order: &[&Pin], (width, height, class, letter): (u32, u32, &'static str, f64)) -> Drawing {
        let view = self.projection((f64::from(width), f64::from(height)));
        let (land, borders) = outline::ground(&view);
        let (grid, degrees) = outline::graticule(&view);
        let heaviest = order.iter().map(|pin| pin.weight).fold(0.0, f64::max);
        let wanted: Vec<Wanted<'_>> = order
            .iter()
            .map(|pin| {
                let (x, y) = view.place(pin.at);
                let share = if heaviest > 0.0 {
                    (pin.weight / heaviest).max(0.0)
                } else {
                    0.25
                };
                let radius = 4.5 + 5.0 * share.sqrt();
                Wanted {
                    name: &pin.name,
                    x,
                    y,
                    radius,
                }
            })
            .collect();
        let labels = labels::placed(&wanted, letter, &view);
        let pins = order.iter().zip(&wanted).rev();
        Drawing {
            class,
            width,
            height,
            centre: view.centre.to_string(),
            middle: view.middle.to_string(),
            scale: view.scale.to_string(),
            land,
            borders,
            grid,
            degrees: degrees
                .into_iter()
                .map(|(text, x, y)| words(text, x, y, if x == 4.0 { "start" } else { "middle" }))
                .collect(),
            pins: pins.map(|(pin, at)| mark(pin, at)).collect(),
            labels: labels
                .iter()
                .map(|label| words(order[label.pin].name.clone(), label.x, label.y, label.anchor))
                .collect(),
            chosen: self.choosing.map(|chosen| {
                let (x, y) = chosen.map_or((-100.0, -100.0), |at| view.place(at));
                (pixels(x), pixels(y))
            }),
        }
    }
}

fn mark(pin: &Pin, at: &Wanted<'_>) -> Mark {
    let figure = if pin.figure.is_empty() {
        String::new()
    } else {
        format!(", {}", pin.figure)
    };
    Mark {
        tone: pin.tone.as_str(),
        href: pin.href.clone(),
        name: format!("{}: {}{figure}", pin.name, pin.word),
        x: pixels(at.x),
        y: pixels(at.y),
        shape: marker(
            pin.tone.shape(),
            outline::tenths((at.x, at.y)),
            (at.radius * 10.0) as i32,
        ),
    }
}

fn words(text: String, x: f64, y: f64, anchor: &'static str) -> Words {
    Words {
        text,
        x: pixels(x),
        y: pixels(y),
        anchor,
    }
}

fn row(pin: &Pin) -> Row {
    let side = |degrees: f64, sides: [&str; 2]| {
        let side = if degrees < 0.0 { sides[1] } else { sides[0] };
        format!("{:.3}° {side}", degrees.abs())
    };
    Row {
        name: pin.name.clone(),
        href: pin.href.clone(),
        tone: pin.tone.as_str(),
        word: pin.word.clone(),
        figure: pin.figure.clone(),
        position: format!(
            "{}, {}",
            side(pin.at.latitude, ["N", "S"]),
            side(pin.at.longitude, ["E", "W"])
        ),
    }
}

fn pixels(value: f64) -> String {
    tenths((value * 10.0).round() as i32)
}
