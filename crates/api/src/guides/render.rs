//! Markdown to HTML.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html as to_html};

/// The HTML of the guide at `path`. Headings can be linked to, and links to other guides' files
/// become links to their pages.
pub(super) fn html(path: &str, text: &str) -> String {
    let mut events: Vec<Event<'_>> =
        Parser::new_ext(text, Options::ENABLE_TABLES).map(|event| linked(path, event)).collect();
    name_headings(&mut events);
    let mut html = String::with_capacity(text.len() * 2);
    to_html::push_html(&mut html, events.into_iter());
    html
}

fn linked<'a>(path: &str, event: Event<'a>) -> Event<'a> {
    let Event::Start(Tag::Link { link_type, dest_url, title, id }) = event else { return event };
    let dest_url = page_of(path, &dest_url).map_or(dest_url, CowStr::from);
    Event::Start(Tag::Link { link_type, dest_url, title, id })
}

/// The page that a relative link from the guide at `path` leads to; `None` for other links.
fn page_of(path: &str, link: &str) -> Option<String> {
    let (file, heading) = link.split_once('#').map_or((link, None), |(it, id)| (it, Some(id)));
    let name = file.strip_suffix(".md").filter(|name| !name.contains(':'))?;
    let folder = path.split('/').next().unwrap_or("");
    let page = match name.strip_prefix("../") {
        Some(other) => format!("/docs/{other}"),
        None => format!("/docs/{folder}/{name}"),
    };
    Some(heading.map_or(page.clone(), |heading| format!("{page}#{heading}")))
}

/// Gives every heading its text as its name, in small letters with dashes between the words.
fn name_headings(events: &mut [Event<'_>]) {
    let mut at = 0;
    while at < events.len() {
        if matches!(events[at], Event::Start(Tag::Heading { .. })) {
            let is_end = |event: &Event<'_>| matches!(event, Event::End(TagEnd::Heading(_)));
            let length = events[at..].iter().position(is_end).unwrap_or(0);
            let name: String = events[at..at + length]
                .iter()
                .filter_map(|event| match event {
                    Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                    _ => None,
                })
                .flat_map(str::chars)
                .filter_map(|sign| match sign {
                    ' ' => Some('-'),
                    sign if sign.is_alphanumeric() || sign == '-' => {
                        Some(sign.to_ascii_lowercase())
                    }
                    _ => None,
                })
                .collect();
            if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
                *id = Some(CowStr::from(name));
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_headings_are_made_for_the_web() {
        let html = html(
            "customers/a",
            "# An `id`, or two\n[b](b.md#x) [c](../operators/c.md) \
            [d](https://d.example/e.md) <b>f</b>",
        );
        for part in [
            "<h1 id=\"an-id-or-two\">",
            "href=\"/docs/customers/b#x\"",
            "href=\"/docs/operators/c\"",
            "href=\"https://d.example/e.md\"",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
    }
}
