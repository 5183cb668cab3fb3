//! How templates are kept, and how runs are made of them.
//!
//! **Invariant:** what comes of a template is checked like any other request, against the job as
//! it is then; that a template is tried when it is stored only tells early what would be refused.

use zapjobs_model::{
    DocumentKey, InvalidRequest, JobRequest, Json, ParameterValues, RunId, Template, TemplateError,
    TemplateName, TenantId, Timestamp,
};
use zapjobs_storage::{Result, StorageError};

use crate::client::{Client, SubmitError};
use crate::documents::{self, Kept};

/// What documents that are templates are for.
const KIND: &str = "template";

/// Why a template was not stored, not found, or made no run. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum UseTemplateError {
    /// The template or a parameter is at fault.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Filled in with its defaults and examples, its job would refuse it.
    #[error("filled in with its defaults and examples: {0}")]
    Sample(SubmitError),
    /// There is none of this name.
    #[error("there is no template {0}: `template list` names those there are")]
    NotFound(TemplateName),
    /// The request that it makes is at fault.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

/// A template as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTemplate {
    /// Its name.
    pub name: TemplateName,
    /// What it says.
    pub template: Template,
    /// Rises with each change.
    pub revision: u64,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Client {
    /// Checks a template and stores it, over one of that name. Answers its revision.
    pub async fn put_template(
        &self,
        tenant: &TenantId,
        name: &TemplateName,
        template: Template,
    ) -> std::result::Result<u64, UseTemplateError> {
        let template = template.checked()?;
        for (parameter, about) in &template.parameters {
            let values = about.default.iter().chain(&about.example);
            // Once without a value, for the schema's own sake.
            values
                .map(Some)
                .chain([None])
                .try_for_each(|value| self.check_parameter(&template, parameter.as_str(), value))?;
        }
        let plain = JobRequest::new(tenant.clone(), template.job.clone(), Json::null());
        let definition = self.definition(&plain).await?;
        if let Some(values) = template.sample() {
            let request = template.instantiate(tenant.clone(), name, &values)?;
            let now = self.storage().now().await?;
            self.check(request, &definition, now).map_err(UseTemplateError::Sample)?;
        }
        Ok(documents::write(&**self.storage(), &document_key(tenant, name), &template).await?)
    }

    /// The template of this name.
    pub async fn template(
        &self,
        tenant: &TenantId,
        name: &TemplateName,
    ) -> std::result::Result<KeptTemplate, UseTemplateError> {
        let kept = documents::read(&**self.storage(), &document_key(tenant, name)).await?;
        kept.and_then(told).ok_or_else(|| UseTemplateError::NotFound(name.clone()))
    }

    /// All templates of a tenant, by name.
    pub async fn templates(&self, tenant: &TenantId) -> Result<Vec<KeptTemplate>> {
        let kept = documents::all(&**self.storage(), KIND, tenant).await?;
        Ok(kept.into_iter().filter_map(told).collect())
    }

    /// Deletes a template; runs that were made of it stay.
    pub async fn remove_template(
        &self,
        tenant: &TenantId,
        name: &TemplateName,
    ) -> std::result::Result<(), UseTemplateError> {
        match documents::delete(&**self.storage(), &document_key(tenant, name)).await? {
            true => Ok(()),
            false => Err(UseTemplateError::NotFound(name.clone())),
        }
    }

    /// The request that a template stands for, with these values. Whoever submits it may change
    /// it first.
    pub async fn request_of_template(
        &self,
        tenant: &TenantId,
        name: &TemplateName,
        given: ParameterValues,
    ) -> std::result::Result<JobRequest, UseTemplateError> {
        let template = self.template(tenant, name).await?.template;
        let values = template.values(given)?;
        for (parameter, value) in &values {
            self.check_parameter(&template, parameter.as_str(), Some(value))?;
        }
        Ok(template.instantiate(tenant.clone(), name, &values)?)
    }

    /// Makes a run of a template, with what the caller wants to be otherwise: `overrides` changes
    /// the request. The run is durable once this returns.
    pub async fn enqueue_template(
        &self,
        tenant: &TenantId,
        name: &TemplateName,
        given: ParameterValues,
        overrides: impl FnOnce(&mut JobRequest),
    ) -> std::result::Result<RunId, UseTemplateError> {
        let mut request = self.request_of_template(tenant, name, given).await?;
        overrides(&mut request);
        Ok(self.enqueue(request).await?)
    }

    /// Checks a value against its parameter's schema; without one, the schema alone.
    fn check_parameter(
        &self,
        template: &Template,
        name: &str,
        value: Option<&serde_json::Value>,
    ) -> std::result::Result<(), TemplateError> {
        let described = template.parameters.get_key_value(name);
        let Some((name, parameter)) = described else { return Ok(()) };
        let Some(schema) = &parameter.schema else { return Ok(()) };
        let unusable = |problem| TemplateError::Schema { name: name.clone(), problem };
        let schema = Json::of(schema).map_err(|error| unusable(error.to_string()))?;
        let schema = self.schemas().get(&schema).map_err(unusable)?;
        let Some(value) = value else { return Ok(()) };
        let value = Json::of(value).expect("JSON serialises");
        match schema.check(&template.job, &value) {
            Err(InvalidRequest::InputBreaksSchema { at, problem, .. }) => {
                Err(TemplateError::Breaks { name: name.clone(), at, problem })
            }
            _ => Ok(()),
        }
    }
}

fn document_key(tenant: &TenantId, name: &TemplateName) -> DocumentKey {
    documents::key(KIND, tenant, name.as_str())
}

/// A document of another name than a template's was written by somebody else.
fn told(kept: Kept<Template>) -> Option<KeptTemplate> {
    let Kept { value, document } = kept;
    let name = TemplateName::new(document.key.name.as_str()).ok()?;
    let (revision, updated_at) = (document.revision, document.updated_at);
    Some(KeptTemplate { name, template: value, revision, updated_at })
}
