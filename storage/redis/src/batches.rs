//! Batches.
//!
//! **Invariant:** a batch's counts change in the script that changes a member, once for all members
//! of one script; what is decided about a batch is written by one script that looks at it too.

use async_trait::async_trait;
use redis::Value;
use uuid::Uuid;
use zapjobs_model::{
    Batch, BatchCounts, BatchId, BatchName, NewRun, RunId, Settlement, TenantId, Timestamp,
};
use zapjobs_storage::{
    BatchPage, BatchPageRequest, Batches, CreateBatchResult, ENDS_MAX, NewBatch, PruneRequest,
    Result, SettleResult, check_batch, check_new_batch, check_page, not_open,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, describe, unexpected};
use crate::runs::{RUNS_PER_SCRIPT, put_new_runs};
use crate::script::{Call, SCRIPTS};

#[async_trait]
impl Batches for RedisStorage {
    async fn create_batch(&self, batch: NewBatch) -> Result<CreateBatchResult> {
        const OPERATION: &str = "create the batch";
        self.check_open(OPERATION)?;
        check_new_batch(OPERATION, &batch)?;
        let callbacks: Vec<&NewRun> = batch.on_complete.iter().chain(&batch.on_success).collect();
        let keys = callbacks.iter().map(|run| self.keys.run(run.id)).collect::<Vec<_>>();
        let mut call = self
            .batch_call(&SCRIPTS.batch_create, [keys, vec![self.keys.batch(batch.id)]].concat());
        call.arg(batch.id.0.as_bytes()).arg(batch.tenant.as_str());
        call.arg(batch.name.as_ref().map_or("", |name| name.as_str()));
        for id in [
            batch.parent.map(|parent| parent.0),
            batch.on_complete.as_ref().map(|run| run.id.0),
            batch.on_success.as_ref().map(|run| run.id.0),
        ] {
            call.arg(id.as_ref().map_or(&[][..], |id| &id.as_bytes()[..]));
        }
        for run in callbacks {
            put_new_runs(OPERATION, &mut call, std::iter::once(run))?;
        }
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        match (answer.at(0)?.number()?, batch.parent) {
            (0, _) => {
                self.listeners.tell(answer.notices(1)?);
                Ok(CreateBatchResult::Created)
            }
            (1, _) => Ok(CreateBatchResult::Duplicate),
            (2, Some(parent)) => Err(not_open(OPERATION, parent)),
            _ => Err(unexpected(OPERATION)),
        }
    }

    async fn close_batch(&self, id: BatchId) -> Result<bool> {
        const OPERATION: &str = "close the batch";
        let mut call = self.batch_call(&SCRIPTS.batch_close, vec![self.keys.batch(id)]);
        call.arg(id.0.as_bytes());
        let answer = self.call(OPERATION, &call).await?;
        Ok(Answer::of(OPERATION, &answer).number()? == 1)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>> {
        const OPERATION: &str = "read the batch";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.batch(id));
        let answer = self.link.send(&command).await;
        let answer = answer.map_err(|error| describe(OPERATION, &error))?;
        read(Answer::of(OPERATION, &answer), id)
    }

    async fn batches(&self, request: BatchPageRequest) -> Result<BatchPage> {
        const OPERATION: &str = "list batches";
        check_page(OPERATION, request.limit)?;
        let index = match (request.parent, &request.tenant) {
            (Some(parent), _) => self.keys.nested(parent),
            (None, Some(tenant)) => self.keys.named(&format!("batches:of:{tenant}")).into(),
            (None, None) => self.keys.named("batches").into(),
        };
        let from = match request.after {
            Some(after) => [b"(", &after.0.as_bytes()[..]].concat(),
            None => b"+".to_vec(),
        };
        let mut batches =
            self.batch_page(OPERATION, index, request.limit + 1, "ids", &from).await?;
        // Those of one parent are one tenant's.
        batches.retain(|batch| request.tenant.as_ref().is_none_or(|it| *it == batch.tenant));
        let has_more = batches.len() > request.limit;
        batches.truncate(request.limit);
        let next = batches.last().filter(|_| has_more).map(|batch| batch.id);
        Ok(BatchPage { batches, next })
    }

    async fn ended_batches(&self, limit: usize) -> Result<Vec<Batch>> {
        const OPERATION: &str = "list batches that ended";
        let index = self.keys.named("batches:due").into();
        self.batch_page(OPERATION, index, limit.min(ENDS_MAX), "ids", b"+").await
    }

