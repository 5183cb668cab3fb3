//! The list of cases that reopen a storage, beside the others' in `list`.

/// Hands every such case's name to a macro, by family, after what else that macro is to get.
#[doc(hidden)]
#[macro_export]
macro_rules! with_every_durability_case {
    ($then:path, $($context:tt)*) => { $then! { [$($context)*]
        durability {
            runs_outlive_a_closed_storage
            acknowledged_writes_outlive_a_storage_that_was_not_closed
            a_duplicate_is_known_after_reopening
            an_attempt_may_end_after_reopening
            leases_run_out_over_a_reopening
            definitions_logs_and_workers_outlive_the_storage
            a_fence_never_falls_over_a_reopening
            statistics_outlive_the_storage
            acknowledged_counts_outlive_a_storage_that_was_not_closed
            the_place_of_pruned_logs_outlives_the_storage
            a_run_claimed_by_name_stays_claimed_over_a_reopening
            steps_outlive_a_storage_that_was_not_closed
            documents_outlive_a_storage_that_was_not_closed
            signals_and_waits_outlive_a_storage_that_was_not_closed
            batches_outlive_a_storage_that_was_not_closed
        }
    } };
}
