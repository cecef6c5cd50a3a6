//! Finds names in string literals: paths in attributes, and variables in format strings.

/// Returns the paths in a string of an attribute: `limit`, `Limits::<u8>::low`, `Vec<Row>`, `make(1)`, and
/// the names in the braces of a format string. Prose contains no paths.
pub(super) fn quoted(text: &str) -> Vec<String> {
    if text.contains('{') {
        return captured(text).map(ToOwned::to_owned).collect();
    }
    let text = text.replace(" ::", "::").replace(":: ", "::");
    let is_name = |char: char| char.is_alphanumeric() || char == '_';
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_prose =
        words.windows(2).any(|pair| pair[0].ends_with(is_name) && pair[1].starts_with(is_name));
    if is_prose {
        return Vec::new();
    }
    // Searches the text with generic arguments, for the names in them, and without, for `Limits::low`.
    let mut without = String::new();
    let mut open = 0_usize;
    for char in text.chars() {
        match char {
            '<' => open += 1,
            '>' => open = open.saturating_sub(1),
            char if open == 0 => without.push(char),
            _ => {}
        }
    }
    let without = without.replace("::::", "::");
    let mut found: Vec<String> = Vec::new();
    for text in [&text, &without] {
        let paths = text.split(|char: char| !is_name(char) && char != ':');
        let paths = paths.map(|path| path.trim_matches(':')).filter(|path| is_path(path));
        for path in paths {
            if !found.iter().any(|found| found == path) {
                found.push(path.to_owned());
            }
        }
    }
    found
}

/// Returns whether a string in an attribute may be a path.
fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text.split("::").all(|part| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|char| char.is_alphanumeric() || char == '_')
        })
}

/// Returns the names in the braces of a format string: `{name}`, `{name:?}`, `{:name$.name$}`.
pub(super) fn captured(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |char: char| char.is_alphanumeric() || char == '_';
    text.split('{').skip(1).flat_map(move |rest| {
        let rest = rest.split('}').next().unwrap_or_default();
        let (name, format) = rest.split_once(':').unwrap_or((rest, ""));
        let sizes = format.split('$').map(move |size| {
            let start = size
                .rfind(|char| !is_name(char))
                .map_or(0, |at| at + size[at..].chars().next().map_or(1, char::len_utf8));
            &size[start..]
        });
        let name = name.split('.').next().unwrap_or_default().trim();
        let names = std::iter::once(name).chain(sizes);
        names.filter(move |name| !name.is_empty() && name.chars().all(is_name))
    })
}
