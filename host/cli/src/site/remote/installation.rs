//! The installation, through the API.

use async_trait::async_trait;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;
use zapjobs_api::ListedQueue;
use zapjobs_model::{FlowLimit, LimitChange, LimitScope, TenantId, Timestamp};
use zapjobs_storage::{LimitUse, Span, SpanStatistics, WorkerRecord};

use super::{ALL_TENANTS, Query, Remote, good, part, read};
use crate::errors::Done;
use crate::site::{Installation, SumsRequest, Whose};

const LIMITS: &str = "/api/v1/limits";

#[derive(Deserialize)]
struct QueueList {
    queues: Vec<ListedQueue>,
}

#[derive(Deserialize)]
struct WorkerList {
    workers: Vec<WorkerRecord>,
}

#[derive(Deserialize)]
struct StatisticsList {
    spans: Vec<SpanStatistics>,
}

#[derive(Deserialize)]
struct LimitList {
    limits: Vec<ListedLimit>,
}

#[derive(Deserialize)]
struct ListedLimit {
    scope: LimitScope,
    limit: FlowLimit,
    in_use: u64,
    held: u64,
}

#[derive(Deserialize)]
struct ChangedLimit {
    limit: Option<FlowLimit>,
}

#[async_trait]
impl Installation for Remote {
    fn place(&self) -> String {
        self.connection.url.to_string()
    }

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    async fn now(&self) -> Done<Timestamp> {
        Ok(self.server().await?.now)
    }

    async fn queues(&self) -> Done<Vec<ListedQueue>> {
        Ok(self.get::<QueueList>("/api/v1/queues", self.query()).await?.queues)
    }

    async fn workers(&self) -> Done<Option<Vec<WorkerRecord>>> {
        if self.is_bound {
            return Ok(None);
        }
        Ok(Some(self.get::<WorkerList>("/api/v1/workers", self.query()).await?.workers))
    }

    async fn statistics(&self, request: &SumsRequest) -> Done<Vec<SpanStatistics>> {
        let mut query = match request.whose {
            Whose::Own => self.query(),
            Whose::Everyones => {
                let mut query = Query::default();
                query.put("tenant", &ALL_TENANTS);
                query
            }
        };
        let by = match request.span {
            Span::Hour => "hour",
            Span::Day => "day",
            Span::Total => "total",
        };
        query.put("by", &by);
        query.put("latest", &request.latest);
        query.maybe("queue", request.queue.as_ref());
        Ok(self.get::<StatisticsList>("/api/v1/statistics", query).await?.spans)
    }

    async fn limits(&self) -> Done<Vec<LimitUse>> {
        let listed: LimitList = self.get(LIMITS, self.query_of_all()).await?;
        let limits = listed.limits.into_iter().map(|it| LimitUse {
            scope: it.scope,
            limit: it.limit,
            in_use: it.in_use,
            held: it.held,
        });
        Ok(limits.collect())
    }

    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Done<Option<FlowLimit>> {
        let path = format!("{LIMITS}/{}", part(scope));
        let (method, path, body) = match change {
            LimitChange::Set { concurrency, rate, key_pointer } => {
                let wish = json!({
                    "concurrency": concurrency, "rate": rate, "key_pointer": key_pointer,
                });
                (Method::PUT, path, Some(wish.to_string().into_bytes()))
            }
            LimitChange::Remove => (Method::DELETE, path, None),
            LimitChange::Pause => (Method::POST, format!("{path}/pause"), None),
            LimitChange::Resume => (Method::POST, format!("{path}/resume"), None),
        };
        let answer = self.ask(method, &path, self.query(), body, None).await?;
        Ok(read::<ChangedLimit>(&good(answer)?)?.limit)
    }

    async fn close(&self) -> Done {
        Ok(())
    }
}
