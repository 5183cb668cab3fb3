//! The list of cases, which stands here once: `suite` makes its table and every driver's tests
//! from it.

/// Hands every case's name to a macro, by family, after what else that macro is to get.
#[doc(hidden)]
#[macro_export]
macro_rules! with_every_case {
    ($then:path, $($context:tt)*) => { $then! { [$($context)*]
        lifecycle {
            time_is_the_clocks
            a_storage_says_what_it_is
            closing_twice_does_nothing
            after_closing_submitters_and_workers_are_answered_closed
            after_closing_those_who_look_are_answered_closed
            after_closing_a_subscription_ends_at_once
        }
        definitions {
            a_definition_that_was_never_put_is_absent
            every_field_of_a_definition_survives
            every_kind_of_schedule_survives
            putting_again_replaces_the_definition
            putting_nothing_changes_nothing
            definitions_are_listed_by_tenant_then_job_type
            definitions_are_ordered_by_bytes
            one_tenants_definitions_are_listed_alone
            deleting_tells_whether_there_was_a_definition
            deleting_a_definition_leaves_its_runs
            a_run_needs_no_definition
            enabling_sets_the_next_fire_time
            disabling_can_clear_the_next_fire_time
            enabling_an_unknown_definition_answers_no
            the_latest_status_is_noted
            noting_the_status_of_an_unknown_definition_is_passed_over
        }
        schedules {
            due_definitions_come_earliest_first_then_by_key
            a_definition_is_due_from_its_very_instant_on
            due_definitions_come_whole
            what_cannot_fire_is_never_due
            the_limit_on_due_definitions_is_kept
            the_next_fire_time_is_the_earliest
            a_fire_time_that_has_passed_is_still_the_next
            disabling_a_schedule_stops_it
            firing_stores_the_run_and_moves_the_schedule
            a_fired_run_can_be_claimed
            a_time_fires_once
            a_schedule_that_moved_meanwhile_does_not_fire
            a_disabled_schedule_does_not_fire
            an_unknown_definition_does_not_fire
            firing_for_the_last_time_ends_the_schedule
            firing_leaves_other_schedules_alone
        }
        enqueue {
            a_run_due_now_is_pending
            a_delayed_run_is_scheduled_until_its_time
            a_run_due_in_the_past_is_ready_at_once
            a_run_due_at_this_very_instant_is_pending
            a_delay_of_nothing_is_no_delay
            every_field_is_stored_as_it_was_given
            a_run_is_stored_as_the_model_makes_it
            answers_stand_in_the_order_of_the_batch
            a_repeated_id_is_a_duplicate
            a_duplicate_leaves_the_stored_run_as_it_is
            the_second_of_two_equal_ids_in_a_batch_is_a_duplicate
            a_duplicate_of_a_finished_run_does_not_revive_it
            the_other_runs_of_a_batch_with_a_duplicate_are_stored
            an_empty_batch_stores_nothing
            a_large_input_survives
            a_passed_deadline_is_stored_like_any_other
        }
        claim {
            nothing_is_claimed_from_an_empty_storage
            a_claimed_run_is_running_under_its_first_lease
            what_is_claimed_is_what_is_stored
            the_claim_names_its_worker_and_ends_its_lease_later
            a_claimed_run_keeps_what_was_submitted
            higher_priority_goes_first
            among_equals_the_one_ready_first_goes_first
            among_runs_ready_together_the_smallest_id_goes_first
            priority_goes_before_age
            the_limit_is_kept
            a_limit_of_nothing_claims_nothing
            a_run_is_claimed_once
            only_selected_queues_are_served
            the_order_holds_over_all_selected_queues_together
            naming_no_queue_claims_nothing
            naming_a_queue_twice_hands_out_its_runs_once
            a_queue_that_does_not_exist_is_empty
            queue_names_differ_by_letter_case
            every_tenant_is_served
            a_scheduled_run_is_not_claimed_before_its_promotion
            finished_runs_are_not_claimed
            claiming_again_raises_attempt_and_lease
            claiming_again_clears_error_progress_counts_and_usage
            a_later_claim_moves_started_at
        }
        leases {
            renewing_prolongs_the_lease_from_now
            a_renewed_lease_does_not_expire_at_its_old_end
            a_lease_that_ran_out_can_be_renewed
            renewing_tells_of_a_requested_cancellation
            a_run_claimed_anew_is_lost_to_its_old_lease
            a_lease_of_an_ended_waiting_or_unknown_run_is_lost
            renewals_are_answered_in_order
            a_lease_expires_at_its_very_end
            expired_leases_come_earliest_first
            listing_expired_leases_writes_nothing
            only_running_runs_expire
            an_expired_run_settled_as_lost_can_be_claimed_again
            progress_and_counts_are_noted
            absent_progress_leaves_what_was_noted
            the_newest_progress_stands
            progress_under_a_stale_lease_is_passed_over
            progress_outlives_the_end_of_the_run
        }
        apply {
            completing_stores_the_output_and_the_end
            failing_stores_the_error_and_the_end
            cancelling_ends_the_run
            a_finished_run_has_no_lease_any_more
            the_end_is_the_transitions_own_instant
            a_retry_waits_for_its_time
            a_snoozed_run_waits_without_an_end
            a_run_handed_back_at_once_is_pending
            a_lost_run_is_pending_with_its_attempt_given_back
            usage_attempts_and_host_faults_are_written
            a_digest_is_stored
            an_absent_digest_leaves_the_stored_one
            an_absent_error_keeps_no_error
            a_second_transition_of_the_same_attempt_is_stale
            two_transitions_of_one_attempt_in_a_batch_apply_once
            a_transition_under_an_older_lease_is_stale
            a_transition_under_a_lease_that_was_never_given_is_stale
            a_transition_of_an_unknown_run_is_stale
            a_transition_of_a_run_that_was_never_claimed_is_stale
            a_stale_transition_writes_nothing
            a_lease_that_ran_out_still_writes_until_someone_claims_anew
            a_requested_cancellation_forbids_waiting
            a_requested_cancellation_does_not_forbid_an_end
            a_run_settled_again_after_the_request_is_cancelled
            each_transition_of_a_batch_stands_by_itself
            an_empty_batch_applies_nothing
            what_was_submitted_outlives_every_transition
        }
        cancel {
            a_run_that_waits_is_cancelled_at_once
            a_cancelled_run_never_becomes_ready
            a_running_run_is_marked
            asking_a_running_run_twice_is_answered_the_same
            a_finished_run_says_how_it_ended
            an_unknown_run_is_not_found
            attempts_that_should_stop_are_told
            an_attempt_that_ended_is_not_told_to_stop
            an_older_attempt_is_not_told_to_stop
            a_cancelled_run_refuses_its_attempts_end
        }
        requeue {
            a_failed_run_is_pending_again_as_if_it_were_new
            a_cancelled_run_can_be_requeued
            a_requeued_run_has_all_its_attempts
            a_requeued_run_keeps_old_attempts_fenced
            a_requeued_run_keeps_its_log
            a_run_cancelled_while_it_ran_is_not_told_to_stop_again
            a_completed_run_is_not_requeued
            a_run_that_has_not_ended_is_not_requeued
            an_unknown_run_is_not_requeued
        }
        promote {
            nothing_waits_in_an_empty_storage
            a_run_is_promoted_from_its_very_instant_on
            a_promoted_run_keeps_its_due_time_and_all_else
            a_run_that_awaits_a_retry_is_promoted
            a_promoted_run_keeps_its_error_until_it_is_claimed
            the_earliest_are_promoted_first
            the_next_due_time_is_the_earliest_that_still_waits
            a_run_that_was_due_longer_is_claimed_before_a_newer_one
            runs_in_other_states_are_not_promoted
        }
        prune {
            runs_that_ended_before_the_instant_are_deleted
            every_way_to_end_is_pruned
            runs_that_have_not_ended_stay
            the_earliest_end_goes_first_and_the_limit_is_kept
            a_limit_of_nothing_deletes_nothing
            logs_go_with_their_runs
            a_pruned_run_is_gone_from_everywhere
            a_pruned_id_is_new_again
            a_requeued_run_is_not_pruned_for_its_old_end
        }
        queries {
            an_unknown_run_is_absent
            an_empty_storage_lists_nothing
            the_greatest_id_comes_first
            a_listed_run_is_whole
            pages_cover_a_listing_without_gap_or_repeat
            a_full_last_page_has_no_next
            runs_stored_between_two_pages_do_not_move_the_second
            a_cursor_outlives_its_run
            pages_are_cut_after_the_filter
            runs_are_found_by_status
            runs_are_found_by_tenant_job_queue_and_tag
            a_tag_with_marks_is_found_as_it_is
            runs_are_found_by_their_time_of_creation
            every_condition_must_hold
            the_search_looks_into_id_job_correlation_and_error
            the_search_ignores_letter_case
            the_search_takes_every_character_as_it_is
        }
        counts {
            an_empty_storage_counts_nothing
            each_status_is_counted
            counts_follow_the_runs
            counts_take_the_filter
            counts_take_a_filter_by_status
            queues_are_counted_in_the_order_of_their_names
            a_queue_counts_every_status
            a_queue_of_finished_runs_is_still_counted
        }
        logs {
            a_run_begins_with_an_empty_log
            an_unknown_run_has_an_empty_log
            every_field_of_an_entry_survives
            entries_come_in_the_order_of_lease_and_index
            a_repeated_entry_is_kept_once
            a_repeated_name_leaves_the_first_entry
            each_run_has_a_log_of_its_own
            log_pages_cover_a_log_without_gap_or_repeat
            a_full_last_log_page_has_no_more
            following_a_log_finds_what_came_since
            a_place_between_entries_is_a_place_to_go_on
            appending_nothing_changes_nothing
            entries_of_unknown_runs_do_no_harm
        }
        workers {
            nobody_is_there_at_first
            a_worker_is_noted_whole_and_seen_now
            a_later_sign_of_life_replaces_the_earlier
            workers_are_listed_in_the_order_of_their_ids
            removing_tells_whether_the_worker_was_known
            a_worker_silent_for_too_long_is_forgotten
            a_worker_silent_for_exactly_so_long_stays
            all_stale_workers_are_named
            a_forgotten_workers_runs_stay_with_their_leases
        }
        named_leases {
            a_free_lease_is_taken
            a_held_lease_is_refused_to_others
            its_holder_prolongs_a_lease_under_the_same_fence
            a_lease_that_ran_out_goes_to_whoever_asks_under_a_higher_fence
            its_late_holder_takes_a_lease_anew_under_a_higher_fence
            a_released_lease_is_free_under_a_higher_fence
            only_its_holder_releases_a_lease
            a_lost_lease_is_not_its_old_holders_to_release
            leases_of_different_names_are_independent
            a_lease_name_has_a_longest_length
        }
        events {
            each_queue_that_receives_a_pending_run_is_told_ready
            a_run_that_must_wait_is_told_scheduled
            a_run_that_goes_back_to_pending_is_told_ready
            a_run_that_goes_back_to_wait_is_told_scheduled
            a_promoted_run_is_told_ready
            a_running_run_that_should_stop_is_told
            published_events_arrive_in_one_notice
            every_listener_is_told
            publishing_to_nobody_does_no_harm
            a_slow_listener_is_told_to_look_for_itself
            closing_ends_subscriptions
        }
        bounds {
            the_longest_batch_of_runs_is_stored_claimed_and_applied
            a_batch_of_runs_that_is_too_long_is_refused_whole
            a_claim_of_too_many_is_refused
            a_batch_of_leases_that_is_too_long_is_refused
            a_batch_of_progress_that_is_too_long_is_refused
            a_batch_of_transitions_that_is_too_long_is_refused_whole
            a_batch_of_log_entries_that_is_too_long_is_refused_whole
            pruning_too_many_is_refused
            a_page_has_one_to_the_most_runs
            a_log_page_has_one_to_the_most_entries
        }
        concurrency {
            each_run_is_claimed_exactly_once
            runs_are_claimed_exactly_once_while_others_arrive
            one_of_several_equal_submissions_is_stored
            one_of_several_ends_of_an_attempt_is_applied
            a_cancellation_and_a_retry_never_leave_a_run_waiting
            a_fire_time_fires_once_among_several_leaders
            a_named_lease_has_one_holder_among_several_that_ask
            a_batch_is_never_seen_in_part
        }
    } };
}

/// The same for the cases that reopen a storage.
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
        }
    } };
}
