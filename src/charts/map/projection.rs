//! From places on the globe to pixels of a drawing: Mercator around the middle of the places, which keeps angles and so
//! the shapes of coasts right wherever the network lies, over the date line too.

use super::Position;

/// Beyond this latitude the projection runs away; nobody keeps blood there.
const HIGHEST: f64 = 84.0;
/// Degrees across the narrower side of a drawing that shows one place: the outline knows nothing finer.
const CLOSEST: f64 = 1.2;
/// Pixels kept free at the edges, for markers and their names.
const MARGIN: (f64, f64) = (46.0, 34.0);

/// Latitude in degrees to the height on a Mercator map, in degrees of the equator.
pub(super) fn mercator(latitude: f64) -> f64 {
    let latitude = latitude.clamp(-HIGHEST, HIGHEST).to_radians();
    (std::f64::consts::FRAC_PI_4 + latitude / 2.0).tan().ln().to_degrees()
}

/// The other way.
pub(super) fn latitude(height: f64) -> f64 {
    2.0 * height.to_radians().exp().atan().to_degrees() - 90.0
}

/// A difference of longitudes, from -180 to 180.
pub(super) fn around(degrees: f64) -> f64 {
    (degrees + 180.0).rem_euclid(360.0) - 180.0
}

/// What a drawing shows and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Projection {
    /// longitude of the middle
    pub centre: f64,
    /// Mercator height of the middle
    pub middle: f64,
    /// pixels for a degree of the equator
    pub scale: f64,
    pub width: f64,
    pub height: f64,
}

impl Projection {
    /// Shows all places with a margin, or the world when there are none.
    pub fn around(places: &[Position], (width, height): (f64, f64)) -> Self {
        let whole = width / 360.0;
        let Some(centre) = middle_longitude(places) else {
            return Projection {
                centre: 10.0,
                middle: mercator(18.0),
                scale: whole,
                width,
                height,
            };
        };
        let half = places
            .iter()
            .map(|place| around(place.longitude - centre).abs())
            .fold(0.0, f64::max);
        let heights = places.iter().map(|place| mercator(place.latitude));
        let (low, high) = heights.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
            (low.min(y), high.max(y))
        });
        let closest = width.min(height) / CLOSEST;
        let across = (width - 2.0 * MARGIN.0) / (2.0 * half).max(1e-9);
        let along = (height - 2.0 * MARGIN.1) / (high - low).max(1e-9);
        Projection {
            centre,
            middle: (low + high) / 2.0,
            scale: across.min(along).min(closest),
            width,
            height,
        }
    }

    /// Pixels from the left and from the top.
    pub fn place(&self, at: Position) -> (f64, f64) {
        self.project(around(at.longitude - self.centre), mercator(at.latitude))
    }

    /// The same for degrees east of the middle and a Mercator height.
    pub fn project(&self, east: f64, height: f64) -> (f64, f64) {
        (
            self.width / 2.0 + east * self.scale,
            self.height / 2.0 - (height - self.middle) * self.scale,
        )
    }

    /// Half the width in degrees of longitude, half the height in Mercator degrees.
    pub fn reach(&self) -> (f64, f64) {
        (self.width / 2.0 / self.scale, self.height / 2.0 / self.scale)
    }
}

/// The middle of the shortest arc that holds all longitudes: opposite to the widest gap between neighbours.
fn middle_longitude(places: &[Position]) -> Option<f64> {
    let mut longitudes: Vec<f64> = places.iter().map(|place| around(place.longitude)).collect();
    longitudes.sort_by(f64::total_cmp);
    let (first, last) = (*longitudes.first()?, *longitudes.last()?);
    let mut widest = (360.0 - (last - first), last, first);
    for pair in longitudes.windows(2) {
        if pair[1] - pair[0] > widest.0 {
            widest = (pair[1] - pair[0], pair[0], pair[1]);
        }
    }
    let (gap, _, begins) = widest;
    Some(around(begins + (360.0 - gap) / 2.0))
}
