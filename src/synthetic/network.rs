//! The map of the invented network: an archipelago of regions, in each a blood center with hospitals and clinics.

use super::calendar::Calendars;
use super::dice::Dice;
use super::names::Names;
use super::population::CELLS;
use super::sites::{Place, Site};
use crate::clock::Zone;
use crate::facilities::FacilityKind;

/// Degrees; the sea of this map has no other shores.
const LATITUDES: (f64, f64) = (44.0, 52.0);
const LONGITUDES: (f64, f64) = (2.0, 18.0);
const ZONES: [&str; 4] = ["Europe/Berlin", "Europe/Lisbon", "Europe/Helsinki", "Europe/London"];
/// One clinic keeps the time of another continent, a quarter of an hour off the others' minutes.
const FAR_ZONE: &str = "Asia/Kathmandu";
const FAR_CLINIC: usize = 7;

struct Region {
    name: String,
    zone: Zone,
    latitude: f64,
    longitude: f64,
}

/// The first ids that the database gave.
#[derive(Clone, Copy)]
pub(super) struct FirstIds {
    pub facility: i64,
    pub bank: i64,
}

/// Invents `count` facilities in blocks of ten: a center, three hospitals, six clinics.
pub(super) fn invent(count: usize, first: FirstIds, dice: &mut Dice) -> anyhow::Result<Vec<Place>> {
    let mut names = Names::new(dice);
    let regions = regions(count.div_ceil(10).clamp(1, 24), &mut names, dice)?;
    let mut next_bank = first.bank;
    let mut places: Vec<Place> = Vec::with_capacity(count);
    for index in 0..count {
        let (block, seat) = (index / 10, index % 10);
        let region = &regions[block % regions.len()];
        let kind = match seat {
            0 => FacilityKind::BloodCenter,
            1..=3 => FacilityKind::Hospital,
            _ => FacilityKind::Clinic,
        };
        let (mean, spread) = match kind {
            FacilityKind::BloodCenter => (5.0, 0.2),
            FacilityKind::Hospital => (17.0, 0.45),
            FacilityKind::Clinic => (2.2, 0.5),
        };
        let parent = (kind == FacilityKind::Clinic).then(|| block * 10 + 1 + seat % 3);
        let bank_names: &[&str] = match kind {
            FacilityKind::BloodCenter => &["Central store", "Processing store"],
            FacilityKind::Hospital if dice.chance(0.4) => &["Blood bank", "Theatre refrigerator"],
            FacilityKind::Hospital => &["Blood bank"],
            FacilityKind::Clinic => &["Blood refrigerator"],
        };
        let banks = bank_names
            .iter()
            .zip(next_bank..)
            .map(|(&name, id)| (id, name))
            .collect();
        next_bank += bank_names.len() as i64;
        // a sum of uniforms: most near the middle of the region, few far out
        let mut scatter = |reach: f64| (dice.between(-1.0, 1.0) + dice.between(-1.0, 1.0)) / 2.0 * reach;
        let (north, east) = if seat == 0 {
            (0.0, 0.0)
        } else {
            (scatter(0.55), scatter(0.9))
        };
        places.push(Place {
            id: first.facility + index as i64,
            name: names.facility(dice, kind),
            kind,
            region: region.name.clone(),
            latitude: round(region.latitude + north),
            longitude: round(region.longitude + east),
            zone: if index == FAR_CLINIC {
                FAR_ZONE.parse()?
            } else {
                region.zone
            },
            parent: parent.filter(|&parent| parent < count),
            center: block * 10,
            count_hour: dice.pick(&[6, 7, 7, 7, 8]),
            banks,
            demand: mean * dice.between(1.0 - spread, 1.0 + spread),
        });
    }
    Ok(places)
}

/// Makes the places ready for a history: who supplies whom, and what therefore flows through them.
pub(super) fn settle(places: Vec<Place>, calendars: &mut Calendars) -> Vec<Site> {
    let mut sites: Vec<Site> = places
        .into_iter()
        .map(|place| {
            let calendar = calendars.of(place.zone);
            Site::new(place, calendar)
        })
        .collect();
    // those at the ends of the chain first: what a center needs follows from what they keep
    sites
        .iter_mut()
        .filter(|site| !site.is_center())
        .for_each(Site::set_levels);
    for index in 0..sites.len() {
        let (center, parent) = (sites[index].place.center, sites[index].place.parent);
        if center != index {
            sites[center].dependants.push(index);
            for cell in 0..CELLS {
                // what is wasted on the way has to be collected too
                let needed = sites[index].demand[cell] * 1.06;
                sites[center].flow[cell] += needed;
            }
        }
        if let Some(parent) = parent {
            sites[parent].dependants.push(index);
        }
    }
    sites
        .iter_mut()
        .filter(|site| site.is_center())
        .for_each(Site::set_levels);
    sites
}

/// Regions on a jittered grid, so that none lies upon another.
fn regions(count: usize, names: &mut Names, dice: &mut Dice) -> anyhow::Result<Vec<Region>> {
    let columns = (count as f64 * 1.5).sqrt().ceil() as usize;
    let rows = count.div_ceil(columns);
    let step = |(low, high): (f64, f64), of: usize| (high - low) / of as f64;
    (0..count)
        .map(|index| {
            let (row, column) = (index / columns, index % columns);
            let mut place = |low: f64, step: f64, at: usize| low + step * (at as f64 + dice.between(0.3, 0.7));
            let latitude = place(LATITUDES.0, step(LATITUDES, rows), row);
            let longitude = place(LONGITUDES.0, step(LONGITUDES, columns), column);
            Ok(Region {
                name: names.region(dice),
                zone: ZONES[index % ZONES.len()].parse()?,
                latitude,
                longitude,
            })
        })
        .collect()
}

fn round(degrees: f64) -> f64 {
    (degrees * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_facilities_are_four_centers_twelve_hospitals_twenty_four_clinics_in_five_zones() {
        let first = FirstIds { facility: 1, bank: 1 };
        let places = invent(40, first, &mut Dice::new(1)).unwrap();
        let of = |kind| places.iter().filter(|place| place.kind == kind).count();
        let zones: std::collections::HashSet<_> = places.iter().map(|place| place.zone.as_str()).collect();

        assert_eq!(of(FacilityKind::BloodCenter), 4);
        assert_eq!(of(FacilityKind::Hospital), 12);
        assert_eq!(of(FacilityKind::Clinic), 24);
        assert_eq!(zones.len(), 5);
        assert!(places.iter().all(|place| (43.0..53.0).contains(&place.latitude)));
    }
}
