//! Imports run one way: for crates, for top-level folders, and for the crates that only one
//! place may know.
//!
//! **Invariant:** what is not allowed in [`rules`] is a violation; a new crate has to be named
//! there before anything may depend on it.

mod rules;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::{self, Workspace};

/// Checks all workspaces; answers how many edges it looked at.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let mut packages = packages(workspace.metadata(), workspace.root())?;
    for guests in workspace.guests() {
        let metadata = workspace::metadata(&guests.manifest, None)?;
        packages.extend(self::packages(&metadata, workspace.root())?);
    }
    let violations = violations(&packages);
    if !violations.is_empty() {
        bail!("imports run the wrong way:\n  {}", violations.join("\n  "));
    }
    Ok(packages.iter().map(|package| package.uses.len()).sum())
}

/// A package of this project.
#[derive(Debug, Clone)]
struct Package {
    name: String,
    /// The top-level folder it is in.
    folder: String,
    uses: Vec<Use>,
}

/// A package that another names in its manifest.
#[derive(Debug, Clone)]
struct Use {
    name: String,
    in_tests_only: bool,
}

fn packages(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(|package| parse(package, root)).collect()
}

fn parse(package: &Value, root: &Path) -> Result<Package> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let name = text(&package["name"]).context("a package has no name")?;
    let manifest = text(&package["manifest_path"]).context("a package has no manifest")?;
    let inside = Path::new(&manifest)
        .strip_prefix(root)
        .with_context(|| format!("package {name} is not in the checkout"))?;
    let folder = inside.iter().next().unwrap_or_default().to_string_lossy().into_owned();
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let uses = dependencies.iter().filter_map(|dependency| {
        let in_tests_only = dependency["kind"].as_str() == Some("dev");
        Some(Use { name: text(&dependency["name"])?, in_tests_only })
    });
    Ok(Package { uses: uses.collect(), name, folder })
}

/// Every edge that the rules do not allow, as a sentence.
fn violations(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages.iter().filter(|package| package.folder != rules::FREE_FOLDER) {
        if rules::is_unknown(&package.name, &package.folder) {
            violations.push(format!(
                "{} is not in the table of layers: add it, with what it may use",
                package.name
            ));
            continue;
        }
        let broken = package.uses.iter().filter_map(|used| problem(package, used, packages));
        violations.extend(broken);
    }
    violations
}

fn problem(package: &Package, used: &Use, packages: &[Package]) -> Option<String> {
    let from = &package.name;
    let to = &used.name;
    let Some(target) = packages.iter().find(|other| other.name == *to) else {
        let owners = rules::owners(to)?;
        let is_owner = owners.contains(&from.as_str());
        return (!is_owner)
            .then(|| format!("{from} uses {to}, which only {} may know", owners.join(" and ")));
    };
    let is_for_tests = used.in_tests_only && rules::tests_may_use(from, to);
    if target.folder == rules::FREE_FOLDER {
        if is_for_tests {
            return None;
        }
        return Some(format!("{from} uses {to}: nothing may depend on {}/", target.folder));
    }
    if !rules::folder_may_use(&package.folder, &target.folder) {
        let (own, other) = (&package.folder, &target.folder);
        return Some(format!("{from} uses {to}: {own}/ may not depend on {other}/"));
    }
    let allowed = rules::may_use(from, to) || is_for_tests;
    (!allowed && package.folder != rules::PLUGINS_FOLDER).then(|| {
        format!("{from} may not use {to}{}", if used.in_tests_only { " in tests" } else { "" })
    })
}

#[cfg(test)]
mod tests;
