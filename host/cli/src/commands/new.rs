//! `zapjobs new`: begins a plugin.

use std::path::PathBuf;

use serde_json::json;

use crate::args::NewArgs;
use crate::errors::Done;
use crate::output::{Output, Tone};
use crate::scaffold::{self, PluginName};

pub(super) fn new(args: &NewArgs, output: Output) -> Done {
    let name = PluginName::new(&args.name)?;
    let place = args.dir.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    let sdk = scaffold::installed()?;
    scaffold::create(&place, &name, &sdk)?;
    if output.json {
        output.document(&json!({ "name": name.as_str(), "dir": place, "sdk": sdk }));
        return Ok(());
    }
    let shown = place.display();
    output.line(format_args!("{} {shown}", output.paint(Tone::Good, "made")));
    output.line(format_args!(
        "next:\n  cd {shown}\n  cargo test          # on this machine, no WebAssembly needed\n  \
         zapjobs build       # makes {name}.wasm\n  zapjobs run {name}.wasm --input \
         '{{\"name\": \"Ada\"}}'",
        name = name.as_str(),
    ));
    Ok(())
}
