//! Whether an input fits its job's schema.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::Validator;
use parking_lot::Mutex;
use zapjobs_model::{InvalidRequest, JobType, Json};

/// Compiled schemas kept at most; the cache is emptied when it is full.
const SCHEMAS_CACHED_MAX: usize = 1_024;

/// A compiled JSON Schema (draft 2020-12). References to other documents are refused, never
/// fetched.
#[derive(Debug)]
pub struct InputSchema(Validator);

impl InputSchema {
    /// Compiles a schema; the error says what is wrong with it.
    pub fn compile(schema: &Json) -> Result<Self, String> {
        let value = schema.to_value().map_err(|error| error.to_string())?;
        jsonschema::draft202012::options()
            .build(&value)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Checks an input; the error names the first place that does not fit.
    pub fn check(&self, job_type: &JobType, input: &Json) -> Result<(), InvalidRequest> {
        let breaks = |at: String, problem: String| InvalidRequest::InputBreaksSchema {
            job_type: job_type.clone(),
            at: if at.is_empty() { "/".to_owned() } else { at },
            problem,
        };
        let value = input.to_value().map_err(|error| breaks(String::new(), error.to_string()))?;
        self.0
            .validate(&value)
            .map_err(|error| breaks(error.instance_path().to_string(), error.to_string()))
    }
}

/// Compiles each schema once.
#[derive(Debug, Default)]
pub struct SchemaCache(Mutex<HashMap<Json, Arc<InputSchema>>>);

impl SchemaCache {
    /// The compiled form of this schema.
    pub fn get(&self, schema: &Json) -> Result<Arc<InputSchema>, String> {
        if let Some(compiled) = self.0.lock().get(schema) {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Arc::new(InputSchema::compile(schema)?);
        let mut cache = self.0.lock();
        if cache.len() >= SCHEMAS_CACHED_MAX {
            cache.clear();
        }
        cache.insert(schema.clone(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobType {
        JobType::new("greet").expect("a name")
    }

    #[test]
    fn an_input_that_does_not_fit_is_told_where() {
        let schema = Json::trusted(
            r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#,
        );
        let schema = SchemaCache::default().get(&schema).expect("a schema");
        assert_eq!(schema.check(&job(), &Json::trusted(r#"{"name":"Ada"}"#)), Ok(()));
        let error = schema.check(&job(), &Json::trusted(r#"{"name":7}"#)).expect_err("no string");
        let text = error.to_string();
        assert!(text.contains("greet") && text.contains("/name"), "{text}");
        let error = schema.check(&job(), &Json::trusted("{}")).expect_err("no name");
        assert!(error.to_string().contains("name"), "{error}");
    }

    #[test]
    fn a_schema_never_reaches_out() {
        let schema = Json::trusted(r#"{"$ref":"http://127.0.0.1:9/schema.json"}"#);
        assert!(InputSchema::compile(&schema).is_err());
    }
}
