//! Templates: named presets of a job and its input, with parameters.
//!
//! **Invariant:** a template that was checked names in its input exactly the parameters that it
//! describes, so that whoever fills it in needs to know no more than these. What the values must
//! look like is JSON Schema, which whoever keeps compiled schemas checks.

mod fill;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::DOCUMENT_BYTES_MAX;
use crate::submit::{INPUT_BYTES_MAX, TAGS_MAX};
use crate::{
    Due, JobRequest, JobType, Json, ParameterName, Priority, QueueName, Tag, TemplateName, TenantId,
};

/// Parameters of one template at most.
pub const PARAMETERS_MAX: usize = 64;
/// What a place in the input holds that a parameter's value takes: `{"$param": "name"}`.
pub const PLACEHOLDER: &str = "$param";
/// The metadata of a run that names its template.
pub const METADATA_TEMPLATE: &str = "template";

/// A preset of a job and its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What it is for, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Which job.
    pub job: JobType,
    /// Its input, in which `{"$param": "name"}` stands where a value is to be filled in.
    #[serde(default)]
    pub input: Value,
    /// What can be filled in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<ParameterName, Parameter>,
    /// In which queue its runs wait; the job's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Their place in it.
    #[serde(default)]
    pub priority: Priority,
    /// Their labels, beside those of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// How long they are put off, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How often they are tried; the job's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
}

/// What is known of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The JSON Schema of its values; any value where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Its value where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub default: Option<Value>,
    /// A value that shows what is meant; a template is tried with it when it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub example: Option<Value>,
    /// Whether a value must be given where there is no default. Without one, the member that holds
    /// the placeholder is left out; where that is no member of an object, it is `null`.
    #[serde(default = "yes")]
    pub required: bool,
}

impl Default for Parameter {
    fn default() -> Self {
        let (description, schema, default, example) = (String::new(), None, None, None);
        Self { description, schema, default, example, required: true }
    }
}

const fn yes() -> bool {
    true
}

/// A `null` that is written is a value too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Values by the names of parameters.
pub type ParameterValues = BTreeMap<ParameterName, Value>;

/// A template that cannot be kept, or filled in so. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has too many parameters.
    #[error("the template has {0} parameters: use at most {PARAMETERS_MAX}")]
    TooManyParameters(usize),
    /// It has too many labels.
    #[error("the template has {0} tags: use at most {TAGS_MAX}")]
    TooManyTags(usize),
    /// It is too long to be kept.
    #[error("the template has {0} bytes: use at most {DOCUMENT_BYTES_MAX}")]
    TooLong(usize),
    /// A placeholder that says something else than a parameter's name.
    #[error("the input at {at}: a placeholder is {{\"$param\": \"NAME\"}} and nothing beside it")]
    BadPlaceholder {
        /// A JSON pointer to the place, `/` for the whole.
        at: String,
    },
    /// A placeholder names no parameter.
    #[error("the input at {at} names the parameter {name:?}: describe it under `parameters`")]
    Undescribed {
        /// A JSON pointer to the place, `/` for the whole.
        at: String,
        /// What it names.
        name: String,
    },
    /// A parameter that nothing uses.
    #[error("the parameter {0} stands nowhere in the input: use it there, or take it away")]
    Unused(ParameterName),
    /// A value was given for no parameter.
    #[error("the template has no parameter {name}: {advice}")]
    Unknown {
        /// What was given.
        name: ParameterName,
        /// Which parameters there are.
        advice: String,
    },
    /// A value is missing.
    #[error("the parameter {name} is missing{about}: give it a value")]
    Missing {
        /// Which.
        name: ParameterName,
        /// What it is.
        about: String,
    },
    /// A parameter's own schema is at fault.
    #[error("the schema of the parameter {name} cannot be used: {problem}")]
    Schema {
        /// Whose.
        name: ParameterName,
        /// What is wrong with it.
        problem: String,
    },
    /// A value breaks its parameter's schema.
    #[error("the parameter {name} does not fit: at {at}: {problem}")]
    Breaks {
        /// Which.
        name: ParameterName,
        /// A JSON pointer into the value, `/` for the whole.
        at: String,
        /// What is wrong there.
        problem: String,
    },
    /// Filled in, the input would be too long.
    #[error("filled in, the input has more than {INPUT_BYTES_MAX} bytes: pass references instead")]
    InputTooLong,
}

