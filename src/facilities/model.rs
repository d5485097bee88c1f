//! What a facility is.

use crate::clock::Zone;
use crate::ids::FacilityId;
use crate::text_enum::text_enum;

text_enum! {
    pub enum FacilityKind {
        BloodCenter = "blood_center" / "Blood center",
        Hospital = "hospital" / "Hospital",
        Clinic = "clinic" / "Clinic",
    }
}

/// A line of the directory. Everybody in the network may read it.
#[derive(Clone, Debug)]
pub struct Facility {
    pub id: FacilityId,
    pub name: String,
    pub kind: FacilityKind,
    pub region: String,
    pub zone: Zone,
    /// degrees, WGS 84
    pub latitude: f64,
    pub longitude: f64,
    /// local hour at which the daily stock is counted
    pub count_hour: i16,
}

/// Great-circle distance in kilometres (haversine, mean radius 6,371 km).
pub fn kilometres(from: &Facility, to: &Facility) -> f64 {
    let (a, b) = (from.latitude.to_radians(), to.latitude.to_radians());
    let half_latitude = (b - a) / 2.0;
    let half_longitude = (to.longitude - from.longitude).to_radians() / 2.0;
    let chord = half_latitude.sin().powi(2) + a.cos() * b.cos() * half_longitude.sin().powi(2);
    2.0 * 6371.0 * chord.sqrt().min(1.0).asin()
}
