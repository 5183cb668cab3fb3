//! `zapjobs config`: what is in effect, and why.

use serde_json::{Map, json};

use crate::args::ConfigArgs;
use crate::config::{Effective, SETTINGS, Source, template};
use crate::errors::Done;
use crate::output::{Output, Tone, table};

pub(super) fn config(args: &ConfigArgs, effective: &Effective, output: Output) -> Done {
    if args.template {
        output.line(template().trim_end());
        return Ok(());
    }
    let settings = SETTINGS.iter().zip(&effective.sources);
    if output.json {
        let entries = settings.map(|(setting, source)| {
            let value = (setting.read)(&effective.config);
            let entry = json!({ "value": value, "source": source.to_string() });
            (setting.key.to_owned(), entry)
        });
        output.document(&entries.collect::<Map<_, _>>());
        return Ok(());
    }
    let rows = settings.map(|(setting, source)| {
        let tone = if *source == Source::Default { Tone::Quiet } else { Tone::Strong };
        vec![
            (setting.key.to_owned(), None),
            ((setting.read)(&effective.config), Some(tone)),
            (source.to_string(), Some(tone)),
        ]
    });
    output.line(table(output.in_color(), &["SETTING", "VALUE", "SOURCE"], rows));
    Ok(())
}
