//! `zapjobs template`, and what `enqueue` takes for one.

use clap::{Args, Subcommand};
use serde_json::Value;
use zapjobs_model::{ParameterName, TemplateName};

/// Look after templates: named presets of a job and its input, with parameters.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Store a template, over one of that name
    Put(PutTemplateArgs),
    /// List templates
    List,
    /// Show a template and its parameters
    Show(TemplateArgs),
    /// Delete a template; runs that were made of it stay
    Delete(TemplateArgs),
}

/// Which template.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// The template's name
    #[arg(value_name = "NAME")]
    pub(crate) name: TemplateName,
}

/// Store a template.
#[derive(Debug, Args)]
pub(crate) struct PutTemplateArgs {
    #[command(flatten)]
    pub(crate) template: TemplateArgs,
    /// The template: a file of JSON, or of TOML if its name ends with .toml, or - for JSON from
    /// stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
}

/// Make the run of a template.
#[derive(Debug, Args)]
pub(crate) struct FillArgs {
    /// Make the run of this template, in place of a job and its input; what else is named here is
    /// taken instead of what the template says
    #[arg(long, value_name = "NAME", conflicts_with_all = ["job", "input", "inputs"])]
    pub(crate) template: Option<TemplateName>,
    /// A parameter of the template: a value of JSON, or else a text; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_param,
          requires = "template")]
    pub(crate) params: Vec<(ParameterName, Value)>,
}

fn parse_param(text: &str) -> Result<(ParameterName, Value), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "use NAME=VALUE".to_owned())?;
    let name = ParameterName::new(name).map_err(|error| error.to_string())?;
    let plain = || Value::String(value.to_owned());
    Ok((name, serde_json::from_str(value).unwrap_or_else(|_| plain())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_is_no_json_is_a_text() {
        let value = |text| parse_param(text).expect("good").1;
        assert_eq!(value("n=7"), json!(7));
        assert_eq!(value("n=\"7\""), json!("7"));
        assert_eq!(value("to=ada@example.org"), json!("ada@example.org"));
        assert_eq!(value("to=a=b"), json!("a=b"));
        assert_eq!(value("to="), json!(""));
        assert!(parse_param("to").is_err() && parse_param("=1").is_err());
    }
}
