//! The names of keys. The only place that knows them, beside the scripts; `KEYS.md` tells
//! what each holds.
//!
//! **Invariant:** every key of one prefix begins with the same `{prefix}:`, the hash tag that
//! puts all of them into one slot of a cluster, so that a script may touch any of them.

use zapjobs_model::{JobKey, JobType, QueueName, RunId, RunStatus, Tag};

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
            "queues",
            "running",
            "delayed",
            "types",
            "ended:3",
            "ended:4",
            "ended:5",
            "quarantine",
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

    fn of_run(&self, kind: &str, id: RunId) -> Vec<u8> {
        [self.base.as_bytes(), kind.as_bytes(), id.0.as_bytes()].concat()
    }

    pub(crate) fn pending(&self, queue: &QueueName) -> String {
        format!("{}pending:{queue}", self.base)
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

    pub(crate) fn lease(&self, name: &str) -> String {
        format!("{}lease:{name}", self.base)
    }
}

/// A definition's name in an index. The comma sorts before all that a name may hold, so that
/// names stand in the order of their keys.
pub(crate) fn definition_name(key: &JobKey) -> String {
    format!("{},{}", key.tenant, key.job_type)
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
    fn every_key_holds_the_one_hash_tag() {
        let keys = Keys::new("zapjobs");
        assert!(keys.indexes().iter().all(|key| key.starts_with("{zapjobs}:")));
        assert_eq!(keys.indexes().len(), 10, "as prelude.lua counts them");
    }
}
