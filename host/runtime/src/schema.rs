//! Whether an input fits its job's schema.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use jsonschema::Validator;
use parking_lot::Mutex;
use zapjobs_model::submit::{SCHEMA_BREAKS_MAX, SchemaBreak};
use zapjobs_model::{InvalidRequest, JobType, Json};

/// Compiled schemas kept at most; the cache is emptied when it is full.
const SCHEMAS_CACHED_MAX: usize = 1_024;
/// Bytes of what is told of one place of an input at most.
const PROBLEM_BYTES_MAX: usize = 500;

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

    /// Checks an input; the error names the places that do not fit, up to
    /// [`SCHEMA_BREAKS_MAX`].
    pub fn check(&self, job_type: &JobType, input: &Json) -> Result<(), InvalidRequest> {
        let told = |first: SchemaBreak, more: Vec<SchemaBreak>| {
            let (job_type, SchemaBreak { at, problem }) = (job_type.clone(), first);
            InvalidRequest::InputBreaksSchema { job_type, at, problem, more }
        };
        let value = input.to_value().map_err(|error| told(place("", &error), Vec::new()))?;
        if self.0.is_valid(&value) {
            return Ok(());
        }
        let errors = self.0.iter_errors(&value).take(SCHEMA_BREAKS_MAX);
        let mut places = errors.map(|error| place(error.instance_path().as_str(), &error));
        let first = places.next().unwrap_or_else(|| place("", &"it does not fit"));
        Err(told(first, places.collect()))
    }
}

/// A place, and what is wrong there in a few words: a problem may repeat the value.
fn place(at: &str, problem: &dyn Display) -> SchemaBreak {
    let mut problem = problem.to_string();
    if problem.len() > PROBLEM_BYTES_MAX {
        problem.truncate(problem.floor_char_boundary(PROBLEM_BYTES_MAX));
        problem.push_str(" ...");
    }
    let at = if at.is_empty() { "/" } else { at };
    SchemaBreak { at: at.to_owned(), problem }
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
    fn every_place_that_does_not_fit_is_told_in_few_words() {
        let schema = r#"{"type":"object","additionalProperties":{"type":"integer"}}"#;
        let schema = InputSchema::compile(&Json::trusted(schema)).expect("a schema");
        let places = |count: usize, value: &str| {
            let members = (0..count).map(|at| format!("\"m{at}\":\"{value}\""));
            let input = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            match schema.check(&job(), &Json::trusted(input)) {
                Err(InvalidRequest::InputBreaksSchema { at, problem, more, .. }) => {
                    std::iter::once(SchemaBreak { at, problem }).chain(more).collect::<Vec<_>>()
                }
                other => panic!("{other:?} tells no places"),
            }
        };
        let mut told: Vec<String> = places(3, "x").into_iter().map(|place| place.at).collect();
        told.sort();
        assert_eq!(told, ["/m0", "/m1", "/m2"]);
        let many = places(SCHEMA_BREAKS_MAX + 5, &"é".repeat(10_000));
        assert_eq!(many.len(), SCHEMA_BREAKS_MAX);
        assert!(many.iter().all(|place| place.problem.len() <= PROBLEM_BYTES_MAX + 4));
    }

    #[test]
    fn a_schema_never_reaches_out() {
        let schema = Json::trusted(r#"{"$ref":"http://127.0.0.1:9/schema.json"}"#);
        assert!(InputSchema::compile(&schema).is_err());
    }
}
