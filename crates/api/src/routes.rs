//! The contents page of everything that is routed by template.

use std::sync::Arc;

use axum::Router;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::map_response;
use axum::routing::MethodRouter;

use crate::app::App;
use crate::front::About;
use crate::native::{self, problem};
use crate::{answer, guides, health, home, openapi, pay, reboot, sandbox};

/// A path, what is served there, and what it is a part of.
pub(crate) struct Route {
    pub(crate) dialect: &'static str,
    pub(crate) template: &'static str,
    /// The methods, for the description and for those who use another.
    pub(crate) methods: &'static [&'static str],
    pub(crate) handler: MethodRouter<Arc<App>>,
}

/// Marks an answer with the route that it came from.
#[derive(Clone, Copy)]
pub(crate) struct Matched(pub(crate) About);

/// The routes that there are, given what is switched on.
pub(crate) fn all(api: bool, web: bool, sandbox: bool) -> Vec<Route> {
    let mut routes = health::routes();
    routes.extend(openapi::routes());
    if api {
        routes.extend(native::routes());
        routes.extend(reboot::routes());
        routes.extend(pay::routes());
        if sandbox {
            routes.extend(sandbox::routes());
        }
    }
    if web {
        routes.extend(guides::routes());
        routes.extend(home::routes());
    }
    routes
}

/// Routes requests; what is not there is answered with 404 and nothing else.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let settings = &app.settings;
    let mut router = Router::new();
    for route in all(settings.api, settings.web, app.engine.is_sandbox()) {
        let Route { dialect, template, methods, handler } = route;
        let about = About { dialect, route: template, key: None };
        let marked = map_response(move |mut answer: Response<_>| async move {
            // A handler that knows its caller has said more.
            if answer.extensions().get::<Matched>().is_none() {
                answer.extensions_mut().insert(Matched(about));
            }
            answer
        });
        let allowed = HeaderValue::try_from(methods.join(", ").to_uppercase());
        let allowed = allowed.expect("names of methods may stand in a header");
        let refuse = async move || {
            let mut answer = problem::plain(StatusCode::METHOD_NOT_ALLOWED);
            answer.headers_mut().insert(ALLOW, allowed);
            answer
        };
        router = router.route(template, handler.fallback(refuse).layer(marked));
    }
    let nothing = async || answer::json(StatusCode::NOT_FOUND, "{}");
    router.fallback(nothing).with_state(app.clone())
}
