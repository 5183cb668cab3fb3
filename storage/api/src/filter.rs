//! Which runs a filter takes: for drivers that look at runs one by one, and the meaning of the
//! words that others put into queries.

use zapjobs_model::Run;

use crate::RunFilter;

impl RunFilter {
    /// Whether every condition that is given holds for this run.
    pub fn matches(&self, run: &Run) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&run.status))
            && self.tenant.as_ref().is_none_or(|tenant| *tenant == run.tenant)
            && self.job_type.as_ref().is_none_or(|job_type| *job_type == run.job_type)
            && self.queue.as_ref().is_none_or(|queue| *queue == run.queue)
            && self.tag.as_ref().is_none_or(|tag| run.tags.contains(tag))
            && self.created_from.is_none_or(|from| run.created_at >= from)
            && self.created_before.is_none_or(|before| run.created_at < before)
            && self.search.as_deref().is_none_or(|text| is_found(run, text))
            && self.batch.is_none_or(|batch| run.batch == Some(batch))
    }
}

fn is_found(run: &Run, text: &str) -> bool {
    contains(run.job_type.as_str(), text)
        || run.correlation_id.as_ref().is_some_and(|id| contains(id.as_str(), text))
        || run.error.as_ref().is_some_and(|error| contains(&error.message, text))
        || contains(&run.id.to_string(), text)
}

/// Whether a field contains the text, letter case aside (ASCII).
fn contains(field: &str, text: &str) -> bool {
    // No window is empty.
    text.is_empty()
        || field
            .as_bytes()
            .windows(text.len())
            .any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use zapjobs_model::{
        BatchId, Blame, CorrelationId, Due, JobType, Json, NewRun, Priority, QueueName, RunError,
        RunId, RunStatus, Tag, TenantId, Timestamp, Trigger,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn a_run() -> Run {
        let new = NewRun {
            id: "01890000-0000-7000-8000-00000000abcd".parse::<RunId>().expect("a UUID"),
            tenant: TenantId::standard(),
            job_type: JobType::new("Mail").expect("a good name"),
            queue: QueueName::standard(),
            priority: Priority::default(),
            trigger: Trigger::Api,
            input: Json::null(),
            due: Due::Now,
            deadline: None,
            max_attempts: 3,
            correlation_id: Some(CorrelationId::new("Order 100% Ä").expect("a good id")),
            parent: None,
            tags: vec![Tag::new("red").expect("a good tag")],
            metadata: Default::default(),
            after: Vec::new(),
            limit_key: None,
            unique: None,
            idempotency: None,
            batch: None,
        };
        let error = RunError::new(Blame::Guest, "oops", "Broken_pipe");
        Run { error: Some(error), ..Run::from_new(new, NOW) }
    }

    fn finds(text: &str) -> bool {
        RunFilter { search: Some(text.to_owned()), ..RunFilter::default() }.matches(&a_run())
    }

    #[test]
    fn a_filter_without_conditions_takes_every_run() {
        assert!(RunFilter::default().matches(&a_run()));
    }

    #[test]
    fn a_search_looks_into_job_correlation_error_and_id() {
        for text in ["mail", "ORDER 100%", "broken_PIPE", "0000ABCD", "Ä", ""] {
            assert!(finds(text), "{text:?}");
        }
        for text in ["default", "order_100", "broken%pipe", "ä", "mailmailmail", "oops"] {
            assert!(!finds(text), "{text:?}");
        }
    }

    #[test]
    fn one_condition_that_does_not_hold_is_enough() {
        let before = NOW.plus(std::time::Duration::from_micros(1));
        let taking = RunFilter {
            statuses: vec![RunStatus::Failed, RunStatus::Pending],
            tenant: Some(TenantId::standard()),
            job_type: JobType::new("Mail").ok(),
            queue: Some(QueueName::standard()),
            tag: Tag::new("red").ok(),
            created_from: Some(NOW),
            created_before: Some(before),
            search: Some("mail".to_owned()),
            batch: None,
        };
        assert!(taking.matches(&a_run()));
        let a_batch = "01890000-0000-7000-8000-0000000000ba".parse::<BatchId>().expect("a UUID");
        let refusals = [
            RunFilter { statuses: vec![RunStatus::Failed], ..taking.clone() },
            RunFilter { tenant: TenantId::new("acme").ok(), ..taking.clone() },
            RunFilter { job_type: JobType::new("mail").ok(), ..taking.clone() },
            RunFilter { queue: QueueName::new("other").ok(), ..taking.clone() },
            RunFilter { tag: Tag::new("Red").ok(), ..taking.clone() },
            RunFilter { created_from: Some(before), ..taking.clone() },
            RunFilter { created_before: Some(NOW), ..taking.clone() },
            RunFilter { batch: Some(a_batch), ..taking.clone() },
            RunFilter { search: Some("fax".to_owned()), ..taking },
        ];
        for filter in refusals {
            assert!(!filter.matches(&a_run()), "{filter:?}");
        }
    }
}
