//! The last hours before the present: whatever the time of day, some requests wait for an answer, some are being
//! packed and some are on the road.

use chrono::{DateTime, TimeDelta, Utc};

use super::history::World;
use super::orders::{Answer, Need};
use crate::requests::Urgency::{self, Emergency, Routine, Urgent};

impl World {
    /// For each facility that supplies others: requests in every state that is not yet the end.
    pub fn last_hours(&mut self) {
        for of in 0..self.sites.len() {
            let dependants = self.sites[of].dependants.clone();
            if dependants.is_empty() {
                continue;
            }
            let waiting = 2 + self.dice.below(3);
            for index in 0..waiting {
                let urgency = match index {
                    0 => Urgent,
                    1 if self.dice.chance(0.25) => Emergency,
                    _ => Routine,
                };
                let raised = self.now - self.dice.minutes(4.0, if index == 0 { 50.0 } else { 200.0 });
                let later = self.now + TimeDelta::hours(1);
                self.late_request(of, &dependants, urgency, raised, later, later);
            }
            let urgency = if self.dice.chance(0.3) { Urgent } else { Routine };
            let raised = self.now - self.dice.minutes(60.0, 180.0);
            let decided = self.now - self.dice.minutes(5.0, 50.0);
            let soon = self.now + self.dice.minutes(5.0, 60.0);
            self.late_request(of, &dependants, urgency, raised, decided, soon);
            for _ in 0..1 + self.dice.below(2) {
                let raised = self.now - self.dice.minutes(60.0, 180.0);
                let decided = raised + self.dice.minutes(5.0, 40.0);
                let dispatched = self.now - self.dice.minutes(2.0, 14.0);
                self.late_request(of, &dependants, Routine, raised, decided, dispatched);
            }
        }
    }

    fn late_request(
        &mut self,
        of: usize,
        dependants: &[usize],
        urgency: Urgency,
        raised: DateTime<Utc>,
        decided: DateTime<Utc>,
        dispatched: DateTime<Utc>,
    ) {
        let by = self.dice.pick(dependants);
        let cell = self.some_cell(by);
        let need = Need {
            by,
            of,
            cell,
            quantity: 1 + self.dice.below(5) as i32,
            urgency,
            raised,
        };
        self.request(need, Answer { decided, dispatched });
    }
}
