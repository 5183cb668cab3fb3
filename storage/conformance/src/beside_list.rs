//! The list of cases about what is kept beside runs: batches, steps, signals, documents, endings.
//! Those about runs stand in `list`.

/// Hands every such case's name to a macro, by family, after what else that macro is to get.
#[doc(hidden)]
#[macro_export]
macro_rules! with_every_case_beside_runs {
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
        steps {
            a_run_begins_without_steps
            steps_come_whole_in_the_order_in_which_they_were_recorded
            the_first_result_of_a_step_stands
            each_run_has_steps_of_its_own
            an_attempt_that_lost_its_run_records_nothing
            steps_stay_when_a_run_ends_and_is_requeued
            steps_go_with_their_run_when_it_is_pruned
            a_run_has_no_more_steps_than_it_may
            a_run_has_no_more_bytes_of_steps_than_it_may
            a_step_that_is_too_long_is_refused
        }
        documents {
            every_field_of_a_document_survives
            a_document_is_written_over_the_revision_it_carries
            each_document_of_a_batch_is_answered_by_itself
            a_document_of_another_revision_is_not_deleted
            documents_are_listed_page_by_page_from_both_ends
            documents_are_listed_behind_a_place_where_nothing_stands
            documents_go_by_their_names_whosever_they_are
            a_batch_of_documents_that_is_too_much_is_refused_whole
        }
        signals {
            a_run_that_sleeps_waits_for_its_time_alone
            a_signal_makes_the_run_ready_that_waits_for_it
            a_signal_that_came_before_ends_the_wait_at_once
            signals_are_taken_in_their_order_and_once
            a_signal_is_kept_with_its_instant
            an_attempt_that_lost_its_run_takes_no_signal
            a_stale_suspension_leaves_the_wait_as_it_is
            a_run_that_should_stop_is_not_suspended
            a_cancelled_run_sleeps_no_more_and_takes_no_signals
            signals_stay_when_a_run_ends_and_is_requeued
            signals_and_waits_go_with_their_run_when_it_is_pruned
            a_run_keeps_no_more_signals_than_it_may
            a_signal_is_not_taken_where_its_step_has_no_room
            a_signal_that_is_too_long_and_a_suspension_that_ends_are_refused
            no_signal_is_lost_between_look_and_wait
            a_signal_that_several_take_is_taken_once
        }
        endings {
            endings_stand_in_the_order_of_time_and_then_of_ids
            every_way_to_end_is_an_ending
            a_look_goes_on_behind_the_last_ending_even_among_many_of_one_instant
            only_endings_before_an_instant_are_answered
            a_run_that_is_asked_to_run_again_has_not_ended
            a_place_holds_though_its_run_is_deleted
            after_closing_there_are_no_endings
        }
    } };
}
