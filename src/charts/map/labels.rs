//! Which names stand on a map and where: beside their place, over nothing else. What finds no room is in the table.

use super::projection::Projection;

/// A name that stands on the map.
pub(super) struct Label {
    /// index of its pin
    pub pin: usize,
    pub x: f64,
    pub y: f64,
    /// `start`, `end` or `middle`
    pub anchor: &'static str,
}

/// Left, top, right, bottom in pixels.
#[derive(Clone, Copy)]
pub(super) struct Area(pub f64, pub f64, pub f64, pub f64);

impl Area {
    pub fn meets(&self, other: &Area) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn within(&self, width: f64, height: f64) -> bool {
        self.0 >= 2.0 && self.1 >= 2.0 && self.2 <= width - 2.0 && self.3 <= height - 2.0
    }
}

/// What is to be written at a marker.
pub(super) struct Wanted<'a> {
    pub name: &'a str,
    pub x: f64,
    pub y: f64,
    pub radius: f64,
}

/// Greedy in the order given, the most important first: right of the marker, left, above, below, and then not at all.
/// `letter` is the mean width of a letter in pixels, generous, since the font of the reader is unknown.
pub(super) fn placed(wanted: &[Wanted<'_>], letter: f64, view: &Projection) -> Vec<Label> {
    let line = letter * 2.0;
    let mut taken: Vec<Area> = wanted
        .iter()
        .map(|pin| {
            Area(
                pin.x - pin.radius,
                pin.y - pin.radius,
                pin.x + pin.radius,
                pin.y + pin.radius,
            )
        })
        .collect();
    let mut labels = Vec::new();
    for (index, pin) in wanted.iter().enumerate() {
        let length = pin.name.chars().count() as f64 * letter;
        let away = pin.radius + 3.0;
        let sides = [
            ("start", pin.x + away, pin.y + line / 3.0, pin.x + away),
            ("end", pin.x - away, pin.y + line / 3.0, pin.x - away - length),
            ("middle", pin.x, pin.y - away, pin.x - length / 2.0),
            ("middle", pin.x, pin.y + away + line * 0.7, pin.x - length / 2.0),
        ];
        let free = sides.into_iter().find_map(|(anchor, x, y, left)| {
            let area = Area(left, y - line * 0.75, left + length, y + line * 0.25);
            let others = taken.iter().enumerate().filter(|(other, _)| *other != index);
            let clear = area.within(view.width, view.height) && others.into_iter().all(|(_, other)| !area.meets(other));
            clear.then_some((anchor, x, y, area))
        });
        if let Some((anchor, x, y, area)) = free {
            taken.push(area);
            labels.push(Label {
                pin: index,
                x,
                y,
                anchor,
            });
        }
    }
    labels
}
