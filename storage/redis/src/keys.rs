//! The names of keys. The only place that knows them, beside the scripts; `KEYS.md` tells
//! what each holds.
//!
//! **Invariant:** every key of one prefix begins with the same `{prefix}:`, the hash tag that
//! puts all of them into one slot of a cluster, so that a script may touch any of them.

use zapjobs_model::{
    BatchId, JobKey, JobType, QueueName, RunId, RunStatus, ScheduleKey, Tag, TenantId, UniqueKey,
};

/// Keys of one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    base: String,
    indexes: Vec<String>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        let base = format!("{{{prefix}}}:");
        let names = [
            "counts",
            "lanes",
            "running",
            "delayed",
            "types",
            "ended:3",
            "ended:4",
            "ended:5",
            "quarantine",
            "waiting",
            "absent",
        ];
        let indexes = names.map(|name| format!("{base}{name}")).into();
        Self { base, indexes }
    }

    /// What all keys begin with.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What every script about runs is given first, in the order that `prelude.lua` reads.
    pub(crate) fn indexes(&self) -> &[String] {
        &self.indexes
    }

    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    pub(crate) fn run(&self, id: RunId) -> Vec<u8> {
        self.of_run("run:", id)
    }

    pub(crate) fn log(&self, id: RunId) -> Vec<u8> {
        self.of_run("log:", id)
    }

    /// The runs that a run waits for.
    pub(crate) fn after(&self, id: RunId) -> Vec<u8> {
        self.of_run("after:", id)
    }

    /// What a run's attempts have done for good.
    pub(crate) fn steps(&self, id: RunId) -> Vec<u8> {
        self.of_run("steps:", id)
    }

    /// The signals that a run has not taken, and what it waits for.
    pub(crate) fn signals(&self, id: RunId) -> Vec<u8> {
        self.of_run("signals:", id)
    }

    pub(crate) fn batch(&self, id: BatchId) -> Vec<u8> {
        self.of_run("batch:", RunId(id.0))
    }

    /// The members of a batch, in the order of their ids.
    pub(crate) fn members(&self, id: BatchId) -> Vec<u8> {
        self.of_run("members:", RunId(id.0))
    }

    /// The batches that are members of a batch.
    pub(crate) fn nested(&self, id: BatchId) -> Vec<u8> {
        self.of_run("batches:in:", RunId(id.0))
    }

    fn of_run(&self, kind: &str, id: RunId) -> Vec<u8> {
        [self.base.as_bytes(), kind.as_bytes(), id.0.as_bytes()].concat()
    }

    pub(crate) fn pending(&self, tenant: &TenantId, queue: &QueueName) -> String {
        format!("{}pending:{}", self.base, lane(tenant, queue))
    }

    /// The runs that ended so.
    pub(crate) fn ended(&self, status: RunStatus) -> String {
        format!("{}ended:{}", self.base, status.code())
    }

    pub(crate) fn job_type(&self, job_type: &JobType) -> String {
        format!("{}type:{job_type}", self.base)
    }

    pub(crate) fn tag(&self, tag: &Tag) -> String {
        format!("{}tag:{tag}", self.base)
    }

    pub(crate) fn definition(&self, key: &JobKey) -> String {
        format!("{}definition:{}", self.base, definition_name(key))
    }

    pub(crate) fn schedule(&self, key: &ScheduleKey) -> String {
        format!("{}schedule:{},{}", self.base, key.tenant, key.name)
    }

    pub(crate) fn unique(&self, key: UniqueKey) -> String {
        format!("{}unique:{}", self.base, key.0.simple())
    }

    pub(crate) fn lease(&self, name: &str) -> String {
        format!("{}lease:{name}", self.base)
    }
}

/// A definition's name in an index. The comma sorts before all that a name may hold, so that
/// names stand in the order of their keys.
pub(crate) fn definition_name(key: &JobKey) -> String {
    format!("{},{}", key.tenant, key.job_type)
}

/// The name of the lane in which runs of a queue of a tenant wait, for the same reason so.
pub(crate) fn lane(tenant: &TenantId, queue: &QueueName) -> String {
    format!("{tenant},{queue}")
}

/// The tenant and the queue of a lane; `None` for a text that names none.
pub(crate) fn lane_parts(lane: &str) -> Option<(TenantId, QueueName)> {
    let (tenant, queue) = lane.split_once(',')?;
    Some((TenantId::new(tenant).ok()?, QueueName::new(queue).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_model::TenantId;

    #[test]
    fn definitions_sort_as_their_keys() {
        let key = |tenant: &str, job: &str| JobKey {
            tenant: TenantId::new(tenant).expect("a name"),
            job_type: JobType::new(job).expect("a name"),
        };
        let mut keys =
            [key("a.b", "x"), key("a", "z"), key("a-b", "x"), key("a", "b"), key("A", "z")];
        let mut names: Vec<String> = keys.iter().map(definition_name).collect();
        names.sort();
        keys.sort();
        assert_eq!(names, keys.map(|key| definition_name(&key)));
    }

    #[test]
    fn a_lane_says_whose_and_which_it_is() {
        let (tenant, queue) = (TenantId::new("a.b").expect("a name"), QueueName::standard());
        assert_eq!(lane_parts(&lane(&tenant, &queue)), Some((tenant, queue)));
        for spoilt in ["", "alone", ",q", "t,", "t,q,r"] {
            assert_eq!(lane_parts(spoilt), None, "{spoilt}");
        }
    }

    #[test]
    fn every_key_holds_the_one_hash_tag() {
        let keys = Keys::new("zapjobs");
        assert!(keys.indexes().iter().all(|key| key.starts_with("{zapjobs}:")));
        assert_eq!(keys.indexes().len(), 11, "as prelude.lua counts them");
    }
}
