//! What becomes of a schedule when a plugin (again) declares its job.
//!
//! **Invariant:** a declaration is a default. What operators changed outlives every reload, and
//! what they did not change follows the plugin.

use super::{JobSchedule, ScheduleKey, ScheduleOrigin};
use crate::{JobDefinition, Schedule, ScheduleName, Timestamp};

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeclared {
    /// Nothing changed.
    Same,
    /// Store this, over the revision it carries; 0 where none is stored.
    Put(Box<JobSchedule>),
    /// Delete the one that is stored, of this revision.
    Delete(u64),
}

impl JobSchedule {
    /// The name of the schedule that a plugin declares for a job: the job's own.
    pub fn declared_key(definition: &JobDefinition) -> ScheduleKey {
        let name = ScheduleName::new(definition.key.job_type.as_str())
            .expect("names of schedules keep to the rules of job types");
        ScheduleKey { tenant: definition.key.tenant.clone(), name }
    }

    /// What becomes of the schedule `stored` under [`JobSchedule::declared_key`].
    pub fn redeclared(
        stored: Option<&Self>,
        definition: &JobDefinition,
        now: Timestamp,
    ) -> Redeclared {
        let declared = Some(&definition.schedule).filter(|rule| **rule != Schedule::Manual);
        let put = |schedule| Redeclared::Put(Box::new(schedule));
        match (stored, declared) {
            (None, None) => Redeclared::Same,
            (None, Some(rule)) => {
                let key = Self::declared_key(definition);
                let job_type = definition.key.job_type.clone();
                put(Self {
                    origin: ScheduleOrigin::Plugin,
                    declared: Some(rule.clone()),
                    ..Self::new(key, job_type, rule.clone(), now)
                })
            }
            // An operator's own schedule that has the job's name is left alone.
            (Some(stored), _) if stored.origin == ScheduleOrigin::Operator => Redeclared::Same,
            (Some(stored), declared) if stored.declared.as_ref() == declared => Redeclared::Same,
            (Some(stored), None) if !stored.overridden => Redeclared::Delete(stored.revision),
            (Some(stored), declared) => {
                let changed = Self { declared: declared.cloned(), ..stored.clone() };
                put(match declared {
                    Some(rule) if !stored.overridden => changed.with_rule(rule.clone(), now),
                    _ => changed,
                })
            }
        }
    }

    /// As the plugin declares it, everything that an operator set undone; `None` where no
    /// plugin declares it.
    pub fn reset(&self, now: Timestamp) -> Option<Self> {
        let rule = self.declared.clone()?;
        let plain = Self::new(self.key.clone(), self.job_type.clone(), rule.clone(), now);
        Some(Self {
            origin: ScheduleOrigin::Plugin,
            declared: Some(rule.clone()),
            next_fire_at: if self.enabled && rule == self.rule {
                self.next_fire_at
            } else {
                plain.next_fire_at
            },
            last_fire_at: self.last_fire_at,
            last_run: self.last_run,
            skipped: self.skipped,
            revision: self.revision,
            ..plain
        })
    }
}