impl Template {
    /// A template without parameters.
    pub const fn new(job: JobType, input: Value) -> Self {
        Self {
            description: String::new(),
            job,
            input,
            parameters: BTreeMap::new(),
            queue: None,
            priority: Priority::NORMAL,
            tags: Vec::new(),
            delay_ms: None,
            max_attempts: None,
        }
    }

    /// This template, if it is within its bounds, and its input and its parameters agree.
    pub fn checked(self) -> Result<Self, TemplateError> {
        if self.parameters.len() > PARAMETERS_MAX {
            return Err(TemplateError::TooManyParameters(self.parameters.len()));
        }
        if self.tags.len() > TAGS_MAX {
            return Err(TemplateError::TooManyTags(self.tags.len()));
        }
        let bytes = serde_json::to_string(&self).map_or(usize::MAX, |text| text.len());
        if bytes > DOCUMENT_BYTES_MAX {
            return Err(TemplateError::TooLong(bytes));
        }
        let uses = fill::uses(&self.input, &self.parameters)?;
        match self.parameters.keys().find(|name| !uses.contains_key(*name)) {
            Some(unused) => Err(TemplateError::Unused(unused.clone())),
            None => Ok(self),
        }
    }

    /// The value of each parameter: the given one, or its default. Refuses what is missing or
    /// unknown; what is optional and was not given is absent.
    pub fn values(&self, mut given: ParameterValues) -> Result<ParameterValues, TemplateError> {
        if let Some(name) = given.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(TemplateError::Unknown { name: name.clone(), advice: self.advice() });
        }
        for (name, parameter) in &self.parameters {
            if given.contains_key(name) {
                continue;
            }
            match &parameter.default {
                Some(default) => {
                    given.insert(name.clone(), default.clone());
                }
                None if parameter.required => {
                    let about = match parameter.description.as_str() {
                        "" => String::new(),
                        description => format!(" ({description})"),
                    };
                    return Err(TemplateError::Missing { name: name.clone(), about });
                }
                None => {}
            }
        }
        Ok(given)
    }

    /// Values to try it with: defaults, then examples; `None` where one that must be given has
    /// neither.
    pub fn sample(&self) -> Option<ParameterValues> {
        let mut values = ParameterValues::new();
        for (name, parameter) in &self.parameters {
            match parameter.default.as_ref().or(parameter.example.as_ref()) {
                Some(value) => {
                    values.insert(name.clone(), value.clone());
                }
                None if parameter.required => return None,
                None => {}
            }
        }
        Some(values)
    }

    /// The request that it stands for, with these values, as [`Template::values`] answers them.
    pub fn instantiate(
        &self,
        tenant: TenantId,
        name: &TemplateName,
        values: &ParameterValues,
    ) -> Result<JobRequest, TemplateError> {
        let uses = fill::uses(&self.input, &self.parameters)?;
        let bytes = values.iter().try_fold(0_u64, |sum, (name, value)| {
            let bytes = serde_json::to_string(value).ok()?.len() as u64;
            sum.checked_add(bytes.checked_mul(uses.get(name).copied().unwrap_or(0))?)
        });
        if bytes.is_none_or(|bytes| bytes > INPUT_BYTES_MAX) {
            return Err(TemplateError::InputTooLong);
        }
        let input = fill::filled(&self.input, values).unwrap_or(Value::Null);
        let input = Json::of(&input).expect("JSON serialises");
        Ok(JobRequest {
            due: self.delay_ms.map_or(Due::Now, |ms| Due::In(Duration::from_millis(ms))),
            queue: self.queue.clone(),
            priority: self.priority,
            tags: self.tags.clone(),
            max_attempts: self.max_attempts,
            metadata: BTreeMap::from([(METADATA_TEMPLATE.to_owned(), name.to_string())]),
            ..JobRequest::new(tenant, self.job.clone(), input)
        })
    }

    fn advice(&self) -> String {
        let names: Vec<&str> = self.parameters.keys().map(ParameterName::as_str).collect();
        match names.as_slice() {
            [] => "it takes none".to_owned(),
            names => format!("it takes {}", names.join(", ")),
        }
    }
}
