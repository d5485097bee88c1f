//! Facilities: the tenants of the installation, and the directory in which they find each other.

mod chrome;
mod hours;
mod model;
mod queries;

pub use chrome::Chrome;
pub use hours::{Exception, Hours, Opening, WorkingCalendar, calendars, clock_label};
pub use model::{Facility, FacilityKind, kilometres};
pub use queries::{all, directory, find, of_person, zone_of};
