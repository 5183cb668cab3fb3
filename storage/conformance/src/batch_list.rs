//! The list of cases about batches, beside the others' in `list`.

/// Hands every such case's name to a macro, by family, after what else that macro is to get.
#[doc(hidden)]
#[macro_export]
macro_rules! with_every_batch_case {
    ($then:path, $($context:tt)*) => { $then! { [$($context)*]
        batches {
            a_batch_is_created_open_and_without_members
            a_repeated_creation_leaves_the_batch_as_it_is
            members_are_counted_as_they_stand
            a_member_that_waits_again_is_unfinished
            a_repeated_submission_is_counted_once
            a_member_that_is_skipped_counts_as_cancelled
            a_batch_that_takes_no_members_refuses_the_whole_call
            a_batch_and_a_key_do_not_go_together
            a_batch_is_due_once_it_is_closed_and_all_have_ended
            a_batch_without_members_is_due_once_it_is_closed
            success_lets_both_callbacks_go
            a_member_that_did_not_complete_keeps_success_away
            a_decision_is_written_once_and_only_where_it_is_called_for
            a_failed_member_that_runs_again_can_make_a_success_of_it
            a_member_that_runs_again_in_time_puts_the_decision_off
            a_callback_that_is_held_no_more_stays_as_it_is
            a_callback_is_a_held_run_of_its_own
            a_nested_batch_is_one_member_of_its_parent
            a_member_that_is_deleted_stays_counted
            members_are_found_by_their_batch
            batches_are_listed_newest_first
            only_batches_that_are_over_are_deleted
            members_of_a_batch_that_is_gone_end_like_others
        }
        batches_at_once {
            members_that_end_at_once_are_counted_and_called_back_once
            a_batch_is_closed_before_or_after_a_submission
        }
    } };
}
