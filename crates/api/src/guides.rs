//! `/docs`: the guides for customers and operators, from the Markdown files in `docs/`.

mod render;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use bytes::Bytes;

use crate::answer;
use crate::routes::Route;

const STYLE: &str = include_str!("guides/style.css");

/// No script, no picture, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A guide: where it is served below `/docs`, its name in the index, and its text.
struct Guide {
    path: &'static str,
    title: &'static str,
    text: &'static str,
}

macro_rules! guides {
    ($($path:literal: $title:literal,)*) => {
        &[$(Guide {
            path: $path,
            title: $title,
            text: include_str!(concat!("../../../docs/", $path, ".md")),
        },)*]
    };
}

/// The guides, in the order in which they are to be read.
const CUSTOMERS: &[Guide] = guides! {
    "customers/index": "Renting proxies over the API",
    "customers/authorization": "Authorization and answers",
    "customers/preparing-an-order": "Preparing an order",
    "customers/placing-an-order": "Placing an order",
    "customers/extending": "Extending",
    "customers/auto-extend": "Auto-extend",
    "customers/usage": "What you use",
    "customers/using-proxies": "Using proxies",
    "customers/rotation": "Rotation",
    "customers/api-keys": "API keys",
    "customers/errors": "Errors",
    "customers/youproxy": "Coming from Youproxy",
    "customers/proxy-seller": "Coming from Proxy-Seller",
};

const OPERATORS: &[Guide] = guides! {
    "operators/index": "Running Sublet",
    "operators/setting-up": "Setting up",
    "operators/catalogue": "The catalogue",
    "operators/stock": "Stock",
    "operators/modems": "Modems",
    "operators/customers-and-money": "Customers and money",
    "operators/payments": "Payments",
    "operators/usage": "Usage",
    "operators/backup": "Backup and restore",
    "operators/moving-to-postgresql": "Moving to PostgreSQL",
    "operators/running": "Running",
    "operators/postgresql": "PostgreSQL",
    "operators/gateways": "Gateways on other hosts",
};

/// The pages, made once.
static PAGES: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
    let guides = CUSTOMERS.iter().chain(OPERATORS);
    guides.map(|it| (it.path, page(it.title, &render::html(it.path, it.text)))).collect()
});

static INDEX: LazyLock<Bytes> = LazyLock::new(|| {
    let list = |guides: &[Guide]| -> String {
        let item = |it: &Guide| format!("<li><a href=\"/docs/{}\">{}</a></li>", it.path, it.title);
        guides.iter().map(item).collect()
    };
    let (customers, operators) = (list(CUSTOMERS), list(OPERATORS));
    page(
        "Guides",
        &format!(
            "<h1>Guides</h1><h2>For customers</h2><ul>{customers}</ul>\
             <h2>For operators</h2><ul>{operators}</ul>\
             <h2>For programs</h2><ul><li><a href=\"/api/openapi.json\">openapi.json</a></li></ul>"
        ),
    )
});

pub(crate) fn routes() -> Vec<Route> {
    let route = |template, handler| Route { dialect: "docs", template, methods: &["get"], handler };
    vec![
        route("/docs", get(index)),
        route("/docs/style.css", get(style)),
        route("/docs/customers/{guide}", get(guide)),
        route("/docs/operators/{guide}", get(guide)),
    ]
}

async fn index() -> Response<Body> {
    html(INDEX.clone())
}

async fn style() -> Response<Body> {
    let mut answer = Response::new(Body::from(STYLE));
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, css);
    answer
}

async fn guide(request: Request) -> Response<Body> {
    let path = request.uri().path().strip_prefix("/docs/").unwrap_or("");
    match PAGES.get(path) {
        Some(page) => html(page.clone()),
        None => answer::json(StatusCode::NOT_FOUND, "{}"),
    }
}

/// A page as it is sent.
pub(crate) fn html(page: Bytes) -> Response<Body> {
    let mut answer = Response::new(Body::from(page));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

/// A page around `content`, which is HTML of ours.
pub(crate) fn page(title: &str, content: &str) -> Bytes {
    Bytes::from(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n</head>\n\
         <body>\n<nav><a href=\"/\">Sublet</a> <a href=\"/docs\">Guides</a></nav>\n\
         <main>\n{content}\n</main>\n</body>\n</html>\n"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_guide_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let mut files = BTreeSet::new();
        for folder in ["customers", "operators"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if let Some(name) = name.strip_suffix(".md") {
                    files.insert(format!("{folder}/{name}"));
                }
            }
        }
        let served: BTreeSet<String> = PAGES.keys().map(|path| (*path).to_owned()).collect();
        assert_eq!(served, files, "give each guide a line in CUSTOMERS or OPERATORS");
    }

    /// A link to a page that does not exist, or to a heading that it does not have, fails here.
    #[test]
    fn every_link_between_guides_leads_somewhere() {
        for (from, page) in PAGES.iter() {
            let page = std::str::from_utf8(page).unwrap();
            for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                let (path, heading) = link.split_once('#').unwrap_or((link, ""));
                let target = match path.strip_prefix("/docs/") {
                    Some("style.css") => continue,
                    Some(path) => PAGES.get(path).map(|page| std::str::from_utf8(page).unwrap()),
                    None if path.is_empty() => Some(page),
                    None => continue,
                };
                let target = target.unwrap_or_else(|| panic!("{from} links to {link}"));
                let found = heading.is_empty() || target.contains(&format!("id=\"{heading}\""));
                assert!(found, "{from} links to {link}, but there is no such heading");
            }
        }
    }
}
