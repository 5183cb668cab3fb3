//! The random test of drivers against the memory driver, tried on the memory driver itself:
//! against an equal it must pass, against one that is at fault it must fail.

use zapjobs_conformance::differential_suite;

mod forgetful;
mod harness;

use harness::MemoryHarness;

differential_suite!(MemoryHarness, MemoryHarness);

mod self_check {
    use std::collections::BTreeMap;
    use std::panic::AssertUnwindSafe;
    use std::sync::Arc;

    use zapjobs_conformance::{Fixture, Harness as _, differential};
    use zapjobs_memory::{MemoryOptions, MemoryStorage};

    use crate::forgetful::{Fault, Forgetful};
    use crate::harness::MemoryHarness;

    const WAYS: &[&str] = &[
        "Enqueue Stored",
        "RecordStep Recorded",
        "RecordStep Earlier",
        "RecordStep Stale",
        "SendSignal Kept",
        "SendSignal Woke",
        "SendSignal Ended",
        "SendSignal NotFound",
        "TakeSignal Recorded",
        "TakeSignal Nothing",
        "TakeSignal Stale",
        "Suspend Applied",
        "Suspend CancelRequested",
        "Suspend StaleLease",
        "Enqueue Duplicate",
        "Enqueue Existing",
        "Enqueue Conflict",
        "ReleaseRuns Released",
        "ReleaseRuns WrongStatus",
        "EndedParents EndedParent",
        "Advance Done",
        "Advance Changed",
        "Alter Altered",
        "Alter WrongStatus",
        "Claim Some",
        "ClaimRun Some",
        "ClaimRun AlreadyAssigned",
        "ClaimRun WrongStatus",
        "ClaimRun NotDue",
        "ClaimRun NotFound",
        "Renew Held",
        "Renew true",
        "Renew Lost",
        "CancelRequests LeaseKey",
        "Apply Applied",
        "Apply StaleLease",
        "Apply WrongStatus",
        "Apply NotFound",
        "Apply CancelRequested",
        "Expired Some",
        "RequestCancel Cancelled",
        "RequestCancel Requested",
        "RequestCancel Finished",
        "RequestCancel NotFound",
        "Requeue Requeued",
        "Requeue NotRequeuable",
        "Requeue NotFound",
        "Prune Gone",
        "Prune None",
        "Run Some",
        "Run None",
        "Runs Some",
        "Runs error",
        "DeleteDefinition true",
        "DeleteDefinition false",
        "PutSchedules Written",
        "PutSchedules Conflict",
        "DeleteSchedule Written",
        "DueSchedules JobSchedule",
        "NextDueAfter Some",
        "Fire Fired",
        "Fire Superseded",
        "Aged RunId",
        "Aged Full",
        "PutDocuments Written",
        "PutDocuments Conflict",
        "Document Some",
        "Document None",
        "Documents DocumentPage",
        "DeleteDocument Written",
        "DeleteDocument Conflict",
        "LogPage true",
        "LogPage LogEntry",
        "PruneLogs Gone",
        "PruneLogs None",
        "Statistics SpanStatistics",
        "Statistics error",
        "ReadyTenants TenantId",
        "Claim error",
        "RemoveWorker true",
        "RemoveStaleWorkers WorkerId",
        "Acquire None",
        "Acquire Greater",
        "Acquire Equal",
        "Release true",
        "Release false",
        "NamedLease Equal",
        "NamedLease None",
        "ChangeLimit FlowLimit",
        "ChangeLimit None",
        "ChangeLimit error",
        "Limits LimitUse",
        "Admit Some",
        "Admit true",
        "CreateBatch Created",
        "CreateBatch Duplicate",
        "CreateBatch error",
        "CloseBatch true",
        "CloseBatch false",
        "Batches Batch",
        "EndedBatches Batch",
        "SettleBatch Settled",
        "SettleBatch Changed",
        "SettleBatch NotFound",
        "FinishedBatches Batch",
    ];

    /// Enough for each of many kinds of operation to meet what a fault left.
    const OPERATIONS: usize = 6_000;

    /// What a comparison with this subject complains of.
    fn complaint(subject: impl FnOnce(Fixture) -> Fixture) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
        let compared = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let [reference, equal] = [MemoryHarness.fresh().await, MemoryHarness.fresh().await];
                Box::pin(differential(1, OPERATIONS, reference, subject(equal))).await;
            });
        }));
        let panic = compared.expect_err("the fault went unnoticed");
        panic.downcast_ref::<String>().expect("a message").clone()
    }

    fn with(fault: Fault) -> impl FnOnce(Fixture) -> Fixture {
        move |fixture| Fixture {
            storage: Arc::new(Forgetful::new(fixture.storage.clone(), fault)),
            ..fixture
        }
    }

    fn with_options(change: impl FnOnce(&mut MemoryOptions)) -> impl FnOnce(Fixture) -> Fixture {
        move |fixture| {
            let clock = fixture.clock.clone();
            let mut options = MemoryOptions { clock, ..MemoryOptions::default() };
            change(&mut options);
            Fixture::new(Arc::new(MemoryStorage::new(options)), fixture.clock)
        }
    }

    #[test]
    fn random_operations_are_answered_in_every_way() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
        let mut reached = BTreeMap::<String, usize>::new();
        for seed in 0..16 {
            let reach = runtime.block_on(async {
                let [reference, equal] = [MemoryHarness.fresh().await, MemoryHarness.fresh().await];
                Box::pin(differential(seed, 2_000, reference, equal)).await
            });
            reach.into_iter().for_each(|(name, count)| *reached.entry(name).or_default() += count);
        }
        let missing: Vec<_> =
            WAYS.iter().filter(|way| reached.get(**way).is_none_or(|count| *count < 5)).collect();
        assert!(missing.is_empty(), "reached less than 5 times: {missing:?} in {reached:#?}");
    }

    #[test]
    fn one_lost_transition_is_noticed() {
        let complaint = complaint(with(Fault::OneTransition));
        assert!(complaint.contains("seed 1, step "), "{complaint}");
    }

    #[test]
    fn lost_renewals_are_noticed() {
        complaint(with(Fault::Renewals));
    }

    #[test]
    fn one_lost_cancellation_is_noticed() {
        complaint(with(Fault::OneCancellation));
    }

    #[test]
    fn one_claim_that_is_not_counted_is_noticed() {
        complaint(with(Fault::OneCount));
    }

    #[test]
    fn logs_that_are_pruned_too_early_are_noticed() {
        complaint(with(Fault::LogsPrunedTooEarly));
    }

    #[test]
    fn one_lost_step_is_noticed() {
        complaint(with(Fault::OneStep));
    }

    #[test]
    fn one_lost_signal_is_noticed() {
        complaint(with(Fault::OneSignal));
    }

    #[test]
    fn lost_log_entries_are_noticed() {
        complaint(with_options(|options| options.log_entries_per_run_max = 2));
    }

    #[test]
    fn lost_history_is_noticed() {
        complaint(with_options(|options| options.finished_runs_max = 3));
    }
}
