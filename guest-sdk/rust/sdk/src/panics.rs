//! What a panic leaves behind. The instance then traps; the host joins the two to a failure
//! that names the place.

/// Prints a panic to standard error as `panicked at FILE:LINE:COLUMN:` and its message.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::print_stderr, reason = "standard error is where the host looks for it")]
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a value that is no text");
        match panic.location() {
            Some(place) => {
                let (file, line, column) = (short_path(place.file()), place.line(), place.column());
                eprintln!("panicked at {file}:{line}:{column}:\n{message}");
            }
            None => eprintln!("panicked:\n{message}"),
        }
    }));
}

/// A source path without what belongs to the machine that compiled it: the registry's folder
/// before a dependency's name, the toolchain's before `library/`. The plugin's own paths are
/// relative already.
#[cfg(any(target_arch = "wasm32", test))]
fn short_path(path: &str) -> &str {
    if let Some((_, in_registry)) = path.split_once("/registry/src/") {
        return in_registry.split_once('/').map_or(in_registry, |(_, package)| package);
    }
    if let Some((before, in_library)) = path.split_once("/library/")
        && (before.starts_with("/rustc/") || before.ends_with("/rust"))
    {
        return &path[path.len() - in_library.len() - "library/".len()..];
    }
    path
}

#[cfg(test)]
mod tests {
    use super::short_path;

    #[test]
    fn paths_do_not_tell_of_the_machine_that_compiled() {
        let cases = [
            ("src/lib.rs", "src/lib.rs"),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1/png-0.18.0/src/a.rs",
                "png-0.18.0/src/a.rs",
            ),
            ("/rustc/59807616e/library/core/src/option.rs", "library/core/src/option.rs"),
            ("/x/lib/rustlib/src/rust/library/std/src/io.rs", "library/std/src/io.rs"),
            ("/srv/library/books/src/lib.rs", "/srv/library/books/src/lib.rs"),
        ];
        for (path, short) in cases {
            assert_eq!(short_path(path), short);
        }
    }
}