    async fn settle_batch(&self, id: BatchId, settlement: Settlement) -> Result<SettleResult> {
        const OPERATION: &str = "settle the batch";
        let mut call = self.batch_call(&SCRIPTS.batch_settle, vec![self.keys.batch(id)]);
        call.arg(id.0.as_bytes()).arg(match settlement {
            Settlement::Complete => "complete",
            Settlement::CompleteWithSuccess => "complete-with-success",
            Settlement::LateSuccess => "late-success",
        });
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        self.listeners.tell(answer.notices(1)?);
        match answer.at(0)?.number()? {
            0 => Ok(SettleResult::Settled),
            1 => Ok(SettleResult::Changed),
            2 => Ok(SettleResult::NotFound),
            _ => Err(unexpected(OPERATION)),
        }
    }

    async fn finished_batches(&self, request: PruneRequest) -> Result<Vec<Batch>> {
        const OPERATION: &str = "list batches to prune";
        check_batch(OPERATION, request.limit)?;
        let index = self.keys.named("batches:ended").into();
        let before = request.finished_before.as_micros().to_string();
        self.batch_page(OPERATION, index, request.limit, "ended", before.as_bytes()).await
    }

    async fn delete_batches(&self, ids: &[BatchId]) -> Result<usize> {
        const OPERATION: &str = "delete batches";
        self.check_open(OPERATION)?;
        check_batch(OPERATION, ids.len())?;
        let mut gone = 0;
        for ids in ids.chunks(RUNS_PER_SCRIPT) {
            let keys = ids.iter().map(|id| self.keys.batch(*id)).collect();
            let call = self.batch_call(&SCRIPTS.batch_delete, keys);
            let answer = self.call(OPERATION, &call).await?;
            gone += Answer::of(OPERATION, &answer).count()?;
        }
        Ok(gone)
    }
}

impl RedisStorage {
    /// A call of a script that shares `prelude.lua`, with these keys behind the indexes.
    fn batch_call(&self, script: &'static crate::script::Script, keys: Vec<Vec<u8>>) -> Call {
        let indexes = self.keys.indexes();
        let mut call = Call::new(script, indexes.len() + keys.len());
        call.arg(indexes).arg(keys);
        call.arg(self.given_now()).arg(self.keys.base()).arg(self.listeners.origin());
        call
    }

    /// Batches of an index, from a place on.
    async fn batch_page(
        &self,
        operation: &'static str,
        index: Vec<u8>,
        limit: usize,
        order: &str,
        from: &[u8],
    ) -> Result<Vec<Batch>> {
        let mut call = Call::new(&SCRIPTS.batch_page, 1);
        call.arg(index).arg(self.keys.base()).arg(limit).arg(order).arg(from);
        let answer = self.call(operation, &call).await?;
        let mut batches = Vec::new();
        for item in Answer::of(operation, &answer).items()? {
            let id = BatchId(item.at(0)?.run_id()?.0);
            batches.extend(read(item.at(1)?, id)?);
        }
        Ok(batches)
    }
}

/// The batch in the fields of a hash; `None` where there are none.
fn read(answer: Answer<'_>, id: BatchId) -> Result<Option<Batch>> {
    if matches!(answer.value, Value::Nil) || answer.fields()?.is_empty() {
        return Ok(None);
    }
    let fields = answer.fields()?;
    let spoilt =
        |name: &str| corrupt(answer.operation, format!("the {name} of batch {id} is spoilt"));
    let bytes = |name: &str| {
        fields.iter().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| *value)
    };
    let text = |name: &str| {
        let text = bytes(name).map(std::str::from_utf8).transpose();
        text.map_err(|_| spoilt(name))
    };
    let number = |name: &str| {
        let number = text(name)?.map(str::parse::<i64>).transpose();
        number.map_err(|_| spoilt(name))
    };
    let count = |name: &str| {
        let count = number(name)?.and_then(|count| u64::try_from(count).ok());
        count.ok_or_else(|| spoilt(name))
    };
    let id_in =
        |name: &str| bytes(name).map(Uuid::from_slice).transpose().map_err(|_| spoilt(name));
    let time = |name: &str| Ok(number(name)?.map(Timestamp::from_micros));
    let tenant = text("tenant")?.and_then(|tenant| TenantId::new(tenant).ok());
    let name = text("name")?.map(BatchName::new).transpose().map_err(|_| spoilt("name"))?;
    Ok(Some(Batch {
        id,
        tenant: tenant.ok_or_else(|| spoilt("tenant"))?,
        name,
        parent: id_in("parent")?.map(BatchId),
        created_at: time("created_at")?.ok_or_else(|| spoilt("created_at"))?,
        is_closed: text("closed")? == Some("1"),
        counts: BatchCounts {
            total: count("total")?,
            unfinished: count("unfinished")?,
            completed: count("completed")?,
            failed: count("failed")?,
            cancelled: count("cancelled")?,
        },
        completed_at: time("completed_at")?,
        succeeded_at: time("succeeded_at")?,
        on_complete: id_in("on_complete")?.map(RunId),
        on_success: id_in("on_success")?.map(RunId),
    }))
}
