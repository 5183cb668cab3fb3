//! Job types and schedules, through the API.

use async_trait::async_trait;
use hyper::Method;
use serde::Deserialize;
use zapjobs_model::{JobDefinition, JobSchedule, JobType, RunId, RunStatus, ScheduleName};

use super::{Remote, good, part, read};
use crate::errors::Done;
use crate::site::{ScheduleChange, Schedules};

const SCHEDULES: &str = "/api/v1/schedules";
/// Schedules on one page.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
struct JobList {
    jobs: Vec<JobDefinition>,
}

#[derive(Deserialize)]
struct ScheduleList {
    schedules: Vec<JobSchedule>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct LastStatus {
    last_status: Option<RunStatus>,
}

#[derive(Deserialize)]
struct Made {
    id: RunId,
}

#[async_trait]
impl Schedules for Remote {
    async fn definition(&self, job: &JobType) -> Done<Option<JobDefinition>> {
        let found = self.find(&format!("/api/v1/jobs/{}", part(job)), self.query()).await?;
        found.map(|body| read(&body)).transpose()
    }

    async fn definitions(&self) -> Done<Vec<JobDefinition>> {
        Ok(self.get::<JobList>("/api/v1/jobs", self.query()).await?.jobs)
    }

    async fn schedules(&self) -> Done<Vec<JobSchedule>> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = self.query();
            query.put("limit", &PAGE);
            query.maybe("cursor", after.as_ref());
            let ScheduleList { schedules, next } = self.get(SCHEDULES, query).await?;
            all.extend(schedules);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn schedule(&self, name: &ScheduleName) -> Done<(JobSchedule, Option<RunStatus>)> {
        let body = self.bytes(&format!("{SCHEDULES}/{}", part(name)), self.query()).await?;
        Ok((read(&body)?, read::<LastStatus>(&body)?.last_status))
    }

    async fn change_schedule(
        &self,
        name: &ScheduleName,
        change: ScheduleChange,
    ) -> Done<JobSchedule> {
        let what = match change {
            ScheduleChange::Enable => "enable",
            ScheduleChange::Disable => "disable",
            ScheduleChange::Reset => "reset",
        };
        self.post(&format!("{SCHEDULES}/{}/{what}", part(name)), None).await
    }

    async fn remove_schedule(&self, name: &ScheduleName) -> Done {
        let path = format!("{SCHEDULES}/{}", part(name));
        good(self.ask(Method::DELETE, &path, self.query(), None, None).await?).map(drop)
    }

    async fn trigger_schedule(&self, name: &ScheduleName) -> Done<RunId> {
        let made: Made = self.post(&format!("{SCHEDULES}/{}/trigger", part(name)), None).await?;
        Ok(made.id)
    }
}
