//! Links between the documents of the checkout.

use std::path::Path;

/// The links of a document that lead to no file or to no heading.
pub(super) fn problems(path: &Path, text: &str, root: &Path) -> Vec<String> {
    let broken = links(text).into_iter().filter_map(|link| {
        let reason = problem(path, text, &link.target, root)?;
        Some(format!("{}:{}: link to `{}` {reason}", path.display(), link.line, link.target))
    });
    broken.collect()
}

struct Link {
    target: String,
    line: usize,
}

/// The targets of `[text](target)` and `![text](target)` outside code.
fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut in_fence = false;
    for (number, line) in text.lines().enumerate() {
        if is_fence(line) {
            in_fence = !in_fence;
        } else if !in_fence {
            let targets = targets(&without_code(line));
            links.extend(targets.into_iter().map(|target| Link { target, line: number + 1 }));
        }
    }
    links
}

fn targets(line: &str) -> Vec<String> {
    let starts = line.match_indices("](").map(|(at, mark)| &line[at + mark.len()..]);
    let targets = starts.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    // A title may follow in quotes.
    targets.filter_map(|target| target.split_whitespace().next()).map(str::to_owned).collect()
}

/// The line without what stands between backquotes.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

fn problem(path: &Path, text: &str, target: &str, root: &Path) -> Option<&'static str> {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    if file.contains(':') {
        return None;
    }
    if file.is_empty() {
        return (!has_heading(text, heading)).then_some("names no heading here");
    }
    let folder = root.join(path).parent().map(Path::to_owned).unwrap_or_default();
    let linked = match file.strip_prefix('/') {
        Some(from_root) => root.join(from_root),
        None => folder.join(file),
    };
    if !linked.exists() {
        return Some("leads to no file");
    }
    if heading.is_empty() || linked.extension().is_none_or(|ending| ending != "md") {
        return None;
    }
    let other = std::fs::read_to_string(linked).unwrap_or_default();
    (!has_heading(&other, heading)).then_some("names no heading there")
}

fn has_heading(text: &str, wanted: &str) -> bool {
    let mut in_fence = false;
    text.lines().any(|line| {
        in_fence ^= is_fence(line);
        !in_fence && line.starts_with('#') && slug(line) == wanted
    })
}

/// A heading as it stands in a link to it.
fn slug(heading: &str) -> String {
    let title = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("docs")).expect("a folder");
        fs::write(root.path().join("docs/a.md"), "# The way of a run\n").expect("a file");
        let text = "# Top\n[a](a.md) [b](../docs/a.md#the-way-of-a-run \"title\") [c](#top)\n\
                    [web](https://example.com/x) [mail](mailto:x@example.com)\n\
                    `[code](nowhere.md)`\n```\n[code](nowhere.md)\n```\n\
                    [x](b.md) [y](a.md#other)\n[z](#below)\n";
        let found = problems(Path::new("docs/b.md"), text, root.path());
        assert_eq!(
            found,
            [
                "docs/b.md:8: link to `b.md` leads to no file",
                "docs/b.md:8: link to `a.md#other` names no heading there",
                "docs/b.md:9: link to `#below` names no heading here",
            ]
        );
    }
}
