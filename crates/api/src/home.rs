//! `/`: what this server is.

use axum::body::Body;
use axum::http::Response;
use axum::routing::get;

use crate::guides;
use crate::routes::Route;

const TEXT: &str = "\
<h1>Sublet</h1>
<p>This server rents out proxies. Programs talk to it over HTTP; people run it from its command line.</p>
<ul>
<li><a href=\"/docs\">Guides</a> for customers and operators</li>
<li><a href=\"/api/openapi.json\">Description of the API</a> for programs</li>
<li><a href=\"/healthz\">Is it alive?</a> <a href=\"/readyz\">Is it ready?</a></li>
</ul>";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route { dialect: "web", template: "/", methods: &["get"], handler: get(home) }]
}

async fn home() -> Response<Body> {
    guides::html(guides::page("Sublet", TEXT))
}
