//! A map: a circle for each place, its area by its value, over the outline of a country or, without one, over the lines of
//! latitude and longitude. Equirectangular about its middle, which keeps shapes over a country's extent.

use std::fmt::Write;

use askama::Template;

use super::path::{path, tenths};

/// A place with a value.
#[derive(Clone, Debug)]
pub struct Spot {
    pub name: String,
    /// degrees, WGS 84
    pub latitude: f64,
    pub longitude: f64,
    pub value: Option<f64>,
    /// the value as text
    pub text: String,
    pub href: Option<String>,
    /// `good`, `low`, `critical`, `unknown` and the word for it; empty for none
    pub phase: &'static str,
    pub word: &'static str,
}

/// A ring of an outline: longitudes and latitudes in degrees, in order, closed by itself.
pub type Ring = Vec<(f64, f64)>;

/// Places with their values, the largest first.
#[derive(Clone, Debug)]
pub struct Map<'a> {
    /// unique on the page
    pub id: &'a str,
    pub title: &'a str,
    pub unit: &'a str,
    pub spots: &'a [Spot],
    /// drawn under the places; with it the map shows all of it, without it what the places need
    pub outline: &'a [Ring],
}

/// The `<figure>` of a map.
#[derive(Template)]
#[template(path = "charts/_map.html")]
pub struct MapFragment<'a> {
    map: &'a Map<'a>,
    width: u32,
    height: u32,
    grid: String,
    labels: Vec<(String, String, &'static str, String)>,
    land: String,
    circles: Vec<Circle<'a>>,
    phased: bool,
}

struct Circle<'a> {
    spot: &'a Spot,
    x: String,
    y: String,
    radius: String,
    /// the name beside it, for the largest
    named: bool,
}

impl askama::filters::HtmlSafe for MapFragment<'_> {}

const WIDTH: f64 = 480.0;
const TALLEST: f64 = 440.0;
const LOWEST: f64 = 220.0;
const LARGEST: f64 = 18.0;
const SMALLEST: f64 = 4.0;
/// Places whose name is written beside them.
const NAMED: usize = 6;

/// From degrees to the drawing.
struct Projection {
    west: f64,
    north: f64,
    /// pixels for a degree of longitude and of latitude
    x: f64,
    y: f64,
}

impl Projection {
    fn at(&self, longitude: f64, latitude: f64) -> (f64, f64) {
        ((longitude - self.west) * self.x, (self.north - latitude) * self.y)
    }
}

impl Map<'_> {
    pub fn render(&self) -> MapFragment<'_> {
        let (projection, height) = self.projection();
        let biggest = self.spots.iter().filter_map(|spot| spot.value).fold(0.0, f64::max);
        let radius = |value: f64| match biggest > 0.0 && value > 0.0 {
            true => SMALLEST + (LARGEST - SMALLEST) * (value / biggest).sqrt(),
            false => SMALLEST,
        };
        let tenth = |pixels: f64| tenths((pixels * 10.0).round() as i32);
        let land = self.outline.iter().fold(String::new(), |mut land, ring| {
            let points: Vec<(i32, i32)> = ring
                .iter()
                .map(|(longitude, latitude)| projection.at(*longitude, *latitude))
                .map(|(x, y)| ((x * 10.0).round() as i32, (y * 10.0).round() as i32))
                .collect();
            land.push_str(&path(&points, true));
            land
        });
        let (grid, labels) = graticule(&projection, height);
        let circles = self
            .spots
            .iter()
            .enumerate()
            .map(|(place, spot)| {
                let (x, y) = projection.at(spot.longitude, spot.latitude);
                Circle {
                    spot,
                    x: tenth(x),
                    y: tenth(y),
                    radius: tenth(radius(spot.value.unwrap_or(0.0))),
                    named: place < NAMED && self.spots.len() <= 40,
                }
            })
            .collect();
        MapFragment {
            map: self,
            width: WIDTH as u32,
            height: height as u32,
            grid,
            labels,
            land,
            circles,
            phased: self.spots.iter().any(|spot| !spot.phase.is_empty()),
        }
    }

    fn projection(&self) -> (Projection, f64) {
        let places: Vec<(f64, f64)> = match self.outline.is_empty() {
            true => self.spots.iter().map(|spot| (spot.longitude, spot.latitude)).collect(),
            false => self.outline.iter().flatten().copied().collect(),
        };
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        };
        let (mut west, mut east) = ends(&mut places.iter().map(|(longitude, _)| *longitude));
        let (mut south, mut north) = ends(&mut places.iter().map(|(_, latitude)| *latitude));
        if places.is_empty() {
            (west, east, south, north) = (-180.0, 180.0, -60.0, 80.0);
        }
        // room for the largest circle, and at least half a degree for places that lie close together
        let room = |low: f64, high: f64| ((high - low) * 0.12).max(0.25);
        let (across, up) = (room(west, east), room(south, north));
        (west, east, south, north) = (west - across, east + across, south - up, north + up);
        let squeeze = ((south + north) / 2.0).to_radians().cos().max(0.1);
        let (wide, tall) = ((east - west) * squeeze, north - south);
        let height = (WIDTH / wide * tall).clamp(LOWEST, TALLEST);
        // one scale for both, whichever side is the tight one; the rest of the room goes to both ends
        let scale = (WIDTH / wide).min(height / tall);
        let projection = Projection {
            west: west - (WIDTH / scale - wide) / 2.0 / squeeze,
            north: north + (height / scale - tall) / 2.0,
            x: scale * squeeze,
            y: scale,
        };
        (projection, height)
    }
}

/// Lines of latitude and longitude at round degrees, and their names at the edges.
fn graticule(projection: &Projection, height: f64) -> (String, Vec<(String, String, &'static str, String)>) {
    let degrees = (WIDTH / projection.x).max(height / projection.y);
    let step = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0]
        .into_iter()
        .find(|step| degrees / step <= 6.0)
        .unwrap_or(45.0);
    let name = |value: f64, [plus, minus]: [&str; 2]| {
        let side = if value >= 0.0 { plus } else { minus };
        format!("{}°\u{202f}{side}", super::full((value.abs() * 100.0).round() / 100.0))
    };
    let (mut grid, mut labels) = (String::new(), vec![]);
    let lines =
        |from: f64, to: f64| ((from / step).ceil() as i64..=(to / step).floor() as i64).map(|n| n as f64 * step);
    for longitude in lines(projection.west, projection.west + WIDTH / projection.x) {
        let (x, _) = projection.at(longitude, 0.0);
        let _ = write!(grid, "M{x:.1} 0V{height:.0}");
        labels.push((
            format!("{x:.1}"),
            format!("{:.0}", height - 4.0),
            "day",
            name(longitude, ["E", "W"]),
        ));
    }
    for latitude in lines(projection.north - height / projection.y, projection.north) {
        let (_, y) = projection.at(0.0, latitude);
        let _ = write!(grid, "M0 {y:.1}H{WIDTH:.0}");
        labels.push(("4".into(), format!("{:.1}", y - 3.0), "", name(latitude, ["N", "S"])));
    }
    (grid, labels)
}
